"""Requests that wait until something has changed, without a thread each.

A request names its topic and the mark that it knows. One thread of each process asks the store every few hundred
milliseconds which marks are higher, for all requests together, and only while there are any. What waits is a
future of the event loop: it costs some memory and no thread.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

import structlog

from plumbing.access.caller import Caller
from plumbing.problem import Problem

MOST = 3_000
"""Requests that wait in one process; its connections are not for waiting alone. Who comes then is answered at once
and asks again later."""
EVERY_S = 0.3
LEAST_S, LONGEST_S = 20.0, 28.0
"""For how long a request waits: each for another time, or all would come back together."""

Look = Callable[[int], tuple[int, Sequence[tuple[str, int]]]]
log = structlog.get_logger(__name__)


def patience_s() -> float:
    """For how long one request waits."""
    return LEAST_S + (LONGEST_S - LEAST_S) * secrets.randbelow(1_000) / 1_000


class Waiting:
    """One for each process. `look` gives the highest mark of all and what is above a mark, by topic."""

    def __init__(self, look: Look, *, most: int = MOST, every_s: float = EVERY_S) -> None:
        self._look, self._most, self._every_s = look, most, every_s
        self._marks: dict[str, int] = {}
        self._highest = 0
        self._waiting: dict[str, set[tuple[int, asyncio.Future[bool]]]] = {}
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._needed, self._ended = threading.Event(), threading.Event()

    def __len__(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        """Whether as many wait as may."""
        return self._count >= self._most

    @property
    def is_closed(self) -> bool:
        """Whether this process ends: nobody waits any more."""
        return self._ended.is_set()

    async def hold(self, caller: Caller, query: str) -> bool:
        """Wait for the request with this query string ("watch=TOPIC&since=MARK"). False: nothing changed in time,
        so that there is nothing to answer. A request that names no mark does not wait."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        topic, since = asked.get("watch", ""), asked.get("since", "")
        if not topic or not since.isdecimal() or len(since) > 18 or len(topic) > 64:
            return True
        return await self.changed(topic, int(since), patience_s())

    async def changed(self, topic: str, known: int, within_s: float) -> bool:
        """Whether the mark of `topic` is above `known`, at latest after `within_s`. True at once, too, when as
        many wait already as may. In the thread of the event loop."""
        if self._marks.get(topic, 0) > known or self._count >= self._most:
            return True
        self._loop = asyncio.get_running_loop()
        entry = (known, self._loop.create_future())
        self._waiting.setdefault(topic, set()).add(entry)
        self._count += 1
        self._begin()
        try:
            return await asyncio.wait_for(entry[1], within_s)
        except TimeoutError:
            return False
        finally:
            self._count -= 1
            there = self._waiting.get(topic, set())
            there.discard(entry)
            if not there:
                self._waiting.pop(topic, None)
            if not self._count:
                self._needed.clear()

    def _begin(self) -> None:
        self._needed.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="waiting", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._ended.is_set():
            if not self._needed.wait(timeout=5):
                continue
            try:
                highest, rows = self._look(self._highest)
                if highest < self._highest:  # the tables were lost and made again
                    highest, rows = self._look(0)
            except (Problem, sqlite3.Error, OSError) as error:
                log.warning("waiting_cannot_look", why=type(error).__name__)
            else:
                self._highest = highest
                if rows and self._loop is not None and not self._loop.is_closed():
                    self._loop.call_soon_threadsafe(self._wake, rows)
            self._ended.wait(self._every_s)

    def _wake(self, rows: Sequence[tuple[str, int]]) -> None:
        for topic, mark in rows:
            self._marks[topic] = mark
            for known, future in tuple(self._waiting.get(topic, ())):
                if mark > known and not future.done():
                    future.set_result(True)

    def close(self) -> None:
        """End the thread; who waits is answered at the end of their time."""
        self._ended.set()
        self._needed.set()
        if self._thread is not None:
            self._thread.join(2)
