"""What decoding a JPEG at a smaller scale would save, and what it would do to the vectors (docs/decisions)."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from bench.measure import Row, in_turn
from bench.visits import keep_memory, scene_frame
from identity.capture.cover import Cover
from identity.capture.embed import choose, isolate
from identity.capture.quality import quality_of
from identity.engines.load import open_pack
from identity.engines.protocol import Face, FaceEngine, Pixels, Vector
from identity.engines.yunet import scale_faces
from identity.frames.resize import shrink_for_detector
from identity.vectors import unit

SCALES = {
    "whole": cv2.IMREAD_COLOR,
    "a half": cv2.IMREAD_REDUCED_COLOR_2,
    "a quarter": cv2.IMREAD_REDUCED_COLOR_4,
    "an eighth": cv2.IMREAD_REDUCED_COLOR_8,
}
PACK = "open-model-zoo"
SAME = 0.9999
"""The cosine that a vector must have with the one made of the whole picture."""


def scaled_jpeg(models: Path, cache: Path, people: int) -> list[Row]:
    """Processor times of decoding at each scale, and cosines of the vectors of `people` drawn people."""
    keep_memory()
    engine = open_pack(PACK, models, cache)
    frames = [scene_frame(seed, 40) for seed in range(people)]
    ways: list[Callable[[int], object]] = [partial(_nth, frames, scale) for scale in SCALES]
    ways.append(lambda k: shrink_for_detector(decoded(frames[k % people], "whole"), engine.pack.input))
    times = [times.p50 for times in in_turn(ways, 40, clock=time.thread_time)]
    section = f"JPEGs of 1280x960 decoded at a scale, {PACK}, {people} drawn frames"
    rows = [
        Row(section, f"processor time of decoding: {scale}", taken, "ms")
        for scale, taken in zip(SCALES, times, strict=False)
    ]
    twice = times[list(SCALES).index("a quarter")] + times[0]
    rows.append(Row(section, "a quarter, then whole for the face / whole and shrunk", twice / times[-1], "x"))
    for name, way in (("detector at a quarter", "a quarter"), ("all at a half", "a half")):
        cosines = np.array([_cosine(engine, frame, way) for frame in frames])
        below = f"{np.mean(cosines < SAME):.0%} below {SAME}"
        rows.append(Row(section, f"{name}: smallest cosine", float(cosines.min()), "", note=below))
    return rows


def decoded(frame: bytes, scale: str) -> Pixels:
    """The pixels of a JPEG at one of SCALES, by libjpeg-turbo's smaller transforms."""
    return np.asarray(cv2.imdecode(np.frombuffer(frame, np.uint8), SCALES[scale]), np.uint8)


def _nth(frames: list[bytes], scale: str, k: int) -> Pixels:
    return decoded(frames[k % len(frames)], scale)


def _cosine(engine: FaceEngine, frame: bytes, scale: str) -> float:
    """Of the vector of a whole picture with that of the same picture detected at `scale`, and embedded at it as
    well where that is a half."""
    whole, small = decoded(frame, "whole"), decoded(frame, scale)
    as_today = _vector(engine, whole, _faces(engine, whole, whole))
    faces = _faces(engine, small, whole)
    if scale != "a half":
        return float(as_today @ _vector(engine, whole, faces))
    return float(as_today @ _vector(engine, small, [face.shrunk(2) for face in faces]))


def _faces(engine: FaceEngine, pixels: Pixels, whole: Pixels) -> list[Face]:
    small = shrink_for_detector(pixels, engine.pack.input)
    return scale_faces(engine.detect(small), small, whole)


def _vector(engine: FaceEngine, pixels: Pixels, faces: list[Face]) -> Vector:
    chosen = choose(faces, pixels.shape[:2])
    cover: Cover = quality_of(pixels, chosen).cover
    return unit(engine.embed(*isolate(pixels, faces, chosen, cover)))
