"""Orders lost or doubled while the line is cut and the page reloaded, with the real server.

`USUAL_ENDURE=1 python -m pytest -s tests/browser/test_line_cuts.py` cuts 50 times and reloads 20 times.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import serve
from tests.browser.line import Cut, Line, kept_for_offline, order, ready
from tests.journey import Place

pytestmark = pytest.mark.browser

CUTS, RELOADS = (50, 20) if os.environ.get("USUAL_ENDURE") else (6, 3)
HOW: tuple[Cut, ...] = ("before", "after")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, engine_cache: Path) -> Place:
    place = Place(tmp_path_factory.mktemp("home"), engine_cache)
    dishes = [{"item_id": "soup", "name": "Tomato soup", "category": "soups", "price": 560}]
    assert place.send("POST", "/recommender/v1/items", {"rows": dishes}).status_code == 200
    return place


@pytest.fixture(scope="module")
def line(place: Place) -> Line:
    return Line(place.app)


@pytest.fixture(scope="module")
def address(line: Line) -> Iterator[str]:
    with serve(line) as address:
        yield address


def test_no_order_is_lost_or_doubled_over_line_cuts_and_reloads(
    place: Place, line: Line, address: str, open_page: OpenPage, capsys: pytest.CaptureFixture[str]
) -> None:
    code = place.access.create_pairing(place.tenant, "kiosk", site="mill")
    page = open_page(f"{address}/kiosk#pair={code}", service_workers="allow")
    kept_for_offline(page)
    chance = random.Random(16)
    reloads = set(chance.sample(range(CUTS), RELOADS))
    for cut in range(CUTS):
        line.cut = chance.choice(HOW)
        order(page, "soup")
        if cut in reloads:
            page.reload()
            ready(page)
        else:
            page.click("[data-screen=done] .big")
        in_state(page, "attract")
        line.cut = ""
        page.evaluate("() => dispatchEvent(new Event('online'))")
        expect(page.locator("#waiting-badge")).to_be_hidden()

    store = place.app.extensions["usual"]["recommender"].service.events
    stored = [
        row["event_id"] for row in store._database.rows("SELECT event_id FROM events WHERE type = 'ordered'")
    ]
    lost, doubled = max(0, CUTS - len(stored)), max(0, len(stored) - CUTS)
    with capsys.disabled():
        sys.stdout.write(f"\norders over {CUTS} line cuts and {RELOADS} reloads: lost {lost}, doubled {doubled}\n")
    assert (lost, doubled) == (0, 0)
    assert len(set(stored)) == len(stored)
