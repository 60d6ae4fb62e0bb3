"""Weighted sums of a sparse matrix's rows, for many questions at once or for the single one of a request."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def weighted_rows(
    row: NDArray[np.integer],
    pick: NDArray[np.integer],
    weight: NDArray[np.floating],
    n: int,
    matrix: sparse.csr_array,
) -> NDArray[np.float32]:
    """out[r] = sum over entries with row == r of weight * matrix[pick], dense, shape (n, columns)."""
    return weighted_sums(row, pick, [weight], n, matrix)[0]


def weighted_sums(
    row: NDArray[np.integer],
    pick: NDArray[np.integer],
    weights: Sequence[NDArray[np.floating]],
    n: int,
    matrix: sparse.csr_array,
) -> list[NDArray[np.float32]]:
    """`weighted_rows` for several weights of the same entries, which are looked up once.

    A single row is gathered by hand: scipy's checks cost ten times as much as the sum itself.
    """
    width = matrix.shape[1]
    if n != 1:
        shape = (n, matrix.shape[0])
        left = (sparse.csr_array((weight.astype(np.float32), (row, pick)), shape=shape) for weight in weights)
        return [np.asarray((each @ matrix).toarray(), dtype=np.float32) for each in left]
    starts = matrix.indptr[pick]
    lengths = matrix.indptr[pick + 1] - starts
    total = int(lengths.sum())
    if not total:
        return [np.zeros((1, width), np.float32) for _ in weights]
    before = np.cumsum(lengths) - lengths
    at = np.repeat(starts - before, lengths) + np.arange(total)
    data, columns = matrix.data[at], matrix.indices[at]
    return [
        np.bincount(columns, data * np.repeat(weight.astype(np.float32), lengths), minlength=width).astype(
            np.float32
        )[None, :]
        for weight in weights
    ]
