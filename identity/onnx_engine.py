"""Packs that consist of YuNet and one embedding network: `open-model-zoo`, `opencv-zoo`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from identity.covers import masked, upright_patch
from identity.engines import Face, Pixels, Vector
from identity.manifests import Pack
from identity.matching import unit
from identity.sessions import open_session
from identity.shrinking import cut
from identity.yunet import Yunet


class OnnxEngine:
    """A `FaceEngine` from a manifest: size, alignment points, colour order and scale are its numbers."""

    def __init__(self, pack: Pack, files: Mapping[str, Path]) -> None:
        self._pack = pack
        self._detector = Yunet(open_session(files["detector"]), pack.input.get("detector_side"))
        self._embedder = open_session(files["embedder"])
        self._given = self._embedder.get_inputs()[0].name
        self._side = int(pack.input["side"])
        self._points = np.array(pack.input["alignment"], np.float32)
        self._rgb = pack.input["colour"] == "RGB"

    @property
    def pack(self) -> Pack:
        return self._pack

    def detect(self, pixels: Pixels) -> list[Face]:
        faces = self._detector.detect(pixels)
        # The largest is the only one that may be recognised. Under a mask a second look finds worse points.
        if faces and not masked(upright_patch(pixels, faces[0])):
            faces[0] = replace(faces[0], landmarks=self._detector.points_of(pixels, faces[0]))
        return faces

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        crop = align(pixels, face.landmarks, self._points, self._side)
        if self._rgb:
            crop = crop[:, :, ::-1]
        batch = crop.transpose(2, 0, 1)[None].astype(np.float32)
        return unit(self._embedder.run(None, {self._given: batch})[0].reshape(-1))


def align(pixels: Pixels, landmarks: NDArray[np.float32], points: NDArray[np.float32], side: int) -> Pixels:
    """The (side, side, 3) crop in which `landmarks` (5, 2) come to lie on `points` (5, 2, pixels of the crop)."""
    return cut(pixels, similarity(landmarks, points), side)


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """The 2 x 3 matrix of the rotation, scale and shift that brings `source` (n, 2) nearest to `target` (n, 2).

    Least squares without reflection (Umeyama 1991), in closed form for the plane.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    from_centre, to_centre = a.mean(axis=0), b.mean(axis=0)
    a, b = a - from_centre, b - to_centre
    spread = max(float((a * a).sum()), 1e-12)
    cosine = float((a * b).sum()) / spread
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return np.hstack([turn, (to_centre - turn @ from_centre)[:, None]])
