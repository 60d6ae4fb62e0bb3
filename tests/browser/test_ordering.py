"""Ordering at the kiosk: choices, allergens, offers, what changes meanwhile, keys, the number at the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state
from tests.browser.fake_server import Fake

pytestmark = pytest.mark.browser

BURGER: dict[str, Any] = {
    "texts": {"en": "With cheddar and pickles."},
    "tags": ["hearty"],
    "allergens": ["milk", "gluten"],
    "options": [
        {
            "id": "size",
            "name": "Size",
            "names": {"de": "Größe"},
            "choose": "one",
            "choices": [
                {"id": "small", "name": "Small", "names": {}, "price": 0},
                {"id": "large", "name": "Large", "names": {"de": "Groß"}, "price": 250},
            ],
        },
        {
            "id": "extra",
            "name": "Extras",
            "names": {},
            "choose": "many",
            "choices": [
                {"id": "bacon", "name": "Bacon", "names": {}, "price": 150},
                {"id": "plain", "name": "No onions", "names": {}, "price": 0},
            ],
        },
    ],
}


def to_menu(page: Page) -> None:
    page.click("#guest")
    page.click("#menu-open")
    in_state(page, "menu")


def ordered(fake: Fake) -> list[dict[str, Any]]:
    events = [event for body in fake.bodies("/recommender/v1/events") for event in body["events"]]
    return [event for event in events if event["type"] == "ordered"]


def focused(page: Page) -> str:
    text: str = page.evaluate(
        "document.activeElement.dataset.item || document.activeElement.id || document.activeElement.tagName"
    )
    return text


def test_choices_are_pressed_on_large_targets_and_the_price_follows(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.dishes["dish-14"] = BURGER
    page = kiosk("?printer=1")
    page.evaluate("window.print = () => {}")
    to_menu(page)
    page.click("#menu-list [data-item=dish-14]")
    in_state(page, "dish")
    expect(page.locator("#dish-body")).to_contain_text("With cheddar and pickles.")
    expect(page.locator("#dish-body")).to_contain_text("Contains: milk, gluten")
    expect(page.locator("#dish-sum")).to_have_text("€12.40")
    page.get_by_text("Large").click()
    page.get_by_text("Bacon").click()
    expect(page.locator("#dish-sum")).to_have_text("€16.40")
    expect(page.locator("#live")).to_have_text("€16.40")
    boxes = [label.bounding_box() for label in page.locator("#dish-body label.choice").all()]
    assert all(box and box["height"] >= 64 and box["width"] >= 64 for box in boxes)
    page.fill("#dish-note", "Cut in half, please")
    page.click("#dish-add")
    in_state(page, "menu")
    page.click("#basket-open")
    expect(page.locator("#basket-lines .chosen")).to_have_text("Large, Bacon, “Cut in half, please”")
    page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-lines")).to_contain_text("Cut in half, please")
    page.wait_for_timeout(200)

    (event,) = ordered(fake)
    assert event["items"] == [{"item_id": "dish-14", "quantity": 1, "price": 1640, "options": ["large", "bacon"]}]
    assert "half" not in str([row["body"] for row in fake.heard])


def test_a_dish_goes_into_the_basket_of_whoever_taps_it_not_of_the_person_before(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    """The menu looks the same to both; its cards acted for the visit that they were drawn for."""
    page = kiosk()
    for person in range(2):
        to_menu(page)
        page.click("#menu-list [data-item=dish-14]")
        expect(page.locator("#basket-count")).to_have_text("1")
        page.click("#basket-open")
        expect(page.locator("#basket-lines li")).to_have_count(1)
        page.click("#order")
        in_state(page, "done")
        page.click("[data-screen=done] .big")
        in_state(page, "attract")
        assert len(ordered(fake)) == person + 1
    assert [line["quantity"] for order in ordered(fake) for line in order["items"]] == [1, 1]


def test_a_line_of_the_basket_can_be_changed_in_place(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.dishes["dish-14"] = BURGER
    page = kiosk()
    to_menu(page)
    page.click("#menu-list [data-item=dish-14]")
    page.click("#dish-add")
    page.click("#basket-open")
    page.click("#basket-lines .about")
    expect(page.locator("#dish-note")).to_have_count(0)  # nothing prints it here
    page.get_by_text("Large").click()
    page.click("#dish-add")
    in_state(page, "basket")

    expect(page.locator("#basket-lines .chosen")).to_have_text("Large")
    expect(page.locator("#basket-total")).to_have_text("€14.90")


def test_what_nobody_stated_is_hidden_by_an_allergen_filter_and_said(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.dishes["dish-14"] = BURGER
    fake.dishes["dish-15"] = {"allergens": [], "tags": ["vegan"]}
    page = kiosk()
    to_menu(page)
    expect(page.locator("#menu-list [data-item=dish-01]")).to_contain_text("Allergens: please ask us")
    expect(page.locator("#menu-list [data-item=dish-15]")).to_contain_text("None of the listed allergens")
    page.click("#filters-open")
    page.get_by_role("button", name="Without milk").click()
    expect(page.locator("#menu-list .card")).to_have_count(1)
    expect(page.locator("#menu-hidden")).to_contain_text("Hidden dishes: 15. Of 14 of them")
    expect(page.locator("#live")).to_contain_text("Hidden dishes: 15")
    page.get_by_role("button", name="Without milk").click()
    page.get_by_role("button", name="Vegan").click()
    expect(page.locator("#menu-list .card")).to_have_count(1)
    expect(page.locator("#menu-hidden")).to_have_text("Hidden dishes: 15")

    assert "milk" not in str([(row["query"], row["body"]) for row in fake.heard])


def test_the_last_change_can_be_taken_back(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    to_menu(page)
    page.click("#menu-list [data-item=dish-01]")
    expect(page.locator("#undo-bar")).to_contain_text("Added: Flat white")
    page.click("#menu-list [data-item=dish-02]")
    page.click("#undo")
    expect(page.locator("#basket-count")).to_have_text("1")
    expect(page.locator("#live")).to_contain_text("The last change was undone")
    page.click("#basket-open")
    expect(page.locator("#basket-lines .line")).to_contain_text(["Flat white"])
    page.click("#undo-basket")

    expect(page.locator("#basket-lines")).to_contain_text("Nothing chosen yet")
    expect(page.locator("#undo-basket")).to_be_hidden()


def test_the_next_person_has_nothing_to_take_back(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    for _ in range(2):
        page.click("#guest")
        in_state(page, "suggest")
        expect(page.locator("#undo-bar")).to_be_hidden()
        expect(page.locator("#usual")).to_have_text("Popular hereEarl Grey€3.00Add to the order")
        page.click("#usual button")
        expect(page.locator("#undo-bar")).to_be_visible()
        page.click("#basket-open")
        page.click("#order")
        in_state(page, "done")
        page.click("[data-screen=done] .big")
        in_state(page, "attract")


def test_a_long_price_stays_inside_its_line_on_a_phone(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.dishes["dish-12"] = {"price": 99_999_999_999}
    page = kiosk(size=(320, 568))
    to_menu(page)
    page.click("#menu-list [data-item=dish-12]")
    page.click("#basket-open")
    expect(page.locator("#basket-lines .price")).to_be_visible()
    outside = """[...document.querySelectorAll("#basket-lines .line, #basket-lines .line *")].filter((one) =>
      one.getBoundingClientRect().right > innerWidth).length"""

    assert page.evaluate(outside) == 0


def test_a_house_without_a_dish_says_so(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.route("**/recommender/v1/items*", lambda route: route.fulfill(json={"rows": [], "next_cursor": None}))
    with page.expect_response("**/recommender/v1/items*"):
        page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(100)
    to_menu(page)

    expect(page.locator("#menu-list")).to_contain_text("nothing to order here at the moment")


def test_the_whole_usual_order_goes_in_with_one_press(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()

    def usual(route: Any) -> None:
        reply = route.fetch()
        body = reply.json()
        bundle = [{"item_id": "dish-14", "name": "Cheeseburger", "quantity": 2}]
        bundle.append({"item_id": "dish-04", "name": "Rhubarb lemonade", "quantity": 1})
        body["suggestions"]["items"][0] |= {"bundle": bundle, "reason": {"code": "usual_basket", "text": "x"}}
        route.fulfill(response=reply, json=body)

    page.route("**/v1/visits", usual)
    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#usual")).to_contain_text("2 × Cheeseburger, 1 × Rhubarb lemonade")
    expect(page.locator("#usual .price")).to_have_text("€28.50")
    page.click("#usual button")
    expect(page.locator("#basket-count")).to_have_text("3")
    page.click("#undo")

    expect(page.locator("#basket-count")).to_have_text("0")


def test_a_guest_sees_the_offer_with_its_terms_and_minimum_before_it_is_taken(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.least = 1500
    page = kiosk()
    page.click("#guest")
    expect(page.locator("#offer")).to_contain_text("25 % off cakes")
    expect(page.locator("#offer")).to_contain_text("From €15.00")
    page.click("#others-list .card")
    expect(page.locator("#offer .lacking")).to_contain_text(re.compile("more and the offer counts"))

    assert set(fake.tokens("/recommender/v1/suggestions/offers")) == {None}


def test_a_price_that_changed_is_said_by_line_and_never_silently_taken(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    to_menu(page)
    page.click("#menu-list [data-item=dish-12]")
    fake.dishes["dish-12"] = {"price": 1180}
    page.click("#basket-open")
    expect(page.locator("#basket-lines")).to_contain_text("It now costs €11.80")
    expect(page.locator("#basket-total")).to_have_text("€9.80")
    expect(page.locator("#order")).to_be_disabled()
    page.get_by_role("button", name="Accept the new price: Margherita").click()
    expect(page.locator("#basket-total")).to_have_text("€11.80")
    page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-text")).to_contain_text("is being prepared")

    assert ordered(fake)[0]["items"][0]["price"] == 1180


def test_a_dish_that_is_gone_is_marked_and_the_rest_is_ordered(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    to_menu(page)
    for dish in ("dish-12", "dish-13", "dish-14"):
        page.click(f"#menu-list [data-item={dish}]")
    page.click("#basket-open")
    expect(page.locator("#order")).to_be_enabled()
    fake.dishes |= {"dish-13": None, "dish-14": {"available": False}}
    page.click("#order")
    expect(page.locator(".line.wrong")).to_contain_text(["No longer on the menu", "Sold out"])
    assert ordered(fake) == []
    page.click("#order-rest")
    page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-text")).to_contain_text("is being prepared")

    assert [line["item_id"] for line in ordered(fake)[0]["items"]] == ["dish-12"]


def test_a_refusal_that_the_menu_explains_leads_back_to_the_order(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    to_menu(page)
    page.click("#menu-list [data-item=dish-12]")
    page.click("#menu-list [data-item=dish-13]")
    page.click("#basket-open")

    def late(route: Any) -> None:  # between the last look at the menu and the order
        fake.dishes["dish-13"] = None
        route.continue_()

    page.route("**/recommender/v1/events", late)
    page.click("#order")
    expect(page.locator(".line.wrong")).to_have_count(1)
    in_state(page, "basket")


def test_the_keyboard_keeps_its_place_after_a_dish_was_added(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    page.click("#guest")
    expect(page.locator("#others-list .card")).to_have_count(4)
    page.focus("#others-list li:nth-child(2) .card")
    page.keyboard.press("Enter")
    expect(page.locator("#basket-count")).to_have_text("1")
    expect(page.locator("#live")).to_contain_text("Your order: 1, €2.60")
    page.wait_for_timeout(300)
    assert page.evaluate("document.activeElement.closest('#others-list') !== null"), focused(page)
    page.click("#menu-open")
    page.focus("#menu-list [data-item=dish-09]")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)

    assert focused(page) == "dish-09"


def test_a_line_that_goes_away_leaves_the_focus_on_its_neighbour(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    to_menu(page)
    page.click("#menu-list [data-item=dish-01]")
    page.click("#menu-list [data-item=dish-02]")
    page.click("#basket-open")
    page.focus("#basket-lines .line:first-child .step")
    page.keyboard.press("Enter")
    expect(page.locator("#basket-lines .line")).to_have_count(1)
    page.wait_for_timeout(300)

    assert page.evaluate("document.activeElement.closest('#basket-lines') !== null"), focused(page)


def test_arrow_keys_move_in_the_grid_and_escape_goes_back(kiosk: Callable[..., Page]) -> None:
    page = kiosk(size=(1280, 800))
    to_menu(page)
    page.focus("#menu-list [data-item=dish-05]")
    page.keyboard.press("ArrowRight")
    assert focused(page) == "dish-06"
    page.keyboard.press("ArrowLeft")
    assert focused(page) == "dish-05"
    page.keyboard.press("ArrowDown")
    assert focused(page) not in ("dish-05", "BODY")
    page.keyboard.press("Escape")

    in_state(page, "suggest")


def test_an_order_has_a_number_and_a_place_also_without_a_line(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk("?sign=B&collect=Window")
    for number in ("B-1", "B-2"):
        page.click("#guest")
        page.click("#others-list .card")
        page.click("#basket-open")
        page.context.set_offline(number == "B-2")
        page.click("#order")
        in_state(page, "done")
        expect(page.locator("#done-number")).to_have_text(number)
        expect(page.locator("#done-collect")).to_contain_text("Window")
        page.click("[data-screen=done] .big")
        in_state(page, "attract")

    assert ordered(fake)[0]["event_id"].startswith("B-1.")
    assert page.evaluate("document.body.textContent.includes('B-2')") is False


@pytest.mark.parametrize("text", ["A-1", "Menü 9,80 €\n" * 9, "x" * 300, "ビール " * 50])
def test_the_code_of_a_receipt_is_read_by_a_reader_of_others(kiosk: Callable[..., Page], text: str) -> None:
    page = kiosk()
    rows = page.evaluate(
        "(text) => import('/screens/static/js/kiosk/qrdraw.js').then((m) => m.qrModules(text))", text
    )
    picture = np.kron(np.pad(1 - np.array(rows, np.uint8), 4, constant_values=1) * 255, np.ones((6, 6), np.uint8))

    read, *_ = cv2.QRCodeDetector().detectAndDecode(picture)
    assert read == text


def test_the_receipt_holds_the_order_and_nothing_of_the_person(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk("?sign=C")
    page.click("#recognise")
    in_state(page, "suggest")
    page.click("#usual button")
    page.click("#basket-open")
    page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-qr img")).to_be_visible()
    picture = np.frombuffer(page.locator("#done-qr img").screenshot(), np.uint8)
    pixels = cv2.imdecode(picture, cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    read, *_ = cv2.QRCodeDetector().detectAndDecode(pixels)

    assert re.fullmatch(r"C-1\n\d{4}-\d\d-\d\d \d\d:\d\d\n1 × Flat white €3.80\nTotal €3.80", read)


def test_a_session_counts_down_and_is_wiped_or_goes_on(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.clock.install()
    page.click("#guest")
    page.click("#others-list .card")
    page.clock.run_for(50_000)
    expect(page.locator("#still-there-seconds")).to_have_text(re.compile(r"^\d+$"))
    first = int(page.inner_text("#still-there-seconds"))
    page.clock.run_for(3_000)
    assert int(page.inner_text("#still-there-seconds")) < first
    page.click("#still-there")
    expect(page.locator("#still-there-box")).to_be_hidden()
    expect(page.locator("#basket-count")).to_have_text("1")
    page.clock.run_for(50_000)
    page.click("#wipe-now")

    expect(page.locator("#basket-lines")).to_be_empty()
    in_state(page, "forget")
