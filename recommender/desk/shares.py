"""Shares with their uncertainty, and whether two of them differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Z = 1.959964
"""95 % of a normal distribution lie within so many standard deviations."""


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`, with its 95 % interval after Wilson (1927): right also for few, and for 0 and 1."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """None of nothing."""
        return min(self.part / self.whole, 1.0) if self.whole > 0 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper bound."""
        if self.value is None:
            return None
        n, p = self.whole, self.value
        middle = (p + Z * Z / (2 * n)) / (1 + Z * Z / n)
        half = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
        return max(0.0, middle - half), min(1.0, middle + half)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        low, high = self.interval or (None, None)
        return {"value": self.value, "low": low, "high": high, "of": self.whole}


def direction(now: Share, before: Share) -> int:
    """1 or -1 when the share has risen or fallen by more than chance (95 %), else 0.

    Days have good and bad weather in common, so that chance is larger than of single customers: a difference of
    less than one in a hundred is never called one.
    """
    if now.value is None or before.value is None:
        return 0
    difference = now.value - before.value
    spread = math.sqrt(
        sum(one.value * (1 - one.value) / one.whole for one in (now, before) if one.value is not None)
    )
    return 0 if abs(difference) <= max(Z * spread, 0.01) else (1 if difference > 0 else -1)
