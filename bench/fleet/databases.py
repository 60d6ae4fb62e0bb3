"""What a database does on this machine: SQLite with the real stores, PostgreSQL where one is given."""

from __future__ import annotations

import base64
import os
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from bench.fleet.costs import RATIO_1, RATIO_8, RECORDED_RATIOS, Costs
from bench.measure import timed
from data.demo.setting import TENANT, Setting
from data.town.town import Town
from plumbing.clock import SECOND, system_clock
from plumbing.storage.state import State
from recommender.scene import Event, OrderLine

PASSING = "moments"  # in the names of the files whose content may be lost with the power
WRITERS = 8
POSTGRESQL = "USUAL_TEST_POSTGRES"
CHANGES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


@dataclass(frozen=True, slots=True)
class Disk:
    """Milliseconds of a durable commit with one writer, commits a second with eight, milliseconds of a write that
    may be lost and of a read; bytes that an order adds to the file."""

    commit_ms: float
    commits_s: float
    mark_ms: float
    read_ms: float
    event_bytes: float


def event(k: int, time_us: int) -> Event:
    """An order of two lines."""
    lines = (OrderLine(f"dish-{k % 60}", 1), OrderLine(f"dish-{(k + 7) % 60}", 2))
    return Event(
        event_id=f"order-{k}-{secrets.token_hex(4)}",
        type="ordered",
        scene="orders",
        customer=secrets.token_urlsafe(16),
        time_us=time_us,
        hour=12.5,
        weekday=1,
        lines=lines,
        site=f"site-{k % 2000}",
        recommendation_id=secrets.token_hex(16),
        sender=f"terminal-{k % 20000}",
    )


def sqlite(home: Path, n: int) -> Disk:
    """The recommender's own store in a new folder."""
    from plumbing.limits import Limits
    from recommender.store import open_database, open_moments
    from recommender.store.events import EventStore

    database, moments = open_database(State(home)), open_moments(State(home))
    store, limits = EventStore(database, secrets.token_bytes(32)), Limits(moments, system_clock)
    now = system_clock()
    try:
        before = _size(home)
        commit = timed(lambda k: store.record(TENANT, [event(k, now + k * SECOND)], now), n)
        began = time.perf_counter()
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(lambda k: store.record(TENANT, [event(k, now + k * SECOND)], now), range(2 * n)))
        commits_s = 2 * n / (time.perf_counter() - began)
        grown = (_size(home) - before) / (3 * n + 3)
        mark = timed(lambda k: limits.count(TENANT, f"suggestions of key {k % 50}", window_us=60 * SECOND), n)
        read = timed(lambda k: store.history(TENANT, f"nobody-{k}", "ordered", 500), n)
    finally:
        database.close()
        moments.close()
    return Disk(commit.p50, commits_s, mark.p50, read.p50, grown)


