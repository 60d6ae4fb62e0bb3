"""Ninety days of habits lived: visits and rides as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.town.habits import Habits
from data.town.menu import HOURS, SITES

Trips = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]
"""Customer, pick-up, place, day and hour of n trips."""


@dataclass(frozen=True, slots=True)
class TownVisits:
    """Order lines as columns of shape (n,), sorted by time. `customer` -1 is a guest."""

    customer: NDArray[np.int32]
    order: NDArray[np.int64]  # lines of one order share it
    dish: NDArray[np.int32]
    quantity: NDArray[np.int32]
    site: NDArray[np.int32]
    day: NDArray[np.int32]
    hour: NDArray[np.float64]  # local

    def __len__(self) -> int:
        return len(self.dish)


@dataclass(frozen=True, slots=True)
class Rides:
    """Rides as columns of shape (n,), sorted by time; `pickup` and `place` index `Town.places`."""

    customer: NDArray[np.int32]
    pickup: NDArray[np.int32]
    place: NDArray[np.int32]
    day: NDArray[np.int32]
    hour: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.place)


def simulate_visits(rng: np.random.Generator, habits: Habits, weekday: NDArray[np.int64]) -> TownVisits:
    """Every customer, day and daypart throws a die; then the main dish, what goes with it, and the guests."""
    n, days = len(habits.joined), len(weekday)
    chance = habits.rate[:, None, :] * habits.by_weekday[:, weekday, None]
    chance = np.where(np.arange(days)[None, :, None] >= habits.joined[:, None, None], chance, 0)
    who, day, part = (a.astype(np.int32) for a in np.nonzero(rng.random((n, days, 5)) < chance))
    late = (day >= habits.changed[who]).astype(np.int32)
    faithful = rng.random(len(who)) < habits.loyalty[who]
    main = np.where(faithful, habits.usual[late, who, part], _draw(rng, habits.taste[who, part]))
    side_on = rng.random(len(who)) < habits.side_rate[who]
    side = np.where(rng.random(len(who)) < 0.75, habits.side[who, part], _draw(rng, habits.extra[part]))
    site = np.where(rng.random(len(who)) < 0.8, habits.site[who], rng.integers(0, len(SITES), len(who)))
    hour = np.array(list(HOURS.values()))[part] + habits.hour_shift[who, part] + rng.normal(0, 0.35, len(who))
    quantity = 1 + (rng.random(len(who)) < habits.pair_rate[who]).astype(np.int32)

    m = int(0.15 * len(who))  # guests: no history, the general taste
    guest_part = rng.choice(5, m, p=[0.25, 0.3, 0.2, 0.18, 0.07]).astype(np.int32)
    guest_hour = np.array(list(HOURS.values()))[guest_part] + rng.normal(0, 0.8, m)
    guest_main = _draw(rng, habits.common[guest_part])
    who = np.r_[who, np.full(m, -1, np.int32)]
    day = np.r_[day, rng.integers(0, days, m, dtype=np.int32)]
    hour = np.clip(np.r_[hour, guest_hour], 6.0, 23.9)
    main, site = np.r_[main, guest_main], np.r_[site, rng.integers(0, len(SITES), m)]
    quantity = np.r_[quantity, 1 + (rng.random(m) < 0.2).astype(np.int32)]
    side = np.r_[side, _draw(rng, habits.extra[guest_part])]
    side_on = np.r_[side_on, rng.random(m) < 0.5] & (side != main)

    orders = _Orders(who, day, hour, site, quantity, main)
    return _lines(orders, side, side_on)


class _Orders(NamedTuple):
    """Orders as columns of shape (n,), in any order."""

    customer: NDArray[np.int32]
    day: NDArray[np.int32]
    hour: NDArray[np.float64]
    site: NDArray[np.int64]
    quantity: NDArray[np.int32]
    main: NDArray[np.int32]


def _lines(orders: _Orders, side: NDArray[np.int32], side_on: NDArray[np.bool_]) -> TownVisits:
    """A line for each main dish and one for each side dish that is ordered, sorted by time."""
    who, day, hour, site, quantity, main = orders
    line = np.r_[np.arange(len(who)), np.flatnonzero(side_on)]
    dish = np.r_[main, side[side_on]]
    by_time = np.argsort(day + hour / 24, kind="stable")
    rank = np.empty(len(who), np.int64)
    rank[by_time] = np.arange(len(who))
    rows = np.argsort(rank[line], kind="stable")
    line, dish = line[rows], dish[rows]
    return TownVisits(
        customer=who[line],
        order=rank[line],
        dish=dish.astype(np.int32),
        quantity=quantity[line],
        site=site[line].astype(np.int32),
        day=day[line],
        hour=np.round(hour[line], 4),
    )


def simulate_rides(
    rng: np.random.Generator, habits: Habits, weekday: NDArray[np.int64], popular: NDArray[np.float64]
) -> Rides:
    """To work and back, to the weekly place and back, and now and then somewhere else and mostly back."""
    n, days = len(habits.joined), len(weekday)
    here = habits.rides[:, None] & (np.arange(days)[None, :] >= habits.joined[:, None])
    workday = weekday[None, :] < 5
    parts: list[Trips] = []

    chance = rng.random((4, n, days))
    parts.append(
        _trips(
            rng,
            here & workday & (chance[0] < habits.commute[:, None]),
            habits.home,
            habits.work,
            habits.leaves[:, None],
            0.3,
        )
    )
    back = habits.leaves[:, None] + 9.2
    parts.append(
        _trips(rng, here & workday & (chance[1] < habits.commute[:, None]), habits.work, habits.home, back, 0.5)
    )
    weekly = here & (weekday[None, :] == habits.weekly_day[:, None]) & (chance[2] < 0.75)
    parts.append(_trips(rng, weekly, habits.home, habits.weekly_place, habits.weekly_hour[:, None], 0.2))
    parts.append(_trips(rng, weekly, habits.weekly_place, habits.home, habits.weekly_hour[:, None] + 2.2, 0.4))
    who, day = np.nonzero(here & (chance[3] < 0.09))
    place = rng.choice(len(popular), len(who), p=popular / popular.sum()).astype(np.int32)
    hour = rng.uniform(9, 20, len(who))
    fresh = place != habits.home[who]
    who, day, place, hour = who[fresh], day[fresh], place[fresh], hour[fresh]
    parts.append((who, habits.home[who], place, day, hour))
    home = rng.random(len(who)) < 0.7
    parts.append((who[home], place[home], habits.home[who][home], day[home], np.minimum(hour[home] + 2.5, 23.9)))

    return _sorted_rides(parts)


def _trips(
    rng: np.random.Generator,
    on: NDArray[np.bool_],
    start: NDArray[np.int32],
    end: NDArray[np.int32],
    hour: NDArray[np.float64],
    sd: float,
) -> Trips:
    """A trip for each (customer, day) in `on`, shape (n, days); `hour` (n, 1) with a spread of `sd` hours."""
    who, day = np.nonzero(on)
    at = np.broadcast_to(hour, on.shape)[who, day] + rng.normal(0, sd, len(who))
    return who, start[who], end[who], day, np.clip(at, 5.0, 23.9)


def _sorted_rides(parts: Sequence[Trips]) -> Rides:
    """All trips as columns, sorted by time."""
    customer, pickup, place, day, hour = (np.concatenate(column) for column in zip(*parts, strict=True))
    rows = np.lexsort((hour, day))
    return Rides(
        customer=customer[rows].astype(np.int32),
        pickup=pickup[rows].astype(np.int32),
        place=place[rows].astype(np.int32),
        day=day[rows].astype(np.int32),
        hour=np.round(hour[rows], 4),
    )


def _draw(rng: np.random.Generator, weights: NDArray[np.float64]) -> NDArray[np.int32]:
    """One column for each row, with chances proportional to the row. `weights`: shape (n, k)."""
    total = np.cumsum(weights, axis=1)
    at = rng.random(len(weights)) * total[:, -1] if len(weights) else np.zeros(0)
    return (total < at[:, None]).sum(axis=1).astype(np.int32)
