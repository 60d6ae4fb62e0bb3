"""A finger that taps twice acts once, on every control of every page, and presses nothing of the next page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state, settled, tap_pin
from tests.browser.fake_server import PIN, RECEIPT, Fake
from tests.browser.steps import agree, to_the_receipt

pytestmark = [pytest.mark.browser, pytest.mark.slow]

GAPS_MS = (120, 180)  # presses at 0, 120 and 300 ms of the page's own clock, which the test holds

# Notes each click that arrives at a control after every guard before it.
COUNTER = """
window.acts = [];
addEventListener("click", (event) => {
  const control = event.composedPath().find((one) => one.matches?.("button, a[href], summary, label"));
  const byLabel = event.target.matches("label input"); // the browser's own click, which follows that on the label
  if (control && !byLabel) acts.push(control.id || control.dataset.item || control.className);
});
"""

# The controls that can be seen now, one of each kind: twenty dishes of a list have one handler, all filters too.
CONTROLS = """(elsewhere) => {
  const kinds = new Set();
  const left = (element) =>
    element.disabled || element.matches(".key, .unseen") || (elsewhere && element.closest(".top"));
  return [...document.querySelectorAll("button, a[href], summary, label")].flatMap((element, index) => {
    const { action = "", doubt = "" } = element.dataset;
    const kind = element.id || [element.className, action, doubt, ...Object.keys(element.dataset)].join();
    if (left(element) || kinds.has(kind) || !element.checkVisibility({ visibilityProperty: true })) return [];
    kinds.add(kind);
    return [index];
  });
}"""


def reach_pin(page: Page) -> None:
    page.click("#join")
    agree(page)
    in_state(page, "pin")


def reach_basket(page: Page) -> None:
    page.click("#guest")
    page.click("#usual button")
    page.click("#basket-open")
    in_state(page, "basket")
    expect(page.locator(".toast:visible")).to_have_count(
        0, timeout=15_000
    )  # "Undo" lies over the page for a while
    expect(page.locator("#with-it-list .card").first).to_be_visible()


def reach_done(page: Page) -> None:
    reach_basket(page)
    page.click("#order")
    in_state(page, "done")


def reach_unknown(page: Page) -> None:
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no camera')); }")
    page.click("#recognise")
    in_state(page, "unknown")


def reach_joined(page: Page) -> None:
    to_the_receipt(page)
    page.click("#receipt-done")
    in_state(page, "joined")


def reach_forgotten(page: Page) -> None:
    page.click("#opt-out")
    page.click("#optout-by-code")
    page.fill("#optout-code", RECEIPT)
    page.click("#optout-now")
    in_state(page, "forgotten")


def reach_by_code(page: Page) -> None:
    page.click("#by-code")
    page.fill("#code-code", RECEIPT)
    page.click("#code-next")
    in_state(page, "pin")
    tap_pin(page, PIN)
    in_state(page, "suggest")


def clicks(*selectors: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        for selector in selectors:
            page.click(selector)

    return reach


KIOSK: dict[str, Callable[[Page], None]] = {
    "attract": clicks(),
    "suggest": clicks("#guest"),
    "menu": clicks("#guest", "#menu-open"),
    "dish": clicks("#guest", "#menu-open", "#menu-list .about"),
    "basket": reach_basket,
    "done": reach_done,
    "suggest by code": reach_by_code,
    "consent": clicks("#join"),
    "consent, an earlier code": clicks("#join", "#earlier-open"),
    "pin": reach_pin,
    "receipt": to_the_receipt,
    "joined": reach_joined,
    "optout": clicks("#opt-out"),
    "optout, a code": clicks("#opt-out", "#optout-by-code"),
    "forgotten": reach_forgotten,
    "code": clicks("#by-code"),
    "unknown": reach_unknown,
    "reading": clicks("#policy-link"),
}
TAXI: dict[str, Callable[[Page], None]] = {
    "suggest": clicks("#guest"),
    "menu": clicks("#guest", "#somewhere-else"),
    "basket": clicks("#guest", "#places [data-item]"),
    "done": clicks("#guest", "#places [data-item]", "#confirm"),
}


def tap_thrice(page: Page, index: int) -> list[str]:
    """Press where control number `index` is, three times within 300 ms; the controls that acted."""
    settled(page)
    control = page.locator("button, a[href], summary, label").nth(index)
    control.evaluate("(one) => one.scrollIntoView({ block: 'center', behavior: 'instant' })")  # not below a bar
    box = control.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate("acts = []")
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)
    page.mouse.click(x, y)
    for gap in GAPS_MS:
        page.clock.run_for(gap)
        page.mouse.click(x, y)
    acts: list[str] = page.evaluate("acts")
    page.clock.resume()
    return acts


ELSEWHERE = {"/me": 204, "/me.js": 404}
"""The customer's own page is another document; here it matters only that one press opens it once."""


