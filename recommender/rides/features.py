"""Candidates for the next destination and their signals: one row for each (moment, place)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.evaluation import highest
from recommender.places import cell_of, haversine_km
from recommender.ranking import Pairs
from recommender.rides.crowd import N_BINS, Crowd, bin_of
from recommender.rides.signals import (
    HOUR_US,
    Gaps,
    Kernel,
    Moments,
    Sight,
    Visits,
    gaps_of,
    in_sight,
    kernel_weights,
    stays,
)

Floats = NDArray[np.float64]
Columns = dict[str, Floats]

KM_SHIFT = 0.05
"""Distances enter as log(km + this): 0 km must have a logarithm."""

NEAREST = 150
FROM_NEAR, FROM_ALIKE, FROM_FOLLOWS, FROM_POPULAR = 40, 40, 20, 10


@dataclass(frozen=True, slots=True)
class Ground:
    """The places under discussion: positions (P,) of one vocabulary. A crowd knows the first `crowd.n` of them."""

    lat: Floats
    lon: Floats


def candidates(
    visits: Visits, moments: Moments, crowd: Crowd, ground: Ground, kernel: Kernel, *, own_only: bool = False
) -> tuple[Pairs, list[str]]:
    """All candidates of the moments with their signals, sorted by moment, then place, and the signals' names.

    Candidates are the rider's own places, what riders alike go to, what follows the pick-up's area, and what is
    popular near the pick-up in this three-hour bin.
    """
    sight = in_sight(visits, moments)
    gaps = gaps_of(visits, moments, sight, ground.lat, ground.lon)
    m, p = sight.group_moment, sight.group_place.astype(np.int64)
    width = len(ground.lat) + 1
    key = m * width + p
    everybody = _Everybody(sight, moments, crowd, ground)
    keys = key if own_only else np.union1d(key, everybody.keys(width))
    question, place = keys // width, keys % width
    at = np.minimum(np.searchsorted(key, keys), max(len(key) - 1, 0))
    own = key[at] == keys if len(key) else np.zeros(len(keys), bool)
    columns: Columns = {}
    for name, values in _own(visits, moments, sight, gaps, kernel).items():
        columns[name] = np.where(own, values[at] if len(key) else 0.0, np.nan)
    share = columns["kernel_share"]
    columns |= _around(question, place, share, ground)
    rider = _rider(visits, moments, sight)
    columns |= {name: values[question] for name, values in rider.items()}
    columns |= _here(moments, ground, question, place)
    columns |= everybody.signals(question, place)
    features = np.column_stack(list(columns.values())).astype(np.float32) if len(keys) else np.zeros((0, 0), "f4")
    return Pairs(question, place.astype(np.int32), features), list(columns)


def _own(visits: Visits, moments: Moments, sight: Sight, gaps: Gaps, kernel: Kernel) -> Columns:
    """Signals of the rider's own places, (g,) each: sums over earlier visits, and shares of the rider's total."""
    mass = sight.total(kernel_weights(kernel, gaps))
    top = np.zeros(len(moments))
    np.maximum.at(top, sight.group_moment, mass)
    share = _Shares(sight, len(moments))
    return {
        "kernel_share": share(mass),
        "kernel_of_best": mass / np.maximum(top[sight.group_moment], 1e-12),
        "kernel": np.log(mass + 1e-6),
        **_own_clock(visits, moments, sight, gaps, share),
        **_own_calendar(visits, moments, sight, gaps, share),
        **_own_ways(visits, moments, sight, gaps, share),
    }


class _Shares:
    """Sums of a moment's places as shares of its total, drawn towards 0 by `extra` where that is small."""

    def __init__(self, sight: Sight, n: int) -> None:
        self.group_moment, self.n = sight.group_moment, n

    def __call__(self, sums: Floats, extra: float = 0.0) -> Floats:
        total = np.bincount(self.group_moment, sums, minlength=self.n)
        return sums / (total[self.group_moment] + extra + 1e-9)


def _days(gaps: Gaps) -> Floats:
    """The age of each visit in days (p,), a year where it is unknown."""
    return np.nan_to_num(np.maximum(gaps.days, 0), nan=365.0)


def _bell(distance: Floats, sigma: float) -> Floats:
    """exp(-d^2 / 2 sigma^2), 0 where the distance is unknown."""
    return np.nan_to_num(np.exp(-(distance**2) / (2 * sigma**2)))


