"""The tablet's own receiver: asked for by the operator alone, and sent only with the request that needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import Fake

pytestmark = pytest.mark.browser

SUGGESTIONS = "/recommender/v1/suggestions/destinations"
HERE = {"latitude": 54.450449, "longitude": 6.951551, "accuracy": 15}


@pytest.fixture
def taxi(fake: Fake, open_page: OpenPage) -> Callable[..., Page]:
    def open_(query: str, allowed: bool = True, **where: Any) -> Page:
        permissions = {"permissions": ["geolocation"]} if allowed else {}
        return open_page(f"{fake.address}/taxi{query}", geolocation=HERE | where, **permissions)

    return open_


def asked(fake: Fake) -> dict[str, list[str]]:
    query: dict[str, list[str]] = next(row for row in fake.heard if row["path"] == SUGGESTIONS)["query"]
    return query


def begin(page: Page) -> None:
    """A guest's visit, once the receiver has said something."""
    page.evaluate("navigator.geolocation.getCurrentPosition(() => { document.body.dataset.fixed = 'yes'; })")
    page.wait_for_selector("body[data-fixed=yes]")
    page.click("#guest")
    expect(page.locator("#places [data-item]").first).to_be_visible()


def test_the_receiver_is_off_unless_the_device_is_set_so(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi("?lat=54.1&lon=6.1")
    begin(page)

    assert (asked(fake)["lat"], asked(fake)["lon"]) == (["54.1"], ["6.1"])


def test_nothing_is_listened_to_before_somebody_begins_and_nothing_stays(taxi: Callable[..., Page]) -> None:
    page = taxi("?position=receiver")
    page.evaluate(
        "() => { window.watches = []; const g = navigator.geolocation;"
        " const [on, off] = [g.watchPosition.bind(g), g.clearWatch.bind(g)];"
        " g.watchPosition = (...given) => { window.watches.push('on'); return on(...given); };"
        " g.clearWatch = (id) => { window.watches.push('off'); off(id); }; }"
    )
    assert page.evaluate("window.watches") == []
    page.click("#guest")
    page.wait_for_function("window.watches.length === 1")
    page.click("#end-ride")
    in_state(page, "attract")

    assert page.evaluate("window.watches") == ["on", "off"]
    assert page.evaluate("Object.keys(localStorage).sort()") == ["usual-places", "usual-settings"]


def test_a_rider_is_never_asked_for_the_position(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi("?position=receiver&lat=54.1&lon=6.1", allowed=False)
    page.evaluate(
        "() => { window.asks = 0; const g = navigator.geolocation;"
        " for (const name of ['watchPosition', 'getCurrentPosition']) g[name] = () => { window.asks += 1; }; }"
    )
    page.click("#guest")
    expect(page.locator("#places [data-item]").first).to_be_visible()

    assert page.evaluate("window.asks") == 0
    assert asked(fake)["lat"] == ["54.1"]  # the stand's own address


def test_the_pick_up_is_where_the_taxi_is_as_coarse_as_it_is_used(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi("?position=receiver&pickup=place-04&lat=54.1&lon=6.1")
    page.click("#guest")
    page.wait_for_timeout(600)
    page.locator("#places [data-item=place-03]").click()
    with page.expect_response("**/recommender/v1/events"):
        page.click("#confirm")

    (body,) = fake.bodies("/recommender/v1/events")
    assert body["events"][0]["pickup"] == {"place": "", "lat": 54.45, "lon": 6.952}


def test_a_position_that_is_too_coarse_is_not_used(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi("?position=receiver&lat=54.1&lon=6.1", accuracy=900)
    page.click("#guest")
    page.wait_for_timeout(600)
    page.locator("#places [data-item=place-03]").click()
    with page.expect_response("**/recommender/v1/events"):
        page.click("#confirm")

    (body,) = fake.bodies("/recommender/v1/events")
    assert body["events"][0]["pickup"] == {"place": "", "lat": 54.1, "lon": 6.1}


def test_a_rider_says_where_the_taxi_is_when_nothing_else_knows(taxi: Callable[..., Page], fake: Fake) -> None:
    page = taxi("?position=receiver", accuracy=900)
    begin(page)
    expect(page.locator("#taxi-note")).to_contain_text("We do not know exactly where the taxi is")
    page.click("#say-pickup")
    in_state(page, "menu")
    expect(page.locator("#all-title")).to_have_text("Where are you now?")
    expect(page.locator("#all-tell button")).to_have_count(0)
    expect(page.locator("#all-list .why")).to_have_count(0)  # a coarse position gives an order, no distances
    page.click("#all-list [data-item=place-04]")
    in_state(page, "suggest")
    expect(page.locator("#say-pickup")).to_be_hidden()
    page.locator("#places [data-item=place-03]").click()
    with page.expect_response("**/recommender/v1/events"):
        page.click("#confirm")

    assert [row["query"].get("pickup") for row in fake.heard if row["path"] == SUGGESTIONS] == [None, ["place-04"]]
    (body,) = fake.bodies("/recommender/v1/events")
    assert body["events"][0]["pickup"]["place"] == "place-04"


def test_a_rider_is_not_asked_where_the_taxi_is_known(taxi: Callable[..., Page]) -> None:
    page = taxi("?position=receiver&pickup=place-04", accuracy=900)
    begin(page)

    expect(page.locator("#say-pickup")).to_be_hidden()
    page.click("#somewhere-else")
    expect(page.locator("#all-title")).to_have_text("Where to?")


def test_the_operator_gives_the_permission_while_the_tablet_is_set_up(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(
        f"{fake.address}/taxi?position=receiver#pair=good-code", geolocation=HERE, permissions=["geolocation"]
    )
    in_state(page, "taxi_setup")
    page.click("#taxi-setup-position")

    expect(page.locator("#taxi-setup-position-said")).to_have_text("The position can be used.")
