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
        rows = _small_baskets(seen, n_items)
        seen = seen.where(rows)
        # guests have no history: their rows pair only within their own order
        customer = np.where(seen.customer >= 0, seen.customer, len(seen.customers)).astype(np.int64)
        width = highest(seen.order) + 2
        key = customer * width + seen.order
        orders, number = np.unique(key, return_inverse=True)
        orders_with = _ones(number, seen.item, (len(orders), n_items))
        same = sparse.csr_array(orders_with.T @ orders_with)
        same.setdiag(0)
        same.eliminate_zeros()
        follows = np.flatnonzero((np.diff(orders) == 1) & (orders[:-1] // width < len(seen.customers)))
        times = np.asarray(orders_with.sum(axis=0)).ravel()
        idf = (np.log((len(orders) + 1.0) / (times + 1.0)) + 0.1).astype(np.float32)
        weighted = sparse.csr_array(orders_with[follows] @ sparse.diags_array(idf))
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        weighted = sparse.csr_array(
            sparse.diags_array((1 / np.maximum(length, 1e-9)).astype(np.float32)) @ weighted
        )
        after = sparse.csr_array(weighted.T @ orders_with[follows + 1])
        if least > 1:
            person = (orders // width).astype(np.int64)
            same = _only(same, pairs_with_enough(orders_with, orders_with, person, least))
            before, behind = orders_with[follows], orders_with[follows + 1]
            after = _only(after, pairs_with_enough(before, behind, person[follows], least))
        return cls(
            strongest(_shrunk(same, times), KEEP_SAME),
            strongest(_shrunk(after, weighted.sum(axis=0)), KEEP_AFTER),
            idf,
        )

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


def _small_baskets(seen: Interactions, n_items: int) -> NDArray[np.intp]:
    """The rows that are paired: of each order the MAX_BASKET least popular items (guests are left out)."""
    rows = np.flatnonzero((seen.customer >= 0) & (seen.item >= 0))
    popularity = np.bincount(seen.item[rows], minlength=n_items)[seen.item[rows]]
    by = np.lexsort((seen.item[rows], popularity, seen.order[rows], seen.customer[rows]))
    rows = rows[by]
    change = (np.diff(seen.customer[rows]) != 0) | (np.diff(seen.order[rows]) != 0)
    starts = np.r_[0, np.flatnonzero(change) + 1] if len(rows) else np.zeros(0, np.int64)
    place = np.arange(len(rows)) - np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
    return np.sort(rows[place < MAX_BASKET])


def _shrunk(counts: sparse.csr_array, times: NDArray[np.floating]) -> sparse.csr_array:
    scale = 1.0 / (np.asarray(times).ravel() + SHRINK)
    return sparse.csr_array(sparse.diags_array(scale.astype(np.float32)) @ counts)