def _own_clock(visits: Visits, moments: Moments, sight: Sight, gaps: Gaps, share: _Shares) -> Columns:
    """Visits round this hour, on this kind of day, on this weekday (g,)."""
    days = _days(gaps)
    near_hour, wide_hour = _bell(gaps.hours, 1.0), _bell(gaps.hours, 2.5)
    alike_day, weekday = 1.0 * ~gaps.other_class, 1.0 * gaps.same_weekday
    then, now = bin_of(visits.hour, visits.weekday), bin_of(moments.hour, moments.weekday)
    same_bin = 1.0 * (then[sight.visit] == now[sight.moment])
    count = sight.total(np.ones(len(sight.visit)))
    fresh, old = np.exp(-days / 20), np.exp(-days / 90)
    return {
        "frequency": share(sight.total(same_bin + 0.01)),
        "hour": sight.total(near_hour),
        "hour_share": share(sight.total(near_hour), 0.5),
        "half_hour_share": share(sight.total(_bell(gaps.hours, 0.35) * old), 0.3),
        "hour_class_share": share(sight.total(wide_hour * alike_day * old), 0.5),
        "hour_fresh_share": share(sight.total(near_hour * alike_day * fresh), 0.3),
        "hour_of_place": sight.total(wide_hour) / count,
        "class_of_place": sight.total(alike_day) / count,
        "weekday_share": share(sight.total(weekday), 0.5),
        "weekday_hour": sight.total(weekday * wide_hour * old),
    }


def _own_calendar(visits: Visits, moments: Moments, sight: Sight, gaps: Gaps, share: _Shares) -> Columns:
    """How often, how lately, how regularly, and how long the rider stays (g,)."""
    days = _days(gaps)
    count = sight.total(np.ones(len(sight.visit)))
    old, fresh = np.exp(-days / 90), np.exp(-days / 20)
    off_week = np.abs(days - 7 * np.maximum(np.round(days / 7), 1)) * 24
    off_day = np.abs(days - np.maximum(np.round(days), 1)) * 24
    weekly = sight.total(np.exp(-((off_week / 3) ** 2)) * old)
    daily = sight.total(np.exp(-((off_day / 1.5) ** 2)) * fresh)
    last, oldest = -sight.largest(-days), sight.largest(days)
    since = (moments.stop[sight.moment] - 1 - sight.visit).astype(np.float64)
    stay = stays(visits)[sight.visit]  # as far as known: the last visit before the moment has not ended
    stay = np.where(sight.visit + 1 < moments.stop[sight.moment], stay, np.nan)
    known = 1.0 * np.isfinite(stay)
    stay = np.nan_to_num(stay)
    return {
        "count": np.log1p(count),
        "count_share": share(count),
        "fresh_4": share(sight.total(np.exp(-days / 4)), 0.2),
        "fresh_20": share(sight.total(fresh), 0.2),
        "fresh_90": share(sight.total(old), 0.2),
        "weekly": weekly,
        "weekly_share": share(weekly, 0.3),
        "daily": daily,
        "daily_share": share(daily, 0.3),
        "last_hours": np.log1p(last * 24),
        "last_visits": np.log1p(-sight.largest(-since)),
        "oldest_days": np.log1p(oldest),
        "gap_ratio": np.log((last + 0.25) / ((oldest - last) / np.maximum(count - 1, 1) + 0.25)),
        "stay": sight.total(stay) / np.maximum(sight.total(known), 1e-9),
        "stay_long": sight.total(1.0 * (stay > np.log1p(12.0))) / count,
    }


def _own_ways(visits: Visits, moments: Moments, sight: Sight, gaps: Gaps, share: _Shares) -> Columns:
    """Rides from this pick-up, from near it, and in this order (g,)."""
    days = _days(gaps)
    old, fresh = np.exp(-days / 90), np.exp(-days / 20)
    from_here = 1.0 * ((visits.origin[sight.visit] == moments.origin[sight.moment]) & gaps.drop_off)
    near = np.nan_to_num(np.exp(-((gaps.km / 0.4) ** 2)))
    newest = np.maximum(moments.stop - 1, 0)
    before_now = np.where(moments.stop > moments.start, np.r_[visits.origin, -1][newest], -1)
    before_then = np.r_[-1, visits.origin][sight.visit]  # of the visit before (rows are in order of time)
    second = from_here * (before_then == before_now[sight.moment]) * (before_then >= 0)
    alike_day = 1.0 * ~gaps.other_class
    drop_off = sight.total(1.0 * gaps.drop_off)
    return {
        "from_here": sight.total(from_here),
        "from_here_share": share(sight.total(from_here * old), 0.2),
        "from_near_share": share(sight.total(near * old), 0.2),
        "from_near_hour": share(sight.total(near * _bell(gaps.hours, 2.5) * alike_day), 0.2),
        "hour_from_near": share(sight.total(near * _bell(gaps.hours, 1.0) * fresh), 0.1),
        "second": sight.total(second),
        "drop_off_share": drop_off / np.maximum(sight.total(np.ones(len(sight.visit))), 1),
    }


