"""Exports of tills: what is odd in them is understood, or refused with its row and column."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest

from recommender.errors import FileUnreadable, RowProblem
from recommender.exchange.reading import Menu, Options, Reading
from recommender.exchange.rows import each_row
from recommender.item import Item
from recommender.store.tenant_settings import SiteSettings, TenantSettings
from tests.conftest import ROOT

TILLS = ROOT / "tests/fixtures/tills"
MENU = [
    Item("00412", "Flat white"),
    Item("00413", "Latte (Small)"),
    Item("8CYCCJMKAXEVXO3FITUU3WBR", "Soup of the day"),
]
MENU += [Item("400000012345678901", "Cheeseburger"), Item("400000012345678902", "Fries")]
MENU += [Item("00081", "Espresso"), Item("00082", "Tea (Small)")]
EURO = TenantSettings(sites={"Pier": SiteSettings("America/New_York")})
SHOP = TenantSettings(timezone="Europe/Berlin")

Change = Callable[[str], str]


@dataclass
class Case:
    """One oddity of a maker's file, and what is to become of it."""

    oddity: str
    file: str
    change: Change = lambda text: text
    encoding: str = "utf-8"
    settings: TenantSettings = SHOP
    stored: dict[str, Any] = field(default_factory=dict)  # of some row
    left_out: str = ""  # begins a reason
    wrong: tuple[int, str] | None = None
    refused: str = ""


def continental(text: str) -> str:
    """Semicolons, and commas before the cents, as a spreadsheet of the continent saves it."""
    return "".join(line.replace(",", ";").replace(".", ",") for line in text.splitlines(keepends=True))


def tabs(text: str) -> str:
    """Tabs in place of commas."""
    return "".join("\t".join(row) + "\n" for row in csv.reader(text.splitlines()))


