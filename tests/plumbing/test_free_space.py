"""What SQLite leaves of deleted rows in the free space of its pages, and how it goes."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from plumbing.storage import free_space
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.free_space import Cleaning, owed_in
from plumbing.storage.sqlite import SQLiteDatabase

PEOPLE, GONE, ORDERS = 300, 60, 3_000


class Shop:
    """A table, a table without row ids and an index, each with names in it, filled in random order."""

    def __init__(self, path: Path) -> None:
        self.database = SQLiteDatabase(path, durable=False)
        drawn = Random(1)
        self.names = [f"customer-{drawn.randbytes(12).hex()}" for _ in range(PEOPLE)]
        with self.database.write() as connection:
            connection.execute("CREATE TABLE orders (id TEXT PRIMARY KEY, name TEXT, dish TEXT)")
            connection.execute("CREATE INDEX by_name ON orders (name, dish)")
            connection.execute("CREATE TABLE accounts (name TEXT PRIMARY KEY, account TEXT) WITHOUT ROWID")
            rows = [
                (drawn.randbytes(8).hex(), drawn.choice(self.names), "soup " * drawn.randrange(60))
                for _ in range(ORDERS)
            ]
            connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
            connection.executemany("INSERT INTO accounts VALUES (?, 'card')", [(name,) for name in self.names])

    def erase(self, names: list[str]) -> None:
        for name in names:
            with self.database.write() as connection:
                connection.execute("DELETE FROM orders WHERE name = ?", (name,))
                connection.execute("DELETE FROM accounts WHERE name = ?", (name,))
                self.database.note_erased()
        self.database.scrub()

    def found(self, names: list[str]) -> int:
        files = [path.read_bytes() for path in self.database.path.parent.iterdir()]
        return sum(name.encode() in content for name in names for content in files)

    def rows(self) -> list[tuple[str, ...]]:
        every = self.database.rows("SELECT o.*, a.account FROM orders o JOIN accounts a USING (name) ORDER BY id")
        return [tuple(row) for row in every]


def integrity(shop: Shop) -> str:
    [row] = shop.database.rows("PRAGMA integrity_check")
    return str(row[0])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path / "shop.db")
    yield made
    made.database.close()


def test_names_of_deleted_rows_are_left_in_free_space_and_then_are_not(shop: Shop) -> None:
    gone = shop.names[:GONE]
    shop.erase(gone)
    rows = shop.rows()
    assert shop.found(gone) > 0, "SQLite left nothing: the test shows nothing any more"
    assert shop.database.unclean() == GONE

    shop.database.clean()
    assert shop.database.unclean() == 0
    assert shop.found(gone) == 0
    assert shop.rows() == rows
    assert integrity(shop) == "ok"


def test_who_remembers_pages_from_before_brings_nothing_back(shop: Shop) -> None:
    """Other connections have the pages in memory, with what is in their free space; then they write to them."""
    gone = shop.names[:GONE]
    shop.erase(gone)
    remembering = sqlite3.connect(shop.database.path, isolation_level=None)
    remembering.execute("PRAGMA cache_size=-20000")
    for table in ("orders", "accounts"):
        remembering.execute(f"SELECT * FROM {table}").fetchall()
    shop.database.clean()
    remembering.execute("UPDATE orders SET dish = 'another'")
    remembering.execute("UPDATE accounts SET account = 'other'")
    remembering.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    remembering.close()
    assert shop.found(gone) == 0


def test_writers_and_readers_go_on_meanwhile(shop: Shop) -> None:
    """A writer, in the middle of it, writes the same pages again and again."""
    gone, ended = shop.names[:GONE], threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(shop.database.path, isolation_level=None, timeout=10)) as other:
            other.execute("PRAGMA secure_delete=ON")
            while not ended.is_set():
                other.execute("BEGIN IMMEDIATE")
                other.execute("INSERT INTO orders VALUES (?, 'x', 'y')", (secrets.token_hex(8),))
                other.execute("COMMIT")

    shop.erase(gone)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(500):
            try:
                shop.database.clean()
            except DatabaseBusy:
                continue
            if not shop.database.unclean():
                break
    finally:
        ended.set()
        writer.join()
    shop.database.scrub()
    assert shop.database.unclean() == 0
    assert shop.found(gone) == 0
    assert integrity(shop) == "ok"


def test_what_is_noted_is_part_of_the_transaction_and_outlasts_the_process(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "shop.db")
    with pytest.raises(RuntimeError), shop.database.write():  # noqa: PT012
        shop.database.note_erased()
        raise RuntimeError
    assert shop.database.unclean() == 0

    shop.erase(shop.names[:GONE])
    shop.database.close()
    assert owed_in(tmp_path / "shop.db") == GONE
    again = SQLiteDatabase(tmp_path / "shop.db", durable=False)
    Cleaning([again]).look()
    again.close()
    assert owed_in(tmp_path / "shop.db") == 0
    assert shop.found(shop.names[:GONE]) == 0


def test_a_step_that_is_stopped_is_done_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before each step in turn: what is owed stays owed until the last one."""
    monkeypatch.setattr(free_space, "STEP", 20)
    gone = shop.names[:GONE]
    shop.erase(gone)
    steps = 0
    while shop.database.unclean():
        asked = iter([True, False])
        shop.database.clean(lambda asked=asked: next(asked))  # type: ignore[misc]
        steps += 1
        assert integrity(shop) == "ok"
    assert steps > 3
    assert shop.found(gone) == 0


def test_who_reads_is_not_disturbed_and_the_rest_is_done_afterwards(shop: Shop) -> None:
    reader = sqlite3.connect(shop.database.path, isolation_level=None)
    shop.database.change("UPDATE accounts SET account = 'new'")
    reader.execute("BEGIN")
    before = reader.execute("SELECT COUNT(*) FROM orders").fetchone()
    with shop.database.write():
        shop.database.note_erased()
    with pytest.raises(DatabaseBusy):
        shop.database.clean()
    assert reader.execute("SELECT COUNT(*) FROM orders").fetchone() == before
    assert shop.database.unclean() == 1
    reader.close()
    shop.database.clean()
    assert shop.database.unclean() == 0


def test_two_processes_do_not_do_it_twice(shop: Shop) -> None:
    """The second one leaves it to the first."""
    other = SQLiteDatabase(shop.database.path, durable=False)
    shop.erase(shop.names[:1])
    seen = []

    def go_on() -> bool:
        other.clean(lambda: seen.append("a step of the second") or True)  # type: ignore[func-returns-value]
        return True

    shop.database.clean(go_on)
    other.close()
    assert seen == []
    assert shop.database.unclean() == 0
