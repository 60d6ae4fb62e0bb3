"""Masks, hands, sunglasses, blur, dusk and distance, drawn over a face in memory: for measurements, and the mask
for the second template of an enrolment (`capture.embed_one`)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from identity.capture.drawn_mask import _place, _smooth_cover, frame_of
from identity.engines.protocol import Face, Pixels
from identity.frames.opencv import cv2


def hand(pixels: Pixels, face: Face) -> Pixels:
    """A hand before the mouth: four fingers across, the colour of the cheeks."""
    origin, basis, distance = frame_of(face)
    at = np.round(origin + np.array([[-0.45, 0.55], [0.45, 0.55]]) @ basis * distance).astype(int)
    height, width = pixels.shape[:2]
    skin = [pixels[min(max(y, 0), height - 1), min(max(x, 0), width - 1)] for x, y in at]
    colour = tuple(int(v) for v in np.mean(skin, axis=0) * 0.95)
    covered = pixels
    for finger in range(4):
        top = 0.8 + 0.2 * finger
        outline = [(-0.95, top), (0.5, top - 0.02), (0.58, top + 0.09), (0.5, top + 0.19), (-0.95, top + 0.19)]
        darker = tuple(round(v * (1 - 0.05 * finger)) for v in colour)
        covered = _smooth_cover(covered, _place(face, outline), (darker[0], darker[1], darker[2]), distance)
    return covered


def sunglasses(pixels: Pixels, face: Face) -> Pixels:
    """Two dark glasses and a bridge."""
    distance = frame_of(face)[2]
    covered = pixels
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for side in (-0.5, 0.5):
        glass = [(side + 0.4 * float(np.cos(a)), 0.04 + 0.28 * float(np.sin(a))) for a in angles]
        covered = _smooth_cover(covered, _place(face, glass), (22, 20, 20), distance)
    bridge = _place(face, [(-0.9, -0.07), (0.9, -0.07), (0.9, 0.0), (-0.9, 0.0)])
    return _smooth_cover(covered, bridge, (22, 20, 20), distance)


def blur(pixels: Pixels, face: Face) -> Pixels:
    """Out of focus by a twentieth of the eye distance."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(frame_of(face)[2] / 20, 0.5)), np.uint8)


def dark(pixels: Pixels, face: Face) -> Pixels:
    """A fifth of the light, with the noise of a small sensor (always the same)."""
    noise = np.random.default_rng(1).normal(0, 2.0, pixels.shape)
    return np.clip(pixels * 0.2 + noise, 0, 255).astype(np.uint8)


def small(pixels: Pixels, face: Face) -> Pixels:
    """As if the eyes were 20 pixels apart."""
    factor = min(1.0, 20 / frame_of(face)[2])
    height, width = pixels.shape[:2]
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    far = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(far, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


KINDS: dict[str, Callable[[Pixels, Face], Pixels]] = {
    "hand": hand,
    "sunglasses": sunglasses,
    "blur": blur,
    "dark": dark,
    "small": small,
}
