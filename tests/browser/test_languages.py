"""Languages of the screens: changed on the spot, without a line, from the right, with the money of the house."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import pseudo
from tests.browser.conftest import in_state, tap_pin
from tests.browser.fake_server import PIN, RECEIPT, Fake, serve

pytestmark = pytest.mark.browser
HERE = "document.querySelector('script[type=module]').src"
"""The address of the page's own module: others beside it are the ones that the page uses."""


def words(page: Page, language: str, currency: str, expression: str) -> Any:
    """`expression` over the words `w` of a language and a currency."""
    made = f"const w = new m.Words('{language}', '{currency}', 'kiosk');"
    return page.evaluate(
        f"import(new URL('dictionaries.js', {HERE})).then(async (d) => {{ await d.load('{language}');"
        f"const m = await import(new URL('words.js', {HERE})); {made} return {expression}; }})"
    )


def test_every_language_is_offered_in_its_own_name(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    buttons = page.locator("#languages button")

    assert buttons.all_inner_texts() == ["English", "Deutsch", "日本語"]
    assert [button.get_attribute("lang") for button in buttons.all()] == ["en", "de", "ja"]
    assert all(button.bounding_box()["height"] >= 44 for button in buttons.all())  # type: ignore[index]


def test_a_language_changes_on_the_spot_and_without_a_line(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)

    for language, said in (("de", "Als Gast"), ("ja", "ゲストで利用"), ("en", "As a guest")):
        page.click(f"#languages [data-language={language}]")
        expect(page.locator("[data-i18n=guest]").first).to_have_text(said)
        assert page.evaluate("document.documentElement.lang") == language
    page.context.set_offline(False)


def test_a_language_that_cannot_be_had_leaves_the_screen_as_it_is_until_it_can(
    fake: Fake, browser: Browser
) -> None:
    with browser.new_context(locale="en-GB") as context:
        page = context.new_page()
        page.route("**/words/de.*.json", lambda route: route.abort())
        page.goto(f"{fake.address}/kiosk")
        page.wait_for_selector("body[data-ready=true]")
        guest = page.locator("[data-i18n=guest]").first
        page.click("#languages [data-language=de]")
        expect(guest).to_have_text("As a guest")
        page.unroute("**/words/de.*.json")
        page.click("#languages [data-language=de]")
        expect(guest).to_have_text("Als Gast")


def test_what_was_said_and_typed_stays_in_another_language(kiosk: Callable[..., Page], fake: Fake) -> None:
    """What is wrong with a PIN and its first digits; that a dish was added; that the notice is unfolded."""
    page = kiosk()
    page.click("#by-code")
    page.fill("#code-code", RECEIPT)
    page.click("#code-next")
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).to_contain_text("not right")
    tap_pin(page, PIN[:2])
    page.click("[data-language=de]")
    expect(page.locator("#pin-title")).to_have_text("Ihre PIN, bitte")
    expect(page.locator("#pin-error")).to_contain_text("stimmt nicht")
    tap_pin(page, PIN[2:])
    in_state(page, "suggest")
    page.click("#usual button")
    expect(page.locator("#undo-text")).to_have_text("Ist dabei: Flat white")
    page.click("[data-language=en]")
    expect(page.locator("#undo-text")).to_have_text("Added: Flat white")


