"""Runs an engine pack in sandboxed processes of its own, which can only compute.

Pixels are passed in shared memory, requests and answers over two pipes (`wire.py`). A process that crashes, hangs
or sends invalid data is killed and replaced; a person who presses at that moment is a guest.
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

from identity.engines.alignment import shrink_for_embedder
from identity.engines.manifests import PACKS, Pack, checked_files, load_pack
from identity.engines.protocol import Face, Pixels, Vector
from identity.engines.yunet import scale_faces
from identity.errors import PackError
from identity.frames.resize import shrink_for_detector
from identity.sandbox import wire
from identity.sandbox.connection import LOADING_TIMEOUT_S, EngineProcess, Launch, PackNotLoaded

log = structlog.get_logger(__name__)
Answer = TypeVar("Answer")
ANSWER_TIMEOUT_S = 5.0  # for one answer; a frame takes some 10 ms
LONGEST_PAUSE_S = 30.0


class EngineUnavailable(PackError):
    """The engine pack gave no answer; it is being started again."""

    code = "engine_unavailable"
    title = "Faces cannot be recognised at the moment"
    retry_after = 1


class EnginePool:
    """A `FaceEngine` that works in `count` sandboxed processes. Safe with threads.

    The files are checked here first, so that a missing or altered one is reported at once: raises UnknownPack,
    PackMissing, PackAltered, PackDenied. `start` starts the processes, or the first request does.
    `timeout_s` is the longest wait for an answer, in seconds.
    """

    def __init__(self, launch: Launch, count: int = 1, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._pack = load_pack(launch.pack, launch.manifests or PACKS)
        checked_files(self._pack, launch.models, launch.cache)
        self._launch = launch
        self._count = count
        self.timeout_s = timeout_s
        self._idle: queue.LifoQueue[EngineProcess] = queue.LifoQueue()
        self._state = _State()
        self._lock = threading.Lock()
        self._supervisor: threading.Thread | None = None
        weakref.finalize(self, _close, self._state)

    @property
    def pack(self) -> Pack:
        return self._pack

    @property
    def walls(self) -> tuple[str, ...]:
        """The walls around the newest process: see `lockdown.lock_down`."""
        return self._state.walls

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids."""
        return tuple(worker.process.pid for worker in self._state.workers.copy())

    def start(self, timeout_s: float = LOADING_TIMEOUT_S) -> None:
        """Start the processes and wait until one is ready. Raises EngineUnavailable when none is."""
        self._begin()
        self._state.ready.wait(timeout_s)
        if not self._state.workers:
            raise EngineUnavailable(self.failure() or "The engine pack did not load in time.")

    def failure(self) -> str | None:
        """Why no process runs, for the readiness check; None when one runs or none was started."""
        return None if self._supervisor is None or self._state.workers else self._state.why

    def is_loading(self) -> bool:
        """Whether the pack is being loaded, and no process of it runs yet."""
        state = self._state
        return self._supervisor is not None and not state.workers and state.why is None and not state.closed

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
        worker = self._take_idle()
        with self._given_back(worker):
            status, count, block = worker.request(kind, pixels, face, self.timeout_s)
            return read(count, block) if status == wire.DONE else None

    def close(self) -> None:
        """End all processes."""
        _close(self._state)

    def _take_idle(self) -> EngineProcess:
        self._begin()
        try:
            return self._idle.get(timeout=self.timeout_s)
        except queue.Empty:
            raise EngineUnavailable(self.failure() or "The engine pack is busy or starting.") from None

    @contextlib.contextmanager
    def _given_back(self, worker: EngineProcess) -> Iterator[None]:
        """Give the worker back after its work. After an error end it and start another one."""
        try:
            yield
        except BaseException as error:  # an answer may still arrive, which the next request must not read
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
            if self._supervisor is None:
                arguments = (self._launch, self.pack, self._count, self._idle, self._state)
                self._supervisor = threading.Thread(
                    target=_supervise, args=arguments, name="engine supervisor", daemon=True
                )
                self._supervisor.start()


class _State:
    """What the supervisor and the pool share. The supervisor must not refer to the pool, which could then never be
    garbage-collected and closed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.workers: set[EngineProcess] = set()
        self.walls: tuple[str, ...] = ()
        self.why: str | None = None
        self.closed = False
        self.ready = threading.Event()
        self.wanted = threading.Event()

    def admit(self, worker: EngineProcess) -> bool:
        """Add a new process; False when the pool was closed while it loaded."""
        with self.lock:
            if not self.closed:
                self.workers.add(worker)
            return not self.closed


def _supervise(
    launch: Launch, pack: Pack, count: int, idle: queue.LifoQueue[EngineProcess], state: _State
) -> None:
    """Keep `count` processes running until the pool is closed. One thread starts all of them and runs as long as
    they do: the kernel kills a process with the thread that started it (`plumbing.process.die_with_parent`)."""
    pause = 0.1
    while not state.closed:
        if len(state.workers) >= count:
            state.wanted.wait()
            state.wanted.clear()
            continue
        worker = None
        try:
            worker = EngineProcess(launch, pack.size)
            state.walls = worker.wait_until_loaded(pack)
        except (PackNotLoaded, OSError, EOFError, ValueError) as error:
            if worker is not None:
                worker.end()
            explained = isinstance(error, PackNotLoaded)
            state.why = str(error) if explained else f"The engine pack did not load ({type(error).__name__})."
            log.error("engine_not_loaded", why=state.why)
        else:
            if not state.admit(worker):
                worker.end()
                return
            state.why, pause = None, 0.1
            idle.put(worker)
        state.ready.set()  # `start` has a process, or `state.why`
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
