"""Reads rows from CSV and JSON lines, with types checked and errors named by row."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from sqlite_utils.utils import Format, RowError, rows_from_file

from recommender.errors import (
    FileUnreadable,
    ImportRefused,
)
from recommender.errors import RowError as WrongRow

What = Literal["items", "places", "offers", "events"]


LISTS = frozenset({"dayparts", "allergens", "tags", "sites"})


FLAGS = frozenset({"available", "sensitive"})


NUMBERS = frozenset({"price", "quantity"})


REALS = frozenset({"lat", "lon", "pickup_lat", "pickup_lon"})


NEEDED: Mapping[What, tuple[str, ...]] = {
    "items": ("item_id", "name", "price"),
    "places": ("item_id", "name", "lat", "lon"),
    "offers": ("offer_id", "name"),
    "events": ("event_id", "type", "occurred_at", "item_id"),
}


Row = dict[str, Any]


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
        FileUnreadable, ImportRefused: as `import_file`.
    """
    csv_file = is_csv(path)
    try:
        yield from _csv_rows(path, what) if csv_file else _json_rows(path)
    except FileNotFoundError as error:
        raise FileUnreadable(f"{path.name}: there is no such file.") from error
    except UnicodeDecodeError as error:
        raise FileUnreadable(f"{path.name} is not UTF-8 text.") from error
    except (csv.Error, RowError) as error:
        raise FileUnreadable(f"{path.name} is not CSV: {error}.") from error


def _csv_rows(path: Path, what: What) -> Iterator[tuple[int, Row]]:
    _check_header(path, what)
    with path.open("rb") as file:
        rows, _ = rows_from_file(file, format=Format.CSV, encoding="utf-8-sig", extras_key="\0")
        wrong: list[WrongRow] = []
        for number, row in enumerate(rows, start=2):
            if "\0" in row or None in row.values():
                wrong.append(WrongRow(number, "has more or fewer cells than the header"))
                continue
            typed, bad = _typed(row, what)
            wrong += [WrongRow(number, message) for message in bad]
            yield number, typed
        if wrong:
            raise ImportRefused(wrong)


def _check_header(path: Path, what: What) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    missing = [name for name in NEEDED[what] if name not in header]
    if missing:
        raise FileUnreadable(f"{path.name} lacks the columns {', '.join(missing)}.", columns=missing)


def _typed(row: Mapping[str, Any], what: What) -> tuple[Row, list[str]]:
    typed: Row = {}
    bad: list[str] = []
    for name, cell in row.items():
        text = str(cell).strip()
        if not text:
            continue
        try:
            typed[name] = text if what == "offers" else _cell(name, text)
        except ValueError:
            bad.append(f"{name}: {text!r} cannot be read")
    return typed, bad


def _cell(name: str, text: str) -> Any:
    if name in LISTS:
        return [part.strip() for part in text.split("|") if part.strip()]
    if name in FLAGS:
        flags = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if text.lower() not in flags:
            raise ValueError(text)
        return flags[text.lower()]
    if name in NUMBERS:
        return int(text)
    return float(text) if name in REALS else text


def _json_rows(path: Path) -> Iterator[tuple[int, Row]]:
    wrong: list[WrongRow] = []
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                wrong.append(WrongRow(number, f"is not JSON: {error}"))
                continue
            if isinstance(row, dict):
                yield number, row
            else:
                wrong.append(WrongRow(number, "is not a JSON object"))
    if wrong:
        raise ImportRefused(wrong)