def _around(question: NDArray[np.int64], place: NDArray[np.int64], share: Floats, ground: Ground) -> Columns:
    """The kernel's mass of all the rider's places near each candidate (rows,): in its cell, and round it."""
    own = ~np.isnan(share)
    columns = {}
    for name, side in (("around_300", 300.0), ("around_1000", 1000.0)):
        cell = cell_of(ground.lat[place], ground.lon[place], side)
        _, code = np.unique(cell, return_inverse=True)
        width = np.int64(highest(code) + 1)
        block = question * width + code
        keys, group = np.unique(block, return_inverse=True)
        mass = np.bincount(group, np.where(own, share, 0.0), minlength=len(keys))
        columns[name] = np.where(cell < 0, np.nan, mass[group])
    return columns


def _rider(visits: Visits, moments: Moments, sight: Sight) -> Columns:
    """Signals of the moment and the rider, (m,) each: they say how much to trust the others."""
    n = len(moments)
    places = np.bincount(sight.group_moment, minlength=n)
    length = (moments.stop - moments.start).astype(np.float64)
    before = np.maximum(moments.stop - 1, 0)
    has = moments.stop > moments.start
    waited = np.full(n, np.nan)
    waited[has] = (moments.time_us[has] - visits.time_us[before[has]]) / HOUR_US
    mine = sight.place == moments.origin[sight.moment]
    at_origin = np.bincount(sight.moment, mine, minlength=n)
    days = np.diff(np.r_[sight.first, len(sight.visit)])
    once = np.bincount(sight.group_moment, days == 1, minlength=n)
    return {
        "hour_now": moments.hour.astype(np.float64),
        "weekday_now": np.where(moments.weekday < 0, np.nan, moments.weekday).astype(np.float64),
        "history": np.log1p(length),
        "places": np.log1p(places),
        "novelty": once / np.maximum(length, 1),
        "waited": np.log1p(np.maximum(waited, 0)),
        "origin_visits": np.log1p(at_origin),
    }


def _here(moments: Moments, ground: Ground, question: NDArray[np.int64], place: NDArray[np.int64]) -> Columns:
    km = haversine_km(moments.lat[question], moments.lon[question], ground.lat[place], ground.lon[place])
    return {"km": np.log(km + KM_SHIFT), "is_pickup": (moments.origin[question] == place).astype(np.float64)}


