"""Requests that wait for a change: woken by it, in time otherwise, and never with a thread each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from plumbing.access.caller import Caller
from plumbing.waiting import Waiting

DRIVER = Caller("mill", "key", "driver-1", "", frozenset({"drive"}))
AT_ONCE_S, NEVER_S = 0.02, 60.0


class Marks:
    """A store of marks that counts how often it is asked."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.looks = 0

    def __call__(self, since: int) -> tuple[int, Sequence[tuple[str, int]]]:
        self.looks += 1
        rows = dict(self.rows)
        return max(rows.values(), default=0), [(topic, mark) for topic, mark in rows.items() if mark > since]


def test_who_waits_is_woken_by_their_own_topic_alone() -> None:
    marks = Marks()
    waiting = Waiting(marks, every_s=0.01)

    async def run() -> tuple[bool, bool, int]:
        mine = asyncio.ensure_future(waiting.changed("mine", 0, NEVER_S))
        other = asyncio.ensure_future(waiting.changed("other", 0, 0.3))
        await asyncio.sleep(0.05)
        marks.rows["mine"] = 5
        return await mine, await other, len(waiting)

    assert asyncio.run(run()) == (True, False, 0)
    waiting.close()


def test_who_knows_an_older_mark_does_not_wait_and_who_knows_the_newest_does() -> None:
    marks = Marks()
    marks.rows["mine"] = 7
    waiting = Waiting(marks, every_s=0.01)

    async def run() -> list[bool]:
        first = await waiting.changed("mine", 6, NEVER_S)
        return [first, await waiting.changed("mine", 6, AT_ONCE_S), await waiting.changed("mine", 7, 0.1)]

    assert asyncio.run(run()) == [True, True, False]
    waiting.close()


def test_a_request_that_names_no_mark_is_answered_at_once_and_nonsense_too() -> None:
    waiting = Waiting(Marks(), every_s=0.01)
    others = threading.active_count()  # of tests before this one

    async def run() -> list[bool]:
        asked = ("", "watch=a", "since=0", "watch=a&since=-1", f"watch=a&since={'9' * 30}", "watch=&since=1")
        return [await waiting.hold(DRIVER, query) for query in asked]

    assert asyncio.run(run()) == [True] * 6
    assert threading.active_count() <= others + 1


def test_tables_that_were_lost_are_looked_at_from_the_beginning() -> None:
    marks = Marks()
    marks.rows = {"mine": 900, "other": 900}
    waiting = Waiting(marks, every_s=0.01)

    async def run() -> bool:
        assert await waiting.changed("mine", 0, NEVER_S)
        marks.rows = {"mine": 500}
        return await waiting.changed("mine", 400, NEVER_S)

    assert asyncio.run(run())
    waiting.close()


def test_twenty_thousand_wait_with_one_thread_and_all_are_woken() -> None:
    marks = Marks()
    waiting = Waiting(marks, most=20_000, every_s=0.01)
    threads = threading.active_count()

    async def run() -> tuple[int, int, int, list[bool]]:
        all_of_them = [asyncio.ensure_future(waiting.changed(f"taxi-{k}", 0, NEVER_S)) for k in range(20_000)]
        await asyncio.sleep(0.2)
        waited, more = len(waiting), threading.active_count() - threads
        one_too_many = await waiting.changed("taxi-x", 0, NEVER_S)  # answered at once
        assert one_too_many
        looks = marks.looks
        marks.rows = {f"taxi-{k}": k + 1 for k in range(20_000)}
        return waited, more, looks, await asyncio.gather(*all_of_them)

    waited, more, looks, woken = asyncio.run(run())
    waiting.close()

    assert (waited, more, all(woken), len(waiting)) == (20_000, 1, True, 0)
    assert looks < 100  # one look for all of them together


def test_without_anybody_waiting_nobody_looks() -> None:
    marks = Marks()
    waiting = Waiting(marks, every_s=0.01)

    async def run() -> int:
        await waiting.changed("mine", 0, 0.05)
        await asyncio.sleep(0.1)
        before = marks.looks
        await asyncio.sleep(0.2)
        return marks.looks - before

    assert asyncio.run(run()) <= 1
    waiting.close()
