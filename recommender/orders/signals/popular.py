"""What is popular: overall, here, at this hour, lately; with back-off where little is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.orders.questions import DAY_US, Questions
from recommender.ranking.interactions import NO_TIME, Interactions
from recommender.ranking.people import rows_with_enough
from recommender.ranking.tally import ExactSums

HOURS = 24
MAX_CELLS = 40_000_000  # of the table places x hours x items: 160 MB
BACK_OFF = 20.0  # weight of the coarser level, in orders
HOUR_SIGMA = 1.5
HALF_LIFE_DAYS = 14.0


def _hour_kernel() -> NDArray[np.float32]:
    """(24, 24) circular Gaussian weights between hours of the day."""
    apart = np.abs(np.arange(HOURS)[:, None] - np.arange(HOURS)[None, :])
    apart = np.minimum(apart, HOURS - apart)
    weights: NDArray[np.floating] = np.exp(-(apart**2) / (2 * HOUR_SIGMA**2))
    return weights.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Popular:
    """Popularity of each item, overall and by place and hour.

    A place is a pair (region, site) where either may be unknown (-1); row 0 is (-1, -1), everywhere.
    """

    orders: NDArray[np.float32]  # (items,) orders with the item
    repeat: NDArray[np.float32]  # (items,) chance that a later order of a buyer holds it again
    trend: NDArray[np.float32]  # (items,) log of recent share / whole share
    recent: NDArray[np.float32]  # (items,) log of recent share
    places: NDArray[np.int64]  # (places, 2) region, site
    here: NDArray[np.float32]  # (places, items) probability
    now: NDArray[np.float32]  # (places, 24, items) probability; (0, 24, items) without clock

    @classmethod
    def fit(cls, seen: Interactions, n_items: int, least: int = 1) -> Popular:
        """Counts from rows, all vectorised. At a place, and in three hours of the day there, an item counts only
        if at least `least` different people chose it.

        orders_i: a plain count. repeat_i = (sum over buyers (times - 1) + 4 r) / (sum over buyers
        (orders after the first) + 4) with r the mean over all items: the item's repeat hazard. recent_i =
        log((r_i + .5) / sum r) with r halved every 14 days (or, without clock, with every order back);
        trend_i = recent_i - log((orders_i + .5) / total). p(i | place) = (n + 20 p(i | coarser)) / (N + 20), the
        same once more for hours with counts smoothed by a circular Gaussian of 1.5 h (hierarchical back-off,
        Jelinek & Mercer 1980; Witten & Bell 1991).
        """
        item, person = seen.item, seen.person
        places = chosen_places(_place_pairs(seen), n_items)
        clock = not np.isnan(seen.hour).all() if len(seen) else False

        def counted(row: int) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
            region, site = places[row]
            rows = np.flatnonzero(((region < 0) | (seen.region == region)) & ((site < 0) | (seen.site == site)))
            rows = rows[rows_with_enough(item[rows], person[rows], least)]
            counts = np.bincount(item[rows], minlength=n_items)
            if not clock:
                return counts, None
            rows = rows[~np.isnan(seen.hour[rows])]
            part = seen.hour[rows].astype(np.int64) // 3 * n_items + item[rows]
            rows = rows[rows_with_enough(part, person[rows], least)]
            cell = seen.hour[rows].astype(np.int64) % HOURS * n_items + item[rows]
            return counts, np.bincount(cell, minlength=HOURS * n_items).reshape(HOURS, n_items)

        recent = ExactSums.of(item, freshness(seen), n_items).total()
        orders = np.bincount(item, minlength=n_items)
        return cls.of(orders, *repeats(seen, n_items), recent, places, clock, counted)

    @classmethod
    def of(
        cls,
        orders: NDArray[np.int64],
        again: NDArray[np.int64],
        possible: NDArray[np.int64],
        recent: NDArray[np.float64],
        places: NDArray[np.int64],
        clock: bool,
        counted: Callable[[int], tuple[NDArray[np.int64], NDArray[np.int64] | None]],
    ) -> Popular:
        """From counts (items,) of whatever rows, however they were counted; see `fit` for the formulas.

        `counted` gives a place's rows of each item, and with a clock its (24, items) rows of each hour.
        """
        n_items, counts_of_all = len(orders), orders.astype(np.float32)
        lately = np.log((recent + 0.5) / max(recent.sum(), 1))
        trend = lately - np.log((counts_of_all + 0.5) / max(float(counts_of_all.sum()), 1))
        uniform = np.full(n_items, 1.0 / max(n_items, 1))
        everywhere = (counts_of_all + BACK_OFF * uniform) / (counts_of_all.sum() + BACK_OFF)
        here = np.empty((len(places), n_items), np.float32)
        now = np.empty((len(places) if clock else 0, HOURS, n_items), np.float32)
        for row in range(len(places)):
            parent = _parent(places, row)
            coarser = everywhere if parent is None else here[parent]
            counts, grid = counted(row)
            here[row] = everywhere if parent is None else (counts + BACK_OFF * coarser) / (counts.sum() + BACK_OFF)
            if grid is not None:
                smooth = _hour_kernel() @ grid.astype(np.float32)
                now[row] = (smooth + BACK_OFF * here[row]) / (smooth.sum(axis=1, keepdims=True) + BACK_OFF)
        lately, trend = lately.astype(np.float32), trend.astype(np.float32)
        return cls(counts_of_all, _hazard(again, possible), trend, lately, places, here, now)

    def rows_for(self, questions: Questions) -> NDArray[np.int64]:
        """Each question's place row: (region, site) if known, else site, else region, else everywhere."""
        row = np.zeros(questions.n, np.int64)
        none = np.full(questions.n, -1)
        for region, site in ((questions.region, none), (none, questions.site), (questions.region, questions.site)):
            same = (self.places[None, :, 0] == region[:, None]) & (self.places[None, :, 1] == site[:, None])
            row = np.where(same.any(axis=1), same.argmax(axis=1), row)
        return row

    def scores(self, questions: Questions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(p(item | place), p(item | place, hour)), both (n, items); equal where the hour is unknown."""
        row = self.rows_for(questions)
        here = self.here[row]
        if not len(self.now):
            return here, here
        hour = np.nan_to_num(questions.hour, nan=0).astype(np.int64) % HOURS
        now = self.now[row, hour]
        unknown = np.isnan(questions.hour)
        if unknown.any():
            now[unknown] = here[unknown]
        return here, now

    def padded(self, extra: int) -> Popular:
        """The same with `extra` new items appended; they get the probability of the rarest item."""
        if not extra:
            return self

        def grow(values: NDArray[np.float32], fill: NDArray[np.float32] | float) -> NDArray[np.float32]:
            shape = (*values.shape[:-1], extra)
            return np.concatenate([values, np.broadcast_to(np.float32(fill), shape)], axis=-1)

        def rarest(values: NDArray[np.float32]) -> NDArray[np.float32] | float:
            return values.min(axis=-1, keepdims=True) if values.shape[-1] else 1e-6

        return Popular(
            orders=grow(self.orders, 0),
            repeat=grow(self.repeat, _mean(self.repeat)),
            trend=grow(self.trend, 0),
            recent=grow(self.recent, rarest(self.recent)),
            places=self.places,
            here=grow(self.here, rarest(self.here)),
            now=grow(self.now, rarest(self.now)),
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {f"popular.{name}": getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Popular:
        return cls(**{name: arrays[f"popular.{name}"] for name in cls.__slots__})


def _mean(values: NDArray[np.float32]) -> float:
    return float(values.mean()) if len(values) else 0.0


def freshness(seen: Interactions, newest_us: int | None = None) -> NDArray[np.float64]:
    """Each row's weight in what is recent: halved every 14 days, or every order back without a clock.

    `newest_us` is the latest time of all rows where `seen` is a part of them, NO_TIME where some have none.
    """
    if newest_us is None:
        newest_us = int(np.max(seen.time_us)) if len(seen) and (seen.time_us != NO_TIME).all() else NO_TIME
    if newest_us != NO_TIME:
        age = (newest_us - seen.time_us) / DAY_US
        return 0.5 ** (age / HALF_LIFE_DAYS)
    last = np.zeros(len(seen.customers) + 1, np.int32)
    np.maximum.at(last, seen.customer, seen.order)
    return np.where(seen.customer >= 0, 0.5 ** (last[seen.customer] - seen.order).astype(float), 1.0)


def repeats(seen: Interactions, n_items: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often each item was ordered again, and how often it could have been (items,) each."""
    known = np.flatnonzero(seen.customer >= 0)
    customer, item, order = seen.customer[known].astype(np.int64), seen.item[known], seen.order[known]
    last = np.zeros(len(seen.customers), np.int64)
    np.maximum.at(last, customer, order)
    keys, first, times = np.unique(customer * n_items + item, return_index=True, return_counts=True)
    # rows are sorted by customer and order, so the first row of a pair is its earliest order
    chances = last[customer[first]] - order[first]
    of_item = (keys % n_items).astype(np.int64) if n_items else keys
    again = np.bincount(of_item, times - 1, minlength=n_items).astype(np.int64)
    return again, np.bincount(of_item, chances, minlength=n_items).astype(np.int64)


def _hazard(again: NDArray[np.int64], possible: NDArray[np.int64]) -> NDArray[np.float32]:
    """Repeat hazard of each item; see `Popular.fit`."""
    mean = float(again.sum()) / max(int(possible.sum()), 1)
    hazard: NDArray[np.floating] = (again + 4 * mean) / (possible + 4)
    return hazard.astype(np.float32)


PlacePairs = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""For each kind of place (regions, sites, both): (m, 2) region and site, and how many rows (m,)."""


def _place_pairs(seen: Interactions) -> PlacePairs:
    none, found = np.full(len(seen), -1), []
    for level, (region, site) in enumerate(((seen.region, none), (none, seen.site), (seen.region, seen.site))):
        needs = (region >= 0) if level == 0 else (site >= 0) if level == 1 else (region >= 0) & (site >= 0)
        if needs.any():
            pairs, n = np.unique(np.stack([region[needs], site[needs]], axis=1), axis=0, return_counts=True)
            found.append((pairs.astype(np.int64), n))
    return found


def chosen_places(kinds: PlacePairs, n_items: int) -> NDArray[np.int64]:
    """Everywhere, then regions, sites and pairs of both with the most rows, as many as the table may hold."""
    found = [np.array([[-1, -1]], np.int64)]
    room = max(0, MAX_CELLS // (HOURS * max(n_items, 1)) - 1)
    for pairs, n in kinds:
        largest = np.sort(np.argsort(-n, kind="stable")[:room])
        found.append(pairs[largest])
        room -= len(largest)
    return np.concatenate(found)


def _parent(places: NDArray[np.int64], row: int) -> int | None:
    """The row of the next coarser place: a pair's site, else its region, else everywhere; None for row 0."""
    region, site = places[row]
    if region < 0 and site < 0:
        return None
    if region >= 0 and site >= 0:
        for coarser in ((-1, site), (region, -1)):
            same = np.flatnonzero((places[:row] == coarser).all(axis=1))
            if len(same):
                return int(same[0])
    return 0
