"""Room on the disk that is kept for opting out, and errors that say "the disk is full" by name.

A delete needs room too: SQLite writes it to a log first. So a server keeps a file `reserve` in the state folder.
When the disk is full, an opt-out shortens it piece by piece and has room again. While it is shorter than it should
be, the disk counts as full for all other writing: orders could use up what the next opt-out needs. It grows back
as soon as there is room.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from plumbing.problem import Problem

NAME = "reserve"
SIZE = 8 * 1024 * 1024
PIECE = 256 * 1024
ENOUGH = 512 * 1024  # bytes that one opt-out needs at most, in all files together
RETRY_S = 1.0  # how often a shortened reserve tries to grow back
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)

_erasing: ContextVar[bool] = ContextVar("erasing", default=False)
_tried: dict[Path, float] = {}


class DiskFull(Problem):
    """What was sent cannot be stored: the disk has no room."""

    code = "disk_full"
    status = 507
    title = "There is no room left on the disk"
    says = "Nothing was stored. Make room on the disk and send the request again."


def free_bytes(folder: Path) -> int:
    """What this user may still write into `folder`."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def keep_reserve(folder: Path, *, size: int = SIZE) -> bool:
    """Make the reserve of a state folder, or let it grow back; whether it is whole.

    A disk without room for three reserves gets none, and all that is left of it is used.
    """
    path = folder / NAME
    try:
        present = path.stat().st_size if path.exists() else None
        if present is not None and present >= size:
            return True
        if free_bytes(folder) < (3 * size if present is None else size - present + ENOUGH):
            return False
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, present or 0, size - (present or 0))
        finally:
            os.close(handle)
    except OSError:
        return False
    return True


def release(folder: Path, least: int = ENOUGH) -> bool:
    """Shorten the reserve until `least` bytes are free; whether they are. Does nothing while they are."""
    try:
        if free_bytes(folder) >= least:
            return True
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        while free_bytes(folder) < least:
            size = os.fstat(handle).st_size
            if size == 0:
                return False
            os.ftruncate(handle, max(size - max(PIECE, least), 0))
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


@lru_cache
def _reserve_in(folder: Path) -> Path:
    """Made once: each transaction looks at it."""
    return folder / NAME


def require(folder: Path, *, size: int = SIZE) -> None:
    """Return when ordinary writing may use this disk. Costs one look at a file.

    Raises:
        DiskFull: the reserve was used and has not grown back.
    """
    try:
        present = _reserve_in(folder).stat().st_size
    except OSError:  # this folder has no reserve: SQLite itself notices a full disk
        return
    if present >= size or _erasing.get():
        return
    now = time.monotonic()
    if now - _tried.get(folder, -RETRY_S) >= RETRY_S:
        _tried[folder] = now
        if keep_reserve(folder, size=size):
            return
    raise DiskFull


@contextmanager
def for_erasing(folder: Path) -> Iterator[None]:
    """Inside, this thread may write where others get DiskFull, and there is room when it begins."""
    release(folder)
    token = _erasing.set(True)
    try:
        yield
    finally:
        _erasing.reset(token)


def is_full(error: BaseException, folder: Path | None = None) -> bool:
    """Whether an error of SQLite or of the system means that the disk is full.

    With a `folder` its disk is looked at too: SQLite says "disk I/O error" when its shared memory cannot grow.
    """
    if isinstance(error, DiskFull):
        return True
    if isinstance(error, sqlite3.Error):
        if "full" in str(error):
            return True
        unsure = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
        return unsure and folder is not None and _nothing_free(folder)
    return isinstance(error, OSError) and error.errno in NO_ROOM


def _nothing_free(folder: Path) -> bool:
    try:
        return free_bytes(folder) < 64 * 1024
    except OSError:
        return False
