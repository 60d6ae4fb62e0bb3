"""What the server took of an order: lines that it left out are named, and the sum is of what it took."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state
from tests.browser.fake_server import Fake
from tests.browser.test_ordering import ordered, to_menu

pytestmark = pytest.mark.browser


def problem(line: int, item_id: str, code: str, **more: int) -> dict[str, Any]:
    return {"index": 0, "line": line, "item_id": item_id, "code": code, "shown": None, "price": None} | more


def order(page: Page, *dishes: str) -> None:
    to_menu(page)
    for dish in dishes:
        page.click(f"#menu-list [data-item={dish}]")
    page.click("#basket-open")
    expect(page.locator("#order")).to_be_enabled()
    page.click("#order")
    in_state(page, "done")


def test_a_line_that_was_left_out_is_named_and_not_in_the_sum(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.problems = [problem(1, "dish-13", "gone"), problem(2, "dish-14", "price_changed", shown=1240, price=1300)]
    page = kiosk()
    order(page, "dish-12", "dish-13", "dish-14")
    lines = page.locator("#done-lines li")
    expect(page.locator("#done-text")).to_contain_text("The marked lines were not taken")
    expect(lines.nth(0)).to_have_text("1 × Margherita")
    expect(lines.nth(1)).to_contain_text("Not taken: no longer on the menu")
    expect(lines.nth(1).locator("s")).to_have_text("1 × Spaghetti bolognese")
    expect(lines.nth(2)).to_contain_text("Ordered at €12.40; on the menu now €13.00")
    expect(page.locator("#done-sum")).to_have_text("Total €22.20")
    expect(page.locator("#live")).to_contain_text("The marked lines were not taken")
    expect(page.locator("#late")).to_be_hidden()


def test_an_offer_whose_minimum_is_missed_without_that_line_is_not_asked_for(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.least = 2000
    fake.problems = [problem(1, "dish-13", "unavailable")]
    page = kiosk()
    page.click("#guest")
    page.click("#offer button")
    page.click("#menu-open")
    for dish in ("dish-12", "dish-13"):
        page.click(f"#menu-list [data-item={dish}]")
    page.click("#basket-open")
    page.click("#order")
    expect(page.locator("#done-text")).to_contain_text("the offer does not count")
    expect(page.locator("#done-lines")).to_contain_text("Not taken: sold out")

    assert "redeemed" not in str(fake.bodies("/recommender/v1/events"))


def test_what_was_not_taken_of_a_waiting_order_is_for_the_staff(kiosk: Callable[..., Page], fake: Fake) -> None:
    """On the first page, where nobody's visit is; the person of the next visit does not see it."""
    fake.problems = [problem(1, "dish-13", "unavailable")]
    page = kiosk("?sign=B")
    page.route("**/recommender/v1/events", lambda route: route.abort())
    order(page, "dish-12", "dish-13")
    expect(page.locator("#done-text")).to_contain_text("as soon as the line is back")
    page.click("[data-screen=done] .big")
    in_state(page, "attract")
    page.click("#guest")
    page.unroute("**/recommender/v1/events")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#waiting-badge")).to_be_hidden()
    assert len(ordered(fake)) == 1
    expect(page.locator("#late")).to_be_hidden()  # somebody is choosing
    page.evaluate("document.querySelector('#wipe-now').click()")
    in_state(page, "attract")
    expect(page.locator("#late")).to_contain_text("Order B-1 was sent later. Not taken: Spaghetti bolognese")
    page.click("#late-seen")

    expect(page.locator("#late")).to_be_hidden()


def test_a_waiting_order_that_is_refused_is_said_too(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk("?sign=B")
    page.route("**/recommender/v1/events", lambda route: route.abort())
    order(page, "dish-12")
    page.click("[data-screen=done] .big")
    in_state(page, "attract")
    fake.sold_out = True
    page.unroute("**/recommender/v1/events")
    page.evaluate("dispatchEvent(new Event('online'))")

    expect(page.locator("#late")).to_contain_text("Order B-1 was sent later and could not be taken")
