"""The tables of one part in PostgreSQL: a schema and a role for each part, through psycopg's pool.

Where SQLite has one writer, `write()` takes an advisory lock of its part, so that the same code is right here.
Work that only adds rows takes it `shared` and runs side by side. A thread that finds its connection dead takes
another one, as long as nothing was sent on it.
"""

from __future__ import annotations

import threading
import time
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from plumbing.problem import Problem
from plumbing.storage.database import DatabaseAway, DatabaseBusy, NothingToClean, RefusedByDatabase, Statement
from plumbing.storage.postgres_statements import (
    Number,
    PostgresRow,
    Raw,
    Transaction,
    errors_named,
    executed,
    fetched,
    plain,
    rows_of,
    set_tenant,
)
from plumbing.storage.sql import for_postgres

POOL = 24  # connections of one part and process at most; a thread holds one for one statement or transaction
WAIT_S = 2.0  # for a connection, and for a lock
HURRIED_S = 0.15
AWAY_S = 0.25  # so long after the server did not answer nobody tries again
GLANCE_S = 0.05  # for a connection, until it answers again: the pool connects in the background
RECONNECT_S = 1.0  # so long the pool tries by itself; then the next request makes it try again
PROBE_S = 1.0
POOL_ENDS_S = 1.0
CLASS = 0x5553  # the first half of our advisory locks' names: "US"
FETCH = 2_000  # rows at a time, of what is read one by one

T = TypeVar("T")


