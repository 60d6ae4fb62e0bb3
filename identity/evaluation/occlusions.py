"""Draws hands and sunglasses over a face and simulates blur, darkness and distance, for measurements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from identity.capture.drawn_mask import face_axes, fill_outline, to_pixels
from identity.engines.protocol import Face, Pixels
from identity.frames.opencv import cv2


def hand(pixels: Pixels, face: Face) -> Pixels:
    """A hand over the mouth: four horizontal fingers in the colour of the cheeks."""
    origin, basis, distance = face_axes(face)
    at = np.round(origin + np.array([[-0.45, 0.55], [0.45, 0.55]]) @ basis * distance).astype(int)
    height, width = pixels.shape[:2]
    skin = [pixels[min(max(y, 0), height - 1), min(max(x, 0), width - 1)] for x, y in at]
    colour = tuple(int(v) for v in np.mean(skin, axis=0) * 0.95)
    covered = pixels
    for finger in range(4):
        top = 0.8 + 0.2 * finger
        outline = [(-0.95, top), (0.5, top - 0.02), (0.58, top + 0.09), (0.5, top + 0.19), (-0.95, top + 0.19)]
        darker = tuple(round(v * (1 - 0.05 * finger)) for v in colour)
        covered = fill_outline(covered, to_pixels(face, outline), (darker[0], darker[1], darker[2]), distance)
    return covered


def sunglasses(pixels: Pixels, face: Face) -> Pixels:
    """Two dark glasses and a bridge."""
    distance = face_axes(face)[2]
    covered = pixels
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for side in (-0.5, 0.5):
        glass = [(side + 0.4 * float(np.cos(a)), 0.04 + 0.28 * float(np.sin(a))) for a in angles]
        covered = fill_outline(covered, to_pixels(face, glass), (22, 20, 20), distance)
    bridge = to_pixels(face, [(-0.9, -0.07), (0.9, -0.07), (0.9, 0.0), (-0.9, 0.0)])
    return fill_outline(covered, bridge, (22, 20, 20), distance)


def blur(pixels: Pixels, face: Face) -> Pixels:
    """Out of focus by a twentieth of the eye distance."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), max(face_axes(face)[2] / 20, 0.5)), np.uint8)


def dark(pixels: Pixels, face: Face) -> Pixels:
    """A fifth of the light, with the noise of a small sensor (always the same)."""
    noise = np.random.default_rng(1).normal(0, 2.0, pixels.shape)
    return np.clip(pixels * 0.2 + noise, 0, 255).astype(np.uint8)


def small(pixels: Pixels, face: Face) -> Pixels:
    """As if the eyes were 20 pixels apart."""
    factor = min(1.0, 20 / face_axes(face)[2])
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
