"""Whether the times of orders fit the opening hours of their sites, and which shift would mend them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.scene import Event
from recommender.store.tenant_settings import DAYS, TenantSettings

QUARTERS = 7 * 24 * 4
"""Of an hour, in a week."""

QUARTER_S = 900

LEAST_ORDERS = 20
FURTHEST = 14 * 4
"""Quarters: no clock of the world is further from UTC."""

HALF_HOURS = range(-FURTHEST, FURTHEST + 1, 2)
MOST_OUTSIDE = 0.5
LEAST_GAIN = 0.25
"""So much larger is the share inside with the shift that is offered, or it is no answer."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Orders outside of opening hours, and the best shift of all."""

    orders: int
    outside: int
    shift: float  # hours; 0: no shift mends it
    inside: float  # share, with that shift

    def __str__(self) -> str:
        share = self.outside / self.orders
        return f"{self.outside:,} of {self.orders:,} orders ({share:.0%}) fall outside the opening hours"


@dataclass
class OrderTimes:
    """How many orders there are by site and quarter of the week."""

    counts: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Count an event, if it is an order."""
        if event.type == "ordered":
            of_site = self.counts.setdefault(event.site, np.zeros(QUARTERS, np.int64))
            of_site[(event.weekday * 96 + int(event.hour * 4)) % QUARTERS] += 1

    def add_all(self, site: str, seconds: NDArray[np.int64]) -> None:
        """Count orders of a site; `seconds` of the week (n,)."""
        of_site = self.counts.setdefault(site, np.zeros(QUARTERS, np.int64))
        of_site += np.bincount(seconds // QUARTER_S, minlength=QUARTERS)

    def misfit(self, settings: TenantSettings) -> Misfit | None:
        """None: most orders are inside, there are few, or nobody has said the hours."""
        said = [(n, settings.hours_of(site)) for site, n in self.counts.items()]
        known = [(n, open_quarters(hours)) for n, hours in said if hours]
        orders = int(sum(n.sum() for n, _ in known))
        if orders < LEAST_ORDERS:
            return None
        inside = {
            shift: int(sum((np.roll(n, shift) * hours).sum() for n, hours in known))
            for shift in sorted(HALF_HOURS, key=abs)
        }
        if inside[0] >= (1 - MOST_OUTSIDE) * orders:
            return None
        best = max(inside, key=lambda shift: inside[shift])  # of those that are alike the smallest
        if inside[best] - inside[0] < LEAST_GAIN * orders:
            best = 0
        return Misfit(orders, orders - inside[0], best / 4, inside[best] / orders)


def open_quarters(hours: Mapping[str, tuple[str, str]]) -> NDArray[np.bool_]:
    """Which quarters of the week are open (672,), from Monday on."""
    found = np.zeros(QUARTERS, np.bool_)
    for day, (opens, closes) in hours.items():
        first = DAYS.index(day) * 96 + _quarter(opens)
        last = DAYS.index(day) * 96 + _quarter(closes)
        found[np.arange(first, last if last > first else last + 96) % QUARTERS] = True
    return found


def _quarter(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 4 + int(minute) // 15
