"""Put a backup back into a state folder that no server uses.

The rule is short. Databases go back to the time of the backup. Lists of erasures are merged. Everything else that
is there stays, keys above all, and what is missing is put back: an older key file would bring keys back that were
destroyed since.

The backup is unpacked and checked beside the state folder's files first; then the copy gets the name `READY`, and
from there on the restore happens, whatever stops it: the next command or server goes on with it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from plumbing.backup.contents import LASTING, MODELS, READY, UNPACKED, Kind, files_in, kind_of
from plumbing.backup.errors import BackupDamaged, BackupNewer, ServerInTheWay
from plumbing.backup.sealed import SealedReader
from plumbing.backup.take import alone, full_disk_is_named
from plumbing.storage.files import private_home, process_lock, sync_path
from plumbing.storage.tombstones import Tombstones

HALVES = ("identity", "recommender")
BUFFER = 1024 * 1024
Progress = Callable[[int], None]


@dataclass
class Restored:
    """What was done: names of files put back, of files that stayed, and erasures that the backup did not know."""

    back: list[str]
    stayed: list[str]
    erased_since: int = 0
    models_left_out: bool = False


def restore(
    home: Path,
    source: Path,
    passphrase: bytes,
    *,
    keys: Path | None = None,
    tombstones: Path | None = None,
    progress: Progress = lambda _: None,
) -> Restored:
    """Put the backup `source` back, and the keys in `keys` where they are missing.

    Nothing is changed when it raises.

    Raises:
        AnotherAtWork, ServerInTheWay: the state folder is in use.
        BackupDamaged, WrongPassphrase, BackupNewer: one of the files cannot be used.
        DiskFull: there is no room to unpack it.
    """
    private_home(home)
    with alone(home), no_server(home), full_disk_is_named():
        go_on(home, tombstones)  # with one that was stopped
        for left in home.glob(f"{UNPACKED}*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=UNPACKED, dir=home))
        try:
            unpack(source, passphrase, "data", folder, progress)
            if keys is not None:
                unpack(keys, passphrase, "keys", folder, progress)
            _check(folder)
            folder.rename(home / READY)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        sync_path(home)
        return go_on(home, tombstones) or Restored([], [])


@contextmanager
def no_server(home: Path) -> Iterator[None]:
    """Inside, no server can be started on this state folder. Raises ServerInTheWay."""
    with ExitStack() as held:
        for half in HALVES:
            lock = process_lock(home / f"server-{half}.lock")
            try:
                lock.acquire(timeout=0)
            except TimeoutError:
                raise ServerInTheWay from None
            held.callback(lock.release)
        yield


def unpack(source: Path, passphrase: bytes, kind: str, folder: Path, progress: Progress) -> None:
    """Open and check all of a backup, and write what is in it below `folder`. Raises what SealedReader raises."""
    with source.open("rb") as file:
        reader = SealedReader.of(file, passphrase, kind)
        if _number(reader.header.release) > _number(version("usual")):
            raise BackupNewer(f"It was made by release {reader.header.release}; this is {version('usual')}.")
        try:
            with tarfile.open(fileobj=reader, mode="r|") as archive:
                for entry in archive:
                    _write(archive, entry, folder, keys=kind == "keys")
                    progress(entry.size)
        except tarfile.TarError as error:
            raise BackupDamaged("What was sealed is not what a backup holds.") from error
        while reader.read(BUFFER):
            pass  # up to the end: it may have been cut off behind the last file


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, *, keys: bool) -> None:
    """Write one file. Nothing but ordinary files of a state folder is accepted, whoever sealed it."""
    parts = Path(entry.name).parts
    kind = kind_of(entry.name)
    inside = not entry.name.startswith("/") and ".." not in parts and bool(parts)
    content = archive.extractfile(entry) if entry.isreg() else None
    if not inside or content is None or kind is None or (kind is Kind.KEY) != keys:
        raise BackupDamaged(f"It holds {entry.name!r}, which does not belong there.")
    target = folder / entry.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as out:
        shutil.copyfileobj(content, out, BUFFER)
        out.flush()
        os.fsync(out.fileno())


def _check(folder: Path) -> None:
    """Raises BackupDamaged for a database that SQLite cannot read."""
    for name in files_in(folder):
        if kind_of(name) is Kind.DATABASE:
            try:
                with closing(sqlite3.connect(folder / name)) as opened:
                    sound = opened.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            except sqlite3.DatabaseError:
                sound = False
            if not sound:
                raise BackupDamaged(f"{name} is no sound database.")


def go_on(home: Path, tombstones: Path | None = None) -> Restored | None:
    """Put what is ready in its place; None when nothing is. Can be stopped anywhere and called again."""
    folder = home / READY
    if not folder.is_dir():
        return None
    done = Restored([], [])
    names = [name for name in files_in(folder) if kind_of(name) is not Kind.MODEL]
    for name in (name for name in names if kind_of(name) is Kind.TOMBSTONES):
        _merge(home, folder, name, tombstones, done)
    _models(home, folder, done)  # once it is known whether somebody left since
    for name in sorted(set(names), key=lambda name: kind_of(name) is Kind.DATABASE):
        if kind_of(name) is not Kind.TOMBSTONES:
            goes_back = kind_of(name) is Kind.DATABASE and name not in LASTING
            (_replace if goes_back else _keep)(home, folder, name, done)
    shutil.rmtree(folder)
    sync_path(home)
    return done


def _merge(home: Path, folder: Path, name: str, tombstones: Path | None, done: Restored) -> None:
    """Whoever is in either list was erased; an older list never replaces a newer one."""
    older, today = Tombstones(folder / name), Tombstones.of(home, tombstones, name)
    done.erased_since = max(done.erased_since, len(today.all() - older.all()))  # each half has a list of them
    today.add(older.all())
    if today.mark() is None and (mark := older.mark()) is not None:
        today.set_mark(mark)
    older.close()
    today.close()
    done.back.append(name)


def _models(home: Path, folder: Path, done: Restored) -> None:
    """Models only where there are none, and only when nobody left since: they may hold rows of those who did."""
    if not (folder / MODELS).is_dir():
        return
    if (home / MODELS).exists():
        done.stayed.append(MODELS)
    elif done.erased_since:
        done.models_left_out = True
    else:
        (folder / MODELS).rename(home / MODELS)
        done.back.append(MODELS)


def _keep(home: Path, folder: Path, name: str, done: Restored) -> None:
    """Put a file back that is missing."""
    target = home / name
    if target.exists():
        done.stayed.append(name)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    (folder / name).rename(target)
    sync_path(target.parent)
    done.back.append(name)


def _replace(home: Path, folder: Path, name: str, done: Restored) -> None:
    put_in_place(home, folder, name)
    done.back.append(name)


def put_in_place(home: Path, folder: Path, name: str) -> None:
    """Put a file of `folder` in the place of today's; the -wal of a database belongs to it alone."""
    target = home / name
    for more in ("-wal", "-shm", "-journal"):
        target.with_name(target.name + more).unlink(missing_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    (folder / name).replace(target)
    sync_path(target.parent)


def _number(release: str) -> list[int]:
    """A release as numbers, to compare; what is no number counts as nothing."""
    return [int(part) for part in release.split(".") if part.isdecimal()]
