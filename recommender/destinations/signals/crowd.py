"""Statistics over all riders: how popular a place is at this hour, where rides from it end, which places share
riders.

A `PlaceCrowd` is a summary as of one moment. It is built from visits before that moment and published with the
model, so it may be a few days old when it is used; the rider's own visits are always read live.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.destinations.places import PlaceIndex, cell_of
from recommender.destinations.visits import DAY_US, Visits, stays
from recommender.ranking.interactions import NO_TIME
from recommender.ranking.metrics import highest
from recommender.ranking.people import rows_with_enough
from recommender.ranking.sparse import pack, strongest, unpack

Floats = NDArray[np.float64]

N_BINS = 16
AREA_M = 400.0
AGE_DAYS = 45.0
ALIKE_PER_PLACE = 60
PLACES_PER_RIDER = 120
STAY_UNKNOWN = 1.5
"""Mean log hours of a stay where nothing is known."""

UNVISITED = 0.01
"""Visits of a place of the catalogue that may be suggested although too few people rode there to say so."""


def bin_of(hour: NDArray[np.floating], weekday: NDArray[np.integer]) -> NDArray[np.int64]:
    """Three-hour bin x weekend, 0 .. 15; -1 where the clock is unknown. Shapes (n,)."""
    known = np.isfinite(hour) & (weekday >= 0)
    return np.where(known, np.where(known, hour, 0) // 3 + 8 * (weekday >= 5), -1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class PlaceCrowd:
    """Statistics of P places: decayed counts of distinct (rider, place, day): no rider dominates."""

    lat: Floats  # (P,)
    lon: Floats
    visits: Floats  # (P,) decayed
    fresh: Floats  # (P,) the same as visits with a week's decay
    stay: Floats  # (P,) mean log hours until a rider's next visit
    by_bin: NDArray[np.float32]  # (P, N_BINS) decayed
    follows: sparse.csr_array  # (P, P) decayed rides from pick-up to destination
    area_follows: sparse.csr_array  # (areas, P) the same, pick-ups pooled by area
    area: NDArray[np.int64]  # (P,) each place's area, -1 unknown
    alike: sparse.csr_array  # (P, P) cosine of the places' riders, the strongest of each row

    @cached_property
    def popular(self) -> NDArray[np.intp]:
        """The most visited places, for a rider whose position is unknown."""
        return np.argsort(-self.visits, kind="stable")[:200]

    @property
    def n(self) -> int:
        return len(self.lat)

    @cached_property
    def index(self) -> PlaceIndex:
        """Only places with at least one visit are offered to others."""
        known = self.visits > 0
        return PlaceIndex(np.where(known, self.lat, np.nan), np.where(known, self.lon, np.nan))


@dataclass(frozen=True, eq=False)
class Shared:
    """What of the rides others may see: places to which enough different people rode, and so for each pair."""

    place: NDArray[np.bool_]  # (P,) enough people rode there
    least: int  # people


def crowd_of(visits: Visits, lat: Floats, lon: Floats, as_of_us: int, shared: Shared | None = None) -> PlaceCrowd:
    """The crowd from visits earlier than `as_of_us`; `lat`, `lon` (P,) are the positions of the vocabulary.

    With `shared`, places of few people have no statistics, where a ride began is no destination, and every
    three-hour bin and every pair of places is made from enough people. Without it everything counts: for
    measuring on public logs, never for what is published.
    """
    n = len(lat)
    seen = visits.where((visits.time_us < as_of_us) & (visits.place >= 0))
    stay = None if shared is None else np.where(shared.place, mean_stay(seen, n), STAY_UNKNOWN)
    if shared is not None:
        seen = seen.where(seen.arrived & shared.place[seen.place])
    least = 1 if shared is None else shared.least
    timed = seen.time_us != NO_TIME
    day = np.where(timed, seen.time_us // DAY_US, 0)
    order = np.lexsort((np.arange(len(seen)), day, seen.place, seen.rider))
    rider, place, date = seen.rider[order], seen.place[order], day[order]
    again = np.r_[False, (np.diff(rider) == 0) & (np.diff(place) == 0) & (np.diff(date) == 0)][: len(seen)]
    kept = np.sort(order[~again])
    seen, timed = seen.where(kept), timed[kept]
    age = np.where(timed, (as_of_us - np.where(timed, seen.time_us, 0)) / DAY_US, 0.0)
    weight = np.exp(-age / AGE_DAYS)
    bins = bin_of(seen.hour, seen.weekday)
    in_bin = np.flatnonzero(bins >= 0)
    in_bin = in_bin[rows_with_enough(seen.place[in_bin] * N_BINS + bins[in_bin], seen.person[in_bin], least)]
    by_bin = np.zeros((n, N_BINS), np.float32)
    np.add.at(by_bin, (seen.place[in_bin], bins[in_bin]), weight[in_bin])
    areas, area = np.unique(cell_of(lat, lon, AREA_M), return_inverse=True)
    rode = np.flatnonzero((seen.origin >= 0) & (seen.origin != seen.place))
    follows = _pairs(seen, rode, seen.origin[rode], weight, least, (n, n))
    area_follows = _pairs(seen, rode, area[seen.origin[rode]], weight, least, (len(areas), n))
    return PlaceCrowd(
        lat=lat,
        lon=lon,
        visits=np.bincount(seen.place, weight, minlength=n),
        by_bin=by_bin,
        stay=mean_stay(seen, n) if stay is None else stay,
        fresh=np.bincount(seen.place, np.exp(-age / 7.0), minlength=n),
        follows=follows,
        area_follows=area_follows,
        area=np.where(areas[area] < 0, -1, area),
        alike=_alike(_taste(seen, n), least),
    )


def _pairs(
    seen: Visits,
    rode: NDArray[np.intp],
    begin: NDArray[np.integer],
    weight: Floats,
    least: int,
    shape: tuple[int, int],
) -> sparse.csr_array:
    """(beginnings, P): decayed rides from each beginning to each place, of pairs with enough people."""
    place = seen.place[rode]
    enough = rows_with_enough(begin.astype(np.int64) * shape[1] + place, seen.person[rode], least)
    entries = (weight[rode][enough], (begin[enough], place[enough]))
    return sparse.csr_array(sparse.coo_array(entries, shape=shape))


def of_places(crowd: PlaceCrowd, kept: NDArray[np.bool_], offered: NDArray[np.bool_]) -> PlaceCrowd:
    """The crowd of the `kept` places (P,) alone; an `offered` one that nobody rode to may be suggested last."""
    at = np.flatnonzero(kept)
    areas, area = np.unique(crowd.area[at], return_inverse=True)
    rows = np.flatnonzero(np.isin(np.arange(crowd.area_follows.shape[0]), areas))
    visits = np.where(offered & (crowd.visits == 0), UNVISITED, crowd.visits)[at]
    return replace(
        crowd,
        lat=crowd.lat[at],
        lon=crowd.lon[at],
        visits=visits,
        fresh=crowd.fresh[at],
        stay=crowd.stay[at],
        by_bin=crowd.by_bin[at],
        follows=sparse.csr_array(crowd.follows[at][:, at]),
        area_follows=sparse.csr_array(crowd.area_follows[rows][:, at]),
        area=np.where(crowd.area[at] < 0, -1, area - np.count_nonzero(areas < 0)),
        alike=sparse.csr_array(crowd.alike[at][:, at]),
    )


def mean_stay(seen: Visits, n: int) -> Floats:
    """Mean log hours until the rider's next visit, by place (n,), drawn towards 1.5 where little is known."""
    stay = stays(seen)
    known = np.isfinite(stay)
    place = seen.place[known]
    return (np.bincount(place, stay[known], minlength=n) + 2 * STAY_UNKNOWN) / (
        np.bincount(place, minlength=n) + 2
    )


