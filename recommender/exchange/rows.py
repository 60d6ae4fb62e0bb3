"""Reads rows from CSV and JSON lines, with the types of their columns; wrong rows are named by their number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from plumbing import json_limits
from plumbing.columns import DatasetError, read_table, unescaped
from recommender.errors import BadRows, FileUnreadable, RowProblem

What = Literal["items", "places", "offers", "events"]
Row = dict[str, object]

# How the cells of a CSV column are read; all others are text.
LISTS = frozenset({"dayparts", "allergens", "tags", "sites"})  # separated by |
FLAGS = frozenset({"available", "sensitive"})
WHOLE_NUMBERS = frozenset({"price", "quantity"})
NUMBERS = frozenset({"lat", "lon", "pickup_lat", "pickup_lon"})

TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")

REQUIRED: Mapping[What, tuple[str, ...]] = {
    "items": ("item_id", "name", "price"),
    "places": ("item_id", "name", "lat", "lon"),
    "offers": ("offer_id", "name"),
    "events": ("event_id", "type", "occurred_at", "item_id"),
}
"""The columns that a CSV file of each kind must have."""


def is_csv(path: Path) -> bool:
    """By the name: .csv, or .jsonl / .ndjson / .json.

    Raises:
        FileUnreadable: another ending.
    """
    ending = path.suffix.lower()
    if ending not in (".csv", ".jsonl", ".ndjson", ".json"):
        raise FileUnreadable(f"{path.name}: a file ends in .csv or .jsonl.")
    return ending == ".csv"


def read_rows(path: Path, what: What) -> Iterator[tuple[int, Row]]:
    """Row numbers and rows; in CSV typed by their column, empty cells left out.

    Raises:
        FileUnreadable: not UTF-8 CSV or JSON lines, or a required column is missing.
        BadRows: names every row that cannot be read, after the last good one.
    """
    yield from _csv_rows(path, what) if is_csv(path) else _json_rows(path)


def _csv_rows(path: Path, what: What) -> Iterator[tuple[int, Row]]:
    try:
        table = read_table(path, strict=False)
    except DatasetError as error:
        raise FileUnreadable(f"{error}.") from error
    missing = [name for name in REQUIRED[what] if name not in table.header]
    if missing:
        raise FileUnreadable(f"{path.name} lacks the columns {', '.join(missing)}.", columns=missing)
    wrong: list[RowProblem] = []
    for number, cells in enumerate(table.rows, start=2):
        if len(cells) != len(table.header):
            wrong.append(RowProblem(number, "has more or fewer cells than the header"))
            continue
        typed, messages = _typed(dict(zip(table.header, cells, strict=True)), what)
        wrong += [RowProblem(number, message) for message in messages]
        yield number, typed
    if wrong:
        raise BadRows(wrong)


def _typed(row: Mapping[str, str], what: What) -> tuple[Row, list[str]]:
    """The values of the cells that are not empty, and what is wrong with those that cannot be read."""
    typed: Row = {}
    messages: list[str] = []
    for name, cell in row.items():
        text = unescaped(cell.strip())
        if not text:
            continue
        try:
            typed[name] = text if what == "offers" else _value(name, text)
        except ValueError:
            messages.append(f"{name}: {text!r} cannot be read")
    return typed, messages


def _value(column: str, text: str) -> object:
    """Raises ValueError: not what the column holds."""
    if column in LISTS:
        return [part.strip() for part in text.split("|") if part.strip()]
    if column in FLAGS:
        if text.lower() not in TRUE + FALSE:
            raise ValueError(text)
        return text.lower() in TRUE
    if column in WHOLE_NUMBERS:
        return int(text)
    return float(text) if column in NUMBERS else text


def _json_rows(path: Path) -> Iterator[tuple[int, Row]]:
    wrong: list[RowProblem] = []
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    row = json_limits.read(line)
                except ValueError as error:
                    wrong.append(RowProblem(number, f"is not JSON: {error}"))
                    continue
                if isinstance(row, dict):
                    yield number, row
                else:
                    wrong.append(RowProblem(number, "is not a JSON object"))
    except FileNotFoundError as error:
        raise FileUnreadable(f"{path.name}: there is no such file.") from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(f"{path.name} is not UTF-8 text.") from error
    if wrong:
        raise BadRows(wrong)
