"""Keeps processes running: starts them, lends each to one thread at a time, replaces those that fail."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

import structlog

from identity.errors import PackError
from identity.sandbox.wire import WireError

log = structlog.get_logger(__name__)
LONGEST_PAUSE_S = 30.0
LOADING_TIMEOUT_S = 60.0


class EngineUnavailable(PackError):
    """A process gave no answer; it is being started again."""

    code = "engine_unavailable"
    title = "Faces cannot be recognised at the moment"
    what_to_do = "Send it again in some seconds with a new press; the customer goes on as a guest meanwhile."
    retry_after = 1


class NotLoaded(Exception):
    """A process could not load what it is for; the text says why."""


class Worker(Protocol):
    """What the supervisor needs of a process."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process."""

    def end(self) -> None:
        """Kill it and close its descriptors."""


W = TypeVar("W", bound=Worker)


class Workers(Generic[W]):
    """`count` processes. Safe with threads.

    `start` starts one, `load` waits until it is ready and returns the walls around it; neither may refer to the
    owner of this object, which could then never be garbage-collected and closed. `name` begins a sentence. The
    processes start with `begin`, `wait` or the first `lent`.
    """

    def __init__(
        self, start: Callable[[], W], load: Callable[[W], tuple[str, ...]], count: int, name: str
    ) -> None:
        self._make = (start, load)
        self._count = count
        self._name = name
        self._idle: queue.LifoQueue[W] = queue.LifoQueue()
        self._state: _State[W] = _State()
        self._lock = threading.Lock()
        self._supervisor: threading.Thread | None = None
        weakref.finalize(self, _close, self._state)

    @property
    def walls(self) -> tuple[str, ...]:
        """The walls around the newest process: see `lockdown.lock_down`."""
        return self._state.walls

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids."""
        return tuple(worker.process.pid for worker in self._state.workers.copy())

    def wait(self, timeout_s: float = LOADING_TIMEOUT_S) -> None:
        """Start the processes and wait until one is ready. Raises EngineUnavailable when none is."""
        self.begin()
        self._state.ready.wait(timeout_s)
        if not self._state.workers:
            raise EngineUnavailable(self.failure() or f"{self._name} did not load in time.")

    def failure(self) -> str | None:
        """Why no process runs, for the readiness check; None when one runs or none was started."""
        return None if self._supervisor is None or self._state.workers else self._state.why

    def is_loading(self) -> bool:
        """Whether processes were started and none is ready or has failed yet."""
        state = self._state
        return self._supervisor is not None and not state.workers and state.why is None and not state.closed

    def begin(self) -> None:
        """Start the processes, unless they were started. Raises EngineUnavailable after `close`."""
        with self._lock:
            if self._state.closed:
                raise EngineUnavailable(f"{self._name} was closed.")
            if self._supervisor is None:
                arguments = (*self._make, self._count, self._name, self._idle, self._state)
                self._supervisor = threading.Thread(
                    target=_supervise, args=arguments, name=f"{self._name} supervisor", daemon=True
                )
                self._supervisor.start()

    def take(self, timeout_s: float) -> W:
        """An idle process. Raises EngineUnavailable when none becomes idle in time."""
        self.begin()
        try:
            return self._idle.get(timeout=timeout_s)
        except queue.Empty:
            raise EngineUnavailable(self.failure() or f"{self._name} is busy or starting.") from None

    @contextlib.contextmanager
    def lent(self, timeout_s: float) -> Iterator[W]:
        """`take` and `returning` in one."""
        worker = self.take(timeout_s)
        with self.returning(worker):
            yield worker

    @contextlib.contextmanager
    def returning(self, worker: W) -> Iterator[None]:
        """Give a process back after its work. After an error it is ended and another one is started.

        Raises EngineUnavailable when the process caused the error."""
        try:
            yield
        except BaseException as error:  # an answer may still arrive, which the next request must not read
            log.warning("process_ended", of=self._name, why=f"{type(error).__name__}: {error}")
            with self._state.lock:
                self._state.workers.discard(worker)
            worker.end()
            self._state.wanted.set()
            if isinstance(error, OSError | EOFError | WireError):
                raise EngineUnavailable(f"{self._name} gave no answer; it is being started again.") from error
            raise
        self._idle.put(worker)

    def close(self) -> None:
        """End all processes."""
        _close(self._state)


class Owner(Generic[W]):
    """What an owner of `Workers` shows of them. The processes start with `start` or the first request."""

    _workers: Workers[W]

    @property
    def walls(self) -> tuple[str, ...]:
        """The walls around the newest process: see `lockdown.lock_down`."""
        return self._workers.walls

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids. Each of the decoder has one child, the one that decodes."""
        return self._workers.processes

    def begin(self) -> None:
        """Start the processes and do not wait for them. Raises EngineUnavailable after `close`."""
        self._workers.begin()

    def start(self, timeout_s: float = LOADING_TIMEOUT_S) -> None:
        """Start the processes and wait until one is ready. Raises EngineUnavailable when none is."""
        self._workers.wait(timeout_s)

    def failure(self) -> str | None:
        """Why no process runs, for the readiness check; None when one runs or none was started."""
        return self._workers.failure()

    def is_loading(self) -> bool:
        """Whether processes were started, and none is ready or has failed yet."""
        return self._workers.is_loading()

    def close(self) -> None:
        """End all processes."""
        self._workers.close()


class _State(Generic[W]):
    """What the supervisor's thread and its owner share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.workers: set[W] = set()
        self.walls: tuple[str, ...] = ()
        self.why: str | None = None
        self.closed = False
        self.ready = threading.Event()
        self.wanted = threading.Event()

    def admit(self, worker: W) -> bool:
        """Add a new process; False when the owner was closed while it loaded."""
        with self.lock:
            if not self.closed:
                self.workers.add(worker)
            return not self.closed


def _supervise(
    start: Callable[[], W],
    load: Callable[[W], tuple[str, ...]],
    count: int,
    name: str,
    idle: queue.LifoQueue[W],
    state: _State[W],
) -> None:
    """Keep `count` processes running until the owner is closed. One thread starts all of them and runs as long as
    they do: the kernel kills a process with the thread that started it (`serving.process.die_with_parent`)."""
    pause = 0.1
    while not state.closed:
        if len(state.workers) >= count:
            state.wanted.wait()
            state.wanted.clear()
            continue
        worker = None
        try:
            worker = start()
            state.walls = load(worker)
        except (NotLoaded, OSError, EOFError, ValueError) as error:
            if worker is not None:
                worker.end()
            explained = isinstance(error, NotLoaded)
            state.why = str(error) if explained else f"{name} did not load ({type(error).__name__})."
            log.error("process_not_loaded", why=state.why)
        else:
            if not state.admit(worker):
                worker.end()
                return
            state.why, pause = None, 0.1
            idle.put(worker)
        state.ready.set()  # `wait` has a process, or `state.why`
        if state.why is None:
            continue
        state.wanted.wait(pause)
        state.wanted.clear()
        pause = min(2 * pause, LONGEST_PAUSE_S)


def _close(state: _State[W]) -> None:
    with state.lock:
        state.closed = True
        ended, state.workers = state.workers, set()
    state.wanted.set()
    for worker in ended:
        worker.end()
