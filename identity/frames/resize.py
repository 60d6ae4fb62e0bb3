"""Shrinks and crops pictures to the size that the networks of a pack need.

Pixels that a network would drop are not sent to its process: a frame of 1280 x 960 is 3.7 MB, the input of YuNet
.2 MB.
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

    It is halved while both sides are even, because OpenCV does that in vector instructions: 1280 x 960 to
    320 x 240 took .29 instead of .96 ms, and no value differs by more than 1. One ordinary resize by area does the
    rest.
    """
    rows, columns = pixels.shape[:2]
    while rows >= 2 * height and columns >= 2 * width and rows % 2 == 0 and columns % 2 == 0:
        rows, columns = rows // 2, columns // 2
        pixels = np.asarray(cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    if (rows, columns) == (height, width):
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def shrink_for_detector(pixels: Pixels, spec: Mapping[str, Any]) -> Pixels:
    """The picture as a detector needs it. `spec` is a manifest's `input`: `detector_width` is the width in pixels,
    or `detector_side` the longer side. The picture itself when it is smaller, or when `spec` has neither (dlib's
    HOG has a size of its own)."""
    rows, columns = pixels.shape[:2]
    side, width = spec.get("detector_side"), spec.get("detector_width")
    scale = min(1.0, side / max(rows, columns) if side else width / columns if width else 1.0)
    return shrink(pixels, max(1, round(columns * scale)), max(1, round(rows * scale))) if scale < 1 else pixels


def shrink_by_power_of_two(pixels: Pixels, most: float) -> tuple[Pixels, int]:
    """Shrink by area, by the largest power of two up to `most`: the picture and that factor.

    Without this, a bilinear warp to a small size would skip pixels and show aliasing.
    """
    factor = min(1 << int(np.log2(max(most, 1))), min(pixels.shape[:2]))
    if factor == 1:
        return pixels, 1
    height, width = (int(side) // factor for side in pixels.shape[:2])
    # Cropped to whole blocks: each pixel of the small picture is exactly factor x factor pixels of the large one.
    return shrink(pixels[: height * factor, : width * factor], width, height), factor


def warp_square(pixels: Pixels, matrix: NDArray[np.float64], side: int) -> Pixels:
    """The picture warped by the similarity `matrix` (2, 3) into a (side, side, 3) square; black outside it.

    OpenCV warps four channels in vector instructions and three without: the same numbers in half the time.
    """
    pixels, factor = shrink_by_power_of_two(pixels, 1 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-6))
    middle = matrix[:, :2].sum(axis=1) * (factor - 1) / 2
    matrix = np.column_stack([matrix[:, :2] * factor, matrix[:, 2] + middle])
    four = cv2.cvtColor(pixels, cv2.COLOR_BGR2BGRA)
    warped = cv2.warpAffine(four, matrix, (side, side), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(warped, cv2.COLOR_BGRA2BGR), np.uint8)
