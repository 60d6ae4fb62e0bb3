"""Which arrays of a model have a row for each customer, and how to take such rows out.

A model names nobody, but a row is one person's: whoever knows what somebody ordered finds the row by its content.
So each table of this kind is declared where it is made, and whose row is whose is kept outside of the model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.ranking.sparse import pack, unpack

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

RowTables: TypeAlias = Mapping[str, Literal["values", "rows", "columns"]]
"""A table's name -> where its customers are: a plain array has one entry for each, a sparse matrix one row, or one
column."""


def in_model(arrays: Arrays, declared: RowTables) -> RowTables:
    """The declared tables that a model has."""
    there = {name.rpartition(".")[0] for name in arrays} | set(arrays)
    return {name: kind for name, kind in declared.items() if name in there}


def count(arrays: Arrays, tables: RowTables) -> int:
    """How many customers have a row, 0 without a table.

    Raises:
        ValueError: the tables differ in it.
    """
    found = {_length(arrays, name, kind) for name, kind in tables.items()}
    if len(found) > 1:
        raise ValueError("the tables of customers differ in length")
    return found.pop() if found else 0


def taken(arrays: Arrays, tables: RowTables, chosen: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
    """The same model with only the `chosen` customers' rows, in this order. All other arrays stay as they are.

    Raises:
        ValueError, KeyError: the arrays are not what `tables` says.
    """
    result = dict(arrays)
    for name, kind in tables.items():
        if kind == "values":
            result[name] = arrays[name][chosen]
            continue
        matrix = unpack(name, arrays)
        kept = matrix[chosen] if kind == "rows" else matrix[:, chosen]
        result |= pack(name, _like(sparse.csr_array(kept), arrays, name))
    return result


def by_content(arrays: Arrays, tables: RowTables) -> NDArray[np.intp]:
    """An order of the customers that follows from the rows alone: it does not show how their names are sorted,
    and the same rows always come out in the same order."""
    digests = [hashlib.sha256() for _ in range(count(arrays, tables))]
    for name in sorted(tables):
        if tables[name] == "values":
            for digest, value in zip(digests, arrays[name], strict=True):
                digest.update(value.tobytes())
            continue
        matrix = unpack(name, arrays)
        rows = matrix if tables[name] == "rows" else sparse.csr_array(matrix.T)
        rows.sort_indices()
        for number, digest in enumerate(digests):
            part = slice(rows.indptr[number], rows.indptr[number + 1])
            digest.update(rows.indices[part].tobytes() + b"|" + rows.data[part].tobytes() + b"|")
    return np.array(sorted(range(len(digests)), key=lambda number: digests[number].digest()), np.intp)


def _length(arrays: Arrays, name: str, kind: str) -> int:
    if kind == "values":
        return len(arrays[name])
    return int(arrays[f"{name}.shape"][0 if kind == "rows" else 1])


def _like(matrix: sparse.csr_array, arrays: Arrays, name: str) -> sparse.csr_array:
    """The matrix with sorted entries and the stored types, whatever scipy chose for it."""
    matrix.sort_indices()
    matrix.indices = matrix.indices.astype(arrays[f"{name}.indices"].dtype)
    matrix.indptr = matrix.indptr.astype(arrays[f"{name}.indptr"].dtype)
    return matrix
