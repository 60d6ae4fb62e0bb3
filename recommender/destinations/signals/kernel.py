"""The kernel: how much a past visit counts for a question now, by hour, weekday, age and distance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.places import haversine_km
from recommender.destinations.visits import DAY_US, HOUR_US, TRAIL, Floats, Moments, Visits, waits
from recommender.ranking.interactions import NO_TIME

MOST_VISITS = 600
"""Of one rider only the newest visits count: bounds the work where ten thousand rides came in one day."""


def waited(visits: Visits, moments: Moments) -> Floats:
    """Log hours since the rider's newest visit (m,), NaN where there is none or its time is not known."""
    has = moments.stop > moments.start
    newest = np.where(has, moments.stop - 1, 0)
    before = visits.time_us[newest] if len(visits) else np.full(len(moments), NO_TIME)
    known = has & (before != NO_TIME) & (moments.time_us != NO_TIME)
    hours = (moments.time_us - np.where(known, before, 0)) / HOUR_US
    return np.where(known, np.log1p(np.maximum(np.where(known, hours, 0), 0)), np.nan)


@dataclass(frozen=True, slots=True)
class Kernel:
    """How much an earlier visit counts now: hour x weekday class x age x distance between the pick-ups x wait.

    weight = (exp(-dh^2 / 2 hour_sigma^2) + hour_floor) * (1 or other_class) * (exp(-age / age_days) + age_floor)
    * (origin_floor + origin_gain * exp(-(km / origin_km)^2)) * (exp(-dw^2 / 2 wait_sigma^2) + wait_floor), where
    dw compares how long the rider had been at the place before, in log hours. The defaults are those that worked
    on public check-ins; `train` fits them to the tenant's own rides (recommender/scenes/destinations.py).
    """

    hour_sigma: float = 1.5  # hours, round the clock
    hour_floor: float = 0.05
    other_class: float = 0.5  # weekday rides at the weekend and the reverse
    age_days: float = 30.0
    age_floor: float = 0.15
    origin_km: float = 0.5
    origin_gain: float = 1.5
    origin_floor: float = 0.15
    wait_sigma: float = 0.5  # log hours
    wait_floor: float = 0.2
    pickup_weight: float = 0.7  # a place where rides began, as today's destination (the return leg)

    def with_values(self, **values: float) -> Kernel:
        return replace(self, **values)


@dataclass(frozen=True, slots=True)
class VisitPairs:
    """Every (moment, earlier visit) pair: (p,) each. Sorted by moment, then place, then age, newest first."""

    moment: NDArray[np.int64]
    visit: NDArray[np.int64]
    place: NDArray[np.int32]
    first: NDArray[np.int64]  # where each (moment, place) group begins, (g,)

    @property
    def group_moment(self) -> NDArray[np.int64]:
        return self.moment[self.first]

    @property
    def group_place(self) -> NDArray[np.int32]:
        return self.place[self.first]

    def total(self, weight: NDArray[np.floating]) -> Floats:
        """The sum over each (moment, place) group, (g,)."""
        return np.add.reduceat(weight.astype(np.float64), self.first) if len(self.first) else np.zeros(0)

    def largest(self, weight: NDArray[np.floating]) -> Floats:
        return np.maximum.reduceat(weight.astype(np.float64), self.first) if len(self.first) else np.zeros(0)


def pair_visits(visits: Visits, moments: Moments) -> VisitPairs:
    """All pairs of a moment and one of its rider's newest `MOST_VISITS` earlier visits."""
    start = np.maximum(moments.start, moments.stop - MOST_VISITS)
    length = moments.stop - start
    moment = np.repeat(np.arange(len(moments)), length)
    begin = np.cumsum(length) - length
    visit = np.repeat(start - begin, length) + np.arange(int(length.sum()))
    rows = np.lexsort((-visit, visits.place[visit], moment))
    moment, visit = moment[rows], visit[rows]
    place = visits.place[visit]
    changes = (np.diff(moment) != 0) | (np.diff(place) != 0)
    first = np.flatnonzero(np.r_[True, changes][: len(moment)])
    return VisitPairs(moment, visit, place, first)


@dataclass(frozen=True, slots=True)
class Gaps:
    """What lies between a moment and an earlier visit, for each pair of a `Sight`: (p,) each, NaN unknown."""

    hours: Floats  # between the two clock times, round the clock, 0 .. 12
    other_class: NDArray[np.bool_]  # one of the two is at the weekend, the other is not
    same_weekday: NDArray[np.bool_]
    days: Floats  # age of the visit
    km: Floats  # between the two pick-ups
    wait: Floats  # between how long the rider had been at the place before: log hours
    drop_off: NDArray[np.bool_]  # the visit ended a ride (it has a pick-up of its own)


def gaps_of(visits: Visits, moments: Moments, visit_pairs: VisitPairs, lat: Floats, lon: Floats) -> Gaps:
    """The gaps of each pair. Unknown clocks or pick-ups give NaN, which the kernel reads as no evidence."""
    m, v = visit_pairs.moment, visit_pairs.visit
    apart = np.abs(moments.hour[m].astype(np.float64) - visits.hour[v])
    then, now = visits.weekday[v], moments.weekday[m]
    both = (then >= 0) & (now >= 0)
    timed = (visits.time_us[v] != NO_TIME) & (moments.time_us[m] != NO_TIME)
    age = np.where(timed, (moments.time_us[m] - np.where(timed, visits.time_us[v], 0)) / DAY_US, np.nan)
    origin = visits.origin[v]
    km = haversine_km(moments.lat[m], moments.lon[m], lat[origin], lon[origin])
    return Gaps(
        np.minimum(apart, 24 - apart),
        both & ((then >= 5) != (now >= 5)),
        both & (then == now),
        age,
        np.where((origin >= 0), km, np.nan),
        np.abs(np.minimum(waited(visits, moments), TRAIL)[m] - np.minimum(waits(visits), TRAIL)[v]),
        origin >= 0,
    )


def kernel_weights(kernel: Kernel, gaps: Gaps) -> Floats:
    """Each pair's weight (p,) under the kernel; an unknown hour counts as its floor, an unknown age as old."""
    by_hour = np.nan_to_num(np.exp(-(gaps.hours**2) / (2 * kernel.hour_sigma**2))) + kernel.hour_floor
    by_class = np.where(gaps.other_class, kernel.other_class, 1.0)
    by_age = np.nan_to_num(np.exp(-np.maximum(gaps.days, 0) / kernel.age_days)) + kernel.age_floor
    near = np.nan_to_num(np.exp(-((gaps.km / kernel.origin_km) ** 2)))
    by_origin = kernel.origin_floor + kernel.origin_gain * near
    by_wait = np.nan_to_num(np.exp(-(gaps.wait**2) / (2 * kernel.wait_sigma**2))) + kernel.wait_floor
    return by_hour * by_class * by_age * by_origin * by_wait * np.where(gaps.drop_off, 1.0, kernel.pickup_weight)
