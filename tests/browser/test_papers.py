"""What a customer reads before they agree, and the receipt that they take along."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, in_state, settled, tap_pin
from tests.browser.fake_notice import CONTACT, CONTROLLER
from tests.browser.fake_server import PIN, Fake
from tests.browser.steps import agree, to_the_receipt

pytestmark = pytest.mark.browser

ENROLMENTS = "/identity/v1/enrolments"


@pytest.mark.parametrize("size", [(1080, 1920), (768, 1024), (390, 844)], ids=["kiosk", "tablet", "phone"])
def test_retention_withdrawal_controller_and_contact_are_seen_without_scrolling(
    fake: Fake, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page(fake.address + "/kiosk", size)
    page.click("#join")
    for language, how_long, how in (
        ("en", "12 months", "“Forget me”"),
        ("de", "12 Monate", "„Mich vergessen“"),
        ("ja", "12か月", "「私を忘れる」"),
    ):
        settled(page)
        page.click(f"[data-language={language}]")
        essentials = page.locator("#consent-essentials")
        expect(essentials).to_contain_text(how_long)
        for text in (how, CONTROLLER, CONTACT):
            expect(essentials).to_contain_text(text)
        assert page.evaluate("scrollY") == 0
        for seen in (essentials, page.locator("#consent-more")):
            box = seen.bounding_box()
            assert box
            assert box["y"] + box["height"] <= size[1], (language, box)
        assert page.evaluate(
            "[...document.querySelectorAll('.notice')].every((e) => e.scrollHeight <= e.clientHeight + 1)"
        )


def test_the_notice_is_text_in_the_readers_language_and_of_the_place(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/taxi?lang=de")
    page.click("#join")
    expect(page.locator("#consent-essentials")).to_contain_text("in diesem Taxi")
    expect(page.locator("#consent-rest")).to_be_hidden()
    page.click("[data-language=en]")
    expect(page.locator("#consent-essentials")).to_contain_text("in this taxi")
    page.click("#consent-more")
    expect(page.locator("#consent-rest h3").first).to_have_text("What for")
    expect(page.locator("#consent-rest li")).to_have_count(2)
    expect(page.locator("#consent-rest li strong").first).to_have_text("Orders.")
    expect(page.locator("#consent-rest")).to_contain_text("Policy <b>not markup</b>")
    assert page.locator("#consent-rest b, #consent-rest a").count() == 0
    assert page.get_attribute("#consent-text", "lang") == "en"

    agree(page)
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")
    agreed = fake.bodies(ENROLMENTS)[0]["consent"]
    assert (agreed["language"], agreed["place"]) == ("en", "taxi")
    assert {tuple(row["query"].get("place", [])) for row in fake.heard if row["path"].endswith("/notice")} == {
        ("taxi",)
    }


def test_on_paper_the_receipt_stands_alone(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/kiosk?printer")
    to_the_receipt(page)
    expect(page.locator("#receipt-print")).to_be_visible()
    page.emulate_media(media="print")

    for shown in ("#receipt-code", "#receipt-qr img", "#receipt-where", "#receipt-signed"):
        expect(page.locator(shown)).to_be_visible()
    for hidden in (".top", "#receipt-done", "#receipt-no", "#receipt-print", "#receipt-seconds"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.inner_text("#receipt-signed").startswith("usual-receipt-1.")
