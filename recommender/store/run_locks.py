"""Who runs a training: a lock on a file, which the kernel releases when the last process that has it has ended."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path


class RunLocks:
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
