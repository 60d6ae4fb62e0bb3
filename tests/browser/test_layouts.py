"""Layouts do what they were made for: a tall kiosk is filled and comes down, a small screen can be pressed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_me import CODE, FakeMe
from tests.browser.fake_server import Fake, serve
from tests.browser.looks import MEASURE, SIZES, ZOOMED, Look

pytestmark = pytest.mark.browser
TALL = SIZES["kiosk upright"]
PRESSED = """() => [...document.querySelectorAll("button")].filter((e) => e.checkVisibility())
  .map((e) => e.getBoundingClientRect()).filter((r) => r.height > 0 && r.top < innerHeight).map((r) => r.top)"""


def fixed_share(page: Page) -> float:
    """The part of the window that stays where it is while the page moves."""
    return float(
        page.evaluate(
            """() => [...document.querySelectorAll("body *")]
              .filter((e) => e.checkVisibility() && ["fixed", "sticky"].includes(getComputedStyle(e).position))
              .reduce((sum, e) => sum + e.getBoundingClientRect().height, 0) / innerHeight"""
        )
    )


@pytest.mark.parametrize("size", [(360, 640), (390, 844), (430, 932)], ids=str)
def test_a_dish_of_the_menu_can_be_pressed_on_a_phone(
    fake: Fake, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page(f"{fake.address}/kiosk?lang=de", size, has_touch=True)
    page.tap("#guest")
    in_state(page, "suggest")
    page.tap("#menu-open")
    in_state(page, "menu")
    page.wait_for_timeout(400)  # a second tap on what was replaced does not count
    page.locator("#menu-list [data-item]").nth(3).tap()

    expect(page.locator("#basket-count")).to_have_text("1")


@pytest.mark.parametrize("size", ZOOMED.values(), ids=ZOOMED)
def test_nothing_stays_in_the_way_when_the_screen_is_enlarged(
    fake: Fake, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page(f"{fake.address}/kiosk?lang=de", size)
    page.click("#guest")
    in_state(page, "suggest")
    assert fixed_share(page) == 0
    page.click("#menu-open")
    in_state(page, "menu")
    assert fixed_share(page) == 0


def test_a_tall_kiosk_is_filled(fake: Fake, open_page: OpenPage) -> None:
    """From the first picture to the last button there is less than a tenth of empty height at either end."""
    page = open_page(f"{fake.address}/kiosk", TALL)
    top, bottom = page.evaluate(
        """() => { const boxes = [...document.querySelectorAll("[data-screen=attract] > *")]
            .filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect());
          return [Math.min(...boxes.map((r) => r.top)), Math.max(...boxes.map((r) => r.bottom))]; }"""
    )
    assert top < 0.15 * TALL[1]
    assert bottom > 0.88 * TALL[1]


def test_everything_comes_down_and_goes_up_again_for_the_next_person(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk?lang=de", TALL)
    page.click("#reach")
    expect(page.locator("#reach")).to_have_attribute("aria-pressed", "true")
    assert min(page.evaluate(PRESSED)) >= 0.45 * TALL[1]
    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#others-list button").first).to_be_visible()
    assert min(page.evaluate(PRESSED)) >= 0.45 * TALL[1]
    assert page.evaluate(MEASURE) == []
    page.click("#menu-open")
    in_state(page, "menu")
    page.locator("#menu-list [data-item]").last.scroll_into_view_if_needed()
    page.locator("#menu-list [data-item]").last.click()
    page.click("#basket-open")
    in_state(page, "basket")
    page.click("#order")
    in_state(page, "done")
    page.click("[data-screen=done] .big")
    in_state(page, "attract")

    expect(page.locator("#reach")).to_have_attribute("aria-pressed", "false")
    assert min(page.evaluate(PRESSED)) < 0.2 * TALL[1]


def test_a_small_screen_has_no_button_for_that(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk", SIZES["kiosk"])
    expect(page.locator("#reach")).to_be_hidden()


def test_in_forced_colours_buttons_have_an_outline(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk", SIZES["kiosk"], forced_colors="active")
    widths = page.evaluate(
        """() => [...document.querySelectorAll("button")].filter((e) => e.checkVisibility())
          .map((e) => parseFloat(getComputedStyle(e).borderTopWidth))"""
    )
    assert widths
    assert min(widths) >= 1
    assert Look(SIZES["kiosk"], "de").complaints(page) == []


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_every_text_of_the_customers_own_page_fits(open_page: OpenPage, language: str) -> None:
    me = FakeMe()
    found: dict[str, list[str]] = {}
    with serve(me.app()) as me.address:
        page = open_page(f"{me.address}/me?lang={language}#{CODE}", TALL)
        for state in ("signing in", "signed in"):
            if state == "signed in":
                page.fill("input[type=password]", me.pin or "")
                page.keyboard.press("Enter")
                expect(page.locator("#me-title")).to_be_focused()
            for width, height in (*SIZES.values(), *ZOOMED.values()):
                page.set_viewport_size({"width": width, "height": height})
                if complaints := page.evaluate(MEASURE):
                    found[f"{state}, {width} x {height}"] = complaints
    assert found == {}
