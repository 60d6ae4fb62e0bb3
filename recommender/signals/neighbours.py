"""What customers of the same taste order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.interactions import Interactions
from recommender.questions import Questions
from recommender.signals.together import pack, unpack

DECAY = 0.9
LOCALITY = 2.0
MAX_REFERENCE = 8000  # customers compared with: keeps the cost of a question and of training bounded


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Profiles of reference customers, without anything that names them."""

    reference: sparse.csr_array  # (reference customers, items) time-decayed order counts
    unit: sparse.csr_array  # (items, reference customers) the same idf-weighted, of length 1 per customer
    idf: NDArray[np.float32]  # (items,)

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
        weight = DECAY ** (last[who] - seen.order[rows]).astype(np.float32)
        reference = sparse.csr_array((weight, (who, seen.item[rows])), shape=(len(customers), n_items))
        buyers = np.bincount(reference.indices, minlength=n_items)
        idf = np.log((len(customers) + 1.0) / (buyers + 1.0)).astype(np.float32) + np.float32(0.1)
        share = _rows_scaled(reference, 1 / np.maximum(last + 1, 1))
        return cls(share, sparse.csr_array(_unit(reference, idf).T), idf)

    def scores(self, asked: Questions, own: sparse.csr_array | None = None) -> NDArray[np.float32]:
        """(n, items): mean profile of the reference customers, weighted by similarity**2.

        Similarity: cosine of idf-weighted, time-decayed order counts (TIFU-KNN's profiles, Hu et al. 2020;
        the soft neighbourhood with a locality exponent of UP-CF, Faggioli et al. 2020).
        """
        mine = _unit(asked.profile(len(self.idf), DECAY), self.idf)
        weights = (mine @ self.unit).toarray()
        # an asker found among the references is no neighbour: the similarity of identical profiles is capped
        np.power(weights, LOCALITY, out=weights)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
        return np.asarray((self.reference.T @ weights.T).T, dtype=np.float32)

    def padded(self, extra: int) -> Neighbours:
        """The same with `extra` items that no reference customer had."""
        if not extra:
            return self
        reference, unit = self.reference.copy(), self.unit.copy()
        n = len(self.idf) + extra
        reference.resize((reference.shape[0], n))
        unit.resize((n, unit.shape[1]))
        return Neighbours(reference, unit, np.concatenate([self.idf, np.zeros(extra, np.float32)]))

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {**pack("neighbours.reference", self.reference), "neighbours.idf": self.idf,
                **pack("neighbours.unit", self.unit)}  # fmt: skip

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Neighbours:
        return cls(
            unpack("neighbours.reference", arrays), unpack("neighbours.unit", arrays), arrays["neighbours.idf"]
        )


def _rows_scaled(matrix: sparse.csr_array, scale: NDArray[np.floating]) -> sparse.csr_array:
    return sparse.csr_array(sparse.diags_array(scale.astype(np.float32)) @ matrix)


def _unit(profiles: sparse.csr_array, idf: NDArray[np.float32]) -> sparse.csr_array:
    """Profiles weighted by idf and scaled to length 1 (empty rows stay empty)."""
    weighted = sparse.csr_array(profiles @ sparse.diags_array(idf))
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    return _rows_scaled(weighted, 1 / np.maximum(length, 1e-9))
