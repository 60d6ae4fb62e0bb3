"""A file that replicas share: its bytes in rows of PostgreSQL, a page in each.

What is asked for with every token is held in memory, and read again when the server says that it changed
(LISTEN/NOTIFY). Nobody relies on the message: after `REREAD_S` it is read again anyway, and while the connection
that listens is down after `DEAF_S`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Connection, Database
from plumbing.storage.listening import Listener

PAGE = 512
EMPTY = bytes(PAGE)
REREAD_S = 0.5
DEAF_S = 0.1
TOPIC = "file"

migrations = Migrations("files")


@migrations()
def files_and_pages(db: Utils) -> None:
    """`version` grows with every change. A page that is not there is zeros."""
    db.execute(
        "CREATE TABLE files (name TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, size INTEGER NOT NULL)"
    )
    db.execute(
        "CREATE TABLE pages (name TEXT NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL,"
        " PRIMARY KEY (name, number)) WITHOUT ROWID"
    )


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is in memory: of which version, read when (monotonic, after which messages)."""

    version: int
    content: bytes
    read_s: float
    heard: tuple[int, int]
    clock_us: int  # the server's clock then


@dataclass(slots=True)
class _Work:
    """What one thread reads and writes under the lock."""

    before: int  # the size when it began
    size: int
    pages: dict[int, bytes] = field(default_factory=dict)
    dirty: set[int] = field(default_factory=set)


