"""A passive liveness model, when an operator plugs one in: does this picture show a face, or a picture of one?

None ships with the product. The model is one ONNX file with a manifest beside it, like any engine pack's, and
runs in a process of its own that can do nothing but compute (`workers.py`). It is no recogniser: it gets one
blanked crop of each frame and answers with a few numbers, of which one decision is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from identity.capture.challenge import State
from identity.capture.embed import choose, isolate
from identity.engines.manifests import Pack, load_pack, located
from identity.engines.protocol import Face, FaceEngine, Pixels, Vector
from identity.engines.sessions import open_session
from identity.errors import CaptureError, PackError
from identity.frames.decode import decode
from identity.frames.opencv import cv2
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool, EngineUnavailable

MAKER = "identity.capture.passive_liveness:open_passive"
PATIENCE_S = 1.0  # for one answer: whoever stands there waits for it
LARGEST_SIDE = 1_024
LARGEST_MARGIN = 2.0


class ManifestFaulty(PackError):
    """A manifest that an operator wrote does not say what it must."""

    code = "manifest_faulty"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The manifest {name!r} cannot be used: {reason}.")


def passive_manifest(name: str, folder: Path | None) -> Pack:
    """The manifest `folder`/`name`.json. Raises UnknownPack, PackDenied, or ManifestFaulty with what is wrong.

    `input` holds `side` (pixels), `margin` (share of the face's box added on each side), `colour` (RGB or BGR),
    `mean` and `scale` (what goes in is (pixel - mean) * scale); `calibration` holds `live` (which output speaks
    for a living face), `logits` (whether outputs are to be made shares first), `threshold` (a share) and `alone`
    (whether its passing stands without the challenge).
    """
    if folder is None:
        raise ManifestFaulty(name, "USUAL_MODELS names no folder")
    try:
        pack = load_pack(name, folder)
        given, told = pack.input, pack.calibration
        sound = {
            "engine is not passive": pack.engine == "passive",
            "it names not one file, of the role liveness": [file.role for file in pack.files] == ["liveness"],
            "side": 1 <= int(given["side"]) <= LARGEST_SIDE,
            "margin": 0 <= float(given["margin"]) <= LARGEST_MARGIN,
            "colour": given["colour"] in ("RGB", "BGR"),
            "mean or scale": bool(np.isfinite([float(given["mean"]), float(given["scale"])]).all()),
            "live": 0 <= int(told["live"]) < pack.size <= 1_000,
            "threshold": 0 < float(told["threshold"]) < 1,
            "logits or alone": {type(told["logits"]), type(told["alone"])} == {bool},
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ManifestFaulty(name, f"{type(error).__name__} {error}") from error
    if wrong := [what for what, right in sound.items() if not right]:
        raise ManifestFaulty(name, ", ".join(wrong))
    return pack


def open_passive(name: str, models: Path | None, cache: Path) -> PassiveEngine:
    """For the process that the model runs in. Raises as `passive_manifest` does, PackMissing or PackAltered."""
    pack = passive_manifest(name, models)
    return PassiveEngine(pack, located(pack, models, cache)["liveness"])


class PassiveEngine:
    """The model in the shape of a `FaceEngine`, so that it runs in the same kind of process. It finds no faces."""

    def __init__(self, pack: Pack, path: Path) -> None:
        self._pack = pack
        self._session = open_session(path)
        self._given = self._session.get_inputs()[0].name

    @property
    def pack(self) -> Pack:
        return self._pack

    def detect(self, pixels: Pixels) -> list[Face]:
        """Nobody: finding faces is the engine pack's part."""
        return []

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        """The model's outputs (size,) for the square around `face`."""
        told = self._pack.input
        crop = square(pixels, face, int(told["side"]), float(told["margin"]))
        if told["colour"] == "RGB":
            crop = crop[:, :, ::-1]
        batch = (crop.transpose(2, 0, 1)[None].astype(np.float32) - told["mean"]) * told["scale"]
        outputs = self._session.run(None, {self._given: np.asarray(batch, np.float32)})
        return np.asarray(outputs[0], np.float32).reshape(-1)


def square(pixels: Pixels, face: Face, side: int, margin: float) -> Pixels:
    """(side, side, 3): the square about a face's box and `margin` of it on each side, edges repeated."""
    x, y, w, h = face.box
    reach = max(w, h, 1.0) * (1 + 2 * margin)
    scale = side / reach
    shift = np.array([(reach - w) / 2 - x, (reach - h) / 2 - y]) * scale
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def share_of(outputs: Vector, pack: Pack) -> float:
    """How much the model takes it for a living face: 0 to 1, or NaN when it answered with no number."""
    numbers = np.asarray(outputs, np.float64)
    if not np.isfinite(numbers).all():
        return float("nan")
    live = int(pack.calibration["live"])
    if not pack.calibration["logits"]:
        return float(numbers[live])
    if len(numbers) == 1:
        return float(1 / (1 + np.exp(-np.clip(numbers[0], -60, 60))))
    powers = np.exp(numbers - np.max(numbers))
    return float(powers[live] / powers.sum())


class PassiveLiveness:
    """The model of an installation, in its process. Safe with threads.

    The file is checked here as well: raises as `open_passive` does before anything runs.
    """

    def __init__(self, name: str, models: Path | None, cache: Path) -> None:
        self.pack = passive_manifest(name, models)
        launch = Launch(name, models, cache, MAKER, manifests=models)
        self.workers = EnginePool(launch, patience_s=PATIENCE_S)

    def judge(self, engine: FaceEngine, frames: Sequence[bytes]) -> State:
        """ "passed" when each frame with a usable face shows a living one. Without any, or when the model gives no
        answer: "not_run", which opens nothing."""
        shares = []
        for data in frames:
            pixels = decode(data).pixels
            faces = engine.detect(pixels)
            try:
                chosen = choose(faces, pixels.shape[:2])
            except CaptureError:
                continue
            margin = float(self.pack.input["margin"])
            crop, face = isolate(pixels, faces, chosen, margin=(margin, margin))
            try:
                shares.append(share_of(self.workers.embed(crop, face), self.pack))
            except EngineUnavailable:
                return "not_run"
        if not shares or not np.isfinite(shares).all():
            return "not_run"
        return "passed" if min(shares) >= float(self.pack.calibration["threshold"]) else "failed"

    def with_challenge(self, seen: State, challenge: State) -> State:
        """Both verdicts as one: either may refuse. The model's own passing counts as much as its manifest says;
        without it the challenge opens nothing."""
        if "failed" in (seen, challenge):
            return "failed"
        enough = challenge == "passed" or bool(self.pack.calibration["alone"])
        return "passed" if seen == "passed" and enough else "not_run"
