"""An optional passive liveness model of the operator: does this picture show a face, or a picture of one?

The product ships no such model. The model is one ONNX file with a manifest, like those of an engine pack, and runs
in a sandboxed process of its own (`sandbox.pool`). It does not recognise anybody: it gets one crop of each frame,
with all other faces blanked, and returns a few numbers, from which one decision is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from identity.capture.challenge import State
from identity.capture.embed import Detection, choose, isolate
from identity.engines.manifests import Pack, checked_files, load_pack
from identity.engines.protocol import Face, Pixels, Vector
from identity.engines.sessions import open_session
from identity.errors import CaptureError, PackError
from identity.frames.opencv import cv2
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool, EngineUnavailable

MAKER = "identity.capture.passive_liveness:open_passive"
ANSWER_TIMEOUT_S = 1.0  # for one answer: the person at the device waits for it
LARGEST_SIDE = 1_024
LARGEST_MARGIN = 2.0


class ManifestFaulty(PackError):
    """A manifest that an operator wrote is incomplete or has invalid values."""

    code = "manifest_faulty"
    what_to_do = "Mend the manifest as the reply says."

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"The manifest {name!r} cannot be used: {reason}.")


def load_passive_manifest(name: str, folder: Path | None) -> Pack:
    """The manifest `folder`/`name`.json. Raises UnknownPack, PackDenied, or ManifestFaulty with the reason.

    `input` holds `side` (pixels), `margin` (share of the face's box added on each side), `colour` (RGB or BGR),
    `mean` and `scale` (the input is (pixel - mean) * scale). `calibration` holds `live` (the index of the output
    for a living face), `logits` (whether a softmax is needed), `threshold` (0 to 1) and `alone` (whether the model
    may pass a press without the challenge).
    """
    if folder is None:
        raise ManifestFaulty(name, "USUAL_MODELS names no folder")
    try:
        pack = load_pack(name, folder)
        spec, calibration = pack.input, pack.calibration
        checks = {
            "engine is not passive": pack.engine == "passive",
            "it needs exactly one file, with the role liveness": [file.role for file in pack.files]
            == ["liveness"],
            "side": 1 <= int(spec["side"]) <= LARGEST_SIDE,
            "margin": 0 <= float(spec["margin"]) <= LARGEST_MARGIN,
            "colour": spec["colour"] in ("RGB", "BGR"),
            "mean or scale": bool(np.isfinite([float(spec["mean"]), float(spec["scale"])]).all()),
            "live": 0 <= int(calibration["live"]) < pack.size <= 1_000,
            "threshold": 0 < float(calibration["threshold"]) < 1,
            "logits or alone": {type(calibration["logits"]), type(calibration["alone"])} == {bool},
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ManifestFaulty(name, f"{type(error).__name__} {error}") from error
    if wrong := [check for check, passed in checks.items() if not passed]:
        raise ManifestFaulty(name, ", ".join(wrong))
    return pack


def open_passive(name: str, models: Path | None, cache: Path) -> PassiveEngine:
    """Open the model, in its sandboxed process. Raises PackMissing, PackAltered and what `load_passive_manifest`
    raises."""
    pack = load_passive_manifest(name, models)
    return PassiveEngine(pack, checked_files(pack, models, cache)["liveness"])


class PassiveEngine:
    """The model as a `FaceEngine`, so that it runs in the same kind of process. It detects no faces."""

    def __init__(self, pack: Pack, path: Path) -> None:
        self._pack = pack
        self._session = open_session(path)
        self._input_name = self._session.get_inputs()[0].name

    @property
    def pack(self) -> Pack:
        return self._pack

    def detect(self, pixels: Pixels) -> list[Face]:
        """No faces: the engine pack detects them."""
        return []

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        """The model's outputs (size,) for the square around `face`."""
        spec = self._pack.input
        crop = square(pixels, face, int(spec["side"]), float(spec["margin"]))
        if spec["colour"] == "RGB":
            crop = crop[:, :, ::-1]
        batch = (crop.transpose(2, 0, 1)[None].astype(np.float32) - spec["mean"]) * spec["scale"]
        outputs = self._session.run(None, {self._input_name: np.asarray(batch, np.float32)})
        return np.asarray(outputs[0], np.float32).reshape(-1)


def square(pixels: Pixels, face: Face, side: int, margin: float) -> Pixels:
    """(side, side, 3): the square around a face's box with `margin` of it on each side; edges are repeated."""
    x, y, w, h = face.box
    reach = max(w, h, 1.0) * (1 + 2 * margin)
    scale = side / reach
    shift = np.array([(reach - w) / 2 - x, (reach - h) / 2 - y]) * scale
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def live_share(outputs: Vector, pack: Pack) -> float:
    """The model's score for a living face: 0 to 1, or NaN when an output is not finite."""
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
    """The model of an installation, in its own process. Safe with threads.

    The files are checked here first: raises the errors of `open_passive`.
    """

    def __init__(self, name: str, models: Path | None, cache: Path) -> None:
        self.pack = load_passive_manifest(name, models)
        launch = Launch(name, models, cache, MAKER, manifests=models)
        self.workers = EnginePool(launch, timeout_s=ANSWER_TIMEOUT_S)

    def judge(self, detections: Sequence[Detection]) -> State:
        """ "passed" when every frame with one face in it shows a living one. Without such a frame, or when the
        model gives no answer: "not_run", which opens nothing."""
        shares = []
        for detection in detections:
            pixels = detection.frame.pixels
            try:
                chosen = choose(detection.faces, pixels.shape[:2])
            except CaptureError:
                continue
            margin = float(self.pack.input["margin"])
            crop, face = isolate(pixels, detection.faces, chosen, margin=(margin, margin))
            try:
                shares.append(live_share(self.workers.embed(crop, face), self.pack))
            except EngineUnavailable:
                return "not_run"
        if not shares or not np.isfinite(shares).all():
            return "not_run"
        return "passed" if min(shares) >= float(self.pack.calibration["threshold"]) else "failed"

    def with_challenge(self, seen: State, challenge: State) -> State:
        """Both states as one: each can fail the press. Without `alone` in the manifest both must pass; with it
        the model is enough. The challenge alone is never enough."""
        if "failed" in (seen, challenge):
            return "failed"
        enough = challenge == "passed" or bool(self.pack.calibration["alone"])
        return "passed" if seen == "passed" and enough else "not_run"
