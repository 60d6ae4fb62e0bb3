"""The customer's own page before the real house: both halves, real databases, no fake reply."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.fake_server import serve
from tests.journey import Place
from tests.test_own_page import PIN, joined, place, visit

__all__ = ["place"]
pytestmark = pytest.mark.browser


def test_the_page_walks_through_the_real_house(place: Place, open_page: OpenPage) -> None:
    """Looking, correcting, pausing, agreeing, changing the PIN, leaving: as on somebody's phone."""
    receipt = joined(place)
    visit(place, receipt)
    with serve(place.app) as address:
        page = open_page(f"{address}/me?lang=en#{receipt}", (390, 844))
        page.fill("input[type=password]", PIN)
        page.click("#me-sign-in")
        expect(page.locator("#me-words")).to_contain_text("under a random name: 1")
        expect(page.locator("#me-why")).to_contain_text("Soup of the day")
        page.locator(".me-event button").click()
        page.click("[data-yes]")
        expect(page.locator("#me-words")).to_contain_text("no order and no ride")
        page.click("#me-pause")
        expect(page.locator("#me-words")).to_contain_text("You are paused until")
        page.click("#me-purpose-offers")
        page.click("#me-agree")
        expect(page.locator("#me-purpose-offers")).to_be_checked()
        before, after = page.locator("#me-pin input").all()
        before.fill(PIN)
        after.fill("4321")
        page.click("#me-pin button")
        expect(page.locator("#me-said")).to_have_text("The PIN is stored.")
        other = open_page(f"{address}/me?lang=en#{receipt}", (390, 844))
        other.fill("input[type=password]", "4321")
        other.click("#me-sign-in")
        expect(other.locator("#me-words")).to_be_visible()
        page.click(".me-button.danger")
        page.click("[data-yes]")
        expect(page.locator("#me-gone")).to_be_visible()
        other.click("#me-resume")
        expect(other.locator("#me-gone")).to_have_text("Your data was erased")

    assert place.identity.service.customers.accounts.row_of_code("mill", receipt) is None
