"""What the stores know of a database: a few calls that SQLite (`sqlite.py`) and PostgreSQL (`postgres.py`) answer.

The SQL of the stores is one text for both. It is written for SQLite; `sql.py` says what PostgreSQL reads instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from plumbing.problem_json import Problem

T = TypeVar("T")
Statement = tuple[str, Sequence[Any]]


class DatabaseBusy(Problem):
    """Another process held the lock for longer than the busy time-out."""

    code = "database_busy"
    status = 503
    title = "The database is busy"
    retry_after = 1
    says = "Nothing was stored. Send the request again in a second."


class DatabaseAway(DatabaseBusy):
    """The database server does not answer. Who asked for a write does not know whether it was stored."""

    code = "database_away"
    title = "The database does not answer"
    says = "Send the request again in a second, under the same Idempotency-Key: nothing is stored twice."


class DatabaseUnusable(Problem, ValueError):
    """The database that the settings name cannot be used: a wrong address, no rights, another version."""

    code = "database_unusable"
    status = 500
    title = "The database cannot be used"
    what_to_do = "Mend what the reply names in USUAL_DATABASE; `usual database check` tries it."


class RefusedByDatabase(Problem):
    """A rule of a table refused a row. A mistake of this product, not of a caller."""

    code = "refused_by_database"
    status = 500
    title = "The database refused a row"
    what_to_do = "Nothing was stored. Tell who looks after the installation; sending it again does not help."


class TextUnusable(Problem, ValueError):
    """A text that PostgreSQL keeps in no column: it has a NUL, or half of a character."""

    code = "text_unusable"
    status = 400
    title = "A text cannot be stored"
    says = "Leave out the character NUL (U+0000), and send each character whole."


class Row(Protocol):
    """A row of a result: by the column's name, by its number, or as a sequence."""

    def __getitem__(self, key: Any, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...

    def keys(self) -> Iterable[str]: ...


class Cursor(Protocol):
    """The result of one statement."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """What `Database.write` gives: statements of one transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor: ...

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> Cursor: ...


class Database(Protocol):
    """The tables of one part. Safe with threads, and with several processes."""

    @property
    def name(self) -> str:
        """The name of this part, such as "identity"; in a sentence for the operator."""

    def write(self, *, shared: bool = False) -> AbstractContextManager[Connection]:
        """A write transaction; inside another one of this thread it is a part of that one.

        It is alone: what it reads does not change until it ends. With `shared` others that are `shared` too may
        write at the same time; it is for work whose statements are right whatever those do.

        Raises:
            DatabaseBusy: nothing was written. DatabaseAway: the server went away; it may have been written.
            DiskFull: nothing was written.
        """

    def together(self, work: Callable[[], T]) -> T:
        """Do `work` in one write transaction. What may be lost at any moment may call it a second time."""

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Write with one statement; the rows that it returns. Inside `write` it is a part of that transaction."""

    def several(self, statements: Sequence[Statement]) -> list[list[Any]]:
        """The rows of each of several statements, carried out in their order inside `write`: a server is asked
        once for all of them."""

    def reading(self) -> AbstractContextManager[None]:
        """Inside, all queries of this thread see one moment. Inside `write` it changes nothing."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a query. Raises DatabaseBusy."""

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first row of a query, or None. Raises DatabaseBusy."""

    def each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Any]:
        """The rows of a query one by one, as of one moment: for more than one wants to hold in memory."""

    def upsert(self, table: str, rows: Iterable[Mapping[str, Any]], key: Sequence[str]) -> None:
        """Insert rows, all with the same columns; one that has the `key` of an older row replaces its values."""

    def hurried(self) -> AbstractContextManager[None]:
        """Inside, this thread waits for a moment only: it has an answer without the database."""

    def try_change(self, sql: str, parameters: Sequence[Any] = ()) -> bool:
        """As `change`, but without waiting: whether it was written. Does nothing inside a transaction."""

    def flush(self) -> None:
        """What was written is on the disk when this returns, also where a write does not wait for that."""

    def erasing(self) -> AbstractContextManager[None]:
        """Inside, this thread may write on a disk that is full for all others."""

    def bulk(self) -> AbstractContextManager[Callable[[], None]]:
        """Inside, this thread writes many rows: more of the tables is kept in memory. What it gives is called
        after each transaction: it does what need not be done while others wait."""

    def note_erased(self) -> None:
        """Inside the transaction that deletes rows of a person: what the engine leaves of them in free space is to
        be overwritten (`clean`), also after a crash."""

    def unclean(self) -> int:
        """How often that was noted, and is not done yet. Raises DatabaseBusy."""

    def clean(self, go_on: Callable[[], bool] = ...) -> None:
        """Overwrite it, in steps for which a writer waits some milliseconds; `go_on` is asked before each.

        Raises DatabaseBusy: somebody reads what is to go. The next call goes on from there.
        """

    def scrub(self) -> None:
        """After an erasure: the deleted bytes leave what the engine keeps beside the tables, where it can.

        Raises DatabaseBusy: somebody reads what is to go (a training, a long report), and it is still there.
        """

    def scrub_soon(self) -> None:
        """The same for whoever cannot try again: what is in the way now is waited for by later writes."""

    def trouble(self) -> str | None:
        """Readiness: None when it can be written, else a sentence."""

    def has_table(self, table: str) -> bool:
        """Whether there is such a table."""

    def close(self) -> None:
        """Only when no request is running any more."""


class NothingToClean:
    """Of a database whose free space holds nobody, or is the server's own (see its `scrub`)."""

    def note_erased(self) -> None:
        """Nothing is noted."""

    def unclean(self) -> int:
        """Nothing is."""
        return 0

    def clean(self, go_on: Callable[[], bool] = lambda: True) -> None:
        """Nothing is to be done."""
