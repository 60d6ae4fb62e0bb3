"""Time is handed in. This is the one place that asks the machine for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]
"""Gives the present as integer microseconds since 1970-01-01 UTC."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


SLACK = 5 * SECOND
"""Two processes agree on the time within this."""


def left_of(until_us: int, now_us: int, longest_us: int) -> int:
    """How much is left of a stored deadline, in microseconds; 0 when it has ended.

    A deadline is never further ahead than its own length: one that is was set under a clock that was ahead, and
    `longest_us` is left of it. Store what that means, or it never ends.
    """
    left = max(0, until_us - now_us)
    return left if left <= longest_us + SLACK else longest_us


def as_text(time_us: int) -> str:
    """The moment as ISO 8601 in UTC, to the second, as replies and messages have it."""
    return datetime.fromtimestamp(time_us // SECOND, UTC).isoformat().replace("+00:00", "Z")


def system_clock() -> int:
    """Microseconds UTC by the machine's clock."""
    return time.time_ns() // 1_000


STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # on Linux it runs while the machine sleeps


def monotonic_us() -> int:
    """Microseconds of a clock that nobody sets, counted from some moment."""
    return time.clock_gettime_ns(STEADY) // 1_000
