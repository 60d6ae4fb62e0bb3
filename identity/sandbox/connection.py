"""The server's side of the process of an engine pack."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from identity.engines.manifests import Pack
from identity.engines.protocol import Face, Pixels
from identity.frames.decode import MOST_PIXELS
from identity.sandbox import wire
from identity.sandbox.child import Child, Shared
from identity.sandbox.supervisor import NotLoaded

FRAME_BYTES = 3 * MOST_PIXELS


@dataclass(frozen=True, slots=True)
class Launch:
    """What a process loads. `maker` is "module:function", called with the arguments of `engines.load.open_pack`;
    `manifests` is the folder of the pack's manifest, None for a pack that ships with the product."""

    pack: str
    models: Path | None
    cache: Path
    maker: str = "identity.engines.load:open_pack"
    manifests: Path | None = None


class EngineProcess(Child):
    """One process that runs a pack. Used by one thread at a time."""

    def __init__(self, launch: Launch, size: int) -> None:
        self._size = size
        pixels = Shared("usual-pixels", FRAME_BYTES)  # an engine cannot write anything into the server's memory
        self._pixels = pixels.octets
        order = {
            "pack": launch.pack,
            "models": None if launch.models is None else str(launch.models),
            "cache": str(launch.cache),
            "maker": launch.maker,
        }
        super().__init__("identity.sandbox.process", order, {"pixels": pixels})

    def wait_until_loaded(self, pack: Pack) -> tuple[str, ...]:
        """Wait until the process has loaded `pack`; the walls around it, as `lockdown.lock_down` returns them.

        Raises NotLoaded, OSError, EOFError, ValueError.
        """
        hello = self.hello()
        if hello["pack"] != pack.id:
            raise NotLoaded(f"The engine is {hello['pack']}, not {pack.id} as its manifest says.")
        walls = hello["walls"]
        return tuple(map(str, walls)) if isinstance(walls, list) else ()

    def request(self, kind: int, pixels: Pixels, face: Face | None, timeout_s: float) -> tuple[int, int, bytes]:
        """Send one request; (status, count, block) of its answer.

        Raises OSError (such as TimeoutError), EOFError or WireError; after that the process must not be used.
        """
        count = pixels.size
        self._pixels[:count].reshape(pixels.shape)[:] = pixels
        try:
            self.send(wire.request(kind, pixels.shape, face))
            length = wire.HEAD.itemsize + wire.block_bytes(self._size)
            reply = self.read(length, time.monotonic() + timeout_s)
        finally:
            self._pixels[:count] = 0  # between two requests the shared memory holds no picture
        status, count = np.frombuffer(reply, wire.HEAD, 1)[0].item()
        if status not in (wire.DONE, wire.FAILED):
            raise wire.WireError("an unknown status")
        return status, count, reply[wire.HEAD.itemsize :]
