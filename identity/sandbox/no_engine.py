"""In place of the engine processes and the decoder where no device sends pictures (`USUAL_ENGINES=0`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from identity.engines.manifests import Pack
from identity.engines.protocol import Face, Pixels
from identity.frames.decode import Frame
from identity.sandbox.supervisor import EngineUnavailable

WHY = "No engine runs here (USUAL_ENGINES is 0): devices send vectors."


@dataclass(frozen=True)
class NoEngine:
    """A `FaceEngine` with a manifest and nothing else: it says which vectors are compared."""

    pack: Pack

    def detect(self, pixels: Pixels) -> list[Face]:
        """Raises EngineUnavailable."""
        raise EngineUnavailable(WHY)

    def embed(self, pixels: Pixels, face: Face) -> NoReturn:
        """Raises EngineUnavailable."""
        raise EngineUnavailable(WHY)

    def decode(self, data: bytes) -> Frame:
        """In place of the decoder. Raises EngineUnavailable."""
        raise EngineUnavailable(WHY)
