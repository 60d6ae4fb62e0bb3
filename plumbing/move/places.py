"""Where a move comes from and where it goes, and the marks that it leaves there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils.migrations import Migrations

from plumbing.problem import Problem
from plumbing.storage.bytes_file import BytesFile, opened
from plumbing.storage.database import Database
from plumbing.storage.documents import Documents
from plumbing.storage.files import write_atomic
from plumbing.storage.moved import MOVED
from plumbing.storage.shred import shred
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.storage.state import State

UNFINISHED = "move.json"
"""The mark in the place that a move goes to, while it lasts."""

FILES: Mapping[str, tuple[bool, tuple[str, ...]]] = {
    "identity-keys": (True, ("identity-keys", "identity-tombstones")),
    "recommender-keys": (True, ("recommender-tombstones",)),
    "access-files": (False, ("closed-tokens",)),
    "identity-audit": (False, ("identity-audit.log", "identity-audit-head")),
    "identity-files": (False, ("retention.json",)),
    "identity-signing": (True, ("receipt-key",)),
}
"""Files that are written in place: their part -> (whether they are keys, their names)."""


class MoveRefused(Problem):
    """This move cannot be made; nothing was changed."""

    code = "move_refused"
    status = 409
    title = "The state cannot be moved"


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
            text = os.environ.get("USUAL_DATABASE", "")
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
        return self.is_server or (self.state.home / "access.db").exists()

    def parts_in(self, parts: Sequence[Part]) -> list[Part]:
        """Those that there are here: a half in a process of its own has a home of its own."""
        return [part for part in parts if self.is_server or (self.state.home / part.in_home).exists()]

    def has_file(self, part: str, name: str) -> bool:
        """Whether there is such a file of FILES, as far as it can be seen without making it."""
        return self.is_server or (self.state.home / name).exists()

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
    def file(self, part: str, name: str) -> Iterator[BytesFile]:
        """One of FILES; an empty one is made when it is not there."""
        files = self.state.files(part, keys=FILES[part][0])
        try:
            file = opened(files.place(name), bytes)
            try:
                yield file
            finally:
                file.close()
        finally:
            files.close()

    def fetch_notices(self, home: Path) -> None:
        """Bring the published notices, of which replicas share one copy, into a home."""
        documents = Documents.of(self.state, "identity-files")
        notices = documents.folder(home / "notices", whole=lambda: False)
        if notices is not None:
            notices.fetch()

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
            yield opened(files.place("move"), bytes)
        finally:
            files.close()

    def close_for_writing(self, to: str, parts: Sequence[Part]) -> None:
        """What is here is the older copy from now on: nobody writes it."""
        if not self.is_server:
            write_atomic(self.state.home / MOVED, json.dumps({"version": 1, "to": to}).encode())
            return
        self._give(parts, "REVOKE INSERT, UPDATE, DELETE", "FROM")

    def open_for_writing(self, parts: Sequence[Part]) -> None:
        """The opposite: this is the place that counts."""
        if not self.is_server:
            (self.state.home / MOVED).unlink(missing_ok=True)
            return
        self._give(parts, "GRANT ALL", "TO")

    def _give(self, parts: Sequence[Part], rights: str, to: str) -> None:
        for url, schema, role in self._schemas(parts):
            _administer(url, f"{rights} ON ALL TABLES IN SCHEMA {schema} {to} {role}", schema, role)

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

    def delete(self, parts: Sequence[Part]) -> None:
        """Delete what was moved from here: files are overwritten first, schemas dropped."""
        if self.is_server:
            for url, schema, role in self._schemas(parts):
                _administer(url, f"DROP SCHEMA {schema} CASCADE", schema, role)
            return
        names = [name for _, several in FILES.values() for name in several]
        for part in parts:
            names += [f"{part.in_home}{ending}" for ending in ("", "-wal", "-shm")]
        for name in names:
            shred(self.state.home / name)
        for aside in self.state.home.glob("identity-audit.log.*"):
            shred(aside)


def _administer(url: str, statement: str, schema: str, role: str) -> None:
    """Run a statement about a schema that is there, as its owner."""
    import psycopg

    from plumbing.storage.postgres_statements import named

    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as raw:
            if raw.execute("SELECT to_regnamespace(%s)", (schema,)).fetchone() == (None,):
                return
            raw.execute(f"SET ROLE {role}".encode())
            raw.execute(statement.encode())
    except psycopg.Error as error:
        raise named(error) from error
