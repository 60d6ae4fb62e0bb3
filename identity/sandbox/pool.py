"""An engine pack at arm's length: it runs in processes of its own, which can do nothing but compute.

Pixels go over in memory that both sides see, a question and its answer over two pipes (`wire.py`). A process that
crashes, hangs or talks gibberish is killed and another one started; whoever pressed meanwhile is a guest.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import structlog

from identity.engines.alignment import no_larger_than_needed
from identity.engines.manifests import PACKS, Pack, load_pack, located
from identity.engines.protocol import Face, Pixels, Vector
from identity.engines.yunet import grown
from identity.errors import PackError
from identity.frames.resize import for_detector
from identity.sandbox import wire
from identity.sandbox.connection import LOADING_S, EngineProcess, Launch, PackNotLoaded

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")
PATIENCE_S = 5.0  # for one answer; a frame takes some 10 ms
LONGEST_PAUSE_S = 30.0


class EngineUnavailable(PackError):
    """The engine pack gave no answer; it is being started again."""

    code = "engine_unavailable"
    title = "Faces cannot be recognised at the moment"
    retry_after = 1


class EnginePool:
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
        self._idle: queue.LifoQueue[EngineProcess] = queue.LifoQueue()
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

    def _free(self) -> EngineProcess:
        self._begin()
        try:
            return self._idle.get(timeout=self._patience_s)
        except queue.Empty:
            raise EngineUnavailable(self.trouble() or "The engine pack is busy or starting.") from None

    @contextlib.contextmanager
    def _returned(self, worker: EngineProcess) -> Iterator[None]:
        """Give the worker back when it did its work, else end it and have another one started."""
        try:
            yield
        except BaseException as error:  # whatever broke it off, an answer may still be under way: not for the next
            log.warning("engine_ended", why=f"{type(error).__name__}: {error}")
            with self._state.lock:
                self._state.workers.discard(worker)
            worker.end()
            self._state.wanted.set()
            if isinstance(error, OSError | EOFError | wire.WireError):
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
        self.workers: set[EngineProcess] = set()
        self.walls: tuple[str, ...] = ()
        self.why: str | None = None
        self.closed = False
        self.ready = threading.Event()
        self.wanted = threading.Event()

    def admit(self, worker: EngineProcess) -> bool:
        """Whether a new process is welcome: not when all was closed while it loaded."""
        with self.lock:
            if not self.closed:
                self.workers.add(worker)
            return not self.closed


def _keep(launch: Launch, pack: Pack, count: int, idle: queue.LifoQueue[EngineProcess], state: _State) -> None:
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
            worker = EngineProcess(launch, pack.size)
            state.walls = worker.greeted(pack)
        except (PackNotLoaded, OSError, EOFError, ValueError) as error:
            if worker is not None:
                worker.end()
            told = isinstance(error, PackNotLoaded)
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
