"""What both engines answer to the calls of `Database`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Database
from plumbing.storage.state import State

steps = Migrations("things")


@steps()
def things(db: Utils) -> None:
    """One table with every type."""
    db.execute(
        "CREATE TABLE things (tenant TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL, share REAL,"
        " content BLOB, PRIMARY KEY (tenant, name)) WITHOUT ROWID"
    )


@pytest.fixture
def database(state: State) -> Iterator[Database]:
    opened = state.database("recommender", steps)
    yield opened
    opened.close()


def test_rows_answer_by_name_by_number_and_as_a_dict(database: Database) -> None:
    database.change("INSERT INTO things VALUES (?, ?, ?, ?, ?)", ("mill", "café 100%?", 2**62, 0.5, b"\0\xff"))

    row = database.row("SELECT * FROM things WHERE name LIKE '%100%' AND name <> '?'")

    assert (row["n"], row[1], tuple(row)[3], row["content"]) == (2**62, "café 100%?", 0.5, b"\0\xff")
    assert dict(row)["tenant"] == "mill"
    assert database.row("SELECT SUM(n) AS n, COUNT(*) AS many FROM things")["n"] == 2**62


def test_a_failed_write_leaves_nothing_also_when_nested(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO things VALUES ('mill', 'a', 1, NULL, NULL)")
            with database.write() as inner:
                inner.execute("INSERT INTO things VALUES ('mill', 'b', 1, NULL, NULL)")
                raise KeyError

    with pytest.raises(KeyError):
        fail()

    assert database.rows("SELECT * FROM things") == []


def test_threads_that_read_then_write_never_lose_a_count(database: Database) -> None:
    database.change("INSERT INTO things VALUES ('mill', 'a', 0, NULL, NULL)")

    def once(_: int) -> None:
        with database.write() as connection:
            [n] = connection.execute("SELECT n FROM things WHERE name = 'a'").fetchone()
            connection.execute("UPDATE things SET n = ? WHERE name = 'a'", (n + 1,))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(once, range(80)))

    assert database.row("SELECT n FROM things")["n"] == 80


def test_text_is_ordered_by_its_bytes(database: Database) -> None:
    names = ["b", "B", "a", "é", "Z", "_", "10", "9"]
    database.upsert("things", ({"tenant": "mill", "name": name, "n": 1} for name in names), ("tenant", "name"))

    assert [row["name"] for row in database.rows("SELECT name FROM things ORDER BY name")] == sorted(names)
    assert [row["name"] for row in database.each("SELECT name FROM things ORDER BY name")] == sorted(names)
