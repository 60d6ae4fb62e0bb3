"""Reads and embeds the pictures of an operator's folder, for evaluations: DIR/<person>/<image>. Writes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import click
import numpy as np

from identity.capture.embed import choose, isolate
from identity.capture.quality import check_quality, quality_of
from identity.engines.protocol import Face, FaceEngine, Pixels
from identity.errors import CaptureError
from identity.evaluation import identification as evaluation
from identity.evaluation.identification import LabelledVectors
from identity.frames.opencv import cv2
from plumbing.cli import track

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".pgm", ".ppm", ".bmp", ".tif", ".tiff"}
LEAST_SIDE = 500  # smaller pictures are enlarged to this side: detectors find faces of 80 pixels and more
Vectors = evaluation.Vectors
Item = TypeVar("Item")


@dataclass
class Picture:
    """One picture: the number of its person, its path, all faces in it, the vector of its subject (None without a
    face), and whether it could be read."""

    person: int
    path: Path
    faces: list[Face] = field(default_factory=list)
    vector: Vectors | None = None
    readable: bool = True


def read_picture_file(path: Path) -> Pixels | None:
    """BGR pixels (height, width, 3) of a picture, enlarged to LEAST_SIDE; None when it cannot be read."""
    try:
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    if pixels is None or min(pixels.shape[:2]) < 8:
        return None
    factor = LEAST_SIDE / max(pixels.shape[:2])
    if factor > 1:
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(pixels, np.uint8)


def subject(faces: list[Face], shape: tuple[int, ...]) -> Face | None:
    """The face that the picture is meant to show: a large one near the middle. None without a face."""
    height, width = shape[:2]

    def weight(face: Face) -> float:
        x, y, w, h = face.box
        away = np.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2) / (0.2 * width)
        return float(face.area * np.exp(-away * away))

    return max(faces, key=weight) if faces else None


def embed(engine: FaceEngine, pixels: Pixels, faces: list[Face] | None = None) -> Vectors | None:
    """The vector of a picture's subject, with all other faces blanked. None without a face."""
    faces = engine.detect(pixels) if faces is None else faces
    face = subject(faces, pixels.shape)
    if face is None:
        return None
    crop, moved = isolate(pixels, faces, face, quality_of(pixels, face).cover)
    vector = engine.embed(crop, moved)
    return vector if np.isfinite(vector).all() and np.abs(vector).sum() > 0 else None


def list_pictures(folder: Path) -> list[Picture]:
    """FOLDER/<person>/<image>, in the order of names. Raises click.ClickException when it holds too little."""
    people = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    shots = [
        Picture(number, path)
        for number, person in enumerate(people)
        for path in sorted(person.iterdir())
        if path.suffix.lower() in SUFFIXES
    ]
    if len({shot.person for shot in shots}) < 2:
        raise click.ClickException(f"{folder} holds no two people: DIR/<person>/<image> is expected.")
    return shots


def embed_all(engine: FaceEngine, shots: list[Picture]) -> tuple[LabelledVectors, dict[str, int]]:
    """Embed every picture, in place: the album of those with a face, and the number of pictures for each
    `kiosk_hint`. Raises click.ClickException without any face."""
    hints: Counter[str] = Counter()
    for shot in track(shots, "embedding", unit=" pictures"):
        pixels = read_picture_file(shot.path)
        shot.readable = pixels is not None
        if pixels is None:
            continue
        shot.faces = engine.detect(pixels)
        hints[kiosk_hint(pixels, shot.faces)] += 1
        shot.vector = embed(engine, pixels, shot.faces)
    seen = [shot for shot in shots if shot.vector is not None]
    if not seen:
        raise click.ClickException("No face was found in any picture.")
    album = evaluation.labelled_vectors([s.vector for s in seen if s.vector is not None], [s.person for s in seen])
    return album, dict(hints.most_common())


def kiosk_hint(pixels: Pixels, faces: list[Face]) -> str:
    """ "usable", or the hint that a kiosk would give to the person in the picture."""
    try:
        check_quality(quality_of(pixels, choose(faces, pixels.shape[:2])))
    except CaptureError as error:
        return error.hint
    return "usable"
