"""YuNet: faces with five landmarks from a network without anchors (Wu, Peng and Yu 2023).

The network answers at strides 8, 16 and 32, for every cell: probability of a face (class x objectness), box centre
and log size, five points, all in cells. The frame is shrunk first, as the manifest says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from identity.engines.protocol import Face, Pixels
from identity.frames.resize import cut, for_detector

Floats = NDArray[np.floating]

STRIDES = (8, 16, 32)
LEAST_SCORE = 0.7
LARGEST_OVERLAP = 0.3
MOST_FACES = 50
LOOK_SIDE = 320  # of the square in which a face is looked at again
SAME_FACE = 0.5  # cells whose boxes overlap by this much mean one face


class Session(Protocol):
    """What is needed of an onnxruntime session."""

    def run(self, output_names: list[str] | None, input_feed: dict[str, Floats]) -> list[Floats]: ...


class Yunet:
    """The detector. `given` is a manifest's `input`: with `detector_side` the network takes one square size only,
    with `detector_width` any."""

    def __init__(self, session: Session, given: Mapping[str, Any]) -> None:
        self._session = session
        self._given = given
        self._names = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES]

    def detect(self, pixels: Pixels) -> list[Face]:
        """Faces of a (height, width, 3) BGR frame, largest first, in its own pixels."""
        small = for_detector(pixels, self._given)
        rows, columns = small.shape[:2]
        fixed = self._given.get("detector_side")
        shape = (fixed, fixed) if fixed else (-(-rows // 32) * 32, -(-columns // 32) * 32)
        padded = np.zeros((1, 3, *shape), np.float32)
        padded[0, :, :rows, :columns] = small.transpose(2, 0, 1)
        boxes, points, scores = self._looked(padded)
        faces = [Face(tuple(boxes[i].tolist()), points[i], float(scores[i])) for i in suppress(boxes, scores)]
        return grown(faces, small, pixels)

    def points_of(self, pixels: Pixels, face: Face) -> NDArray[np.float32]:
        """The five points (5, 2) of a face that was found, looked at again: it alone, half as wide as the square
        that the network sees. They are the mean over all cells that mean this face, by their scores; one cell's
        are less exact. Left as they were where it is not found again, and by a network of one size, which is slow.
        """
        if "detector_side" in self._given:
            return face.landmarks
        x, y, w, h = face.box
        scale = 1 / times_too_large(face)
        shift = LOOK_SIDE / 2 - scale * np.array([x + w / 2, y + h / 2])
        square = cut(pixels, np.column_stack([scale * np.eye(2), shift]), LOOK_SIDE)
        boxes, points, scores = self._looked(square.transpose(2, 0, 1)[None].astype(np.float32))
        near = overlap(boxes, scale * np.array([x, y, w, h]) + [*shift, 0, 0]) > SAME_FACE
        if not near.any():
            return face.landmarks
        same = overlap(boxes, boxes[np.argmax(scores * near)]) > SAME_FACE
        # Not np.average: it imports when first called, and behind the walls of a pack nothing can be.
        weights = scores[same] / scores[same].sum()
        mean = (points[same] * weights[:, None, None]).sum(axis=0)
        return np.asarray((mean - shift) / scale, np.float32)

    def _looked(self, batch: NDArray[np.float32]) -> tuple[Floats, Floats, Floats]:
        """`decode_outputs` of one picture (1, 3, height, width)."""
        return decode_outputs(self._session.run(self._names, {"input": batch}), batch.shape[2:])


def times_too_large(face: Face) -> float:
    """How many times as large as for a second look a face is."""
    return 2 * max(face.box[2:]) / LOOK_SIDE


def grown(faces: list[Face], small: Pixels, pixels: Pixels) -> list[Face]:
    """Faces of the picture `small` in the pixels of the larger one that it was made from, largest first."""
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
    boxes, points, scores = [], [], []
    for level, stride in enumerate(STRIDES):
        cls, obj, box, kps = (outputs[kind * 3 + level][0] for kind in range(4))
        score = np.sqrt(np.clip(cls[:, 0], 0, 1) * np.clip(obj[:, 0], 0, 1))
        cells = np.flatnonzero(score >= LEAST_SCORE)
        row, column = np.divmod(cells, shape[1] // stride)
        corner = np.stack([column, row], axis=1).astype(np.float32)
        centre = (corner + box[cells, :2]) * stride
        extent = np.exp(np.minimum(box[cells, 2:], 10)) * stride
        boxes.append(np.hstack([centre - extent / 2, extent]))
        points.append((kps[cells].reshape(-1, 5, 2) + corner[:, None, :]) * stride)
        scores.append(score[cells])
    return np.concatenate(boxes), np.concatenate(points), np.concatenate(scores)


def suppress(boxes: Floats, scores: Floats) -> list[int]:
    """Indices of boxes that no better box overlaps by more than LARGEST_OVERLAP (intersection over union)."""
    order = np.argsort(-scores, kind="stable")[:500]
    kept: list[int] = []
    while len(order) and len(kept) < MOST_FACES:
        best, order = int(order[0]), order[1:]
        kept.append(best)
        order = order[overlap(boxes[order], boxes[best]) <= LARGEST_OVERLAP]
    return kept


def overlap(boxes: Floats, box: Floats) -> Floats:
    """Intersection over union (n,) of `boxes` (n, 4) with one."""
    sides = np.minimum(boxes[:, :2] + boxes[:, 2:], box[:2] + box[2:]) - np.maximum(boxes[:, :2], box[:2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    together = boxes[:, 2:].prod(axis=1) + box[2:].prod() - shared
    return np.asarray(shared / np.maximum(together, 1e-9))
