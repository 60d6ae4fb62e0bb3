"""What the walks through the pages share: their stops, and steps that several of them go."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from playwright.sync_api import Page

from tests.browser.conftest import in_state
from tests.browser.fake_server import Fake, Row

Walk = Callable[[Page, Fake], Iterator[str]]
SHOWN: dict[Walk, frozenset[str]] = {}
"""The states of states.js in which each walk stops; held by test_pages.py."""


def through(*states: str) -> Callable[[Walk], Walk]:
    """A walk that stops in these states."""

    def note(walk: Walk) -> Walk:
        SHOWN[walk] = frozenset(states)
        return walk

    return note


BURGER: Row = {
    "names": {"de": "Rindfleischburger mit Emmentaler", "ja": "チーズバーガー"},
    "texts": {
        "en": "With cheddar, pickles and a sauce of our own.",
        "de": "Mit Cheddar, Gewürzgurken und hausgemachter Soße.",
        "ja": "チェダーチーズ、ピクルス、自家製ソース入りです。",
    },
    "tags": ["hearty", "vegan"],
    "allergens": ["milk", "gluten", "celery", "mustard"],
    "options": [
        {
            "id": "size",
            "name": "Size",
            "names": {"de": "Größe", "ja": "サイズ"},
            "choose": "one",
            "choices": [
                {"id": "small", "name": "Small", "names": {"de": "Klein", "ja": "小"}, "price": 0},
                {"id": "large", "name": "Large", "names": {"de": "Groß", "ja": "大"}, "price": 250},
            ],
        },
        {
            "id": "extra",
            "name": "Extras",
            "names": {"de": "Zusätzlich", "ja": "追加"},
            "choose": "many",
            "choices": [
                {"id": "bacon", "name": "Bacon", "names": {"de": "Bauernspeck", "ja": "ベーコン"}, "price": 150},
                {
                    "id": "plain",
                    "name": "No onions",
                    "names": {"de": "Ohne Röstzwiebeln", "ja": "玉ねぎ抜き"},
                    "price": 0,
                },
            ],
        },
    ],
}
"""A dish with choices; its German words are long."""


def agree(page: Page, *purposes: str, way: str = "#consent-agree") -> None:
    """Tick purposes and the age, and agree."""
    for name in purposes or ("orders",):
        page.check(f"#purpose-{name}")
    page.check("#consent-age")
    page.click(way)


def to_the_receipt(page: Page) -> None:
    """From the first screen to the receipt, without a PIN."""
    page.click("#join")
    agree(page)
    page.click("#pin-other")
    in_state(page, "receipt")


def again(page: Page) -> None:
    """The first screen once more, without waiting for the page before to leave."""
    page.reload()
    page.wait_for_selector("body[data-ready=true]")


def never_give_up(page: Page) -> None:
    """A page gives up after some seconds; whoever looks at it in 64 ways needs longer."""
    page.evaluate(
        "() => { const plain = setTimeout;"
        " window.setTimeout = (work, ms, ...more) => plain(work, ms > 3000 ? 600_000 : ms, ...more); }"
    )
