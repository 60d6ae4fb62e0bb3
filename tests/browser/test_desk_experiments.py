"""Experiments at the desk in a real browser: start one in three clicks, read the verdict, make it the rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from app import create_app
from plumbing.clock import DAY, system_clock
from plumbing.people.people import People
from plumbing.settings import Config
from recommender.assembly import RecommenderStores, open_stores
from recommender.config import RecommenderConfig
from recommender.experiments.assignment import unit_of, variant_at
from recommender.offers.portfolio import Offer
from recommender.scene import Item
from recommender.store.experiment_visits import Done, Seen, Who
from tests.browser.conftest import OpenPage
from tests.browser.fake_server import serve
from tests.browser.looks import axe_complaints
from tests.browser.signed_in import session_of, sign_in

pytestmark = pytest.mark.browser
NOW = system_clock()


@dataclass
class Served:
    """The desk on a real port, and the stores behind it."""

    address: str
    people: People
    stores: RecommenderStores

    def open(self, open_page: OpenPage, path: str, *roles: str, size: tuple[int, int] = (1280, 800)) -> Page:
        page = open_page(f"{self.address}/desk/sign-in", size)
        sign_in(page, self.address, session_of(self.people, "grill", roles or ("marketer",)))
        page.goto(self.address + path)
        page.wait_for_selector("body[data-ready=true]")
        return page


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    app = create_app(Config(home=tmp_path, only="recommender"))
    stores = open_stores(RecommenderConfig(home=tmp_path, token_keys=()))
    stores.catalogue.put("grill", "item", [Item("burger", "Burger", price=950)])
    stores.offers.save_offers("grill", [Offer("lunch", "Lunch for two", items=("burger",))], NOW)
    with serve(app) as address:
        yield Served(address, app.extensions["usual_open"][-1].people, stores)
    stores.close()


def visits(stores: RecommenderStores, customers: int, gain: int, keep: float = 1.0) -> None:
    """So many customers come under the running experiment; B earns `gain` minor units more a visit."""
    ((experiment, salt),) = stores.experiments.running("grill")
    rng = np.random.default_rng(1)
    noted: list[Seen | Done] = []
    for k in range(customers):
        who = Who("grill", experiment.experiment_id, unit_of(salt, f"{k:064x}"), f"{k:064x}")
        other = variant_at(experiment.shares, who.unit)
        if other and rng.random() > keep:
            continue
        at = NOW - int(rng.integers(DAY // 2))
        noted.append(Seen(who, at, ("north", "south")[k % 2], "lunch", ("lunch",), 12.0))
        value = int(900 + 200 * rng.random()) + gain * other
        noted.append(Done(who, at + 1, "ordered", f"o{k}", ("burger",), value))
    stores.experiments.count(noted)


def test_start_an_experiment_in_three_clicks_read_it_and_make_it_the_rule(
    served: Served, open_page: OpenPage
) -> None:
    page = served.open(open_page, "/desk")
    page.click("#pages a[href='/desk/experiments']")
    page.wait_for_selector("body[data-ready=true] #content section")
    expect(page.locator("#answer")).to_have_text(
        "No experiment is running. Start one to find out which variant is better."
    )
    page.get_by_role("button", name="New experiment").click()
    expect(page.locator(".takes")).to_contain_text("nobody can say how long")
    assert axe_complaints(page) == []
    page.get_by_role("button", name="Start now").click()
    expect(page.locator("#notice")).to_contain_text("It runs")
    expect(page.locator("#answer")).to_have_text("No customer has been in this experiment yet.")

    visits(served.stores, 1_500, gain=40)
    page.reload()
    expect(page.locator("#answer")).to_contain_text("Variant B is better: +")
    expect(page.locator(".forest .variant.good")).to_have_count(1)
    expect(page.locator("#content")).to_contain_text("Customers are split as planned")
    expect(page.locator("#content")).to_contain_text("Trying has cost about €")
    assert axe_complaints(page) == []
    with page.expect_download() as saved:
        page.locator(".download").first.click()
    assert "Against A" in Path(saved.value.path()).read_text("utf-8")

    page.get_by_role("button", name="Make B the rule").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#answer")).to_contain_text("Variant B was made the rule.")
    assert served.stores.offers.offer("grill", "lunch").status == "paused"
    page.get_by_role("link", name="All experiments").click()
    expect(page.get_by_role("table", name="Finished")).to_contain_text("Decided")
    assert axe_complaints(page) == []


def test_wrong_fields_keep_what_was_typed_and_a_broken_split_is_said(served: Served, open_page: OpenPage) -> None:
    page = served.open(open_page, "/desk/experiments#new", size=(390, 844))
    page.get_by_label("Name").fill("<b>Autumn</b>")
    page.get_by_label("Smallest difference worth knowing").fill("none")
    page.get_by_role("button", name="Save as a draft").click()
    expect(page.locator("[data-field=minimum_effect] .message")).to_contain_text("above 0")
    expect(page.get_by_label("Name")).to_have_value("<b>Autumn</b>")
    page.get_by_label("Smallest difference worth knowing").fill("0,3")
    page.get_by_role("button", name="Save as a draft").click()
    expect(page.locator("#answer")).to_contain_text("This is a draft")
    expect(page.locator("h2").first).to_have_text("<b>Autumn</b>")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    page.get_by_role("button", name="Start").click()
    expect(page.locator("#answer")).to_contain_text("No customer")
    visits(served.stores, 1_500, gain=40, keep=0.7)
    page.reload()
    expect(page.locator("#answer")).to_contain_text("No verdict: the customers are not split as planned")
    viewer = served.open(open_page, "/desk/experiments", "viewer")
    expect(viewer.locator("#answer")).to_contain_text("not split as planned")
    expect(viewer.get_by_role("button", name="New experiment")).to_have_count(0)
