"""The marketing pages in a real browser: pair, read the answer, train, roll back, schedule, download the table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from data.demo.month import simulate_month
from plumbing import web as service_web
from plumbing.clock import MINUTE
from plumbing.shared import Shared
from plumbing.storage.state import State
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from tests.browser.conftest import OpenPage
from tests.browser.fake_server import serve
from tests.data.demo.test_demo import quiet
from tests.recommender.service_fixtures import NOON, World, open_world, stock

pytestmark = pytest.mark.browser
AUDIT = (Path(__file__).parent / "audit.js").read_text()


@dataclass
class Desk:
    world: World
    address: str

    def link(self, page: str = "") -> str:
        """A pairing link to one of the desk's pages."""
        code = self.world.access.create_pairing("grill", "marketing")
        return f"{self.address}/marketing{'/' + page if page else ''}#pair={code}"


@contextmanager
def _served(world: World, home: Path) -> Iterator[Desk]:
    """A recommender on a real port, with the pairing routes."""
    shared = Shared.open(State(home / "service"), world.now_us)
    own = replace(shared, access=world.access, registry=world.registry)
    world.app.register_api(service_web.blueprint(own, checks={}))
    with serve(world.app) as address:
        yield Desk(world, address)
    shared.close()
    world.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A recommender with a menu and a few orders, on a real port."""
    world = open_world(tmp_path)
    with _served(world, tmp_path) as desk:
        stock(world)
        for number, item in enumerate(["cola", "cola", "burger"]):
            at = f"2026-11-20T1{number}:00:00Z"
            world.earlier(at, "ann", item, event_id=f"e{number}")
        yield desk


def test_a_browser_that_is_not_paired_sees_no_figures(desk: Desk, open_page: OpenPage) -> None:
    """A browser without a pairing gets a sentence about signing in, and so does a link that was used before."""
    page = open_page(f"{desk.address}/marketing")
    expect(page.locator("#notice")).to_contain_text("not signed in")
    expect(page.locator(".scene")).to_have_count(0)
    link = desk.link()
    open_page(link)
    again = open_page(link)
    expect(again.locator("#notice")).to_contain_text("not signed in")


def test_logging_out_ends_the_pairing_of_this_browser(desk: Desk, open_page: OpenPage) -> None:
    """The button is there for a paired browser alone; afterwards the page asks for a link again."""
    page = open_page(desk.link())
    expect(page.locator("#counts")).to_contain_text("3 orders")

    page.click("#log-out")

    expect(page.locator("#notice")).to_contain_text("not signed in")
    expect(page.locator("#log-out")).to_be_hidden()
    assert page.context.cookies() == []


def test_a_morning_at_the_desk(desk: Desk, open_page: OpenPage) -> None:
    """Train, see the answer change, train again, roll back, save a schedule, download the table."""
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


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Thirty days of offers in the simulated town, four days ago, and the desk that may look at them."""
    home = tmp_path_factory.mktemp("month")
    stores = open_stores(RecommenderConfig(home=home, token_keys=()))
    simulate_month(stores, home, "grill", customers=800, days=30, seed=0, now_us=NOON, progress=quiet)
    stores.database.close()
    with _served(open_world(home), home) as desk:
        yield desk


def _points(page: Page, selector: str) -> list[tuple[float, float]]:
    """The points of a line or an area, in the chart's units."""
    text = page.locator(selector).first.get_attribute("points") or ""
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]


