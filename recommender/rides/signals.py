"""What a rider's own visits say about the next destination: visits, moments, the kernel and its relatives.

Everything here is a sum over pairs (moment, earlier visit of the same rider), built at once for many moments
(training, batches) or for one (a request): the same code, so that training and serving cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from recommender.interactions import NO_TIME, Interactions
from recommender.places import haversine_km

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
MOST_VISITS = 600
"""Of one rider only the newest visits count: bounds the work where ten thousand rides came in one day."""

TRAIL = float(np.log1p(24.0))
"""A pause of more log hours than this ends a trail: how much longer it was says nothing more."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Visits:
    """Where riders were, sorted by rider, then time: each drop-off, and each pick-up that no drop-off explains.

    All columns have shape (n,); `place` and `origin` are codes into one vocabulary of places.
    """

    rider: NDArray[np.int32]  # -1 is a guest
    place: NDArray[np.int32]
    origin: NDArray[np.int32]  # the pick-up of the ride that ended here; -1: picked up here, or unknown
    time_us: NDArray[np.int64]
    hour: NDArray[np.float32]
    weekday: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.place)

    def where(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Visits:
        return Visits(*(getattr(self, f.name)[rows] for f in fields(self)))


def no_visits() -> Visits:
    """A guest's history."""
    return Visits(*(np.zeros(0, kind) for kind in ("i4", "i4", "i4", "i8", "f4", "i1")))


def visits_of(rides: Interactions) -> Visits:
    """Rides as visits. A ride told twice counts once; an origin that no drop-off explains is a visit too.

    So the return leg needs no rule of its own: an earlier pick-up is a place the rider has been to.
    """
    rows = np.lexsort((rides.order, rides.time_us, rides.customer))
    rows = rows[rides.item[rows] >= 0]
    rider, item, origin, time_us = (
        column[rows] for column in (rides.customer, rides.item, rides.origin, rides.time_us)
    )
    same_rider = np.r_[False, rider[1:] == rider[:-1]] if len(rows) else np.zeros(0, bool)
    before = np.r_[-1, item[:-1]] if len(rows) else item
    told_twice = same_rider & (item == before) & np.r_[False, time_us[1:] == time_us[:-1]][: len(rows)]
    explained = told_twice | (origin < 0)
    for back in (1, 2, 3):  # not only the last drop-off: several may share one time
        earlier = np.r_[np.full(back, -1), item[:-back]][: len(rows)]
        whose = np.r_[np.full(back, -2), rider[:-back]][: len(rows)]
        explained |= (earlier == origin) & (whose == rider)
    unexplained = ~explained
    kept, extra = rows[~told_twice], rows[unexplained]
    both = np.r_[kept, extra]
    is_pickup = np.r_[np.zeros(len(kept), bool), np.ones(len(extra), bool)]
    visits = Visits(
        rides.customer[both],
        np.where(is_pickup, rides.origin[both], rides.item[both]),
        np.where(is_pickup, -1, rides.origin[both]).astype(np.int32),
        rides.time_us[both],
        rides.hour[both],
        rides.weekday[both],
    )
    return visits.where(np.lexsort((np.arange(len(both)), ~is_pickup, visits.time_us, visits.rider)))


def stays(visits: Visits) -> Floats:
    """Log hours until the rider's next visit (n,), NaN for the last one."""
    if not len(visits):
        return np.zeros(0)
    timed = visits.time_us != NO_TIME
    hours = np.maximum(np.diff(np.where(timed, visits.time_us, 0)) / HOUR_US, 0)
    same = (np.diff(visits.rider) == 0) & (visits.rider[1:] >= 0) & timed[1:] & timed[:-1]
    return np.r_[np.where(same, np.log1p(hours), np.nan), np.nan]


def waits(visits: Visits) -> Floats:
    """Log hours since the rider's visit before (n,), NaN for the first one.

    A pick-up and its drop-off may carry one time: the visit before is the last one of an earlier time.
    """
    if not len(visits):
        return np.zeros(0)
    before = np.maximum(_first_of_time(visits) - 1, 0)
    known = (visits.time_us[before] != visits.time_us) & (visits.rider[before] == visits.rider)
    known &= (visits.rider >= 0) & (visits.time_us[before] != NO_TIME)
    hours = (visits.time_us - np.where(known, visits.time_us[before], visits.time_us)) / HOUR_US
    return np.where(known, np.log1p(hours), np.nan)


def _first_of_time(visits: Visits) -> NDArray[np.int64]:
    """The first row of each visit's rider and time (n,)."""
    new_time = np.r_[True, (np.diff(visits.time_us) != 0) | (np.diff(visits.rider) != 0)][: len(visits)]
    return np.maximum.accumulate(np.where(new_time, np.arange(len(visits)), 0))


@dataclass(frozen=True, slots=True)
class Ground:
    """The places under discussion: positions (P,) of one vocabulary. A crowd knows the first `crowd.n` of them."""

    lat: Floats
    lon: Floats


@dataclass(frozen=True, slots=True)
class Moments:
    """Questions, one row each (m,): who gets in where and when, and which visits may be looked at.

    `start` .. `stop` are the rows of this rider's earlier visits.
    """

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    time_us: NDArray[np.int64]
    hour: NDArray[np.float32]
    weekday: NDArray[np.int8]
    origin: NDArray[np.int32]
    lat: Floats  # of the pick-up, degrees; NaN unknown
    lon: Floats

    def __len__(self) -> int:
        return len(self.origin)

    def where(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Moments:
        return Moments(*(getattr(self, f.name)[rows] for f in fields(self)))


def moments_at(visits: Visits, rows: NDArray[np.intp], lat: Floats, lon: Floats) -> Moments:
    """The moments before the given visits: only visits of an EARLIER time are in sight, ties are not.

    `lat`, `lon` are the positions of the places' vocabulary. Of the visit itself only the clock and the
    pick-up are read, never its place.
    """
    block = np.r_[0, np.flatnonzero(np.diff(visits.rider)) + 1, len(visits)]
    which = np.searchsorted(block, rows, side="right") - 1
    first_of_time = _first_of_time(visits)
    origin = visits.origin[rows]
    known = origin >= 0
    return Moments(
        block[which].astype(np.int64),
        first_of_time[rows].astype(np.int64),
        visits.time_us[rows],
        visits.hour[rows],
        visits.weekday[rows],
        origin,
        np.where(known, lat[origin], np.nan),
        np.where(known, lon[origin], np.nan),
    )


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
class Sight:
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


def in_sight(visits: Visits, moments: Moments) -> Sight:
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
    return Sight(moment, visit, place, first)


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


def gaps_of(visits: Visits, moments: Moments, sight: Sight, lat: Floats, lon: Floats) -> Gaps:
    """The gaps of each pair. Unknown clocks or pick-ups give NaN, which the kernel reads as no evidence."""
    m, v = sight.moment, sight.visit
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
