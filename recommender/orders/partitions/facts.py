"""The first look at a log: what must be known of every item before anything else can be counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.orders.signals.crowd import merge_repeats
from recommender.orders.signals.popular import PlacePairs, chosen_places
from recommender.ranking.interactions import NO_TIME, Interactions
from recommender.ranking.partitions import Part, Vocabularies, before
from recommender.ranking.people import people_of

Ints = NDArray[np.int64]
Limit = NDArray[np.int32] | None
"""Of each customer of a part: orders from this one on are not read. None: all are."""


def loaded(part: Part, vocabularies: Vocabularies) -> Interactions:
    """The rows of a part as `fit_orders` takes them."""
    seen = merge_repeats(part.load(vocabularies), elsewhere=vocabularies.repeats)
    return seen.where(seen.item >= 0)


@dataclass(slots=True)
class OrderCounts:
    """Of each customer (customers,): how many orders, and how many before the last one."""

    orders: NDArray[np.int32]
    earlier: NDArray[np.int32]


def order_counts(vocabularies: Vocabularies, part: Part) -> OrderCounts:
    """As `orders_per_customer`, of the part's rows and of those before the last order."""
    seen = loaded(part, vocabularies)
    own = seen.customer >= 0
    orders = np.zeros(len(seen.customers), np.int32)
    np.maximum.at(orders, seen.customer[own], seen.order[own] + 1)
    known = before(seen, orders - 1)
    own = known.customer >= 0
    earlier = np.zeros(len(seen.customers), np.int32)
    np.maximum.at(earlier, known.customer[own], known.order[own] + 1)
    return OrderCounts(orders, earlier)


@dataclass(slots=True)
class ItemFacts:
    """Of each item (items,), and of the places where it was ordered."""

    people: Ints  # different people
    rows: Ints
    own: Ints  # rows of customers
    newest: Ints  # the latest time, NO_TIME without rows
    timeless: NDArray[np.bool_]  # a row has no time
    clock: NDArray[np.bool_]  # a row has an hour
    places: Ints  # (m, 3) region, site, item
    at_place: Ints  # (m,) rows

    @classmethod
    def of(cls, seen: Interactions, n_items: int) -> ItemFacts:
        """Of the rows of a part."""
        item = seen.item
        newest = np.full(n_items, NO_TIME, np.int64)
        np.maximum.at(newest, item, seen.time_us)
        timeless, clock = np.zeros((2, n_items), np.bool_)
        timeless[item[seen.time_us == NO_TIME]] = True
        clock[item[~np.isnan(seen.hour)]] = True
        at = np.stack([seen.region, seen.site, item], axis=1).astype(np.int64)
        places, at_place = np.unique(at, axis=0, return_counts=True)
        return cls(
            people_of(item, seen.person, n_items),
            np.bincount(item, minlength=n_items).astype(np.int64),
            np.bincount(item[seen.customer >= 0], minlength=n_items).astype(np.int64),
            newest,
            timeless,
            clock,
            places.reshape(-1, 3),
            at_place.astype(np.int64),
        )

    def __add__(self, other: ItemFacts) -> ItemFacts:
        both = np.concatenate([self.places, other.places])
        places, at = np.unique(both, axis=0, return_inverse=True)
        n = np.bincount(at.ravel(), np.r_[self.at_place, other.at_place], minlength=len(places))
        return ItemFacts(
            self.people + other.people,
            self.rows + other.rows,
            self.own + other.own,
            np.maximum(self.newest, other.newest),
            self.timeless | other.timeless,
            self.clock | other.clock,
            places.reshape(-1, 3),
            n.astype(np.int64),
        )


def item_facts(vocabularies: Vocabularies, part: Part, limits: Sequence[Limit]) -> list[ItemFacts]:
    """The facts of what came before each of the limits."""
    seen = loaded(part, vocabularies)
    return [ItemFacts.of(before(seen, limit), len(vocabularies.items)) for limit in limits]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the counting of one state of the log starts from."""

    shared: NDArray[np.bool_] | None  # (items,) enough people chose it; None: all count
    rows: Ints  # (items,) rows that count
    popularity: Ints  # (items,) those of customers
    newest_us: int  # NO_TIME where a row has no time
    clock: bool
    places: Ints  # (places, 2) region, site
    least: int

    @classmethod
    def of(cls, facts: ItemFacts, least: int) -> Frame:
        """An item that fewer than `least` people ordered is as one that nobody ordered (`only_shared`)."""
        shared = facts.people >= least if least > 1 else np.ones(len(facts.people), np.bool_)
        used = shared & (facts.rows > 0)
        timed = used.any() and not facts.timeless[used].any()
        return cls(
            shared if least > 1 else None,
            np.where(shared, facts.rows, 0),
            np.where(shared, facts.own, 0),
            int(np.max(facts.newest[used])) if timed else NO_TIME,
            bool(facts.clock[used].any()),
            chosen_places(_pairs(facts, shared), len(shared)),
            least,
        )

    def counted(self, seen: Interactions) -> Interactions:
        """The rows that count."""
        return seen if self.shared is None else seen.where(self.shared[seen.item])


def _pairs(facts: ItemFacts, shared: NDArray[np.bool_]) -> PlacePairs:
    kept = shared[facts.places[:, 2]]
    region, site = facts.places[kept, 0], facts.places[kept, 1]
    rows, none, found = facts.at_place[kept], np.full(int(kept.sum()), -1), []
    for which, pair in (
        (region >= 0, (region, none)),
        (site >= 0, (none, site)),
        ((region >= 0) & (site >= 0), (region, site)),
    ):
        if which.any():
            pairs, at = np.unique(np.stack(pair, axis=1)[which], axis=0, return_inverse=True)
            found.append((pairs, np.bincount(at.ravel(), rows[which], minlength=len(pairs)).astype(np.int64)))
    return found
