"""YuNet: faces with five landmarks from an anchor-free network (Wu, Peng and Yu 2023).

For every cell at strides 8, 16 and 32 the network gives the probability of a face (class x objectness), the box
centre and log size, and five points, all in cells. The frame is first shrunk to the size in the manifest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from identity.engines.protocol import Face, Pixels
from identity.frames.resize import shrink_for_detector, warp_square

Floats = NDArray[np.floating]

STRIDES = (8, 16, 32)
LEAST_SCORE = 0.7
LARGEST_OVERLAP = 0.3
MOST_FACES = 50
REFINE_SIDE = 320  # pixels of the square in which the landmarks of a face are refined
SAME_FACE = 0.5  # cells whose boxes have at least this intersection over union belong to one face


class Session(Protocol):
    """The part of an onnxruntime session that is used here."""

    def run(self, output_names: list[str] | None, input_feed: dict[str, Floats]) -> list[Floats]: ...


class Yunet:
    """The detector. `spec` is a manifest's `input`: with `detector_side` the network needs a square of that size,
    with `detector_width` it accepts any size."""

    def __init__(self, session: Session, spec: Mapping[str, Any]) -> None:
        self._session = session
        self._spec = spec
        self._names = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES]

    def detect(self, pixels: Pixels) -> list[Face]:
        """Faces of a (height, width, 3) BGR frame, largest first, in its own pixels."""
        small = shrink_for_detector(pixels, self._spec)
        rows, columns = small.shape[:2]
        fixed = self._spec.get("detector_side")
        shape = (fixed, fixed) if fixed else (-(-rows // 32) * 32, -(-columns // 32) * 32)
        padded = np.zeros((1, 3, *shape), np.float32)
        padded[0, :, :rows, :columns] = small.transpose(2, 0, 1)
        boxes, points, scores = self._run(padded)
        faces = [
            Face(tuple(boxes[i].tolist()), points[i], float(scores[i])) for i in non_max_suppression(boxes, scores)
        ]
        return scale_faces(faces, small, pixels)

    def refined_landmarks(self, pixels: Pixels, face: Face) -> NDArray[np.float32]:
        """The landmarks (5, 2) of a detected face from a second run on the face alone, half as wide as the input.

        They are the mean over all cells that belong to this face, weighted by score; those of a single cell are
        less exact. Unchanged when the face is not found again, and with a network of a fixed size, which is slow.
        """
        if "detector_side" in self._spec:
            return face.landmarks
        x, y, w, h = face.box
        scale = 1 / shrink_factor(face)
        shift = REFINE_SIDE / 2 - scale * np.array([x + w / 2, y + h / 2])
        square = warp_square(pixels, np.column_stack([scale * np.eye(2), shift]), REFINE_SIDE)
        boxes, points, scores = self._run(square.transpose(2, 0, 1)[None].astype(np.float32))
        near = iou(boxes, scale * np.array([x, y, w, h]) + [*shift, 0, 0]) > SAME_FACE
        if not near.any():
            return face.landmarks
        same = iou(boxes, boxes[np.argmax(scores * near)]) > SAME_FACE
        # Not np.average: it imports a module when first called, which the sandbox does not permit.
        weights = scores[same] / scores[same].sum()
        mean = (points[same] * weights[:, None, None]).sum(axis=0)
        return np.asarray((mean - shift) / scale, np.float32)

    def _run(self, batch: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
        """`decode_outputs` of one picture (1, 3, height, width)."""
        return decode_outputs(self._session.run(self._names, {"input": batch}), batch.shape[2:])


def shrink_factor(face: Face) -> float:
    """How many times larger a face is than in the square of `refined_landmarks`."""
    return 2 * max(face.box[2:]) / REFINE_SIDE


def scale_faces(faces: list[Face], small: Pixels, pixels: Pixels) -> list[Face]:
    """Faces of the picture `small`, in pixels of the picture that it was shrunk from, largest first."""
    grow = np.array([pixels.shape[1] / small.shape[1], pixels.shape[0] / small.shape[0]], np.float32)
    moved = []
    for face in faces:
        x, y, w, h = (np.array(face.box, np.float32).reshape(2, 2) * grow).ravel().tolist()
        moved.append(replace(face, box=(x, y, w, h), landmarks=(face.landmarks * grow).astype(np.float32)))
    return sorted(moved, key=lambda face: -face.area)


def decode_outputs(outputs: list[Floats], shape: Sequence[int]) -> tuple[Floats, Floats, Floats]:
    """Network outputs -> boxes (n, 4) as x, y, w, h, landmarks (n, 5, 2), scores (n,), above LEAST_SCORE.

    `outputs` are cls, obj, bbox, kps, each at strides 8, 16, 32; `shape` is the padded (height, width).
    """
    cls, obj, box, kps = (
        np.concatenate([level[0] for level in outputs[first : first + len(STRIDES)]])
        for first in range(0, len(outputs), len(STRIDES))
    )
    scores = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
    cells = np.flatnonzero(scores >= LEAST_SCORE)
    corners, strides = (part[cells] for part in _cells(tuple(shape)))
    centre = (corners + box[cells, :2]) * strides
    extent = np.exp(np.minimum(box[cells, 2:], 10)) * strides
    points = (kps[cells].reshape(-1, 5, 2) + corners[:, None, :]) * strides[:, :, None]
    return np.hstack([centre - extent / 2, extent]), points, scores[cells]


@lru_cache(maxsize=8)
def _cells(shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """The column and row (n, 2) of every cell of a picture of `shape`, and the stride (n, 1) of its level."""
    corners, strides = [], []
    for stride in STRIDES:
        row, column = np.indices((shape[0] // stride, shape[1] // stride), np.float32)
        corners.append(np.stack([column.ravel(), row.ravel()], axis=1))
        strides.append(np.full((row.size, 1), stride, np.float32))
    return np.concatenate(corners), np.concatenate(strides)


def non_max_suppression(boxes: Floats, scores: Floats) -> list[int]:
    """Indices of boxes that no better box overlaps by more than LARGEST_OVERLAP (intersection over union)."""
    order = np.argsort(-scores, kind="stable")[:500]
    best_boxes: list[int] = []
    while len(order) and len(best_boxes) < MOST_FACES:
        best, order = int(order[0]), order[1:]
        best_boxes.append(best)
        order = order[iou(boxes[order], boxes[best]) <= LARGEST_OVERLAP]
    return best_boxes


def iou(boxes: Floats, box: Floats) -> Floats:
    """Intersection over union (n,) of `boxes` (n, 4) with one."""
    sides = np.minimum(boxes[:, :2] + boxes[:, 2:], box[:2] + box[2:]) - np.maximum(boxes[:, :2], box[:2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    together = boxes[:, 2:].prod(axis=1) + box[2:].prod() - shared
    return np.asarray(shared / np.maximum(together, 1e-9))
