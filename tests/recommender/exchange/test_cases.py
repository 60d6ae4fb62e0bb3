"""Files as spreadsheets and tills write them (`tests/fixtures/cases`): each of a kind that once went wrong."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from recommender.cli.commands import export_command, import_command
from recommender.cli.sites import list_sites, set_site
from recommender.errors import BadRows, FileUnreadable, PricesUnclear, RowProblem, TimesUnlikely
from recommender.exchange.files import import_file, reading_of
from recommender.exchange.reading import Options, Reading
from recommender.exchange.rows import each_row
from recommender.store.tenant_settings import SiteSettings, TenantSettings
from tests.conftest import ROOT
from tests.recommender.service_fixtures import NOON, World

CASES = ROOT / "tests/fixtures/cases"
LATER = NOON + 30 * 86_400 * 10**6
DAYS = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ("06:30", "22:00"))
PIER_IN_CALIFORNIA = TenantSettings(sites={"pier": SiteSettings("America/Los_Angeles", DAYS)})
Take = Callable[..., tuple[int, Reading]]


@pytest.fixture
def take(world: World, tmp_path: Path) -> Take:
    """Take in a case, or text; returns how many were new, and what was noticed."""

    def work(what: Any, content: str, **said: Any) -> tuple[int, Reading]:
        path = CASES / content
        if "\n" in content:
            path = tmp_path / "file.csv"
            path.write_text(content)
        stores = world.half.service.stores
        reading = reading_of(stores, "grill", Options(**said))
        return import_file(world.half.service, stores, what, path, "grill", LATER, reading=reading), reading

    return work


def rows_of(name: str, what: Any = "items", **said: Any) -> tuple[list[dict[str, Any]], list[RowProblem], Reading]:
    """The rows of a case, without a database."""
    reading, wrong = Reading(Options(**said)), list[RowProblem]()
    return [row for _, row in each_row(CASES / name, what, wrong.append, None, reading)], wrong, reading


def text_rows(folder: Path, text: str, settings: TenantSettings | None = None, **said: Any) -> tuple[Any, Any]:
    """Rows and wrong ones of a menu in a text."""
    path = folder / "items.csv"
    path.write_text(text)
    wrong: list[RowProblem] = []
    reading = Reading(Options(**said), settings or TenantSettings())
    return [row for _, row in each_row(path, "items", wrong.append, None, reading)], wrong


# --- menus as spreadsheets write them ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["items_tab.csv", "items_trailing_comma_columns.csv", "items_ok_bom_crlf.csv"])
def test_delimiters_and_empty_columns_are_understood(name: str) -> None:
    rows, wrong, _ = rows_of(name)

    assert wrong == []
    assert rows[0] == {"item_id": "d-1", "name": "Flat white", "category": "coffee", "price": 380} | (
        {"available": True} if "bom" in name else {}
    )


def test_capitals_semicolons_and_rows_of_commas_are_understood(tmp_path: Path) -> None:
    rows, wrong = text_rows(tmp_path, "Item ID;Name;PRICE\n\n;;\nd-1;Soup;380\nd-2;Tea;x\n")

    assert rows[0] == {"item_id": "d-1", "name": "Soup", "price": 380}
    assert [(one.row, one.column) for one in wrong] == [(5, "price")], "rows are counted as a spreadsheet does"


def test_a_price_with_decimals_is_refused_with_a_word_on_cents_and_taken_when_asked_for() -> None:
    _, wrong, _ = rows_of("items_decimal_point.csv")
    rows, none, _ = rows_of("items_decimal_point.csv", prices="decimal")

    assert [(one.row, one.column) for one in wrong] == [(2, "price")]
    assert "so that 3.80 is 380" in wrong[0].message
    assert "--prices decimal" in wrong[0].message
    assert (rows[0]["price"], none) == (380, [])


@pytest.mark.parametrize(
    ("currency", "text", "price"), [("JPY", "380", 380), ("KWD", "0.250", 250), ("EUR", "4", 400)]
)
def test_decimals_are_those_of_the_currency(tmp_path: Path, currency: str, text: str, price: int) -> None:
    settings = TenantSettings(currency=currency)
    rows, wrong = text_rows(tmp_path, f"item_id,name,price\na,A,{text}\nb,B,1.2345\n", settings, prices="decimal")

    assert rows[0]["price"] == price
    assert [one.row for one in wrong] == [3]


def test_whole_euros_are_not_stored_as_cents(take: Take) -> None:
    with pytest.raises(PricesUnclear, match="--prices decimal"):
        take("items", "items_whole_euros.csv")

    assert take("items", "items_whole_euros.csv", prices="minor")[0] == 2


def test_a_column_that_is_there_twice_is_refused() -> None:
    with pytest.raises(FileUnreadable, match="price twice, in C and D"):
        rows_of("items_dup_header.csv")


def test_an_id_that_a_spreadsheet_made_a_number_is_refused() -> None:
    _, wrong, _ = rows_of("items_scientific_ids.csv")

    assert [(one.row, one.column) for one in wrong] == [(2, "item_id"), (3, "item_id")]
    assert "Format the column as text" in wrong[0].message


def test_letters_and_accents_apart_are_one(tmp_path: Path) -> None:
    rows, _ = text_rows(tmp_path, "item_id,name,price\ncafe\u0301,Cafe\u0301,380\n")

    assert rows[0]["item_id"] == "caf\u00e9"


def test_an_id_that_no_address_holds_is_refused_and_one_from_before_can_be_deleted(
    world: World, take: Take
) -> None:
    with pytest.raises(BadRows) as caught:
        take("items", "items_slash_ids.csv")
    catalogue = world.half.service.stores.catalogue
    burger = catalogue.get("grill", "item", "burger")
    for item_id in ("menu/12", "A?B#C", "50%"):
        catalogue.put("grill", "item", [type(burger)(item_id, "Odd", price=100)])

        assert world.call("GET", f"/items/{quote(item_id, safe='')}").status_code == 200
        assert world.call("DELETE", f"/items/{quote(item_id, safe='')}", key="desk").status_code == 204
    assert [(one.row, one.column) for one in caught.value.wrong] == [(2, "item_id"), (4, "item_id")]


# --- orders ------------------------------------------------------------------------------------------

HEAD = "event_id,type,occurred_at,item_id,quantity,price,site\n"
AT = "2026-11-20T12:00:00+01:00"


def test_the_same_dish_on_two_lines_of_a_receipt_is_one_order_of_it(world: World, take: Take) -> None:
    rows = f"r,ordered,{AT},cola,1,380,m\nr,ordered,{AT},cola,1,430,m\nr,ordered,{AT},cola,1,380,m\n"
    new, _ = take("events", HEAD + rows)
    seen = world.half.service.events.everything("grill", "ordered")

    assert (new, world.count("lines")) == (1, 3)
    assert (len(seen), float(seen.quantity[0])) == (1, 3.0)
    assert take("events", "pos_same_item_two_lines.csv", retired="keep")[0] == 1
    assert take("events", "own_export_same_dish_twice.csv", retired="keep")[0] == 1


def test_a_refund_takes_its_lines_out_of_the_order_in_any_order_of_arrival(world: World, take: Take) -> None:
    """One of two is left of the first order. The order of the second refund is in no file: it may still come."""
    rows = (CASES / "pos_refund.csv").read_text().replace("dish-01", "cola").replace("dish-18", "burger")
    assert take("events", rows)[0] == 3

    database = world.half.service.database
    left = [(row["event_id"], row["quantity"]) for row in database.rows("SELECT event_id, quantity FROM lines")]
    assert ("r-1003", 1) in left
    late = "event_id,type,occurred_at,item_id,quantity,price,site\n"
    take("events", late + "r-1004,ordered,2026-11-27T12:05:00+01:00,burger,1,260,market\n")
    [order] = database.rows("SELECT type FROM events WHERE event_id = 'r-1004'")
    assert order["type"] == "ordered:back"


def retired_history() -> str:
    text = (CASES / "pos_600_rows_two_retired_dishes.csv").read_text()
    for dish in ("dish-01", "dish-18", "dish-29"):
        text = text.replace(dish, "cola")
    return text


def test_what_is_wrong_is_summed_up_by_cause(take: Take) -> None:
    with pytest.raises(BadRows) as caught:
        take("events", retired_history())

    assert caught.value.total == 240
    assert "and 115 more: there is no 'old-dish-7' in the catalogue of items;" in caught.value.detail
    assert {one.column for one in caught.value.wrong} == {"item_id"}


@pytest.mark.parametrize(("retired", "events"), [("keep", 600), ("leave-out", 360)])
def test_a_retired_dish_does_not_refuse_a_history(take: Take, retired: str, events: int) -> None:
    new, reading = take("events", retired_history(), retired=retired)

    assert new == events
    assert reading.retired == {"old-dish-7": 120, "old-dish-9": 120}


def run(home: Path, *arguments: str) -> tuple[int, str]:
    import click

    commands = click.Group(commands={"import": import_command, "export": export_command, "set": set_site})
    commands.add_command(list_sites)
    result = CliRunner().invoke(commands, [*arguments, "--home", str(home), "--tenant", "grill"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_our_own_export_is_read_back_after_a_dish_was_deleted(world: World, tmp_path: Path, ending: str) -> None:
    world.order("cola", "burger")
    offer = {"offer_id": "o", "name": "O", "items": ["cola"]}
    assert world.call("PUT", "/offers/o", key="desk", json=offer).status_code == 200
    assert world.call("DELETE", "/items/cola", key="desk").status_code == 204
    for what in ("offers", "events"):
        file = tmp_path / f"{what}.{ending}"
        assert run(world.home, "export", what, str(file))[0] == 0
        code, output = run(world.home, "import", what, str(file))

        assert code == 0, output
    assert "Not in the catalogue, kept as history: cola (1)" in output


# --- times -------------------------------------------------------------------------------------------


def hours_of(reading: Reading, name: str) -> list[str]:
    """The hours on the wall of a case's first orders."""
    rows = [row for _, row in each_row(CASES / name, "events", lambda problem: None, None, reading)]
    return [row["occurred_at"][11:16] for row in rows[:3]]