def test_thirty_days_of_offers_show_their_gain_over_the_holdout(month: Desk, open_page: OpenPage) -> None:
    """The sentence is certain, and the chart agrees: its last interval is above zero."""
    report = month.world.call("GET", "/desk/offers", key="desk").json
    page = open_page(f"{month.link('offers')}")
    box = page.locator("#holdout")
    expect(box.locator(".answer")).to_contain_text("more per visit than leaving people alone; that is certain")
    assert 0 < report["low"] < report["difference"]

    line, band = _points(page, "#holdout polyline.line"), _points(page, "#holdout polygon.band")
    zero = float(box.locator("line.zero").get_attribute("y1") or 0)
    days = len(report["history"])
    assert days >= 26
    assert (len(line), len(band)) == (days, 2 * days)
    assert line[-1][1] < zero  # upwards is smaller
    assert band[days][1] < zero  # the lower bound of the last day
    assert band[days][1] - band[days - 1][1] < band[-1][1] - band[0][1]  # narrower than on the first day
    expect(box.locator("text.result")).to_have_text(f"+{report['difference'] / 100:.2f}")

    box.locator("summary").click()
    expect(box.locator("tbody tr")).to_have_count(days)
    with page.expect_download() as saved:
        box.locator(".download").click()
    last = Path(saved.value.path()).read_text().splitlines()[-1]
    assert f"+{report['difference'] / 100:.2f}" in last


def test_the_other_questions_are_answered_too(month: Desk, open_page: OpenPage) -> None:
    """Best single offer, whom, what if, trust: a sentence, a chart and a table each; training again says so."""
    page = open_page(month.link("offers"))
    expect(page.locator("#single .answer")).to_contain_text("best single offer")
    expect(page.locator("#single polygon.band")).to_be_visible()
    expect(page.locator("#whom .answer")).to_contain_text("most promising tenth")
    assert page.locator("#whom rect").count() == 10
    curve = _points(page, "#whom polyline.line:not(.random)")
    chance = _points(page, "#whom polyline.random")
    assert sum(there[1] - here[1] for here, there in zip(curve, chance, strict=True)) > 0  # above a random order
    expect(page.locator("#what-if .answer")).to_contain_text("would have earned most")
    assert page.locator("#what-if circle").count() >= 12
    expect(page.locator("#what-if")).to_contain_text("effective visits")
    expect(page.locator("#trust .answer")).to_contain_text("within chance")
    expect(page.locator("#trust")).to_contain_text("costs")

    month.world.time_us += MINUTE
    page.locator("#training .train").click()
    expect(page.locator("#training .progress")).to_be_visible()
    month.world.run_trainings()
    expect(page.locator("#training .outcome")).to_contain_text("nothing new")
    page.locator("#training summary").click()
    expect(page.locator("#training tr.current")).to_have_count(1)


def test_an_offer_is_written_changed_paused_and_ended(desk: Desk, open_page: OpenPage) -> None:
    """A wrong field gets its message and nothing is stored; a valid offer is changed, paused and ended."""
    page = open_page(desk.link("portfolio"))
    expect(page.locator("#offers .answer")).to_contain_text("1 offer is active")
    page.get_by_role("button", name="Write a new offer").click()
    form = page.locator("#edit")
    form.get_by_label("Short name").fill("cola-2")
    form.get_by_label("The customer reads first").fill("Two colas for one")
    form.get_by_label("From", exact=True).fill("2026-12-24")
    form.get_by_label("Until").fill("2026-12-01")
    form.get_by_label("Most money in all").fill("-3")
    form.get_by_label("At most so often").fill("0")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".wrong")).to_contain_text("3 fields are not right yet")
    wrong = {one.get_attribute("data-field") for one in form.locator(".is-wrong").all()}
    assert wrong == {"ends_on", "budget_money", "cap_count"}
    assert [one.offer_id for one in desk.world.half.service.stores.offers.offers("grill")] == ["lunch"]

    form.get_by_label("Until").fill("2026-12-31")
    form.get_by_label("Most money in all").fill("300.50")
    form.get_by_label("At most so often").fill("2")
    form.get_by_label("Applies to these dishes").select_option(["cola"])
    form.get_by_label("tue").check()
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#offers .outcome")).to_contain_text("is running")
    stored = desk.world.half.service.stores.offers.offer("grill", "cola-2")
    assert (stored.budget_money, stored.weekdays, stored.items, stored.cap_count) == (30_050, (1,), ("cola",), 2)

    row = page.locator("#offers tbody tr", has_text="Two colas")
    for button, state in (("Pause", "paused"), ("Go on", "active"), ("End", "ended")):
        row.get_by_role("button", name=button).click()
        expect(row).to_contain_text(state)
    row.get_by_role("button", name="Change").click()
    expect(form.get_by_label("Short name")).not_to_be_editable()


