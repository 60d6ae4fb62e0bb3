"""The taxi tablet in a real browser, with a fake server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage, in_state, tap_pin
from tests.browser.fake_server import PIN, PLACES, Fake
from tests.browser.line import until

pytestmark = pytest.mark.browser

QUEUED = """async () => {
  const ready = (request) => new Promise((done) => { request.onsuccess = () => done(request.result); });
  const rows = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await ready(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      rows.push(await ready(database.transaction(store).objectStore(store).getAll()));
    }
    database.close();
  }
  return JSON.stringify(rows);
}"""
"""All rows of all databases of the page, as one text."""
SUGGESTIONS = "/recommender/v1/suggestions/destinations"


@pytest.fixture
def taxi(fake: Fake, open_page: OpenPage) -> Callable[..., Page]:
    return lambda query="?pickup=place-04&lat=54.45&lon=6.95": open_page(f"{fake.address}/taxi{query}")


def test_a_face_alone_shows_no_place_and_asks_for_none(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi()
    page.click("#recognise")
    in_state(page, "pin")

    assert fake.tokens(SUGGESTIONS) == []
    assert page.locator("[data-item]").count() == 0
    assert "Linden" not in page.evaluate("document.body.textContent")


def test_after_the_pin_three_places_stand_beside_somewhere_else(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi()
    page.click("#recognise")
    in_state(page, "pin")
    tap_pin(page, "1111")
    expect(page.locator("#pin-error")).to_contain_text("not the PIN")
    tap_pin(page, PIN)
    expect(page.locator("#places [data-item]")).to_have_count(3)

    boxes = [one.bounding_box() for one in page.locator("#places button").all()]
    assert len({(box["width"], box["height"]) for box in boxes if box}) == 1
    assert page.locator("#places button").first.get_attribute("id") == "somewhere-else"
    assert fake.tokens(SUGGESTIONS) == ["usual-t1.raised"]
    asked = next(row for row in fake.heard if row["path"] == SUGGESTIONS)
    assert (asked["query"]["pickup"], asked["query"]["lat"]) == (["place-04"], ["54.45"])


def test_a_home_shows_only_its_area_until_it_is_confirmed(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi()
    page.click("#recognise")
    in_state(page, "pin")
    tap_pin(page, PIN)
    home = page.locator("#places [data-item=place-01]")
    expect(home).to_contain_text("Home area")
    assert "Linden" not in page.inner_text("#places")
    assert "Street" not in page.inner_text("#places")
    home.click()
    expect(page.locator("#confirm-name")).to_have_text("Linden Street")
    with page.expect_response("**/recommender/v1/events"):
        page.click("#confirm")
    in_state(page, "done")

    (body,) = fake.bodies("/recommender/v1/events")
    assert body["events"][0]["type"] == "rode"
    assert body["events"][0]["items"] == [{"item_id": "place-01"}]
    assert body["events"][0]["pickup"] == {"place": "place-04", "lat": 54.45, "lon": 6.95}
    assert fake.tokens("/recommender/v1/events") == ["usual-t1.raised"]


def test_leaving_leaves_nothing_on_the_screen(taxi: Callable[..., Page]) -> None:
    page = taxi()
    page.click("#recognise")
    in_state(page, "pin")
    tap_pin(page, PIN)
    page.locator("#places [data-item=place-01]").click()
    page.click("#end-ride")
    in_state(page, "attract")

    text = page.evaluate("document.body.textContent")
    assert "Linden" not in text
    assert "Quay" not in text
    assert page.evaluate("sessionStorage.length") == 0
    assert page.evaluate("Object.keys(localStorage).sort()") == ["usual-places", "usual-settings"]


def test_too_many_wrong_pins_lead_on_without_places(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi()
    page.click("#recognise")
    in_state(page, "pin")
    tap_pin(page, "9999")
    expect(page.locator("#pin-error")).to_contain_text("Too many tries")
    page.click("#pin-other")
    expect(page.locator("#places [data-item]")).to_have_count(3)

    assert fake.tokens(SUGGESTIONS) == [None]
    expect(page.locator("#not-me")).to_be_hidden()


def test_a_guest_sees_what_is_popular_here(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi()
    page.click("#guest")
    expect(page.locator("#places [data-item]")).to_have_count(3)

    expect(page.locator("#taxi-note")).to_have_text("Often chosen from here.")
    assert "place-04" not in [one.get_attribute("data-item") for one in page.locator("#places button").all()]
    assert fake.tokens(SUGGESTIONS) == [None]


def test_without_consent_to_destinations_no_pin_is_asked(taxi: Callable[..., Page], fake: Fake) -> None:
    fake.purposes = ["orders"]
    page = taxi()
    page.click("#recognise")
    in_state(page, "suggest")

    expect(page.locator("#taxi-note")).to_contain_text("switched off")
    assert fake.tokens(SUGGESTIONS) == [None]


def test_what_was_chosen_is_on_the_drivers_screen_and_the_rider_reads_so(
    taxi: Callable[..., Page], fake: Fake
) -> None:
    page = taxi()
    page.click("#guest")
    page.locator("#places [data-item=place-03]").click()
    assert fake.rides.place is None  # not before the rider has confirmed it
    page.click("#confirm")
    in_state(page, "done")
    expect(page.locator("#done-text")).to_have_text("Sent to your driver's screen.")
    assert fake.rides.place is not None
    assert fake.rides.place["name"] == "Quay office"

    fake.rides.change("seen")
    expect(page.locator("#done-text")).to_have_text("The place is on your driver's screen.")
    fake.rides.change("accepted")
    expect(page.locator("#ride-state")).to_have_text("Your driver is on the way there.")
    sent = [row for row in fake.heard if row["path"] == "/v1/ride" and row["method"] == "POST"]
    assert [(row["token"], row["body"]) for row in sent] == [(None, {"item_id": "place-03"})]


def test_without_a_drivers_screen_nobody_says_that_the_driver_knows(taxi: Callable[..., Page], fake: Fake) -> None:
    fake.rides.driver = False
    page = taxi()
    page.click("#guest")
    page.locator("#places [data-item=place-03]").click()
    page.click("#confirm")

    expect(page.locator("#done-text")).to_have_text("Please tell your driver where you would like to go.")


def test_a_drivers_screen_that_does_not_answer_is_not_relied_on(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi()
    page.clock.install()
    page.click("#guest")
    page.locator("#places [data-item=place-03]").click()
    page.click("#confirm")
    expect(page.locator("#done-text")).to_contain_text("Sent")
    page.clock.run_for(6_500)

    # The line of the ride stays when a slow machine has left the last page already.
    expect(page.locator("#ride-state")).to_contain_text("does not answer. Please tell your driver")


def test_the_ride_goes_on_when_the_screen_is_empty_and_ends_there(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi()
    page.click("#guest")
    page.locator("#places [data-item=place-03]").click()
    page.click("#confirm")
    expect(page.locator("#done-text")).to_contain_text("Sent")
    page.click("[data-screen=done] [data-action=leave]")
    in_state(page, "attract")

    expect(page.locator("#ride-line")).to_be_visible()
    assert "Quay" not in page.evaluate("document.documentElement.outerHTML")
    page.reload()
    expect(page.locator("#ride-line")).to_be_visible()
    page.click("#ride-line button")
    expect(page.locator("#ride-line")).to_be_hidden()
    page.wait_for_function("() => true")
    assert fake.rides.state == "none"


def test_a_ride_that_is_ended_without_a_line_ends_on_the_server_when_there_is_one(
    taxi: Callable[..., Page], fake: Fake
) -> None:
    fake.rides.confirm("place-03")
    page = taxi()
    expect(page.locator("#ride-line")).to_be_visible()
    page.route(
        "**/v1/ride?*", lambda route: route.abort() if route.request.method == "DELETE" else route.continue_()
    )
    page.click("#ride-line button")
    expect(page.locator("#ride-line")).to_be_hidden()
    assert page.evaluate("localStorage.getItem('usual-ended-rides-taxi')") == '{"v":1,"ids":["ride-9"]}'
    page.reload()
    page.wait_for_selector("body[data-ready=true]")
    expect(page.locator("#ride-line")).to_be_hidden()
    assert fake.rides.state == "sent"
    page.unroute_all()
    page.evaluate("dispatchEvent(new Event('online'))")
    until(page, "localStorage.getItem('usual-ended-rides-taxi') === null")

    assert fake.rides.state == "none"


def test_a_ride_that_is_ended_before_the_server_answers_is_ended_when_it_does(
    taxi: Callable[..., Page], fake: Fake
) -> None:
    fake.rides.confirm("place-03")
    page = taxi()
    held: list[Route] = []
    page.click("#guest")
    page.locator("#places [data-item=place-03]").click()
    page.route("**/v1/ride", lambda route: held.append(route))
    page.click("#confirm")
    in_state(page, "done")
    page.click("[data-screen=done] [data-ride-over]")
    in_state(page, "attract")
    with page.expect_response(lambda reply: reply.request.method == "DELETE" and "ride_id=ride-" in reply.url):
        next(route for route in held if route.request.method == "POST").continue_()

    expect(page.locator("#ride-line")).to_be_hidden()
    assert fake.rides.place is None


def test_after_the_ride_nothing_of_it_is_anywhere(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    before = page.evaluate("[history.length, JSON.stringify(history.state), location.href, document.title]")
    page.click("#recognise")
    in_state(page, "pin")
    tap_pin(page, PIN)
    page.click("#somewhere-else")
    page.fill("#place-search", "lantern")
    page.click("#all-list button")
    page.click("#confirm-title + * ~ .stack [data-back]")
    page.locator("#places [data-item=place-01]").click()
    page.click("#confirm")
    expect(page.locator("#done-text")).to_contain_text("Sent")
    page.click("[data-screen=done] [data-ride-over]")
    in_state(page, "attract")

    html = page.evaluate("document.documentElement.outerHTML")
    assert not any(word in html for word in ("Linden", "Lantern", "place-01", "place-07"))
    assert (
        page.evaluate("[...document.querySelectorAll('input[type=text]')].map((one) => one.value).join('')") == ""
    )
    assert (
        page.evaluate("[history.length, JSON.stringify(history.state), location.href, document.title]") == before
    )
    until(page, "Object.keys(localStorage).sort().join() === 'usual-places,usual-settings'")  # the server knows
    assert page.evaluate("sessionStorage.length") == 0
    kept = page.evaluate(QUEUED)  # what waits for a line: nothing, since all of it was delivered
    assert not any(word in kept for word in ("Linden", "place-01", "place-07"))
    assert page.evaluate("navigator.clipboard.readText()") == ""
    assert fake.rides.place is None


def test_somewhere_else_is_searched_by_typing_by_kind_and_among_this_ride(taxi: Callable[..., Page]) -> None:
    page = taxi()
    page.click("#guest")
    page.click("#somewhere-else")
    page.fill("#place-search", "lantren")  # two letters swapped
    expect(page.locator("#all-list button")).to_have_count(1)
    expect(page.locator("#all-list button")).to_contain_text("Lantern cinema")
    page.click("#place-clear")
    page.click("[data-chip=park]")
    expect(page.locator("#all-list button")).to_have_text(["Meadow park"])
    page.click("#all-list button")
    page.click("[data-screen=basket] [data-back]")
    page.click("#somewhere-else")
    page.click("[data-chip=park]")
    page.click("[data-chip=recent]")
    expect(page.locator("#all-list button")).to_have_text(["Meadow park"])

    page.fill("#place-search", "zzz")
    expect(page.locator("#place-count")).to_contain_text("Nothing found")
    page.click("#end-ride")
    in_state(page, "attract")
    page.click("#guest")
    page.click("#somewhere-else")
    expect(page.locator("[data-chip=recent]")).to_have_count(0)  # of the earlier rider
    expect(page.locator("#place-search")).to_have_value("")


def test_without_any_place_nobody_is_told_to_try_another_word(
    taxi: Callable[..., Page], fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.browser.fake_server.PLACES", [])
    page = taxi()
    page.click("#guest")
    page.click("#somewhere-else")

    expect(page.locator("#place-count")).to_have_text(
        "There are no places to choose from at the moment. Please tell your driver."
    )


def test_three_thousand_places_are_a_short_list_that_says_to_type_more(
    taxi: Callable[..., Page], fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = {"category": "street", "available": True, "sensitive": False}
    many = [shape | {"item_id": f"p{k}", "name": f"Place number {k}"} for k in range(3_000)]
    monkeypatch.setattr("tests.browser.fake_server.PLACES", [*PLACES, *many])
    page = taxi()
    page.click("#guest")
    page.click("#somewhere-else")

    expect(page.locator("#place-count")).to_contain_text("40 of 3,006 places. Type more")
    assert page.locator("#all-list button").count() == 40
    page.fill("#place-search", "number 2999")
    expect(page.locator("#all-list button")).to_have_text(["Place number 2999"])


def test_somewhere_else_offers_every_public_place_or_the_driver_and_stores_nothing(
    taxi: Callable[..., Page], fake: Fake
) -> None:
    page = taxi()
    page.click("#guest")
    page.click("#somewhere-else")
    assert "Lantern cinema" in page.inner_text("#all-list")
    assert "Linden" not in page.inner_text("#all-list")
    page.click("#all-tell button")
    in_state(page, "done")

    assert fake.bodies("/recommender/v1/events") == []
    expect(page.locator("#done-text")).to_contain_text("tell your driver")