def test_times_in_utc_are_kept_by_the_clock_of_the_site() -> None:
    site = TenantSettings(sites={"pier": SiteSettings("America/Anchorage")})  # -08:00 in summer
    asked = Reading(Options(zone="America/Anchorage"))

    assert hours_of(Reading(settings=site), "tz_utc_Z.csv") == ["07:30", "07:45", "12:30"]
    assert hours_of(asked, "tz_utc_Z.csv") == ["07:30", "07:45", "12:30"]
    assert hours_of(Reading(settings=site), "tz_local_offsets.csv") == ["07:30", "07:45", "12:30"]
    assert hours_of(Reading(), "tz_utc_Z.csv") == ["15:30", "15:45", "20:30"]


def test_orders_outside_of_opening_hours_are_noticed_and_a_shift_is_offered(world: World, take: Take) -> None:
    take("items", "tz_items.csv")
    hours = dict.fromkeys(DAYS, ("06:30", "13:00"))
    world.half.service.stores.tenants.save("grill", TenantSettings(sites={"pier": SiteSettings("", hours)}))

    with pytest.raises(TimesUnlikely, match="--shift -8") as caught:
        take("events", "tz_utc_Z.csv")
    preview = take("events", "tz_utc_Z.csv", store=False)[1]

    assert caught.value.extra["shift"] == -8
    assert "zone of the site's clock (--zone)" in preview.warnings[0]
    assert world.count("events") == 0
    assert take("events", "tz_utc_Z.csv", shift=timedelta(0))[0] == 300


