"""Stages of a visit for each engine pack there is, and the converted network against dlib's own."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Row, in_turn, timed
from data import people
from identity.calibration import Calibration
from identity.capture import choose, isolate
from identity.engines import Face, FaceEngine, open_pack
from identity.errors import PackError
from identity.frames import decode
from identity.manifests import pack_names
from identity.matching import decide, unit

GALLERY = 1_000
PEOPLE = 6


def stages(models: Path | None, cache: Path, n: int) -> list[Row]:
    """Decode, detect, choose, embed and match, a row each, for every pack that can be opened here."""
    frames = [people.jpeg(people.draw_face(k, 0, (1280, 960))) for k in range(PEOPLE)]
    rows: list[Row] = []
    for name in pack_names():
        try:
            engine = open_pack(name, models, cache)
        except PackError as error:
            rows.append(Row(f"Stages of a visit, {name}", "not available here", float("nan"), "", note=error.code))
            continue
        rows += _stages_of(engine, name, frames, n)
    return rows


def _stages_of(engine: FaceEngine, name: str, frames: list[bytes], n: int) -> list[Row]:
    pixels = [decode(data).pixels for data in frames]
    found = [engine.detect(picture) for picture in pixels]
    chosen = [choose(faces, picture.shape[:2]) for faces, picture in zip(found, pixels, strict=True)]
    crops = [isolate(*parts) for parts in zip(pixels, found, chosen, strict=True)]
    vectors = [unit(engine.embed(crop, face)) for crop, face in crops]
    size = len(vectors[0])
    rng = np.random.default_rng(0)
    gallery = unit(rng.standard_normal((GALLERY, size)))
    calibration = Calibration(engine.pack.id, 0.5, GALLERY, frames=1, target=0.01, made_at_us=0)
    runs: dict[str, Callable[[int], Any]] = {
        "decode a JPEG of 1280x960": lambda k: decode(frames[k % PEOPLE]),
        "detect": lambda k: engine.detect(pixels[k % PEOPLE]),
        "choose and blank the others": lambda k: isolate(
            pixels[k % PEOPLE], found[k % PEOPLE], choose(found[k % PEOPLE], pixels[k % PEOPLE].shape[:2])
        ),
        "align and embed": lambda k: engine.embed(*crops[k % PEOPLE]),
        f"match against {GALLERY} templates": lambda k: decide(vectors[k % PEOPLE], gallery, calibration),
    }
    section = f"Stages of a visit, {name} (p50)"
    return [Row(section, label, timed(run, n).p50, "ms") for label, run in runs.items()]


def against_dlib(cache: Path, n: int) -> list[Row]:
    """The converted network and dlib's own on the same aligned faces, turn by turn."""
    import dlib

    package = find_spec("face_recognition_models")
    if package is None or package.origin is None:
        return [Row("dlib converted", "face_recognition_models is not installed", float("nan"), "")]
    folder = Path(package.origin).parent / "models"
    network = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
    shapes = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
    engine = open_pack("dlib", None, cache)
    pixels = [people.draw_face(k, 0) for k in range(PEOPLE)]
    faces: list[Face] = [engine.detect(picture)[0] for picture in pixels]
    chips = []
    for picture, face in zip(pixels, faces, strict=True):
        x, y, w, h = (round(v) for v in face.box)
        rgb = np.ascontiguousarray(picture[..., ::-1])
        chips.append(dlib.get_face_chip(rgb, shapes(rgb, dlib.rectangle(x, y, x + w, y + h))))
    ours, theirs = in_turn(
        [
            lambda k: engine.embed(pixels[k % PEOPLE], faces[k % PEOPLE]),
            lambda k: network.compute_face_descriptor(chips[k % PEOPLE]),
        ],
        n,
    )
    section = "The converted network against dlib's own (p50)"
    return [
        Row(section, "converted, with alignment", ours.p50, "ms"),
        Row(section, "dlib, on a chip that is aligned already", theirs.p50, "ms"),
        Row(section, "dlib / converted", theirs.p50 / ours.p50, "x", 8, "more"),
    ]
