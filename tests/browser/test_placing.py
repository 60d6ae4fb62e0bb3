"""Placing an order while the line is slow: what the person does meanwhile holds, nothing is promised too early."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state, settled
from tests.browser.fake_server import Fake
from tests.browser.test_ordering import ordered, to_menu

pytestmark = pytest.mark.browser

ITEMS = "**/recommender/v1/items*"
EVENTS = "**/recommender/v1/events"


def to_basket(page: Page, dish: str = "dish-16") -> None:
    to_menu(page)
    page.click(f"#menu-list [data-item={dish}]")
    with page.expect_response(ITEMS):
        page.click("#basket-open")
    expect(page.locator("#order")).to_be_enabled()
    settled(page)


def held(page: Page, where: str) -> list[Any]:
    """The requests to `where`, which are not answered."""
    routes: list[Any] = []
    page.route(where, lambda route: routes.append(route))
    return routes


def answer(page: Page, routes: list[Any]) -> None:
    for route in routes:
        route.continue_()
    page.wait_for_timeout(200)


def press(page: Page, *controls: str) -> None:
    """Press controls at once, one after the other: the last look at the menu waits 1.5 seconds, not longer."""
    page.evaluate("(all) => all.forEach((one) => document.querySelector(one).click())", list(controls))


BACK = "[data-screen=basket] [data-back]"


@pytest.mark.parametrize(
    ("meanwhile", "state"),
    [
        ([BACK], "suggest"),
        ([BACK, "#menu-open", "#menu-list [data-item=dish-12]"], "menu"),
        (["#basket-lines .step"], "basket"),
        (["#basket-lines .step:last-child"], "basket"),
    ],
    ids=["back", "another-dish", "less", "more"],
)
def test_who_does_something_else_while_the_menu_is_looked_at_has_not_ordered(
    kiosk: Callable[..., Page], fake: Fake, meanwhile: list[str], state: str
) -> None:
    page = kiosk("?sign=B")
    to_basket(page)
    looks = held(page, ITEMS)
    press(page, "#order", *meanwhile)
    answer(page, looks)
    page.wait_for_timeout(1600)

    assert (page.get_attribute("body", "data-state"), ordered(fake)) == (state, [])


def test_a_second_press_while_the_menu_is_looked_at_orders_once_and_uses_one_number(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk("?sign=B")
    to_basket(page)
    looks = held(page, ITEMS)
    press(page, "#order", BACK, "#basket-open", "#order", "#order")
    answer(page, looks)
    expect(page.locator("#done-text")).to_contain_text("is being prepared")
    expect(page.locator("#done-number")).to_have_text("B-1")

    assert [event["event_id"][:4] for event in ordered(fake)] == ["B-1."]


def test_a_menu_that_does_not_answer_holds_no_order_up(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    to_basket(page, "dish-12")
    held(page, ITEMS)
    pressed = time.monotonic()
    page.click("#order")
    expect(page.locator("#done-text")).to_contain_text("is being prepared")

    assert ordered(fake)[0]["items"] == [{"item_id": "dish-12", "quantity": 1, "price": 980}]
    assert time.monotonic() - pressed < 6


@pytest.mark.parametrize(
    ("language", "sending"),
    [("en", "We are sending your order"), ("de", "Wir senden Ihre Bestellung"), ("ja", "ご注文を送信しています")],
)
def test_an_order_is_promised_when_the_server_has_it_not_before(
    kiosk: Callable[..., Page], language: str, sending: str
) -> None:
    page = kiosk(f"?lang={language}")
    to_basket(page)
    orders = held(page, EVENTS)
    page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-text")).to_contain_text(sending)
    answer(page, orders)

    expect(page.locator("#done-text")).not_to_contain_text(sending)
    assert page.inner_text("#live") == page.inner_text("#done-text")


def test_the_focus_goes_to_what_has_changed(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    to_basket(page, "dish-12")
    fake.dishes["dish-12"] = None
    page.focus("#order")
    page.keyboard.press("Enter")
    expect(page.locator(".line.wrong button").last).to_be_focused()