def test_an_import_at_unlikely_hours_is_refused_with_the_options_that_take_it(world: World, take: Take) -> None:
    """A preview warns; whoever says that the times are right is warned too; each import says by which clock."""
    take("items", "tz_items.csv")
    hours = dict.fromkeys(DAYS, ("06:30", "13:00"))
    world.half.service.stores.tenants.save("grill", TenantSettings(sites={"pier": SiteSettings("", hours)}))
    file = str(CASES / "tz_utc_Z.csv")
    outside = "300 of 300 orders (100%) fall outside the opening hours"

    code, refused = run(world.home, "import", "events", file)
    assert (code, world.count("events")) == (1, 0)
    for words in (outside, "import it with --shift -8 or", "with --shift 0 if its times are right", "Nothing was"):
        assert words in refused
    code, preview = run(world.home, "import", "events", file, "--preview")
    assert (code, world.count("events")) == (0, 0)
    assert f"Warning: tz_utc_Z.csv: {outside}" in preview
    code, right = run(world.home, "import", "events", file, "--shift", "0")
    assert (code, world.count("events")) == (0, 300)
    assert f"Warning: {outside}." in right
    for options, clock in [
        ((), "UTC"),
        (("--zone", "America/Anchorage"), "UTC, kept by the clock of America/Anchorage (site pier)"),
    ]:
        said = run(world.home, "import", "events", file, "--preview", *options)[1]
        assert f"Times: 300 by {clock}.\n" in said


