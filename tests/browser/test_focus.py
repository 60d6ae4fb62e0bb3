"""Where keys go when what they stood on disappears, is covered, or is asked about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state
from tests.browser.test_ordering import to_menu

pytestmark = pytest.mark.browser


def test_are_you_still_there_takes_the_keys_and_gives_them_back(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    page.clock.install()
    page.click("#guest")
    in_state(page, "suggest")
    for key, state in (("Enter", "suggest"), ("Escape", "suggest")):
        page.focus("#menu-open")
        page.clock.run_for(50_000)
        expect(page.locator("#still-there")).to_be_focused()
        for _ in range(3):
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.closest('#still-there-box, body') !== null")
            assert not page.evaluate("document.activeElement.matches('main *, header *, footer *')")
        page.focus("#still-there")
        page.keyboard.press(key)
        expect(page.locator("#still-there-box")).to_be_hidden()
        expect(page.locator("#menu-open")).to_be_focused()
        in_state(page, state)


@pytest.mark.parametrize(("dishes", "focus"), [(1, "#menu-title"), (2, "#basket-open")])
def test_after_the_last_change_was_taken_back_the_keys_go_on_beside_it(
    kiosk: Callable[..., Page], dishes: int, focus: str
) -> None:
    page = kiosk()
    to_menu(page)
    for dish in range(dishes):
        page.click(f"#menu-list [data-item=dish-0{dish + 1}]")
        expect(page.locator("#basket-count")).to_have_text(str(dish + 1))
    page.focus("#undo")
    page.keyboard.press("Enter")

    expect(page.locator(focus)).to_be_focused()


def test_the_last_way_back_in_the_order_leads_to_its_title(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    to_menu(page)
    page.click("#menu-list [data-item=dish-01]")
    page.click("#basket-open")
    page.focus("#undo-basket")
    page.keyboard.press("Enter")

    expect(page.locator("#basket-title")).to_be_focused()


COVERED = """() => {
  const one = document.activeElement;
  const { left, top, width, height } = one.getBoundingClientRect();
  return [top + 2, top + height - 2].some((y) => {
    const found = document.elementFromPoint(left + width / 2, y);
    return found?.closest("footer.bar") && !one.closest("footer.bar");
  });
}"""


@pytest.mark.parametrize("size", [(390, 844), (1024, 600)])
def test_what_has_the_focus_is_not_under_the_bar(kiosk: Callable[..., Page], size: tuple[int, int]) -> None:
    page = kiosk(size=size)
    to_menu(page)
    page.click("#menu-list [data-item=dish-01]")  # with the way back in it the bar is higher
    page.focus("#menu-list [data-item=dish-01]")
    covered = []
    for _ in range(20):
        page.keyboard.press("Tab")
        covered.append(page.evaluate(COVERED))

    assert not any(covered)
