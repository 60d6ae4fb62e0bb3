"""A small file that is written in place, on this machine or in PostgreSQL.

The key file, the lists of erasures and of closed tokens and the audit are such files: read and written at a place,
under a lock, never moved. With one home they are files in it (`LocalFile`); replicas share them (`stored_file`).
"""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from plumbing.storage.files import load_or_create_secret
from plumbing.storage.moved import require_here


class BytesFile(Protocol):
    """Bytes from 0 to `size`. Safe with threads and with several processes."""

    @property
    def name(self) -> str:
        """What it is called, in a message."""

    def read(self, size: int, at: int) -> bytes:
        """Up to `size` bytes from a place. Raises OSError or DatabaseAway."""

    def write(self, content: bytes, at: int) -> None:
        """Write at a place, which may be behind the end. Raises OSError, DatabaseBusy or DiskFull."""

    def sync(self) -> None:
        """What was written is on the disk when this returns."""

    def size(self) -> int:
        """How many bytes there are."""

    def grow(self, size: int) -> None:
        """Make room up to `size`, filled with zeros. Raises OSError (ENOSPC) with nothing changed."""

    def cut(self, size: int) -> None:
        """Drop what is behind `size`."""

    def locked(self) -> AbstractContextManager[None]:
        """Inside, nobody else is; one lock for each file."""

    def changed(self) -> int:
        """Another number after every change, by any process."""

    def clock_us(self) -> int | None:
        """A clock that all who open this file share, in microseconds; None: the machine's own."""

    def close(self) -> None:
        """Close it. An owner that is dropped closes it too."""


class LocalFile:
    """A file of this machine."""

    def __init__(self, path: Path, create: Callable[[], bytes] | None = None) -> None:
        """Open it; made with the content that `create` gives when it is not there. Raises OSError."""
        self.path = path
        if create is not None and not path.exists():
            load_or_create_secret(path, create())
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create is None else 0), 0o600)
        self._closer = weakref.finalize(self, os.close, self._file)
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def number(self) -> int:
        """The number of the file on its disk: another one when it was replaced."""
        return os.fstat(self._file).st_ino

    def read(self, size: int, at: int) -> bytes:
        """See `BytesFile.read`."""
        return os.pread(self._file, size, at)

    def write(self, content: bytes, at: int) -> None:
        """See `BytesFile.write`. Raises StateMoved: an erasure that is confirmed here would reach nobody."""
        require_here(self.path.parent)
        os.pwrite(self._file, content, at)

    def sync(self) -> None:
        """See `BytesFile.sync`."""
        os.fsync(self._file)

    def size(self) -> int:
        """See `BytesFile.size`."""
        return os.fstat(self._file).st_size

    def grow(self, size: int) -> None:
        """See `BytesFile.grow`."""
        before = self.size()
        if size <= before:
            return
        try:
            os.posix_fallocate(self._file, before, size - before)
        except OSError:
            os.ftruncate(self._file, before)
            raise

    def cut(self, size: int) -> None:
        """See `BytesFile.cut`."""
        os.ftruncate(self._file, size)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """See `BytesFile.locked`."""
        # Not filelock: the lock is on the file itself, so that every path to it means the same lock.
        # flock belongs to the open file, which threads share: they need a lock of their own.
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def changed(self) -> int:
        """See `BytesFile.changed`: its date."""
        return os.fstat(self._file).st_mtime_ns

    def clock_us(self) -> None:
        """See `BytesFile.clock_us`: processes of one machine share its clock."""

    def close(self) -> None:
        """See `BytesFile.close`."""
        self._closer()


class Opened(Protocol):
    """Opens a file that replicas share."""

    def __call__(self, create: bytes, *, ending: str = "") -> BytesFile:
        """The file, made with the content `create` when there is none; `ending` names another one beside it."""


def opened(place: Path | Opened, create: Callable[[], bytes]) -> BytesFile:
    """The file at a path, or the one that `place` opens; `create` gives the content of a new one."""
    return LocalFile(place, create) if isinstance(place, Path) else place(create())
