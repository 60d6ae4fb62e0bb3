"""The private folder in which one training keeps its log in parts, gone when the training ends, in whatever way.

Files in it are encrypted with a key that only the training's processes have: what a killed one leaves cannot be
read, and the next process that opens the state folder deletes it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recommender.errors import ClusterError

FOLDER = ".training"  # hidden: it belongs into no backup
ELSEWHERE = "usual-training-"


@contextmanager
def parts_folder(home: Path, elsewhere: Path | None = None) -> Iterator[Path]:
    """A new folder in the state folder, or in one that other machines see too.

    Raises ClusterError: it cannot be made.
    """
    root, name = home / FOLDER, secrets.token_hex(8)
    folder = root / name if elsewhere is None else elsewhere.resolve() / f"{ELSEWHERE}{name}"
    lock = root / f"{name}.lock"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ClusterError(f"No folder can be made in {home}: {error.strerror}.") from error
    try:
        _begin(held, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            lock.unlink(missing_ok=True)
        os.close(held)


def _begin(held: int, folder: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        os.write(held, os.fsencode(folder))
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise ClusterError(f"No folder can be made in {folder.parent}: {error.strerror}.") from error


def sweep(home: Path) -> int:
    """Delete what trainings left that were killed; how many did."""
    swept = 0
    for lock in (home / FOLDER).glob("*.lock"):
        with suppress(OSError):
            held = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: that training goes on
                _delete(Path(os.fsdecode(os.read(held, 4096))), lock)
                swept += 1
            finally:
                os.close(held)
    return swept


def _delete(folder: Path, lock: Path) -> None:
    """A name that no training of ours gives is left alone, whatever the lock's file says."""
    if folder.name in (lock.stem, f"{ELSEWHERE}{lock.stem}"):
        shutil.rmtree(folder, ignore_errors=True)
    lock.unlink(missing_ok=True)
