"""Reads rows from CSV and JSON lines, with the types of their columns; wrong rows are named by their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TextIO

from plumbing import columns, json_limits
from plumbing.columns import MOST_OF_A_ROW, unescaped
from recommender.errors import BadRows, FileUnreadable, RowProblem
from recommender.exchange.item_columns import put_by_language, read_options

What = Literal["items", "places", "offers", "events"]
Row = dict[str, object]

# How the cells of a CSV column are read; all others are text.
LISTS = frozenset({"dayparts", "allergens", "tags", "sites"})  # separated by |
FLAGS = frozenset({"available", "sensitive"})
WHOLE_NUMBERS = frozenset({"price", "quantity", "line"})
NUMBERS = frozenset({"lat", "lon", "pickup_lat", "pickup_lon"})

NONE = "none"
"""In the column of allergens: it has none of them. An empty cell says that nobody knows."""

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


OnWrong = Callable[[RowProblem], object]
Seen = Callable[[int], None]


def read_rows(path: Path, what: What) -> Iterator[tuple[int, Row]]:
    """`each_row`; what is wrong comes at the end.

    Raises:
        FileUnreadable: as `each_row`.
        BadRows: names every row that cannot be read, after the last good one.
    """
    wrong: list[RowProblem] = []
    yield from each_row(path, what, wrong.append)
    if wrong:
        raise BadRows(wrong)


def each_row(path: Path, what: What, on_wrong: OnWrong, seen: Seen | None = None) -> Iterator[tuple[int, Row]]:
    """Row numbers and rows, one by one; in CSV typed by their column, empty cells left out.

    Args:
        on_wrong: gets each row that cannot be read, or a part of it; what could be read is given after that.
        seen: gets how many letters were read, now and then.

    Raises:
        FileUnreadable: not UTF-8 CSV or JSON lines, or a required column is missing.
    """
    yield from _csv_rows(path, what, on_wrong, seen) if is_csv(path) else _json_rows(path, on_wrong, seen)


def _csv_rows(path: Path, what: What, on_wrong: OnWrong, seen: Seen | None) -> Iterator[tuple[int, Row]]:
    try:
        rows = columns.each_row(path, strict=False, seen=seen)
        header = next(rows, [])
        missing = [name for name in REQUIRED[what] if name not in header]
        if missing:
            raise FileUnreadable(f"{path.name} lacks the columns {', '.join(missing)}.", columns=missing)
        for number, cells in enumerate(rows, start=2):
            if len(cells) != len(header):
                on_wrong(RowProblem(number, "has more or fewer cells than the header"))
                continue
            typed, messages = _typed(dict(zip(header, cells, strict=True)), what)
            for message in messages:
                on_wrong(RowProblem(number, message))
            yield number, typed
    except columns.DatasetError as error:
        raise FileUnreadable(f"{error}.") from error


def _typed(row: Mapping[str, str], what: What) -> tuple[Row, list[str]]:
    """The values of the cells that are not empty, and what is wrong with those that cannot be read."""
    typed: Row = {}
    messages: list[str] = []
    for name, cell in row.items():
        text = unescaped(cell.strip())
        if not text:
            continue
        try:
            if what != "events" and put_by_language(typed, name, text):
                continue
            typed[name] = text if what == "offers" else _value(name, text)
        except ValueError:
            messages.append(f"{name}: {text!r} cannot be read")
    return typed, messages


def _value(column: str, text: str) -> object:
    """Raises ValueError: not what the column holds."""
    if column == "allergens" and text.lower() == NONE:
        return []
    if column == "options":
        return read_options(text)
    if column in LISTS:
        return [part.strip() for part in text.split("|") if part.strip()]
    if column in FLAGS:
        if text.lower() not in TRUE + FALSE:
            raise ValueError(text)
        return text.lower() in TRUE
    if column in WHOLE_NUMBERS:
        return int(text)
    return float(text) if column in NUMBERS else text


def _json_rows(path: Path, on_wrong: OnWrong, seen: Seen | None) -> Iterator[tuple[int, Row]]:
    letters = reported = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in _lines(file):
                letters += len(line)
                if seen is not None and letters - reported > MOST_OF_A_ROW:
                    reported = letters
                    seen(letters)
                row = _json_row(line)
                if isinstance(row, str):
                    on_wrong(RowProblem(number, row))
                elif row is not None:
                    yield number, row
    except FileNotFoundError as error:
        raise FileUnreadable(f"{path.name}: there is no such file.") from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(f"{path.name} is not UTF-8 text.") from error


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Numbers and lines; of one that is too long its beginning, which is too long as well."""
    number = 0
    while line := file.readline(MOST_OF_A_ROW + 1):
        number += 1
        rest = line
        while len(rest) > MOST_OF_A_ROW and not rest.endswith("\n"):
            rest = file.readline(MOST_OF_A_ROW + 1)
        yield number, line


def _json_row(line: str) -> Row | str | None:
    """The object of a line, what is wrong with it, or None for a blank one."""
    if len(line) > MOST_OF_A_ROW:
        return f"is longer than {MOST_OF_A_ROW:,} letters"
    if not line.strip():
        return None
    try:
        row = json_limits.read(line)
    except ValueError as error:
        return f"is not JSON: {error}"
    return row if isinstance(row, dict) else "is not a JSON object"
