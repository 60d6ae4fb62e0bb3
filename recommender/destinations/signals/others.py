"""Candidates and signals from all riders' rides, for many moments at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.destinations.places import haversine_km
from recommender.destinations.signals.crowd import PlaceCrowd, bin_of
from recommender.destinations.signals.kernel import VisitPairs
from recommender.destinations.visits import Moments, Positions
from recommender.ranking.pairs import place_within

Floats = NDArray[np.float64]
Columns = dict[str, Floats]

NEAREST = 300
FROM_NEAREST, FROM_POPULAR_NEAR, FROM_ALIKE_NEAR, FROM_BOTH, FROM_ALIKE, FROM_FOLLOWS = 40, 30, 40, 20, 40, 20
FROM_POPULAR = 10  # where the rider's position is unknown
CLOSE_KM = 0.3
LEAST_ALIKE = 0.05
"""The least similarity: a place without a common rider still counts by nearness and popularity."""


class Others:
    """Scores of places by other riders' rides, sparse (moments x P), and the candidates among them."""

    def __init__(self, visit_pairs: VisitPairs, moments: Moments, crowd: PlaceCrowd, positions: Positions) -> None:
        self.crowd, self.moments, self.positions = crowd, moments, positions
        n = len(moments)
        m, p = visit_pairs.group_moment, visit_pairs.group_place
        self.bins = bin_of(moments.hour, moments.weekday)
        known = p < crowd.n
        count = np.diff(np.r_[visit_pairs.first, len(visit_pairs.visit)])
        taste = sparse.csr_array((np.sqrt(count[known]), (m[known], p[known])), shape=(n, crowd.n))
        self.alike = sparse.csr_array(taste @ crowd.alike)
        origin = np.where(moments.origin < crowd.n, moments.origin, -1)
        area = np.where(origin >= 0, crowd.area[origin], -1)
        self.follows = _rows(crowd.follows, origin)
        self.area_follows = _rows(crowd.area_follows, area)

    def now(self, question: NDArray[np.int64], place: NDArray[np.int64]) -> Floats:
        """Decayed visits at the place in this bin, with a tenth of its visits at any hour as back-off."""
        bins = self.bins[question]
        in_bin = self.crowd.by_bin[place, np.maximum(bins, 0)]
        return np.where(bins >= 0, in_bin, 0) + 0.1 * self.crowd.visits[place] + 1e-3

    def near(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """(moment, place, km) of the nearest places with at least one visit."""
        spots = np.c_[self.moments.lat, self.moments.lon]
        usable = np.flatnonzero(np.isfinite(spots).all(axis=1))
        if not len(usable):
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        distinct, which = np.unique(spots[usable], axis=0, return_inverse=True)
        index, km = self.crowd.index.nearest(distinct[:, 0], distinct[:, 1], NEAREST)
        which = which.ravel()
        return np.repeat(usable, index.shape[1]), index[which].ravel(), km[which].ravel()

    def keys(self, own: NDArray[np.int64], width: int) -> NDArray[np.int64]:
        """The union of each source's best candidates, as moment * width + place, without the rider's `own`."""
        question, place, km = self.near()
        unknown = ~np.isin(question * width + place, own)
        question, place, close = question[unknown], place[unknown], 1 / (CLOSE_KM + km[unknown])
        now, alike = self.now(question, place), LEAST_ALIKE + _at(self.alike, question, place)
        parts = [
            _best(question, place, close, FROM_NEAREST, width),
            _best(question, place, now * close, FROM_POPULAR_NEAR, width),
            _best(question, place, alike * close, FROM_ALIKE_NEAR, width),
            _best(question, place, alike * now * close, FROM_BOTH, width),
        ]
        n = len(self.moments)
        sources = ((self.alike, FROM_ALIKE), (self.area_follows, FROM_FOLLOWS), (self.follows, FROM_FOLLOWS))
        for matrix, k in sources:
            rows = np.repeat(np.arange(n), np.diff(matrix.indptr))
            parts.append(_best(rows, matrix.indices.astype(np.int64), matrix.data, k, width))
        lost = np.flatnonzero(np.isnan(self.moments.lat))
        if len(lost):
            popular = self.crowd.popular
            rows, columns = np.repeat(lost, len(popular)), np.tile(popular, len(lost))
            parts.append(_best(rows, columns, self.now(rows, columns), FROM_POPULAR, width))
        return np.setdiff1d(np.concatenate(parts), own)

    def signals(self, question: NDArray[np.int64], place: NDArray[np.int64]) -> Columns:
        """Crowd signals of the candidates, (rows,) each; NaN for places that the crowd does not know."""
        known = place < self.crowd.n
        q, p = question, np.where(known, place, 0)
        crowd, positions = self.crowd, self.positions
        visits, now = crowd.visits[p], self.now(q, p)
        km = haversine_km(self.moments.lat[q], self.moments.lon[q], positions.lat[place], positions.lon[place])
        follows, area = _at(self.follows, q, p), _at(self.area_follows, q, p)
        total = np.asarray(self.follows.sum(axis=1)).ravel()[q]
        area_total = np.asarray(self.area_follows.sum(axis=1)).ravel()[q]
        columns = {
            "visits": np.log1p(visits),
            "now": np.log(now),
            "trend": np.log((crowd.fresh[p] + 0.2) / (visits + 1.0)),
            "crowd_stay": crowd.stay[p],
            "near_now": np.log(now) - np.nan_to_num(km, nan=10.0) / 2,
            "follows": follows,
            "follows_share": follows / (total + 3),
            "area_follows_share": area / (area_total + 5),
            "alike": _at(self.alike, q, p),
            "alike_share": _at(self.alike, q, p) / (np.asarray(self.alike.sum(axis=1)).ravel()[q] + 0.1),
        }
        return {name: np.where(known, values, np.nan) for name, values in columns.items()}


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
    order = np.lexsort((place, question))
    question, place = question[order], place[order]
    kept = place_within(question, -score[order]) < k
    return question[kept] * width + place[kept]
