"""Drawn pictures as a kiosk's camera would take them: good ones, and every kind that is refused."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from data.faces import people
from identity.capture.drawn_mask import MASKS, mask
from identity.engines.protocol import Face, FaceEngine, Pixels
from identity.evaluation.occlusions import sunglasses

SIZES = ((640, 480), (640, 480), (1280, 960), (800, 600), (1280, 720), (1920, 1080), (481, 643))
SIDES = ((-0.34, 0.0), (0.34, 0.0), (0.0, -0.36), (0.0, 0.36))


def frames(engine: FaceEngine, rounds: int) -> Iterator[tuple[str, Pixels]]:
    """Name and (height, width, 3) BGR of 20 pictures in each round; no two rounds show the same person."""
    for n in range(rounds):
        plain = people.draw_face(20 * n, n)
        (face, *_) = engine.detect(plain)
        for k in range(6):
            yield "good", people.draw_face(20 * n + k, n, SIZES[(n + k) % len(SIZES)])
        yield "near", people.draw_face(20 * n + 6, n, (1280, 960), zoom=1.5)
        yield "far", people.draw_face(20 * n + 7, n, zoom=0.55 + 0.02 * (n % 10))
        yield "empty", people.empty_room(n)
        yield "two alike", people.two_people(20 * n + 8, 20 * n + 9, n)
        yield "one behind", people.two_people(20 * n + 10, 20 * n + 11, n, equal=False)
        yield "tiny", people.tiny(20 * n + 12, n)
        yield "aside", people.draw_face(20 * n + 13, n, zoom=0.8, shift=SIDES[n % 4])
        yield "turned", turned(plain, face, 0.8 if n % 3 == 0 else -0.8)
        yield "blurred", people.blurred_face(20 * n + 14, n, 5.0 + n % 10)
        yield "a little blurred", people.blurred_face(20 * n + 15, n, 1.5 + 0.2 * (n % 10))
        yield "dark", lit(plain, 0.04 + 0.02 * (n % 5), 0)
        yield "bright", lit(plain, 0.3, 212 - 4 * (n % 5))
        yield "mask", mask(plain, face, n % len(MASKS))
        yield "sunglasses", sunglasses(plain, face)


def turned(pixels: Pixels, face: Face, by: float) -> Pixels:
    """A copy whose middle is moved aside by a share of the eye distance, as in a face that looks there."""
    eyes, nose = face.eyes, face.nose
    span = float(np.hypot(*(eyes[1] - eyes[0])))
    row, column = np.mgrid[: pixels.shape[0], : pixels.shape[1]].astype(np.float32)
    before = np.linspace(-8, 8, 4_001)  # eye distances from the nose; what lies there comes to `after`
    after = before + by * np.exp(-((before / 0.75) ** 2))
    source = nose[0] + span * np.interp((column - nose[0]) / span, after, before)
    return np.asarray(cv2.remap(pixels, source.astype(np.float32), row, cv2.INTER_LINEAR), np.uint8)


def lit(pixels: Pixels, gain: float, more: float) -> Pixels:
    """A copy with another light."""
    return np.asarray(np.clip(pixels * gain + more, 0, 255), np.uint8)
