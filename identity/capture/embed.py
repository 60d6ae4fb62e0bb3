"""A frame -> at most ONE embedded face, or an error with a hint for the person.

All faces in view are detected. The face of the person who presses is chosen by size and place, the pixels of all
other faces are blanked, and only then does the embedder get a crop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from identity.capture.cover import Cover
from identity.capture.drawn_mask import mask
from identity.capture.quality import RULES, CaptureRules, Quality, check_quality, quality_of
from identity.engines.manifests import masked_pack
from identity.engines.protocol import Face, FaceEngine, Pixels, Vector
from identity.errors import (
    FaceCovered,
    FaceOffCentre,
    NoFace,
    SeveralFaces,
)
from identity.frames.decode import Frame
from identity.frames.geometry import inside
from identity.vectors import unit


@dataclass(frozen=True)
class Capture:
    """All that is passed on of a frame: a unit vector (d,) and the picture's quality. `masked` is the vector of
    the same face with a mask drawn over it, for an enrolment with a pack that is calibrated for masks. `claimed`:
    all of it is the word of a device that sends vectors; we saw no picture."""

    vector: Vector
    quality: Quality
    pack: str
    masked: Vector | None = None
    claimed: bool = False


@dataclass(frozen=True)
class Detection:
    """A frame and all faces in it, largest first. Only ever in memory."""

    frame: Frame
    faces: list[Face]


def detect(engine: FaceEngine, frame: Frame) -> Detection:
    """Find the faces of a frame."""
    return Detection(frame, engine.detect(frame.pixels))


def embed_one(
    engine: FaceEngine, frame: Frame, rules: CaptureRules = RULES, *, enrolling: bool = False
) -> Capture:
    """`detect` and `embed_detected` in one."""
    return embed_detected(engine, detect(engine, frame), rules, enrolling=enrolling)


def embed_detected(
    engine: FaceEngine, detection: Detection, rules: CaptureRules = RULES, *, enrolling: bool = False
) -> Capture:
    """Choose one face, check it, blank everybody else, embed: the embedder sees one face or, on an error, none.

    `enrolling` refuses a covered face, and embeds the face a second time with a mask drawn over it, in memory.
    Raises a CaptureError with a stable code and a hint for the person; ValueError on a vector that is zero or not
    finite.
    """
    pixels = detection.frame.pixels
    chosen = choose(detection.faces, pixels.shape[:2], rules)
    quality = quality_of(pixels, chosen)
    check_quality(quality, rules)
    if enrolling and quality.cover != "none":
        raise FaceCovered("Something covers the face. Take it off, or go on without a face.")
    crop, face = isolate(pixels, detection.faces, chosen, quality.cover)
    masked = embed_with_mask(engine, crop, face) if enrolling and masked_pack(engine.pack) else None
    return Capture(unit(engine.embed(crop, face)), quality, engine.pack.id, masked)


def embed_with_mask(engine: FaceEngine, crop: Pixels, face: Face) -> Vector:
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
    side = _side((x + w / 2) / width, (y + h / 2) / height, edge)
    if side:
        raise FaceOffCentre("The face is at the edge of the picture. Move to the middle.", where=side)
    return first


def _side(across: float, down: float, edge: float) -> str:
    """At which side of the picture, as it was sent, a centre within `edge` of it lies; "" in the middle."""
    sides = {"left": across, "right": 1 - across, "top": down, "bottom": 1 - down}
    name, least = min(sides.items(), key=lambda side: side[1])
    return name if least < edge else ""


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """Whether two boxes share a pixel."""
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def isolate(
    pixels: Pixels,
    faces: list[Face],
    chosen: Face,
    cover: Cover = "none",
    margin: tuple[float, float] = (0.8, 0.6),
) -> tuple[Pixels, Face]:
    """The chosen face and its surroundings, with all other faces blanked, and the face in that crop. It is a copy
    where somebody is blanked; otherwise a part of `pixels`, which nobody writes to.

    The crop reaches beyond the box by `margin` of its width and height on each side: as much as refining the
    landmarks and aligning need. The face is marked as covered when `cover` is a mask.
    """
    height, width = pixels.shape[:2]
    x, y, w, h = chosen.box
    across, down = margin[0] * w, margin[1] * h
    left, top = max(0, int(x - across)), max(0, int(y - down))
    right, bottom = min(width, int(x + w + across) + 1), min(height, int(y + h + down) + 1)
    crop, isolated = pixels[top:bottom, left:right], replace(chosen.moved(-left, -top), covered=cover == "mask")
    others = [face for face in faces if face is not chosen]
    if not others:
        return crop, isolated
    own = inside((x, y, x + w, y + h), height, width)
    crop, own_pixels = crop.copy(), pixels[own[1] : own[3], own[0] : own[2]]
    for other in others:
        ox, oy, ow, oh = other.box
        with_hair = (ox - 0.25 * ow, oy - 0.25 * oh, ox + 1.25 * ow, oy + 1.25 * oh)
        x0, y0, x1, y1 = inside(with_hair, height, width)
        crop[max(0, y0 - top) : max(0, y1 - top), max(0, x0 - left) : max(0, x1 - left)] = 0
    # A neighbour's enlarged box may reach into the chosen box; boxes themselves never overlap (see `choose`).
    crop[own[1] - top : own[3] - top, own[0] - left : own[2] - left] = own_pixels
    return crop, isolated
