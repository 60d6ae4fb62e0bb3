"""The customers of a gallery's rows, as bytes side by side: a third of what as many texts take, in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

ID_BYTES = 32  # of a customer id; a longer one widens all


class Names(Sequence[str | None]):
    """Customer ids by row; None for a row that is free. What changes it makes another one: a snapshot keeps its
    own."""

    __slots__ = ("_ids",)

    def __init__(self, ids: NDArray[np.bytes_] | None = None) -> None:
        self._ids = np.zeros(0, f"S{ID_BYTES}") if ids is None else ids

    @property
    def array(self) -> NDArray[np.bytes_]:
        """The ids (n,), empty where a row is free."""
        return self._ids

    def put(self, rows: NDArray[np.intp], names: Sequence[str]) -> Names:
        """With `names` in `rows`, which may lie beyond the end."""
        encoded = np.array([name.encode() for name in names])
        size = max(len(self._ids), int(np.max(rows)) + 1)
        ids = np.zeros(size, f"S{max(self._ids.itemsize, encoded.itemsize)}")
        ids[: len(self._ids)] = self._ids
        ids[rows] = encoded
        return Names(ids)

    def without(self, rows: NDArray[np.intp]) -> Names:
        """With these rows free."""
        ids = self._ids.copy()
        ids[rows] = b""
        return Names(ids)

    def only(self, rows: NDArray[np.intp]) -> Names:
        """These rows alone, in their order."""
        return Names(self._ids[rows])

    def index(self, name: object, start: int = 0, stop: int | None = None) -> int:
        """The row of a customer. Raises ValueError."""
        found = np.flatnonzero(self._ids[start:stop] == _encoded(name))
        if not len(found) or not name:
            raise ValueError(f"{name!r} is not in the gallery")
        return start + int(found[0])

    def __contains__(self, name: object) -> bool:
        return bool(name) and bool((self._ids == _encoded(name)).any())

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, row: int) -> str | None: ...

    @overload
    def __getitem__(self, row: slice) -> Names: ...

    def __getitem__(self, row: int | slice) -> str | Names | None:
        if isinstance(row, slice):
            return Names(self._ids[row])
        return self._ids[row].decode() or None

    def __iter__(self) -> Iterator[str | None]:
        return (one.decode() or None for one in self._ids.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def _encoded(name: object) -> bytes:
    return name.encode() if isinstance(name, str) else b"\0"
