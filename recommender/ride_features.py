"""Candidates for the next destination and their signals: one row for each (moment, place)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.places import cell_of, haversine_km
from recommender.ranking import Pairs
from recommender.ride_crowd import N_BINS, Crowd, bin_of
from recommender.ride_signals import (
    HOUR_US,
    Gaps,
    Kernel,
    Moments,
    Sight,
    Visits,
    gaps_of,
    in_sight,
    kernel_weights,
)

Floats = NDArray[np.float64]
Columns = dict[str, Floats]

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
    for name, values in _own(visits, moments, sight, gaps, kernel, ground).items():
        columns[name] = np.where(own, values[at] if len(key) else 0.0, np.nan)
    rider = _rider(visits, moments, sight)
    columns |= {name: values[question] for name, values in rider.items()}
    columns |= _here(moments, ground, question, place)
    columns |= everybody.signals(question, place)
    features = np.column_stack(list(columns.values())).astype(np.float32) if len(keys) else np.zeros((0, 0), "f4")
    return Pairs(question, place.astype(np.int32), features), list(columns)


def _own(visits: Visits, moments: Moments, sight: Sight, gaps: Gaps, kernel: Kernel, ground: Ground) -> Columns:
    """Signals of the rider's own places, (g,) each: sums over earlier visits, and shares of the rider's total."""
    m = sight.group_moment
    n = len(moments)

    def share(values: Floats, extra: float = 0.0) -> Floats:
        return values / (np.bincount(m, values, minlength=n)[m] + extra + 1e-9)

    weight = kernel_weights(kernel, gaps)
    mass = sight.total(weight)
    top = np.zeros(n)
    np.maximum.at(top, m, mass)
    ones = np.ones(len(sight.visit))
    count = sight.total(ones)
    days = np.nan_to_num(np.maximum(gaps.days, 0), nan=365.0)
    near_hour = np.nan_to_num(np.exp(-(gaps.hours**2) / (2 * 1.0**2)), nan=0.0)
    wide_hour = np.nan_to_num(np.exp(-(gaps.hours**2) / (2 * 2.5**2)), nan=0.0)
    alike_day = np.where(gaps.other_class, 0.0, 1.0)
    fresh = {d: np.exp(-days / d) for d in (4.0, 20.0, 90.0)}
    same_origin = 1.0 * ((visits.origin[sight.visit] == moments.origin[sight.moment]) & gaps.drop_off)
    weekday = 1.0 * gaps.same_weekday
    near_origin = np.nan_to_num(np.exp(-((gaps.km / 0.4) ** 2)), nan=0.0)
    off_week = np.abs(days - 7 * np.maximum(np.round(days / 7), 1)) * 24
    weekly = np.exp(-((off_week / 3) ** 2)) * fresh[90.0]
    off_day = np.abs(days - np.maximum(np.round(days), 1)) * 24
    daily = np.exp(-((off_day / 1.5) ** 2)) * fresh[20.0]
    last = -sight.largest(-days)
    oldest = sight.largest(days)
    since = moments.stop[sight.moment] - 1 - sight.visit
    same_bin = (
        bin_of(visits.hour, visits.weekday)[sight.visit] == bin_of(moments.hour, moments.weekday)[sight.moment]
    )
    columns = {
        "frequency": share(sight.total(1.0 * same_bin + 0.01)),
        "kernel_share": share(mass),
        "kernel_of_best": mass / np.maximum(top[m], 1e-12),
        "kernel": np.log(mass + 1e-6),
        "count": np.log1p(count),
        "count_share": share(count),
        "fresh_4": share(sight.total(fresh[4.0]), 0.2),
        "fresh_20": share(sight.total(fresh[20.0]), 0.2),
        "fresh_90": share(sight.total(fresh[90.0]), 0.2),
        "hour": sight.total(near_hour),
        "hour_share": share(sight.total(near_hour), 0.5),
        "hour_class_share": share(sight.total(wide_hour * alike_day * fresh[90.0]), 0.5),
        "hour_fresh_share": share(sight.total(near_hour * alike_day * fresh[20.0]), 0.3),
        "hour_of_place": sight.total(wide_hour) / count,
        "class_of_place": sight.total(alike_day) / count,
        "weekday_share": share(sight.total(weekday), 0.5),
        "weekday_hour": sight.total(weekday * wide_hour * fresh[90.0]),
        "weekly": sight.total(weekly),
        "weekly_share": share(sight.total(weekly), 0.3),
        "daily": sight.total(daily),
        "daily_share": share(sight.total(daily), 0.3),
        "from_here": sight.total(same_origin),
        "from_here_share": share(sight.total(same_origin * fresh[90.0]), 0.2),
        "from_near_share": share(sight.total(near_origin * fresh[90.0]), 0.2),
        "from_near_hour": share(sight.total(near_origin * wide_hour * alike_day), 0.2),
        "last_hours": np.log1p(last * 24),
        "last_visits": np.log1p(-sight.largest(-since.astype(np.float64))),
        "oldest_days": np.log1p(oldest),
        "gap_ratio": np.log((last + 0.25) / ((oldest - last) / np.maximum(count - 1, 1) + 0.25)),
        "drop_off_share": sight.total(gaps.drop_off.astype(np.float64)) / count,
    }
    cell = cell_of(ground.lat[sight.group_place], ground.lon[sight.group_place], 300.0)
    _, block = np.unique(
        m * np.int64(len(ground.lat) + 1) + np.unique(cell, return_inverse=True)[1], return_inverse=True
    )
    columns["kernel_around"] = np.bincount(block, columns["kernel_share"])[block]
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
    return {"km": np.log(km + 0.05), "is_pickup": (moments.origin[question] == place).astype(np.float64)}


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
            popular = np.argsort(-self.crowd.visits, kind="stable")[:200]
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