SQUARE = [
    Case(
        "a byte order mark and CRLF",
        "square-library.csv",
        lambda t: t.replace("\n", "\r\n"),
        "utf-8-sig",
        stored={"item_id": "00412", "price": 380},
    ),
    Case(
        "semicolons and decimal commas",
        "square-library.csv",
        continental,
        stored={"item_id": "00414", "price": 460},
    ),
    Case(
        "Windows-1252 and a euro sign",
        "square-library.csv",
        lambda t: t.replace("Flat white", "Café crème").replace("3.80", "3.80 €"),
        "cp1252",
        stored={"name": "Café crème", "price": 380},
    ),
    Case(
        "a quoted line break, so that rows are not lines",
        "square-library.csv",
        lambda t: t.replace("Two shots", '"Two\nshots"').replace("00414", "4.00638E+12"),
        wrong=(4, "sku"),
    ),
    Case("zeros in front of a SKU", "square-library.csv", stored={"item_id": "00412"}),
    Case("two variations of an item", "square-library.csv", stored={"item_id": "00414", "name": "Latte (Large)"}),
    Case(
        "a category with its token",
        "square-library.csv",
        lambda t: t.replace(",Coffee,Coffee (", ",,Coffee ("),
        stored={"item_id": "00413", "category": "Coffee"},
    ),
    Case(
        "a price that is asked for at the till",
        "square-library.csv",
        lambda t: t.replace("3.90", "variable"),
        left_out="without a fixed price",
    ),
    Case("an archived item", "square-library.csv", stored={"name": "Soup of the day", "available": False}),
    Case(
        "a SKU that a spreadsheet made a number",
        "square-library.csv",
        lambda t: t.replace("00413", "4.00638E+12"),
        wrong=(3, "sku"),
    ),
    Case("a zone by its area", "square-sales.csv", stored={"occurred_at": "2026-11-27T12:01:30-08:00"}),
    Case(
        "amounts of several, in dollars",
        "square-sales.csv",
        stored={"item_id": "00412", "quantity": 2, "price": 380},
    ),
    Case("a dish that has no SKU", "square-sales.csv", stored={"item_id": "8CYCCJMKAXEVXO3FITUU3WBR"}),
    Case("a refund", "square-sales.csv", left_out="refunds"),
    Case("a custom amount", "square-sales.csv", left_out="custom amounts"),
    Case(
        "a zone that nobody knows",
        "square-sales.csv",
        lambda t: t.replace("Pacific Time (US & Canada),Warm", "Moon Time,Warm"),
        wrong=(3, "time_zone"),
    ),
    Case(
        "the list of transactions",
        "square-sales.csv",
        lambda t: "Date,Time,Time Zone,Gross Sales,Total Collected,Transaction ID,Description\n",
        refused="in place of",
    ),
]
TOAST = [
    Case(
        "an evening in half days",
        "toast-selections.csv",
        settings=EURO,
        stored={"occurred_at": "2025-12-31T23:55:00-05:00", "site": "Pier", "price": 950, "quantity": 2},
    ),
    Case(
        "lines of one order that are sent at two times",
        "toast-selections.csv",
        settings=EURO,
        stored={"item_id": "400000012345678902", "occurred_at": "2025-12-31T23:55:00-05:00"},
    ),
    Case("a line that was struck off", "toast-selections.csv", settings=EURO, left_out="voids"),
    Case(
        "half a portion",
        "toast-selections.csv",
        lambda t: t.replace("4.00,1.0,0.32", "4.00,0.5,0.32"),
        settings=EURO,
        stored={"item_id": "400000012345678902", "quantity": 1, "price": 400},
    ),
    Case("ids of 18 digits", "toast-menu.csv", stored={"item_id": "400000012345678901", "price": 950}),
    Case(
        "ids that a spreadsheet made numbers",
        "toast-selections.csv",
        lambda t: t.replace("700000012345678901,17,1/1", "7.00000012E+17,17,1/1"),
        settings=EURO,
        wrong=(3, "order_id"),
    ),
    Case("the sums of a menu", "toast-menu.csv", left_out="totals"),
    Case("a dish of two menus", "toast-menu.csv", left_out="the same dish in another menu"),
    Case(
        "a time that no zone is known for",
        "toast-selections.csv",
        settings=TenantSettings(),
        wrong=(2, "order_date"),
    ),
    Case(
        "tabs",
        "toast-menu.csv",
        tabs,
        stored={"item_id": "400000012345678902", "category": "Sides"},
    ),
    Case(
        "a byte order mark, and dates without zeros",
        "toast-selections.csv",
        lambda t: t.replace("12/31/2025 11:55 PM", "1/2/26 5:03 PM"),
        "utf-8-sig",
        settings=EURO,
        stored={"occurred_at": "2026-01-02T17:03:00-05:00"},
    ),
    Case(
        "a quantity that is none",
        "toast-selections.csv",
        lambda t: t.replace("19.00,2.0,", "19.00,two,"),
        settings=EURO,
        wrong=(2, "qty"),
    ),
    Case(
        "the details of orders",
        "toast-selections.csv",
        lambda t: "Location,Order Id,Order #,Checks,Opened,Server,Amount,Tax,Total,Voided\n",
        refused="no dishes",
    ),
]
LIGHTSPEED = [
    Case(
        "a byte order mark and CRLF",
        "lightspeed-products.csv",
        lambda t: t.replace("\n", "\r\n"),
        "utf-8-sig",
        stored={"item_id": "00082", "price": 250},
    ),
    Case(
        "semicolons and decimal commas",
        "lightspeed-products.csv",
        continental,
        stored={"item_id": "00083", "price": 320},
    ),
    Case(
        "Windows-1252",
        "lightspeed-products.csv",
        lambda t: t.replace(",Scone,", ",Soufflé,"),
        "cp1252",
        stored={"name": "Soufflé"},
    ),
    Case(
        "variants",
        "lightspeed-products.csv",
        stored={"item_id": "00083", "name": "Tea (Large)", "category": "Tea"},
    ),
    Case("a product that is not sold", "lightspeed-products.csv", stored={"item_id": "00090", "available": False}),
    Case("prices that are computed", "lightspeed-products.csv", stored={"item_id": "00081", "price": 218}),
    Case(
        "an empty price",
        "lightspeed-products.csv",
        lambda t: t.replace("0.80,3.00", "0.80,"),
        left_out="without a fixed price",
    ),
    Case(
        "a price that is none",
        "lightspeed-products.csv",
        lambda t: t.replace("2.50", "2.5.0"),
        wrong=(3, "retail_price"),
    ),
    Case("rows of sales and payments", "lightspeed-sales.csv", left_out="payments"),
    Case(
        "local times without a zone",
        "lightspeed-sales.csv",
        stored={"event_id": "1041", "occurred_at": "2026-11-27T08:31:12+01:00", "quantity": 2, "price": 218},
    ),
    Case("a sale that was struck off", "lightspeed-sales.csv", left_out="voids"),
    Case("a return", "lightspeed-sales.csv", left_out="refunds"),
    Case(
        "a kind of row that nobody knows",
        "lightspeed-sales.csv",
        lambda t: t.replace("Payment", "Gift"),
        wrong=(5, "line_type"),
    ),
    Case(
        "a quoted line break in a note",
        "lightspeed-sales.csv",
        lambda t: (
            t.replace("Sale,,,,3", 'Sale,,,"no\nsugar",3')
            .replace("2026-11-27 09:00:00,1042,Sale Line", "soon,1042,Sale Line")
            .replace("2026-11-27 09:00:00,1042,Sale,", "soon,1042,Sale,")
        ),
        wrong=(7, "date"),
    ),
]
ALL = [
    (maker, case)
    for maker, cases in (("square", SQUARE), ("toast", TOAST), ("lightspeed", LIGHTSPEED))
    for case in cases
]


