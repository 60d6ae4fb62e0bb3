"""Weighted sums of a sparse matrix's rows, for many questions at once or for the single one of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def distinct(keys: NDArray[np.integer]) -> NDArray[Any]:
    """The different whole numbers, ascending. `np.unique` finds them by hashes, which takes ten times as long."""
    keys = np.sort(keys)
    return keys[np.r_[True, keys[1:] != keys[:-1]]] if len(keys) else keys


def is_among(keys: NDArray[np.integer], ascending: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(keys,): whether each is one of some ascending numbers. `np.isin` hashes all of them first."""
    if not len(ascending):
        return np.zeros(len(keys), np.bool_)
    found = np.minimum(np.searchsorted(ascending, keys), len(ascending) - 1)
    return np.asarray(ascending[found] == keys)


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
    """`weighted_rows` for several weights of the same entries, which are read once.

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


def pack(name: str, matrix: sparse.csr_array) -> dict[str, NDArray[Any]]:
    """A sparse matrix as plain arrays."""
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    return {f"{name}.{part}": values for part, values in parts.items()} | {
        f"{name}.shape": np.array(matrix.shape, np.int64)
    }


def unpack(name: str, arrays: Mapping[str, NDArray[Any]]) -> sparse.csr_array:
    """The sparse matrix that `pack` took apart. Raises KeyError when a part is missing."""
    data, indices, indptr = (arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
    shape = tuple(int(n) for n in arrays[f"{name}.shape"])
    return sparse.csr_array((data, indices, indptr), shape=shape)


def strongest(matrix: sparse.csr_array, keep: int) -> sparse.csr_array:
    """The `keep` largest entries of each row (ties: the lower column)."""
    matrix.sort_indices()
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    by = np.lexsort((matrix.indices, -matrix.data, row))
    place = np.arange(len(row)) - matrix.indptr[row]
    kept = np.sort(by[place < keep])
    return sparse.csr_array(
        (matrix.data[kept].astype(np.float32), (row[kept], matrix.indices[kept])), shape=matrix.shape
    )


def expanded(
    left: sparse.csr_array, right: sparse.csr_array
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Every pair (i, j) of columns of the same row, row by row: the number of i's entry in `left`, i, and j."""
    row = np.repeat(np.arange(left.shape[0]), np.diff(left.indptr))
    times = np.diff(right.indptr)[row]
    entry = np.repeat(np.arange(len(row)), times)
    begin = np.repeat(right.indptr[:-1][row] - np.r_[0, np.cumsum(times)[:-1]][: len(times)], times)
    second = right.indices[begin + np.arange(len(begin))]
    return entry, left.indices[entry].astype(np.int64), second.astype(np.int64)
