"""The page of trainings in a real browser: a schedule in words, run now with progress, cancel, pause, details."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from desk import sessions, web
from plumbing.clock import HOUR
from plumbing.shared import Shared
from plumbing.storage.state import State
from tests.browser.conftest import OpenPage
from tests.browser.fake_server import serve
from tests.browser.looks import axe_complaints
from tests.browser.signed_in import session_of, sign_in
from tests.recommender.service_fixtures import World, open_world, stock

pytestmark = pytest.mark.browser
AUDIT = (Path(__file__).parent / "audit.js").read_text()
SIZES = {"phone": (390, 844), "laptop": (1280, 800), "wide": (1920, 1080)}


@dataclass
class Desk:
    world: World
    shared: Shared
    address: str

    def open(self, open_page: OpenPage, role: str = "marketer", **options: object) -> Page:
        """The page, with somebody signed in."""
        page = open_page(f"{self.address}/desk/sign-in", **options)
        sign_in(page, self.address, session_of(self.shared.people, "grill", [role]))
        page.goto(f"{self.address}/desk/trainings")
        page.wait_for_selector("body[data-ready=true]")
        return page


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A recommender with a menu and a few orders, and the desk in front of it."""
    world = open_world(tmp_path)
    shared = replace(Shared.open(State(tmp_path / "service"), world.now_us), access=world.access)
    world.access.signed_in = shared.people.caller
    world.app.register_blueprint(web.build())
    world.app.register_api(sessions.routes(shared))
    with serve(world.app) as address:
        stock(world)
        for number, item in enumerate(["cola", "cola", "burger"]):
            world.earlier(f"2026-11-20T1{number}:00:00Z", "ann", item, event_id=f"e{number}")
        yield Desk(world, shared, address)
    shared.close()
    world.close()


def test_a_schedule_in_words_and_a_training_with_progress(desk: Desk, open_page: OpenPage) -> None:
    """Typed, read while it is typed, saved; a wrong one keeps what was typed; run, watched, cancelled, tried."""
    page = desk.open(open_page)
    answer, notice, orders = page.locator("#answer"), page.locator("#notice"), page.locator("#schedule-orders")
    expect(answer).to_contain_text("No training happens by itself yet")
    text = orders.locator("input[type=text]")
    text.fill("every 31st at 25:00")
    expect(orders.locator(".reading")).to_contain_text("“25:00” is no time of the day")
    orders.get_by_role("button", name="Orders: Save").click()
    expect(notice).to_contain_text("marked fields")
    expect(orders.locator(".is-wrong .message")).to_contain_text("25:00")
    expect(text).to_have_value("every 31st at 25:00")
    text.fill("every night at 03:30")
    expect(orders.locator(".reading")).to_contain_text("Understood: every day at 03:30")
    expect(orders.locator(".reading li")).to_have_count(3)
    orders.get_by_role("button", name="Orders: Save").click()
    expect(answer).to_contain_text("The next training of orders begins tomorrow at 03:30")
    assert [one.lines for one in desk.world.half.trainer.models.schedules.entries("grill")] == ["30 3 * * *"]

    orders.get_by_role("button", name="Orders: Train now").click()
    expect(notice).to_contain_text("The training has begun")
    (_, _, run_id) = desk.world.launched[0]
    models = desk.world.half.trainer.models
    models.progress("grill", run_id, "fitting the ranker", 0.4, desk.world.time_us)
    expect(answer).to_contain_text("(40 % done)")
    expect(page.locator("#runs tr.is-running progress")).to_have_attribute("value", "0.4")
    page.locator("#runs").get_by_role("button", name="Cancel").click()
    expect(notice).to_contain_text("ends in a moment")
    assert models.cancelled_by("grill", run_id).startswith("user:")
    models.end("grill", run_id, "cancelled", "", desk.world.time_us)
    desk.world.launched.clear()
    expect(page.locator("#runs tr.is-cancelled")).to_have_count(1)

    orders.get_by_role("button", name="Orders: Dry run").click()
    expect(page.locator("#runs tr.is-running")).to_have_count(1)
    desk.world.time_us += HOUR
    desk.world.run_trainings()
    expect(page.locator("#runs tr.is-tried")).to_contain_text("would be published")
    page.locator("#runs tr.is-tried").get_by_role("button", name="Details").click()
    expect(page.locator("#run-details")).to_contain_text("3 lines of 1 customers")
    expect(page.locator("#run-details .log")).to_contain_text("counting")

    orders.locator(".pauses summary").click()
    orders.get_by_role("button", name="Pause until I resume it").click()
    expect(orders.locator(".notice")).to_contain_text("paused until somebody resumes it")
    orders.get_by_role("button", name="Orders: Resume").click()
    expect(orders.locator(".notice")).to_be_hidden()


def test_who_may_only_look_changes_nothing(desk: Desk, open_page: OpenPage) -> None:
    page = desk.open(open_page, "viewer")
    expect(page.locator("#answer")).to_contain_text("No training happens by itself yet")
    expect(page.locator("#schedule button")).to_have_count(0)


@pytest.mark.parametrize(("size", "scheme", "language"), [("phone", "dark", "de"), ("wide", "light", "ja")])
def test_the_page_can_be_read(desk: Desk, open_page: OpenPage, size: str, scheme: str, language: str) -> None:
    """With a schedule, runs and details: axe finds nothing serious, and nothing is wider than the screen."""
    rows = [{"scene": "orders", "text": "Mondays 04:00", "timezone": "Europe/Berlin"}]
    assert desk.world.call("PUT", "/schedule", key="desk", json={"rows": rows}).status_code == 200
    desk.world.call("POST", "/models/orders/train", key="desk")
    desk.world.run_trainings()
    desk.world.call("POST", "/models/destinations/train", key="desk")
    page = desk.open(open_page, size=SIZES[size], color_scheme=scheme)
    page.select_option("#language", language)
    page.locator("#runs tr.is-published button").first.click()
    expect(page.locator("#run-details .log")).to_be_visible()
    assert axe_complaints(page) == []
    found = [one for one in page.evaluate(AUDIT) if not one.startswith(("text ", "target "))]
    assert found == []
