"""A button that calls somebody, and the sign before the numbers of orders that the server gives each kiosk."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state
from tests.browser.fake_server import Fake

pytestmark = pytest.mark.browser

CALLS = "/v1/screen/calls"


def test_somebody_is_called_once_and_nothing_is_sent_but_the_screens_key(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    page.click("#recognise")
    in_state(page, "suggest")
    page.click("#call-staff")
    expect(page.locator("#call-staff")).to_have_text("We have been called")
    expect(page.locator("#live")).to_have_text("We have been called")
    page.wait_for_timeout(400)
    page.click("#call-staff")
    page.wait_for_timeout(300)

    (sent,) = [row for row in fake.heard if row["path"] == CALLS]
    assert (sent["body"], sent["token"], sent["query"]) == (None, None, {})


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_a_call_that_does_not_get_through_is_said(kiosk: Callable[..., Page], language: str) -> None:
    page = kiosk(f"?lang={language}")
    page.route(f"**{CALLS}", lambda route: route.abort())
    page.click("#call-staff")
    said = {
        "en": "Please ask at the counter",
        "de": "Bitte fragen Sie an der Theke",
        "ja": "カウンターでお尋ねください",
    }

    expect(page.locator("#call-staff")).to_have_text(said[language])


def test_a_house_without_it_has_no_such_button(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.screen["call_staff"] = False
    page = kiosk()
    expect(page.locator("#call-staff")).to_be_hidden()
    page.click("#guest")
    in_state(page, "suggest")
    expect(page.locator("#call-staff")).to_be_hidden()


def order(page: Page) -> str:
    page.click("#guest")
    page.click("#menu-open")
    page.click("#menu-list [data-item=dish-01]")
    page.click("#basket-open")
    page.click("#order")
    in_state(page, "done")
    number = page.inner_text("#done-number")
    page.click("[data-screen=done] .big")
    in_state(page, "attract")
    return number


def test_the_servers_sign_stands_before_the_number_also_without_a_line(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.screen["sign"] = "C"
    page = kiosk()
    assert order(page) == "C-1"
    page.context.set_offline(True)
    assert order(page) == "C-2"
    page.context.set_offline(False)
    fake.screen["sign"] = "D"  # by another server: not before tomorrow
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    assert order(page) == "C-3"
    page.evaluate("""() => {
      const kept = Object.keys(localStorage).find((name) => name.includes('orders-of-the-day'));
      localStorage.setItem(kept, JSON.stringify({ ...JSON.parse(localStorage.getItem(kept)), day: '2020-01-01' }));
    }""")
    page.reload()
    page.wait_for_selector("body[data-ready=true]")

    assert order(page) == "D-1"
