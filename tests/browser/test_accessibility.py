"""Every state of both pages, in two languages and two shapes: readable, reachable, without colour alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state, tap_pin
from tests.browser.fake_server import PIN, Fake

pytestmark = pytest.mark.browser

TABLET, PORTRAIT = (1280, 800), (1080, 1920)

AUDIT = (Path(__file__).parent / "audit.js").read_text()


def kiosk_states(page: Page, fake: Fake) -> Iterator[str]:
    """Go through the states of the kiosk; yields at each one for an audit."""
    yield "attract"
    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#offer button")).to_be_visible()
    yield "suggest"
    page.click("#usual button")
    page.click("#menu-open")
    yield "menu"
    page.click("#basket-open")
    yield "basket"
    page.click("#order")
    in_state(page, "done")
    yield "done"
    page.click("[data-screen=done] .big")
    yield "forget"
    in_state(page, "attract")
    page.click("#join")
    page.click("#consent-agree")
    yield "consent"
    page.click("#earlier-open")
    page.click("#earlier-use")
    yield "consent, with a code from before"
    page.click("#earlier-without")
    for name in ("#purpose-orders", "#consent-age"):
        page.click(f"label:has({name})")
    page.click("#consent-agree")
    in_state(page, "pin")
    yield "pin"
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")
    yield "receipt"
    page.click("#receipt-done")
    in_state(page, "attract")
    page.click("#opt-out")
    page.click("#optout-by-code")
    page.click("#optout-now")
    yield "optout"
    page.click("[data-screen=optout] .pill")
    in_state(page, "attract")
    fake.decisions.extend(["face_too_small", "ambiguous"])
    page.click("#recognise")
    in_state(page, "low_quality")
    yield "low_quality"
    in_state(page, "ambiguous")
    yield "ambiguous"


def taxi_states(page: Page, fake: Fake) -> Iterator[str]:
    """Go through the states of the taxi tablet."""
    yield "attract"
    page.click("#recognise")
    in_state(page, "pin")
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).not_to_be_empty()
    yield "pin"
    tap_pin(page, PIN)
    expect(page.locator("#places [data-item]")).to_have_count(3)
    yield "suggest"
    page.click("#somewhere-else")
    yield "menu"
    page.click("[data-screen=menu] [data-back]")
    page.locator("#places [data-item]").first.click()
    yield "basket"
    page.click("#confirm")
    in_state(page, "done")
    yield "done"


@pytest.mark.parametrize(
    ("name", "language", "size"),
    [("kiosk", "de", TABLET), ("kiosk", "en", PORTRAIT), ("taxi", "de", TABLET), ("taxi", "de", PORTRAIT)],
    ids=["kiosk-tablet-de", "kiosk-portrait-en", "taxi-tablet-de", "taxi-portrait-de"],
)
def test_each_state_is_readable_large_named_and_fits(
    fake: Fake, open_page: OpenPage, name: str, language: str, size: tuple[int, int]
) -> None:
    page = open_page(f"{fake.address}/{name}?lang={language}", size, reduced_motion="reduce")
    walk = kiosk_states if name == "kiosk" else taxi_states
    found: dict[str, list[Any]] = {}
    for state in walk(page, fake):
        if complaints := page.evaluate(AUDIT):
            found[state] = complaints
        assert page.evaluate("document.documentElement.lang") == language
        assert page.evaluate("document.querySelector('.top').offsetHeight") < 200

    assert found == {}


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


@pytest.mark.parametrize("size", [TABLET, PORTRAIT], ids=["tablet", "portrait"])
def test_the_suggestions_fit_without_scrolling_even_in_german(
    fake: Fake, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page(f"{fake.address}/kiosk?lang=de", size)
    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#offer button")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


def test_an_order_can_be_placed_with_the_keyboard_alone(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk")

    def go_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                page.keyboard.press("Enter")
                return
        raise AssertionError(f"{selector} cannot be reached")

    go_to("#guest")
    in_state(page, "suggest")
    expect(page.locator("#greeting")).to_be_focused()
    expect(page.locator("#usual button")).to_be_visible()
    go_to("#usual button")
    expect(page.locator("#live")).to_contain_text("Added")
    go_to("#basket-open")
    in_state(page, "basket")
    expect(page.locator("#basket-title")).to_be_focused()
    with page.expect_response("**/recommender/v1/events"):
        go_to("#order")

    in_state(page, "done")


def test_the_pin_can_be_typed_and_is_never_shown(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/taxi")
    page.click("#recognise")
    in_state(page, "pin")
    page.keyboard.type(PIN[:2])

    expect(page.locator("#live")).to_have_text("2 of 4 digits entered")
    assert PIN[:2] not in page.evaluate("document.body.textContent")
    page.keyboard.type(PIN[2:])
    in_state(page, "suggest")


def test_who_wants_less_motion_gets_none(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk", reduced_motion="reduce")
    moving = page.evaluate(
        "[...document.querySelectorAll('*')].filter((e) => getComputedStyle(e).animationName !== 'none').length"
    )

    assert moving == 0


def test_the_next_person_starts_in_the_screens_own_language(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk?lang=de")
    page.click("#language")
    expect(page.locator("#recognise")).to_contain_text("Recognise me")
    page.click("#guest")
    in_state(page, "suggest")
    page.clock.install()
    page.click("#menu-open")
    page.clock.run_for(65_000)
    in_state(page, "attract")

    expect(page.locator("#recognise")).to_contain_text("Mich erkennen")
