"""One process of an engine pack and the pipe to it, seen from the server."""

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


LOADING_S = 60.0


HANDED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TZ", "SYSTEMROOT")
"""What a pack sees of the server's environment: no key, no folder."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to load. `maker` is "module:function", called with pack, models and cache as `engines.open_pack` is;
    `manifests` is where the pack's manifest lies, None for the product's own."""

    pack: str
    models: Path | None
    cache: Path
    maker: str = "identity.engines.load:open_pack"
    manifests: Path | None = None


class PackNotLoaded(Exception):
    """The process says why it could not load its pack."""


class EngineProcess:
    """One process and the way to it. Used by one thread at a time."""

    def __init__(self, launch: Launch, size: int) -> None:
        self._size = size
        self._ended = False
        memory = os.memfd_create("usual-pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(memory, FRAME_BYTES)
        # Or the other side could cut it short, and touching what is missing would end the server.
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self._pixels = np.frombuffer(mmap.mmap(memory, FRAME_BYTES), np.uint8)
        # Theirs is opened for reading: what is mapped through it can never be made writable.
        readable = os.open(f"/proc/self/fd/{memory}", os.O_RDONLY | os.O_CLOEXEC)
        theirs, self._questions = os.pipe()
        self._answers, ours = os.pipe()
        order = {
            "pack": launch.pack,
            "models": None if launch.models is None else str(launch.models),
            "cache": str(launch.cache),
            "maker": launch.maker,
            "parent": os.getpid(),
            "questions": theirs,
            "answers": ours,
            "pixels": readable,
            "bytes": FRAME_BYTES,
        }
        kept = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "identity.sandbox.process", json.dumps(order)],
                env=kept | threads,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs, ours, readable),
            )
        except OSError:
            os.close(self._questions)
            os.close(self._answers)
            raise
        finally:
            for descriptor in (theirs, ours, memory, readable):
                os.close(descriptor)
        self._waiting = select.poll()
        self._waiting.register(self._answers, select.POLLIN)

    def greeted(self, pack: Pack) -> tuple[str, ...]:
        """Wait until the process has loaded `pack`; which walls stand around it.

        Raises _NotLoaded, OSError, EOFError, ValueError.
        """
        told = json.loads(self._read(wire.LONGEST_HELLO, time.monotonic() + LOADING_S))
        if "error" in told:
            raise PackNotLoaded(str(told["error"]))
        if told["pack"] != pack.id:
            raise PackNotLoaded(f"The engine is {told['pack']}, not {pack.id} as its manifest says.")
        return tuple(str(wall) for wall in told["walls"])

    def ask(self, kind: int, pixels: Pixels, face: Face | None, patience_s: float) -> tuple[int, int, bytes]:
        """(status, count, block) of the answer.

        Raises OSError (TimeoutError among them), EOFError or Gibberish: the process is of no use any more.
        """
        if self._waiting.poll(0):
            raise wire.WireError("an answer that nobody asked for, or the end")
        count = pixels.size
        self._pixels[:count].reshape(pixels.shape)[:] = pixels
        try:
            wire.write_all(self._questions, wire.question(kind, pixels.shape, face))
            length = wire.HEAD.itemsize + wire.block_bytes(self._size)
            reply = self._read(length, time.monotonic() + patience_s)
        finally:
            self._pixels[:count] = 0  # between two presses no picture is anywhere
        status, told = np.frombuffer(reply, wire.HEAD, 1)[0].item()
        if status not in (wire.DONE, wire.FAILED):
            raise wire.WireError("an answer of no kind")
        return status, told, reply[wire.HEAD.itemsize :]

    def _read(self, count: int, deadline: float) -> bytes:
        parts = []
        while count:
            if not self._waiting.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
                raise TimeoutError("no answer")
            part = os.read(self._answers, count)
            if not part:
                raise EOFError("the process has ended")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def end(self) -> None:
        """Kill it, and leave nothing behind. Once: a descriptor's number may be another's by the second time."""
        if self._ended:
            return
        self._ended = True
        self.process.kill()
        self.process.wait()
        for descriptor in (self._questions, self._answers):
            with contextlib.suppress(OSError):
                os.close(descriptor)
