"""The server's side of one sandboxed process: starts it, sends requests, reads answers, ends it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from identity.engines.manifests import Pack
from identity.engines.protocol import Face, Pixels
from identity.frames.decode import MOST_PIXELS
from identity.sandbox import wire

FRAME_BYTES = 3 * MOST_PIXELS
LOADING_TIMEOUT_S = 60.0

PASSED_ENVIRONMENT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TZ", "SYSTEMROOT")
"""The environment variables of the server that a pack gets: no key, no folder."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What a process loads. `maker` is "module:function", called with the arguments of `engines.load.open_pack`;
    `manifests` is the folder of the pack's manifest, None for a pack that ships with the product."""

    pack: str
    models: Path | None
    cache: Path
    maker: str = "identity.engines.load:open_pack"
    manifests: Path | None = None


class PackNotLoaded(Exception):
    """The process could not load its pack; the text says why."""


class EngineProcess:
    """One process with its pipes and its shared memory. Used by one thread at a time."""

    def __init__(self, launch: Launch, size: int) -> None:
        self._size = size
        self._ended = False
        memory = os.memfd_create("usual-pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, FRAME_BYTES)
        # Without seals the process could truncate it, and an access beyond the end would crash the server.
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self._pixels = np.frombuffer(mmap.mmap(memory, FRAME_BYTES), np.uint8)
        # The process gets a read-only descriptor: a mapping of it can never be made writable.
        readable = os.open(f"/proc/self/fd/{memory}", os.O_RDONLY | os.O_CLOEXEC)
        requests_end, self._requests = os.pipe()
        self._answers, answers_end = os.pipe()
        order = {
            "pack": launch.pack,
            "models": None if launch.models is None else str(launch.models),
            "cache": str(launch.cache),
            "maker": launch.maker,
            "parent": os.getpid(),
            "requests": requests_end,
            "answers": answers_end,
            "pixels": readable,
            "bytes": FRAME_BYTES,
        }
        environment = {name: os.environ[name] for name in PASSED_ENVIRONMENT if name in os.environ}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "identity.sandbox.process", json.dumps(order)],
                env=environment | threads,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(requests_end, answers_end, readable),
            )
        except OSError:
            os.close(self._requests)
            os.close(self._answers)
            raise
        finally:
            for descriptor in (requests_end, answers_end, memory, readable):
                os.close(descriptor)
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)

    def wait_until_loaded(self, pack: Pack) -> tuple[str, ...]:
        """Wait until the process has loaded `pack`; the walls around it, as `lockdown.lock_down` returns them.

        Raises PackNotLoaded, OSError, EOFError, ValueError.
        """
        hello = json.loads(self._read(wire.LONGEST_HELLO, time.monotonic() + LOADING_TIMEOUT_S))
        if "error" in hello:
            raise PackNotLoaded(str(hello["error"]))
        if hello["pack"] != pack.id:
            raise PackNotLoaded(f"The engine is {hello['pack']}, not {pack.id} as its manifest says.")
        return tuple(str(wall) for wall in hello["walls"])

    def request(self, kind: int, pixels: Pixels, face: Face | None, timeout_s: float) -> tuple[int, int, bytes]:
        """Send one request; (status, count, block) of its answer.

        Raises OSError (such as TimeoutError), EOFError or WireError; after that the process must not be used.
        """
        if self._poll.poll(0):
            raise wire.WireError("an answer without a request, or the end of the pipe")
        count = pixels.size
        self._pixels[:count].reshape(pixels.shape)[:] = pixels
        try:
            wire.write_all(self._requests, wire.request(kind, pixels.shape, face))
            length = wire.HEAD.itemsize + wire.block_bytes(self._size)
            reply = self._read(length, time.monotonic() + timeout_s)
        finally:
            self._pixels[:count] = 0  # between two requests the shared memory holds no picture
        status, count = np.frombuffer(reply, wire.HEAD, 1)[0].item()
        if status not in (wire.DONE, wire.FAILED):
            raise wire.WireError("an unknown status")
        return status, count, reply[wire.HEAD.itemsize :]

    def _read(self, count: int, deadline: float) -> bytes:
        parts = []
        while count:
            if not self._poll.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
                raise TimeoutError("no answer")
            part = os.read(self._answers, count)
            if not part:
                raise EOFError("the process has ended")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        """Kill the process and close its descriptors. Only once: later a descriptor's number may belong to another
        file."""
        if self._ended:
            return
        self._ended = True
        self.process.kill()
        self.process.wait()
        for descriptor in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                os.close(descriptor)