def _taste(seen: Visits, n: int) -> sparse.csr_array:
    """(riders, P): the root of how many days each rider was at each place; the most visited ones of each rider."""
    own = seen.rider >= 0
    if not own.any():
        return sparse.csr_array((1, n))
    shape = (highest(seen.rider) + 1, n)
    days = sparse.csr_array(
        sparse.coo_array((np.ones(own.sum()), (seen.rider[own], seen.place[own])), shape=shape)
    )
    days.sum_duplicates()
    days.data = np.sqrt(days.data)
    return strongest(days, PLACES_PER_RIDER)


def _alike(taste: sparse.csr_array, least: int) -> sparse.csr_array:
    """(P, P): cosine between places over the riders who were at both (Sarwar et al. 2001), shrunk for few.

    Pairs with fewer than `least` common riders have none.
    """
    norm = np.sqrt(np.asarray(taste.multiply(taste).sum(axis=0)).ravel())
    scaled = sparse.csr_array(taste @ sparse.diags_array(1 / (norm + 1.0)))
    together = sparse.csr_array(scaled.T @ scaled)
    together.setdiag(0)
    if least > 1:
        rode = sparse.csr_array((taste > 0).astype(np.int32))
        together = sparse.csr_array(together.multiply((rode.T @ rode) >= least))
    together.eliminate_zeros()
    return strongest(together, ALIKE_PER_PLACE)


_DENSE = ("lat", "lon", "visits", "fresh", "stay", "by_bin", "area")
_SPARSE = ("follows", "area_follows", "alike")


def to_arrays(crowd: PlaceCrowd) -> dict[str, NDArray[Any]]:
    """The crowd as plain arrays, for the artefact."""
    arrays: dict[str, NDArray[Any]] = {f"crowd.{name}": getattr(crowd, name) for name in _DENSE}
    for name in _SPARSE:
        arrays |= pack(f"crowd.{name}", getattr(crowd, name))
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> PlaceCrowd:
    """Raises KeyError or ValueError where a part is missing or does not fit."""
    n = len(arrays["crowd.lat"])
    columns: dict[str, Any] = {name: arrays[f"crowd.{name}"] for name in _DENSE}
    columns |= {name: unpack(f"crowd.{name}", arrays) for name in _SPARSE}
    if any((column.shape[1] if name in _SPARSE else len(column)) != n for name, column in columns.items()):
        raise ValueError("the crowd's columns differ in length")
    return PlaceCrowd(**columns)
