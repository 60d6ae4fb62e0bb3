"""Without a face: code and PIN lead to the same suggestions, at the kiosk and in the taxi."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state, tap_pin
from tests.browser.fake_server import PIN, RECEIPT, Fake

pytestmark = pytest.mark.browser


def to_the_pin(page: Page, code: str = RECEIPT) -> None:
    page.click("#by-code")
    page.fill("#code-code", code)
    page.click("#code-next")
    in_state(page, "pin")


def test_code_and_pin_show_what_a_face_would_show_and_no_camera_runs(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk("?site=market")
    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#offer")).to_contain_text("For you today")
    by_face = (page.inner_text("#usual"), page.inner_text("#others"), page.inner_text("#offer"))
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    to_the_pin(page)
    tap_pin(page, PIN)
    in_state(page, "suggest")
    expect(page.locator("#offer")).to_contain_text("For you today")

    assert (page.inner_text("#usual"), page.inner_text("#others"), page.inner_text("#offer")) == by_face
    (asked,) = fake.bodies("/v1/visits/by-code")
    assert (asked["receipt"], asked["pin"], asked["scene"]) == (RECEIPT, PIN, "orders")
    assert asked["context"]["site"] == "market"
    assert page.evaluate("seen.asked") == 0
    assert RECEIPT not in page.evaluate("document.body.textContent")
    assert page.input_value("#code-code") == ""
    expect(page.locator("#not-me")).to_be_hidden()  # a code is nobody else's
    page.click("#end-visit")
    in_state(page, "attract")
    assert "Flat white" not in page.evaluate("document.body.textContent")


def test_a_wrong_code_and_a_wrong_pin_are_one_answer_and_the_code_can_be_changed(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    to_the_pin(page)
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).to_have_text("The code or the PIN is not right. Please try again.")
    page.click("#pin-back")
    in_state(page, "code")
    assert page.input_value("#code-code") == RECEIPT
    page.click("#code-next")
    tap_pin(page, "9999")
    expect(page.locator("#pin-error")).to_contain_text("as a guest for now")
    page.click("#pin-other")
    in_state(page, "suggest")

    expect(page.locator("#usual")).to_contain_text("Popular here")
    assert fake.tokens("/recommender/v1/suggestions/orders") == [None]
    assert page.input_value("#code-code") == ""


def test_a_readers_link_is_a_code_and_a_mistyped_one_is_not_sent(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.click("#by-code")
    expect(page.locator("#code-code")).to_be_focused()
    wrong = RECEIPT[:-1] + ("2" if RECEIPT[-1] != "2" else "3")
    page.keyboard.type(wrong)
    page.keyboard.press("Enter")
    expect(page.locator("#code-error")).to_contain_text("check group 4")
    assert page.get_attribute("body", "data-state") == "code"
    page.fill("#code-code", "")
    page.keyboard.type(f"https://usual.example/me#{RECEIPT}")
    page.keyboard.press("Enter")
    in_state(page, "pin")
    page.keyboard.type(PIN)
    in_state(page, "suggest")

    assert fake.bodies("/v1/visits/by-code")[0]["receipt"] == RECEIPT


def test_who_has_no_code_yet_can_join_from_there(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    page.click("#by-code")
    page.click("#code-none")
    in_state(page, "consent")

    expect(page.locator("#consent-agree-code")).to_be_visible()


def test_in_a_taxi_code_and_pin_show_places_at_once_and_the_ride_is_the_customers(
    fake: Fake, open_page: OpenPage
) -> None:
    page = open_page(f"{fake.address}/taxi?pickup=place-04")
    to_the_pin(page)
    tap_pin(page, PIN)
    expect(page.locator("#places [data-item]")).to_have_count(3)
    page.locator("#places [data-item]").first.click()
    with page.expect_response("**/recommender/v1/events"):
        page.click("#confirm")

    assert fake.bodies("/identity/v1/recognitions/by-code") == [{"receipt": RECEIPT, "pin": PIN}]
    assert fake.tokens("/recommender/v1/suggestions/destinations") == ["usual-t1.code"]
    assert fake.tokens("/recommender/v1/events") == ["usual-t1.code"]
    assert page.evaluate("seen.asked") == 0


def test_a_ride_on_a_face_alone_is_sent_as_a_guests(fake: Fake, open_page: OpenPage) -> None:
    fake.purposes = ["orders"]
    page = open_page(f"{fake.address}/taxi?pickup=place-04")
    page.click("#recognise")
    in_state(page, "suggest")
    page.locator("#places [data-item]").first.click()
    with page.expect_response("**/recommender/v1/events"):
        page.click("#confirm")

    assert fake.tokens("/recommender/v1/events") == [None]


def test_somebody_who_chose_no_pin_is_sent_to_their_code_not_asked_for_one(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.decisions.append("ambiguous")
    fake.hint = "use_your_code"
    page = kiosk("?lang=ja")
    page.click("#recognise")
    in_state(page, "ambiguous")

    expect(page.locator("#unknown-pin")).to_be_hidden()
    expect(page.locator("#unknown-text")).to_contain_text("コードなら顔がなくても使えます。")
    page.click("#unknown-code")
    in_state(page, "code")
    expect(page.locator("#not-me")).to_be_hidden()
