"""The kiosk in a real browser, with a fake server."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage, in_state, tap_pin
from tests.browser.fake_server import PIN, Fake

pytestmark = pytest.mark.browser


def recognised(page: Page) -> None:
    page.click("#recognise")
    in_state(page, "suggest")


def test_nothing_runs_before_the_press(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()

    assert page.evaluate("seen.asked") == 0
    assert fake.bodies("/identity/v1/presses") == []
    ways = [page.locator(name).bounding_box() for name in ("#recognise", "#by-code", "#guest")]
    assert len({(way["width"], way["height"], way["y"]) for way in ways if way}) == 1
    assert None not in ways


def test_a_press_shows_the_usual_with_its_price_and_reason_and_four_more(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk("?site=market")
    recognised(page)

    expect(page.locator("#usual")).to_contain_text("The usual?")
    expect(page.locator("#usual")).to_contain_text("Flat white")
    expect(page.locator("#usual")).to_contain_text("€3.80")
    expect(page.locator("#usual")).to_contain_text("7 of your last 10 visits")
    expect(page.locator("#others-list .card")).to_have_count(4)
    expect(page.locator("#not-me")).to_be_visible()
    (asked,) = fake.bodies("/v1/visits")
    assert asked["scene"] == "orders"
    assert asked["context"]["site"] == "market"
    assert 1 <= len(asked["frames"]) <= 3
    assert all(frame.startswith("/9j/") and len(frame) < 2_700_000 for frame in asked["frames"])
    assert {row["page"] for row in fake.heard} == {"kiosk"}
    keys = [row["key"] for row in fake.heard if row["method"] == "POST"]
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_the_camera_stops_within_200_ms_of_the_result_and_the_greeting_holds_no_name(
    kiosk: Callable[..., Page],
) -> None:
    page = kiosk()
    recognised(page)

    seen = page.evaluate("seen")
    assert len(seen["started"]) == len(seen["stopped"]) == 1
    assert 0 <= seen["stopped"][0] - seen["results"][0] <= 200
    assert page.evaluate("document.querySelector('#video').srcObject") is None
    assert page.inner_text("#greeting") == "Welcome back."
    expect(page.locator("#demo-badge")).to_contain_text("mix-ups are possible")


def test_a_recogniser_fit_for_production_carries_no_badge(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.grade = "production"
    page = kiosk()

    expect(page.locator("#demo-badge")).to_be_hidden()


def test_the_basket_changes_what_is_suggested(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    recognised(page)
    page.click("#usual button")

    expect(page.locator("#usual")).to_contain_text("Goes well with it")
    expect(page.locator("#usual")).to_contain_text("Chips")
    asked = [row for row in fake.heard if row["path"].endswith("/suggestions/orders")][-1]
    assert asked["query"]["basket"] == ["dish-01"]
    assert asked["token"] == "usual-t1.face-1"


def test_an_order_is_sent_with_the_token_and_the_recommendation(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    recognised(page)
    page.click("#usual button")
    page.click("#basket-open")
    with page.expect_response(lambda reply: "ordered" in (reply.request.post_data or "")):
        page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-text")).to_contain_text("pay at the counter")

    (event,) = [
        body["events"][0]
        for body in fake.bodies("/recommender/v1/events")
        if body["events"][0]["type"] == "ordered"
    ]
    assert event["items"] == [{"item_id": "dish-01", "quantity": 1, "price": 380}]
    assert event["recommendation_id"] == "rec_orders"
    assert re.search(r"[+-]\d\d:\d\d$", event["occurred_at"])
    assert "usual-t1.face-1" in fake.tokens("/recommender/v1/events")


def test_a_guest_needs_no_extra_tap_and_sees_the_same_menu_and_prices(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    page.click("#guest")
    in_state(page, "suggest")
    expect(page.locator("#usual button")).to_be_visible()
    expect(page.locator("#offer")).to_contain_text("Today's offer")
    assert fake.tokens("/recommender/v1/suggestions/offers") == [None]
    page.click("#menu-open")
    guest = page.inner_text("#menu-list")
    page.click("[data-screen=menu] [data-back]")
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    recognised(page)
    page.click("#menu-open")

    assert page.inner_text("#menu-list") == guest
    assert guest.count("€") == 16
    assert fake.bodies("/identity/v1/presses") == [{}]


def test_one_hint_at_a_time_and_after_three_tries_the_way_on_without_a_face(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.decisions.extend(["face_too_small", "several_faces", "too_dark"])
    page = kiosk()
    page.click("#recognise")
    expect(page.locator("#hint")).to_have_text("Come closer")
    expect(page.locator("#live")).to_have_text("Come closer")
    expect(page.locator("#hint")).to_have_text("One person, please")
    expect(page.locator("#hint")).to_have_text("A little more light, please")
    in_state(page, "unknown")

    assert len(fake.bodies("/v1/visits")) == 3
    assert page.inner_text("#unknown-title") == "That did not work"
    assert page.evaluate("seen.stopped.length") == 1
    page.click("#unknown-guest")
    in_state(page, "suggest")


@pytest.mark.parametrize(
    ("decision", "title"),
    [
        ("unknown", "No usual yet"),
        ("ambiguous", "We are not sure"),
        ("too_many_failures", "A short break"),
        ("bad_pack", "We cannot look right now"),
    ],
)
def test_whatever_recognition_says_there_is_a_calm_way_on(
    kiosk: Callable[..., Page], fake: Fake, decision: str, title: str
) -> None:
    fake.decisions.append(decision)
    page = kiosk()
    page.click("#recognise")
    expect(page.locator("#unknown-title")).to_have_text(title)
    page.click("#unknown-guest")

    expect(page.locator("#usual")).to_contain_text("Popular here")
    assert page.evaluate("seen.stopped.length") == 1


def test_an_answer_that_asks_something_of_the_person_says_so_once(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.decisions.extend(["unknown", "unknown"])
    fake.hint = "come_closer"
    page = kiosk()
    page.click("#recognise")
    expect(page.locator("#unknown-text")).to_contain_text("That is fine. Come closer.")
    fake.hint = "go_on_without"
    page.click("#unknown-again")

    expect(page.locator("#unknown-text")).to_have_text(
        "We know nobody who asked to be remembered and looks like you. That is fine."
    )


def test_a_screen_left_alone_asks_and_then_forgets_everything(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(fake.address + "/kiosk")
    page.clock.install()
    page.click("#recognise")
    for _ in range(100):  # the page's clock is ours; the camera's and the server's are not
        page.clock.run_for(100)
        if page.get_attribute("body", "data-state") == "suggest":
            break
        page.wait_for_timeout(20)
    page.click("#usual button")
    page.clock.run_for(50_000)
    expect(page.locator("#still-there-box")).to_be_visible()
    page.clock.run_for(15_000)
    in_state(page, "attract")

    assert page.inner_text("#usual") == ""
    assert page.inner_text("#basket-lines") == ""
    assert "Flat white" not in page.evaluate("document.body.textContent")
    assert sorted(page.evaluate("Object.keys(localStorage)")) == ["usual-items", "usual-settings"]
    assert page.evaluate("sessionStorage.length") == 0


def test_an_order_that_is_refused_is_not_said_to_be_prepared(kiosk: Callable[..., Page], fake: Fake) -> None:
    page = kiosk()
    recognised(page)
    fake.sold_out = True
    page.click("#usual button")
    page.click("#basket-open")
    page.click("#order")
    in_state(page, "done")
    expect(page.locator("#done-text")).to_contain_text("order at the counter")


def test_without_a_line_the_menu_stays_and_orders_wait_until_it_is_back(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    page.context.set_offline(True)
    page.click("#recognise")
    in_state(page, "unknown")
    expect(page.locator("#offline-badge")).to_be_visible()
    page.click("#unknown-guest")
    page.click("#menu-open")
    page.click("#menu-list [data-item=dish-16]")
    page.click("#basket-open")
    page.click("#order")
    expect(page.locator("#done-text")).to_contain_text("as soon as the line is back")
    assert fake.bodies("/recommender/v1/events") == []
    with page.expect_response("**/recommender/v1/events"):
        page.context.set_offline(False)

    (sent,) = fake.bodies("/recommender/v1/events")
    assert sent["events"][0]["items"][0]["item_id"] == "dish-16"
    expect(page.locator("#offline-badge")).to_be_hidden()


def test_a_screen_that_is_not_paired_says_so_and_pairs_by_code(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.paired = False
    page = kiosk()
    in_state(page, "pairing")
    page.fill("#pairing-code", "bad-code")
    page.click("#pairing-form button")
    expect(page.locator("#pairing-error")).to_contain_text("does not work any more")
    page.fill("#pairing-code", "good-code")
    page.click("#pairing-form button")
    in_state(page, "attract")

    expect(page.locator("#join")).to_be_visible()


def test_a_first_run_link_pairs_the_screen_and_leaves_the_address(kiosk: Callable[..., Page], fake: Fake) -> None:
    fake.paired = False
    page = kiosk("?site=market#pair=good-code")

    in_state(page, "attract")
    assert page.url.endswith("/kiosk?site=market")
    assert fake.bodies("/v1/pairings") == [{"code": "good-code"}]


def test_without_a_camera_everything_else_works(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(fake.address + "/kiosk")
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error('no camera')); }")
    page.click("#recognise")
    expect(page.locator("#unknown-title")).to_have_text("No camera today")
    page.click("#unknown-guest")

    expect(page.locator("#usual")).to_contain_text("Popular here")
    assert fake.bodies("/v1/visits") == []


def test_somebody_with_a_double_is_asked_for_the_pin_before_anything_of_theirs_is_shown(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.decisions.append("ambiguous")
    page = kiosk()
    page.click("#recognise")
    expect(page.locator("#unknown-title")).to_have_text("We are not sure")
    page.click("#unknown-pin")
    in_state(page, "pin")
    tap_pin(page, PIN)

    expect(page.locator("#usual")).to_contain_text("The usual?")
    assert fake.bodies("/identity/v1/tokens/raise") == [{"token": "usual-t1.face-1", "pin": PIN}]
    assert fake.tokens("/recommender/v1/suggestions/orders") == ["usual-t1.raised"]


def test_an_offer_that_was_taken_stands_on_the_order_and_is_reported_with_it(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    recognised(page)
    page.click("#offer button")
    page.click("#usual button")
    page.click("#basket-open")
    expect(page.locator("#basket-lines")).to_contain_text("Cake hour, 25 % off: taken off at the counter")
    with page.expect_response(lambda reply: "redeemed" in (reply.request.post_data or "")):
        page.click("#order")

    reported = [body["events"][0]["type"] for body in fake.bodies("/recommender/v1/events")]
    assert reported == ["shown", "accepted", "ordered", "redeemed"]


def test_a_screen_whose_key_is_taken_away_forgets_the_visit_and_asks_to_be_paired(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    page = kiosk()
    recognised(page)
    fake.paired = False
    page.click("#usual button")
    in_state(page, "pairing")

    assert "Flat white" not in page.evaluate("document.body.textContent")
    expect(page.locator("#not-me")).to_be_hidden()


def test_when_there_is_too_much_to_do_a_press_leads_to_a_guests_suggestions_at_once(
    kiosk: Callable[..., Page], fake: Fake
) -> None:
    fake.decisions.append("overloaded")
    page = kiosk()

    page.click("#recognise")

    in_state(page, "suggest")
    expect(page.locator("#greeting")).to_contain_text("Many people are here right now")
    expect(page.locator("#usual")).to_contain_text("Popular here")
    expect(page.locator("#not-me")).to_be_hidden()
    press = next(row for row in fake.heard if row["path"] == "/identity/v1/presses")
    assert press["query"] == {"for": ["recognition"]}
    assert len(fake.bodies("/v1/visits")) == 1, "it does not press again by itself"


def test_a_sponsored_place_is_labelled_and_never_first(kiosk: Callable[..., Page]) -> None:
    """In each language; also when the server's list, less what is in the basket, would begin with it."""
    page = kiosk()

    def paid(route: Route) -> None:
        reply = route.fetch()
        body = reply.json()
        body["items"][0]["sponsored"] = "Island Brewery"
        route.fulfill(response=reply, json=body)

    page.route("**/suggestions/orders*", paid)
    page.click("#guest")
    in_state(page, "suggest")
    label = page.locator("#others-list li").first.locator(".sponsored")
    expect(page.locator("#usual .sponsored")).to_have_count(0)
    for language, word in (("en", "Sponsored"), ("de", "Gesponsert"), ("ja", "スポンサー")):
        page.locator(f"[data-language={language}]").first.click()
        expect(label).to_have_text(word)


@pytest.mark.parametrize(
    ("elsewhere", "policy"),
    [
        ("https://example.org/", True),
        ("http://192.0.2.1/", True),
        ("http://127.0.0.1:9/", True),
        ("https://example.org/", False),
        ("http://192.0.2.1/", False),
    ],
)
def test_a_page_that_calls_another_host_is_seen(
    open_page: OpenPage, fake: Fake, complaints: list[str], elsewhere: str, policy: bool
) -> None:
    """The watch of every browser test: by the page's policy, and without one by the host that has no address."""
    page = open_page(f"{fake.address}/kiosk", bypass_csp=not policy)
    with page.expect_console_message():
        page.evaluate("(url) => { document.body.append(Object.assign(new Image(), { src: url })); }", elsewhere)

    assert any(elsewhere in complaint for complaint in complaints)
    complaints.clear()
