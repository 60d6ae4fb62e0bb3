"""Data frames without pandas or polars: what the library uses of them, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recommender.library.request import Data
from recommender.ranking.frames import Columns

Make = Callable[[Mapping[str, ArrayLike]], Data]
"""Makes what `fit` takes from columns."""
MakeColumns = Callable[[Mapping[str, ArrayLike]], Columns]


class Series:
    """One column."""

    def __init__(self, values: ArrayLike) -> None:
        self._values = np.asarray(values)

    def to_numpy(self) -> NDArray[np.generic]:
        return self._values


class DataFrame:
    """Columns by name; iterating it or asking for its length is not part of the agreement."""

    def __init__(self, columns: Mapping[str, ArrayLike]) -> None:
        self._columns = {name: Series(values) for name, values in columns.items()}

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    def __getitem__(self, name: str) -> Series:
        return self._columns[name]
