"""Runs an engine pack in sandboxed processes of its own, which can only compute.

Pixels are passed in shared memory, requests and answers over two pipes (`wire.py`). A process that crashes, hangs
or sends invalid data is killed and replaced; a person who presses at that moment is a guest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from identity.engines.alignment import shrink_for_embedder
from identity.engines.manifests import PACKS, Pack, checked_files, load_pack
from identity.engines.protocol import Face, Pixels, Vector
from identity.engines.yunet import scale_faces
from identity.frames.resize import shrink_for_detector
from identity.sandbox import wire
from identity.sandbox.connection import EngineProcess, Launch
from identity.sandbox.supervisor import EngineUnavailable, Owner, Workers

__all__ = ["EnginePool", "EngineUnavailable"]

Answer = TypeVar("Answer")
ANSWER_TIMEOUT_S = 5.0  # for one answer; a frame takes some 10 ms


class EnginePool(Owner[EngineProcess]):
    """A `FaceEngine` that works in `count` sandboxed processes. Safe with threads.

    The files are checked here first, so that a missing or altered one is reported at once: raises UnknownPack,
    PackMissing, PackAltered, PackDenied. `start` starts the processes, or the first request does.
    `timeout_s` is the longest wait for an answer, in seconds.
    """

    def __init__(self, launch: Launch, count: int = 1, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._pack = load_pack(launch.pack, launch.manifests or PACKS)
        checked_files(self._pack, launch.models, launch.cache)
        self.timeout_s = timeout_s
        load = partial(EngineProcess.wait_until_loaded, pack=self._pack)
        self._workers = Workers(partial(EngineProcess, launch, self._pack.size), load, count, "The engine pack")

    @property
    def pack(self) -> Pack:
        return self._pack

    def detect(self, pixels: Pixels) -> list[Face]:
        """See `FaceEngine`. Raises EngineUnavailable."""
        small = shrink_for_detector(pixels, self.pack.input)
        faces = self._answer(wire.DETECT, small, None, wire.faces_in)
        if faces is None:
            raise EngineUnavailable("The engine pack failed at this picture.")
        return faces if small is pixels else scale_faces(faces, small, pixels)

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        """See `FaceEngine`. Raises EngineUnavailable."""
        pixels, face = shrink_for_embedder(self.pack, pixels, face)
        read = partial(wire.vector_in, size=self.pack.size)
        vector = self._answer(wire.EMBED, pixels, face, read)
        if vector is None:
            raise EngineUnavailable("The engine pack failed at this face.")
        return vector

    def _answer(
        self, kind: int, pixels: Pixels, face: Face | None, read: Callable[[int, bytes], Answer]
    ) -> Answer | None:
        """The answer of a process, parsed by `read`; None when the pack failed at this picture."""
        with self._workers.lent(self.timeout_s) as worker:
            status, count, block = worker.request(kind, pixels, face, self.timeout_s)
            return read(count, block) if status == wire.DONE else None
