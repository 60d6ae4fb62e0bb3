"""Measures whether a detected face is good enough to be embedded: size, sharpness, light and pose."""

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
    """What a usable capture is. The defaults apply to customers, and a site may only make them stricter.
    Measurements on small archive pictures may use smaller sizes."""

    dominance: float = 1.5  # the chosen face has at least this many times the area of the next
    middle: float = 0.6  # its centre lies in this middle share of the frame's width and height
    eye_distance: float = 60.0  # pixels of the sent frame
    yaw: float = 25.0  # degrees
    sharpness: float = 4.5  # see `quality_of`; 99 of 100 archive photographs lie above 5, drawn faces above 11
    darkest: float = 35.0  # mean grey of the face, 0-255
    brightest: float = 235.0
    contrast: float = 12.0  # standard deviation of grey


RULES = CaptureRules()


MASK_TOP_ROW = 48  # row of the 96 x 96 patch below which a mask lies


@dataclass(frozen=True)
class Quality:
    """Measurements of one face, in the units of CaptureRules; none of them identifies the person."""

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
    """|yaw| in degrees, estimated from eyes and nose; 0 when the nose lies between the eyes.

    A nose tip is in front of the eyes by about .6 of the eye distance. A turn by yaw moves it sideways by
    .6 sin(yaw), while the eye distance shrinks by cos(yaw): offset / distance = .6 tan(yaw). For the nose BASE the
    factor is .42.
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
    """Measure a face on its upright inner part, scaled to 96 x 96 so that figures are comparable between frames.

    Sharpness is the mean absolute response of a Laplacian, in per cent of the contrast, so that it does not depend
    on the light; a small Gaussian removes noise first.
    """
    patch = upright_patch(pixels, face)
    cover = cover_of(patch)
    shown = patch[:MASK_TOP_ROW] if cover == "mask" else patch  # a mask is smooth even in a sharp picture
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
    """Raises a CaptureError with the first hint that the person can follow.

    A small face is blurred as well, and coming closer solves both. A face that is almost large enough but has no
    edges is blurred: its eyes were detected inexactly.
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
