"""What customers of the same taste order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.evaluation import highest
from recommender.interactions import Interactions
from recommender.questions import Questions
from recommender.signals.gather import weighted_rows
from recommender.signals.together import pack, unpack

DECAY = 0.9
LOCALITY = 2.0
NEIGHBOURS = 300
TWIN = 0.98  # cosine above which a profile is taken for the asker's own
MAX_REFERENCE = 8000  # customers compared with: keeps the cost of a question and of training bounded


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Profiles of reference customers, without anything that names them.

    A profile p is the sum of .9**ago over a customer's orders with the item, divided by the number of orders.
    """

    reference: sparse.csr_array  # (customers, items) profiles
    across: sparse.csr_array  # (items, customers) the same, transposed
    unit: sparse.csr_array  # (items, customers) profiles * idf, of length 1 per customer
    idf: NDArray[np.float32]  # (items,)
    square: NDArray[np.float32]  # (customers,) squared length of each profile

    @classmethod
    def fit(cls, seen: Interactions, n_items: int, rng: np.random.Generator) -> Neighbours:
        """The profiles of at most 8,000 customers, drawn by `rng` where there are more."""
        rows = np.flatnonzero((seen.customer >= 0) & (seen.item >= 0))
        customers = np.unique(seen.customer[rows])
        if len(customers) > MAX_REFERENCE:
            customers = np.sort(rng.choice(customers, MAX_REFERENCE, replace=False))
        number = np.full(len(seen.customers), -1, np.int64)
        number[customers] = np.arange(len(customers))
        rows = rows[number[seen.customer[rows]] >= 0]
        who = number[seen.customer[rows]]
        last = np.zeros(len(customers), np.int32)
        np.maximum.at(last, who, seen.order[rows])
        weight = DECAY ** (last[who] - seen.order[rows]).astype(np.float32) / (last[who] + 1)
        reference = sparse.csr_array(
            (weight.astype(np.float32), (who, seen.item[rows])), shape=(len(customers), n_items)
        )
        buyers = np.bincount(reference.indices, minlength=n_items)
        idf = (np.log((len(customers) + 1.0) / (buyers + 1.0)) + 0.1).astype(np.float32)
        weighted = sparse.csr_array(reference @ sparse.diags_array(idf))
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        unit = sparse.csr_array(sparse.diags_array((1 / np.maximum(length, 1e-9)).astype(np.float32)) @ weighted)
        square = np.asarray(reference.multiply(reference).sum(axis=1)).ravel().astype(np.float32)
        return cls(reference, sparse.csr_array(reference.T), sparse.csr_array(unit.T), idf, square)

    def scores(self, asked: Questions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(alike, near), both (n, items): mean profiles of 300 reference customers.

        alike: the most similar by cosine of idf-weighted profiles, weighted by cosine**2 (UP-CF's locality,
        Faggioli et al. 2020); profiles that are the asker's own or just like it tell nothing new and are left
        out. near: the nearest by Euclidean distance, unweighted (TIFU-KNN, Hu et al. 2020); among these are
        customers with few and common items, so it leans to what is popular among them.
        """
        mine = np.float32(DECAY) ** asked.ago / np.maximum(asked.n_orders, 1)[asked.question]
        weighted = mine * self.idf[asked.item]
        length = _lengths(asked, weighted)
        cosine = weighted_rows(asked.question, asked.item, weighted, asked.n, self.unit) / length[:, None]
        cosine = np.where(cosine > TWIN, 0, cosine).astype(np.float32)
        alike = self._mean(cosine, cosine**LOCALITY)
        product = weighted_rows(asked.question, asked.item, mine, asked.n, self.across)
        closeness = 2 * product - self.square
        return alike, self._mean(closeness, np.ones_like(closeness))

    def _mean(self, closeness: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n, items): weighted mean profile of the NEIGHBOURS closest reference customers."""
        n, total = closeness.shape
        if total == 0:
            return np.zeros((n, self.reference.shape[1]), np.float32)
        k = min(NEIGHBOURS, total)
        pick = np.argpartition(-closeness, k - 1, axis=1)[:, :k]
        chosen = np.take_along_axis(weight, pick, axis=1)
        share = chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1e-9)
        return weighted_rows(np.repeat(np.arange(n), k), pick.ravel(), share.ravel(), n, self.reference)

    def padded(self, extra: int) -> Neighbours:
        """The same with `extra` items that no reference customer had."""
        if not extra:
            return self
        n = len(self.idf) + extra
        reference, across, unit = self.reference.copy(), self.across.copy(), self.unit.copy()
        reference.resize((reference.shape[0], n))
        across.resize((n, across.shape[1]))
        unit.resize((n, unit.shape[1]))
        idf = np.concatenate([self.idf, np.zeros(extra, np.float32)])
        return Neighbours(reference, across, unit, idf, self.square)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {**pack("neighbours.reference", self.reference), **pack("neighbours.unit", self.unit),
                "neighbours.idf": self.idf, "neighbours.square": self.square}  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Neighbours:
        reference = unpack("neighbours.reference", arrays)
        unit = unpack("neighbours.unit", arrays)
        across = sparse.csr_array(reference.T)
        return cls(reference, across, unit, arrays["neighbours.idf"], arrays["neighbours.square"])


def _lengths(asked: Questions, weight: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n,): the Euclidean length of each asker's vector of summed weights, 1 where it is empty."""
    width = max(highest(asked.item) + 1, 1)
    keys, pair = np.unique(asked.question * width + asked.item, return_inverse=True)
    total = np.bincount(pair, weight, minlength=len(keys))
    square = np.bincount(keys // width, total**2, minlength=asked.n)
    return np.where(square > 0, np.sqrt(square), 1.0).astype(np.float32)
