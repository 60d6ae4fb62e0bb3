"""Signals of the rider's own places: when, how often, how lately and from where the rider went there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.signals.crowd import bin_of
from recommender.destinations.signals.kernel import Gaps, Kernel, VisitPairs, kernel_weights, waited
from recommender.destinations.visits import TRAIL, Moments, Visits, stays, waits

Floats = NDArray[np.float64]
Columns = dict[str, Floats]


def own_signals(visits: Visits, moments: Moments, pairs: VisitPairs, gaps: Gaps, kernel: Kernel) -> Columns:
    """Signals of the rider's own places, (g,) each: sums over earlier visits, and shares of the rider's total."""
    mass = pairs.total(kernel_weights(kernel, gaps))
    top = np.zeros(len(moments))
    np.maximum.at(top, pairs.group_moment, mass)
    share = Shares(pairs, len(moments))
    return {
        "kernel_share": share(mass),
        "kernel_of_best": mass / np.maximum(top[pairs.group_moment], 1e-12),
        **_own_clock(visits, moments, pairs, gaps, share),
        **_own_calendar(visits, moments, pairs, gaps, share),
        **_own_ways(visits, moments, pairs, gaps, share),
        **_own_waits(visits, moments, pairs, gaps, share),
    }


class Shares:
    """Sums of a moment's places as shares of its total, drawn towards 0 by `extra` where that is small."""

    def __init__(self, pairs: VisitPairs, n: int) -> None:
        self.group_moment, self.n = pairs.group_moment, n

    def __call__(self, sums: Floats, extra: float = 0.0) -> Floats:
        total = np.bincount(self.group_moment, sums, minlength=self.n)
        return sums / (total[self.group_moment] + extra + 1e-9)


def _days(gaps: Gaps) -> Floats:
    """The age of each visit in days (p,), a year where it is unknown."""
    return np.nan_to_num(np.maximum(gaps.days, 0), nan=365.0)


def _bell(distance: Floats, sigma: float) -> Floats:
    """exp(-d^2 / 2 sigma^2), 0 where the distance is unknown."""
    return np.nan_to_num(np.exp(-(distance**2) / (2 * sigma**2)))


def _own_clock(visits: Visits, moments: Moments, pairs: VisitPairs, gaps: Gaps, share: Shares) -> Columns:
    """Visits round this hour, on this kind of day, on this weekday (g,)."""
    days = _days(gaps)
    near_hour, wide_hour = _bell(gaps.hours, 1.0), _bell(gaps.hours, 2.5)
    alike_day, weekday = 1.0 * ~gaps.other_class, 1.0 * gaps.same_weekday
    then, now = bin_of(visits.hour, visits.weekday), bin_of(moments.hour, moments.weekday)
    same_bin = 1.0 * (then[pairs.visit] == now[pairs.moment])
    count = pairs.total(np.ones(len(pairs.visit)))
    old = np.exp(-days / 90)
    return {
        "frequency": share(pairs.total(same_bin + 0.01)),
        "hour": pairs.total(near_hour),
        "half_hour_share": share(pairs.total(_bell(gaps.hours, 0.35) * old), 0.3),
        "hour_of_place": pairs.total(wide_hour) / count,
        "class_of_place": pairs.total(alike_day) / count,
        "weekday_share": share(pairs.total(weekday), 0.5),
        "weekday_hour": pairs.total(weekday * wide_hour * old),
    }


def _own_calendar(visits: Visits, moments: Moments, pairs: VisitPairs, gaps: Gaps, share: Shares) -> Columns:
    """How often, how lately, how regularly, and how long the rider stays (g,)."""
    days = _days(gaps)
    count = pairs.total(np.ones(len(pairs.visit)))
    old, fresh = np.exp(-days / 90), np.exp(-days / 20)
    off_week = np.abs(days - 7 * np.maximum(np.round(days / 7), 1)) * 24
    off_day = np.abs(days - np.maximum(np.round(days), 1)) * 24
    weekly = pairs.total(np.exp(-((off_week / 3) ** 2)) * old)
    daily = pairs.total(np.exp(-((off_day / 1.5) ** 2)) * fresh)
    last, oldest = -pairs.largest(-days), pairs.largest(days)
    stay = stays(visits)[pairs.visit]  # as far as known: the last visit before the moment has not ended
    stay = np.where(pairs.visit + 1 < moments.stop[pairs.moment], stay, np.nan)
    known = 1.0 * np.isfinite(stay)
    stay = np.nan_to_num(stay)
    return {
        "count": np.log1p(count),
        "count_share": share(count),
        "fresh_4": share(pairs.total(np.exp(-days / 4)), 0.2),
        "fresh_20": share(pairs.total(fresh), 0.2),
        "fresh_90": share(pairs.total(old), 0.2),
        "weekly": weekly,
        "weekly_share": share(weekly, 0.3),
        "daily_share": share(daily, 0.3),
        "last_hours": np.log1p(last * 24),
        "gap_ratio": np.log((last + 0.25) / ((oldest - last) / np.maximum(count - 1, 1) + 0.25)),
        "stay": pairs.total(stay) / np.maximum(pairs.total(known), 1e-9),
        "stay_long": pairs.total(1.0 * (stay > np.log1p(12.0))) / count,
    }


