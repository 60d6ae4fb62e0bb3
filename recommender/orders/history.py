"""Order histories from CSV files, checked: an error names the row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plumbing.columns import DatasetError, read_columns
from recommender.orders.questions import DAY_US
from recommender.orders.signals.crowd import merge_repeats
from recommender.ranking.interactions import NO_TIME, Interactions

REQUIRED = ("customer", "order_index")
OPTIONAL = ("order_id", "timestamp", "day", "region", "site", "quantity")


def _whole_numbers(path: Path, name: str, values: Sequence[str]) -> NDArray[np.int64]:
    try:
        return np.array([int(value) for value in values], np.int64)
    except (ValueError, OverflowError):
        return _by_row(path, name, values, int, "a whole number").astype(np.int64)


def _by_row(
    path: Path, name: str, values: Sequence[str], parse: Callable[[str], float], needed: str
) -> NDArray[np.float64]:
    """Parses one by one, so that the first bad row can be named."""
    parsed = np.empty(len(values), np.float64)
    for number, value in enumerate(values, start=2):
        try:
            parsed[number - 2] = parse(value)
        except (ValueError, OverflowError):
            raise DatasetError(f"{path}: row {number}: {name} {value!r} is not {needed}") from None
    return parsed


def _clock(path: Path, values: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """Microseconds UTC, and the hour and weekday of the clock as written (the place's own time).

    Timestamps may have different offsets; without any they are taken as UTC. A mixture is refused: the order
    of such events is unknown.
    """
    distinct, first, inverse = np.unique(np.array(values, np.str_), return_index=True, return_inverse=True)
    parsed: list[datetime] = []
    for value, row in zip(distinct.tolist(), first.tolist(), strict=True):
        try:
            parsed.append(datetime.fromisoformat(value))
        except ValueError:
            raise DatasetError(
                f"{path}: row {row + 2}: timestamp {value!r} is not ISO 8601, such as 2026-11-23T12:30:00+01:00"
            ) from None
    aware = [when.tzinfo is not None for when in parsed]
    if any(aware) and not all(aware):
        row = int(first[aware.index(False)]) + 2
        raise DatasetError(f"{path}: row {row}: a timestamp without a zone among timestamps with one")
    stamps = [when if when.tzinfo else when.replace(tzinfo=UTC) for when in parsed]
    return {
        "time_us": np.array([round(when.timestamp() * 1e6) for when in stamps], np.int64)[inverse],
        "hour": np.array([when.hour + when.minute / 60 for when in parsed], np.float32)[inverse],
        "weekday": np.array([when.weekday() for when in parsed], np.int8)[inverse],
    }


def _moment(path: Path, columns: dict[str, list[str]]) -> dict[str, NDArray[np.generic]]:
    """What is known about when: from `timestamp`, else from `day` (a whole number), else nothing."""
    n = len(columns["customer"])
    if columns.get("timestamp"):
        return _clock(path, columns["timestamp"])
    hour = np.full(n, np.nan, np.float32)
    if columns.get("day"):
        day = _whole_numbers(path, "day", columns["day"])
        if n and np.abs(day).max() > 10_000_000:
            row = int(np.argmax(np.abs(day))) + 2
            raise DatasetError(f"{path}: row {row}: day {day[row - 2]} is out of range")
        return {"time_us": day * DAY_US, "hour": hour, "weekday": (day % 7).astype(np.int8)}
    return {"time_us": np.full(n, NO_TIME), "hour": hour, "weekday": np.full(n, -1, np.int8)}


def _sequence(order_index: NDArray[np.int64], order_id: Sequence[str] | None) -> NDArray[np.int64]:
    """A number for each row that sorts orders by index and separates two orders with the same index."""
    if not order_id:
        return order_index
    _, code = np.unique(np.array(order_id, np.str_), return_inverse=True)
    _, sequence = np.unique(np.stack([order_index, code]), axis=1, return_inverse=True)
    return np.asarray(sequence, np.int64).ravel()


def read_history(path: Path, requests: Path | None = None) -> tuple[Interactions, Interactions]:
    """Orders from a CSV file: (history, the orders to predict), under one set of vocabularies.

    Columns: customer, order_index, item and optionally order_id, timestamp, day, region, site, quantity.
    `order_index` may have gaps; two orders with the same index follow their ids. `requests` has the same
    columns without item, one row for each order to predict; its rows have item -1.

    Raises:
        DatasetError: something is missing or wrong; the message names file, row and column.
    """
    columns = read_columns(path, (*REQUIRED, "item"), OPTIONAL)
    parts = [_part(path, columns)]
    if requests is not None:
        questions = read_columns(requests, ("customer",), ("order_index", *OPTIONAL))
        n = len(questions["customer"])
        if not questions.get("order_index"):
            questions["order_index"] = ["0"] * n
        parts.append(_part(requests, questions | {"item": [""] * n}))
        parts[1]["order"] = np.full(n, np.iinfo(np.int64).max)
    names = [name for name in parts[0] if all(name in part for part in parts)]
    both = Interactions.from_columns({name: np.concatenate([part[name] for part in parts]) for name in names})
    return merge_repeats(both.where(both.item >= 0)), both.where(both.item < 0)


def _part(path: Path, columns: dict[str, list[str]]) -> dict[str, NDArray[np.generic]]:
    """One file's columns as arrays."""
    n = len(columns["customer"])
    for name in ("customer", "item"):
        empty = [i for i, value in enumerate(columns[name]) if not value]
        if empty and (name == "customer" or len(empty) < n):
            raise DatasetError(f"{path}: row {empty[0] + 2}: {name} is empty")
    index = _whole_numbers(path, "order_index", columns["order_index"])
    part: dict[str, NDArray[np.generic]] = {
        "customer": np.array(columns["customer"], np.str_),
        "item": np.array(columns["item"], np.str_),
        "order": _sequence(index, columns.get("order_id")),
        **_moment(path, columns),
    }
    for name in ("region", "site"):
        part[name] = np.array(columns.get(name) or [""] * n, np.str_)
    quantity = columns.get("quantity")
    numbers = _by_row(path, "quantity", quantity, float, "a number") if quantity else np.ones(n)
    if n and not (np.isfinite(numbers) & (numbers > 0)).all():
        row = int(np.argmin(np.isfinite(numbers) & (numbers > 0))) + 2
        raise DatasetError(f"{path}: row {row}: quantity must be a number above 0")
    part["quantity"] = numbers
    return part
