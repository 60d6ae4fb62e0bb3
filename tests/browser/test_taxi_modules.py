"""The pure modules of the taxi: search, labels, positions, codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from plumbing.access.drivers import short_code
from recommender.destinations.places import coarse_spot
from tests.browser.fake_server import Fake, serve

pytestmark = pytest.mark.browser

JS = "/screens/static/js/taxi/"
NAMES = [
    "Müllerstraße 4",
    "Café Zoë",
    "Haus am See",
    "Neue Oper",
    "渋谷駅",
    "ホテル あさひ",
    "St. John's Hospital",
    "Łódź Square",
]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for the module: no test changes it."""
    with serve(Fake().app()) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(address + "/taxi")
        page.wait_for_selector("body[data-ready=true]")
        yield page


def run(page: Page, module: str, expression: str, given: Any = None) -> Any:
    return page.evaluate(f"(given) => import('{JS}{module}.js').then((m) => {expression})", given)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("muller", "Müllerstraße 4"),
        ("MUELLER", "Müllerstraße 4"),
        ("müllerstrasse", "Müllerstraße 4"),
        ("mueller strase", "Müllerstraße 4"),
        ("cafe zoe", "Café Zoë"),
        ("see haus", "Haus am See"),
        ("opper", "Neue Oper"),
        ("neeu op", "Neue Oper"),
        ("渋谷", "渋谷駅"),
        ("ほてる", "ホテル あさひ"),
        ("ﾎﾃﾙ", "ホテル あさひ"),
        ("アサヒ", "ホテル あさひ"),
        ("hospitl", "St. John's Hospital"),
        ("lodz", "Łódź Square"),
        ("ｃａｆｅ", "Café Zoë"),
    ],
)
def test_a_place_is_found_as_people_type_it(page: Page, typed: str, name: str) -> None:
    found = run(
        page,
        "search",
        "new m.PlaceIndex(given.names.map((name) => ({ row: name, texts: [name] }))).find(given.typed)",
        {"names": NAMES, "typed": typed},
    )

    assert found[:1] == [name]


def test_nonsense_finds_nothing_and_nothing_typed_finds_all(page: Page) -> None:
    expression = "given.map((typed) => new m.PlaceIndex([{row: 1, texts: ['Neue Oper']}]).find(typed).length)"
    assert run(page, "search", expression, ["qwxz", "", "  - ", "ab", "oper zug"]) == [0, 1, 1, 0, 0]


def test_the_beginning_of_a_name_comes_before_its_middle_and_typos_last(page: Page) -> None:
    names = ["Grand Park Hotel", "Parkside", "Sparkasse", "Pork House"]
    found = run(
        page, "search", "new m.PlaceIndex(given.map((name) => ({row: name, texts: [name]}))).find('park')", names
    )
    assert found == ["Parkside", "Grand Park Hotel", "Sparkasse"]


def test_a_private_place_shows_no_word_of_its_name(page: Page) -> None:
    rows = [
        {"name": "Lindenstraße", "category": "residential"},
        {"name": "Quay office", "category": "office"},
        {"name": "Mill Street", "category": "residential"},
        {"name": "Harbour clinic", "category": "health", "sensitive": True},
    ]
    labels = run(page, "labels", "m.coarseLabels(given)", rows)

    assert labels == [
        {"key": "home_area_number", "number": 1},
        None,
        {"key": "home_area_number", "number": 2},
        {"key": "private_place", "number": 1},
    ]
    assert run(page, "labels", "m.coarseLabels(given)", rows[:2]) == [{"key": "home_area", "number": 1}, None]


START = {"lat": 54.45, "lon": 6.95, "accuracy": 12, "at": 0}


def track(page: Page, fixes: list[dict[str, Any]], now: float) -> tuple[list[bool], dict[str, Any]]:
    expression = "{ const t = new m.Track(); return [given[0].map((fix) => t.take(fix)), t.at(given[1])]; }"
    taken, known = run(page, "position", expression, [fixes, now])
    return taken, known