def test_a_request_and_an_event_in_utc_have_the_clock_of_their_site(world: World) -> None:
    assert (
        run(world.home, "set", "pier", "--zone", "America/Los_Angeles", "--hours", "mon-sun 06:30-22:00")[0] == 0
    )
    event = {"event_id": "e", "type": "ordered", "occurred_at": "2026-11-23T11:30:00Z", "site": "pier"}
    sent = world.call("POST", "/events", key="desk", json={"events": [event | {"items": [{"item_id": "cola"}]}]})

    assert sent.status_code == 201, sent.json
    assert world.half.service.database.rows("SELECT hour, weekday FROM events")[0]["hour"] == 3.5
    assert "pier: America/Los_Angeles, mon-sun 06:30-22:00" in run(world.home, "list")[1]


def test_a_request_without_a_time_has_the_present_one_of_its_site(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.half.service.stores.tenants.save("grill", PIER_IN_CALIFORNIA)
    scene, asked = world.half.service.scenes["orders"], list[Any]()
    real = scene.suggest

    def suggest(model: Any, request: Any) -> Any:
        asked.append(request.context)
        return real(model, request)

    monkeypatch.setattr(scene, "suggest", suggest)

    for said in ({}, {"local_time": "2026-11-23T11:30:00Z"}, {"local_time": "2026-11-23T11:30:00+01:00"}):
        found = world.call("GET", "/suggestions/orders", key="desk", query_string={"site": "pier"} | said)
        assert found.status_code == 200, found.json

    assert [one.local_time.strftime("%H:%M %z") for one in asked] == ["04:00 -0800", "03:30 -0800", "11:30 +0100"]


# --- the command -------------------------------------------------------------------------------------


def test_a_preview_says_what_was_understood_and_stores_nothing(world: World, tmp_path: Path) -> None:
    file = tmp_path / "menu.csv"
    library = (ROOT / "tests/fixtures/tills/square-library.csv").read_text().replace("3.90", "variable")
    file.write_bytes(library.replace("Flat", "Café").encode("cp1252"))
    before = world.count("catalogue")

    code, output = run(world.home, "import", "items", str(file), "--preview")

    assert code == 0
    assert (world.count("catalogue"), world.count("import_log")) == (before, 0)
    for words in (
        "Square's item library: Windows-1252, separated by commas",
        "SKU -> item_id",
        "Not used: Reference Handle",
        "Prices: EUR with 2 decimals, decimal, as 3.80",
        '{"item_id": "00412", "name": "Café white", "price": 380',
        "Left out: 1 without a fixed price (variable): it is asked for at the till (row 3)",
        "3 items would be stored. Nothing was.",
    ):
        assert words in output


def test_every_wrong_row_stands_in_a_file_beside(world: World, tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text("item_id,name,price\na,A,x\nb,,380\nc,C,1\n=d,D,-1\n")

    code, output = run(world.home, "import", "items", str(file))
    listed = tmp_path / "items.csv.wrong.csv"

    assert code == 1
    assert f"{listed} has all of them" in output.replace("\n", " ")
    assert listed.stat().st_mode & 0o077 == 0
    with listed.open(newline="", encoding="utf-8-sig") as rows:
        assert [row[:2] for row in csv.reader(rows)] == [
            ["row", "column"],
            ["2", "price"],
            ["3", "name"],
            ["5", "price"],
        ]


@pytest.mark.parametrize(
    ("options", "words"), [(("--zone", "Moon/Base"), "no zone"), (("--shift", "soon"), "must be hours")]
)
def test_a_mistyped_option_is_one_sentence(world: World, options: tuple[str, ...], words: str) -> None:
    code, output = run(world.home, "import", "items", str(CASES / "items_tab.csv"), *options)

    assert (code != 0, words in output, "Traceback" in output) == (True, True, False)