def _own_ways(visits: Visits, moments: Moments, pairs: VisitPairs, gaps: Gaps, share: Shares) -> Columns:
    """Rides from this pick-up and from near it (g,)."""
    days = _days(gaps)
    old, fresh = np.exp(-days / 90), np.exp(-days / 20)
    from_here = 1.0 * ((visits.origin[pairs.visit] == moments.origin[pairs.moment]) & gaps.drop_off)
    near = np.nan_to_num(np.exp(-((gaps.km / 0.4) ** 2)))
    alike_day = 1.0 * ~gaps.other_class
    drop_off = pairs.total(1.0 * gaps.drop_off)
    return {
        "from_here": pairs.total(from_here),
        "from_here_share": share(pairs.total(from_here * old), 0.2),
        "from_near_share": share(pairs.total(near * old), 0.2),
        "from_near_hour": share(pairs.total(near * _bell(gaps.hours, 2.5) * alike_day), 0.2),
        "hour_from_near": share(pairs.total(near * _bell(gaps.hours, 1.0) * fresh), 0.1),
        "drop_off_share": drop_off / np.maximum(pairs.total(np.ones(len(pairs.visit))), 1),
    }


def _own_waits(visits: Visits, moments: Moments, pairs: VisitPairs, gaps: Gaps, share: Shares) -> Columns:
    """Rides after a wait as long as this one, and rides that ended a trail (g,)."""
    days = _days(gaps)
    old, as_long = np.exp(-days / 90), _bell(gaps.wait, 0.35)
    near = np.nan_to_num(np.exp(-((gaps.km / 0.4) ** 2)))
    known = pairs.visit + 1 < moments.stop[pairs.moment]  # what came after the newest visit is unknown
    ended = 1.0 * (known & (np.nan_to_num(stays(visits)[pairs.visit]) > TRAIL))
    return {
        "wait_share": share(pairs.total(as_long * old), 0.3),
        "wait_from_near": share(pairs.total(as_long * near), 0.2),
        "end_of_place": pairs.total(ended) / pairs.total(np.ones(len(days))),
    }


def trail_begins(visits: Visits, moments: Moments) -> NDArray[np.int64]:
    """The first visit of the trail that each moment goes on (m,); `moments.stop` where the last one has ended.

    A trail is what a rider does without a pause of more than a day.
    """
    rows = np.arange(len(visits))
    first = np.maximum.accumulate(np.where(np.nan_to_num(waits(visits), nan=np.inf) > TRAIL, rows, 0))
    goes_on = np.nan_to_num(waited(visits, moments), nan=np.inf) <= TRAIL
    return np.where(goes_on, np.r_[first, 0][np.where(goes_on, moments.stop - 1, -1)], moments.stop)


def rider_signals(visits: Visits, moments: Moments, pairs: VisitPairs) -> Columns:
    """Signals of the moment and the rider, (m,) each: they show how far the other signals can be trusted."""
    n = len(moments)
    places = np.bincount(pairs.group_moment, minlength=n)
    length = (moments.stop - moments.start).astype(np.float64)
    mine = pairs.place == moments.origin[pairs.moment]
    at_origin = np.bincount(pairs.moment, mine, minlength=n)
    days = np.diff(np.r_[pairs.first, len(pairs.visit)])
    once = np.bincount(pairs.group_moment, days == 1, minlength=n)
    return {
        "hour_now": moments.hour.astype(np.float64),
        "history": np.log1p(length),
        "places": np.log1p(places),
        "novelty": once / np.maximum(length, 1),
        "waited": waited(visits, moments),
        "trail": (moments.stop - trail_begins(visits, moments)).astype(np.float64),
        "origin_visits": np.log1p(at_origin),
    }