def _size(home: Path) -> int:
    """Bytes of the recommender's file with all that was written."""
    with sqlite3.connect(home / "recommender.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return (home / "recommender.db").stat().st_size


# --- how many writes and reads a request makes -------------------------------------------------------


class Counting:
    """Statements of all connections that were opened while it watched, by kind."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    @contextmanager
    def watching(self) -> Iterator[None]:
        opened = sqlite3.connect

        def connect(path: Any, *positional: Any, **named: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = opened(path, *positional, **named)
            connection.set_trace_callback(self._noting(connection, PASSING in str(path)))
            return connection

        with mock.patch.object(sqlite3, "connect", connect):
            yield

    def _noting(self, connection: sqlite3.Connection, passing: bool) -> Callable[[str], None]:
        write = "marks" if passing else "commits"

        def note(statement: str) -> None:
            word = statement.lstrip().partition(" ")[0].upper()
            if word == "COMMIT" or (word in CHANGES and not connection.in_transaction):
                self.seen[write] += 1
            elif word == "SELECT":
                self.seen["reads"] += 1

        return note


def counted(setting: Setting, key: str, picture: bytes, town: Town) -> dict[str, dict[str, int]]:
    """Commits, marks and reads of one request of each kind, in this process, on an installation that is there."""
    from app import create_app
    from bench.fleet.measured import order_of
    from plumbing.settings import Config

    counting = Counting()
    with counting.watching():
        app = create_app(Config(home=setting.home, pack=setting.pack, models=setting.models, cache=setting.cache))
        client, found = app.test_client(), {}

        def ask(method: str, path: str, body: object = None) -> dict[str, Any]:
            headers = {"X-API-Key": key, "Idempotency-Key": secrets.token_hex(16)}
            reply = client.open(path, method=method, json=body, headers=headers)
            if reply.status_code >= 400:
                raise RuntimeError(f"{path}: {reply.status_code} {reply.get_data(as_text=True)}")
            return dict(reply.get_json())

        def visit() -> None:
            sent = {"nonce": nonces.pop(), "frames": [base64.b64encode(picture).decode()], "scene": "orders"}
            ask("POST", "/v1/visits", sent | {"context": {"site": "market"}, "n": 5})

        nonces: list[str] = []
        kinds: dict[str, Callable[[], object]] = {
            "press": lambda: nonces.append(ask("POST", "/identity/v1/presses", {})["nonce"]),
            "visit": visit,
            "suggestion": lambda: ask("GET", "/recommender/v1/suggestions/orders?site=market&n=5"),
            "event": lambda: ask("POST", "/recommender/v1/events", {"events": [order_of(town, 1)]}),
        }
        try:
            for kind, request in kinds.items():
                for again in range(2):  # the first one opens connections and fills caches
                    counting.seen.clear()
                    if kind == "visit" and again:
                        kinds["press"]()
                        counting.seen.clear()
                    request()
                found[kind] = {what: counting.seen[what] for what in ("commits", "marks", "reads")}
        finally:
            for half in app.extensions["usual_open"]:
                half.close()
    return found


# --- PostgreSQL --------------------------------------------------------------------------------------


def with_postgresql(costs: Costs, n: int = 200) -> Costs:
    """The same requests with state in PostgreSQL: measured where `USUAL_TEST_POSTGRES` names one, otherwise by the
    recorded ratios.

    Raises ValueError: the one that is named cannot be used.
    """
    import psycopg

    address = os.environ.get(POSTGRESQL)
    if not address:
        return costs.on_postgresql(RATIO_1, RATIO_8, RECORDED_RATIOS)
    try:
        one, eight = (_orders_s(address, writers, n) for writers in (1, WRITERS))
    except psycopg.Error as error:
        said = str(error).strip().partition("\n")[0]
        raise ValueError(f"The PostgreSQL of {POSTGRESQL} cannot be used: {said}") from error
    source = f"measured beside the simulation: {one:.0f} orders/s with one writer, {eight:.0f} with {WRITERS}"
    return costs.on_postgresql(one * costs.commit_ms / 1000, eight / costs.commits_s, source)


def _orders_s(address: str, writers: int, n: int) -> float:
    """Orders of two lines a second, each committed by itself, by as many connections; in a table of its own."""
    import psycopg
    from psycopg import sql

    events, lines = (sql.Identifier(f"usual_fleet_{kind}_{secrets.token_hex(4)}") for kind in ("events", "lines"))
    insert = sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, %s, %s)")

    def write(first: int) -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            for k in range(first, first + n):
                one = event(k, k)
                key = (TENANT, one.sender, one.event_id)
                with connection.transaction():
                    connection.execute(insert.format(events), (*key, one.customer, one.time_us, one.fingerprint()))
                    for place, line in enumerate(one.lines):
                        connection.execute(insert.format(lines), (*key, line.item, place, str(line.quantity)))

    with psycopg.connect(address, autocommit=True) as owner:
        for table in (events, lines):
            owner.execute(
                sql.SQL(
                    "CREATE TABLE {} (tenant TEXT, sender TEXT, event_id TEXT, what TEXT, number BIGINT,"
                    " content TEXT, PRIMARY KEY (tenant, sender, event_id, number))"
                ).format(table)
            )
        try:
            began = time.perf_counter()
            with ThreadPoolExecutor(writers) as pool:
                list(pool.map(write, range(0, writers * n, n)))
            return writers * n / (time.perf_counter() - began)
        finally:
            owner.execute(sql.SQL("DROP TABLE {}, {}").format(events, lines))
