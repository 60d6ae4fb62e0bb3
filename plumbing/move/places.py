"""Where a move comes from and where it goes, and the marks that it leaves there."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlite_utils
from sqlite_utils.migrations import Migrations

from plumbing.problem import Problem
from plumbing.storage.bytes_file import BytesFile, opened
from plumbing.storage.database import Database
from plumbing.storage.files import write_atomic
from plumbing.storage.moved import MARK, MOVED, UNFINISHED
from plumbing.storage.shred import shred
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.storage.state import Files, State

FILES: Mapping[str, tuple[bool, tuple[str, ...]]] = {
    "identity-keys": (True, ("identity-keys", "identity-tombstones")),
    "recommender-keys": (True, ("recommender-tombstones",)),
    "access-files": (False, ("closed-tokens",)),
    "identity-audit": (False, ("identity-audit.log", "identity-audit-head")),
    "identity-files": (False, ("retention.json", "vector-keys")),
    "identity-signing": (True, ("receipt-key",)),
}
"""Files that are written in place: their part -> (whether they are keys, their names)."""

NOTICES = "notices"
"""A folder of the home, on a server one document of its part."""

PASSING = tuple(
    f"{half}-{what}" for half in ("access", "identity", "recommender") for what in ("moments", "machines")
)
"""Parts that are not moved, and deleted with the older copy: the other place makes its own."""

ASIDE, ASIDE_HEAD = "identity-audit.log.", "identity-audit-head."
"""An audit log that was set aside, and its head as a server calls it. In a home it is called as the log."""


class MoveRefused(Problem):
    """This move cannot be made; nothing was changed."""

    code = "move_refused"
    status = 409
    title = "The state cannot be moved"
    what_to_do = "Do as the reply says, then start `usual move` again."


@dataclass(frozen=True, slots=True)
class Part:
    """Tables that belong together: `name` as `State.database` knows it, `file` in a home. With `keys` they lie in
    the database for keys, where there is one."""

    name: str
    migrations: tuple[Migrations, ...]
    file: str = ""
    keys: bool = False

    @property
    def in_home(self) -> str:
        """The name of its file in a home."""
        return self.file or f"{self.name}.db"


class Place:
    """One end of a move: the files of a home, or a server."""

    def __init__(self, text: str, home: Path, keys: str | None) -> None:
        """`text` is "sqlite:FOLDER", an address, or "env" for USUAL_DATABASE: then no list of processes shows the
        password. `home` is the state folder that goes with a server. Raises MoveRefused."""
        if text == "env":
            text, keys = os.environ.get("USUAL_DATABASE", ""), keys or "env"
        kind, _, rest = text.partition(":")
        if kind == "sqlite" and rest:
            self.state = State(Path(rest))
        elif kind in ("postgresql", "postgres"):
            keys = os.environ.get("USUAL_KEYS_DATABASE") if keys == "env" else keys
            self.state = State(home, text, keys)
        else:
            raise MoveRefused(
                'A place is "sqlite:FOLDER", "postgresql://USER@HOST/NAME", or "env": what USUAL_DATABASE names.'
            )

    @property
    def is_server(self) -> bool:
        """Whether it is PostgreSQL."""
        return self.state.url is not None

    @property
    def name(self) -> str:
        """For a message: without a password."""
        if self.state.url is None:
            return f"sqlite:{self.state.home}"
        from plumbing.storage.postgres_setup import without_password

        return without_password(self.state.url)

    @property
    def has_keys(self) -> bool:
        """Whether keys and lists of erasures lie here: with a server they may stay in the home."""
        return self.state.url is None or self.state.keys_url is not None

    def exists(self) -> bool:
        """Whether there is an installation."""
        if self.state.url is None:
            return (self.state.home / "access.db").exists()
        there = "SELECT count(*) FROM pg_tables WHERE schemaname = 'usual_access' AND tablename = 'keys'"
        keys = "SELECT count(*) FROM usual_access.keys"
        return all(_administer(self.state.url, one, "usual_access", "usual_access") for one in (there, keys))

    def parts_in(self, parts: Sequence[Part]) -> list[Part]:
        """Those that there are here: a half in a process of its own has a home of its own."""
        return [part for part in parts if self.is_server or (self.state.home / part.in_home).exists()]

    def keys_are_in(self, home: Path) -> bool:
        """Whether a home has the keys of this server's customers, or there are no customers."""
        if (home / "identity-keys").exists():
            return True
        found = _administer(
            self.state.url or "",
            "SELECT count(*) FROM usual_identity.customers",
            "usual_identity",
            "usual_identity",
        )
        return not found

    def moves_keys(self, there: Place) -> bool:
        """Whether keys and lists of erasures go along; else they stay in the home."""
        return self.has_keys and there.has_keys

    def require_migrated(self, parts: Sequence[Part]) -> None:
        """Return when the tables of a home are of this version: a move has no keys to open older rows with.

        Raises MoveRefused.
        """
        if self.is_server:  # of an older one the next steps are made by what opens it
            return
        for part in self.parts_in(parts):
            file = self.state.home / part.in_home
            with closing(sqlite3.connect(file)) as raw:
                older = sqlite_utils.Database(raw, execute_plugins=False)
                if any(step.pending(older) for step in part.migrations):
                    raise MoveRefused(f"{file} is of an older version of Usual: start the server once, then move.")

    def names_in(self, part: str, files: Files) -> list[str]:
        """The files of a part that there are here, as a home calls them."""
        if files.database is None:
            asides = self.state.home.glob(f"{ASIDE}*") if part == "identity-audit" else ()
            names = [*FILES[part][1], *sorted(path.name for path in asides)]
            return [name for name in names if (self.state.home / name).is_file()]
        rows = files.database.rows("SELECT name FROM files WHERE size > 0 ORDER BY name")
        return [_in_home(row["name"]) for row in rows if row["name"] not in (MARK, NOTICES)]

    def make_ready(self, parts: Sequence[Part]) -> None:
        """Before anything is opened here: a home that was moved away once may be moved back to, when it is empty.

        Raises MoveRefused.
        """
        if self.is_server or not (self.state.home / MOVED).exists():
            return
        if self.parts_in(parts):
            raise MoveRefused(
                f"{self.name} still holds the older copy of an earlier move."
                " Delete it with that move's command and --delete-source, or take the folder away."
            )
        (self.state.home / MOVED).unlink()

    @contextmanager
    def databases(self, parts: Sequence[Part]) -> Iterator[dict[str, Database]]:
        """The databases of all parts, open."""
        with ExitStack() as stack:
            found: dict[str, Database] = {}
            for part in parts:
                found[part.name] = self._database(part)
                stack.callback(found[part.name].close)
            yield found

    def _database(self, part: Part) -> Database:
        if not self.is_server:
            return SQLiteDatabase(self.state.home / part.in_home, *part.migrations)
        return State(self.state.home, self._url(keys=part.keys)).database(part.name, *part.migrations)

    def _url(self, *, keys: bool) -> str | None:
        return self.state.keys_url or self.state.url if keys else self.state.url

    @contextmanager
    def files(self, part: str) -> Iterator[Files]:
        """Where the files of a part of FILES are."""
        files = self.state.files(part, keys=FILES[part][0], listening=False)
        try:
            yield files
        finally:
            files.close()

    # --- marks

    def begun_from(self) -> str | None:
        """From where an unfinished move to here began; None without one."""
        if not self.is_server:
            path = self.state.home / UNFINISHED
            return json.loads(path.read_bytes())["from"] if path.exists() else None
        with self._mark() as mark:
            content = mark.read(mark.size(), 0)
        return json.loads(content)["from"] if content else None

    def set_begun(self, source: str | None) -> None:
        """Note that a move from `source` has begun; None: it has ended."""
        content = b"" if source is None else json.dumps({"version": 1, "from": source}).encode()
        if not self.is_server:
            path = self.state.home / UNFINISHED
            if source is None:
                path.unlink(missing_ok=True)
            else:
                write_atomic(path, content)
            return
        with self._mark() as mark, mark.locked():
            mark.cut(0)
            mark.write(content, 0)

    @contextmanager
    def _mark(self) -> Iterator[BytesFile]:
        files = self.state.files("access-files")
        try:
            yield opened(files.place(MARK), bytes)
        finally:
            files.close()

    def moved_to(self, there: Place) -> bool:
        """Whether an earlier move from here to there was finished: what is here is the older copy."""
        if not self.is_server:
            path = self.state.home / MOVED
            if not path.exists() or json.loads(path.read_bytes())["to"] != there.name:
                return False
            if there.begun_from() == self.name:  # killed between the two marks: all of it had been compared
                there.set_begun(None)
            return True
        return there.exists() and there.begun_from() is None and self._is_closed()

    def _is_closed(self) -> bool:
        closed = "SELECT (NOT has_table_privilege('usual_access.keys', 'INSERT'))::int"
        return bool(_administer(self.state.url or "", closed, "usual_access", "usual_access"))

    def mark_moved(self, to: str) -> None:
        """What is in this home is the older copy from now on: nobody writes it."""
        write_atomic(self.state.home / MOVED, json.dumps({"version": 1, "to": to}).encode())

    def open_for_writing(self, parts: Sequence[Part]) -> None:
        """The opposite: this is the place that counts."""
        if not self.is_server:
            (self.state.home / MOVED).unlink(missing_ok=True)
            return
        for url, schema, role in self._schemas(parts):
            _administer(url, f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}", schema, role)

    def _schemas(self, parts: Sequence[Part]) -> Iterator[tuple[str, str, str]]:
        """(address, schema, role) of everything that is moved."""
        from plumbing.storage.postgres import schema_of
        from plumbing.storage.postgres_setup import role_of

        assert self.state.url is not None
        places = [(part.name, self._url(keys=part.keys)) for part in parts]
        places += [(name, self.state.keys_url if keys else self.state.url) for name, (keys, _) in FILES.items()]
        for name, url in places:
            if url is not None:
                yield url, schema_of(name), role_of(name)

    def delete(self, parts: Sequence[Part], *, keys: bool = True) -> None:
        """Delete what was moved from here: files are overwritten first, schemas dropped. `keys`: they were moved
        too; else they are the only ones."""
        if self.is_server:
            for url, schema, role in (*self._schemas(parts), *self._schemas([Part(name, ()) for name in PASSING])):
                _administer(url, f"DROP SCHEMA {schema} CASCADE", schema, role)
            return
        names = [name for are_keys, several in FILES.values() for name in several if keys or not are_keys]
        for file in (*(part.in_home for part in parts), *(f"{name}.db" for name in PASSING)):
            names += [f"{file}{ending}" for ending in ("", "-wal", "-shm")]
        names += [path.name for path in self.state.home.glob(f"{ASIDE}*")]
        for name in names:
            shred(self.state.home / name)


def _in_home(name: str) -> str:
    return f"{ASIDE}{name.removeprefix(ASIDE_HEAD)}.head" if name.startswith(ASIDE_HEAD) else name


def on_server(name: str) -> str:
    """What a server calls a file of a home."""
    aside = name.startswith(ASIDE) and name.endswith(".head")
    return f"{ASIDE_HEAD}{name.removeprefix(ASIDE).removesuffix('.head')}" if aside else name


def _administer(url: str, statement: str, schema: str, role: str) -> int:
    """Run a statement about a schema that is there, as its owner; the number that it returns, 0 without one."""
    import psycopg

    from plumbing.storage.postgres_setup import connected
    from plumbing.storage.postgres_statements import named

    try:
        with connected(url) as raw:
            if raw.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone() is None:
                return 0
            raw.execute(f"SET ROLE {role}; SET usual.tenant = '*'".encode())
            cursor = raw.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return 0 if row is None else int(next(iter(row.values())))
    except psycopg.Error as error:
        raise named(error) from error
