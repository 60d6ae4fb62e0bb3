"""A fake face engine without a model, and pictures for it that show nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from identity.engines.manifests import Pack
from identity.engines.protocol import Face, Pixels, Vector
from tests import magic

FAKE_PACK = Pack(
    name="fake",
    version="1",
    engine="fake",
    vendor="usual",
    licence="Apache-2.0",
    grade="demo",
    size=192,
    files=(),
    input={},
    # Cosines of two people's pictures: nearly normal, sd .11. Beyond its 90 % point such a tail is this one.
    calibration={
        "tail": {"start": 0.16, "shape": -0.1, "scale": 0.06, "share": 0.1, "scores": 100_000},
    },
)


def face_at(x: float, y: float, size: float, score: float = 0.9, turn: float = 0.0) -> Face:
    """A face whose box has its corner at (x, y); `turn` moves the nose sideways (share of the eye distance)."""
    eye, span = size * 0.3, size * 0.4
    points = [(eye, 0.4), (eye + span, 0.4), (eye + span / 2 + turn * span, 0.6), (eye, 0.8), (eye + span, 0.8)]
    landmarks = np.array([(x + dx, y + dy * size) for dx, dy in points], np.float32)
    return Face((x, y, size, size), landmarks, score)


def person_picture(person: int, frame: int = 0, width: int = 640, height: int = 480) -> bytes:
    """A PNG with blocks of colour that depend on `person`, and noise that also depends on `frame`. Beside the face
    is the colour that the test suite searches all its files for.

    With FakeEngine two pictures of one person have a cosine above .85, those of two people about 0 (standard
    deviation .11).
    """
    blocks = np.random.default_rng([person, 7]).integers(60, 196, (12, 12, 3))
    blocks += np.random.default_rng([person, 8, frame]).integers(-20, 21, blocks.shape)
    picture = cv2.resize(blocks.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(
        np.int16
    )
    # A line where a mouth would be, or a tenth of these pictures would pass for masked faces.
    middle, size = width // 2, 0.5 * min(width, height)
    row = round((height - size) / 2 + 0.8 * size)
    picture[row : row + 3, middle - 40 : middle + 40] = 20
    picture += np.random.default_rng([person, frame]).integers(-4, 5, picture.shape, dtype=np.int16)
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    beside = round((width - size) / 2 - 0.18 * size)  # within the crop of a face, and off what is measured of it
    magic.stamp(pixels, beside, height // 2, round(min(magic.PATCH, 0.16 * size)))
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


@dataclass
class FakeEngine:
    """`faces` are the faces that it detects (None: one good face in the middle); `calls` counts embeddings.

    The vector is the face box at 8 x 8 pixels, without its mean colour; `seen` holds the crops given to `embed`.
    """

    faces: list[Face] | None = None
    pack: Pack = FAKE_PACK
    calls: int = 0
    detections: int = 0
    seen: list[Pixels] = field(default_factory=list)

    def detect(self, pixels: Pixels) -> list[Face]:
        self.detections += 1
        if self.faces is not None:
            return sorted(self.faces, key=lambda face: -face.area)
        height, width = pixels.shape[:2]
        size = 0.5 * min(height, width)
        return [face_at((width - size) / 2, (height - size) / 2, size)]

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        self.calls += 1
        self.seen.append(pixels)
        x, y, w, h = (round(value) for value in face.box)
        inner = pixels[max(0, y) : y + h, max(0, x) : x + w]
        coarse = cv2.resize(inner, (8, 8), interpolation=cv2.INTER_AREA).astype(np.float64)
        vector = (coarse - coarse.mean(axis=(0, 1))).ravel() + 1e-3
        return (vector / np.linalg.norm(vector)).astype(np.float32)


class PlainAwareFake(FakeEngine):
    """A FakeEngine that sees nobody in a picture of one colour, as the promises of a pack demand."""

    def detect(self, pixels: Pixels) -> list[Face]:
        return super().detect(pixels) if (pixels != pixels[0, 0]).any() else []


def open_fake(name: str, models: Path | None, cache: Path) -> PlainAwareFake:
    """Open the fake pack, with the arguments of `engines.load.open_pack`."""
    return PlainAwareFake()
