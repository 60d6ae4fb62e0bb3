"""Pictures of nobody, to warm an engine up and to compare two of them."""

from __future__ import annotations

import numpy as np

from identity.engines.protocol import Face, FaceEngine, Pixels
from identity.frames.opencv import cv2


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
