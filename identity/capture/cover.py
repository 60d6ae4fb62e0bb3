"""Detects a mask or sunglasses from edges in the picture; the person's identity plays no part.

Masked faces have a template and a threshold of their own; the ordinary threshold is never lowered for them.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from identity.engines.protocol import Face, Pixels
from identity.frames.geometry import inside
from identity.frames.opencv import cv2

Patch = NDArray[np.float32]
Cover = Literal["none", "mask", "sunglasses"]

# Zones of the `upright_patch`. Its eyes lie on row 31, each 24 columns from the middle.
EYES = (slice(20, 42), slice(14, 82))
LOWER = (slice(54, 92), slice(30, 66))  # nostrils to chin
MOUTH = (slice(66, 92), slice(24, 72))
_ROW, _COLUMN = np.mgrid[:96, :96]
EYEBALLS = np.hypot((np.abs(_COLUMN - 48) - 24) / 9, (_ROW - 31) / 6) < 1
SKIN = (np.abs(_COLUMN - 48) < 18) & (_ROW >= 2) & (_ROW < 14)  # the forehead, and the cheeks below the eyes
SKIN |= (np.abs(np.abs(_COLUMN - 48) - 23) < 9) & (_ROW >= 44) & (_ROW < 54)
MASKED_BELOW = 0.225
"""A face whose `lower_face_edges` are below this is masked. Measured with YuNet's points on drawn masks: 99.4 % of
1,944 are detected, and 9 % of hands before a mouth as well. False alarms: .1 % of 975 photographs without a mask,
none of 150 drawn people."""

DARK_BELOW, EVEN_BELOW = 0.25, 0.06
"""Eyes darker than a quarter of forehead and cheeks, and almost without contrast, are covered by sunglasses. That
detects 96 % of drawn sunglasses and at most 1 % of uncovered faces. It only chooses the hint and prevents no
recognition."""


def upright_patch(pixels: Pixels, face: Face) -> Patch:
    """(96, 96) grey float32: from brows to chin, with the eyes level; shrunk by area, against aliasing."""
    left, right = face.eyes.astype(np.float64)
    span = max(float(np.hypot(*(right - left))), 1.0)
    centre = (left + right) / 2
    # Only the surroundings of the face are used: 1.5 eye distances in each direction, 2 downwards.
    x0, y0, x1, y1 = inside(
        (centre[0] - 1.5 * span, centre[1] - 1.5 * span, centre[0] + 1.5 * span, centre[1] + 2 * span),
        *pixels.shape[:2],
    )
    if x1 - x0 < 2 or y1 - y0 < 2:
        return np.zeros((96, 96), np.float32)
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[y0:y1, x0:x1]), cv2.COLOR_BGR2GRAY)
    scale = min(1.0, 48 / span)
    if scale < 1:
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    middle = (centre - (x0, y0) + 0.5) * scale - 0.5
    angle = float(np.degrees(np.arctan2(right[1] - left[1], right[0] - left[0])))
    matrix = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), angle, 48 / span / scale)
    matrix[:, 2] += np.array([48.0, 96 * 0.32]) - middle
    return cv2.warpAffine(grey, matrix, (96, 96), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def cover_of(patch: Patch) -> Cover:
    """What covers the face on an upright (96, 96) grey patch."""
    if is_masked(patch):
        return "mask"
    skin = float(np.median(patch[SKIN])) + 10
    dark, even = (float(np.median(patch[EYEBALLS])) + 2) / skin, float(patch[EYEBALLS].std()) / skin
    return "sunglasses" if dark < DARK_BELOW and even < EVEN_BELOW else "none"


def is_masked(patch: Patch) -> bool:
    """Whether the lower face of an upright (96, 96) grey patch is covered."""
    return lower_face_edges(patch) < MASKED_BELOW


def lower_face_edges(patch: Patch) -> float:
    """How strong the edges of the lower face are, relative to those around the eyes: about .7, less with a mask.

    `patch` is (96, 96) grey, upright. The figure is the geometric mean of two ratios to the surroundings of the
    eyes: the mean Laplacian from nostrils to chin, and the sharpest step between two rows near the mouth.
    """
    smooth = cv2.GaussianBlur(patch, (3, 3), 0)
    edges = np.abs(cv2.Laplacian(smooth, cv2.CV_32F))
    contrast = float(smooth[EYES].std()) + 1
    texture = (float(edges[LOWER].mean()) + 0.05) / (float(edges[EYES].mean()) + 0.2)
    rows = cv2.blur(smooth[MOUTH], (15, 1))[:, 10:-10].mean(axis=1)
    line = (float(np.abs(np.diff(rows)).max()) + 0.1) / contrast
    return float(np.sqrt(texture * line))
