"""Reads columns of a CSV file as arrays."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path


class DatasetError(ValueError):
    """A file that cannot be used; the message says which row and what to do."""


def read_columns(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, list[str]]:
    """The named columns of a CSV file (gzip by its first bytes), as text; other columns are left out.

    Raises:
        DatasetError: no such file, not text, empty, a column missing, or a row of another length.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: there is no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text") from error
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise DatasetError(f"{path}: is not CSV ({error})") from error
    if not rows or not rows[0]:
        raise DatasetError(f"{path}: is empty; a header line with {', '.join(required)} is needed")
    header, rows = rows[0], [row for row in rows[1:] if row]
    missing = [name for name in required if name not in header]
    if missing:
        raise DatasetError(f"{path}: column {missing[0]!r} is missing; it has {', '.join(header)}")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DatasetError(f"{path}: row {number} has {len(row)} values, the header has {len(header)}")
    columns = dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    return {name: columns.get(name, []) for name in (*required, *optional) if name in header}
