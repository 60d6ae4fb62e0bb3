"""What goes with what: items of one order, and items of the order after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.orders.questions import Questions
from recommender.ranking.interactions import Interactions
from recommender.ranking.metrics import highest
from recommender.ranking.people import pairs_with_enough
from recommender.ranking.sparse import pack, strongest, unpack, weighted_rows

KEEP_SAME = 60  # partners kept for each item
KEEP_AFTER = 200
MAX_BASKET = 60  # items of one order that are paired: ten thousand would make a hundred million pairs
SHRINK = 10.0
LAST_DECAY = 0.5


@dataclass(frozen=True, slots=True)
class Baskets:
    """The orders of customers (guests have no history), each with the items that are paired."""

    orders: NDArray[np.int64]  # (orders,) customer * width + order, ascending
    with_item: sparse.csr_array  # (orders, items) 1 where the order has the item
    person: NDArray[np.int64]  # (orders,) whose it is
    follows: NDArray[np.int64]  # the orders with a next one of the same customer just behind them

    @classmethod
    def of(cls, seen: Interactions, n_items: int, popularity: NDArray[np.int64] | None = None) -> Baskets:
        """`popularity` (items,) counts customers' rows where `seen` is a part of them."""
        seen = seen.where(_small_baskets(seen, n_items, popularity))
        customer = np.where(seen.customer >= 0, seen.customer, len(seen.customers)).astype(np.int64)
        width = highest(seen.order) + 2
        orders, number = np.unique(customer * width + seen.order, return_inverse=True)
        follows = np.flatnonzero((np.diff(orders) == 1) & (orders[:-1] // width < len(seen.customers)))
        with_item = _ones(number, seen.item, (len(orders), n_items))
        return cls(orders, with_item, (orders // width).astype(np.int64), follows)

    @property
    def behind(self) -> sparse.csr_array:
        """(follows, items): the next order of each order that has one."""
        return self.with_item[self.follows + 1]

    def same(self) -> sparse.csr_array:
        """(items, items): how many orders have both."""
        same = sparse.csr_array(self.with_item.T @ self.with_item)
        same.setdiag(0)
        same.eliminate_zeros()
        return same

    def times(self) -> NDArray[np.float32]:
        """(items,): how many orders have the item."""
        times: NDArray[np.float32] = np.asarray(self.with_item.sum(axis=0)).ravel()
        return times

    def weighted(self, idf: NDArray[np.float32]) -> sparse.csr_array:
        """(follows, items): each item's part of the length of the order, by idf."""
        weighted = sparse.csr_array(self.with_item[self.follows] @ sparse.diags_array(idf))
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        return sparse.csr_array(sparse.diags_array((1 / np.maximum(length, 1e-9)).astype(np.float32)) @ weighted)


def idf_of(times: NDArray[np.float32], n_orders: int) -> NDArray[np.float32]:
    """(items,): the inverse document frequency of items that `times` of the orders have."""
    return (np.log((n_orders + 1.0) / (times + 1.0)) + 0.1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Together:
    """Two sparse (items, items) tables of conditional probabilities."""

    same: sparse.csr_array  # row i: p(j in the same order | i)
    after: sparse.csr_array  # row i: how often j was in the next order of the customer, per order with i
    idf: NDArray[np.float32]  # (items,) how specific an item is: its inverse document frequency

    @classmethod
    def fit(cls, seen: Interactions, n_items: int, least: int = 1) -> Together:
        """same_ij = n(i and j in one order) / (n_i + 10), i != j; after_ij: the share
        of next orders with j among the customers' orders with i, each order counting by i's part of its length
        (idf weights; a first-order Markov chain, Rendle et al. 2010, smoothed over similar orders).

        Of an order with more than 60 items the 60 least popular are paired; each row keeps its best partners. A
        pair that fewer than `least` customers had is none.
        """
        baskets = Baskets.of(seen, n_items)
        same = baskets.same()
        times = baskets.times()
        idf = idf_of(times, len(baskets.orders))
        weighted, behind = baskets.weighted(idf), baskets.behind
        after = sparse.csr_array(weighted.T @ behind)
        if least > 1:
            person = baskets.person
            same = _only(same, pairs_with_enough(baskets.with_item, baskets.with_item, person, least))
            follows = baskets.follows
            before = baskets.with_item[follows]
            after = _only(after, pairs_with_enough(before, behind, person[follows], least))
        return cls.of(same, times, after, weighted.sum(axis=0), idf)

    @classmethod
    def of(
        cls,
        same: sparse.csr_array,
        times: NDArray[np.floating],
        after: sparse.csr_array,
        weight: NDArray[np.floating],
        idf: NDArray[np.float32],
    ) -> Together:
        """From counts of pairs and of items, and sums of weights; see `fit`."""
        return cls(strongest(_shrunk(same, times), KEEP_SAME), strongest(_shrunk(after, weight), KEEP_AFTER), idf)

    def scores(self, questions: Questions) -> NDArray[np.float32]:
        """(n, items): mean of after[item] over the history, weighted by idf * .5**ago."""
        weight = self.idf[questions.item] * np.float32(LAST_DECAY) ** questions.ago
        total = np.bincount(questions.question, weight, minlength=questions.n)
        scores = weighted_rows(questions.question, questions.item, weight, questions.n, self.after)
        mean: NDArray[np.float32] = scores / np.maximum(total, 1e-9).astype(np.float32)[:, None]
        return mean

    def with_basket(self, basket: NDArray[np.int32]) -> NDArray[np.float32]:
        """(items,): the mean of same[item] over the items of the current basket."""
        if not len(basket):
            return np.zeros(self.same.shape[0], np.float32)
        question = np.zeros(len(basket), np.int64)
        weight = np.full(len(basket), 1 / len(basket))
        mean: NDArray[np.float32] = weighted_rows(question, basket, weight, 1, self.same)[0]
        return mean

    def padded(self, extra: int) -> Together:
        """The same with `extra` new items that have no partners yet."""
        if not extra:
            return self
        n = self.same.shape[0] + extra
        parts = [part.copy() for part in (self.same, self.after)]
        for part in parts:
            part.resize((n, n))
        return Together(parts[0], parts[1], np.concatenate([self.idf, np.zeros(extra, np.float32)]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {**pack("together.same", self.same), **pack("together.after", self.after), "together.idf": self.idf}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Together:
        return cls(unpack("together.same", arrays), unpack("together.after", arrays), arrays["together.idf"])


def _only(table: sparse.csr_array, kept: sparse.csr_array) -> sparse.csr_array:
    """The entries of a table where `kept` has one."""
    return sparse.csr_array(table.multiply(kept.astype(np.float32)))


def _ones(row: NDArray[np.integer], column: NDArray[np.integer], shape: tuple[int, int]) -> sparse.csr_array:
    """A 0/1 matrix; repeated pairs count once."""
    matrix = sparse.csr_array((np.ones(len(row), np.float32), (row, column)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def _small_baskets(
    seen: Interactions, n_items: int, popularity: NDArray[np.int64] | None = None
) -> NDArray[np.intp]:
    """The rows that are paired: of each order the MAX_BASKET least popular items (guests are left out)."""
    rows = np.flatnonzero((seen.customer >= 0) & (seen.item >= 0))
    if popularity is None:
        popularity = np.bincount(seen.item[rows], minlength=n_items)
    by = np.lexsort((seen.item[rows], popularity[seen.item[rows]], seen.order[rows], seen.customer[rows]))
    rows = rows[by]
    change = (np.diff(seen.customer[rows]) != 0) | (np.diff(seen.order[rows]) != 0)
    starts = np.r_[0, np.flatnonzero(change) + 1] if len(rows) else np.zeros(0, np.int64)
    place = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
    return np.sort(rows[place < MAX_BASKET])


def _shrunk(counts: sparse.csr_array, times: NDArray[np.floating]) -> sparse.csr_array:
    scale = 1.0 / (np.asarray(times).ravel() + SHRINK)
    return sparse.csr_array(sparse.diags_array(scale.astype(np.float32)) @ counts)
