"""Walks through every page of kiosk and taxi; each stops at a page, for whoever wants to look at it."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Page, expect

from tests.browser.conftest import in_state, tap_pin
from tests.browser.fake_server import PIN, RECEIPT, Fake


def agree(page: Page, *purposes: str, way: str = "#consent-agree") -> None:
    """Tick purposes and the age, and agree."""
    for name in purposes or ("orders",):
        page.check(f"#purpose-{name}")
    page.check("#consent-age")
    page.click(way)


def to_the_receipt(page: Page) -> None:
    """From the first screen to the receipt, without a PIN."""
    page.click("#join")
    agree(page)
    page.click("#pin-other")
    in_state(page, "receipt")


def _again(page: Page) -> None:
    """The first screen once more, without waiting for the page before to leave."""
    page.reload()
    page.wait_for_selector("body[data-ready=true]")


def joining(page: Page, fake: Fake) -> Iterator[str]:
    """Opting in, with a face and a PIN."""
    yield "attract"
    page.click("#join")
    page.click("#consent-agree")
    yield "consent"
    page.click("#consent-more")
    yield "consent, the whole notice"
    page.click("#earlier-open")
    page.click("#earlier-use")
    yield "consent, with a code from before"
    page.click("#earlier-without")
    page.check("#purpose-destinations")
    page.check("#consent-age")
    page.click("#consent-agree")
    in_state(page, "pin")
    page.click("#pin-other")
    expect(page.locator("#pin-error")).not_to_be_empty()
    yield "choosing a PIN"
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")
    yield "receipt"
    page.click("#receipt-done")
    in_state(page, "joined")
    yield "joined"
    _again(page)
    page.click("#join")
    page.check("#purpose-orders")
    page.check("#consent-age")
    page.click("#consent-agree-code")
    in_state(page, "pin")
    tap_pin(page, PIN)
    tap_pin(page, PIN)
    in_state(page, "receipt")
    page.click("#receipt-no")
    yield "not joined after all"
    _again(page)


def opting_out(page: Page, fake: Fake) -> Iterator[str]:
    """Being forgotten, paused, and not found."""
    page.click("#opt-out")
    yield "opting out"
    page.click("#optout-by-code")
    page.click("#optout-now")
    yield "opting out by code"
    page.fill("#optout-code", RECEIPT)
    page.click("#optout-now")
    in_state(page, "forgotten")
    yield "forgotten"
    _again(page)
    fake.decisions.extend(["pin_needed", "paused", "unknown"])
    page.click("#opt-out")
    page.click("#optout-face")
    in_state(page, "pin")
    yield "opting out with the PIN"
    page.click("#pin-other")
    in_state(page, "forgotten")
    yield "paused"
    _again(page)
    page.click("#opt-out")
    page.click("#optout-face")
    in_state(page, "forgotten")
    yield "nobody found"
    _again(page)


def by_code(page: Page, fake: Fake) -> Iterator[str]:
    """Code and PIN."""
    page.click("#by-code")
    page.click("#code-next")
    yield "code"
    page.fill("#code-code", RECEIPT)
    page.click("#code-next")
    in_state(page, "pin")
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).not_to_be_empty()
    yield "the PIN of a code"
    tap_pin(page, PIN)
    in_state(page, "suggest")
    expect(page.locator("[data-item]").first).to_be_visible()
    yield "by code"
    _again(page)


def ordering(page: Page, fake: Fake) -> Iterator[str]:
    """A visit at the kiosk."""
    fake.news = ["notice_changed"]
    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#offer button")).to_be_visible()
    yield "suggest"
    page.click("#news button")
    yield "reading"
    page.click("#reading-back")
    page.click("#usual button")
    page.click("#menu-open")
    yield "menu"
    page.click("#basket-open")
    yield "basket"
    page.click("#order")
    in_state(page, "done")
    yield "done"
    page.click("[data-screen=done] .big")
    yield "forget"
    in_state(page, "attract")
    page.click("#recognise")
    in_state(page, "suggest")
    page.click("#not-me")
    expect(page.locator("#offer button")).to_be_visible()
    page.click("[data-doubt=notme_never]")
    yield "not me"
    _again(page)
    fake.decisions.extend(["face_too_small", "ambiguous"])
    page.click("#recognise")
    in_state(page, "low_quality")
    yield "low_quality"
    in_state(page, "ambiguous")
    yield "ambiguous"
    _again(page)
    page.click("#policy-link")
    expect(page.locator("#reading-text")).to_contain_text("Bystanders")
    yield "policy"


def riding(page: Page, fake: Fake) -> Iterator[str]:
    """A ride in the taxi."""
    yield "attract"
    page.click("#recognise")
    in_state(page, "pin")
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).not_to_be_empty()
    yield "pin"
    tap_pin(page, PIN)
    expect(page.locator("#places [data-item]")).to_have_count(3)
    yield "suggest"
    page.click("#somewhere-else")
    yield "menu"
    page.click("[data-screen=menu] [data-back]")
    page.locator("#places [data-item]").first.click()
    yield "basket"
    page.click("#confirm")
    in_state(page, "done")
    yield "done"


KIOSK = (joining, opting_out, by_code, ordering)
TAXI = (riding,)
