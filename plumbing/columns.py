"""The one reader of CSV files: `each_row` one by one, `read_table` all rows, `read_columns` named columns."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

GZIP = b"\x1f\x8b"  # how a gzip file begins


_FORMULA = "=+\\-@\uff1d\uff0b\uff0d\uff20\t\r\n"
_TO_ESCAPE = re.compile(rf"\s*['{_FORMULA}]")
_ESCAPED = re.compile(rf"'\s*['{_FORMULA}]")


def escaped(text: str) -> str:
    """The text of a CSV cell that no spreadsheet takes for a formula: a quote is put in front of one."""
    return f"'{text}" if _TO_ESCAPE.match(text) else text


def unescaped(text: str) -> str:
    """The inverse of `escaped`. What never was escaped stays, but for a quote in front of a formula."""
    return text[1:] if _ESCAPED.match(text) else text


class DatasetError(ValueError):
    """A file that cannot be used; the message says which row and what to do."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A CSV file as text: the header (k names), and rows that may have more or fewer cells than it."""

    header: list[str]
    rows: list[list[str]]


MOST_OF_A_ROW = 2**20
"""Letters of one row. Where a quote is never closed, a "row" is the rest of the file."""


def each_row(
    path: Path,
    *,
    strict: bool = True,
    seen: Callable[[int], None] | None = None,
    encoding: str = "utf-8-sig",
    delimiter: str = ",",
    blank: bool = False,
) -> Iterator[list[str]]:
    """The rows of a CSV file, plain or gzipped, one by one: the header first, blank lines are left out.

    One row at a time is in memory. `seen` gets how many letters were read, now and then. Without `strict`, text
    behind a closing quote is accepted; with `blank`, a blank line is an empty row.

    Raises:
        DatasetError: no such file, not readable, not text of this encoding or not CSV, or a row of more than
            MOST_OF_A_ROW letters.
    """
    try:
        with _opened(path, encoding) as file:
            lines = _Lines(file, path, seen)
            for place, row in enumerate(csv.reader(lines, strict=strict, delimiter=delimiter)):
                lines.of_this_row = 0
                if row or blank or not place:
                    yield row
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: there is no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from error
    except UnicodeError as error:
        raise DatasetError(f"{path}: is not {encoding.removesuffix('-sig').upper()} text") from error
    except csv.Error as error:
        raise DatasetError(f"{path}: is not CSV ({error})") from error


def is_gzip(path: Path) -> bool:
    """By its first bytes."""
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _opened(path: Path, encoding: str) -> TextIO:
    if is_gzip(path):
        return cast("TextIO", gzip.open(path, "rt", encoding=encoding))
    return path.open(encoding=encoding)


class _Lines:
    """Lines of a file for the CSV reader, and how long the row is that it is reading."""

    def __init__(self, file: TextIO, path: Path, seen: Callable[[int], None] | None) -> None:
        self._file, self._path, self._seen = file, path, seen
        self._letters = self._told = 0
        self.of_this_row = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(MOST_OF_A_ROW + 1):
            self._letters += len(line)
            self.of_this_row += len(line)
            if self.of_this_row > MOST_OF_A_ROW:
                raise DatasetError(f"{self._path}: has a row of more than {MOST_OF_A_ROW:,} letters")
            if self._seen is not None and self._letters - self._told > MOST_OF_A_ROW:
                self._told = self._letters
                self._seen(self._letters)
            yield line


def read_table(path: Path, *, strict: bool = True) -> CsvTable:
    """All cells of a CSV file, as `each_row` reads them. An empty file has no header and no rows.

    Raises:
        DatasetError: as `each_row`.
    """
    rows = list(each_row(path, strict=strict))
    return CsvTable(rows[0], rows[1:]) if rows else CsvTable([], [])


def read_columns(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, list[str]]:
    """The named columns of a CSV file, as text, (n,) each; other columns are left out.

    Raises:
        DatasetError: as `read_table`; or empty, a column missing, or a row of another length.
    """
    table = read_table(path)
    header, rows = table.header, table.rows
    if not header:
        raise DatasetError(f"{path}: is empty; a header line with {', '.join(required)} is needed")
    missing = [name for name in required if name not in header]
    if missing:
        raise DatasetError(f"{path}: column {missing[0]!r} is missing; it has {', '.join(header)}")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DatasetError(f"{path}: row {number} has {len(row)} values, the header has {len(header)}")
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    return {name: columns.get(name, []) for name in (*required, *optional) if name in header}
