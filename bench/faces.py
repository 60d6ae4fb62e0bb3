"""Stages of a visit for each engine pack there is, packs beside dlib's own pipeline, and what keeping them apart
costs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.measure import Row, in_turn, processor_s, timed
from data.faces import people
from identity.capture.embed import choose, embed_one, isolate
from identity.engines.load import open_pack
from identity.engines.manifests import pack_names, package_folder
from identity.engines.protocol import Face, FaceEngine
from identity.errors import PackError
from identity.frames.decode import Frame, decode
from identity.matching.calibration import Calibration
from identity.matching.decide import decide
from identity.sandbox.connection import Launch
from identity.sandbox.pool import EnginePool
from identity.vectors import unit

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
    calibration = Calibration(engine.pack.id, 0.5, GALLERY, target=0.01, made_at_us=0)
    runs: dict[str, Callable[[int], object]] = {
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


def pipelines(models: Path | None, cache: Path, n: int) -> list[Row]:
    """A JPEG of 1280x960 to its vector: every pack, and dlib as it comes (HOG, five points, its own ResNet).

    dlib is measured twice: with its detector on the whole frame, as dlib is used, and on the picture shrunk to 640
    pixels that the dlib pack looks at, which is the better part of our own doing.
    """
    frames = [people.jpeg(people.draw_face(k, 0, (1280, 960))) for k in range(PEOPLE)]
    ways: dict[str, Callable[[int], object]] = {
        "dlib's own": dlibs_own(frames, (1280, 960)),
        "dlib's own, detecting at 640 pixels": dlibs_own(frames, (640, 480)),
    }
    for name in pack_names():
        with suppress(PackError):
            engine = open_pack(name, models, cache)
            ways[name] = partial(_to_vector, engine, frames)
    times = dict(zip(ways, in_turn(list(ways.values()), n, clock=time.process_time), strict=True))
    section = "A JPEG of 1280x960 to its vector (processor time)"
    rows = [Row(section, f"{name}: frames a second", times[name].per_second, "/s") for name in ways]
    best = "open-model-zoo" if "open-model-zoo" in times else "dlib"
    ratios = {name: times[best].per_second / times[name].per_second for name in list(ways)[:2]}
    whole, shrunk = ratios
    rows.append(Row(section, f"{best} / {whole}", ratios[whole], "x", 8, "more"))
    return [*rows, Row(section, f"{best} / {shrunk}", ratios[shrunk], "x")]


def _to_vector(engine: FaceEngine, frames: list[bytes], k: int) -> object:
    return embed_one(engine, decode(frames[k % PEOPLE]))


def _embed(engine: FaceEngine, frames: list[Frame], k: int) -> object:
    return embed_one(engine, frames[k % PEOPLE])


def dlibs_own(frames: list[bytes], size: tuple[int, int]) -> Callable[[int], object]:
    """dlib's pipeline on one of the frames; its detector sees them at `size` (width, height)."""
    import dlib

    detector, shapes, network = dlibs_parts()

    def run(k: int) -> object:
        rgb = np.ascontiguousarray(decode(frames[k % PEOPLE]).pixels[..., ::-1])
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        found = max(detector(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), 0), key=lambda box: box.area())
        sides = found.left(), found.top(), found.right(), found.bottom()
        x, y, right, bottom = (side * grey.shape[1] // size[0] for side in sides)
        shape = shapes(rgb, dlib.rectangle(x, y, right, bottom))
        return network.compute_face_descriptor(dlib.get_face_chip(rgb, shape))

    return run


def dlibs_parts() -> tuple[Any, Any, Any]:
    """dlib's detector, its predictor of five points and its ResNet."""
    import dlib

    folder = package_folder("face_recognition_models")
    if folder is None:
        raise RuntimeError("face_recognition_models is not installed")
    network = dlib.face_recognition_model_v1(str(folder / "models" / "dlib_face_recognition_resnet_model_v1.dat"))
    shapes = dlib.shape_predictor(str(folder / "models" / "shape_predictor_5_face_landmarks.dat"))
    return dlib.get_frontal_face_detector(), shapes, network


def in_own_process(models: Path | None, cache: Path, n: int) -> list[Row]:
    """What it costs to run a pack in a process of its own: milliseconds a frame, detected and embedded."""
    frames = [decode(people.jpeg(people.draw_face(k, 0, (1280, 960)))) for k in range(PEOPLE)]
    rows: list[Row] = []
    for name in pack_names():
        try:
            here, pool = open_pack(name, models, cache), EnginePool(Launch(name, models, cache))
        except PackError:
            continue
        pool.start()
        costs, walls = [], []
        for engine in (here, pool, here, pool):  # twice, so that a change of the machine's pace hits both
            used = processor_s(os.getpid())
            walls.append(timed(partial(_embed, engine, frames), n).p50)
            costs.append(1000 * (processor_s(os.getpid()) - used) / (n + 3))
        pool.close()
        section = f"{name} in a process of its own, walls: {', '.join(pool.walls)}"
        rows += [
            Row(section, "in the server's process, processor time a frame", (costs[0] + costs[2]) / 2, "ms"),
            Row(section, "in its own, both processes together", (costs[1] + costs[3]) / 2, "ms"),
            Row(section, "in the server's process, p50", (walls[0] + walls[2]) / 2, "ms"),
            Row(section, "in its own, p50", (walls[1] + walls[3]) / 2, "ms"),
        ]
    return rows


def against_dlib(cache: Path, n: int) -> list[Row]:
    """The converted network and dlib's own on the same aligned faces, turn by turn."""
    import dlib

    _, shapes, network = dlibs_parts()
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
