"""The page "scenes" in a real browser: a rule by keyboard, a preview beside it, publishing, going back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from desk import sessions, web
from plumbing.shared import Shared
from plumbing.storage.state import State
from tests.browser.conftest import OpenPage
from tests.browser.fake_server import serve
from tests.browser.looks import axe_complaints
from tests.browser.signed_in import session_of, sign_in
from tests.recommender.service_fixtures import World, open_world, stock

pytestmark = pytest.mark.browser
AUDIT = (Path(__file__).parent / "audit.js").read_text()


@dataclass
class Desk:
    world: World
    shared: Shared
    address: str

    def enter(self, page: Page, *roles: str) -> None:
        sign_in(page, self.address, session_of(self.shared.people, "grill", roles or ("marketer",)))
        page.goto(f"{self.address}/desk/scenes")
        expect(page.locator("#preview ol").first).to_be_visible()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    world = open_world(tmp_path)
    shared = Shared.open(State(tmp_path), world.now_us)
    world.access.signed_in = shared.people.caller
    world.app.register_blueprint(web.build())
    world.app.register_api(sessions.routes(shared))
    stock(world)
    world.crowd("cola")
    with serve(world.app) as address:
        yield Desk(world, shared, address)
    shared.close()
    world.close()


def pick(page: Page, label: str, text: str) -> None:
    """Choose from a picker with the keyboard alone."""
    field = page.get_by_role("combobox", name=label)
    field.fill(text)
    expect(page.locator(".choices:not([hidden]) li").first).to_be_visible()
    field.press("Enter")


def test_an_afternoon_with_rules(desk: Desk, open_page: OpenPage) -> None:
    """Add a pin and a sponsored place, see both in the preview, ask why not, publish, pause, restore."""
    page = open_page(f"{desk.address}/desk/sign-in")
    desk.enter(page)
    expect(page.locator("#answer")).to_have_text("No rule changes what the screens show today.")
    expect(page.locator("#preview .side-by-side li").first).to_contain_text("Cola")

    page.get_by_role("button", name="Add a rule").click()
    pick(page, "Dish or place", "sal")
    page.get_by_role("button", name="Use this rule").click()
    expect(page.locator(".rules li").first).to_contain_text("Salad has place 1.")
    expect(page.locator("#preview .side-by-side > div").nth(1).locator("li").first).to_contain_text("Salad")

    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("What the rule does").select_option("sponsored")
    pick(page, "Dish or place", "burger")
    page.get_by_label("Who pays").fill("Island Brewery")
    page.get_by_role("button", name="Use this rule").click()
    paid = page.locator("#preview .side-by-side > div").nth(1).locator("li", has_text="Burger")
    expect(paid.locator(".tag").first).to_have_text("Sponsored")

    pick(page, "Why not …?", "soup")
    expect(page.locator("#why-not-answers")).to_contain_text("Soup is not available now.")
    page.locator("select[name='preview-who']").select_option("imaginary")
    pick(page, "Add an order", "cola")
    expect(page.locator(".imagined")).to_contain_text("Cola, 1 days ago")

    assert desk.world.suggest().json["items"][0]["item_id"] == "cola"
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#answer")).to_have_text("2 rules change what the screens show today.")
    items = desk.world.suggest(local_time="2026-11-23T12:00:00Z").json["items"]
    assert [item["item_id"] for item in items[:2]] == ["salad", "burger"]
    page.get_by_role("button", name="Pause: Salad has place 1.").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#answer")).to_have_text("One rule changes what the screens show today.")
    page.get_by_role("button", name="Restore: 1").click()
    expect(page.locator("#answer")).to_have_text("2 rules change what the screens show today.")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe_complaints(page) == []
        # Sizes of text and targets are for fingers at a kiosk; this page is read sitting, with a mouse.
        assert [one for one in page.evaluate(AUDIT) if not one.startswith(("text ", "target "))] == []


def test_rules_that_contradict_each_other_and_a_colleague(desk: Desk, open_page: OpenPage) -> None:
    """A conflict is said by name and not published; what a colleague saved meanwhile is not undone unseen."""
    page = open_page(f"{desk.address}/desk/sign-in")
    desk.enter(page)
    for item in ("cola", "salad"):
        page.get_by_role("button", name="Add a rule").click()
        pick(page, "Dish or place", item)
        page.get_by_role("button", name="Use this rule").click()
    expect(page.locator("#findings")).to_contain_text("have the same place at the same time")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#notice")).to_contain_text("Not saved")
    page.get_by_role("button", name="Remove: Salad has place 1.").click()
    expect(page.locator(".rules li")).to_have_count(1)

    rules = {"rules": [{"id": "theirs", "kind": "hide", "item": "burger"}]}
    assert desk.world.call("PUT", "/desk/rules", key="desk", json=rules).status_code == 200
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#notice")).to_contain_text("Somebody else changed this meanwhile")
    expect(page.locator("#answer")).to_have_text("One rule changes what the screens show today.")
    expect(page.locator(".rules li")).to_have_count(1)  # what was typed is still there
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#notice")).to_contain_text("Published")


def test_who_only_reads_sees_no_buttons_that_change(desk: Desk, open_page: OpenPage) -> None:
    page = open_page(f"{desk.address}/desk/sign-in")
    desk.enter(page, "viewer")
    expect(page.get_by_role("button", name="Add a rule")).to_have_count(0)
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
