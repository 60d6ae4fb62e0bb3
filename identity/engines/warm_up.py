"""Pictures without a person, to warm up an engine and to compare two engines."""

from __future__ import annotations

import numpy as np

from identity.engines.protocol import Face, FaceEngine, Pixels
from identity.frames.opencv import cv2


def pattern(seed: int = 0, side: int = 320) -> Pixels:
    """A smooth random picture of nothing, (side, side, 3)."""
    cells = np.random.default_rng(seed).integers(30, 226, (10, 10, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(cells, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def some_face(engine: FaceEngine, side: int = 320) -> Face:
    """An invented face in the middle of a (side, side) picture, in the landmark scheme of the engine."""
    unit = side / 320
    if engine.pack.engine == "dlib":
        points, scheme = [(115, 140), (145, 140), (175, 140), (205, 140), (160, 185)], "eye_corners_nose"
    else:
        points, scheme = [(130, 140), (190, 140), (160, 175), (135, 205), (185, 205)], "eyes_nose_mouth"
    landmarks = np.array(points, np.float32) * unit
    return Face((100 * unit, 95 * unit, 120 * unit, 140 * unit), landmarks, 1.0, scheme)
