"""A screen whose own clock is wrong: the server's time counts, nothing is lost, the operator sees it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from desk.common import BASE
from plumbing.clock import HOUR, SECOND
from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import serve
from tests.journey import Place

pytestmark = pytest.mark.browser

WRONG = """
const Right = Date;
const off = %d;
window.Date = class extends Right {
  constructor(...parts) { if (parts.length) super(...parts); else super(Right.now() + off); }
  static now() { return Right.now() + off; }
};
"""
"""A device whose clock is ahead by so many milliseconds."""

MINUTES_3 = 3 * 60_000
YEAR_1970 = -1_780_000_000_000


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, engine_cache: Path) -> Place:
    place = Place(tmp_path_factory.mktemp("home"), engine_cache)
    dishes = [{"item_id": "soup", "name": "Tomato soup", "category": "soups", "price": 560}]
    assert place.send("POST", "/recommender/v1/items", {"rows": dishes}).status_code == 200
    return place


@pytest.fixture(scope="module")
def address(place: Place) -> Iterator[str]:
    with serve(place.app) as address:
        yield address


def paired(place: Place, address: str, open_page: OpenPage) -> Page:
    code = place.access.create_pairing(place.tenant, "kiosk", site="mill")
    return open_page(f"{address}/kiosk#pair={code}")


def order(page: Page) -> None:
    page.click("#guest")
    in_state(page, "suggest")
    page.click("#menu-open")
    page.click("#menu-list [data-item=soup]")
    page.click("#basket-open")
    with page.expect_response("**/recommender/v1/events"):
        page.click("#order")
    in_state(page, "done")


def events(place: Place) -> list[int]:
    """When the stored orders were made."""
    store = place.app.extensions["usual"]["recommender"].service.events
    rows = store._database.rows("SELECT time_us FROM events WHERE type = 'ordered' ORDER BY received_us")
    return [row["time_us"] for row in rows]


@pytest.mark.parametrize("off_ms", [MINUTES_3, -MINUTES_3, YEAR_1970], ids=["ahead", "behind", "in 1970"])
def test_an_order_of_a_screen_with_a_wrong_clock_is_taken_at_the_servers_time(
    place: Place, address: str, open_page: OpenPage, off_ms: int
) -> None:
    before = len(events(place))
    page = paired(place, address, open_page)
    page.add_init_script(WRONG % off_ms)
    page.reload()
    page.wait_for_selector("body[data-ready=true]")

    order(page)

    expect(page.locator("#done-text")).to_contain_text("being prepared")
    stored = events(place)
    assert len(stored) == before + 1
    assert abs(stored[-1] - place.clock()) < 30 * SECOND


def test_the_desk_says_by_how_much_a_clock_is_wrong(place: Place, address: str, open_page: OpenPage) -> None:
    page = paired(place, address, open_page)
    page.add_init_script(WRONG % MINUTES_3)
    page.reload()
    page.wait_for_selector("body[data-ready=true]")

    device = next(row["device"] for row in place.access.keys(place.tenant) if row["page"] == "kiosk")
    reply = place.send("GET", BASE + "/operations").get_json()

    rows = {row["device"]: row["clock_ahead_s"] for row in reply["devices"]}
    assert device in rows
    assert any(ahead is not None and abs(ahead - 180) <= 3 for ahead in rows.values())
    assert any("seconds ahead" in one["text"] for one in reply["attention"])
    assert rows[place.device] is None  # a system that is no screen says nothing


def test_a_time_before_the_year_2000_is_refused_by_name(place: Place) -> None:
    """Also of a key that may bring older events."""
    event = {"event_id": "e1", "type": "ordered", "item_id": "soup", "occurred_at": "1970-01-01T00:00:01+00:00"}
    reply = place.send("POST", "/recommender/v1/events", {"events": [event]})

    assert (reply.status_code, reply.get_json()["code"]) == (422, "event_before_2000")
    assert place.clock() > HOUR
