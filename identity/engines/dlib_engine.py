"""The `dlib` pack: HOG detector and five points from dlib-bin, its ResNet converted to ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from identity.engines.dlib_int8 import Int8Graph
from identity.engines.dlib_network import CHIP, convert
from identity.engines.manifests import Pack
from identity.engines.protocol import Face, Pixels, Vector
from identity.engines.sessions import open_session
from identity.frames.opencv import cv2
from identity.vectors import unit

DETECT_SIDE = 640  # the longer side of the grey picture for HOG, which finds faces of 80 pixels and more
# dlib's order of the five points, as seen in the picture: outer and inner corner of the image-right eye, then of
# the image-left eye, then the base of the nose. `Face.landmarks` begins with the image-left eye.
FROM_DLIB = [2, 3, 1, 0, 4]
TO_DLIB = [3, 2, 0, 1, 4]


class DlibEngine:
    """A `FaceEngine`. The 68-point predictor of the same package is never loaded: the licence of its training data
    excludes commercial use.

    The manifest's `input` says whether the network runs in float32 or int8 (`network`), whether the vectors of a
    face and its mirror image are averaged (`mirror`), and those of which margins around the face (`paddings`,
    shares of its size).
    """

    def __init__(self, pack: Pack, files: Mapping[str, Path], cache: Path) -> None:
        import dlib

        self._pack = pack
        self._dlib = dlib
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = dlib.shape_predictor(str(files["landmarks"]))
        precision = pack.input["network"]
        graph = Int8Graph(pack.input["ranges"]) if precision == "int8" else None
        pinned = pack.input["converted_sha256"][precision]
        self._network = open_session(convert(files["embedder"], cache, pinned, graph, precision))
        self._mirror = bool(pack.input.get("mirror"))
        self._paddings = [float(padding) for padding in pack.input.get("paddings", [0.25])]

    @property
    def pack(self) -> Pack:
        return self._pack

    def detect(self, pixels: Pixels) -> list[Face]:
        height, width = pixels.shape[:2]
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        scale = min(1.0, DETECT_SIDE / max(height, width))
        small = grey
        if scale < 1:
            small = cv2.resize(grey, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        rectangles, scores, _ = self._detector.run(small, 0, 0.0)
        grow = (width / small.shape[1], height / small.shape[0])
        faces = [self._face(grey, r, float(s), grow) for r, s in zip(rectangles, scores, strict=True)]
        return sorted(faces, key=lambda face: -face.area)

    def _face(self, grey: np.ndarray, found: object, score: float, grow: tuple[float, float]) -> Face:
        """Box and five points in pixels of the full frame; `found` is the detection in the shrunk one."""
        left, top, right, bottom = (getattr(found, side)() for side in ("left", "top", "right", "bottom"))
        box = (left * grow[0], top * grow[1], (right - left + 1) * grow[0], (bottom - top + 1) * grow[1])
        corners = (box[0], box[1], box[0] + box[2] - 1, box[1] + box[3] - 1)
        points = self._landmarks(grey, self._dlib.rectangle(*(round(c) for c in corners))).parts()
        landmarks = np.array([(points[i].x, points[i].y) for i in FROM_DLIB], np.float32)
        return Face(box, landmarks, score, "eye_corners_nose")

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        rgb = np.ascontiguousarray(pixels[:, :, ::-1])
        x, y, w, h = face.box
        points = [self._dlib.point(*(int(v) for v in np.round(face.landmarks[i]))) for i in TO_DLIB]
        box = self._dlib.rectangle(*(round(v) for v in (x, y, x + w - 1, y + h - 1)))
        shape = self._dlib.full_object_detection(box, points)
        chips = np.stack([self._dlib.get_face_chip(rgb, shape, CHIP, padding) for padding in self._paddings])
        if self._mirror:
            chips = np.concatenate([chips, chips[:, :, ::-1]])
        vectors = self._network.run(None, {"input": chips.transpose(0, 3, 1, 2).astype(np.float32)})[0]
        return unit(vectors.mean(axis=0))
