"""Columns from whatever holds them: a mapping of arrays, or a frame of pandas or polars (neither is needed)."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

NO_TIME = np.iinfo(np.int64).min
"""Stands in `time_us` where a data set has an order of events but no clock. It is also numpy's NaT."""

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


@runtime_checkable
class DataFrame(Protocol):
    """What is used of a data frame: its column names, and each column's `to_numpy`."""

    @property
    def columns(self) -> Iterable[Any]: ...

    def __getitem__(self, name: Any, /) -> Any: ...


class Texts:
    """A column of texts as numbers: a million ids take a tenth of the memory of an array of them.

    `different` are the texts in the order in which they came, `codes` (n,) each row's place in it.
    """

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._codes = array("i")

    def extend(self, texts: Sequence[str]) -> None:
        """Add texts, each different one looked at once."""
        for text in dict.fromkeys(texts):
            self._places.setdefault(text, len(self._places))
        self._codes.extend(map(self._places.__getitem__, texts))

    def at(self, rows: NDArray[np.intp]) -> Texts:
        """The texts of some rows."""
        found = Texts()
        found._places, found._codes = self._places, array("i", self.codes[rows].tobytes())
        return found

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def shape(self) -> tuple[int]:
        return (len(self._codes),)

    @property
    def different(self) -> list[str]:
        return list(self._places)

    @property
    def codes(self) -> NDArray[np.int32]:
        return np.frombuffer(self._codes, np.int32) if self._codes else np.zeros(0, np.int32)


Columns = Mapping[str, ArrayLike | Texts] | DataFrame
"""Named columns of equal length."""


class MissingColumns(ValueError):
    """Columns that are needed and not there; `missing` and `found` name them."""

    def __init__(self, missing: Sequence[str], found: Iterable[str]) -> None:
        self.missing, self.found = tuple(missing), tuple(sorted(map(str, found)))
        names = ", ".join(map(repr, self.missing))
        what = f"a column {names}" if len(self.missing) == 1 else f"the columns {names}"
        super().__init__(f"the data need {what}; found {list(self.found)}")


def columns_of(data: Columns, needed: Collection[str] = ()) -> dict[str, Any]:
    """Each column as an array (n,), or as `Texts` where it is one.

    A missing value in a column of objects (None, NaN, NA) becomes "".

    Raises:
        MissingColumns: one of `needed` is not there.
        TypeError: `data` is neither a mapping nor a frame.
        ValueError: columns differ in length, or have more than one dimension.
    """
    if isinstance(data, Mapping):
        columns = {
            str(name): values if isinstance(values, Texts) else np.asarray(values) for name, values in data.items()
        }
    elif isinstance(data, DataFrame):
        columns = {str(name): np.asarray(data[name].to_numpy()) for name in data.columns}
    else:
        raise TypeError(f"expected columns by name (a mapping or a data frame), not {type(data).__name__}")
    if missing := [name for name in needed if name not in columns]:
        raise MissingColumns(missing, columns)
    lengths = {name: values.shape for name, values in columns.items()}
    first = next(iter(needed), next(iter(columns), ""))
    for name, shape in lengths.items():
        if len(shape) != 1:
            raise ValueError(f"column {name!r} must have one dimension, not {len(shape)}")
        if shape != lengths[first]:
            raise ValueError(f"column {name!r} has {shape[0]} rows, {first!r} has {lengths[first][0]}")
    return {
        name: _filled(values) if isinstance(values, np.ndarray) and values.dtype == object else values
        for name, values in columns.items()
    }


def _filled(values: NDArray[Any]) -> NDArray[Any]:
    filled = np.empty(len(values), object)
    filled[:] = ["" if _is_missing(value) else value for value in values]
    return filled


def _is_missing(value: object) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def clock_columns(time: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """`time_us`, `hour` and `weekday` (n,) from a column of times.

    Times are numpy datetimes, `datetime` objects or ISO 8601 texts. Without a zone they are taken as UTC; the hour
    and the weekday are those of the time as written. Missing times become NO_TIME, NaN and -1.

    Raises:
        ValueError: a text is no time.
    """
    if np.issubdtype(time.dtype, np.datetime64):
        utc = time.astype("datetime64[us]").astype(np.int64)
        wall = utc
    else:
        parsed = [_moment(value) for value in time.tolist()]
        utc = np.array([NO_TIME if when is None else _microseconds(when) for when in parsed], np.int64)
        wall = np.array(
            [NO_TIME if when is None else _microseconds(when.replace(tzinfo=UTC)) for when in parsed], np.int64
        )
    known = utc != NO_TIME
    hour = np.where(known, wall % DAY_US / HOUR_US, np.nan).astype(np.float32)
    weekday = np.where(known, (wall // DAY_US + 3) % 7, -1).astype(np.int8)  # 1970-01-01 was a Thursday
    return {"time_us": utc, "hour": hour, "weekday": weekday}


def _moment(value: object) -> datetime | None:
    if value in ("", None):
        return None
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"column 'time': {value!r} is not a time such as 2026-11-23T12:30:00+01:00") from None


def _microseconds(when: datetime) -> int:
    """Microseconds since 1970 UTC; a time without zone is taken as UTC."""
    difference = (when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (difference.days * 86_400 + difference.seconds) * 1_000_000 + difference.microseconds
