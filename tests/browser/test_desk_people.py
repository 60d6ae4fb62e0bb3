"""People at the desk in a real browser: invite a colleague, sign in, a code app, sign out, being removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Page, expect

from plumbing.clock import SECOND, system_clock
from tests.browser.conftest import OpenPage
from tests.browser.fake_server import serve
from tests.browser.looks import axe_complaints
from tests.desk.conftest import Desk

pytestmark = pytest.mark.browser
PASSWORD = "four words that differ"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Desk, str]]:
    """The desk on a real port."""
    desk = Desk(tmp_path, now_us=system_clock)
    with serve(desk.app) as address:
        yield desk, address
    desk.close()


def choose_password(page: Page) -> None:
    page.fill("#accept [name=password]", PASSWORD)
    page.click("#accept button.primary")
    page.wait_for_url("**/desk")
    page.wait_for_selector("body[data-ready=true]")


def test_invite_a_colleague_sign_in_change_remove_and_sign_out(
    served: tuple[Desk, str], open_page: OpenPage
) -> None:
    desk, address = served
    secret = desk.people.invite("grill", "ana@example.org", ["marketer"], display="Ana")
    ana = open_page(f"{address}/desk/sign-in#invitation={secret}")
    assert "invitation" not in ana.url
    expect(ana.locator("#title")).to_contain_text("Ana")
    assert ana.input_value("#accept [name=name]") == "ana@example.org"
    ana.fill("#accept [name=password]", "password2026")
    ana.click("#accept button.primary")
    expect(ana.locator("#notice")).to_contain_text("another password")
    assert axe_complaints(ana) == []
    choose_password(ana)

    # From the overview: 1. People, 2. Invite.
    ana.click("#pages a[href='/desk/people']")
    ana.wait_for_selector("#invite")
    expect(ana.locator("#answer")).to_have_text("One person can sign in.")
    ana.fill("#invite [name=name]", "bob@example.org")
    ana.click("#invite button.primary")
    link = ana.input_value("#link")
    expect(ana.locator("#answer")).to_have_text("One person can sign in, and one invitation waits.")
    expect(ana.locator("#people")).to_contain_text("bob@example.org")
    assert axe_complaints(ana) == []

    bob = open_page(link)
    choose_password(bob)
    bob.click("#pages a[href='/desk/people']")
    bob.wait_for_selector("#own")
    expect(bob.locator("#invite")).to_have_count(0)
    assert bob.locator("#pages li:visible").count() > 5

    ana.reload()
    ana.wait_for_selector("#people")
    ana.click("button[aria-label='Change: bob@example.org']")
    ana.check("dialog [value=marketer]")
    ana.click("dialog button.primary")
    expect(ana.locator("#notice")).to_contain_text("bob@example.org signs in again")
    bob.reload()
    bob.wait_for_url("**/desk/sign-in?**")
    expect(bob.locator("#notice")).to_contain_text("Somebody changed what you may do")
    bob.fill("#sign-in [name=name]", "Bob@example.org")
    bob.fill("#sign-in [name=password]", "not the password")
    bob.click("#sign-in button.primary")
    expect(bob.locator("#notice")).to_contain_text("That was not right")
    expect(bob.locator("#sign-in [name=password]")).to_be_focused()
    bob.fill("#sign-in [name=password]", PASSWORD)
    bob.click("#sign-in button.primary")
    bob.wait_for_selector("#invite")

    ana.click("button[aria-label='Remove: bob@example.org']")
    ana.click("dialog button.primary")
    expect(ana.locator("#notice")).to_have_text("bob@example.org was removed.")
    bob.fill("#invite [name=name]", "eve")
    bob.click("#invite button.primary")
    expect(bob.locator("#notice")).to_contain_text("Your account was removed")
    assert bob.input_value("#invite [name=name]") == "eve"

    ana.click("#sign-out")
    ana.wait_for_url("**/desk/sign-in")
    ana.goto(f"{address}/desk/people")
    ana.wait_for_url("**/desk/sign-in?**")


def test_a_code_app_is_set_up_with_its_picture_and_asked_for(
    served: tuple[Desk, str], open_page: OpenPage
) -> None:
    desk, address = served
    page = open_page(f"{address}/desk/sign-in#invitation={desk.people.invite('grill', 'ana', ['viewer'])}")
    choose_password(page)
    page.goto(f"{address}/desk/people")
    page.click("#code-app summary")
    page.fill("#app-begin [name=password]", "not the password")
    page.click("#app-begin button")
    expect(page.locator("#notice")).to_contain_text("is not right")
    page.fill("#app-begin [name=password]", PASSWORD)
    page.click("#app-begin button")
    page.wait_for_selector("#app-code .qr")
    assert page.evaluate("document.querySelector('.qr').naturalWidth") > 100
    assert axe_complaints(page) == []
    app = pyotp.TOTP(page.inner_text("#app-code .secret").split()[-1])
    page.fill("#app-code [name=code]", app.at(system_clock() // SECOND))
    page.click("#app-code button")
    expect(page.locator("dialog .codes code")).to_have_count(10)
    codes = page.locator("dialog .codes code").all_inner_texts()
    page.click("dialog button")
    expect(page.locator("#code-app")).to_contain_text("Recovery codes left: 10")

    page.click("#sign-out")
    page.wait_for_url("**/desk/sign-in")
    page.wait_for_selector("body[data-ready=true]")
    page.fill("#sign-in [name=name]", "ana")
    page.fill("#sign-in [name=password]", PASSWORD)
    page.click("#sign-in button.primary")
    expect(page.locator("#notice")).to_contain_text("Now the code of your app")
    expect(page.locator("#sign-in [name=code]")).to_be_focused()
    page.fill("#sign-in [name=code]", codes[0])
    page.click("#sign-in button.primary")
    page.wait_for_url("**/desk")


@pytest.mark.parametrize("language", ["de", "ja"])
def test_the_pages_speak_the_readers_language(
    served: tuple[Desk, str], open_page: OpenPage, language: str
) -> None:
    desk, address = served
    page = open_page(
        f"{address}/desk/sign-in#invitation={desk.people.invite('grill', 'ana', ['operator'])}", (390, 844)
    )
    page.select_option("#language", language)
    page.wait_for_selector(f"html[lang={language}] #accept [name=password]")
    assert page.input_value("#accept [name=name]") == "ana"  # the link is still there
    assert axe_complaints(page) == []
    choose_password(page)
    page.goto(f"{address}/desk/people")
    page.wait_for_selector("#people")
    expect(page.locator("#answer")).to_have_text(
        {"de": "Eine Person kann sich anmelden.", "ja": "1人がサインインできます。"}[language]
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert axe_complaints(page) == []
