"""Opting in again, with the code of an earlier enrolment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state
from tests.browser.fake_server import EARLIER, RECEIPT, Fake
from tests.browser.steps import agree

pytestmark = pytest.mark.browser

ENROLMENTS = "/identity/v1/enrolments"


def test_who_is_asked_again_goes_on_with_the_code_from_before(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.click("#join")
    page.click("#earlier-open")
    expect(page.locator("#earlier-entry")).to_contain_text("your usual orders and your PIN stay")
    expect(page.locator("#consent-agree")).to_be_hidden()
    page.click("#earlier-use")
    expect(page.locator("#earlier-error")).to_contain_text("type in your code")
    page.fill("#earlier-code", EARLIER[:-1].lower().replace("-", " "))
    page.click("#earlier-keys button:text-is('2')")
    assert page.input_value("#earlier-code") == EARLIER
    page.click("#earlier-use")
    expect(page.locator("#earlier-open")).to_have_text("Code from before: noted")
    assert page.locator("#consent input:checked").count() == 0  # consent is given again
    agree(page)
    in_state(page, "pin")
    expect(page.locator("#pin-text")).to_contain_text("Your PIN from before stays")
    page.click("#pin-other:text-is('Leave my PIN as it is')")
    in_state(page, "receipt")

    (asked,) = fake.bodies(ENROLMENTS)
    assert asked["earlier"] == EARLIER
    assert page.inner_text("#receipt-code") == RECEIPT
    page.click("#receipt-done")
    page.click("#joined-done")
    in_state(page, "attract")
    assert page.input_value("#earlier-code") == ""
    page.click("#join")
    expect(page.locator("#earlier-open")).to_have_text("I have a code from before")


def test_a_code_from_before_is_asked_of_nobody_and_can_be_left_out_again(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    page.click("#join")
    expect(page.locator("#earlier-entry")).to_be_hidden()
    page.click("#earlier-open")
    page.fill("#earlier-code", EARLIER)
    page.click("#earlier-without")
    agree(page)
    in_state(page, "pin")
    expect(page.locator("#pin-other")).to_have_text("Without a PIN")
    page.click("#pin-other")
    in_state(page, "receipt")

    assert "earlier" not in fake.bodies(ENROLMENTS)[0]


def test_a_code_from_before_that_is_not_known_can_be_corrected(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.click("#join")
    page.click("#earlier-open")
    page.fill("#earlier-code", EARLIER[:-1] + "7")
    page.click("#earlier-use")
    agree(page)
    page.click("#pin-other")
    expect(page.locator("#unknown-title")).to_have_text("This code is not known")
    assert page.evaluate("seen.stopped.length") == 1
    page.click("#unknown-again")
    in_state(page, "consent")
    assert page.locator("#consent input:checked").count() == 0
    page.click("#earlier-open")
    page.fill("#earlier-code", EARLIER)
    page.click("#earlier-use")
    agree(page)
    page.click("#pin-other")
    in_state(page, "receipt")

    assert [body["earlier"] for body in fake.bodies(ENROLMENTS)] == [EARLIER[:-1] + "7", EARLIER]