class StoredFile:
    """See `BytesFile`. `held`: the whole file is kept in memory, for one that is small and asked for often."""

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        create: bytes = b"",
        held: bool = False,
        listener: Listener | None = None,
    ) -> None:
        """Open it; made with the content `create` when it is not there. Raises DatabaseBusy."""
        self._database = database
        self._name = name
        self._listener = listener
        self._held = held
        self._copy: _Copy | None = None
        self._lock = threading.Lock()
        self._local = threading.local()
        with database.write() as connection:
            made = connection.execute(
                "INSERT INTO files VALUES (?, 1, 0) ON CONFLICT (name) DO NOTHING RETURNING name", (name,)
            ).fetchone()
            if made is not None and create:
                self.write(create, 0)

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self._name} in {self._database.name}"

    # --- reading

    def read(self, size: int, at: int) -> bytes:
        """See `BytesFile.read`."""
        work = self._work
        if work is None and self._held:
            return self._current().content[at : at + size]
        if work is None:
            return self._read_now(size, at)
        end = min(at + size, work.size)
        if end <= at:
            return b""
        first, last = at // PAGE, (end - 1) // PAGE
        pages = work.pages
        if any(number not in pages for number in range(first, last + 1)):
            pages = work.pages = self._pages(first, last) | pages
        content = b"".join(pages.get(number, EMPTY) for number in range(first, last + 1))
        return content[at - first * PAGE : end - first * PAGE]

    def _read_now(self, size: int, at: int) -> bytes:
        """Pages and the size of the file in one way there and back."""
        if size <= 0:
            return b""
        first, last = at // PAGE, (at + size - 1) // PAGE
        rows = self._database.rows(
            "SELECT files.size, pages.number, pages.content FROM files LEFT JOIN pages ON pages.name = files.name"
            " AND pages.number BETWEEN ? AND ? WHERE files.name = ?",
            (first, last, self._name),
        )
        pages = {row["number"]: row["content"] for row in rows}
        end = min(at + size, rows[0]["size"] if rows else 0)
        content = b"".join(pages.get(number, EMPTY) for number in range(first, last + 1))
        return content[at - first * PAGE : max(at, end) - first * PAGE]

    def size(self) -> int:
        """See `BytesFile.size`."""
        if self._work is not None:
            return self._work.size
        return len(self._current().content) if self._held else self._head()[1]

    def changed(self) -> int:
        """See `BytesFile.changed`."""
        return self._current().version if self._held and self._work is None else self._head()[0]

    @property
    def _work(self) -> _Work | None:
        """What this thread does under the lock."""
        work: _Work | None = getattr(self._local, "work", None)
        return work

    def _head(self) -> tuple[int, int]:
        row = self._database.row("SELECT version, size FROM files WHERE name = ?", (self._name,))
        return (0, 0) if row is None else (row["version"], row["size"])

    def _pages(self, first: int, last: int) -> dict[int, bytes]:
        """The pages of a range; those that are not there are zeros."""
        found = self._database.rows(
            "SELECT number, content FROM pages WHERE name = ? AND number BETWEEN ? AND ?",
            (self._name, first, last),
        )
        return dict.fromkeys(range(first, last + 1), EMPTY) | {row["number"]: row["content"] for row in found}

    def _current(self) -> _Copy:
        """The copy in memory, read again when it may be old."""
        copy = self._copy
        if copy is not None and self._is_fresh(copy):
            return copy
        with self._lock:
            copy = self._copy
            if copy is not None and self._is_fresh(copy):
                return copy
            now = time.monotonic()
            heard = self._listener.heard(self._name) if self._listener is not None else (0, 0)
            with self._database.hurried():
                version, clock_us = self._version_and_clock()
                content = copy.content if copy is not None else b""
                if copy is None or copy.version != version:
                    with self._database.reading():
                        version, size = self._head()
                        content = self._read_all(size)
            self._copy = _Copy(version, content, now, heard, clock_us)
            return self._copy

    def _version_and_clock(self) -> tuple[int, int]:
        """In one way there and back: it is asked twice a second by each process."""
        row = self._database.row(
            "SELECT version, CAST(extract(epoch FROM clock_timestamp()) * 1e6 AS BIGINT) AS clock_us"
            " FROM files WHERE name = ?",
            (self._name,),
        )
        return (0, 0) if row is None else (row["version"], row["clock_us"])

    def _read_all(self, size: int) -> bytes:
        content = bytearray(size)
        for row in self._database.rows("SELECT number, content FROM pages WHERE name = ?", (self._name,)):
            place = row["number"] * PAGE
            content[place : place + PAGE] = row["content"][: max(0, size - place)]
        return bytes(content[:size])

    def _is_fresh(self, copy: _Copy) -> bool:
        listener = self._listener
        if listener is None or not listener.hears:
            return time.monotonic() - copy.read_s < DEAF_S
        return copy.heard == listener.heard(self._name) and time.monotonic() - copy.read_s < REREAD_S

    # --- writing

    def write(self, content: bytes, at: int) -> None:
        """See `BytesFile.write`."""
        if not content:
            return
        with self._working() as work:
            end = at + len(content)
            first, last = at // PAGE, (end - 1) // PAGE
            work.size = max(work.size, end)
            around = bytearray(
                self.read((last - first + 1) * PAGE, first * PAGE).ljust((last - first + 1) * PAGE, b"\0")
            )
            around[at - first * PAGE : end - first * PAGE] = content
            for number in range(first, last + 1):
                place = (number - first) * PAGE
                page = bytes(around[place : place + PAGE])
                if page != work.pages.get(number, EMPTY):  # what stays zeros needs no row
                    work.dirty.add(number)
                work.pages[number] = page

    def grow(self, size: int) -> None:
        """See `BytesFile.grow`."""
        with self._working() as work:
            work.size = max(size, work.size)

    def cut(self, size: int) -> None:
        """See `BytesFile.cut`."""
        with self._working() as work:
            first = -(-size // PAGE)
            rest = self.read(size % PAGE, size - size % PAGE)
            self._database.change("DELETE FROM pages WHERE name = ? AND number >= ?", (self._name, first))
            work.pages = {number: page for number, page in work.pages.items() if number < first}
            work.dirty = {number for number in work.dirty if number < first}
            work.size = size
            if rest:
                work.pages[first - 1] = rest.ljust(PAGE, b"\0")
                work.dirty.add(first - 1)

    def sync(self) -> None:
        """See `BytesFile.sync`."""
        self._database.flush()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """See `BytesFile.locked`: a write transaction, so all that is written inside is one."""
        with self._working():
            yield

    @contextmanager
    def _working(self) -> Iterator[_Work]:
        if (work := self._work) is not None:
            yield work
            return
        with self._database.write() as connection:
            _, size = self._head()
            work = self._local.work = _Work(size, size)
            try:
                yield work
                self._put(connection, work)
            finally:
                self._local.work = None
        with self._lock:
            self._copy = None  # what this process wrote it sees at once

    def _put(self, connection: Connection, work: _Work) -> None:
        """Write the pages that changed, count one more version, and tell those who listen."""
        if not work.dirty and work.size == work.before:
            return
        connection.executemany(
            "INSERT INTO pages VALUES (?, ?, ?)"
            " ON CONFLICT (name, number) DO UPDATE SET content = excluded.content",
            [(self._name, number, work.pages[number]) for number in sorted(work.dirty)],
        )
        connection.execute(
            "UPDATE files SET size = ?, version = files.version + 1 WHERE name = ?", (work.size, self._name)
        )
        if self._held and self._listener is not None:
            self._listener.tell(self._database, TOPIC, self._name)

    def clock_us(self) -> int:
        """See `BytesFile.clock_us`: the server's clock."""
        copy = self._current()
        return copy.clock_us + int((time.monotonic() - copy.read_s) * 1_000_000)

    def close(self) -> None:
        """Close the database and the listener that it was opened with."""
        if self._listener is not None:
            self._listener.close()
        self._database.close()
