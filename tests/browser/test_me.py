"""The customer's own page: looking, correcting, exporting, pausing, agreeing, leaving."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.fake_me import CODE, PIN, FakeMe
from tests.browser.fake_server import serve
from tests.browser.looks import axe_complaints

pytestmark = pytest.mark.browser

PHONE, TABLET, KIOSK = (390, 844), (1280, 800), (1080, 1920)
SIGNED_IN = {
    "en": "This is what is held about you",
    "de": "Das ist über Sie gespeichert",
    "ja": "保存されているあなたの情報です",
}


@pytest.fixture
def me() -> Iterator[FakeMe]:
    fake = FakeMe()
    with serve(fake.app()) as fake.address:
        yield fake


def signed_in(me: FakeMe, open_page: OpenPage, size: tuple[int, int] = PHONE, language: str = "en") -> Page:
    page = open_page(f"{me.address}/me?lang={language}#{CODE}", size)
    page.fill("input[type=password]", me.pin or "")
    page.keyboard.press("Enter")
    expect(page.locator("#me-title")).to_be_focused()
    return page


def faults(page: Page, *, axe: bool = True) -> list[str]:
    """What axe-core finds serious or critical, and whether the page is wider than the screen."""
    serious = axe_complaints(page) if axe else []
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*serious, *(["wider than the screen"] if wide else [])]


@pytest.mark.parametrize("language", ["en", "de", "ja"])
@pytest.mark.parametrize("size", [PHONE, TABLET, KIOSK], ids=["phone", "tablet", "kiosk"])
def test_a_customer_looks_corrects_exports_pauses_and_leaves(
    me: FakeMe, open_page: OpenPage, language: str, size: tuple[int, int], tmp_path: Path
) -> None:
    page = open_page(f"{me.address}/me?lang={language}#{CODE}", size)
    axe = (language, size) in (
        ("en", PHONE),
        ("de", TABLET),
        ("ja", KIOSK),
        ("de", PHONE),
    )  # each once: it is slow
    found = {"sign-in": faults(page, axe=axe)}
    page.fill("input[type=password]", PIN)
    page.click("#me-sign-in")
    expect(page.locator("#me-title")).to_have_text(SIGNED_IN[language])
    assert page.evaluate("document.documentElement.lang") == language
    found["look"] = faults(page, axe=axe)
    dishes = page.locator("#me-history").inner_text()
    assert ("Zimtschnecke" in dishes, "Cinnamon bun" in dishes) == (language == "de", language != "de")

    page.click("[data-event=e-2]")  # that was not my order
    page.click("[data-yes]")
    expect(page.locator("[data-event=e-2]")).to_have_count(0)
    with page.expect_download() as saved:
        page.click("#me-download")
    saved.value.save_as(tmp_path / "mine.json")
    page.click("#me-pause")
    expect(page.locator("#me-resume")).to_be_visible()
    page.click("#me-purpose-offers")
    expect(page.locator(".me-notice-text")).to_be_visible()
    found["agree"] = faults(page, axe=axe)
    page.click("#me-agree")
    expect(page.locator("#me-purpose-offers")).to_be_checked()
    page.click("#me-erase .me-button, .me-button.danger")
    found["erase"] = faults(page, axe=axe)
    page.click("[data-yes]")
    expect(page.locator("#me-gone")).to_be_focused()
    found["gone"] = faults(page, axe=axe)

    assert {state: wrong for state, wrong in found.items() if wrong} == {}
    mine = json.loads((tmp_path / "mine.json").read_text())
    assert mine["format"] == "usual-export-1"
    assert "e-2" not in [event["event_id"] for event in mine["recommender"]["events"]]
    assert me.asked("PUT", "/identity/v1/me/purposes") == [
        {"purposes": {"offers": True}, "notice_version": "2027-01", "language": language}
    ]
    assert (me.paused, me.erased) == (True, True)
    assert page.evaluate("location.hash") == ""


def test_leaving_takes_one_tap_and_its_confirmation_in_the_same_place(me: FakeMe, open_page: OpenPage) -> None:
    """As few as joining; the way back stands beside it and has the focus."""
    page = signed_in(me, open_page)
    page.click(".me-button.danger")
    expect(page.get_by_text("No, keep it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-yes]")).to_have_count(0)
    assert not me.erased

    page.click(".me-button.danger")
    page.click("[data-yes]")
    expect(page.locator("#me-gone")).to_be_visible()
    with page.expect_download() as saved:
        page.click("#me-receipt")
    assert json.loads(saved.value.path().read_text())["format"] == "usual-erasure-1"


def test_the_code_of_the_link_reaches_no_server_before_the_pin_is_given(me: FakeMe, open_page: OpenPage) -> None:
    page = open_page(f"{me.address}/me#{CODE}", PHONE)
    assert me.heard == []
    page.fill("input[type=password]", PIN)
    page.click("#me-sign-in")
    expect(page.locator("#me-title")).to_be_visible()

    assert me.asked("POST", "/identity/v1/me/sessions") == [{"receipt": CODE, "pin": PIN}]
    assert not [row for row in me.heard if CODE in row["path"]]


def test_a_reload_asks_for_code_and_pin_again_and_nothing_is_kept_in_the_browser(
    me: FakeMe, open_page: OpenPage
) -> None:
    page = signed_in(me, open_page)
    kept = page.evaluate("[document.cookie, localStorage.length, sessionStorage.length, location.href]")
    page.reload()

    expect(page.locator("#me-code")).to_be_focused()
    assert page.input_value("#me-code") == ""
    assert page.input_value("input[type=password]") == ""
    assert kept == ["", 0, 0, f"{me.address}/me?lang=en"]


def test_who_leaves_leaves_no_code_behind_and_a_link_that_is_opened_again_works(
    me: FakeMe, open_page: OpenPage
) -> None:
    page = signed_in(me, open_page)
    page.click("#me-close")
    expect(page.locator("#me-code")).to_be_focused()
    assert page.input_value("#me-code") == ""
    assert CODE not in page.evaluate("location.href + document.documentElement.outerHTML")
    page.evaluate("(code) => { location.hash = code; }", CODE)
    expect(page.locator("#me-code")).to_have_value(CODE)

    assert page.evaluate("location.hash") == ""


def test_a_wrong_pin_and_a_mistyped_code_are_named_and_heard(me: FakeMe, open_page: OpenPage) -> None:
    page = open_page(f"{me.address}/me?lang=en", PHONE)
    page.fill("#me-code", CODE[:-1] + "8")
    page.click("#me-sign-in")
    expect(page.locator("[role=alert]")).to_contain_text("part 4 of the code")
    page.fill("#me-code", CODE)
    page.fill("input[type=password]", "0000")
    page.click("#me-sign-in")
    expect(page.locator("[role=alert]")).to_contain_text("The code or the PIN is wrong")
    expect(page.locator("input[type=password]")).to_be_focused()
    assert page.input_value("input[type=password]") == ""


def test_a_purpose_is_given_only_after_the_notice_was_shown_and_taken_back_at_once(
    me: FakeMe, open_page: OpenPage
) -> None:
    page = signed_in(me, open_page)
    page.click("#me-purpose-offers")
    expect(page.locator(".me-notice")).to_contain_text("Notice 2027-01")
    expect(page.locator("#me-purpose-offers")).not_to_be_checked()
    page.click("#me-agree-no")
    assert me.asked("PUT", "/identity/v1/me/purposes") == []
    page.click("#me-purpose-orders")
    expect(page.locator("#me-said")).to_have_text("Taken back: My usual orders.")
    expect(page.locator("#me-purpose-orders")).to_be_focused()

    assert me.asked("PUT", "/identity/v1/me/purposes") == [{"purposes": {"orders": False}}]


def test_the_pin_is_changed_the_face_dropped_and_not_me_taken_back(me: FakeMe, open_page: OpenPage) -> None:
    page = signed_in(me, open_page)
    before, after = page.locator("#me-pin input").all()
    before.fill("1111")
    after.fill("4321")
    page.click("#me-pin button")
    expect(page.locator("#me-pin [role=alert]")).to_have_text("That is not your present PIN.")
    before.fill(PIN)
    after.fill("4321")
    page.click("#me-pin button")
    expect(page.locator("#me-said")).to_have_text("The PIN is stored.")
    page.click("#me-not-me")
    expect(page.locator("#me-not-me")).to_have_count(0)
    page.get_by_role("button", name="Erase my face").click()
    page.click("[data-yes]")
    expect(page.get_by_text("To add your face")).to_be_visible()

    assert (me.pin, me.face_needs_pin, me.purposes["face"]) == ("4321", "never", False)


def test_the_shops_account_is_tied_after_consent_of_its_own_and_untied(me: FakeMe, open_page: OpenPage) -> None:
    page = signed_in(me, open_page)
    page.fill("#me-tie input", "LINK-9999")
    page.click("#me-tie > button")
    page.click("#me-agree")
    expect(page.locator("#me-tie [role=alert]")).to_contain_text("not known")
    assert me.purposes["account"] is False  # nothing was joined: nothing is agreed to
    page.fill("#me-tie input", "LINK-1234")
    page.click("#me-tie > button")
    page.click("#me-agree")
    expect(page.get_by_text("Joined with account Card 0815.")).to_be_visible()
    assert me.purposes["account"] is True
    page.click("#me-untie")
    expect(page.locator("#me-said")).to_contain_text("Separated")

    assert (me.tied, me.purposes["account"]) == ("", False)


def test_who_has_no_pin_signs_in_with_the_code_alone_and_is_told_that_rides_stay_closed(
    me: FakeMe, open_page: OpenPage
) -> None:
    me.pin = None
    page = open_page(f"{me.address}/me?lang=en#{CODE}", PHONE)
    page.click("#me-sign-in")
    expect(page.locator("#me-words")).to_contain_text("Your rides are shown after your PIN alone")
    page.locator("#me-pin input").fill("2222")
    page.click("#me-pin button")
    expect(page.locator("#me-said")).to_have_text("The PIN is stored.")

    assert me.pin == "2222"


def test_all_of_it_works_with_the_keyboard_alone(me: FakeMe, open_page: OpenPage) -> None:
    page = signed_in(me, open_page)

    def go_to(selector: str, key: str = "Enter") -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("(s) => document.activeElement.matches(s)", selector):
                page.keyboard.press(key)
                return
        raise AssertionError(f"{selector} cannot be reached")

    go_to("#me-pause")
    expect(page.locator("#me-title")).to_be_focused()
    go_to("#me-purpose-offers", "Space")
    expect(page.locator(".me-notice h3")).to_be_focused()
    go_to("#me-agree")
    expect(page.locator("#me-purpose-offers")).to_be_focused()
    go_to("[data-event=e-0]")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[data-event=e-0]")).to_have_count(0)

    assert me.paused
    assert me.purposes["offers"]


def test_paper_has_all_of_it_and_no_button(me: FakeMe, open_page: OpenPage) -> None:
    page = signed_in(me, open_page)
    page.emulate_media(media="print")

    assert page.locator(".me-event:visible").count() == len(me.events)
    assert page.locator("button:visible").count() == 0


def test_a_device_shows_the_page_over_its_own_with_the_token_in_memory(me: FakeMe, open_page: OpenPage) -> None:
    """As the kiosk opens it after the PIN; it closes by itself when nobody touches it."""
    page = open_page(f"{me.address}/me?lang=en", KIOSK)
    page.clock.install()
    page.evaluate(
        """async () => {
          const own = document.querySelector("script[type=module]").src; // the module that the page itself uses
          const { open } = await import(new URL("me.js", own));
          const onClose = () => (window.closed_ = true);
          open({ token: "usual-t1.kiosk", page: "kiosk", language: "de", idleSeconds: 60, onClose });
        }"""
    )
    expect(page.locator(".me-over #me-title")).to_have_text(SIGNED_IN["de"])
    assert faults(page) == []
    (asked,) = [row for row in me.heard if row["path"].endswith("/sessions")]
    assert (asked["body"], asked["page"]) == ({"token": "usual-t1.kiosk"}, "kiosk")
    page.clock.run_for(61_000)
    expect(page.locator(".me-over")).to_have_count(0)

    assert page.evaluate("window.closed_")
    assert page.evaluate("document.body.firstElementChild.inert") is False


def test_a_token_that_has_expired_takes_everything_personal_off_the_screen(
    me: FakeMe, open_page: OpenPage
) -> None:
    page = signed_in(me, open_page)
    refusal = json.dumps({"code": "token_expired", "status": 401})
    page.route(
        "**/me/pause", lambda to: to.fulfill(status=401, content_type="application/problem+json", body=refusal)
    )
    page.click("#me-pause")
    expect(page.locator("#me-sign-in-form [role=alert]")).to_contain_text("closes after ten minutes")

    assert "Flat white" not in page.evaluate("document.body.textContent")


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Your data was erased"), ("de", "Ihre Daten sind gelöscht"), ("ja", "データは消去されました")],
)
def test_who_was_erased_elsewhere_reads_so_and_is_asked_for_nothing(
    me: FakeMe, open_page: OpenPage, language: str, said: str
) -> None:
    page = signed_in(me, open_page, language=language)
    me.erased = True  # by another page or at a screen
    page.click("#me-pause")

    expect(page.locator("#me-gone")).to_have_text(said)
    expect(page.locator("#me-gone")).to_be_focused()
    assert page.locator("input").count() == 0
    left = page.evaluate("location.href + document.documentElement.outerHTML")
    assert not any(word in left for word in ("Flat", "Harbour", CODE))


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", "<h1>Sign in to this network</h1>"),
        (200, "application/json", "{}"),
        (204, "text/plain", ""),
        (502, "text/html", "<h1>Bad gateway</h1>"),
    ],
)
def test_what_is_not_our_answer_is_taken_for_no_answer(
    me: FakeMe, open_page: OpenPage, status: int, kind: str, body: str
) -> None:
    """A network that wants a sign-in answers in the place of the server."""
    page = signed_in(me, open_page)
    page.route("**/v1/me**", lambda to: to.fulfill(status=status, content_type=kind, body=body))
    page.route("**/v1/me/**", lambda to: to.fulfill(status=status, content_type=kind, body=body))
    for press in ("#me-pause", "[data-event=e-2]", "#me-purpose-orders", "#me-erase"):
        page.evaluate("document.querySelector('#me-trouble').textContent = ''")
        page.click(press)
        if press not in ("#me-pause", "#me-purpose-orders"):
            page.click("[data-yes]")
        expect(page.locator("#me-trouble")).to_contain_text("cannot be reached")
        expect(page.locator("#me-said")).to_be_empty()

    assert not me.paused
    assert not me.erased
    assert page.locator("#me-title").is_visible()
