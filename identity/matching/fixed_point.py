"""Many templates in half the memory: 16-bit fixed-point numbers whose upper bytes alone are searched, in rows that
never move.

faiss compares the upper bytes, a quarter of what float32 would read from memory; the nearest are compared once
more with all 16 bits. A row is written, overwritten and used again in place. So a search needs no lock against an
enrolment or an opt-out, and no byte of a deleted template stays. (faiss' own `remove_ids` moves the rows that
follow, and the bytes of the last one stay in memory.)
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Bytes = NDArray[np.uint8]
LARGEST = 6.0
"""In standard deviations. A number of a template that a random rotation turned is normal with deviation 1/sqrt(d):
one in 500 million lies beyond and is kept as this one."""
MORE = 32
"""Rows compared with all bits beyond those that are asked for. An upper byte errs by .001 in a cosine of 256
numbers; among 10,000 strangers the 16th and the 48th nearest lie .02 apart."""
WORTH_COPYING = 200
"""A part of fewer rows than one in so many is copied and searched: faster than passing over all the others."""
ZERO = 128  # as an upper byte
BLOCK = 4_096  # rows written at once


class FixedPointRows:
    """Room for `capacity` rows of `size` numbers; `used` of them are searched. Threads may search while one
    writes.

    The cosines of unit vectors are exact to about 1e-5.
    """

    def __init__(self, size: int, capacity: int) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        self.size = size
        self.capacity = capacity
        self._scale = 127 / min(1.0, LARGEST / size**0.5)
        kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
        self._faiss = faiss.IndexScalarQuantizer(size, kind, faiss.METRIC_INNER_PRODUCT)
        # All memory at once: from here on the bytes never move, and rows beyond `ntotal` are not searched.
        self._faiss.codes.resize(capacity * size)
        upper = faiss.rev_swig_ptr(self._faiss.codes.data(), capacity * size)
        self._upper: Bytes = upper.view(np.uint8).reshape(capacity, size)
        self._lower: Bytes = np.zeros((capacity, size), np.uint8)

    @property
    def used(self) -> int:
        """Rows that are searched, cleared ones among them."""
        return int(self._faiss.ntotal)

    @property
    def parts(self) -> tuple[Bytes, Bytes]:
        """The rows that are used, as they are kept: their upper and their lower bytes, (used, size) each."""
        return self._upper[: self.used], self._lower[: self.used]

    def begin(self, count: int) -> tuple[Bytes, Bytes]:
        """`parts` of an empty one that is to have `count` rows, to be written; they are searched already."""
        self._faiss.ntotal = count
        return self.parts

    def put(self, rows: Sequence[int] | NDArray[np.intp], vectors: Array) -> None:
        """Write `vectors` (n, size) into `rows` (n,), all of them below `capacity`."""
        places = np.asarray(rows, np.intp)
        for first in range(0, len(places), BLOCK):
            there = places[first : first + BLOCK]
            fixed = np.rint(vectors[first : first + BLOCK] * (256 * self._scale)).clip(-32_512, 32_511)
            whole = (fixed + 256 * ZERO + 128).astype(np.uint16)  # an upper byte is the nearest, not the one below
            self._upper[there], self._lower[there] = whole >> 8, whole & 255
        if len(places):
            self._faiss.ntotal = max(self.used, int(np.max(places)) + 1)

    def clear(self, rows: Sequence[int] | NDArray[np.intp]) -> None:
        """Overwrite rows with zeros: from now on their cosine is 0 with everybody."""
        self._upper[rows], self._lower[rows] = ZERO, ZERO

    def grown(self, capacity: int) -> FixedPointRows:
        """A copy with more room; a thread that still searches this one may go on."""
        larger = FixedPointRows(self.size, capacity)
        for mine, its in zip(self.parts, larger.begin(self.used), strict=True):
            its[:] = mine
        return larger

    def nearest(
        self, probes: Array, count: int, among: NDArray[np.intp] | None = None
    ) -> tuple[Array, NDArray[np.int64]]:
        """Cosines (m, count) and rows (m, count) nearest to `probes` (m, size), nearest first; row -1 where there
        are fewer. `among` are the only rows to look at."""
        probes = np.ascontiguousarray(probes, np.float32)
        found = self._shortlists(probes, count + MORE, among)
        cosines = np.full((len(probes), count), -np.inf, np.float32)
        rows = np.full((len(probes), count), -1, np.int64)
        for n, (probe, near) in enumerate(zip(probes, found, strict=True)):
            near = near[near >= 0]
            exact = self.vectors(near) @ probe
            order = np.argsort(-exact, kind="stable")[:count]
            cosines[n, : len(order)], rows[n, : len(order)] = exact[order], near[order]
        return cosines, rows

    def _shortlists(self, probes: Array, count: int, among: NDArray[np.intp] | None) -> NDArray[np.int64]:
        """The rows (m, count) nearest by their upper bytes; -1 where there are fewer."""
        largest = np.abs(probes).max(axis=1, keepdims=True)
        whole = np.rint(probes * (127 / np.maximum(largest, 1e-12)))  # faiss cuts a probe's decimals off
        if among is None:
            return self._faiss.search(whole, count)[1]  # type: ignore[no-any-return]
        if len(among) * WORTH_COPYING < self.used:
            part = FixedPointRows(self.size, len(among))
            # "clip": otherwise numpy takes them into an array of its own first, which nobody overwrites.
            np.take(self._upper, among, axis=0, out=part.begin(len(among))[0], mode="clip")
            inside = part._faiss.search(whole, count)[1]
            return np.where(inside < 0, -1, among[inside])
        return self._faiss.search(whole, count, params=self._only(among))[1]  # type: ignore[no-any-return]

    def _only(self, rows: NDArray[np.intp]) -> Any:
        """What makes faiss look at these rows alone, where they lie."""
        faiss: Any = import_module("faiss")  # its types do not know that it takes arrays
        mask = np.zeros(-(-self.used // 8) * 8, np.bool_)
        mask[rows] = True
        return faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little")))

    def vectors(self, rows: NDArray[np.integer]) -> Array:
        """Rows as float32, (n, size)."""
        found: Array = self._upper[rows].astype(np.float32)
        found -= ZERO + 0.5
        found += self._lower[rows].astype(np.float32) / 256
        found /= self._scale
        return found

    def __del__(self) -> None:
        # The allocator reuses the memory: no template must be left in it.
        if hasattr(self, "_lower"):
            self._upper[:] = ZERO
            self._lower[:] = 0
