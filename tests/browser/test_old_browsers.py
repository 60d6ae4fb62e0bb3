"""Browsers that lack something: the guest path always works, and what is missing is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import screens
from tests.browser.conftest import in_state
from tests.browser.fake_server import Fake
from tests.browser.missing import GONE, OLD_SAFARI, PLAIN_HTTP, without

pytestmark = pytest.mark.browser

CAMERA = {"navigator.mediaDevices"}
SCRIPTS = sorted((Path(screens.__file__).parent / "static" / "js").rglob("*.js"))
YOUNGER = re.compile(
    r"crypto\.randomUUID|AbortSignal\.(?:any|timeout)|\.(?:toSorted|toReversed|toSpliced|with)\(\d"
    r"|(?:Object|Map)\.groupBy|withResolvers|Array\.fromAsync|URL\.canParse|\.isSubsetOf|\busing\b \w+ ="
)


def order_as_guest(page: Page) -> None:
    page.click("#guest")
    in_state(page, "suggest")
    page.click("#usual button")
    page.click("#basket-open")
    page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-text")).to_contain_text("being prepared")


@pytest.mark.parametrize("gone", GONE)
def test_without_a_feature_a_guest_orders_and_recognition_works_or_says_why_not(
    kiosk: Callable[..., Page], fake: Fake, gone: str
) -> None:
    page = kiosk()
    without(page, GONE[gone])

    page.click("#recognise")
    if gone in CAMERA:
        expect(page.locator("#unknown-title")).to_have_text("No camera today")
        page.click("[data-screen~=unknown] [data-action=guest]")
        page.reload()
        page.wait_for_selector("body[data-ready=true]")
    else:
        in_state(page, "suggest")
        expect(page.locator("#usual")).to_contain_text("The usual?")
        page.reload()
        page.wait_for_selector("body[data-ready=true]")
    order_as_guest(page)


def test_over_plain_http_the_page_works_and_says_why_there_is_no_camera(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    without(page, PLAIN_HTTP)

    page.click("#recognise")
    expect(page.locator("#unknown-text")).to_contain_text("without encryption")
    page.click("#unknown-guest")
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    order_as_guest(page)
    keys = [row["key"] for row in fake.heard if row["method"] == "POST"]
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", key) for key in keys
    )
    assert len(set(keys)) == len(keys)


def test_the_oldest_safari_recognises(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    without(page, OLD_SAFARI)

    page.click("#recognise")
    in_state(page, "suggest")
    expect(page.locator("#usual")).to_contain_text("The usual?")


def test_the_operator_reads_on_the_pairing_page_what_this_browser_lacks(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.paired = False
    page = kiosk()
    expect(page.locator("#lacking")).to_be_hidden()

    without(page, PLAIN_HTTP, GONE["container queries"])

    in_state(page, "pairing")
    expect(page.locator("#lacking")).to_contain_text("https")
    expect(page.locator("#lacking li")).to_have_count(3)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_uses_what_the_least_browser_lacks(path: Path) -> None:
    assert not YOUNGER.findall(re.sub(r"^\s*(?://|\*|/\*).*$|`[^`]*`", "", path.read_text(), flags=re.M))
