"""The one reader of CSV files. `read_table` gives rows, `read_columns` gives named columns."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


def read_table(path: Path, *, strict: bool = True) -> CsvTable:
    """All cells of a CSV file, plain or gzipped; blank lines are left out.

    An empty file has no header and no rows. Without `strict`, text behind a closing quote is accepted.

    Raises:
        DatasetError: no such file, not readable, not UTF-8 text or not CSV.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if content.startswith(GZIP) else content).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: there is no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text") from error
    try:
        rows = list(csv.reader(io.StringIO(text, newline=None), strict=strict))
    except csv.Error as error:
        raise DatasetError(f"{path}: is not CSV ({error})") from error
    if not rows:
        return CsvTable([], [])
    return CsvTable(rows[0], [row for row in rows[1:] if row])


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
