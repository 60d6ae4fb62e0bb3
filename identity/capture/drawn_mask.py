"""Draws a surgical mask over a face, in memory: for the masked template of an enrolment, and for measurements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from identity.engines.protocol import Face, Pixels
from identity.frames.opencv import cv2

Points = NDArray[np.float64]


def face_axes(face: Face) -> tuple[Points, Points, float]:
    """The axes of a face: the point between the eyes (2,), a (2, 2) basis (right, down), the eye distance in
    pixels."""
    left, right = face.eyes.astype(np.float64)
    across = right - left
    distance = max(float(np.hypot(*across)), 1.0)
    across = across / distance
    return (left + right) / 2, np.stack([across, np.array([-across[1], across[0]])]), distance


def to_pixels(face: Face, points: list[tuple[float, float]]) -> NDArray[np.int32]:
    """Points in eye distances (to the right and down from between the eyes) -> (n, 2) pixels."""
    origin, basis, distance = face_axes(face)
    return np.asarray(np.round(origin + np.array(points) @ basis * distance), np.int32)


def fill_outline(pixels: Pixels, outline: NDArray[np.int32], colour: tuple[int, int, int], span: float) -> Pixels:
    """A copy with an outline (n, 2) filled with one BGR colour, shaded like the picture below, with a soft edge.
    `span` is the eye distance in pixels."""
    cover = np.zeros(pixels.shape[:2], np.float32)
    cv2.fillPoly(cover, [outline], 1.0)
    soft = max(0.5, span / 60)
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), soft), np.float32)[:, :, None]
    height, width = cover.shape[:2]
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    rough = cv2.resize(grey, (max(1, width // 16), max(1, height // 16)), interpolation=cv2.INTER_AREA)
    light = cv2.resize(cv2.GaussianBlur(rough, (0, 0), 1.0 + span / 48), (width, height)).astype(np.float32)
    shade = np.clip(0.75 + 0.25 * light / max(float(light.mean()), 1.0), 0.5, 1.2)[:, :, None]
    mixed = pixels * (1 - cover) + np.array(colour, np.float32) * shade * cover
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)


MASKS = (
    ((214, 196, 168), 0.0),
    ((245, 245, 245), 0.05),
    ((30, 30, 34), -0.03),
    ((190, 150, 120), 0.1),
    ((120, 110, 200), 0.0),
    ((90, 120, 90), 0.06),
)
"""Colour (BGR) of each mask, and how much lower its upper edge lies, in eye distances. An enrolment draws the
first."""


def mask(pixels: Pixels, face: Face, style: int = 0) -> Pixels:
    """A copy with a surgical mask from the bridge of the nose to below the chin; `style` is an index of MASKS."""
    colour, lower = MASKS[style % len(MASKS)]
    outline = [(-0.95, 0.42), (-0.4, 0.34), (0, 0.24), (0.4, 0.34), (0.95, 0.42)]
    outline = [(x, y + lower) for x, y in outline]
    outline += [(0.85, 1.05), (0.55, 1.5), (0, 1.75), (-0.55, 1.5), (-0.85, 1.05)]
    return fill_outline(pixels, to_pixels(face, outline), colour, face_axes(face)[2])
