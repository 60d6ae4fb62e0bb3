"""An engine pack at arm's length: it runs in processes of its own, which can do nothing but compute.

Pixels go over in memory that both sides see, a question and its answer over two pipes (`wire.py`). A process that
crashes, hangs or talks gibberish is killed and another one started; whoever pressed meanwhile is a guest.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import mmap
import os
import queue
import select
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import structlog

from identity import wire
from identity.alignment import no_larger_than_needed
from identity.engines import Face, Pixels, Vector
from identity.errors import PackError
from identity.frames import MOST_PIXELS
from identity.manifests import PACKS, Pack, load_pack, located
from identity.shrinking import for_detector
from identity.yunet import grown

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")
FRAME_BYTES = 3 * MOST_PIXELS
PATIENCE_S = 5.0  # for one answer; a frame takes some 10 ms
LOADING_S = 60.0
LONGEST_PAUSE_S = 30.0
HANDED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "TZ", "SYSTEMROOT")
"""What a pack sees of the server's environment: no key, no folder."""


class EngineUnavailable(PackError):
    """The engine pack gave no answer; it is being started again."""

    code = "engine_unavailable"
    title = "Faces cannot be recognised at the moment"
    retry_after = 1


@dataclass(frozen=True, slots=True)
class Launch:
    """What to load. `maker` is "module:function", called with pack, models and cache as `engines.open_pack` is;
    `manifests` is where the pack's manifest lies, None for the product's own."""

    pack: str
    models: Path | None
    cache: Path
    maker: str = "identity.engines:open_pack"
    manifests: Path | None = None


class _NotLoaded(Exception):
    """The process says why it could not load its pack."""


class _Worker:
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
                [sys.executable, "-m", "identity.worker", json.dumps(order)],
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
            raise _NotLoaded(str(told["error"]))
        if told["pack"] != pack.id:
            raise _NotLoaded(f"The engine is {told['pack']}, not {pack.id} as its manifest says.")
        return tuple(str(wall) for wall in told["walls"])

    def ask(self, kind: int, pixels: Pixels, face: Face | None, patience_s: float) -> tuple[int, int, bytes]:
        """(status, count, block) of the answer.

        Raises OSError (TimeoutError among them), EOFError or Gibberish: the process is of no use any more.
        """
        if self._waiting.poll(0):
            raise wire.Gibberish("an answer that nobody asked for, or the end")
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
            raise wire.Gibberish("an answer of no kind")
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


