"""The data map: every table and column that a database has, and what it is for.

The columns are read from the databases themselves, the words come from the half that owns them. A table without
words is named as such: it cannot be forgotten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from plumbing.storage.database import Connection

Words = Mapping[str, "About"]
"""What is to be known of each table, by its name."""

MISSING = "not described"


@dataclass(frozen=True, slots=True)
class About:
    """What a table holds, whom it is about, and how long it is kept; each a short sentence."""

    what: str
    whose: str
    kept: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table of one database. `columns` are (name, type), in their order."""

    database: str
    name: str
    columns: tuple[tuple[str, str], ...]
    rows: int
    about: About | None


def tables_of(path: Path, words: Words) -> list[Table]:
    """The tables of the SQLite file at `path`, sorted; opened read-only. Empty when there is no such file.

    Tables of SQLite and of the migrations are left out.
    """
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return [
            _table(connection, path.name, name, words.get(name))
            for (name,) in names
            if not name.startswith(("sqlite_", "_"))
        ]


def tables_in_postgres(url: str, words: Words) -> list[Table]:
    """The tables of every part in PostgreSQL, sorted; a schema stands for a file. Raises DatabaseUnusable."""
    from plumbing.storage.postgres_check import tables_in

    return [
        Table(schema, name, columns, rows, words.get(name))
        for schema, name, columns, rows in tables_in(url)
        if not name.startswith("_")
    ]


def _table(connection: Connection, database: str, name: str, about: About | None) -> Table:
    columns = connection.execute("SELECT name, type FROM pragma_table_info(?)", (name,)).fetchall()
    quoted = '"' + name.replace('"', '""') + '"'
    (rows,) = connection.execute(f"SELECT count(*) FROM {quoted}").fetchone()  # noqa: S608 - a name of the schema
    return Table(database, name, tuple((str(column), str(kind)) for column, kind in columns), int(rows), about)


def without_words(tables: Sequence[Table]) -> list[str]:
    """The tables that nobody described: "database.table"."""
    return [f"{table.database}.{table.name}" for table in tables if table.about is None]


def as_markdown(tables: Sequence[Table]) -> str:
    """The map as a page: a section for each database, an entry for each table."""
    head = ["# Data map", "", "Made from the databases of this installation.", ""]
    return "\n".join([*head, *_lines(tables)]) + "\n"


def _lines(tables: Sequence[Table]) -> Iterator[str]:
    database = ""
    for table in tables:
        if table.database != database:
            database = table.database
            yield f"## {database}"
            yield ""
        about = table.about or About(MISSING, MISSING, MISSING)
        yield f"### {table.name}"
        yield ""
        yield f"* Holds: {about.what}"
        yield f"* About: {about.whose}"
        yield f"* Kept: {about.kept}"
        yield f"* Rows now: {table.rows}"
        yield "* Columns: " + ", ".join(f"`{name}` {kind}".rstrip() for name, kind in table.columns)
        yield ""
