"""Visits of riders, and the moments at which a destination is to be predicted.

The signals are sums over pairs (moment, earlier visit of the same rider). The same code builds them for many
moments (training, batches) and for one (a request), so that training and serving cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.interactions import NO_TIME, Interactions

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000

TRAIL = float(np.log1p(24.0))
"""In log hours. A longer pause ends a trail; how much longer it was makes no difference."""

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
    arrived: NDArray[np.bool_]  # False: a ride began here; that makes no destination for others
    person: NDArray[np.int32]  # whom the visit counts as where different people are counted, -1 nobody

    def __len__(self) -> int:
        return len(self.place)

    def where(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Visits:
        return Visits(*(getattr(self, f.name)[rows] for f in fields(self)))


def no_visits() -> Visits:
    """A guest's history."""
    return Visits(*(np.zeros(0, kind) for kind in ("i4", "i4", "i4", "i8", "f4", "i1", "?", "i4")))


def visits_of(rides: Interactions) -> Visits:
    """Rides as visits. A ride that was sent twice counts once. A pick-up that no drop-off before it explains is a
    visit too: the rider was there, so that the way back needs no rule of its own.
    """
    rows = np.lexsort((rides.order, rides.time_us, rides.customer))
    rows = rows[rides.item[rows] >= 0]
    rider, item, origin, time_us = (
        column[rows] for column in (rides.customer, rides.item, rides.origin, rides.time_us)
    )
    same_rider = np.r_[False, rider[1:] == rider[:-1]] if len(rows) else np.zeros(0, bool)
    before = np.r_[-1, item[:-1]] if len(rows) else item
    repeated = same_rider & (item == before) & np.r_[False, time_us[1:] == time_us[:-1]][: len(rows)]
    explained = repeated | (origin < 0)
    for back in (1, 2, 3):  # not only the last drop-off: several may share one time
        earlier = np.r_[np.full(back, -1), item[:-back]][: len(rows)]
        whose = np.r_[np.full(back, -2), rider[:-back]][: len(rows)]
        explained |= (earlier == origin) & (whose == rider)
    unexplained = ~explained
    kept, extra = rows[~repeated], rows[unexplained]
    both = np.r_[kept, extra]
    is_pickup = np.r_[np.zeros(len(kept), bool), np.ones(len(extra), bool)]
    visits = Visits(
        rides.customer[both],
        np.where(is_pickup, rides.origin[both], rides.item[both]),
        np.where(is_pickup, -1, rides.origin[both]).astype(np.int32),
        rides.time_us[both],
        rides.hour[both],
        rides.weekday[both],
        ~is_pickup,
        rides.person[both],
    )
    return visits.where(np.lexsort((np.arange(len(both)), ~is_pickup, visits.time_us, visits.rider)))


def stays(visits: Visits) -> Floats:
    """Log hours until the rider's next visit (n,), NaN for the last one."""
    if not len(visits):
        return np.zeros(0)
    timed = visits.time_us != NO_TIME
    hours = np.maximum(np.diff(np.where(timed, visits.time_us, 0)) / HOUR_US, 0)
    same = (np.diff(visits.rider) == 0) & (visits.rider[1:] >= 0) & timed[1:] & timed[:-1]
    log_hours: Floats = np.r_[np.where(same, np.log1p(hours), np.nan), np.nan]
    return log_hours


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
class Positions:
    """Positions in degrees (P,) of a vocabulary's places, NaN unknown. A crowd knows the first `crowd.n`."""

    lat: Floats
    lon: Floats


@dataclass(frozen=True, slots=True)
class Moments:
    """Questions, one row each (m,): a rider gets in somewhere at some time, and wants to go where?

    `start` .. `stop` are the rows of this rider's earlier visits, all that a signal may read.
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
    """The moments before the given visits: only visits of an EARLIER time may be read, ties may not.

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
