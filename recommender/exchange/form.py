"""How a CSV file is written: its encoding and its delimiter, by what is in it.

Both are found by what only the right answer can explain, and not by likelihood: bytes that are UTF-8 are UTF-8,
and the delimiter is the one that makes known columns of the first line.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from plumbing import columns
from recommender.errors import FileUnreadable

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
CHUNK = 2**20
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with its mark", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
NOT_IN_1252 = (b"\x00", b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d", b"\xff\xfe", b"\xfe\xff")
"""No text of a Windows program holds these: bytes without a letter, and the marks of UTF-16."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written."""

    encoding: str = "utf-8"  # a codec's name
    delimiter: str = ","

    def __str__(self) -> str:
        return f"{NAMES[self.encoding]}, separated by {DELIMITERS[self.delimiter]}"


def plain(name: str) -> str:
    """A column's name as it is compared: "Item ID " and "item_id" are one."""
    return "_".join(unicodedata.normalize("NFC", name).casefold().split())


def look(path: Path, known: Callable[[Sequence[str]], int]) -> Form:
    """The form of a CSV file; `known` says how many names of a header (`plain`) are known columns.

    Raises:
        FileUnreadable: no such file, or no text in UTF-8, UTF-16 or Windows-1252.
    """
    encoding = encoding_of(path)

    def score(delimiter: str) -> tuple[int, int]:
        header = first_row(path, Form(encoding, delimiter))
        return known([plain(name) for name in header]), len(header)

    return Form(encoding, max(DELIMITERS, key=score))


def first_row(path: Path, form: Form) -> list[str]:
    """The header as it stands in the file. Raises FileUnreadable."""
    try:
        rows = columns.each_row(path, strict=False, encoding=form.encoding, delimiter=form.delimiter)
        return next((row for row in rows if any(map(str.strip, row))), [])
    except columns.DatasetError as error:
        raise FileUnreadable(f"{error}.") from error
    except csv.Error:  # the delimiter of another file
        return []


def encoding_of(path: Path) -> str:
    """The codec of a file. All of it is read: the first umlaut may stand at its end.

    Raises:
        FileUnreadable: no such file, or none of the three.
    """
    try:
        with _bytes(path) as file:
            begins = file.read(3)
            marked = next((name for mark, name in MARKS if begins.startswith(mark)), "")
            file.seek(0)
            if marked == "utf-16" or _decodes(file, "utf-8"):
                return marked or "utf-8"
            file.seek(0)
            if not marked and not _holds(file, NOT_IN_1252):
                return "cp1252"
    except FileNotFoundError as error:
        raise FileUnreadable(f"{path.name}: there is no such file.") from error
    except (OSError, EOFError) as error:
        raise FileUnreadable(f"{path.name} cannot be read ({error}).") from error
    raise FileUnreadable(f"{path.name} is not text in UTF-8, UTF-16 or Windows-1252. Save it as CSV UTF-8.")


def _bytes(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path) if columns.is_gzip(path) else path.open("rb"))


def _decodes(file: BinaryIO, codec: str) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        while chunk := file.read(CHUNK):
            if "\0" in decoder.decode(chunk):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _holds(file: BinaryIO, parts: Sequence[bytes]) -> bool:
    while chunk := file.read(CHUNK):
        if any(part in chunk for part in parts):
            return True
    return False
