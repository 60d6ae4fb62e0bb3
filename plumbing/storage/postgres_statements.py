"""Statements on a connection to PostgreSQL as the stores know them: rows, parameters, the tenant, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from plumbing.problem import Problem
from plumbing.storage.database import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseUnusable,
    RefusedByDatabase,
    Statement,
    TextUnusable,
)
from plumbing.storage.room import DiskFull
from plumbing.storage.sql import for_postgres
from plumbing.storage.tenants import ALL, tenant_now

Raw = psycopg.Connection["PostgresRow"]


class PostgresRow(tuple[Any, ...]):
    """A row that answers as one of SQLite does: by name, by number, as a sequence."""

    columns: dict[str, int]

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.columns[key] if isinstance(key, str) else key)

    def keys(self) -> Iterable[str]:
        """The names of the columns."""
        return self.columns.keys()


_shapes: dict[tuple[str, ...], type[PostgresRow]] = {}


def rows_of(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], PostgresRow]:
    names = tuple(column.name for column in cursor.description or ())
    shape = _shapes.get(names)
    if shape is None:
        columns = {name: place for place, name in enumerate(names)}
        shape = _shapes[names] = type("PostgresRow", (PostgresRow,), {"columns": columns})
    return shape


class Number(Loader):
    """Sums of whole numbers come as `numeric`; SQLite gives an int or a float."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data)
        return float(text) if b"." in text or b"N" in text else int(text)


class Transaction:
    """Statements of one transaction, in the words of SQLite."""

    def __init__(self, raw: Raw, pipeline: psycopg.Pipeline | None = None) -> None:
        """With a `pipeline`, statements are on their way together until an answer is needed."""
        self.raw = raw
        self._pipeline = pipeline

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[PostgresRow]:
        with errors_named():
            set_tenant(self.raw)
            cursor = executed(self.raw, sql, parameters)
            if self._pipeline is not None:
                self._pipeline.sync()
            return cursor

    def several(self, statements: Sequence[Statement]) -> list[list[PostgresRow]]:
        """The rows of several statements, on one way to the server and back."""
        with errors_named():
            set_tenant(self.raw)
            with self.raw.pipeline() if self._pipeline is None else nullcontext(self._pipeline) as pipeline:
                cursors = [executed(self.raw, *one) for one in statements]
                pipeline.sync()
            return [fetched(cursor) for cursor in cursors]

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> psycopg.Cursor[PostgresRow]:
        with errors_named():
            set_tenant(self.raw)
            cursor = self.raw.cursor()
            cursor.executemany(for_postgres(sql).encode(), [plain(values) for values in parameters])
            if self._pipeline is not None:
                self._pipeline.sync()
            return cursor


def set_tenant(raw: Raw) -> None:
    """Row-level security compares with it. Sent only when the connection served another tenant before, and where
    tables have tenants."""
    tenant = tenant_now()
    if getattr(raw, "usual_tenant", ALL) != tenant and getattr(raw, "by_tenant", True):
        raw.execute(b"SELECT set_config('usual.tenant', %s, false)", (tenant,))
        raw.usual_tenant = tenant  # type: ignore[attr-defined]  # kept with the connection that it is true of


def plain(values: Sequence[Any]) -> list[Any]:
    """SQLite takes True for 1; a column of numbers in PostgreSQL does not. Raises TextUnusable."""
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise TextUnusable
    return [int(value) if isinstance(value, bool) else value for value in values]


def executed(raw: Raw, sql: str, parameters: Sequence[Any]) -> psycopg.Cursor[PostgresRow]:
    return raw.execute(for_postgres(sql).encode(), plain(parameters))


def fetched(cursor: psycopg.Cursor[PostgresRow]) -> list[PostgresRow]:
    return cursor.fetchall() if cursor.description else []


@contextmanager
def errors_named() -> Iterator[None]:
    """Inside, an error of psycopg is raised as ours."""
    try:
        yield
    except psycopg.Error as error:
        raise named(error) from None  # a traceback would show the row that the server quotes
    except UnicodeEncodeError as error:
        raise TextUnusable from error


def named(error: psycopg.Error) -> Problem:
    """Our error in place of psycopg's. What the server says of a row's content stays out of it."""
    if isinstance(error, (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)):
        return DatabaseBusy()
    if isinstance(error, errors.DiskFull):
        return DiskFull()
    if "row-level security" in (error.diag.message_primary or ""):
        return RefusedByDatabase("A row of another tenant.")
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return DatabaseUnusable("The database takes no writes: it is a read-only copy. Name the primary server.")
    if isinstance(error, (errors.InsufficientPrivilege, errors.UndefinedTable, errors.InvalidSchemaName)):
        return DatabaseUnusable(f"{error.diag.message_primary}. See `usual database --help`.")
    if isinstance(error, (psycopg.IntegrityError, errors.RaiseException)):
        return RefusedByDatabase(error.diag.message_primary or "")
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        return DatabaseAway()
    return RefusedByDatabase(f"{type(error).__name__}.")  # the server quotes the value that it does not take
