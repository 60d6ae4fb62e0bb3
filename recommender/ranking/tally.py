"""Counts and sums of many parts of a log: the same to the last bit, however the log is divided."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

UNIT = 2.0**24
"""A weight is kept as whole numbers of 1 / UNIT and of 1 / UNIT**2. Sums of up to 2**29 of them are exact."""

DENSE_CELLS = 8_000_000
PENDING = 4_000_000


@dataclass(frozen=True, slots=True)
class ExactSums:
    """Sums of weights between 0 and 1 by cell, exact: they do not depend on the order of the addends."""

    coarse: NDArray[np.float64]  # (cells,) whole numbers
    fine: NDArray[np.float64]  # (cells,) whole numbers, positive or negative

    @classmethod
    def of(cls, cell: NDArray[np.integer], weight: NDArray[np.float64], n: int) -> ExactSums:
        """The sums of the rows' weights in each of n cells; a weight is rounded to 2**-48."""
        coarse = np.rint(weight * UNIT)
        fine = np.rint((weight - coarse / UNIT) * UNIT * UNIT)
        return cls(np.bincount(cell, coarse, minlength=n), np.bincount(cell, fine, minlength=n))

    def __add__(self, other: ExactSums) -> ExactSums:
        return ExactSums(self.coarse + other.coarse, self.fine + other.fine)

    def total(self) -> NDArray[np.float64]:
        """(cells,): the sums."""
        return self.coarse / UNIT + self.fine / (UNIT * UNIT)


@dataclass(slots=True)
class Tally:
    """How often each key occurred; keys are whole numbers below `space`. Parts are added in any order."""

    space: int
    dense: NDArray[np.int64] | None = None
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = field(default_factory=list)
    pending: int = 0

    def add(self, keys: NDArray[np.int64], n: NDArray[np.int64]) -> None:
        """`keys` are distinct."""
        if self.space <= DENSE_CELLS:
            if self.dense is None:
                self.dense = np.zeros(self.space, np.int64)
            self.dense[keys] += n
            return
        self.parts.append((keys, n))
        self.pending += len(keys)
        if self.pending > PENDING:
            self.parts = [self._merged()]
            self.pending = 0

    def count(self, keys: NDArray[np.int64]) -> None:
        """Add keys, one for each occurrence."""
        if self.space <= DENSE_CELLS and self.space <= 4 * len(keys):
            counts = np.bincount(keys, minlength=self.space)
            self.dense = counts if self.dense is None else self.dense + counts
        else:
            self.add(*np.unique(keys, return_counts=True))

    def merge(self, other: Tally) -> None:
        """Add what another tally of the same space has."""
        self.add(*other.items())

    def items(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ascending keys that occurred, and how often."""
        if self.space <= DENSE_CELLS:
            keys = np.zeros(0, np.int64) if self.dense is None else np.flatnonzero(self.dense)
            return keys, np.zeros(0, np.int64) if self.dense is None else self.dense[keys]
        return self._merged()

    def _merged(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if len(self.parts) == 1:
            return self.parts[0]
        keys = np.concatenate([np.zeros(0, np.int64), *(part[0] for part in self.parts)])
        n = np.concatenate([np.zeros(0, np.int64), *(part[1] for part in self.parts)])
        distinct, at = np.unique(keys, return_inverse=True)
        total = np.zeros(len(distinct), np.int64)
        np.add.at(total, at, n)
        return distinct, total
