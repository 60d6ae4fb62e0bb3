"""The page of offers in a real browser: write one, see it on the kiosk, refused below its minimum."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from data.demo.month import simulate_month
from plumbing import web as service_web
from plumbing.clock import system_clock
from plumbing.shared import Shared
from plumbing.storage.state import State
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import serve
from tests.browser.looks import axe_complaints
from tests.browser.signed_in import session_of, sign_in
from tests.data.demo.test_demo import quiet
from tests.recommender.service_fixtures import World, open_world, stock

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """A recommender with the desk and the kiosk on a real port, and one marketer."""

    world: World
    address: str
    secret: str

    def open(self, open_page: OpenPage, where: str = "offers", **options: object) -> Page:
        """A page of the desk, signed in."""
        page = open_page(f"{self.address}/desk/sign-in", **options)
        sign_in(page, self.address, self.secret)
        page.goto(f"{self.address}/desk/{where}")
        page.wait_for_selector("body[data-ready=true]")
        return page


@contextmanager
def served(world: World, home: Path) -> Iterator[Desk]:
    """The world's own routes, the desk, the kiosk and the pairing of screens."""
    shared = Shared.open(State(home / "service"), world.now_us)
    world.access.signed_in = shared.people.caller
    own = replace(shared, access=world.access, registry=world.registry)
    world.app.register_api(service_web.blueprint(own, checks={}))
    world.app.register_blueprint(import_module("desk.web").build())
    world.app.register_api(import_module("desk.sessions").routes(own))
    world.app.register_blueprint(import_module("screens.web").build())
    with serve(world.app) as address:
        yield Desk(world, address, session_of(shared.people, "grill"))
    shared.close()
    world.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A menu, no offer yet, and today's clock: the kiosk's events have it too."""
    world = open_world(tmp_path)
    world.time_us = system_clock()
    with served(world, tmp_path) as made:
        stock(world)
        world.call("DELETE", "/offers/lunch", key="desk")
        yield made


def test_an_offer_is_written_shown_on_the_kiosk_and_refused_below_its_minimum(
    desk: Desk, open_page: OpenPage
) -> None:
    page = desk.open(open_page)
    page.get_by_role("button", name="Write a new offer").click()
    form = page.locator("form.offer-form")
    form.get_by_label("Name", exact=True).fill("Drinks in the evening")
    form.get_by_label("How much").fill("10")
    form.get_by_label("From an order of").fill("6,00")
    dishes = form.get_by_role("combobox", name="For these dishes")
    dishes.fill("col")
    dishes.press("Enter")
    expect(form.locator(".chips").last).to_be_attached()
    expect(page.locator(".kiosk-terms")).to_contain_text("10 % off, on the dishes of this offer, from €6.00")
    form.get_by_text("More", exact=True).click()
    names = form.get_by_role("group", name="Name in other languages")
    names.get_by_label("German").fill("Getränke am Abend")
    form.get_by_role("group", name="Terms in other languages").get_by_label("Japanese").fill("夜のみ")
    form.get_by_label("Last day").fill("2020-01-01")
    form.get_by_label("First day").fill("2020-01-02")
    form.get_by_role("button", name="Start").click()
    expect(form.locator("[data-field=ends_on]")).to_contain_text("is before starts_on")
    form.get_by_label("Last day").fill("")
    form.get_by_label("First day").fill("")
    assert axe_complaints(page) == []
    form.get_by_role("button", name="Start").click()
    row = page.locator("#offers tbody tr", has_text="Drinks in the evening")
    expect(row).to_contain_text("Running")
    assert axe_complaints(page) == []

    kiosk = open_page(f"{desk.address}/kiosk#pair={desk.world.access.create_pairing('grill', 'kiosk')}")
    kiosk.click("#guest")
    in_state(kiosk, "suggest")
    expect(kiosk.locator("#offer")).to_contain_text("from €6.00")
    kiosk.click("[data-language=de]")
    expect(kiosk.locator("#offer .name")).to_have_text("Getränke am Abend")
    kiosk.click("[data-language=ja]")
    expect(kiosk.locator("#offer .name")).to_have_text("Drinks in the evening")
    expect(kiosk.locator("#offer .terms")).to_have_text("夜のみ")
    kiosk.click("[data-language=en]")
    kiosk.click("#menu-open")
    kiosk.locator("#menu-list [data-item=cola]").click()
    kiosk.locator("[data-screen=menu] [data-back]").click()
    expect(kiosk.locator("#offer .lacking")).to_contain_text("€3.00 more and the offer counts")
    kiosk.locator("#offer button").click()
    kiosk.click("#basket-open")
    expect(kiosk.locator("#basket-lines .taken")).to_contain_text("€3.00 more")
    kiosk.click("#order")
    in_state(kiosk, "done")
    expect(kiosk.locator("#done-text")).to_contain_text("The offer does not count")
    assert desk.world.half.service.events.counts("grill")["ordered"] == 1
    assert desk.world.count("offer_outcomes") == 1  # it was seen, and not redeemed

    row.get_by_role("button", name="End:").click()
    expect(row).to_contain_text("Ended")
    page.locator("#notice button").click()
    expect(row).to_contain_text("Running")
    row.get_by_role("button", name="Duplicate:").click()
    expect(page.locator("#editor-title")).to_contain_text("Change “Drinks in the evening”")
    states = {one.offer_id: one.status for one in desk.world.half.service.stores.offers.offers("grill")}
    assert states == {"drinks-in-the-evening": "active", "drinks-in-the-evening-2": "draft", "lunch": "ended"}


def test_offers_come_and_go_as_files(desk: Desk, open_page: OpenPage) -> None:
    """A file with wrong rows is refused with the row numbers; a downloaded file can be taken in again."""
    page = desk.open(open_page)

    def take(text: str) -> None:
        file: FilePayload = {"name": "new.csv", "mimeType": "text/csv", "buffer": text.encode()}
        page.locator("#offers input[type=file]").set_input_files(file)

    take("offer_id,name,budget_count,items\nsoup,Soup,-1,cola\ntea,Tea,5,nothing\n")
    expect(page.locator("#notice")).to_contain_text("budget_count must be at least 0")
    take('offer_id,name,name_de,items,weekdays,discount\nsoup,"Soup, hot",Suppe,cola|burger,mon|tue,amount:150\n')
    expect(page.locator("#notice")).to_contain_text("1 offers were taken in")
    stored = desk.world.half.service.stores.offers.offer("grill", "soup")
    assert (stored.name, stored.items, stored.discount and stored.discount.value) == (
        "Soup, hot",
        ("cola", "burger"),
        150,
    )
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all fields").click()
    take(Path(saved.value.path()).read_text())
    expect(page.locator("#notice")).to_contain_text("2 offers were taken in")
    assert desk.world.half.service.stores.offers.offer("grill", "soup").names == {"de": "Suppe"}
    assert desk.world.half.service.stores.offers.offer("grill", "soup") == stored


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Thirty days of offers in the simulated town, and the desk that may look at them."""
    home = tmp_path_factory.mktemp("month")
    stores = open_stores(RecommenderConfig(home=home, token_keys=()))
    now_us = system_clock()
    simulate_month(stores, home, "grill", customers=700, days=14, seed=0, now_us=now_us, progress=quiet)
    stores.database.close()
    world = open_world(home)
    world.time_us = now_us
    with served(world, home) as made:
        yield made


@pytest.mark.parametrize(
    ("language", "scheme", "size"),
    [("en", "light", (1280, 800)), ("de", "dark", (390, 844)), ("ja", "light", (1920, 1080))],
)
def test_what_offers_earn_can_be_read(
    month: Desk, open_page: OpenPage, language: str, scheme: str, size: tuple[int, int]
) -> None:
    """The first line is the answer; every figure says revenue until the margin is given."""
    page = month.open(open_page, f"offers?language={language}", size=size, color_scheme=scheme)
    reply: Any = month.world.client.get(
        "/recommender/v1/desk/offers",
        headers={"X-API-Key": month.world.keys["desk"], "Accept-Language": language},
    ).json
    expect(page.locator("#answer")).to_have_text(reply["answer"])
    assert {"en": "revenue", "de": "Umsatz", "ja": "売上"}[language] in reply["answer"]
    page.locator(".analysts > summary").click()
    expect(page.locator("#what-if svg").first).to_be_visible()
    named = {row["name"] for row in reply["lifts"]}
    for card in ("#single", "#what-if"):
        assert not any(name in page.locator(f"{card} > .answer").inner_text() for name in named)
    assert axe_complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
