"""What others call the column of the id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recommender.errors import BadRows, FileUnreadable, RowProblem
from recommender.exchange.rows import each_row


@pytest.mark.parametrize("name", ["SKU", "sku", "ID", "PLU", "Item Number", "Artikelnummer", "品番"])
def test_the_only_one_is_taken(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, "items", f"{name},name,price\nsoup,Soup,640\n")[0]["item_id"] == "soup"


@pytest.mark.parametrize(
    ("what", "text", "why"),
    [
        (
            "items",
            "SKU,PLU,name,price\na,b,Soup,640\n",
            "SKU and PLU may be the id. Rename one",
        ),
        (
            "events",
            "event_id,type,occurred_at,id\ne,ordered,2026-11-20,a\n",
            "lacks the columns item",
        ),
    ],
)
def test_where_it_is_not_sure_the_file_says_it(tmp_path: Path, what: Any, text: str, why: str) -> None:
    with pytest.raises(FileUnreadable, match=why):
        read(tmp_path, what, text)


def test_our_own_name_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("item_id,name,price,id\nsoup,Soup,640,7\n")
    (row,) = [row for _, row in each_row(path, "items", pytest.fail)]  # type: ignore[arg-type]
    assert (row["item_id"], row["id"]) == ("soup", "7")


def read(folder: Path, what: Any, text: str) -> list[dict[str, Any]]:
    path = folder / "file.csv"
    path.write_text(text)
    return [row for _, row in each_row(path, what, lambda problem: pytest.fail(problem.message))]


def test_rows_with_one_cause_are_named_together() -> None:
    wrong = [RowProblem(n, "is wrong") for n in (2, 3, 4, 9)] + [RowProblem(5, "b: 'x' is odd", alike="odd")]
    wrong += [RowProblem(6, "b: 'y' is odd", alike="odd")]
    assert BadRows(wrong).detail == "rows 2-4, 9: is wrong; rows 5-6: b: 'x' is odd. Nothing was stored."