def read(path: Path, case: Case) -> tuple[list[dict[str, Any]], list[RowProblem], Reading]:
    """The rows of a changed file, what is wrong in it, and what was noticed."""
    text = (TILLS / case.file).read_text()
    path.write_bytes(case.change(text).encode(case.encoding))
    reading, wrong = Reading(Options(), case.settings, Menu.of(MENU)), list[RowProblem]()
    what = "items" if case.file.endswith(("library.csv", "menu.csv", "products.csv")) else "events"
    rows = [row for _, row in each_row(path, what, wrong.append, None, reading)]  # type: ignore[arg-type]
    return rows, wrong, reading


@pytest.mark.parametrize(("maker", "case"), ALL, ids=lambda one: one if isinstance(one, str) else one.oddity)
def test_an_oddity_is_understood_or_refused_with_row_and_column(maker: str, case: Case, tmp_path: Path) -> None:
    path = tmp_path / "till.csv"
    if case.refused:
        with pytest.raises(FileUnreadable, match=case.refused):
            read(path, case)
        return

    rows, wrong, reading = read(path, case)

    assert [(one.row, one.column) for one in wrong] == ([case.wrong] if case.wrong else []) or case.wrong in {
        (one.row, one.column) for one in wrong
    }
    assert bool(wrong) == bool(case.wrong)
    assert not case.stored or any(case.stored.items() <= row.items() for row in rows)
    assert any(reason.startswith(case.left_out) for reason in reading.left_out) or not case.left_out


def test_reach(capsys: pytest.CaptureFixture[str]) -> None:
    """The row of the table: how many oddities of each maker are tried above."""
    with capsys.disabled():
        counted = ", ".join(
            f"{maker} {sum(one == maker for one, _ in ALL)}" for maker in ("square", "toast", "lightspeed")
        )
        click.echo(f"\ntill exports: {counted} oddities, each understood or refused with row and column")

    assert min(map(len, (SQUARE, TOAST, LIGHTSPEED))) >= 10


def test_nothing_about_a_customer_is_taken_from_a_till(tmp_path: Path) -> None:
    rows, _, reading = read(tmp_path / "till.csv", Case("", "square-sales.csv"))

    assert "Ann" not in repr(rows)
    assert "CUST1" not in repr(rows)
    assert {"Customer Name", "Customer ID", "PAN Suffix"} <= set(reading.unused)
