"""Weighted sums of a sparse matrix's rows, for many questions at once or for the single one of a request."""

from __future__ import annotations

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
    """out[r] = sum over entries with row == r of weight * matrix[pick], dense, shape (n, columns).

    A single row is gathered by hand: scipy's checks cost ten times as much as the sum itself.
    """
    width = matrix.shape[1]
    if n != 1:
        left = sparse.csr_array((weight.astype(np.float32), (row, pick)), shape=(n, matrix.shape[0]))
        return np.asarray((left @ matrix).toarray(), dtype=np.float32)
    starts = matrix.indptr[pick]
    lengths = matrix.indptr[pick + 1] - starts
    total = int(lengths.sum())
    if not total:
        return np.zeros((1, width), np.float32)
    before = np.cumsum(lengths) - lengths
    at = np.repeat(starts - before, lengths) + np.arange(total)
    values = matrix.data[at] * np.repeat(weight.astype(np.float32), lengths)
    return np.bincount(matrix.indices[at], values, minlength=width).astype(np.float32)[None, :]
