"""How many events a second are acknowledged by the store, on PostgreSQL and on SQLite, by the number of writers.

Each writer is a process, as a replica is: threads of one process would share one interpreter, and that would be
measured. A writer records one order after the other, each in a transaction of its own, as a till sends them. Both
engines keep what they acknowledge (PostgreSQL as it is installed, with fsync; SQLite in WAL with FULL) and lie on
the same disk. Their turns alternate.
"""

from __future__ import annotations

import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from bench.measure import Row
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.state import State
from recommender.scene import Event, OrderLine
from recommender.store import open_database
from recommender.store.events import EventStore

WRITERS = (1, 4, 8, 16)
NOON = 1_795_435_200_000_000
LEAST_RATIO = 1.5


def order(writer: int, number: int) -> Event:
    """An order of two lines by one of a thousand customers, as a kiosk sends it."""
    return Event(
        event_id=f"order-{writer}-{number}",
        type="ordered",
        scene="orders",
        customer=f"customer-{(writer * 7919 + number) % 1_000}",
        time_us=NOON + number,
        hour=12.5,
        weekday=0,
        site="mill",
        region="north",
        origin="",
        recommendation_id="",
        sender=f"kiosk-{writer}",
        lines=(OrderLine("burger", 1, 950), OrderLine("cola", 2, 300)),
    )


def _write(writer: int, states: Sequence[State], jobs: Pipe) -> None:
    """A writer: for each (engine, seconds) that comes, how many events were acknowledged."""
    databases = [open_database(state) for state in states]
    stores = [EventStore(database, b"k" * 32) for database in databases]
    number = 0
    jobs.send(0)
    while (job := jobs.recv()) is not None:
        engine, seconds = job
        began, done = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            with suppress(DatabaseBusy):  # not acknowledged: it is sent again
                done += stores[engine].record("chain", [order(writer, number)], NOON)
                number += 1
        jobs.send(done)
    for database in databases:
        database.close()


@dataclass(frozen=True)
class Writers:
    """Processes that wait for work."""

    pipes: tuple[Pipe, ...]

    def rate(self, n: int, engine: int, seconds: float) -> float:
        """Events a second that `n` of them get acknowledged on an engine."""
        for pipe in self.pipes[:n]:
            pipe.send((engine, seconds))
        return sum(int(pipe.recv()) for pipe in self.pipes[:n]) / seconds


@contextmanager
def writers(states: Sequence[State], n: int) -> Iterator[Writers]:
    """`n` writers with both databases open."""
    fork = multiprocessing.get_context("fork")  # they begin with everything imported, and nothing open
    with ExitStack() as stack:
        pipes = []
        for number in range(n):
            here, there = fork.Pipe()
            process = fork.Process(target=_write, args=(number, states, there), daemon=True)
            process.start()
            stack.callback(process.join, 10)
            stack.callback(here.send, None)
            pipes.append(here)
        for pipe in pipes:
            pipe.recv()
        yield Writers(tuple(pipes))


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """A PostgreSQL of its own with the settings it is installed with; its address."""
    from tests import postgres

    server = postgres.Server(folder / "pg")
    server.start()
    try:
        with postgres.database(server.url) as url:
            yield url
    finally:
        server.stop("fast")


def writing(seconds: float, rounds: int) -> list[Row]:
    """Rows for each number of writers: PostgreSQL, SQLite and their ratio, medians of the rounds."""
    from tests import postgres

    if postgres.binaries() is None:
        return []
    folder = Path(tempfile.mkdtemp(prefix="usual-bench-"))  # a disk: in memory fsync would cost nothing
    try:
        with _server(folder) as url:
            return _measured((State(folder / "sqlite"), State(folder / "home", url)), seconds, rounds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(states: Sequence[State], seconds: float, rounds: int) -> list[Row]:
    for state in states:
        open_database(state).close()
    rows: list[Row] = []
    with writers(states, max(WRITERS)) as ready:
        for engine in (0, 1):
            ready.rate(max(WRITERS), engine, seconds / 2)  # connections, statements and pages are there afterwards
        for n in WRITERS:
            pairs = [(ready.rate(n, 0, seconds), ready.rate(n, 1, seconds)) for _ in range(rounds)]
            lite, big = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
            ratio = statistics.median(b / a for a, b in pairs)
            rows += [
                Row("postgres", f"writers {n}: SQLite (WAL, FULL)", lite, "events/s", None, "more"),
                Row(
                    "postgres",
                    f"writers {n}: PostgreSQL (synchronous commit)",
                    big,
                    "events/s",
                    None,
                    "more",
                ),
                Row(
                    "postgres",
                    f"writers {n}: PostgreSQL / SQLite",
                    ratio,
                    "x",
                    LEAST_RATIO if n == 8 else None,
                    "more",
                    f"one process for each writer, one order each time; median of {rounds} pairs of turns",
                ),
            ]
    return rows
