"""Making a picture smaller by area, the cheap way, cutting out of it, and how small a pack's networks need it.

What a network would throw away is not sent to its process: a frame of 1280 x 960 is 3.7 MB, what YuNet looks at
is .2 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.frames.opencv import cv2

Pixels = NDArray[np.uint8]  # (height, width, channels)


def shrink(pixels: Pixels, width: int, height: int) -> Pixels:
    """The picture at (height, width), each pixel the mean of the area that it covers.

    Halved as long as it halves evenly, since OpenCV does that in vector instructions: 1280 x 960 to 320 x 240
    took .29 instead of .96 ms, and no value differs by more than 1. What is left is one ordinary resize by area.
    """
    rows, columns = pixels.shape[:2]
    while rows >= 2 * height and columns >= 2 * width and rows % 2 == 0 and columns % 2 == 0:
        rows, columns = rows // 2, columns // 2
        pixels = np.asarray(cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    if (rows, columns) == (height, width):
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def for_detector(pixels: Pixels, given: Mapping[str, Any]) -> Pixels:
    """What a detector looks at: `detector_width` wide, or `detector_side` on its longer side, as the manifest's
    `input` says; the picture itself when it is smaller or neither is named (dlib's HOG has its own size)."""
    rows, columns = pixels.shape[:2]
    side, width = given.get("detector_side"), given.get("detector_width")
    scale = min(1.0, side / max(rows, columns) if side else width / columns if width else 1.0)
    return shrink(pixels, max(1, round(columns * scale)), max(1, round(rows * scale))) if scale < 1 else pixels


def halved(pixels: Pixels, larger: float) -> tuple[Pixels, int]:
    """The picture halved by area, once or more often, so that what is `larger` times too large stays large enough;
    and by how much it became smaller. A bilinear warp alone would skip pixels and alias."""
    factor = min(1 << int(np.log2(max(larger, 1))), min(pixels.shape[:2]))
    if factor == 1:
        return pixels, 1
    height, width = (int(side) // factor for side in pixels.shape[:2])
    # Cut to whole blocks, so that a pixel of the small picture is `factor` of the large one, exactly.
    return shrink(pixels[: height * factor, : width * factor], width, height), factor


def cut(pixels: Pixels, matrix: NDArray[np.float64], side: int) -> Pixels:
    """The (side, side, 3) square that the similarity `matrix` (2, 3) makes of the picture, black where it ends."""
    pixels, factor = halved(pixels, 1 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-6))
    middle = matrix[:, :2].sum(axis=1) * (factor - 1) / 2
    matrix = np.column_stack([matrix[:, :2] * factor, matrix[:, 2] + middle])
    return np.asarray(cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR), np.uint8)
