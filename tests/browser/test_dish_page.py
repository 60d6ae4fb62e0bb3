"""The page of a dish: others like it, choices, languages of names; short tones where the house wants them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state
from tests.browser.fake_server import Fake
from tests.browser.test_ordering import BURGER, to_menu

pytestmark = pytest.mark.browser

SIMILAR = "/recommender/v1/items/dish-14/similar"
ALIKE = [
    ("dish-11", "same_taste"),
    ("dish-12", "same_kind"),
    ("dish-13", "same_kind"),
    ("dish-10", "same_kind"),
    ("dish-09", "same_kind"),
]


def to_dish(page: Page, dish: str = "dish-14") -> None:
    to_menu(page)
    page.click(f"#menu-list [data-about={dish}]")
    in_state(page, "dish")


def test_up_to_four_dishes_like_this_one_with_name_price_and_reason(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.alike = ALIKE
    page = kiosk()
    to_dish(page)
    cards = page.locator("#similar-list .card")
    expect(cards).to_have_count(4)
    expect(cards.first).to_contain_text("Club sandwich")
    expect(cards.first).to_contain_text("Guests who order this choose it too")
    expect(cards.first).to_contain_text("€9.90")
    expect(cards.nth(1)).to_contain_text("Of the same kind")
    page.wait_for_timeout(400)
    cards.first.click()
    expect(page.locator("#dish-title")).to_have_text("Club sandwich")
    expect(page.locator("#dish-title")).to_be_focused()
    expect(cards.first).to_contain_text("Margherita")
    page.click("#dish-back")
    in_state(page, "menu")

    assert fake.tokens(SIMILAR) == [None]
    assert set(next(row for row in fake.heard if row["path"] == SIMILAR)["query"]) == {"local_time", "n"}


def test_a_filter_holds_for_dishes_like_this_one(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.alike = ALIKE
    vegan = {"tags": ["vegan"], "allergens": []}
    fake.dishes |= {"dish-14": vegan, "dish-09": vegan, "dish-12": {"available": False}}
    page = kiosk()
    to_menu(page)
    page.click("#filters-open")
    page.get_by_role("button", name="Vegan").click()
    expect(page.locator("#menu-list .card")).to_have_count(2)
    page.click("#menu-list [data-about=dish-14]")

    expect(page.locator("#similar-list .card")).to_have_count(1)
    expect(page.locator("#similar-list .card")).to_contain_text("Caesar salad")


@pytest.mark.parametrize("trouble", ["none", "line", "older server"])
def test_nothing_stands_there_where_nothing_is_like_it(
    kiosk: Callable[..., Page], fake: Fake, trouble: str
) -> None:
    page = kiosk()
    fake.alike = [] if trouble == "none" else ALIKE
    if trouble == "line":
        page.route("**/similar?*", lambda route: route.abort())
    if trouble == "older server":
        page.route("**/similar?*", lambda route: route.fulfill(status=404, json={"code": "not_found"}))
    with page.expect_event(
        "requestfinished" if trouble != "line" else "requestfailed", lambda one: "similar" in one.url
    ):
        to_dish(page)
    page.wait_for_timeout(200)

    expect(page.locator("#similar")).to_be_hidden()
    expect(page.locator("#dish-add")).to_be_enabled()


def test_what_is_chosen_besides_has_allergens_that_nobody_stated(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.dishes["dish-14"] = BURGER
    page = kiosk()
    to_dish(page)
    said = page.get_by_text("Extras and other sizes: please ask us about allergens")
    expect(page.locator("#dish-body .allergens")).to_have_text("Contains: milk, gluten")
    page.get_by_text("Bacon").click()
    expect(said).to_be_visible()
    page.get_by_text("Bacon").click()
    expect(said).to_have_count(0)


def test_one_of_a_group_looks_like_one_of_a_group(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.dishes["dish-14"] = BURGER
    page = kiosk()
    to_dish(page)
    round_ = "(inputs) => inputs.map((one) => getComputedStyle(one).borderRadius)"

    assert set(page.eval_on_selector_all("#dish-body input[type=radio]", round_)) == {"50%"}
    assert "50%" not in page.eval_on_selector_all("#dish-body input[type=checkbox]", round_)


def test_names_say_in_which_language_they_are(kiosk: Callable[..., Page], fake: Fake) -> None:
    """A German page does not read English dishes as German words, nor the other way round."""
    fake.dishes["dish-14"] = BURGER
    fake.dishes["dish-12"] = {"names": {"de": "Pizza Margherita"}, "texts": {"de": "Mit Basilikum."}}
    page = kiosk("?lang=de")
    to_menu(page)
    name = "(element) => element.querySelector('.name').getAttribute('lang')"
    assert page.eval_on_selector("#menu-list [data-item=dish-12]", name) is None
    assert page.eval_on_selector("#menu-list [data-item=dish-01]", name) == ""
    page.click("#menu-list [data-about=dish-14]")
    expect(page.locator("#dish-body .lead")).to_have_attribute("lang", "en")
    assert page.locator("#dish-title span").get_attribute("lang") == ""
    assert page.get_by_text("Groß").get_attribute("lang") is None
    assert page.get_by_text("Bacon").get_attribute("lang") == ""


TONES = """() => {
window.tones = [];
window.AudioContext = class { currentTime = 0; destination = {}; };
window.OscillatorNode = class {
  constructor(context, { frequency }) { this.frequency = frequency; }
  connect(next) { return next; }
  start(at) { this.at = at; }
  stop(at) { window.tones.push([this.frequency, at - this.at]); }
};
window.GainNode = class { gain = { setTargetAtTime() {} }; connect(next) { return next; } };
}"""


@pytest.mark.parametrize("wanted", [False, True])
def test_short_tones_only_where_the_house_wants_them_and_after_a_press(
    kiosk: Callable[..., Page], fake: Fake, wanted: bool
) -> None:
    fake.screen["sound"] = wanted
    page = kiosk()
    page.evaluate(TONES)
    page.wait_for_timeout(300)
    assert page.evaluate("window.tones") == []  # nobody has pressed anything
    to_menu(page)
    assert page.evaluate("window.tones") == []
    page.click("#menu-list [data-item=dish-12]")
    page.click("#basket-open")
    page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-number")).not_to_be_empty()
    page.wait_for_timeout(200)
    tones = page.evaluate("window.tones")

    assert [frequency for frequency, _ in tones] == ([660, 523, 784] if wanted else [])
    assert all(length < 0.5 for _, length in tones)