class Workers:
    """A `FaceEngine` whose work is done by `count` processes. Safe with threads.

    The files are checked here as well, so that a missing or altered one is told at once: raises UnknownPack,
    PackMissing, PackAltered, PackDenied. The processes are started by `start`, or by the first question.
    """

    def __init__(self, launch: Launch, count: int = 1, *, patience_s: float = PATIENCE_S) -> None:
        self._pack = load_pack(launch.pack, launch.manifests or PACKS)
        located(self._pack, launch.models, launch.cache)
        self._launch = launch
        self._count = count
        self._patience_s = patience_s
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._state = _State()
        self._lock = threading.Lock()
        self._keeper: threading.Thread | None = None
        weakref.finalize(self, _close, self._state)

    @property
    def pack(self) -> Pack:
        return self._pack

    @property
    def walls(self) -> tuple[str, ...]:
        """Which walls stand around the newest process: see `lockdown`."""
        return self._state.walls

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids."""
        return tuple(worker.process.pid for worker in self._state.workers.copy())

    def start(self, patience_s: float = LOADING_S) -> None:
        """Begin, and wait until one process is ready. Raises EngineUnavailable when none is."""
        self._begin()
        self._state.ready.wait(patience_s)
        if not self._state.workers:
            raise EngineUnavailable(self.trouble() or "The engine pack did not load in time.")

    def trouble(self) -> str | None:
        """Why no process runs, or None: for whoever asks whether the service is well."""
        return None if self._keeper is None or self._state.workers else self._state.why

    def detect(self, pixels: Pixels) -> list[Face]:
        """See `FaceEngine`. Raises EngineUnavailable."""
        small = for_detector(pixels, self.pack.input)
        faces = self._answer(wire.DETECT, small, None, wire.faces_in)
        if faces is None:
            raise EngineUnavailable("The engine pack failed at this picture.")
        return faces if small is pixels else grown(faces, small, pixels)

    def embed(self, pixels: Pixels, face: Face) -> Vector:
        """See `FaceEngine`. Raises EngineUnavailable."""
        pixels, face = no_larger_than_needed(self.pack, pixels, face)
        read = partial(wire.vector_in, size=self.pack.size)
        vector = self._answer(wire.EMBED, pixels, face, read)
        if vector is None:
            raise EngineUnavailable("The engine pack failed at this face.")
        return vector

    def _answer(
        self, kind: int, pixels: Pixels, face: Face | None, read: Callable[[int, bytes], Answer]
    ) -> Answer | None:
        """What a process answers, as `read` finds it there; None when the pack failed."""
        worker = self._free()
        with self._returned(worker):
            status, count, block = worker.ask(kind, pixels, face, self._patience_s)
            return read(count, block) if status == wire.DONE else None

    def close(self) -> None:
        """End all processes."""
        _close(self._state)

    def _free(self) -> _Worker:
        self._begin()
        try:
            return self._idle.get(timeout=self._patience_s)
        except queue.Empty:
            raise EngineUnavailable(self.trouble() or "The engine pack is busy or starting.") from None

    @contextlib.contextmanager
    def _returned(self, worker: _Worker) -> Iterator[None]:
        """Give the worker back when it did its work, else end it and have another one started."""
        try:
            yield
        except BaseException as error:  # whatever broke it off, an answer may still be under way: not for the next
            log.warning("engine_ended", why=f"{type(error).__name__}: {error}")
            with self._state.lock:
                self._state.workers.discard(worker)
            worker.end()
            self._state.wanted.set()
            if isinstance(error, OSError | EOFError | wire.Gibberish):
                raise EngineUnavailable("The engine pack gave no answer; it is being started again.") from error
            raise
        self._idle.put(worker)

    def _begin(self) -> None:
        with self._lock:
            if self._state.closed:
                raise EngineUnavailable("The engine was closed.")
            if self._keeper is None:
                told = (self._launch, self.pack, self._count, self._idle, self._state)
                self._keeper = threading.Thread(target=_keep, args=told, name="engine keeper", daemon=True)
                self._keeper.start()


class _State:
    """What the keeper and the owner share. The keeper must not hold the owner, or nothing would ever close it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.workers: set[_Worker] = set()
        self.walls: tuple[str, ...] = ()
        self.why: str | None = None
        self.closed = False
        self.ready = threading.Event()
        self.wanted = threading.Event()

    def admit(self, worker: _Worker) -> bool:
        """Whether a new process is welcome: not when all was closed while it loaded."""
        with self.lock:
            if not self.closed:
                self.workers.add(worker)
            return not self.closed


def _keep(launch: Launch, pack: Pack, count: int, idle: queue.LifoQueue[_Worker], state: _State) -> None:
    """Hold `count` processes alive until closed. One thread starts them all and lives as long as they may:
    the kernel ends a process with the thread that started it (`lockdown.end_with`)."""
    pause = 0.1
    while not state.closed:
        if len(state.workers) >= count:
            state.wanted.wait()
            state.wanted.clear()
            continue
        worker = None
        try:
            worker = _Worker(launch, pack.size)
            state.walls = worker.greeted(pack)
        except (_NotLoaded, OSError, EOFError, ValueError) as error:
            if worker is not None:
                worker.end()
            told = isinstance(error, _NotLoaded)
            state.why = str(error) if told else f"The engine pack did not load ({type(error).__name__})."
            log.error("engine_not_loaded", why=state.why)
        else:
            if not state.admit(worker):
                worker.end()
                return
            state.why, pause = None, 0.1
            idle.put(worker)
        state.ready.set()  # whoever waits for the first one has it, or is told why there is none
        if state.why is None:
            continue
        state.wanted.wait(pause)
        state.wanted.clear()
        pause = min(2 * pause, LONGEST_PAUSE_S)


def _close(state: _State) -> None:
    with state.lock:
        state.closed = True
        ended, state.workers = state.workers, set()
    state.wanted.set()
    for worker in ended:
        worker.end()
