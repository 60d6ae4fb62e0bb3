"""The driver's screen in a real browser, with a fake server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import PLACES, Fake
from tests.browser.line import until

pytestmark = pytest.mark.browser


@pytest.fixture
def driver(fake: Fake, open_page: OpenPage) -> Callable[..., Page]:
    return lambda query="", **options: open_page(f"{fake.address}/driver{query}", **options)


def test_it_shows_the_place_for_the_navigation_of_the_device(driver: Callable[..., Page], fake: Fake) -> None:
    page = driver()
    in_state(page, "waiting")
    expect(page.locator("#waiting-text")).to_contain_text("taxi-1")
    fake.rides.confirm("place-03")

    expect(page.locator("#ride-name")).to_have_text("Quay office")
    assert page.get_attribute("#ride-way a", "href") == "geo:54.4512,6.9521?q=54.4512,6.9521(Quay%20office)"
    assert fake.rides.state == "seen"
    assert page.title() == "Usual"


def test_the_driver_accepts_and_ends_the_ride_and_nothing_stays(driver: Callable[..., Page], fake: Fake) -> None:
    page = driver()
    fake.rides.confirm("place-01")
    expect(page.locator("#ride-name")).to_have_text("Linden Street")
    page.click("#accept")
    expect(page.locator("#accepted")).to_be_visible()
    assert fake.rides.state == "accepted"
    page.click("#over")
    in_state(page, "waiting")

    html = page.evaluate("document.documentElement.outerHTML")
    assert "Linden" not in html
    assert "54.45" not in html
    until(page, "localStorage.length === 0")  # the server has answered
    assert fake.rides.place is None
    assert page.evaluate("sessionStorage.length") == 0


def test_a_ride_that_ends_on_the_tablet_leaves_the_drivers_screen(driver: Callable[..., Page], fake: Fake) -> None:
    page = driver()
    fake.rides.confirm("place-03")
    expect(page.locator("#ride-name")).to_have_text("Quay office")
    fake.rides.end()

    in_state(page, "waiting")
    assert "Quay" not in page.evaluate("document.documentElement.outerHTML")


def test_it_forgets_in_time_also_when_the_server_cannot_be_reached(
    driver: Callable[..., Page], fake: Fake
) -> None:
    page = driver()
    fake.rides.forget_in_s = 3
    fake.rides.confirm("place-03")
    expect(page.locator("#ride-name")).to_have_text("Quay office")
    page.context.set_offline(True)

    in_state(page, "waiting")
    assert "Quay" not in page.evaluate("document.documentElement.outerHTML")


def test_a_ride_that_is_ended_without_a_line_never_returns_and_the_server_hears_of_it_later(
    driver: Callable[..., Page], fake: Fake
) -> None:
    page = driver()
    fake.rides.confirm("place-03")
    expect(page.locator("#ride-name")).to_have_text("Quay office")
    page.click("#accept")
    expect(page.locator("#accepted")).to_be_visible()
    page.route("**/v1/driver/ride?*", _only_news)
    page.click("#over")
    in_state(page, "waiting")
    page.evaluate("window.shown = new MutationObserver(() => (window.returned = true))")
    page.evaluate("shown.observe(document.querySelector('#ride-name'), { childList: true })")
    fake.rides.mark += 1  # something new is said about the ride that the server still holds
    with page.expect_response(lambda reply: reply.request.method == "GET" and "/v1/driver/ride" in reply.url):
        pass
    assert page.evaluate("Object.values(localStorage)") == ['{"v":1,"ids":["ride-9"]}']  # and nothing of the place
    assert not page.evaluate("window.returned")
    page.reload()
    in_state(page, "waiting")
    assert "Quay" not in page.evaluate("document.documentElement.outerHTML")
    assert fake.rides.state == "accepted"
    page.unroute_all()
    page.evaluate("dispatchEvent(new Event('online'))")
    until(page, "localStorage.length === 0")

    assert fake.rides.state == "none"


def _only_news(route: Route) -> None:
    if route.request.method == "DELETE":
        route.abort()
    else:
        route.continue_()


def test_a_second_ride_is_said_and_nothing_of_the_first_stays(driver: Callable[..., Page], fake: Fake) -> None:
    page = driver()
    fake.rides.confirm("place-03")
    expect(page.locator("#live")).to_contain_text("Quay office")
    fake.rides.place, fake.rides.ride_id = PLACES[0] | {"lat": 1.0, "lon": 2.0}, "ride-10"
    fake.rides.change("sent")

    expect(page.locator("#live")).to_contain_text("Linden Street")
    html = page.evaluate("document.documentElement.outerHTML")
    assert not any(word in html for word in ("Quay", "54.45"))


def test_a_screen_that_is_not_paired_asks_for_the_tablets_code(driver: Callable[..., Page], fake: Fake) -> None:
    fake.paired = False
    page = driver()
    in_state(page, "pairing")
    page.fill("#pairing-code", " 7kq2x-4dpt5 ")
    page.click("#pairing-form button")
    expect(page.locator("#pairing-error")).to_contain_text("does not work any more")

    assert fake.bodies("/v1/pairings") == [{"code": "7KQ2X4DPT5"}]


def test_the_tablet_shows_the_code_while_it_is_set_up(fake: Fake, open_page: OpenPage) -> None:
    page = open_page(f"{fake.address}/taxi#pair=good-code")
    in_state(page, "taxi_setup")
    page.click("#taxi-setup-code-show")
    expect(page.locator("#taxi-setup-code")).to_have_text("7KQ2X-4DPT5")
    expect(page.locator("#taxi-setup-position-box")).to_be_hidden()  # the link does not ask for it
    page.click("#taxi-setup-done")
    in_state(page, "attract")
    page.click("#guest")

    assert "7KQ2X" not in page.evaluate("document.documentElement.outerHTML")


@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_it_speaks_the_language_of_the_driver(driver: Callable[..., Page], fake: Fake, language: str) -> None:
    page = driver(f"?lang={language}", size=(360, 640))
    fake.rides.confirm("place-03")
    expect(page.locator("#ride-name")).to_be_visible()

    assert page.evaluate("document.documentElement.lang") == language
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
