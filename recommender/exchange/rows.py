"""Reads rows from CSV and JSON lines, typed by their columns; wrong rows are named by number and column."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from plumbing import json_limits
from plumbing.columns import MOST_OF_A_ROW
from recommender.errors import BadRows, FileUnreadable, RowProblem
from recommender.exchange.reading import Reading
from recommender.exchange.sheets import NONE as NONE
from recommender.exchange.sheets import REQUIRED as REQUIRED
from recommender.exchange.sheets import OnWrong, Seen, csv_rows, problem_of
from recommender.exchange.sheets import What as What
from recommender.exchange.understood import LeftOut, Row, WrongCell, refund

TEXT = (".csv", ".tsv", ".txt")


def is_csv(path: Path) -> bool:
    """By the name: .csv, .tsv or .txt, or .jsonl / .ndjson / .json.

    Raises:
        FileUnreadable: another ending.
    """
    ending = path.suffix.lower()
    if ending not in (*TEXT, ".jsonl", ".ndjson", ".json"):
        raise FileUnreadable(f"{path.name}: a file ends in .csv or .jsonl. Save a spreadsheet as CSV UTF-8.")
    return ending in TEXT


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


def each_row(
    path: Path, what: What, on_wrong: OnWrong, seen: Seen | None = None, reading: Reading | None = None
) -> Iterator[tuple[int, Row]]:
    """Row numbers and rows, one by one; in CSV typed by their column, empty cells left out.

    Args:
        on_wrong: gets each row that cannot be read, or a part of it; what could be read is given after that.
        seen: gets how many letters were read, now and then.
        reading: how the file is to be read; gets what was found in it.

    Raises:
        FileUnreadable: not CSV or JSON lines, or a required column is missing.
    """
    reading = reading or Reading()
    found = csv_rows(path, what, on_wrong, seen, reading) if is_csv(path) else _json_rows(path, on_wrong, seen)
    for number, row in found:
        stored = event_row(number, row, on_wrong, reading) if what == "events" else row
        if stored is not None:
            reading.take(stored)
            yield number, stored


def event_row(number: int, row: Row, on_wrong: OnWrong, reading: Reading) -> Row | None:
    """The row of an event as it is stored. None: it is left out, and counted."""
    stored = _of_an_order(number, row, on_wrong, reading)
    if isinstance(stored, LeftOut):
        reading.leave_out(number, stored)
        return None
    return stored


def _of_an_order(number: int, row: Row, on_wrong: OnWrong, reading: Reading) -> Row | LeftOut:
    """The row of an event with its time by the clock on the wall. A line of less than none was taken back."""
    if reading.options.site and not row.get("site"):
        row["site"] = reading.options.site
    if not reading.source and isinstance(text := row.get("occurred_at"), str):
        try:
            row["occurred_at"] = reading.moment("occurred_at", text, str(row.get("site", "")))
        except WrongCell as error:
            on_wrong(problem_of(number, error))
    n, price = row.get("quantity"), row.get("price")
    if row.get("type") == "ordered" and isinstance(n, int) and n < 0 and "items" not in row:
        back = row | {"quantity": -n} | ({"price": abs(price)} if isinstance(price, int) else {})
        return refund(back)
    return row


# --- JSON lines --------------------------------------------------------------------------------------


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
