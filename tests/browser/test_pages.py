"""Every page of kiosk, taxi, the driver's screen and the engine's check, in every shape and language.

No text is cut, broken inside a word, outside of its box or covered; everything is readable, large and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import screens
from tests import pseudo
from tests.browser.conftest import OpenPage
from tests.browser.fake_server import Fake, serve
from tests.browser.looks import AUDIT, PASSING, SHAPES, SIZES, Look, axe_complaints, looks_at, make_patient
from tests.browser.steps import SHOWN, Walk, again
from tests.browser.walks import KIOSK, TAXI, WALKS

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AT_ONCE = {"press", "notice", "matched", "greet"}
"""Gone within the turn of their event, or, greet, before anybody reads: they are on the page of another state."""


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    """A server that also speaks the language of the tests, which is written from the right."""
    fake = Fake(words=pseudo.words_with(tmp_path), idle_seconds=600.0)  # 64 looks take a while
    with serve(fake.app()) as fake.address:
        yield fake


def test_a_walk_stops_in_every_state() -> None:
    source = (Path(screens.__file__).parent / "static" / "js" / "states.js").read_text()
    listed = re.search(r"STATES = Object.freeze\(\[(.*?)\]\)", source, re.DOTALL)
    assert listed
    states = set(re.findall(r'^  "(\w+)"', listed[1], re.MULTILINE))
    assert states - AT_ONCE == set().union(*(SHOWN[walk] for walk in (*KIOSK, *TAXI)))
    assert set(SHOWN) == {walk for _, walk in WALKS}


@pytest.mark.parametrize(
    ("name", "walk"), WALKS, ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_every_page_fits_and_can_be_read_and_pressed_in_every_shape_and_language(
    fake: Fake, open_page: OpenPage, name: str, walk: Walk
) -> None:
    page = open_page(f"{fake.address}/{name}", SIZES["kiosk upright"])
    make_patient(page, name)
    again(page)
    start = Look(SIZES["kiosk upright"], "en")
    found: dict[str, list[str]] = {}
    seen = set()
    measured = axed = 0
    for stop, state in enumerate(walk(page, fake)):
        at = page.get_attribute("body", "data-state")
        seen.add(at)
        passing = at in PASSING
        looks = looks_at(stop)
        for look in looks[:1] if passing else looks:
            measured += 1
            complaints = look.complaints(page) + look.barriers(page)
            if page.get_attribute("body", "data-state") != at and not passing:
                complaints.append(f"{at} was left while it was looked at")
            if look.size == SHAPES[stop % len(SHAPES)] and not passing:
                axed += 1
                complaints += axe_complaints(page, "heading-order")
            if complaints:
                found[f"{state}: {look}"] = complaints
        start.at(page)
    wrong = sum(map(len, found.values()))
    click.echo(f"{name}, {walk.__name__}: {measured} looks, {axed} by axe-core, {wrong} things wrong")
    assert found == {}
    assert seen == SHOWN[walk]


WRONG = {
    "cut off": "width: 60px; overflow: hidden; white-space: nowrap; display: block",
    "broken inside a word": "width: 40px; overflow-wrap: anywhere; display: block",
    "wider than its box": "width: 40px; white-space: nowrap; display: block",
    "taller than its box": "height: 4px; display: block; width: 90px",
    "outside the window": "position: absolute; inset-inline-start: -900px; white-space: nowrap",
    "one on the other": "position: absolute; inset-block-start: 0",
    "cannot be pressed": "",
    "bars take": "position: sticky; display: block; height: 400px",
}


@pytest.mark.parametrize("kind", WRONG)
def test_the_measuring_sees_what_is_wrong(fake: Fake, open_page: OpenPage, kind: str) -> None:
    """Each kind of fault is put into a page that has none, and is named."""
    page = open_page(f"{fake.address}/kiosk")
    look = Look((1280, 800), "en")
    assert look.complaints(page) == []
    page.evaluate(
        """([kind, css]) => {
          const text = document.createElement("p");
          text.textContent = "Zusammengesetzte Wörter";
          text.style.cssText = css;
          const place = document.querySelector("[data-screen=attract]");
          place.style.position = "relative";
          if (kind === "one on the other") {
            const h1 = document.querySelector("#attract-title").getBoundingClientRect();
            const room = place.getBoundingClientRect();
            text.style.left = `${h1.left - room.left}px`;
            text.style.top = `${h1.top - room.top}px`;
          }
          if (kind === "cannot be pressed") {
            const cover = document.createElement("div");
            cover.style.cssText = "position: fixed; inset: 0";
            place.append(cover);
          } else place.append(text);
        }""",
        [kind, WRONG[kind]],
    )
    assert any(complaint.startswith(kind) for complaint in look.complaints(page))


def test_the_audit_sees_what_is_pale_small_nameless_or_too_wide(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk")
    page.evaluate(
        """() => {
          const pale = document.createElement('p');
          pale.textContent = 'pale and small';
          Object.assign(pale.style, { color: '#bbb', fontSize: '12px' });
          const button = document.createElement('button');
          Object.assign(button.style, { minWidth: '20px', minHeight: '20px', width: '20px', height: '20px' });
          const wide = document.createElement('div');
          Object.assign(wide.style, { width: '3000px', height: '1px' });
          document.querySelector('main').append(pale, button, wide);
        }"""
    )
    kinds = {complaint.split(":")[0].split(" ")[0] for complaint in page.evaluate(AUDIT)}

    assert kinds == {"contrast", "text", "target", "no", "wider"}
