"""From five landmarks to the upright crop that an embedding network needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from identity.engines.manifests import Pack
from identity.engines.protocol import Face, Pixels
from identity.engines.yunet import shrink_factor
from identity.frames.resize import shrink_by_power_of_two, warp_square


def align(pixels: Pixels, landmarks: NDArray[np.float32], points: NDArray[np.float32], side: int) -> Pixels:
    """The (side, side, 3) crop in which `landmarks` (5, 2) lie on `points` (5, 2, pixels of the crop)."""
    return warp_square(pixels, similarity(landmarks, points), side)


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """The (2, 3) matrix of rotation, scale and shift that maps `source` (n, 2) nearest to `target` (n, 2).

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


def aligned_points(pack: Pack) -> NDArray[np.float32]:
    """(5, 2): where a pack's manifest puts the landmarks in its crop, in pixels."""
    return np.array(pack.input["alignment"], np.float32)


def shrink_for_embedder(pack: Pack, pixels: Pixels, face: Face) -> tuple[Pixels, Face]:
    """A crop and the face in it, shrunk as far as the pack's networks allow; unchanged for engines other than
    "onnx"."""
    if pack.engine != "onnx":
        return pixels, face
    matrix = similarity(face.landmarks, aligned_points(pack))
    larger = 1 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-6)
    small, factor = shrink_by_power_of_two(pixels, min(larger, shrink_factor(face)))
    return small, face if factor == 1 else face.shrunk(factor)
