"""A frame -> at most ONE embedded face, or an error with a hint for the person.

Detecting is not recognising: every face in view is located, the one whose press it is gets chosen by size and
place, everybody else's pixels are blanked, and only then does the embedder see a crop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from identity.covers import Cover, cover_of, inside, masked_pack, upright_patch
from identity.engines import Face, FaceEngine, Pixels, Vector
from identity.errors import (
    FaceBlurred,
    FaceCovered,
    FaceOffCentre,
    FaceTooSmall,
    FaceTurned,
    NoFace,
    SeveralFaces,
    TooBright,
    TooDark,
)
from identity.frames import Frame
from identity.matching import unit
from identity.occlusion import mask
from identity.opencv import cv2


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


@dataclass(frozen=True)
class Capture:
    """The only thing that leaves: a unit vector (d,) and the picture's quality. `masked` is the vector of the same
    face with a mask drawn over it, for an enrolment with a pack that has figures for masks."""

    vector: Vector
    quality: Quality
    pack: str
    masked: Vector | None = None


def embed_one(
    engine: FaceEngine, frame: Frame, rules: CaptureRules = RULES, *, enrolling: bool = False
) -> Capture:
    """Detect, choose, check, blank everybody else, embed: the embedder sees one face or, on an error, none.

    `enrolling` refuses a covered face, and embeds the face a second time with a mask drawn over it, in memory.
    Raises a CaptureError with a stable code and hint.
    """
    faces = engine.detect(frame.pixels)
    chosen = choose(faces, frame.pixels.shape[:2], rules)
    quality = quality_of(frame.pixels, chosen)
    check_quality(quality, rules)
    if enrolling and quality.cover != "none":
        raise FaceCovered("Something covers the face. Take it off, or go on without a face.")
    crop, face = isolate(frame.pixels, faces, chosen, quality.cover)
    masked = masked_twin(engine, crop, face) if enrolling and masked_pack(engine.pack) else None
    return Capture(unit(engine.embed(crop, face)), quality, engine.pack.id, masked)


def masked_twin(engine: FaceEngine, crop: Pixels, face: Face) -> Vector:
    """The unit vector of an isolated face with a mask drawn over it, in memory."""
    return unit(engine.embed(mask(crop, face), replace(face, covered=True)))


def choose(faces: list[Face], shape: tuple[int, int], rules: CaptureRules = RULES) -> Face:
    """The one face whose press this is, by size and place alone; `shape` is (height, width)."""
    if not faces:
        raise NoFace("No face is in the picture. Look at the camera.")
    first, *others = sorted(faces, key=lambda face: -face.area)
    if others and first.area < rules.dominance * others[0].area:
        raise SeveralFaces("More than one person is in front of the camera. One person, please.")
    if any(_overlap(first.box, other.box) for other in others):
        raise SeveralFaces("Two faces overlap in the picture. One person, please.")
    height, width = shape
    x, y, w, h = first.box
    edge = (1 - rules.middle) / 2
    if not (edge <= (x + w / 2) / width <= 1 - edge and edge <= (y + h / 2) / height <= 1 - edge):
        raise FaceOffCentre("The face is at the edge of the picture. Move to the middle.")
    return first


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """Whether two boxes share a pixel."""
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


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


def isolate(
    pixels: Pixels,
    faces: list[Face],
    chosen: Face,
    cover: Cover = "none",
    margin: tuple[float, float] = (0.8, 0.6),
) -> tuple[Pixels, Face]:
    """A copy of the chosen face's surroundings with everybody else's pixels blanked, and the face in it.

    The crop reaches `margin` of the box's width and height beyond it on each side: what a second look and an
    aligner need, and no more of the room. The engine is told of a mask (`cover`).
    """
    height, width = pixels.shape[:2]
    x, y, w, h = chosen.box
    across, down = margin[0] * w, margin[1] * h
    left, top = max(0, int(x - across)), max(0, int(y - down))
    right, bottom = min(width, int(x + w + across) + 1), min(height, int(y + h + down) + 1)
    own = inside((x, y, x + w, y + h), height, width)
    crop = pixels[top:bottom, left:right].copy()
    kept = pixels[own[1] : own[3], own[0] : own[2]]
    for other in faces:
        if other is not chosen:
            ox, oy, ow, oh = other.box
            grown = (ox - 0.25 * ow, oy - 0.25 * oh, ox + 1.25 * ow, oy + 1.25 * oh)
            x0, y0, x1, y1 = inside(grown, height, width)
            crop[max(0, y0 - top) : max(0, y1 - top), max(0, x0 - left) : max(0, x1 - left)] = 0
    # A neighbour's hair may reach into the chosen box; boxes themselves never overlap (see `choose`).
    crop[own[1] - top : own[3] - top, own[0] - left : own[2] - left] = kept
    return crop, replace(chosen.moved(-left, -top), covered=cover == "mask")