def moved(seconds: float, north_m: float, accuracy: float = 12) -> dict[str, Any]:
    return {"lat": 54.45 + north_m / 111_195, "lon": 6.95, "accuracy": accuracy, "at": 1000 * seconds}


def test_a_position_is_what_the_recommender_uses(page: Page) -> None:
    exact = {"lat": 54.450449, "lon": 6.951551, "accuracy": 8, "at": 0}
    taken, known = track(page, [exact], 1000)

    assert taken == [True]
    assert (known["state"], known["lat"], known["lon"]) == ("good", *coarse_spot(54.450449, 6.951551))


def test_a_jump_of_kilometres_is_not_believed(page: Page) -> None:
    taken, known = track(page, [START, moved(2, 5_000), moved(4, 60)], 5_000)

    assert taken == [True, False, True]
    assert known["lat"] == pytest.approx(54.451, abs=0.0006)


def test_two_wrong_fixes_that_disagree_are_not_believed_and_three_that_agree_are(page: Page) -> None:
    apart, _ = track(page, [START, moved(2, 5_000), moved(4, -5_000), moved(6, 5_000), moved(8, -5_000)], 9_000)
    agree, known = track(page, [START, moved(2, 5_000), moved(4, 5_020), moved(6, 5_050)], 7_000)

    assert apart == [True, False, False, False, False]
    assert agree == [True, False, False, True]
    assert known["lat"] == pytest.approx(54.495, abs=0.001)


def test_after_a_tunnel_the_new_place_is_believed(page: Page) -> None:
    taken, known = track(page, [START, moved(180, 4_000)], 181_000)

    assert taken == [True, True]
    assert known["state"] == "good"


def test_in_a_tunnel_the_position_grows_old(page: Page) -> None:
    assert track(page, [START], 59_000)[1]["state"] == "good"
    assert track(page, [START], 61_000)[1]["state"] == "old"


def test_a_fix_that_is_too_coarse_names_no_pick_up(page: Page) -> None:
    assert track(page, [START | {"accuracy": 251}], 1_000)[1]["state"] == "coarse"
    assert track(page, [START | {"accuracy": 250}], 1_000)[1]["state"] == "good"
    assert track(page, [], 1_000)[1] == {"state": "none"}


def test_a_standing_car_does_not_drift(page: Page) -> None:
    drift = [moved(2 * k, 30 * (-1) ** k, accuracy=60) for k in range(1, 20)]
    taken, known = track(page, [START, *drift], 39_000)

    assert all(taken)
    assert (known["state"], known["lat"], known["accuracy"]) == ("good", 54.45, 12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lat": None},
        {"lat": 0, "lon": 0},
        {"lat": 91},
        {"lon": 181},
        {"accuracy": -1},
        {"accuracy": None},
        {"at": -5},
    ],
)
def test_what_no_receiver_can_mean_is_not_taken(page: Page, wrong: dict[str, Any]) -> None:
    taken, known = track(page, [START, START | {"at": 1_000} | wrong], 2_000)

    assert taken == [True, False]
    assert known["state"] == "good"


def test_directions_are_those_of_a_compass(page: Page) -> None:
    around = [(1, 0), (1, 1.72), (0, 1), (-1, 1.72), (-1, 0), (-1, -1.72), (0, -1), (1, -1.72)]
    others = [{"lat": 54.45 + north / 100, "lon": 6.95 + east / 100} for north, east in around]
    said = run(page, "position", "given.map((other) => m.direction({lat: 54.45, lon: 6.95}, other))", others)

    assert said == ["n", "ne", "e", "se", "s", "sw", "w", "nw"]


def test_a_code_is_read_however_it_was_typed(page: Page) -> None:
    code = short_code()
    shown = run(page, "codes", "m.grouped(given)", code)
    assert shown == f"{code[:5]}-{code[5:]}"
    typed = [code, code.lower(), shown, f" {code[:3]} {code[3:]} "]
    assert run(page, "codes", "given.map(m.codeOf)", typed) == [code] * 4
    link = "q4TgIiRrG0-_abcdEFGHkl"
    assert run(page, "codes", "m.codeOf(given)", link) == link
