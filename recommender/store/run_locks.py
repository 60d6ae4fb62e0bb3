"""Who runs a training: a lock that is released when the last process that has it has ended.

On one machine it is a lock on a file, which a process that is started for the run inherits. Replicas share locks
of the server: the process that began the run keeps it, and its child ends when it does.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from plumbing.storage.state import State

if TYPE_CHECKING:
    from plumbing.storage.server_locks import ServerLocks

AGAIN_S = 10.0


class RunLocks(Protocol):
    """One lock for each open run."""

    def take(self, run_id: str) -> None:
        """Take the lock of a new run. Raises OSError."""

    def descriptor(self, run_id: str) -> int | None:
        """What a process that does the work inherits; None: nothing."""

    def drop(self, run_id: str) -> None:
        """Another process works on the run."""

    def drop_all(self) -> None:
        """This process ends."""

    def remove(self, run_id: str) -> None:
        """The run has ended."""

    def is_held(self, run_id: str) -> bool | None:
        """Whether a process works on the run; None: nobody knows."""


def run_locks(state: State) -> RunLocks:
    """The locks of an installation."""
    locks = state.locks()
    return LocalRunLocks(state.home / "runs") if locks is None else SharedRunLocks(locks)


class SharedRunLocks:
    """Locks of the server."""

    def __init__(self, locks: ServerLocks, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._locks = locks
        self._monotonic = monotonic
        self._free_since: dict[str, float] = {}

    def take(self, run_id: str) -> None:
        """Take the lock of a new run. Raises OSError: the server is away."""
        if not self._locks.take(_name(run_id)):
            raise OSError("the server that holds the locks does not answer")

    def descriptor(self, run_id: str) -> None:
        """Nothing: see the module."""

    def drop(self, run_id: str) -> None:
        """The child ends with this process, which keeps the lock for it."""

    def drop_all(self) -> None:
        """As `remove`, for every run of this process."""
        self._locks.close()

    def remove(self, run_id: str) -> None:
        """The run has ended."""
        self._locks.release(_name(run_id))
        self._free_since.pop(run_id, None)

    def is_held(self, run_id: str) -> bool:
        """Whether a process works on the run. After a lost connection its lock may be free for `AGAIN_S`."""
        if not self._locks.is_free(_name(run_id)):
            self._free_since.pop(run_id, None)
            return True
        now = self._monotonic()
        return now - self._free_since.setdefault(run_id, now) < AGAIN_S


def _name(run_id: str) -> str:
    return f"run {run_id}"


class LocalRunLocks:
    """A file for each open run. A process that is started for the run inherits the lock, without a gap."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, run_id: str) -> None:
        """Take the lock of a new run. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = os.open(self._path(run_id), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(held)
            raise
        with self._lock:
            self._held[run_id] = held

    def descriptor(self, run_id: str) -> int | None:
        """The descriptor of the lock, to hand on to a process that does the work; None if this process has
        none."""
        return self._held.get(run_id)

    def drop(self, run_id: str) -> None:
        """This process does not work on the run any more; a process that inherited the lock keeps it."""
        with self._lock:
            held = self._held.pop(run_id, None)
        if held is not None:
            os.close(held)

    def drop_all(self) -> None:
        """As `drop`, for every run of this process."""
        for run_id in list(self._held):
            self.drop(run_id)

    def remove(self, run_id: str) -> None:
        """The run has ended: drop the lock and delete its file."""
        with suppress(OSError):
            self._path(run_id).unlink(missing_ok=True)
        self.drop(run_id)

    def is_held(self, run_id: str) -> bool | None:
        """Whether a process works on the run; None when it has no file (a run of an older release)."""
        try:
            found = os.open(self._path(run_id), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(found)
        return False

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.lock"
