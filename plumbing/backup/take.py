"""Make a backup of a state folder that is in use.

Everything is copied into a folder beside it first: databases by SQLite's own backup, which no writer disturbs and
which disturbs no writer; models as links, which cost nothing; other files under the lock that their writers take.
Then the copy is sealed into the file, which gets its name last. Whatever stops it, no half backup has that name.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

from plumbing.backup.contents import LOCK, MODELS, ORDER, STAGING, Kind, files_in, kind_of
from plumbing.backup.errors import AnotherAtWork, BackupInTheWay, NothingToBackUp
from plumbing.backup.sealed import Header, SealedWriter, kind_in
from plumbing.storage.files import UMASK, process_lock, sync_path
from plumbing.storage.room import DiskFull, free_bytes, is_full

TRIES = 5  # a training may publish or drop a version while the folders are linked
BUFFER = 1024 * 1024
Progress = Callable[[int], None]


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Inside, no other process makes a backup of this state folder or puts one back. Raises AnotherAtWork."""
    lock = process_lock(home / LOCK)
    try:
        lock.acquire(timeout=0)
    except TimeoutError:
        raise AnotherAtWork from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def full_disk_is_named() -> Iterator[None]:
    """Inside, a disk without room raises DiskFull."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        if is_full(error):
            raise DiskFull("No backup was made or put back, and nothing is left of the attempt.") from error
        raise


def take(
    home: Path,
    target: Path,
    passphrase: bytes,
    *,
    keys: Path | None = None,
    tombstones: Path | None = None,
    day: str,
    progress: Progress = lambda _: None,
) -> list[str]:
    """Write a backup of `home` to `target`, and one of its keys to `keys` if given; the names of what is in them.

    `tombstones` is the folder on another disk where erasures are remembered; `progress` gets bytes.

    Raises:
        AnotherAtWork: a backup or restore of this folder is running.
        BackupInTheWay: `target` exists, or is `keys`, or lies within the state folder; or `keys` is another file.
        NothingToBackUp: there is no state folder at `home`; nothing was written, and no older keys replaced.
        DiskFull: nothing was written.
    """
    os.umask(UMASK)
    _require_places(home, target, keys)
    with alone(home), full_disk_is_named(), _staging(home) as folder:
        names = copy(home, folder, tombstones)
        apart = [name for name in names if kind_of(name) is Kind.KEY]
        rest = [name for name in names if kind_of(name) is not Kind.KEY]
        if keys is not None:
            _seal(folder, apart, keys, Header("keys", version("usual"), day), passphrase, progress)
        _seal(folder, rest, target, Header("data", version("usual"), day), passphrase, progress)
    return rest + (apart if keys is not None else [])


def _require_places(home: Path, target: Path, keys: Path | None) -> None:
    for path in filter(None, (target, keys)):
        if path.resolve().is_relative_to(home.resolve()):
            raise BackupInTheWay(f"{path} lies in the state folder itself.")
        if not path.parent.is_dir():
            raise BackupInTheWay(f"There is no folder {path.parent}.")
    if target.exists():
        raise BackupInTheWay(f"{target} exists. Give another name.")
    if keys is None:
        return
    if keys.resolve() == target.resolve():
        raise BackupInTheWay("The keys need a file of their own, on another disk.")
    if keys.exists() and kind_in(keys) != "keys":
        raise BackupInTheWay(f"{keys} is there and holds no keys of an earlier backup. Give another name.")


@contextmanager
def _staging(home: Path) -> Iterator[Path]:
    for left in home.glob(f"{STAGING}*"):  # of a process that was killed: the lock says that none is at work
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=STAGING, dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy(home: Path, folder: Path, tombstones: Path | None) -> list[str]:
    """Copy all of a state folder that belongs into a backup, in a safe order; the names. Raises DiskFull."""
    found: dict[Kind, list[str]] = {kind: [] for kind in ORDER}
    for name in files_in(home):
        if (kind := kind_of(name)) is not None:
            found[kind].append(name)
    if not found[Kind.DATABASE]:
        raise NothingToBackUp(
            f"{home} holds no databases: is it the state folder (USUAL_HOME)? Nothing was written."
        )
    sizes = [_size(home / name) for kind in ORDER if kind is not Kind.MODEL for name in found[kind]]
    if free_bytes(home) < sum(sizes):
        raise DiskFull("A copy of the databases needs as much room as they have. Nothing was written.")
    for kind in ORDER:
        if kind is Kind.MODEL:
            _link_models(home, folder)
            continue
        for name in found[kind]:
            copy_one(home / name, folder / name, kind)
        if kind is Kind.TOMBSTONES and tombstones is not None and tombstones.is_dir():
            for path in sorted(tombstones.glob("*-tombstones")):
                copy_one(path, folder / path.name, kind)
    return list(files_in(folder))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def copy_one(source: Path, target: Path, kind: Kind) -> None:
    """Copy a file as it is at one moment. One that went meanwhile was not there at that moment."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if kind is Kind.DATABASE:
        _copy_database(source, target)
        return
    try:
        handle = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    with os.fdopen(handle, "rb") as file, target.open("wb") as out:
        fcntl.flock(file, fcntl.LOCK_SH)
        left = os.fstat(file.fileno()).st_size
        if kind is Kind.LOG:  # it only grows: nobody has to wait while it is copied
            fcntl.flock(file, fcntl.LOCK_UN)
        while left > 0 and (content := file.read(min(left, BUFFER))):
            out.write(content)
            left -= len(content)


def _copy_database(source: Path, target: Path) -> None:
    with (
        closing(sqlite3.connect(f"file:{_quoted(source)}?mode=rw", uri=True, timeout=10)) as there,
        closing(sqlite3.connect(target)) as here,
    ):
        here.execute("PRAGMA synchronous=OFF")
        there.backup(here)  # all pages in one read: no writer makes it begin again
        here.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal


def _quoted(path: Path) -> str:
    return path.resolve().as_uri().removeprefix("file://")


def _link_models(home: Path, folder: Path) -> None:
    """The versions and what is current, at one moment: files of models are replaced, never written into."""
    source, target = home / MODELS, folder / MODELS
    for left in reversed(range(TRIES)):
        if not source.is_dir():
            return
        before = _pointers(source)
        try:
            for name in files_in(source):
                if kind_of(f"{MODELS}/{name}") is not None:
                    (target / name).parent.mkdir(parents=True, exist_ok=True)
                    os.link(source / name, target / name)
            if before == _pointers(source):
                return
        except FileNotFoundError:  # a version was dropped meanwhile
            pass
        if not left:
            return  # each version is whole by its manifest, and an older one is served where `current` has none
        shutil.rmtree(target, ignore_errors=True)


def _pointers(models: Path) -> dict[str, bytes]:
    return {path.as_posix(): path.read_bytes() for path in models.rglob("current")}


def _seal(
    folder: Path, names: Sequence[str], target: Path, header: Header, passphrase: bytes, progress: Progress
) -> None:
    """Seal files into `target`, which is there as a whole or not at all."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(6)}.draft")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            writer = SealedWriter(file, header, passphrase)
            with tarfile.open(fileobj=writer, mode="w|", format=tarfile.PAX_FORMAT) as archive:
                for name in names:
                    _add(archive, folder / name, name)
                    progress((folder / name).stat().st_size)
            writer.seal_end()
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    sync_path(target.parent)


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)  # no owner, no time: they say nothing that is needed
    entry.size, entry.mode = path.stat().st_size, 0o600
    with path.open("rb") as file:
        archive.addfile(entry, file)
