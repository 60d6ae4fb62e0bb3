"""Many templates in half the memory: cosines of 16-bit floats, computed by faiss over rows that never move.

A row is written, overwritten with zeros and used again in place. So a search needs no lock against an enrolment or
an opt-out, and no byte of a deleted template stays. (faiss' own `remove_ids` moves the rows that follow, and the
bytes of the last one stay in memory.)
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
WORTH_COPYING = 200
"""A part of fewer rows than one in so many is copied and searched: faster than passing over all the others."""


class Fp16Rows:
    """Room for `capacity` rows of `size` numbers; `used` of them are searched. Threads may search while one
    writes.

    faiss is built with "SQfp16" and the inner product: of unit vectors, their cosine, to about 3 digits.
    """

    def __init__(self, size: int, capacity: int) -> None:
        import faiss  # 60 MB of libraries: for large galleries only

        faiss.omp_set_num_threads(1)
        self.size = size
        self.capacity = capacity
        self._faiss = faiss.IndexScalarQuantizer(size, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        # All memory at once: from here on the codes never move, and rows beyond `ntotal` are not searched.
        self._faiss.codes.resize(capacity * self._faiss.code_size)
        codes = faiss.rev_swig_ptr(self._faiss.codes.data(), capacity * self._faiss.code_size)
        self._rows: NDArray[np.float16] = codes.view(np.float16).reshape(capacity, size)

    @property
    def used(self) -> int:
        """Rows that are searched, cleared ones among them."""
        return int(self._faiss.ntotal)

    @property
    def halves(self) -> NDArray[np.float16]:
        """The rows that are used, as they are kept."""
        return self._rows[: self.used]

    def put(self, rows: Sequence[int] | NDArray[np.intp], vectors: Array) -> None:
        """Write `vectors` (n, size) into `rows` (n,), all of them below `capacity`."""
        if len(rows):
            self._rows[rows] = vectors
            self._faiss.ntotal = max(self.used, int(np.max(rows)) + 1)

    def begin(self, count: int) -> NDArray[np.float16]:
        """The first `count` rows of an empty one, to be written as they are kept; they are searched already."""
        self._faiss.ntotal = count
        return self._rows[:count]

    def clear(self, rows: Sequence[int] | NDArray[np.intp]) -> None:
        """Overwrite rows with zeros: from now on their cosine is 0 with everybody."""
        self._rows[rows] = 0

    def grown(self, capacity: int) -> Fp16Rows:
        """A copy with more room; a thread that still searches this one may go on."""
        larger = Fp16Rows(self._rows.shape[1], capacity)
        larger._rows[: self.used] = self._rows[: self.used]
        larger._faiss.ntotal = self._faiss.ntotal
        return larger

    def part(self, rows: NDArray[np.intp]) -> Fp16Rows:
        """A copy of these rows, in their order, to be searched once. It is overwritten when it is dropped."""
        part = Fp16Rows(self.size, len(rows))
        np.take(self._rows, rows, axis=0, out=part._rows)
        part._faiss.ntotal = len(rows)
        return part

    def nearest(
        self, probes: Array, count: int, among: NDArray[np.intp] | None = None
    ) -> tuple[Array, NDArray[np.int64]]:
        """Cosines (m, count) and rows (m, count) nearest to `probes` (m, size), nearest first; row -1 where there
        are fewer. `among` are the only rows to look at."""
        probes = np.ascontiguousarray(probes, np.float32)
        if among is None:
            cosines, rows = self._faiss.search(probes, count)
            return cosines, rows
        if len(among) * WORTH_COPYING < self.used:
            cosines, inside = self.part(among).nearest(probes, count)
            return cosines, np.where(inside < 0, -1, among[inside])
        cosines, rows = self._faiss.search(probes, count, params=self._only(among))
        return cosines, rows

    def _only(self, rows: NDArray[np.intp]) -> Any:
        """What makes faiss look at these rows alone, where they lie."""
        faiss: Any = import_module("faiss")  # its types do not know that it takes arrays
        mask = np.zeros(-(-self.used // 8) * 8, np.bool_)
        mask[rows] = True
        return faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little")))

    def vectors(self, rows: NDArray[np.integer]) -> Array:
        """Rows as float32, (n, size)."""
        found: Array = self._rows[rows].astype(np.float32)
        return found

    def __del__(self) -> None:
        # The allocator reuses the memory: no template must be left in it.
        if hasattr(self, "_rows"):
            self._rows[:] = 0
