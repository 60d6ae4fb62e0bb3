"""Kiosk and taxi with a keyboard alone, with less motion, and in the language of the next person."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import PIN, RECEIPT, Fake

pytestmark = pytest.mark.browser

TABLET, PORTRAIT = (1280, 800), (1080, 1920)


@pytest.mark.parametrize("size", [TABLET, PORTRAIT], ids=["tablet", "portrait"])
def test_the_suggestions_fit_without_scrolling_even_in_german(
    fake: Fake, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page(f"{fake.address}/kiosk?lang=de", size)
    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#offer button")).to_be_visible()

    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0


def go_to(page: Page, selector: str, key: str = "Enter") -> None:
    """Walk there with the Tab key, and press a key."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("(s) => document.activeElement.matches(s)", selector):
            page.keyboard.press(key)
            return
    raise AssertionError(f"{selector} cannot be reached")


def test_an_order_can_be_placed_with_the_keyboard_alone(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk")
    go_to(page, "#guest")
    in_state(page, "suggest")
    expect(page.locator("#greeting")).to_be_focused()
    expect(page.locator("#usual button")).to_be_visible()
    go_to(page, "#usual button")
    expect(page.locator("#live")).to_contain_text("Added")
    go_to(page, "#basket-open")
    in_state(page, "basket")
    expect(page.locator("#basket-title")).to_be_focused()
    with page.expect_response("**/recommender/v1/events"):
        go_to(page, "#order")

    in_state(page, "done")


def test_joining_coming_back_by_code_and_opting_out_need_no_pointer(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk")
    go_to(page, "#join")
    expect(page.locator("#consent-title")).to_be_focused()
    go_to(page, "#consent-more")
    expect(page.locator("#consent-rest")).to_be_visible()
    go_to(page, "#purpose-orders", " ")
    go_to(page, "#consent-age", " ")
    go_to(page, "#consent-agree-code")
    in_state(page, "pin")
    page.keyboard.type(PIN + PIN)
    in_state(page, "receipt")
    go_to(page, "#receipt-done")
    in_state(page, "joined")
    go_to(page, "#joined-try")
    expect(page.locator("#code-code")).to_be_focused()
    page.keyboard.type(RECEIPT)
    page.keyboard.press("Enter")
    in_state(page, "pin")
    page.keyboard.type(PIN)
    in_state(page, "suggest")
    go_to(page, "#end-visit")
    in_state(page, "attract")
    go_to(page, "#opt-out")
    go_to(page, "#optout-by-code")
    expect(page.locator("#optout-code")).to_be_focused()
    page.keyboard.type(RECEIPT)
    page.keyboard.press("Enter")

    expect(page.locator("#forgotten-title")).to_have_text("You are forgotten")


def test_the_pin_can_be_typed_and_is_never_shown(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/taxi")
    page.click("#recognise")
    in_state(page, "pin")
    page.keyboard.type(PIN[:2])

    expect(page.locator("#live")).to_have_text("2 of 4 digits entered")
    assert PIN[:2] not in page.evaluate("document.body.textContent")
    page.keyboard.type(PIN[2:])
    in_state(page, "suggest")


@pytest.mark.parametrize("wish", ["no-preference", "reduce"])
def test_who_wants_less_motion_gets_none(fake: Fake, open_page: OpenPage, wish: str) -> None:
    """While a picture is looked at, a light runs around it; not for those who want no motion."""
    page = open_page(f"{fake.address}/kiosk", reduced_motion=wish)
    page.route("**/v1/visits", lambda route: None)
    page.click("#recognise")
    in_state(page, "capture")
    expect(page.locator("#oval")).to_have_attribute("data-busy", "true")
    moving = page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length")

    assert bool(moving) == (wish == "no-preference")


def test_the_next_person_starts_in_the_screens_own_language(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk?lang=de")
    expect(page.locator("[data-language]")).to_have_count(3)
    page.click("[data-language=en]")
    expect(page.locator("#recognise")).to_contain_text("Recognise me")
    expect(page.locator("[data-language=en]")).to_have_attribute("aria-pressed", "true")
    page.click("#guest")
    in_state(page, "suggest")
    page.clock.install()
    page.click("#menu-open")
    page.clock.run_for(65_000)
    in_state(page, "attract")

    expect(page.locator("#recognise")).to_contain_text("Mich erkennen")
