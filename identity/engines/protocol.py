"""What an engine is: the protocol that every pack implements, and the data it works on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from identity.engines.manifests import Pack

Pixels = NDArray[np.uint8]  # (height, width, 3), BGR
Vector = NDArray[np.float32]  # (d,), unit length


@dataclass(frozen=True)
class Face:
    """One detection.

    `box` is x, y, width, height in pixels of the frame (floats, may reach over its edge). `landmarks` is (5, 2) in
    pixels, in the order of `scheme`; left and right are those of the picture:
    * `eyes_nose_mouth`: left eye, right eye, nose tip, left and right corner of the mouth;
    * `eye_corners_nose`: left eye's outer and inner corner, right eye's inner and outer corner, nose base.

    `covered` says that something covers the face: then an engine does not refine the landmarks, since it would
    find worse ones under a mask.
    """

    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    score: float
    scheme: str = "eyes_nose_mouth"
    covered: bool = False

    @property
    def eyes(self) -> NDArray[np.float32]:
        """(2, 2): the centres of the image-left and the image-right eye."""
        if self.scheme == "eye_corners_nose":
            return np.asarray(self.landmarks[:4].reshape(2, 2, 2).mean(axis=1), np.float32)
        return self.landmarks[:2]

    @property
    def nose(self) -> NDArray[np.float32]:
        """(2,): the tip of the nose, or its base in a scheme without a tip."""
        return np.asarray(self.landmarks[4 if self.scheme == "eye_corners_nose" else 2], np.float32)

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        return self.box[2] * self.box[3]

    def moved(self, dx: float, dy: float) -> Face:
        """The same face in a picture whose origin is at (-dx, -dy) of this one."""
        x, y, w, h = self.box
        landmarks = self.landmarks + np.array([dx, dy], np.float32)
        return replace(self, box=(x + dx, y + dy, w, h), landmarks=landmarks)

    def shrunk(self, factor: int) -> Face:
        """The same face in a picture whose pixels are factor x factor pixels of this one."""
        x, y, w, h = (value / factor for value in self.box)
        landmarks = ((self.landmarks + 0.5) / factor - 0.5).astype(np.float32)
        return replace(self, box=(x, y, w, h), landmarks=landmarks)


class FaceEngine(Protocol):
    """Detector and embedder of one pack. Deterministic: equal pixels give equal numbers."""

    @property
    def pack(self) -> Pack:
        """The manifest that the engine was built from."""
        ...

    def detect(self, pixels: Pixels) -> list[Face]:
        """All faces, largest first. Detection is not recognition: it does not distinguish people."""
        ...

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        """The unit vector (d,) of one face. For a press only `capture.embed` calls it: once for a frame, and once
        more with a drawn mask for an enrolment."""
        ...
