"""Deleting so that the bytes are gone too: a file is overwritten before its name goes.

This holds where a file system writes into the blocks that a file has (ext4, XFS). One that copies on every write,
and a disk that remaps, keep earlier blocks until they are used again: there only an encrypted disk helps.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

PIECE = 1 << 20


def overwrite(file: BinaryIO, *, start: int = 0) -> None:
    """Zeros over the bytes of an open file, from `start` on; on the disk before it returns. Raises OSError."""
    left = os.fstat(file.fileno()).st_size - start
    file.seek(start)
    while left > 0:
        left -= file.write(bytes(min(left, PIECE)))
    file.flush()
    os.fsync(file.fileno())


def shred(path: Path) -> None:
    """Overwrite a file and delete it; nothing happens when it is not there. Raises OSError.

    A file that has another name too only loses this one: its bytes are in use.
    """
    with suppress(FileNotFoundError):
        if path.is_file() and not path.is_symlink() and path.stat().st_nlink == 1:
            with path.open("r+b") as file:
                overwrite(file)
        path.unlink()


def shred_folder(folder: Path) -> None:
    """Overwrite and delete all files below a folder, and the folder. What cannot be deleted stays."""
    for path in folder.rglob("*"):
        if not path.is_dir():
            with suppress(OSError):
                shred(path)
    shutil.rmtree(folder, ignore_errors=True)
