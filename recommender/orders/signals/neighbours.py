"""What customers with a similar taste order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.orders.questions import Questions
from recommender.ranking.interactions import Interactions
from recommender.ranking.metrics import highest
from recommender.ranking.rows import RowTables
from recommender.ranking.sparse import distinct, pack, unpack, weighted_rows, weighted_sums

DECAY = 0.9
STEEP = 0.7
NEIGHBOURS = 300
TWIN = 0.98  # cosine above which a profile is taken for the same customer's
MAX_REFERENCE = 8000  # customers compared with: keeps the cost of a question and of training bounded
_MATRICES = ("across", "steep", "last")

ROWS: RowTables = {
    "neighbours.across": "columns",
    "neighbours.steep": "rows",
    "neighbours.last": "rows",
    "neighbours.length": "values",
    "neighbours.square": "values",
}
"""The arrays that have a row for each reference customer (`recommender.ranking.rows`)."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What reference customers order, without their names."""

    across: sparse.csr_array  # (items, customers) sum of .9**ago over the orders with the item / orders
    steep: sparse.csr_array  # (customers, items) sum of .7**ago
    last: sparse.csr_array  # (customers, items) 1 where the item is in the last order
    idf: NDArray[np.float32]  # (items,)
    length: NDArray[np.float32]  # (customers,) of each profile * idf
    square: NDArray[np.float32]  # (customers,) squared length of each profile
    who: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(customers,) codes of the customers where this was fitted; never stored, and empty once it was."""

    @classmethod
    def fit(cls, seen: Interactions, n_items: int, rng: np.random.Generator, least: int = 1) -> Neighbours:
        """From at most 8,000 customers, drawn by `rng` where there are more.

        They say nothing of an item that fewer than `least` of them had (`steep`) or had last (`last`).
        """
        rows = np.flatnonzero((seen.customer >= 0) & (seen.item >= 0))
        customers = distinct(seen.customer[rows])
        if len(customers) > MAX_REFERENCE:
            customers = np.sort(rng.choice(customers, MAX_REFERENCE, replace=False))
        number = np.full(len(seen.customers), -1, np.int64)
        number[customers] = np.arange(len(customers))
        rows = rows[number[seen.customer[rows]] >= 0]
        who, item = number[seen.customer[rows]], seen.item[rows]
        newest = np.zeros(len(customers), np.int32)
        np.maximum.at(newest, who, seen.order[rows])
        ago = newest[who] - seen.order[rows]

        def matrix(
            weight: NDArray[np.floating], keep: NDArray[np.bool_] | slice = slice(None)
        ) -> sparse.csr_array:
            entries = (weight[keep].astype(np.float32), (who[keep], item[keep]))
            return sparse.csr_array(entries, shape=(len(customers), n_items))

        profiles = matrix(DECAY**ago / (newest[who] + 1))
        buyers = np.bincount(profiles.indices, minlength=n_items)
        idf = (np.log((len(customers) + 1.0) / (buyers + 1.0)) + 0.1).astype(np.float32)
        weighted = sparse.csr_array(profiles @ sparse.diags_array(idf))
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        return cls(
            across=sparse.csr_array(profiles.T),
            steep=_of_enough(matrix(STEEP**ago), least),
            last=_of_enough(matrix(np.ones(len(ago)), ago == 0), least),
            idf=idf,
            length=np.maximum(length, 1e-9).astype(np.float32),
            square=np.asarray(profiles.multiply(profiles).sum(axis=1)).ravel().astype(np.float32),
            who=customers.astype(np.int64),
        )

    def scores(self, questions: Questions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(lately, near), each (n, items).

        lately: the share of all customers' last orders with the item, weighted by the cosine of idf-weighted
        profiles. near: mean steep profile of the 300 nearest by Euclidean distance (TIFU-KNN, Hu et al. 2020);
        among them are customers with few and common items, so it leans to what is popular among them. Profiles
        nearly equal to the customer's are mostly the customer's own and are left out of `lately`.
        """
        mine = np.float32(DECAY) ** questions.ago / np.maximum(questions.n_orders, 1)[questions.question]
        weighted = mine * self.idf[questions.item]
        product, cosine = weighted_sums(
            questions.question,
            questions.item,
            [mine, weighted * self.idf[questions.item]],
            questions.n,
            self.across,
        )
        cosine = cosine / self.length / _lengths(questions, weighted)[:, None]
        cosine = np.where(cosine > TWIN, 0, cosine).astype(np.float32)
        total = np.maximum(cosine.sum(axis=1, keepdims=True), 1e-9)
        lately = np.asarray((self.last.T @ (cosine / total).T).T, np.float32)
        return lately, self._nearest(2 * product - self.square)

    def _nearest(self, closeness: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, items): mean steep profile of the NEIGHBOURS closest customers; closeness is (n, customers)."""
        n, total = closeness.shape
        k = min(NEIGHBOURS, total)
        if not k:
            return np.zeros((n, self.steep.shape[1]), np.float32)
        pick = np.argpartition(-closeness, k - 1, axis=1)[:, :k]
        share = np.full(n * k, 1 / k, np.float32)
        return weighted_rows(np.repeat(np.arange(n), k), pick.ravel(), share, n, self.steep)

    def padded(self, extra: int) -> Neighbours:
        """The same with `extra` items that no reference customer had."""
        if not extra:
            return self
        n = len(self.idf) + extra
        grown = {name: getattr(self, name).copy() for name in _MATRICES}
        for name, matrix in grown.items():
            rows, columns = matrix.shape
            matrix.resize((n, columns) if name == "across" else (rows, n))
        idf = np.concatenate([self.idf, np.zeros(extra, np.float32)])
        return Neighbours(**grown, idf=idf, length=self.length, square=self.square)

    def arrays(self) -> dict[str, NDArray[Any]]:
        names = ("idf", "length", "square")
        packed: dict[str, NDArray[Any]] = {f"neighbours.{name}": getattr(self, name) for name in names}
        for name in _MATRICES:
            packed |= pack(f"neighbours.{name}", getattr(self, name))
        return packed

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Neighbours:
        across, steep, last = (unpack(f"neighbours.{name}", arrays) for name in _MATRICES)
        idf, length, square = (arrays[f"neighbours.{name}"] for name in ("idf", "length", "square"))
        return cls(across, steep, last, idf, length, square)


def _of_enough(table: sparse.csr_array, least: int) -> sparse.csr_array:
    """(customers, items): the columns of items that at least `least` customers have; the others are empty."""
    if least <= 1:
        return table
    enough = np.bincount(table.indices, minlength=table.shape[1]) >= least
    kept = sparse.csr_array(table @ sparse.diags_array(enough.astype(np.float32)))
    kept.eliminate_zeros()
    return kept


def _lengths(questions: Questions, weight: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n,): the Euclidean length of each customer's vector of summed weights, 1 where it is empty."""
    width = max(highest(questions.item) + 1, 1)
    keys, pair = np.unique(questions.question * width + questions.item, return_inverse=True)
    total = np.bincount(pair, weight, minlength=len(keys))
    square = np.bincount(keys // width, total**2, minlength=questions.n)
    return np.where(square > 0, np.sqrt(square), 1.0).astype(np.float32)
