"""The taxi tablet in a real browser, with a fake server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state, tap_pin
from tests.browser.fake_server import PIN, Fake

pytestmark = pytest.mark.browser

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
    expect(home).to_contain_text("Linden area")
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
    assert page.evaluate("Object.keys(localStorage)") == ["usual-places"]


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