def test_nobody_agrees_to_a_notice_that_is_not_there_in_their_language(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    page.click("#join")
    page.click("#consent-more")
    page.route("**/notice?*language=ja*", lambda route: route.fulfill(status=404, json={"code": "unknown"}))
    page.click("[data-language=de]")
    expect(page.locator("#consent-rest")).to_contain_text("Wofür")
    expect(page.locator("#consent-rest")).to_be_visible()
    page.click("[data-language=ja]")
    expect(page.locator("#consent-essentials")).not_to_contain_text("Lindenholm")
    for gone in ("#consent-agree", "#consent-agree-code", "#purpose-orders", "#consent-rest"):
        expect(page.locator(gone)).to_be_hidden()
    page.click("[data-language=en]")
    expect(page.locator("#consent-agree")).to_be_visible()
    expect(page.locator("#consent-rest")).to_contain_text("What for")


def test_a_language_from_the_right_turns_the_page_around(browser: Browser, tmp_path: Path) -> None:
    fake = Fake(words=pseudo.words_with(tmp_path))
    with serve(fake.app()) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/kiosk?lang={pseudo.LANGUAGE}")
        page.wait_for_selector("body[data-ready=true]")

        assert page.evaluate("document.documentElement.dir") == "rtl"
        expect(page.locator("[data-i18n=guest]").first).to_have_text(pseudo.spell("As a guest"))
        page.click("#languages [data-language=en]")
        assert page.evaluate("document.documentElement.dir") == "ltr"


@pytest.mark.parametrize(
    ("language", "currency", "minor", "said"),
    [
        ("en", "JPY", 980, "¥980"),
        ("ja", "JPY", 980, "￥980"),
        ("en", "KWD", 9800, "KWD 9.800"),
        ("de", "KWD", 9800, "9,800 KWD"),
        ("de", "EUR", 980, "9,80 €"),
        ("en", "USD", 123456, "US$1,234.56|$1,234.56"),
    ],
)
def test_money_has_the_decimals_of_its_currency(
    page: Page, language: str, currency: str, minor: int, said: str
) -> None:
    shown = words(page, language, currency, f"w.price({minor})")

    assert shown.replace("\u00a0", " ") in said.split("|")


def test_the_common_words_of_a_catalogue_are_translated_and_others_are_as_the_shop_wrote_them(page: Page) -> None:
    names = ["cold drinks", "cold_drinks", "Cold Drinks", "kumara_things"]
    said = words(page, "de", "EUR", f"{json.dumps(names)}.map((name) => w.category(name))")

    assert said == ["Kalte Getränke"] * 3 + ["Kumara things"]
    assert words(page, "ja", "EUR", "w.category('place of worship')") == "宗教施設"


def test_rows_stand_in_the_order_of_the_language(page: Page) -> None:
    names = ["Zimt", "Äpfel", "apfel", "Platz 10", "Platz 9"]
    ordered = words(page, "de", "EUR", f"w.sorted({json.dumps(names)}, (name) => name)")

    assert ordered == ["apfel", "Äpfel", "Platz 9", "Platz 10", "Zimt"]


def test_a_text_in_another_language_than_the_page_says_so(page: Page) -> None:
    dish = {"name": "Chips", "names": {"de": "Pommes"}, "texts": {"en": "With salt"}}
    tags = page.evaluate(
        f"import(new URL('catalogue.js', {HERE})).then((m) => [m.langOfName({json.dumps(dish)}, 'de-AT'),"
        f"m.langOfName({json.dumps(dish)}, 'ja'), m.langOfText({json.dumps(dish)}, 'de'),"
        f"m.langOfText({json.dumps(dish)}, 'en')].map((tag) => tag ?? null))"
    )

    assert tags == [None, "", "en", None]


def test_a_refusal_is_said_again_in_the_language_that_is_chosen(browser: Browser) -> None:
    fake = Fake()
    with serve(fake.app()) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/kiosk?lang=en")
        page.wait_for_selector("body[data-ready=true]")
        page.click("#by-code")
        page.click("#code-next")
        expect(page.locator("#code-error")).to_have_text("Please type in your code.")
        page.click("#languages [data-language=de]")
        expect(page.locator("#code-error")).to_have_text("Bitte geben Sie Ihren Code ein.")


def test_the_language_can_be_chosen_while_the_camera_of_an_unpaired_screen_is_set_up(browser: Browser) -> None:
    fake = Fake(paired=False)
    with serve(fake.app()) as address, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/kiosk?lang=en")
        page.wait_for_selector("body[data-ready=true]")
        page.click("#setup-open")
        with page.expect_response("**/notice?*"):
            page.click("#languages [data-language=de]")
        expect(page.locator("#setup-done")).to_be_visible()
        page.click("#setup-done")
        expect(page.locator("#pairing-form")).to_be_visible()
