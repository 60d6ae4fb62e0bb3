"""The third look: the rows that are needed themselves, and sums that keep the order of the customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.orders.factors import daypart, distinct_pairs
from recommender.orders.partitions.facts import Frame, Ints, Limit, loaded
from recommender.orders.signals.together import Baskets
from recommender.ranking.interactions import Interactions
from recommender.ranking.partitions import NEVER, Part, Vocabularies, before, nameless
from recommender.ranking.sparse import expanded


@dataclass(frozen=True, slots=True)
class Plan:
    """What all parts need for one state of the log."""

    frame: Frame
    idf: NDArray[np.float32]  # (items,)
    after: Ints  # ascending keys i * items + j of the pairs to sum
    moments: bool  # whether every row's item and part of the day are wanted


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of one part."""

    limit: Limit
    buyers: Ints  # numbers among the part's customers with rows
    pairs: Ints  # numbers among its distinct (customer, item)
    asked: NDArray[np.int32] | None  # (customers,) the order that is asked for, NEVER for most; None: nobody's


@dataclass(frozen=True, slots=True)
class Taken:
    """What one part gives."""

    pair: NDArray[np.int32]  # numbers in `Plan.after`, in the order of customers and orders
    pair_weight: NDArray[np.float32]
    item: NDArray[np.int32]  # items of orders with a next one, in the same order
    item_weight: NDArray[np.float32]
    buyers: Interactions  # rows of the wanted customers, numbered 0, 1, ...
    who: Ints  # their codes in the part
    pairs: Ints  # customer * items + item
    asked: int  # customers who are asked
    history: Interactions  # theirs, numbered 0, 1, ...
    targets: Interactions
    moment_item: NDArray[np.int32]
    moment_part: NDArray[np.int8]
    moment_order: NDArray[np.int32]  # of guests: where the row stands among all guests' rows


def taken(vocabularies: Vocabularies, plans: Sequence[Plan], part: Part, wanted: Sequence[Wanted]) -> list[Taken]:
    """Of one part, for each plan."""
    rows = loaded(part, vocabularies)
    return [_taken(rows, plan, one) for plan, one in zip(plans, wanted, strict=True)]


def _taken(rows: Interactions, plan: Plan, wanted: Wanted) -> Taken:
    known = before(rows, wanted.limit)
    seen = plan.frame.counted(known)
    n = len(plan.idf)
    pair, pair_weight, item, item_weight = _followed(seen, plan, n)
    owners = np.unique(seen.customer[seen.customer >= 0]).astype(np.int64)
    guests = seen.customer < 0
    moment = seen if plan.moments else seen.where(slice(0, 0))
    asked = np.zeros(0, np.int64) if wanted.asked is None else np.flatnonzero(wanted.asked != NEVER)
    targets = rows.where(slice(0, 0))
    if wanted.asked is not None:
        targets = rows.where(rows.order == np.append(wanted.asked, NEVER)[rows.customer])
    return Taken(
        pair,
        pair_weight,
        item,
        item_weight,
        _of(seen, owners[wanted.buyers]),
        owners[wanted.buyers],
        distinct_pairs(seen, n)[wanted.pairs],
        len(asked),
        _of(known, asked),
        _of(targets, asked),
        moment.item.astype(np.int32),
        daypart(moment.hour).astype(np.int8),
        np.where(guests, seen.order, NEVER).astype(np.int32)[: len(moment)],
    )


def _followed(
    seen: Interactions, plan: Plan, n: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]:
    """What each order adds to the table of next orders, and to the sums of its rows."""
    baskets = Baskets.of(seen, n, plan.frame.popularity)
    weighted = baskets.weighted(plan.idf)
    row, first, second = expanded(weighted, baskets.behind)
    keys = first * n + second
    at = np.minimum(np.searchsorted(plan.after, keys), max(len(plan.after) - 1, 0))
    kept = plan.after[at] == keys if len(plan.after) else np.zeros(len(keys), np.bool_)
    return (
        at[kept].astype(np.int32),
        weighted.data[row[kept]].astype(np.float32),
        weighted.indices.astype(np.int32),
        weighted.data.astype(np.float32),
    )


def _of(rows: Interactions, customers: Ints) -> Interactions:
    """The rows of some customers (ascending codes), who are numbered 0, 1, ..."""
    number = np.full(len(rows.customers) + 1, -1, np.int32)
    number[customers] = np.arange(len(customers))
    code = number[rows.customer]
    kept = np.flatnonzero(code >= 0)
    return replace(nameless(rows.where(kept)), customer=code[kept])
