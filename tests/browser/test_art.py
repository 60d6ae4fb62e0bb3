"""The right picture for each dish and place, and a neutral one rather than a wrong one."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask import request
from playwright.sync_api import Browser, Page

import screens
from data.town import menu
from tests.browser import pictures
from tests.browser.fake_server import Fake, serve

pytestmark = pytest.mark.browser

ART = Path(screens.__file__).parent / "static" / "art"
TABLES = {name: json.loads((ART / f"{name}.json").read_text("utf-8")) for name in ("dishes", "places")}
DRAWN = {name: set(re.findall(r'<symbol id="([^"]+)"', (ART / f"{name}.svg").read_text())) for name in TABLES}


def symbols(page: Page, rows: list[dict[str, Any]], kind: str = "items") -> list[str]:
    """The symbols that the page chooses for rows of a catalogue."""
    choose = {"items": "pictureOf", "places": "symbolOf"}[kind]
    script = f"""async (rows) => {{
        const art = await import("/screens/static/js/art.js");
        await art.load("{kind}");
        return rows.map((row) => art.{choose}(row));
    }}"""
    found: list[str] = page.evaluate(script, rows)
    return found


def test_each_dish_of_the_town_has_its_own_picture(page: Page) -> None:
    dishes = menu.dishes()
    rows = [{"name": dish.name, "category": dish.category, "tags": list(dish.tags)} for dish in dishes]

    found = dict(zip((dish.name for dish in dishes), symbols(page, rows), strict=True))

    assert found == pictures.pairs(pictures.TOWN_DISHES)


def test_each_place_of_the_town_has_the_picture_of_its_kind(page: Page) -> None:
    places, _ = menu.places(np.random.default_rng(1))
    rows = [{"name": one.name, "category": one.category, "sensitive": one.sensitive} for one in places]

    found = {(one.category, symbol) for one, symbol in zip(places, symbols(page, rows, "places"), strict=True)}

    assert found == set(pictures.pairs(pictures.TOWN_PLACES).items())


def test_names_of_other_shops_get_the_right_picture_or_a_neutral_one(page: Page) -> None:
    table = pictures.rows(pictures.OTHER_SHOPS)
    rows = [
        {"name": name, "category": category, "tags": [tag for tag in tags.split(",") if tag]}
        for name, category, tags, _ in table
    ]

    found = symbols(page, rows)

    assert len(table) >= 100
    assert [(*row[:3], symbol) for row, symbol in zip(table, found, strict=True)] == [tuple(row) for row in table]


def test_names_of_other_towns_get_the_right_picture_or_a_pin(page: Page) -> None:
    table = pictures.rows(pictures.OTHER_PLACES)

    found = symbols(page, [{"name": name, "category": category} for name, category, _ in table], "places")

    assert [(*row[:2], symbol) for row, symbol in zip(table, found, strict=True)] == [tuple(row) for row in table]


@pytest.mark.parametrize("tag", ["vegan", "vegetarian"])
def test_no_name_whatever_puts_meat_or_fish_on_a_meatless_dish(page: Page, tag: str) -> None:
    """Every phrase of the table as a name: the tag decides what may be shown."""
    table = TABLES["dishes"]["symbols"]
    names = [phrase.lstrip("-") for one in table.values() for words in one["words"].values() for phrase in words]

    found = symbols(page, [{"name": name, "tags": [tag]} for name in names])

    shown = {
        name: table[symbol].get("shows", []) for name, symbol in zip(names, found, strict=True) if symbol in table
    }
    refused = {"meat", "pork", "fish"} | ({"egg", "cheese"} if tag == "vegan" else set())
    assert {name: shows for name, shows in shown.items() if refused & set(shows)} == {}


def test_alcohol_is_drawn_only_where_it_is_tagged(page: Page) -> None:
    table = TABLES["dishes"]["symbols"]
    drinks = {name for name, one in table.items() if "alcohol" in one.get("shows", [])}
    names = [phrase for one in table.values() for words in one["words"].values() for phrase in words]

    untagged = set(symbols(page, [{"name": name, "category": "bar"} for name in names]))
    tagged = set(symbols(page, [{"name": name, "category": "bar", "tags": ["alcohol"]} for name in names]))

    assert untagged & drinks == set()
    assert tagged >= drinks == {"beer", "red-wine", "spritz", "white-wine"}


def test_a_name_in_another_language_helps_when_the_first_says_nothing(page: Page) -> None:
    row = {"name": "Nr. 17", "names": {"de": "Tomatensuppe", "ja": "トマトスープ"}}

    assert symbols(page, [row, {"name": "Nr. 17"}, {"name": "", "category": None, "tags": None}]) == [
        "tomato-soup",
        "plate",
        "plate",
    ]


def test_a_neutral_plate_has_the_colour_of_its_category(page: Page) -> None:
    script = """async () => {
        const art = await import("/screens/static/js/art.js");
        await art.load("items");
        const ribs = ["desserts", "salads"].map((category) => art.dishPicture({ name: "Ribs", category }));
        return ribs.map((picture) => picture.getAttribute("color"));
    }"""
    colours = {name: one["colour"] for one in TABLES["dishes"]["categories"] for name in one["names"]}

    found = page.evaluate(script)

    assert found == [colours["desserts"], colours["salads"]]
    assert found[0] != found[1]


@pytest.mark.parametrize("sheet", ["dishes", "places"])
def test_table_and_drawings_belong_together(sheet: str) -> None:
    table = TABLES[sheet]
    signs = {"compass", "speech", "taxi", "tick", "cup"}
    named = set(table["symbols"]) | {one["symbol"] for one in table["categories"]} - {""}
    named |= {one["neutral"] for one in table["categories"] if "neutral" in one}
    named |= {other for one in table["symbols"].values() for other in one.get("otherwise", [])}

    assert named - DRAWN[sheet] == set()
    assert DRAWN[sheet] - named - signs == set()
    groups = {group for one in table["categories"] for group in one.get("groups", [])}
    assert {group for one in table["symbols"].values() for group in one["groups"]} <= groups


def test_no_phrase_belongs_to_two_drawings() -> None:
    for sheet, table in TABLES.items():
        owners: dict[str, set[str]] = {}
        for symbol, one in table["symbols"].items():
            for phrase in (phrase for words in one["words"].values() for phrase in words):
                owners.setdefault(phrase, set()).add(symbol)
        assert {(sheet, phrase): found for phrase, found in owners.items() if len(found) > 1} == {}


def test_the_drawings_are_many_and_small_when_compressed() -> None:
    bytes_ = {path.name: len(gzip.compress(path.read_bytes())) for path in ART.glob("*.svg")}

    assert len(DRAWN["dishes"]) >= 48
    assert len(DRAWN["places"]) >= 20
    assert sum(bytes_.values()) <= 60_000, bytes_


def test_a_browser_asks_for_the_drawings_once(browser: Browser) -> None:
    """Loaded again, the page takes them from its own store: their address names the version."""
    app, asked = Fake().app(), list[str]()
    app.before_request(lambda: asked.append(request.path) if "/art/" in request.path else None)
    with serve(app) as address, browser.new_context(service_workers="block") as context:
        page = context.new_page()
        for _ in range(2):
            page.goto(address + "/kiosk")
            page.wait_for_selector("body[data-ready=true]")
            page.wait_for_function("document.querySelector('.hero use').getBBox().width > 10")

    drawings = [path.rsplit("/", 1)[1] for path in asked if "icon" not in path]
    assert sorted(drawings) == ["dishes.json", "dishes.svg", "places.svg"]


def test_without_the_table_every_dish_is_a_plate_and_the_kiosk_goes_on(browser: Browser) -> None:
    fake = Fake()
    with serve(fake.app()) as address, browser.new_context() as context:
        page = context.new_page()
        page.route("**/art/dishes.json*", lambda route: route.abort())
        page.goto(address + "/kiosk")
        page.wait_for_selector("body[data-ready=true]")
        page.click("#guest")
        page.wait_for_selector(".card svg use")
        hrefs = page.eval_on_selector_all(
            ".card use", "all => all.map((use) => use.getAttribute('href').split('#')[1])"
        )

    assert set(hrefs) == {"plate"}
