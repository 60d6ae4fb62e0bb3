"""The parts of the day."""

from __future__ import annotations

DAYPARTS = ((5, "breakfast"), (11, "lunch"), (15, "afternoon"), (18, "dinner"), (22, "night"))
"""The local hour at which each one begins, and its name."""


def daypart_name(hour: int) -> str:
    """The part of the day of a local hour, 0 to 23."""
    return next((name for start, name in reversed(DAYPARTS) if hour >= start), DAYPARTS[-1][1])
