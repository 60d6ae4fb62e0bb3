"""The journeys of kiosk and taxi with devices that send vectors: real server, engine and seal on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from plumbing.settings import Config
from screens.engine import EngineFolder
from tests.browser.conftest import ENGINE_PACK, Camera, OpenPage, in_state
from tests.browser.fake_server import serve
from tests.browser.test_journey import again, filled, opt_in, order, paired, press, ride_home, rides
from tests.journey import Place

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.shared]


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory, engine_cache: Path, engine_folder: EngineFolder, shared: Path
) -> Place:
    """An installation whose kiosk and taxi send vectors."""
    home = tmp_path_factory.mktemp("home")
    (home / "screens").mkdir(mode=0o700)
    (home / "screens" / "engine").symlink_to(engine_folder.path)
    config = Config(home=home, cache=engine_cache, pack=ENGINE_PACK, models=shared / "models")
    return filled(Place(home, engine_cache, config=config))


@pytest.fixture(scope="module")
def address(place: Place) -> Iterator[str]:
    with serve(place.app) as address:
        yield address


def with_vectors(
    place: Place, address: str, open_page: OpenPage, kind: str, query: str = ""
) -> tuple[Page, list[bytes]]:
    """A new screen that sends vectors, and the bodies of its requests."""
    page, bodies = paired(place, address, open_page, kind, query), list[bytes]()
    (device,) = {str(row["device"]) for row in place.access.keys(place.tenant) if row["page"] == kind}
    place.access.modes.choose(place.tenant, device, "vectors")
    page.on("request", lambda request: bodies.append(request.post_data_buffer or b""))
    return page, bodies


def no_picture(bodies: list[bytes]) -> None:
    assert not any(b'"frames"' in body or b"/9j/" in body for body in bodies)
    assert max(map(len, bodies)) < 4_000


def test_a_customer_joins_orders_and_leaves_and_no_picture_ever_travels(
    place: Place, address: str, open_page: OpenPage, camera: Camera
) -> None:
    camera.show(3, range(200, 224))
    page, bodies = with_vectors(place, address, open_page, "kiosk")

    press(page)
    expect(page.locator("#unknown-title")).to_have_text("No usual yet")
    page.click("#unknown-guest")
    again(page)
    opt_in(page, "orders")
    press(page)
    in_state(page, "suggest")
    expect(page.locator("#greeting")).to_have_text("Welcome back.")
    order(page, "soup")
    press(page)
    in_state(page, "suggest")
    expect(page.locator("#usual")).to_contain_text("Tomato soup")
    again(page)
    page.click("#opt-out")
    page.click("#optout-face")
    expect(page.locator("#forgotten-title")).to_have_text("You are forgotten")

    assert sum(b"device_message" in body for body in bodies) == 5
    no_picture(bodies)


def test_a_rider_rides_home_and_no_picture_ever_travels(
    place: Place, address: str, open_page: OpenPage, camera: Camera
) -> None:
    rides(place, 8, "home", 6)
    camera.show(8, range(200, 224))
    page, bodies = with_vectors(place, address, open_page, "taxi", "?pickup=station&lat=54.45&lon=6.95")
    page.click("#taxi-setup-done")
    page.click("#recognise")
    ride_home(page)

    assert sum(b"device_message" in body for body in bodies) == 1
    no_picture(bodies)
