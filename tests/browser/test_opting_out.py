"""Opting out at the screen: by face, with the PIN where there is one, and by code."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state, tap_pin
from tests.browser.fake_server import EARLIER, PIN, RECEIPT, Fake

pytestmark = pytest.mark.browser

OPT_OUTS = "/identity/v1/opt-outs"


def by_face(page: Page) -> None:
    page.click("#opt-out")
    page.click("#optout-face")


def test_forgetting_by_face_stands_on_the_first_level(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    by_face(page)
    in_state(page, "forgotten")

    assert page.inner_text("#forgotten-title") == "You are forgotten"
    assert len(fake.bodies(OPT_OUTS)) == 1
    assert "pin" not in fake.bodies(OPT_OUTS)[0]
    assert page.evaluate("seen.stopped.length") == 1


def test_where_a_pin_is_needed_it_is_asked_for_and_sent_with_a_new_look(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.decisions.extend(["pin_needed", "pin_wrong", "forgotten"])
    page = kiosk()
    by_face(page)
    in_state(page, "pin")
    expect(page.locator("#pin-error")).to_be_empty()
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).to_contain_text("not the PIN")
    tap_pin(page, PIN)
    in_state(page, "forgotten")

    assert page.inner_text("#forgotten-title") == "You are forgotten"
    assert [body.get("pin") for body in fake.bodies(OPT_OUTS)] == [None, "1111", PIN]
    assert len(fake.bodies("/identity/v1/presses")) == 3
    assert page.evaluate("seen.started.length") == page.evaluate("seen.stopped.length") == 3


def test_who_knows_neither_pin_nor_code_is_paused_and_told_how_a_member_of_staff_ends_it(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.decisions.extend(["pin_needed", "paused"])
    page = kiosk()
    by_face(page)
    in_state(page, "pin")
    expect(page.locator("#pin-back")).to_have_text("With my code")
    page.click("#pin-other")
    expect(page.locator("#forgotten-title")).to_have_text("You are paused")

    assert fake.bodies(OPT_OUTS)[1]["pin"] == ""
    for language in ("de", "ja", "en"):
        page.click(f"[data-language={language}]")
        assert page.inner_text("#forgotten-reference") == "H7K4-22"
        expect(page.locator("#forgotten-staff")).to_contain_text("usual identity held H7K4-22")
    page.click("#forgotten-code")
    expect(page.locator("#optout-code")).to_be_focused()


def test_nobody_found_never_means_that_nothing_is_held(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.decisions.append("unknown")
    page = kiosk()
    by_face(page)

    for language, sentence in (
        ("en", "That does not mean that nothing is held."),
        ("de", "Das heißt nicht, dass nichts gespeichert ist."),
        ("ja", "何も保存されていないという意味ではありません。"),
    ):
        page.click(f"[data-language={language}]")
        expect(page.locator("#forgotten-text")).to_contain_text(sentence)
    page.click("#forgotten-again")
    expect(page.locator("#forgotten-title")).to_have_text("登録を消去しました")


def test_forgetting_by_code_works_without_a_camera(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.click("#opt-out")
    page.click("#optout-by-code")
    page.click("#optout-now")
    expect(page.locator("#optout-error")).to_contain_text("type in your code")
    page.fill("#optout-code", EARLIER)  # a whole code of five groups, of nobody here
    page.click("#optout-now")
    expect(page.locator("#optout-error")).to_contain_text("not known")
    page.fill("#optout-code", RECEIPT.lower().replace("-", " "))
    page.click("#optout-now")
    in_state(page, "forgotten")

    assert page.inner_text("#forgotten-title") == "You are forgotten"
    assert page.evaluate("seen.asked") == 0


def test_a_mistyped_group_is_named_while_typing_and_is_not_sent(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    page.click("#opt-out")
    page.click("#optout-by-code")
    first, second = RECEIPT.split("-")[:2]
    page.type("#optout-code", first + "-" + second[:4])
    expect(page.locator("#optout-error")).to_be_empty()
    wrong = "2" if second[4] != "2" else "3"
    page.click(f"#optout-keys button:text-is('{wrong}')")
    assert page.input_value("#optout-code") == f"{first}-{second[:4]}{wrong}"
    expect(page.locator("#optout-error")).to_contain_text("check group 2")
    page.click("#optout-now")
    expect(page.locator("#optout-error")).to_contain_text("check group 2")
    page.click("#optout-keys button[aria-label='Erase one']")
    expect(page.locator("#optout-error")).to_be_empty()
    page.click(f"#optout-keys button:text-is('{second[4]}')")
    page.click("#optout-now")
    expect(page.locator("#optout-error")).to_contain_text("four groups of five")

    assert [row for row in fake.heard if row["method"] == "DELETE"] == []
