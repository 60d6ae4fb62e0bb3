"""What any engine pack must do before it may look at a customer. Nobody's picture is needed to ask."""

from __future__ import annotations

import time
from typing import NamedTuple

import cv2
import numpy as np

from identity.engines import Face, FaceEngine, Pixels


class Finding(NamedTuple):
    """One question and its answer."""

    name: str
    passed: bool
    detail: str


def pattern(seed: int = 0, side: int = 320) -> Pixels:
    """A smooth random picture of nothing, (side, side, 3)."""
    cells = np.random.default_rng(seed).integers(30, 226, (10, 10, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(cells, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def some_face(engine: FaceEngine, side: int = 320) -> Face:
    """A face put by hand into the middle of a picture, in the scheme that the engine aligns on."""
    unit = side / 320
    if engine.pack.engine == "dlib":
        points, scheme = [(115, 140), (145, 140), (175, 140), (205, 140), (160, 185)], "eye_corners_nose"
    else:
        points, scheme = [(130, 140), (190, 140), (160, 175), (135, 205), (185, 205)], "eyes_nose_mouth"
    landmarks = np.array(points, np.float32) * unit
    return Face((100 * unit, 95 * unit, 120 * unit, 140 * unit), landmarks, 1.0, scheme)


def examine(engine: FaceEngine) -> list[Finding]:
    """Put the questions: shape, length, determinism, difference, nobody in noise, speed."""
    picture, face = pattern(), some_face(engine)
    vector = engine.embed(picture, face)
    started = time.perf_counter()
    again = engine.embed(picture.copy(), face)
    embed_ms = 1000 * (time.perf_counter() - started)
    other = engine.embed(pattern(1), face)
    norm = float(np.linalg.norm(vector))
    plain = np.full((240, 320, 3), 127, np.uint8)
    started = time.perf_counter()
    nobody = engine.detect(plain)
    detect_ms = 1000 * (time.perf_counter() - started)
    return [
        Finding("files, licence and vendor", True, f"as pinned; {engine.pack.licence}; {engine.pack.vendor}"),
        Finding(
            "vector",
            vector.shape == (engine.pack.size,) and vector.dtype == np.float32,
            f"{vector.dtype} {vector.shape}, manifest says {engine.pack.size}",
        ),
        Finding("length", bool(np.isfinite(vector).all()) and abs(norm - 1) < 1e-4, f"{norm:.6f}"),
        Finding("the same picture twice", bool(np.array_equal(vector, again)), "bit for bit"),
        Finding("another picture", float(vector @ other) < 0.9999, f"cosine {float(vector @ other):.3f}"),
        Finding("nobody in an empty picture", not nobody, f"{len(nobody)} faces"),
        Finding(
            "speed", embed_ms < 500 and detect_ms < 500, f"embed {embed_ms:.1f} ms, detect {detect_ms:.1f} ms"
        ),
    ]