def check(page: Page, reach: Callable[[Page], None]) -> None:
    """Every control, one of each kind, from the same page."""
    page.clock.install()
    page.context.add_init_script(COUNTER)

    def arrive() -> list[int]:
        page.reload()
        page.wait_for_selector("body[data-ready=true]")
        reach(page)
        settled(page)
        controls: list[int] = page.evaluate(CONTROLS, page.get_attribute("body", "data-state") != "attract")
        return controls

    controls = arrive()
    assert controls
    state, moved = page.get_attribute("body", "data-state"), False
    for index in controls:
        if moved:
            arrive()
        acts = tap_thrice(page, index)
        what = page.evaluate(
            "(n) => document.querySelectorAll('button, a[href], summary, label')[n]?.outerHTML", index
        )
        assert len(acts) == 1, (what, acts)
        moved = page.get_attribute("body", "data-state") != state or page.evaluate(CONTROLS, True) != controls


@pytest.mark.parametrize("name", KIOSK)
def test_three_quick_taps_act_once_at_the_kiosk(kiosk: Callable[..., Page], fake: Fake, name: str) -> None:
    fake.gone = ELSEWHERE
    page = kiosk("?printer=1")
    check(page, KIOSK[name])


@pytest.mark.parametrize("name", TAXI)
def test_three_quick_taps_act_once_in_the_taxi(fake: Fake, open_page: OpenPage, name: str) -> None:
    fake.gone = ELSEWHERE
    page = open_page(fake.address + "/taxi")
    check(page, TAXI[name])


def twice(page: Page, selector: str) -> None:
    settled(page)
    page.locator(selector).first.scroll_into_view_if_needed()
    box: Any = page.locator(selector).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    page.mouse.click(x, y)


def test_a_double_tap_on_the_usual_puts_one_dish_into_the_basket(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    page.click("#guest")
    expect(page.locator("#usual button")).to_be_visible()
    name = page.inner_text("#usual .name")
    twice(page, "#usual button")
    page.click("#basket-open")

    expect(page.locator("#basket-lines .line .name")).to_have_text([name])
    expect(page.locator("#basket-lines .count")).to_have_text("1")


def test_a_double_tap_on_going_on_without_a_face_chooses_no_dish(kiosk: Callable[..., Page]) -> None:
    page = kiosk(size=(1024, 600))
    reach_unknown(page)
    twice(page, "#unknown-guest")
    expect(page.locator("#usual button")).to_be_visible()
    settled(page)

    expect(page.locator("#basket-count")).to_have_text("0")


def test_a_key_counts_each_time_but_not_for_the_tap_that_brought_it(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    page.click("#by-code")
    page.fill("#code-code", RECEIPT)
    twice(page, "#code-next")
    in_state(page, "pin")
    settled(page)
    expect(page.locator(".dot.full")).to_have_count(0)
    twice(page, "#pinpad .key")

    expect(page.locator(".dot.full")).to_have_count(2)


def test_the_menu_shows_the_way_back_where_the_way_to_it_was(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    page.click("#guest")
    page.click("#menu-open")
    in_state(page, "menu")
    expect(page.locator("#menu-open")).to_be_hidden()
    page.click("#menu-close")

    in_state(page, "suggest")
    expect(page.locator("#menu-open")).to_be_visible()


def test_enter_held_down_adds_one_dish(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    page.click("#guest")
    page.click("#menu-open")
    settled(page)
    page.focus("#menu-list .card")
    page.keyboard.down("Enter")
    page.keyboard.down("Enter")  # what a held key sends
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")

    expect(page.locator("#basket-count")).to_have_text("1")
