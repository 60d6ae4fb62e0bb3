"""Time is handed in. This is the one place that asks the machine for it."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Gives the present as integer microseconds since 1970-01-01 UTC."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def system_clock() -> int:
    """Microseconds UTC by the machine's clock."""
    return time.time_ns() // 1_000
