"""How many different people stand behind a figure: what others may see is made from at least so many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.ranking.interactions import Interactions
from recommender.ranking.sparse import distinct, expanded

LEAST_PEOPLE = 10
"""What a scene takes where nobody set another number."""

PAIRS_AT_ONCE = 8_000_000
MOST_CELLS = 8
"""For each row: where there are more, most are of no row, and those that are get numbers of their own."""


def people_of(cell: NDArray[np.integer], person: NDArray[np.integer], n: int) -> NDArray[np.int64]:
    """How many different people each of `n` cells has (n,). A cell or a person of -1 counts nobody."""
    known = (cell >= 0) & (person >= 0)
    if not known.any():
        return np.zeros(n, np.int64)
    width = int(np.max(person[known])) + 1
    pairs = distinct(cell[known].astype(np.int64) * width + person[known])
    return np.bincount(pairs // width, minlength=n)


def rows_with_enough(cell: NDArray[np.integer], person: NDArray[np.integer], least: int) -> NDArray[np.bool_]:
    """The rows whose cell has at least `least` different people (n,). Cells are any whole numbers from 0."""
    if least <= 1:
        return np.ones(len(cell), np.bool_)
    n = int(np.max(cell)) + 1 if len(cell) else 0
    code = cell
    if n > MOST_CELLS * len(cell):
        different, code = np.unique(cell, return_inverse=True)
        n = len(different)
    return np.asarray((people_of(code, person, n) >= least)[code], np.bool_)


def shared_items(seen: Interactions, least: int) -> NDArray[np.bool_]:
    """The items that at least `least` different people chose (items,). Where a ride began is no choice."""
    if least <= 1:
        return np.ones(len(seen.items), np.bool_)
    return np.asarray(people_of(seen.item, seen.person, len(seen.items)) >= least, np.bool_)


def only_shared(seen: Interactions, least: int) -> Interactions:
    """The rows of items that at least `least` different people chose; same vocabularies."""
    if least <= 1 or not len(seen):
        return seen
    shared = shared_items(seen, least)
    return seen.where((seen.item >= 0) & shared[seen.item])


def without_unshared(seen: Interactions, least: int) -> Interactions:
    """The same with a vocabulary that names no other item either, and without the pick-ups at such items."""
    seen = only_shared(seen, least)
    kept = shared_items(seen, least) if least > 1 else np.ones(len(seen.items), np.bool_)
    code = np.r_[np.where(kept, np.cumsum(kept) - 1, -1), -1].astype(np.int32)
    return replace(seen, items=seen.items[kept], item=code[seen.item], origin=code[seen.origin])


def pairs_with_enough(
    left: sparse.csr_array, right: sparse.csr_array, person: NDArray[np.integer], least: int
) -> sparse.csr_array:
    """(items, items): True where at least `least` different people have i in a row of `left` and j in the same
    row of `right`. Rows belong to `person` and are sorted by it.
    """
    n = left.shape[1]
    keys, people = people_of_pairs(left, right, person)
    enough = keys[people >= least]
    return sparse.csr_array((np.ones(len(enough), np.bool_), (enough // n, enough % n)), shape=(n, n))


def people_of_pairs(
    left: sparse.csr_array, right: sparse.csr_array, person: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many different people have i in a row of `left` and j in the same row of `right`: ascending keys
    i * items + j, and the people of each.
    """
    n = left.shape[1]
    size = np.diff(left.indptr).astype(np.int64) * np.diff(right.indptr)
    total: dict[str, NDArray[np.int64]] = {"key": np.zeros(0, np.int64), "n": np.zeros(0, np.int64)}
    start = 0
    while start < len(person):
        stop = _end_of_part(size, person, start)
        key, who = _expanded(left, right, person, start, stop, n)
        order = np.lexsort((who, key))
        key, who = key[order], who[order]
        new = np.r_[True, (np.diff(key) != 0) | (np.diff(who) != 0)][: len(key)]
        keys, counts = np.unique(key[new], return_counts=True)
        both, inverse = np.unique(np.r_[total["key"], keys], return_inverse=True)
        total = {"key": both, "n": np.bincount(inverse, np.r_[total["n"], counts]).astype(np.int64)}
        start = stop
    return total["key"], total["n"]


def _end_of_part(size: NDArray[np.int64], person: NDArray[np.integer], start: int) -> int:
    """Where the part that begins at `start` ends: bounded in pairs, and never within a person."""
    stop = start + max(1, int(np.searchsorted(np.cumsum(size[start:]), PAIRS_AT_ONCE, side="right")))
    if stop >= len(person):
        return len(person)
    return stop + int(np.searchsorted(person[stop:], person[stop - 1], side="right"))


def _expanded(
    left: sparse.csr_array, right: sparse.csr_array, person: NDArray[np.integer], start: int, stop: int, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair (i, j) of the rows start .. stop as i * n + j, and whose it is."""
    left = left[start:stop]
    entry, first, second = expanded(left, right[start:stop])
    row = np.repeat(np.arange(stop - start), np.diff(left.indptr))
    return first * n + second, person[start:stop][row[entry]].astype(np.int64)
