"""The marketing page in a real browser: pair it, read the answer, train, go back, plan, take the table along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from plumbing import limits as limit_tables
from plumbing import web as service_web
from plumbing.database import Database
from plumbing.limits import Limits
from tests.browser.conftest import OpenPage
from tests.browser.fake_server import serve
from tests.recommender.service_fixtures import World, open_world, stock

pytestmark = pytest.mark.browser
AUDIT = (Path(__file__).parent / "audit.js").read_text()


@dataclass
class Desk:
    world: World
    address: str

    def link(self) -> str:
        code = self.world.access.create_pairing("grill", "marketing", device="desk")
        return f"{self.address}/marketing#pair={code}"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A recommender with a menu and a few orders behind a real port."""
    world = open_world(tmp_path)
    moments = Database(tmp_path / "moments.db", limit_tables.migrations, durable=False)
    limits = Limits(moments, world.now_us)
    world.app.register_api(
        service_web.blueprint(access=world.access, limits=limits, checks={}, registry=world.registry)
    )
    stock(world)
    for number, item in enumerate(["cola", "cola", "burger"]):
        world.order(item, token=world.token(), event_id=f"e{number}", occurred_at=f"2026-11-20T1{number}:00:00Z")
    with serve(world.app) as address:
        yield Desk(world, address)
    moments.close()
    world.close()


def test_a_browser_that_is_not_paired_sees_no_figures(desk: Desk, open_page: OpenPage) -> None:
    """Whoever finds the port gets a sentence about signing in; a link that was used before says no more."""
    page = open_page(f"{desk.address}/marketing")
    expect(page.locator("#notice")).to_contain_text("not signed in")
    expect(page.locator(".scene")).to_have_count(0)
    link = desk.link()
    open_page(link)
    again = open_page(link)
    expect(again.locator("#notice")).to_contain_text("not signed in")


def test_a_morning_at_the_desk(desk: Desk, open_page: OpenPage) -> None:
    """Train, see the answer change, train again, go back, save a schedule, take the table along."""
    page = open_page(desk.link())
    assert "pair" not in page.url
    expect(page.locator("#counts")).to_contain_text("3 orders")
    orders = page.locator("#scene-orders")
    expect(orders.locator(".answer")).to_contain_text("No model of orders")
    expect(orders.locator(".missing")).to_contain_text("29 more are needed")

    orders.locator(".train").click()
    expect(orders.locator("progress")).to_be_visible()
    expect(orders.locator(".train")).to_be_disabled()
    desk.world.run_trainings()
    expect(orders.locator(".outcome")).to_contain_text("was published")
    expect(orders.locator(".answer")).to_contain_text("0.500 against 0.400")
    expect(orders.locator("svg text.baseline-text")).to_have_text("counting 0.400")

    desk.world.order("burger", token=desk.world.token(), event_id="e9")
    orders.locator(".train").click()
    expect(orders.locator("progress")).to_be_visible()
    desk.world.run_trainings()
    orders.locator(".versions summary").click()
    expect(orders.locator(".versions tbody tr")).to_have_count(2)
    expect(orders.locator(".versions tr.current")).to_contain_text("0002-")
    orders.get_by_role("button", name="Use version 0001").click()
    expect(orders.locator(".versions tr.current")).to_contain_text("0001-")
    assert desk.world.suggest().json["model_version"].startswith("0001-")

    with page.expect_download() as saved:
        orders.locator(".download").click()
    assert Path(saved.value.path()).read_text() == '"method","ndcg@10"\n"counting","0.4"\n'

    page.get_by_label("Favourite orders: by itself").check()
    page.get_by_label("Favourite orders: wed").check()
    page.get_by_role("button", name="Save the schedule").click()
    expect(page.locator("#schedule-answer")).to_contain_text("Favourite orders: wed, sun at 03:00")
    due = {one.scene: one for one in desk.world.half.trainer.models.schedule("grill") if one.enabled}
    assert (list(due), due["orders"].days) == (["orders"], ("wed", "sun"))


@pytest.mark.parametrize(("scheme", "size"), [("light", (1100, 900)), ("dark", (390, 800))])
def test_the_page_can_be_read(desk: Desk, open_page: OpenPage, scheme: str, size: tuple[int, int]) -> None:
    """Contrast, names, one heading, nothing wider than the screen: at a desk, and on a phone at night."""
    desk.world.call("POST", "/models/orders/train", key="desk")
    desk.world.run_trainings()
    page = open_page(desk.link(), size, color_scheme=scheme)
    expect(page.locator("#scene-orders svg")).to_be_visible()
    for summary in page.locator("summary").all():
        if summary.is_visible():
            summary.click()
    # Sizes of text and targets are for fingers at a kiosk; this page is read sitting, with a mouse.
    found = [one for one in page.evaluate(AUDIT) if not one.startswith(("text ", "target "))]
    assert found == []
