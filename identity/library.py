"""The identity half as a library: face vectors and matching on arrays, for measuring.

Nothing here is stored. Pictures are arrays of the caller; a vector lives as long as the caller keeps it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from identity.capture.embed import embed_one
from identity.engines.load import open_pack
from identity.engines.protocol import Face, Pixels, Vector
from identity.errors import VectorInvalid
from identity.frames.decode import Frame, decode
from identity.matching.decide import MatchDecision, decide_each
from identity.vectors import Array, mean_template, unit


def read_picture(data: bytes) -> Pixels:
    """The pixels (height, width, 3) uint8, BGR, of a JPEG, PNG or WebP file. Raises a FrameError."""
    return decode(data).pixels


class Engine:
    """An engine pack, opened by its name ("dlib", "opencv-zoo", "open-model-zoo").

    `models_folder` holds the files of packs that are not installed as a package; `cache` holds fetched and
    converted ones. Every file is checked against the sha256 of the pack's manifest. Raises UnknownPack,
    PackMissing, PackAltered or PackDenied.
    """

    def __init__(
        self, name: str = "dlib", *, models_folder: Path | None = None, cache: Path = Path(".cache/models")
    ) -> None:
        self._engine = open_pack(name, models_folder, cache)
        self.id = self._engine.pack.id
        """Name and version: vectors of two packs with different ids must not be compared."""
        self.size = self._engine.pack.size
        """The length d of a vector."""

    def detect(self, pixels: Pixels) -> list[Face]:
        """All faces in a picture (height, width, 3) uint8, BGR, largest first; boxes and landmarks in pixels."""
        return self._engine.detect(pixels)

    def embed(self, pixels: Pixels) -> Vector:
        """The unit vector (d,) float32 of the one usable face in a picture (height, width, 3) uint8, BGR.

        The picture is judged as at a device. Raises a CaptureError: NoFace, SeveralFaces, FaceTooSmall,
        FaceOffCentre, FaceTurned, FaceBlurred, TooDark or TooBright; VectorInvalid when the network gives a vector
        that is zero or not finite.
        """
        try:
            return embed_one(self._engine, Frame(pixels)).vector
        except ValueError as error:
            raise VectorInvalid from error


def enrol(vectors: NDArray[np.floating]) -> Array:
    """Vectors (k, d) of one person, k >= 1 pictures (a device takes at least 3) -> their template (d,): the mean,
    float32 at unit length.

    Raises ValueError on another shape, and on a vector that is zero or not finite.
    """
    return mean_template(_rows(vectors, "vectors"))


def match(probes: NDArray[np.floating], templates: NDArray[np.floating], threshold: float) -> list[MatchDecision]:
    """One decision for each probe (n, d) against the templates (N, d), by the rule of a press with one frame.

    A score is a cosine, from -1 to 1. Below `threshold` the outcome is "unknown"; at or above it "matched", with
    the template's row as `index`, or "ambiguous" when the second best template is nearly as near. Without a
    template everybody is unknown. Rows are brought to unit length first. Raises ValueError on shapes that do not
    fit, and on a row that is zero or not finite.
    """
    looks, gallery = np.asarray(probes), np.asarray(templates)
    if looks.ndim != 2 or gallery.ndim != 2 or looks.shape[1] != gallery.shape[1]:
        raise ValueError(f"probes {looks.shape} and templates {gallery.shape} are not (n, d) and (N, d)")
    return decide_each(unit(looks), unit(gallery), threshold)


def _rows(vectors: NDArray[np.floating], name: str) -> NDArray[np.floating]:
    rows = np.asarray(vectors)
    if rows.ndim != 2 or not len(rows):
        raise ValueError(f"{name} have the shape (k, d) with k >= 1, not {rows.shape}")
    return rows