class PostgresDatabase(NothingToClean):
    """See `Database`. `name` is the part ("identity"); its schema is `usual_` and the name."""

    def __init__(self, url: str, name: str, *, role: str, durable: bool = True, by_tenant: bool = True) -> None:
        """Open the pool. The schema and the role are there (`postgres_setup`). Raises DatabaseUnusable."""
        self._name = name
        self.schema = schema_of(name)
        self._role = role
        self._durable = durable
        self._by_tenant = by_tenant
        self._key = zlib.crc32(self.schema.encode()) & 0x7FFFFFFF
        self._local = threading.local()
        self._away = False  # since the last statement the server has not answered
        self._failed_s = -AWAY_S  # monotonic: when that was noticed last
        self._taken_out = 0  # connections that threads of this process hold
        self._counting = threading.Lock()
        self._probed: tuple[float, str | None] | None = None
        self._pool: ConnectionPool[Raw] = ConnectionPool(
            url,
            min_size=1,
            max_size=POOL,
            timeout=WAIT_S,
            max_waiting=0,
            num_workers=1,
            reconnect_timeout=RECONNECT_S,
            kwargs={"autocommit": True, "row_factory": rows_of, "connect_timeout": 3, "tcp_user_timeout": 5_000},
            configure=self._configure,
            name=self.schema,
            open=False,
        )
        self._pool.open()
        self._closer = weakref.finalize(self, self._pool.close, POOL_ENDS_S)  # at the end of the process at last

    @property
    def name(self) -> str:
        """The part."""
        return self._name

    def _configure(self, raw: Raw) -> None:
        raw.adapters.register_loader("numeric", Number)
        commit = "on" if self._durable else "off"
        raw.by_tenant = self._by_tenant  # type: ignore[attr-defined]  # as `usual_tenant`
        raw.execute(
            f"SET ROLE {self._role}; SET search_path TO {self.schema}; SET lock_timeout = {int(WAIT_S * 1000)};"
            f" SET idle_in_transaction_session_timeout = 60000; SET synchronous_commit = {commit};"
            " SET timezone TO 'UTC'; SET usual.tenant = '*'".encode()
        )

    # --- connections

    @property
    def _mine(self) -> Transaction | None:
        """The transaction of this thread."""
        mine: Transaction | None = getattr(self._local, "transaction", None)
        return mine

    def _wait_s(self) -> float:
        wait: float = getattr(self._local, "wait_s", WAIT_S)
        return wait

    @contextmanager
    def _connection(self, *, again: bool = False) -> Iterator[Raw]:
        """A connection of the pool, set to the tenant of this thread's request."""
        raw = self._taken(again=again)
        try:
            with self._watched():
                set_tenant(raw)
                yield raw
        finally:
            self._put_back(raw)

    def _taken(self, *, again: bool = False) -> Raw:
        """A connection of the pool. While the server is away, that is seen at once: guests are served meanwhile.
        `again`: at once after another one was dead.

        Raises DatabaseAway; DatabaseBusy when other threads hold all of them.
        """
        wait_s = self._wait_s()
        if again:
            wait_s = min(wait_s, HURRIED_S)
        elif self._away:
            now, wait_s = time.monotonic(), GLANCE_S
            if now - self._failed_s < AWAY_S:
                raise DatabaseAway
            self._failed_s = now  # nobody else looks meanwhile
        if again or self._away:
            self._pool.check()  # after a restart of the server all of them are dead
        try:
            raw = self._pool.getconn(timeout=wait_s)
        except (PoolTimeout, psycopg.OperationalError) as error:
            if not self._taken_out or self._away:
                self._is_away()
                raise DatabaseAway from error
            raw = self._after_others()
        with self._counting:
            self._taken_out += 1
        return raw

    def _after_others(self) -> Raw:
        """The server answers, and other threads hold all connections: who is in a hurry waits for them, too."""
        try:
            return self._pool.getconn(timeout=WAIT_S)
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise DatabaseBusy from error

    def _put_back(self, raw: Raw) -> None:
        with self._counting:
            self._taken_out -= 1
        self._pool.putconn(raw)

    def _is_away(self) -> None:
        self._away, self._failed_s = True, time.monotonic()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Inside, errors are named; whether the server answers is noted."""
        try:
            with errors_named():
                yield
        except DatabaseAway:
            self._is_away()
            raise
        self._away = False

    def _once_more(self, work: Callable[[Raw], T]) -> T:
        """`work` on a connection; again on another one when the first was dead: the server was restarted."""
        was_away = self._away
        try:
            with self._connection() as raw:
                return work(raw)
        except DatabaseAway:
            if was_away:
                raise
        with self._connection(again=True) as raw:
            return work(raw)

    # --- what the stores call

    @contextmanager
    def write(self, *, shared: bool = False) -> Iterator[Transaction]:
        """See `Database.write`."""
        if (mine := self._mine) is not None:
            yield mine
            return
        raw = self._taken() if shared else self._begin()
        try:
            with self._watched(), self._pipelined(raw) if shared else nullcontext(None) as pipeline:
                self._local.transaction = Transaction(raw, pipeline)
                yield self._local.transaction
                ended = raw.execute(b"COMMIT")
                if pipeline is not None:
                    pipeline.sync()
                if ended.statusmessage != "COMMIT":
                    raise RefusedByDatabase("A statement had failed, and the transaction went on.")
        except BaseException:
            self._roll_back(raw)
            raise
        finally:
            self._local.transaction = None
            self._put_back(raw)

    @contextmanager
    def _pipelined(self, raw: Raw) -> Iterator[psycopg.Pipeline]:
        """A transaction that begins on the way of its first statement, beside others of its kind."""
        set_tenant(raw)
        with raw.pipeline() as pipeline:
            raw.execute(b"BEGIN")
            raw.execute(f"SELECT pg_advisory_xact_lock_shared({CLASS}, {self._key})".encode())
            yield pipeline

    def _begin(self) -> Raw:
        """A connection in a transaction that is alone."""

        def begin(raw: Raw) -> Raw:
            set_tenant(raw)
            raw.execute(f"BEGIN; SELECT pg_advisory_xact_lock({CLASS}, {self._key})".encode())
            return raw

        was_away = self._away
        for again in (False, True):
            raw = self._taken(again=again)
            try:
                with self._watched():
                    return begin(raw)
            except BaseException as error:
                self._roll_back(raw)
                self._put_back(raw)
                if again or was_away or not isinstance(error, DatabaseAway):
                    raise
        raise AssertionError

    @staticmethod
    def _roll_back(raw: Raw) -> None:
        if not raw.closed and raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            try:
                raw.execute(b"ROLLBACK")
                raw.usual_tenant = None  # type: ignore[attr-defined]  # one that was set inside is undone as well
            except psycopg.Error:
                raw.close()

    def together(self, work: Callable[[], T]) -> T:
        """See `Database.together`."""
        with self.write():
            return work()

    def change(self, sql: str, parameters: Sequence[Any] = ()) -> list[PostgresRow]:
        """See `Database.change`."""
        if (mine := self._mine) is not None:
            return fetched(mine.execute(sql, parameters))
        with self._connection() as raw:
            return fetched(executed(raw, sql, parameters))

    def several(self, statements: Sequence[Statement]) -> list[list[PostgresRow]]:
        """See `Database.several`."""
        with self.write():
            mine = self._mine
            assert mine is not None
            return mine.several(statements)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See `Database.reading`."""
        if self._mine is not None:
            yield
            return
        with self._connection() as raw:
            raw.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._local.transaction = Transaction(raw)
            try:
                yield
                raw.execute(b"COMMIT")
            finally:
                self._local.transaction = None
                self._roll_back(raw)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[PostgresRow]:
        """See `Database.rows`."""
        if (mine := self._mine) is not None:
            return mine.execute(sql, parameters).fetchall()
        return self._once_more(lambda raw: executed(raw, sql, parameters).fetchall())

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> PostgresRow | None:
        """See `Database.row`."""
        if (mine := self._mine) is not None:
            return mine.execute(sql, parameters).fetchone()
        return self._once_more(lambda raw: executed(raw, sql, parameters).fetchone())

    def each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[PostgresRow]:
        """See `Database.each`: a cursor of the server, FETCH rows at a time."""
        mine = self._mine
        with nullcontext(mine.raw) if mine is not None else self._connection() as raw, errors_named():
            whole = nullcontext() if mine is not None else raw.transaction()
            with whole, raw.cursor(name="each") as cursor:
                cursor.itersize = FETCH
                cursor.execute(for_postgres(sql).encode(), plain(parameters))
                yield from cursor

    def upsert(self, table: str, rows: Iterable[Mapping[str, Any]], key: Sequence[str]) -> None:
        """See `Database.upsert`."""
        made = [dict(row) for row in rows]
        if not made:
            return
        columns = list(made[0])
        rest = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
        statement = (
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - ours
            f" ON CONFLICT ({', '.join(key)}) DO {f'UPDATE SET {rest}' if rest else 'NOTHING'}"
        )
        with self.write() as connection:
            connection.executemany(statement, [[row[name] for name in columns] for row in made])

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """See `Database.hurried`. Here only a server that does not answer is waited for."""
        if getattr(self._local, "wait_s", WAIT_S) < WAIT_S:
            yield
            return
        self._local.wait_s = HURRIED_S
        try:
            yield
        finally:
            self._local.wait_s = WAIT_S

    def try_change(self, sql: str, parameters: Sequence[Any] = ()) -> bool:
        """See `Database.try_change`."""
        if self._mine is not None:
            return False
        try:
            with self.hurried():
                self.change(sql, parameters)
        except Problem:
            return False
        return True

    def flush(self) -> None:
        """See `Database.flush`: the server writes its log up to here, and with it all that came before."""
        if self._durable or self._mine is not None:
            return
        with self._connection() as raw:
            raw.execute(b"BEGIN; SET LOCAL synchronous_commit = on; UPDATE probe SET seen = seen + 1; COMMIT")

    def erasing(self) -> nullcontext[None]:
        """See `Database.erasing`: the server keeps room of its own."""
        return nullcontext()

    def bulk(self) -> nullcontext[Callable[[], None]]:
        """See `Database.bulk`: the server has its own memory."""
        return nullcontext(lambda: None)

    def scrub(self) -> None:
        """Deleted rows stay in the server's files until VACUUM: `usual database vacuum` (decision 0108)."""

    def scrub_soon(self) -> None:
        """See `scrub`."""

    def has_table(self, table: str) -> bool:
        """See `Database.has_table`."""
        return bool(self.rows("SELECT to_regclass(?) IS NOT NULL", (f"{self.schema}.{table}",))[0][0])

    def trouble(self) -> str | None:
        """See `Database.trouble`."""
        now = time.monotonic()
        if self._probed is None or now - self._probed[0] >= PROBE_S:
            self._probed = now, self._probe()
        return self._probed[1]

    def _probe(self) -> str | None:
        try:
            with self.hurried():
                self.change("UPDATE probe SET seen = seen + 1")
        except Problem as error:
            return f"{self._name} cannot be written: {error.title if error.status == 503 else error.detail}"
        return None

    def close(self) -> None:
        """See `Database.close`."""
        self._closer()


def schema_of(name: str) -> str:
    """The schema of a part: "identity-moments" -> "usual_identity_moments"."""
    return f"usual_{name.replace('-', '_')}"
