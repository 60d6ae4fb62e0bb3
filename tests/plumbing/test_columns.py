"""The one reader of CSV files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from plumbing.columns import CsvTable, DatasetError, read_columns, read_table


def file(folder: Path, content: bytes) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_table_is_read_plain_or_gzipped(tmp_path: Path, compress: type[bytes]) -> None:
    content = '\ufeffitem,name\r\n1,"Soup, hot"\r\n\r\n2\n'.encode()

    assert read_table(file(tmp_path, compress(content))) == CsvTable(["item", "name"], [["1", "Soup, hot"], ["2"]])


def test_an_empty_file_is_an_empty_table_and_has_no_columns(tmp_path: Path) -> None:
    assert read_table(file(tmp_path, b"")) == CsvTable([], [])
    with pytest.raises(DatasetError, match="is empty; a header line with item is needed"):
        read_columns(file(tmp_path, b""), ("item",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"item\n\xff\n", "is not UTF-8 text"),
        (gzip.compress(b"item\n1\n", mtime=0)[:-9], "cannot be read"),
        (b'item\n"1" 2\n', "is not CSV"),
        (b"name\nSoup\n", "column 'item' is missing; it has name"),
        (b"item,name\n1\n", "row 2 has 1 values, the header has 2"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        read_columns(file(tmp_path, content), ("item",))


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such file"):
        read_table(tmp_path / "nothing.csv")


def test_columns_are_picked_by_name(tmp_path: Path) -> None:
    path = file(tmp_path, b"name,item,price\nSoup,1,400\n")

    assert read_columns(path, ("item",), ("price", "day")) == {"item": ["1"], "price": ["400"]}


def test_text_behind_a_closing_quote_is_read_where_that_is_wanted(tmp_path: Path) -> None:
    assert read_table(file(tmp_path, b'item\n"1" 2\n'), strict=False).rows == [["1 2"]]
