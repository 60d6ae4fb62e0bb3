"""Sorts more rows than fit into memory: in parts, which wait in files without a name until they are merged.

A file of this kind has no entry in any folder: it is gone when it is closed, or when the process ends, however it
ends. It lies on the disk of the state folder, which has to hold what is imported anyhow.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO, cast

from plumbing.storage import room

PART_BYTES = 16 * 2**20
"""Of rows as JSON; in memory they take about twice as much."""

OF_A_ROW = 250  # bytes that its key and the objects around it take beside its JSON
MOST_FILES = 64
"""Open at a time, of each size: so many are merged into one that is larger."""

TOGETHER = 32
"""Rows of one line of a file: reading one by one takes twice as long."""

Key = tuple[str, str, int]
Keyed = tuple[Key, Any]
_key = itemgetter(0)


class SortedRows:
    """Rows in the order of their keys, however many there are. Keys are different; text sorts by its letters.

    A row is what JSON can say, and nobody changes it afterwards. Closing it removes what is on the disk. OSError
    where there is no room: see `storage_is_named`.
    """

    def __init__(self, folder: Path, part_bytes: int = PART_BYTES) -> None:
        self._folder, self._part_bytes = folder, part_bytes
        self._part: list[Keyed] = []
        self._bytes = 0
        self._levels: list[list[TextIO]] = []

    def add(self, key: Key, row: Any) -> None:
        """Take in a row; it is given back as JSON has it."""
        self.add_all([(key, row)], len(json.dumps(row)))

    def add_all(self, rows: Sequence[Keyed], letters: int) -> None:
        """Take in rows that have about so many letters together."""
        self._part += rows
        self._bytes += letters + OF_A_ROW * len(rows)
        if self._bytes >= self._part_bytes:
            self._set_aside()

    def __iter__(self) -> Iterator[Keyed]:
        """All rows, sorted; as often as asked for, one pass after another."""
        self._part.sort(key=_key)
        parts = [_read(file) for files in self._levels for file in files]
        return merge(*parts, self._part, key=_key) if parts else iter(self._part)

    def close(self) -> None:
        """Forget all rows."""
        for file in (file for files in self._levels for file in files):
            file.close()
        self._levels, self._part, self._bytes = [], [], 0

    def _set_aside(self) -> None:
        self._part.sort(key=_key)
        new = self._written(self._part)
        self._part, self._bytes = [], 0
        for level in range(len(self._levels) + 1):
            if level == len(self._levels):
                self._levels.append([])
            files = self._levels[level]
            files.append(new)
            if len(files) < MOST_FILES:
                return
            new = self._written(merge(*map(_read, files), key=_key))
            for file in files:
                file.close()
            files.clear()

    def _written(self, rows: Iterable[Keyed]) -> TextIO:
        room.require(self._folder)
        file = tempfile.TemporaryFile("w+", dir=self._folder, encoding="ascii", newline="\n")  # noqa: SIM115 kept open
        left = iter(rows)
        while together := list(islice(left, TOGETHER)):
            file.write(f"{json.dumps(together)}\n")
        file.flush()
        return cast("TextIO", file)


def _read(file: TextIO) -> Iterator[Keyed]:
    file.seek(0)
    return ((tuple(key), row) for key, row in chain.from_iterable(map(json.loads, file)))
