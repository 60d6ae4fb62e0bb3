"""A house's brand on kiosk and taxi: name, logo, colours, light and dark; also without a line or a brand."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import Fake, Row

pytestmark = pytest.mark.browser
DRAWN = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="40" height="20"/></svg>'
LOGO = "data:image/svg+xml;base64," + base64.b64encode(DRAWN.encode()).decode()
BLUE = {"light": {"accent": "#005a9c", "second": None}, "dark": {"accent": "#6cb4f0", "second": None}}


def brand(**more: object) -> Row:
    """A brand as the server sends it."""
    return {"name": "Grill & Co", "logo": None, "colours": BLUE, "typeface": "bookish"} | more


def ground(page: Page, selector: str = "#recognise") -> str:
    """The colour that an element is painted with."""
    return str(page.evaluate("(what) => getComputedStyle(document.querySelector(what)).backgroundColor", selector))


def test_a_screen_shows_the_brand_and_keeps_it_without_a_line(fake: Fake, open_page: OpenPage) -> None:
    fake.screen |= {"brand": brand(logo=LOGO), "currency": "JPY", "languages": ["ja", "de"]}
    page = open_page(f"{fake.address}/kiosk")

    expect(page.locator("#brand img")).to_have_attribute("src", LOGO)
    assert page.evaluate("document.querySelector('#brand img').naturalWidth") > 0
    assert ground(page) == "rgb(0, 90, 156)"
    assert "Charter" in page.evaluate("getComputedStyle(document.body).fontFamily")
    assert page.title() == "Grill & Co"
    expect(page.locator("html")).to_have_attribute("lang", "ja")
    expect(page.locator("[data-language=en]")).to_be_hidden()
    page.click("#guest")
    in_state(page, "suggest")
    expect(page.locator(".price").first).to_have_text("￥300")  # yen have no smaller unit

    page.route("**/v1/screen", lambda route: route.abort())
    page.reload()
    expect(page.locator("#brand img")).to_be_visible()
    assert ground(page) == "rgb(0, 90, 156)"


def test_a_brand_without_a_logo_is_a_name_and_a_broken_one_too(fake: Fake, open_page: OpenPage) -> None:
    fake.screen["brand"] = brand()
    page = open_page(f"{fake.address}/kiosk")
    expect(page.locator("#brand")).to_have_text("Grill & Co")

    fake.screen["brand"] = brand(logo="data:image/png;base64,AAAA")
    page.reload()
    expect(page.locator("#brand")).to_have_text("Grill & Co")
    fake.screen["brand"] = brand(
        logo="https://elsewhere.example/logo.png", colours=BLUE | {"light": {"accent": "red"}}
    )
    page.reload()
    expect(page.locator("#brand")).to_have_text("Grill & Co")
    expect(page.locator("#recognise")).to_have_css("background-color", "rgb(163, 63, 23)")  # it changes softly


@pytest.mark.parametrize(
    ("name", "theme", "device", "hour", "dark"),
    [
        ("kiosk", "auto", "light", 22, False),
        ("kiosk", "auto", "dark", 12, True),
        ("kiosk", "light", "dark", 12, False),
        ("kiosk", "dark", "light", 12, True),
        ("taxi", "auto", "light", 12, False),
        ("taxi", "auto", "light", 22, True),
        ("taxi", "light", "light", 22, False),
    ],
)
def test_a_screen_is_dark_when_it_should_be(
    fake: Fake, open_page: OpenPage, name: str, theme: str, device: str, hour: int, dark: bool
) -> None:
    """As the house says, else as the device says; a taxi is dark at night by the house's clock."""
    fake.screen |= {"brand": brand(), "theme": theme, "timezone": "UTC"}
    page = open_page(f"{fake.address}/{name}", color_scheme=device)
    page.clock.set_fixed_time(datetime(2026, 11, 30, hour, tzinfo=UTC))
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark" if dark else "light")
    assert ground(page) == ("rgb(108, 180, 240)" if dark else "rgb(0, 90, 156)")
    assert ground(page, "html") == ("rgb(23, 17, 13)" if dark else "rgb(251, 245, 236)")


def svg(width: int, height: int) -> str:
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><path d="M0 0H9V9Z"/></svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(drawn.encode()).decode()


@pytest.mark.parametrize("logo", [svg(10, 4000), svg(4000, 10)], ids=["high", "wide"])
def test_a_logo_of_which_nothing_would_be_seen_is_the_name(fake: Fake, open_page: OpenPage, logo: str) -> None:
    fake.screen["brand"] = brand(logo=logo)
    page = open_page(f"{fake.address}/kiosk")

    expect(page.locator("#brand")).to_have_text("Grill & Co")


def test_a_name_of_one_long_word_does_not_move_the_page_sideways(fake: Fake, open_page: OpenPage) -> None:
    fake.screen["brand"] = brand(name="Donaudampfschifffahrtsgesellschaftskantine")
    page = open_page(f"{fake.address}/kiosk", size=(320, 568))
    expect(page.locator("#brand")).to_contain_text("Donau")

    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_nothing_changes_under_a_finger(fake: Fake, open_page: OpenPage) -> None:
    """Language, money and times of a visit stay; the next one has what the house has set meanwhile."""
    page = open_page(f"{fake.address}/kiosk")
    page.click("#guest")
    in_state(page, "suggest")
    fake.screen |= {"currency": "JPY", "languages": ["de"]}
    with page.expect_response("**/v1/screen"):
        page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".price").first).to_contain_text("€")
    page.click("#menu-open")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.evaluate("dispatchEvent(new Event('pagehide'))")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")
