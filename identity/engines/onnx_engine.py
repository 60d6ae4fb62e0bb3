"""Packs that consist of YuNet and one embedding network: `open-model-zoo`, `opencv-zoo`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from identity.engines.alignment import align, aligned_points
from identity.engines.manifests import Pack
from identity.engines.protocol import Face, Pixels, Vector
from identity.engines.sessions import open_session
from identity.engines.yunet import Yunet
from identity.errors import ManifestUnfit
from identity.vectors import unit

SCALE = "0..255"


class OnnxEngine:
    """A `FaceEngine` whose crop size, alignment points and colour order come from the manifest.

    Raises ManifestUnfit when the network is to be fed anything but numbers from 0 to 255.
    """

    def __init__(self, pack: Pack, files: Mapping[str, Path]) -> None:
        if pack.input.get("scale") != SCALE:
            wanted = pack.input.get("scale")
            raise ManifestUnfit(
                f"Pack {pack.name!r} wants its input as {wanted!r}; this engine gives {SCALE!r} only."
            )
        self._pack = pack
        self._detector = Yunet(open_session(files["detector"]), pack.input)
        self._embedder = open_session(files["embedder"])
        self._input_name = self._embedder.get_inputs()[0].name
        self._side = int(pack.input["side"])
        self._points = aligned_points(pack)
        self._rgb = pack.input["colour"] == "RGB"

    @property
    def pack(self) -> Pack:
        return self._pack

    def detect(self, pixels: Pixels) -> list[Face]:
        return self._detector.detect(pixels)

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        landmarks = face.landmarks if face.covered else self._detector.refined_landmarks(pixels, face)
        crop = align(pixels, landmarks, self._points, self._side)
        if self._rgb:
            crop = crop[:, :, ::-1]
        batch = crop.transpose(2, 0, 1)[None].astype(np.float32)
        return unit(self._embedder.run(None, {self._input_name: batch})[0].reshape(-1))