class _Everybody:
    """Scores of places by what others do, sparse (moments x P), and the candidates they bring."""

    def __init__(self, sight: Sight, moments: Moments, crowd: Crowd, ground: Ground) -> None:
        self.crowd, self.moments, self.ground = crowd, moments, ground
        n = len(moments)
        m, p = sight.group_moment, sight.group_place
        self.bins = bin_of(moments.hour, moments.weekday)
        known = p < crowd.n
        count = np.diff(np.r_[sight.first, len(sight.visit)])
        taste = sparse.csr_array((np.sqrt(count[known]), (m[known], p[known])), shape=(n, crowd.n))
        self.alike = sparse.csr_array(taste @ crowd.alike)
        origin = np.where(moments.origin < crowd.n, moments.origin, -1)
        area = np.where(origin >= 0, crowd.area[origin], -1)
        self.follows = _rows(crowd.follows, origin)
        self.area_follows = _rows(crowd.area_follows, area)
        self.centre = self._centre(sight, count)

    def _centre(self, sight: Sight, count: NDArray[np.int64]) -> NDArray[np.int64]:
        """Each rider's most visited place, (m,), -1 without a history."""
        order = np.lexsort((sight.group_place, -count, sight.group_moment))
        moment = sight.group_moment[order]
        first = np.r_[True, np.diff(moment) != 0][: len(moment)]
        centre = np.full(len(self.moments), -1, np.int64)
        centre[moment[first]] = sight.group_place[order][first]
        return centre

    def now(self, question: NDArray[np.int64], place: NDArray[np.int64]) -> Floats:
        """Decayed visits at the place in this bin, with a tenth of its visits at any hour as back-off."""
        bins = self.bins[question]
        in_bin = self.crowd.by_bin[place, np.maximum(bins, 0)]
        return np.where(bins >= 0, in_bin, 0) + 0.1 * self.crowd.visits[place] + 1e-3

    def near(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """(moment, place, score) of what is popular among the nearest places: now * exp(-km / 2)."""
        spots = np.c_[self.moments.lat, self.moments.lon]
        usable = np.flatnonzero(np.isfinite(spots).all(axis=1))
        if not len(usable):
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        distinct, which = np.unique(spots[usable], axis=0, return_inverse=True)
        index, km = self.crowd.index.nearest(distinct[:, 0], distinct[:, 1], NEAREST)
        question = np.repeat(usable, index.shape[1])
        place = index[which.ravel()].ravel()
        return question, place, self.now(question, place) * np.exp(-km[which.ravel()].ravel() / 2)

    def keys(self, width: int) -> NDArray[np.int64]:
        """The union of each source's best candidates, as moment * width + place."""
        n = len(self.moments)
        question, place, score = self.near()
        mixed = score * (0.05 + _at(self.alike, question, place))
        parts = [
            _best(question, place, score, FROM_NEAR // 2, width),
            _best(question, place, mixed, FROM_NEAR, width),
        ]
        for matrix, k in ((self.alike, FROM_ALIKE), (self.area_follows, FROM_FOLLOWS)):
            rows = np.repeat(np.arange(n), np.diff(matrix.indptr))
            parts.append(_best(rows, matrix.indices.astype(np.int64), matrix.data, k, width))
        lost = np.flatnonzero(np.isnan(self.moments.lat))
        if len(lost):
            popular = self.crowd.popular
            rows, columns = np.repeat(lost, len(popular)), np.tile(popular, len(lost))
            parts.append(_best(rows, columns, self.now(rows, columns), FROM_POPULAR, width))
        return np.unique(np.concatenate(parts))

    def signals(self, question: NDArray[np.int64], place: NDArray[np.int64]) -> Columns:
        """Crowd signals of the candidates, (rows,) each; NaN for places that the crowd does not know."""
        known = place < self.crowd.n
        q, p = question, np.where(known, place, 0)
        crowd, ground = self.crowd, self.ground
        visits, now = crowd.visits[p], self.now(q, p)
        centre = self.centre[q]
        km = haversine_km(self.moments.lat[q], self.moments.lon[q], ground.lat[place], ground.lon[place])
        follows, area = _at(self.follows, q, p), _at(self.area_follows, q, p)
        total = np.asarray(self.follows.sum(axis=1)).ravel()[q]
        area_total = np.asarray(self.area_follows.sum(axis=1)).ravel()[q]
        columns = {
            "visits": np.log1p(visits),
            "riders": np.log1p(crowd.riders[p]),
            "loyalty": visits / (crowd.riders[p] + 0.5),
            "now": np.log(now),
            "trend": np.log((crowd.fresh[p] + 0.2) / (visits + 1.0)),
            "crowd_stay": crowd.stay[p],
            "first_share": (crowd.riders[p] + 0.5) / (crowd.total[p] + 1.0),
            "now_share": (now + 0.05) / (visits + 0.05 * N_BINS),
            "near_now": np.log(now) - np.nan_to_num(km, nan=10.0) / 2,
            "follows": follows,
            "follows_share": follows / (total + 3),
            "area_follows_share": area / (area_total + 5),
            "alike": _at(self.alike, q, p),
            "alike_share": _at(self.alike, q, p) / (np.asarray(self.alike.sum(axis=1)).ravel()[q] + 0.1),
        }
        columns = {name: np.where(known, values, np.nan) for name, values in columns.items()}
        far = haversine_km(ground.lat[centre], ground.lon[centre], ground.lat[place], ground.lon[place])
        columns["centre_km"] = np.where(centre >= 0, np.log(far + 0.05), np.nan)
        return columns


def _rows(matrix: sparse.csr_array, rows: NDArray[np.integer]) -> sparse.csr_array:
    """The chosen rows of a sparse matrix, an empty row for -1."""
    have = np.flatnonzero(rows >= 0)
    picked = sparse.csr_array((np.ones(len(have)), (have, rows[have])), shape=(len(rows), matrix.shape[0]))
    return sparse.csr_array(picked @ matrix)


def _at(matrix: sparse.csr_array, row: NDArray[np.int64], column: NDArray[np.int64]) -> Floats:
    """Entries of a sparse matrix at (row, column), 0 where there is none."""
    if not matrix.nnz:
        return np.zeros(len(row))
    matrix.sort_indices()
    width = matrix.shape[1]
    keys = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr)) * width + matrix.indices
    wanted = row * width + column
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, matrix.data[at], 0.0)


def _best(
    question: NDArray[np.int64], place: NDArray[np.int64], score: Floats, k: int, width: int
) -> NDArray[np.int64]:
    """Keys of each question's k best places (ties: the lower place)."""
    order = np.lexsort((place, -score, question))
    sorted_question = question[order]
    starts = np.flatnonzero(np.r_[True, np.diff(sorted_question) != 0][: len(order)])
    first = np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    kept = order[np.arange(len(order)) - first < k]
    return question[kept] * width + place[kept]
