"""Is a detected face good enough to be embedded? Size, sharpness, light and pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from identity.capture.cover import Cover, cover_of, upright_patch
from identity.engines.protocol import Face, Pixels
from identity.errors import (
    FaceBlurred,
    FaceTooSmall,
    FaceTurned,
    TooBright,
    TooDark,
)
from identity.frames.opencv import cv2


@dataclass(frozen=True)
class CaptureRules:
    """What a usable capture is. The defaults are the promise made to people; measurements on small archive
    pictures may lower the sizes, a site may only make them stricter."""

    dominance: float = 1.5  # the chosen face is this much larger (area) than the next
    middle: float = 0.6  # its centre lies in this share of the frame, both ways
    eye_distance: float = 60.0  # pixels of the sent frame
    yaw: float = 25.0  # degrees
    sharpness: float = 4.5  # see `quality_of`; 99 of 100 archive photographs lie above 5, drawn faces above 11
    darkest: float = 35.0  # mean grey of the face, 0-255
    brightest: float = 235.0
    contrast: float = 12.0  # standard deviation of grey


RULES = CaptureRules()


BRIDGE = 48  # row of the 96 x 96 patch below which a mask lies


@dataclass(frozen=True)
class Quality:
    """What was measured of one face; none of it says anything about the person."""

    eye_distance: float
    yaw: float
    sharpness: float
    brightness: float
    contrast: float
    cover: Cover = "none"


def eye_distance(face: Face) -> float:
    """Pixels between the centres of the eyes."""
    left, right = face.eyes.astype(np.float64)
    return float(np.hypot(*(right - left)))


def yaw_of(face: Face) -> float:
    """Degrees that the head is turned, estimated from three points: |yaw|, 0 when the nose lies between the eyes.

    A nose tip stands out from the eyes' line by about .6 of the eye distance, so a turn by yaw moves it sideways
    by .6 sin(yaw) while the eyes' distance shrinks by cos(yaw): offset / distance = .6 tan(yaw). The nose BASE
    stands out less (.42).
    """
    left, right = face.eyes.astype(np.float64)
    axis = right - left
    distance = float(np.hypot(*axis))
    if distance < 1e-6:
        return 90.0
    offset = float(np.dot(face.nose - (left + right) / 2, axis)) / distance**2
    reach = 0.42 if face.scheme == "eye_corners_nose" else 0.6
    return float(np.degrees(np.arctan(abs(offset) / reach)))


def quality_of(pixels: Pixels, face: Face) -> Quality:
    """Measure the face on its upright inner part, scaled to 96 x 96 so that figures compare between frames.

    Sharpness is the mean absolute response of a Laplacian, per cent of the contrast: a blurred face has none,
    however well lit; noise is held down by a small Gaussian first.
    """
    patch = upright_patch(pixels, face)
    cover = cover_of(patch)
    shown = patch[:BRIDGE] if cover == "mask" else patch  # a mask is smooth however sharp the picture is
    edges = float(np.abs(cv2.Laplacian(cv2.GaussianBlur(shown, (3, 3), 0), cv2.CV_32F)).mean())
    contrast = float(shown.std())
    return Quality(
        eye_distance(face),
        yaw_of(face),
        100 * edges / max(contrast, 1.0),
        float(shown.mean()),
        contrast,
        cover,
    )


def check_quality(quality: Quality, rules: CaptureRules = RULES) -> None:
    """Raise the first complaint that the person can do something about.

    A small face is unsharp as well, and coming closer helps it; a face almost large enough and without any edge
    is blurred, and its eyes were only found badly.
    """
    blurred = quality.contrast < rules.contrast or quality.sharpness < rules.sharpness
    least = rules.eye_distance * (0.75 if blurred else 1.0)
    if quality.eye_distance < least:
        raise FaceTooSmall("The face is too small in the picture. Come closer.")
    if quality.yaw > rules.yaw:
        raise FaceTurned("The face looks to the side. Look straight ahead.")
    if quality.brightness < rules.darkest:
        raise TooDark("The picture is too dark. More light, please.")
    if quality.brightness > rules.brightest:
        raise TooBright("The picture is too bright. Less light, please.")
    if blurred:
        raise FaceBlurred("The picture is blurred. Hold still for a moment.")
