"""What is counted over a day, across an hour and across midnight, on both engines."""

from __future__ import annotations

import pytest

from identity.store.day_counts import DayCounts, migrations
from plumbing.clock import DAY, HOUR, SECOND
from plumbing.storage.database import Database
from plumbing.storage.state import State

MIDNIGHT = 20_000 * DAY
MOST = 3


@pytest.fixture
def database(state: State) -> Database:
    return state.database("identity-moments", migrations)


@pytest.fixture
def counts(database: Database) -> DayCounts:
    return DayCounts(database)


def add(counts: DayCounts, now_us: int, device: str = "front") -> bool:
    return counts.add("mill", device, "miss", "", most=MOST, now_us=now_us)


@pytest.mark.parametrize("change", [MIDNIGHT, MIDNIGHT + 10 * HOUR], ids=["midnight", "an hour"])
def test_no_window_of_a_day_holds_more_than_the_limit(counts: DayCounts, change: int) -> None:
    """Also one that begins a second before an hour or a day changes, and with devices apart."""
    assert [add(counts, change - SECOND), add(counts, change - SECOND), add(counts, change)] == [True] * 3
    assert add(counts, change + SECOND) is False
    assert add(counts, change + SECOND, "back") is True
    assert add(counts, change + DAY - 2 * SECOND) is False
    assert [add(counts, change + DAY + step) for step in (0, SECOND, 2 * SECOND)] == [True, True, False]
    assert add(counts, change + DAY + HOUR) is True


def test_what_greeted_after_the_hour_gives_back_what_was_counted_before_it(counts: DayCounts) -> None:
    add(counts, MIDNIGHT - SECOND)
    counts.give_back("mill", "front", "miss", now_us=MIDNIGHT)
    counts.give_back("mill", "front", "miss", now_us=MIDNIGHT)  # nothing is left to give back

    assert [add(counts, MIDNIGHT + step) for step in range(4)] == [True, True, True, False]


def test_a_clock_that_was_ahead_leaves_no_count_of_later_hours(counts: DayCounts, database: Database) -> None:
    add(counts, MIDNIGHT + 5 * HOUR)
    add(counts, MIDNIGHT)

    [row] = database.rows("SELECT hour, count FROM day_counts")
    assert (row["hour"], row["count"]) == (MIDNIGHT // HOUR, 1)
