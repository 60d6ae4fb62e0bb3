"""\"Not me\": for this visit at once, for good only after a question, taken back with the PIN; and the news."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state, tap_pin
from tests.browser.fake_server import PIN, RECEIPT, Fake

pytestmark = pytest.mark.browser

NOT_ME = "/identity/v1/not-me"
PERMANENT = "/identity/v1/not-me/permanent"


def recognised(page: Page) -> None:
    page.click("#recognise")
    in_state(page, "suggest")


def test_not_me_drops_the_token_and_is_heard_once(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.purposes = ["orders"]
    page = kiosk()
    recognised(page)
    page.click("#usual button")
    expect(page.locator("#usual")).to_contain_text("Goes well with it")
    heard = len(fake.heard)
    page.click("#not-me")

    expect(page.locator("#usual")).to_contain_text("Popular here")
    expect(page.locator("#not-me")).to_be_hidden()
    expect(page.locator("#basket-count")).to_have_text("0")
    expect(page.locator("#offer")).to_contain_text("Today's offer")  # what every guest gets
    asked = [row for row in fake.heard[heard:] if row["path"] != "/identity/v1/not-me"]
    assert {row["path"].rpartition("/")[2] for row in asked} == {"orders", "offers", "events"}
    assert {row["token"] for row in asked} == {None}
    assert all("basket" not in row["query"] for row in asked)
    assert len(fake.bodies("/identity/v1/not-me")) == 1
    assert fake.bodies("/identity/v1/not-me")[0]["token"]
    assert fake.bodies(PERMANENT) == []


def test_not_me_is_for_good_only_after_the_question_was_answered(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    recognised(page)
    page.click("#not-me")
    page.click("[data-doubt=notme_never]")
    expect(page.locator("#doubt")).to_contain_text("The PIN can take it back")
    page.click("[data-doubt=notme_no]")
    expect(page.locator("#doubt")).to_be_hidden()
    assert fake.bodies(PERMANENT) == []
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    recognised(page)
    page.click("#not-me")
    page.click("[data-doubt=notme_never]")
    page.click("[data-doubt=notme_yes]")
    expect(page.locator("#doubt")).to_contain_text("this face alone greets nobody")
    expect(page.locator("#live")).to_contain_text("this face alone greets nobody")

    assert fake.bodies(PERMANENT) == [{"token": "usual-t1.face-2"}]
    said = [row["path"] for row in fake.heard if row["path"].startswith(NOT_ME)]
    assert said[-2:] == [NOT_ME, PERMANENT]


def test_the_face_is_recognised_again_after_the_pin(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.decisions.append("ambiguous")
    page = kiosk()
    page.click("#recognise")
    page.click("#unknown-pin")
    in_state(page, "pin")
    tap_pin(page, PIN)
    page.click("[data-doubt=face_again]")
    expect(page.locator("#doubt")).to_contain_text("your face alone is enough again")

    (asked,) = [row for row in fake.heard if row["path"] == PERMANENT]
    assert (asked["method"], asked["body"]) == ("DELETE", {"token": "usual-t1.raised"})


def test_who_is_greeted_by_a_face_alone_is_not_offered_to_take_anything_back(kiosk: Callable[..., Page]) -> None:
    page = kiosk()
    recognised(page)

    expect(page.locator("#doubt")).to_be_hidden()
    expect(page.locator("#news")).to_be_hidden()


def test_news_is_one_calm_line_with_a_way_to_read_it_and_back(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.news = ["notice_changed", "consent_ends_soon", "some_new_one"]
    page = kiosk("?lang=de")
    recognised(page)
    expect(page.locator("#news p")).to_have_count(2)
    expect(page.locator("[data-news=consent_ends_soon] button")).to_have_text("Meine Seite öffnen")
    page.click("[data-news=notice_changed] button")
    expect(page.locator("#reading-text")).to_contain_text("12 Monate nach Ihrem letzten Besuch")
    page.click("[data-language=en]")
    expect(page.locator("#reading-text")).to_contain_text("12 months after your last visit")
    page.click("#reading-back")
    in_state(page, "suggest")
    page.click("[data-language=ja]")  # its notice is not there yet
    page.click("[data-news=notice_changed] button")
    expect(page.locator("#reading-text")).to_contain_text("12か月")
    page.click("#reading-back")
    in_state(page, "suggest")

    expect(page.locator("#usual")).to_contain_text("Flat white")


def test_the_policy_is_read_on_the_screen_as_text(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk("?lang=ja")
    page.click("#policy-link")
    expect(page.locator("#reading-text")).to_contain_text("Policy (ja)")
    expect(page.locator("#reading-text")).to_contain_text("To us a bystander is nothing: no picture is kept.")
    assert page.locator("#reading-text b, #reading-text script").count() == 0
    assert page.title() == "Usual"
    page.click("#reading-back")
    in_state(page, "attract")

    assert [row["query"] for row in fake.heard if row["path"] == "/policy"] == [{"language": ["ja"]}]


OWN_PAGE = """export function open(options) {
  const close = () => { document.body.removeAttribute("data-own"); options.onClose(); };
  document.body.setAttribute("data-own", JSON.stringify([options.token, options.page, options.language]));
  window.own = { close };
  return window.own;
}"""


@pytest.mark.parametrize(
    ("page_name", "way", "token"),
    [
        ("kiosk", "code", "usual-t1.code"),
        ("kiosk", "face", "usual-t1.raised"),
        ("taxi", "face", "usual-t1.raised"),
    ],
)
def test_what_is_held_opens_after_the_pin_and_closing_it_leaves_nothing(
    fake: Fake, open_page: OpenPage, page_name: str, way: str, token: str
) -> None:
    fake.purposes = ["orders"]
    page = open_page(f"{fake.address}/{page_name}?lang=de")
    page.route("**/me/me.js", lambda route: route.fulfill(content_type="text/javascript", body=OWN_PAGE))
    page.click("#held-link")
    in_state(page, "code")
    if way == "code":
        page.fill("#code-code", RECEIPT)
        page.click("#code-next")
    else:
        page.click("#code-face")
    in_state(page, "pin")
    assert page.get_attribute("body", "data-own") is None  # a face alone opens nothing
    tap_pin(page, PIN)
    page.wait_for_selector("body[data-own]")

    assert page.evaluate("JSON.parse(document.body.dataset.own)") == [token, page_name, "de"]
    page.evaluate("own.close()")
    in_state(page, "attract")
    assert token not in page.evaluate("document.documentElement.outerHTML")


def test_where_the_customers_page_cannot_be_opened_in_place_the_screen_goes_to_it(
    fake: Fake, open_page: OpenPage
) -> None:
    page = open_page(f"{fake.address}/kiosk?lang=ja")
    page.route("**/me/me.js", lambda route: route.abort())
    page.click("#held-link")
    page.wait_for_url("**/me?lang=ja")