def test_offers_come_and_go_as_files(desk: Desk, open_page: OpenPage) -> None:
    """A file with wrong rows is refused with the row numbers; a downloaded file can be uploaded again."""
    page = open_page(desk.link("portfolio"))

    def take(text: str) -> None:
        file: FilePayload = {"name": "new.csv", "mimeType": "text/csv", "buffer": text.encode()}
        page.locator("#offers input[type=file]").set_input_files(file)

    outcome = page.locator("#offers .outcome")
    take("offer_id,name,budget_count,items\nsoup,Soup,-1,cola\ntea,Tea,5,nothing\n")
    expect(outcome).to_contain_text("budget_count must be at least 0")
    expect(outcome).to_contain_text("not known: nothing")
    take('offer_id,name,budget_count,items,weekdays\nsoup,"Soup, hot",7,cola|burger,mon|tue\n')
    expect(outcome).to_contain_text("1 offers were taken in")
    stored = desk.world.half.service.stores.offers.offer("grill", "soup")
    assert (stored.name, stored.budget_count, stored.items, stored.weekdays) == (
        "Soup, hot",
        7,
        ("cola", "burger"),
        (0, 1),
    )
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download as CSV").click()
    take(Path(saved.value.path()).read_text())
    expect(outcome).to_contain_text("2 offers were taken in")
    assert desk.world.half.service.stores.offers.offer("grill", "soup") == stored


def test_the_house_sets_how_offers_are_decided(desk: Desk, open_page: OpenPage) -> None:
    """What is wrong is named beside its field; the house's settings are shown as a sentence."""
    page = open_page(desk.link("portfolio"))
    house = page.locator("#house")
    expect(house.locator(".answer")).to_contain_text("5 % of customers are always left alone")
    house.locator("summary").click()
    house.get_by_label("Visits that may carry an offer").fill("120")
    house.get_by_label("Visits that try something else").fill("")
    house.get_by_role("button", name="Save").click()
    expect(house.locator(".outcome")).to_contain_text("Not changed")
    assert {one.get_attribute("data-field") for one in house.locator(".is-wrong").all()} == {
        "share",
        "exploration",
    }
    house.get_by_label("Visits that may carry an offer").fill("20")
    house.get_by_label("Visits that try something else").fill("7,5")
    house.get_by_label("Most offers one customer sees").fill("3")
    house.get_by_role("button", name="Save").click()
    expect(house.locator(".answer")).to_contain_text("at most 20 % of the other visits carry an offer, 7.5 %")
    expect(house.locator(".answer")).to_contain_text("more than 3 offers in 7 days")
    now = desk.world.half.service.stores.offers.settings_as_read("grill")
    assert (now.share, now.exploration, now.nag_count) == (0.2, 0.075, 3)


@pytest.mark.parametrize("where", ["offers", "portfolio"])
@pytest.mark.parametrize(("scheme", "size"), [("light", (1100, 900)), ("dark", (390, 800))])
def test_the_pages_of_offers_can_be_read(
    month: Desk, open_page: OpenPage, where: str, scheme: str, size: tuple[int, int]
) -> None:
    """The audit of the suggestions page, with all details open and a form full of mistakes."""
    page = open_page(month.link(where), size, color_scheme=scheme)
    if where == "portfolio":
        page.locator(".new").click()
        page.locator("#edit .save").click()
    for summary in page.locator("summary").all():
        if summary.is_visible():
            summary.click()
    found = [one for one in page.evaluate(AUDIT) if not one.startswith(("text ", "target "))]
    assert found == []


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
