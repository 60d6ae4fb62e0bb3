"""Opting in at the kiosk, and continuing with the code of an earlier enrolment."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state, tap_pin
from tests.browser.fake_server import EARLIER, PIN, RECEIPT, Fake

pytestmark = pytest.mark.browser


def test_opting_in_takes_separate_unticked_boxes_an_age_a_pin_and_gives_a_receipt(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    page.click("#join")
    in_state(page, "consent")
    assert page.locator("#consent input:checked").count() == 0
    expect(page.locator("#consent-text")).to_contain_text("thrown away")
    page.click("#consent-agree")
    expect(page.locator("#consent-error")).to_contain_text("at least one")
    page.click("label:has(#purpose-orders)")
    page.click("label:has(#purpose-destinations)")
    page.click("#consent-agree")
    expect(page.locator("#consent-error")).to_contain_text("age")
    assert page.evaluate("seen.asked") == 0  # no camera before the consent
    page.click("label:has(#consent-age)")
    page.click("#consent-agree")
    in_state(page, "pin")
    tap_pin(page, PIN)
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).to_contain_text("two different")
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")

    assert page.inner_text("#receipt-code") == RECEIPT
    (asked,) = fake.bodies("/identity/v1/enrolments")
    assert asked["consent"] == {
        "purposes": {"orders": True, "offers": False, "destinations": True},
        "notice_version": "2026-11",
        "age_confirmed": True,
    }
    assert len(asked["frames"]) >= 3
    assert fake.bodies(f"/identity/v1/enrolments/{RECEIPT}/pin") == [{"secret": "s" * 20, "pin": PIN}]
    page.click("#receipt-done")
    in_state(page, "forget")
    assert page.inner_text("#receipt-code") == ""
    assert page.locator("#consent input:checked").count() == 0


def agree(page: Page) -> None:
    for name in ("#purpose-orders", "#consent-age"):
        page.click(f"label:has({name})")
    page.click("#consent-agree")


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
    assert page.locator("#consent input:checked").count() == 0  # consent is given anew
    agree(page)
    in_state(page, "pin")
    expect(page.locator("#pin-text")).to_contain_text("Your PIN from before stays")
    page.click("#pin-other:text-is('Leave my PIN as it is')")
    in_state(page, "receipt")

    (asked,) = fake.bodies("/identity/v1/enrolments")
    assert asked["earlier"] == EARLIER
    assert page.inner_text("#receipt-code") == RECEIPT
    page.click("#receipt-done")
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
    assert "earlier" not in fake.bodies("/identity/v1/enrolments")[0]


def test_a_code_from_before_that_is_not_known_can_be_corrected(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.click("#join")
    page.click("#earlier-open")
    page.fill("#earlier-code", EARLIER[:-1] + "7")
    page.click("#earlier-use")
    agree(page)
    expect(page.locator("#unknown-title")).to_have_text("This code is not known")
    assert page.evaluate("seen.stopped.length") == 1
    page.click("#unknown-again")
    in_state(page, "consent")
    assert page.locator("#consent input:checked").count() == 0
    page.click("#earlier-open")
    page.fill("#earlier-code", EARLIER)
    page.click("#earlier-use")
    agree(page)
    in_state(page, "pin")

    assert [body["earlier"] for body in fake.bodies("/identity/v1/enrolments")] == [EARLIER[:-1] + "7", EARLIER]
