"""The copy of a state folder from before an upgrade, in the folder `before-upgrade` of it.

It holds what an upgrade changes: the databases, the audit log and its head. Neither keys nor lists of erasures nor
models are in it: those that are in use stay in use, so that nobody who left comes back with the copy. An erasure
deletes in the copy too (`forget`), and after `KEPT_DAYS` the copy goes.

Each step may be stopped anywhere. A copy gets its name last; `done` in it says that every format was changed.
Going back begins with another name of the folder, and from there on every command goes on with it first.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Self

from plumbing.backup.contents import BEFORE, GOING_BACK, LASTING, Kind, kind_of
from plumbing.backup.errors import ServerInTheWay
from plumbing.backup.restore import no_server, put_in_place
from plumbing.backup.take import alone, copy_one, full_disk_is_named
from plumbing.problem import Problem
from plumbing.storage.files import sync_path, write_atomic
from plumbing.storage.room import DiskFull, free_bytes
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.upgrade.formats import changes, made_in

DRAFT = ".before-upgrade-"
ABOUT = "copy.json"
AUDIT = ("identity-audit-head", "identity-audit.log")
"""The head first: the log may be longer than its head says, never shorter."""

KEPT_DAYS = 14
KEPT = timedelta(KEPT_DAYS)
NAMES = ("customer", "pseudonym", "customer_id")
"""Columns that say whose a row is, in every release."""


class NoCopy(Problem):
    """There is nothing to go back to."""

    code = "no_copy_of_before"
    status = 409
    title = "There is no copy from before an upgrade"
    says = f"No copy is there: it is kept for {KEPT_DAYS} days. An older state is in your backups (usual restore)."


class ServedByOther(Problem):
    """A server runs on the state folder: no format is changed under it."""

    code = "upgrade_while_serving"
    status = 409
    title = "A server is running on this state folder"
    says = "A server is running on this state folder. Stop it, then give the command again: formats change."


@dataclass(frozen=True, slots=True)
class About:
    """What a copy says of itself: its day, the steps of its databases, whether the upgrade is complete."""

    day: str
    made: dict[str, list[str]]
    done: bool = False

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """What lies in `folder`; None where no copy does."""
        try:
            said = json.loads((folder / ABOUT).read_bytes())
            return cls(str(said["day"]), {str(k): list(v) for k, v in said["made"].items()}, bool(said["done"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def written(self, folder: Path) -> None:
        """Write it."""
        write_atomic(folder / ABOUT, json.dumps(asdict(self)).encode())


def databases(home: Path) -> list[str]:
    """The databases of a state folder that a release may change the format of."""
    return sorted(p.name for p in home.glob("*.db") if kind_of(p.name) is Kind.DATABASE and p.name not in LASTING)


def _made(home: Path) -> dict[str, list[str]]:
    made = {
        name: sorted(f"{kind}: {step}" for kind, steps in made_in(home / name).items() for step in steps)
        for name in databases(home)
    }
    log = home / AUDIT[1]
    return made | ({AUDIT[1]: [log.read_bytes()[:64].hex()]} if log.exists() else {})


def prepare(home: Path, today: str | None = None) -> bool:
    """Before anything is opened: keep a copy where something is about to change; whether one was made now.

    Raises:
        HouseNewer: this release is too old for the folder.
        ServedByOther: a server serves it. AnotherAtWork: a backup is running.
        DiskFull: there is no room for the copy; nothing was changed.
    """
    today = today or datetime.now(UTC).date().isoformat()
    folder = home / BEFORE
    about = About.of(folder)
    if not changes(home):
        if about is not None and not about.done:
            replace(about, done=True).written(folder)
        elif about is not None and date.fromisoformat(today) > date.fromisoformat(about.day) + KEPT:
            shutil.rmtree(folder, ignore_errors=True)
        return False
    with alone(home), _stopped(home), full_disk_is_named():
        if about is not None and not about.done and about.made != _made(home):
            return False  # an upgrade was stopped: the copy is from before its first step
        _keep(home, folder, today)
    return True


def kept_in_words(home: Path) -> str:
    """What to say when a copy was made."""
    return (
        f"{home} is of an older release: what changes was copied to {home / BEFORE} first, for {KEPT_DAYS} days."
        " Back: usual upgrade --back"
    )


@contextmanager
def _stopped(home: Path) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(no_server(home))
        except ServerInTheWay:
            raise ServedByOther from None
        yield


def _keep(home: Path, folder: Path, today: str) -> None:
    names = [*databases(home), *(name for name in AUDIT if (home / name).exists())]
    if free_bytes(home) < 2 * sum((home / name).stat().st_size for name in names):
        raise DiskFull(
            f"An upgrade needs twice the room of the databases in {home}: for a copy, and to change them."
            " Nothing was changed."
        )
    for left in home.glob(f"{DRAFT}*"):
        shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=home))
    try:
        for name in names:
            copy_one(home / name, draft / name, kind_of(name) or Kind.FILE)
            sync_path(draft / name)
        About(today, _made(home)).written(draft)
        shutil.rmtree(folder, ignore_errors=True)  # of an upgrade before this one
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    sync_path(home)


def begin_back(home: Path) -> About:
    """Decide to go back; `go_on_back` does it, now or with the next command.

    Raises NoCopy, ServedByOther, AnotherAtWork.
    """
    with alone(home), _stopped(home):
        about = About.of(home / BEFORE)
        if about is None:
            raise NoCopy
        (home / BEFORE).rename(home / GOING_BACK)
        sync_path(home)
    return about


def go_on_back(home: Path, put_back: Callable[[Path], None]) -> bool:
    """Put the copy in place, if that was decided; can be stopped anywhere and called again. `put_back` is called
    at its end, perhaps more than once.

    The audit log of since stays beside the older one, under another name.
    """
    folder = home / GOING_BACK
    if not folder.is_dir():
        return False
    about = About.of(folder)
    since = f"{AUDIT[1]}.{about.day}-newer" if about is not None else f"{AUDIT[1]}.newer"
    if (folder / AUDIT[1]).exists() and not (home / since).exists() and (home / AUDIT[1]).exists():
        shutil.copyfile(home / AUDIT[1], home / f"{since}.draft")
        (home / f"{since}.draft").replace(home / since)
    for name in (*databases(folder), *AUDIT):
        if (folder / name).exists():
            put_in_place(home, folder, name)
    put_back(home)
    shutil.rmtree(folder)
    sync_path(home)
    return True


def forget(home: Path, tenant: str, name: str) -> None:
    """Delete the rows of a customer in the copy: `name` is what a half knows them by. Twice is no error.

    Raises DatabaseBusy or DiskFull: it is to be said again.
    """
    for path in _copies(home):
        with closing(SQLiteDatabase(path)) as database, database.erasing():
            database.connection.execute("PRAGMA foreign_keys=OFF")
            with database.write() as connection:
                gone = 0
                for table, column, has_tenant in _of_customers(connection):
                    where = f"{column} = ?{' AND tenant = ?' if has_tenant else ''}"
                    values = (name, tenant) if has_tenant else (name,)
                    gone += connection.execute(f"DELETE FROM {table} WHERE {where}", values).rowcount  # noqa: S608
                if gone:
                    database.note_erased()
            if gone:
                database.scrub()


def clean(home: Path) -> None:
    """Overwrite the free space of the copy, where somebody was deleted in it. Raises DatabaseBusy."""
    for path in _copies(home):
        with closing(SQLiteDatabase(path)) as database:
            if database.unclean():
                database.clean()


def _copies(home: Path) -> list[Path]:
    """The databases of the copy that have customers in them."""
    folder = home / BEFORE
    return sorted(folder.glob("*.db")) if folder.is_dir() else []


def _of_customers(connection: sqlite3.Connection) -> Iterator[tuple[str, str, bool]]:
    """(table, column, whether it has a tenant), customers themselves first: triggers guard what is theirs."""
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in sorted(tables, key=lambda table: table != "customers"):
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for column in NAMES:
            if column in columns:
                yield table, column, "tenant" in columns
