"""The overview, suggestions, data and settings in a real browser: figures, going back, downloads, looks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from desk.web import PAGES
from plumbing.webhooks.kinds import PUBLISHED
from recommender.store.tenant_settings import SiteSettings, TenantSettings
from tests.browser.conftest import OpenPage
from tests.browser.desk_world import Desk, served
from tests.browser.looks import axe_complaints

pytestmark = pytest.mark.browser
PHONE: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1920, "height": 1080}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served(tmp_path_factory.mktemp("desk") / "state") as made:
        yield made


def opened(desk: Desk, open_page: OpenPage, path: str, *roles: str, **more: object) -> Page:
    page = open_page(f"{desk.address}/desk/sign-in", **more)
    desk.enter(page, *roles)
    page.goto(f"{desk.address}{path}")
    page.wait_for_selector("body[data-ready]")
    return page


def test_a_morning_at_the_desk(desk: Desk, open_page: OpenPage) -> None:
    """Read the overview, filter, read a chart with the keyboard, download; go back in three clicks, and unpin."""
    page = opened(desk, open_page, "/desk")
    expect(page.locator("#answer")).to_contain_text("visits in this period")
    expect(page.locator(".attention")).to_contain_text("30 rows are wrong")

    all_sites = page.locator(".tile .figure").first.inner_text()
    page.get_by_label("Site", exact=True).select_option("north")
    expect(page.locator(".tile .figure").first).not_to_have_text(all_sites)
    expect(page).to_have_url(f"{desk.address}/desk?days=28&site=north")
    plot = page.locator("#content .plot").first
    plot.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(plot).to_have_attribute("aria-valuenow", "1")
    expect(page.locator("#content .reading").first).to_contain_text("Visits")

    page.get_by_role("link", name="Versions: go back").click()  # one
    page.wait_for_selector("body[data-ready]")
    expect(page.get_by_label("Site", exact=True)).to_have_value("north")
    orders = page.locator("#scene-orders")
    expect(orders.locator(".versions tr.current")).to_contain_text("0002-")
    orders.get_by_role("button", name="Use version 0001").click()  # two
    orders.get_by_role("button", name="Go back to it").click()  # three
    expect(orders.locator(".versions tr.current")).to_contain_text("0001-")
    assert desk.world.suggest().json["model_version"].startswith("0001-")

    with page.expect_download() as saved:
        orders.locator(".versions .table > .download").click()
    text = Path(saved.value.path()).read_text("utf-8-sig")
    assert text.startswith('"Version","State"')
    assert "0001-" in text
    page.get_by_label("Show the figures for analysts").check()
    expect(orders.locator(".for-analysts")).to_contain_text("ndcg@10")
    page.get_by_role("link", name="Overview", exact=True).click()
    expect(page.get_by_label("Site", exact=True)).to_have_value("north")


def test_whether_offers_earn_is_one_click_away(desk: Desk, open_page: OpenPage) -> None:
    page = opened(desk, open_page, "/desk")
    page.get_by_role("link", name="Offers", exact=True).click()  # one
    expect(page.locator("#answer")).to_contain_text("offer")


def test_what_never_arrived_is_seen_and_sent_again(desk: Desk, open_page: OpenPage) -> None:
    hooks = desk.shared.webhooks
    hooks.allowed = {"127.0.0.1"}
    made, _ = hooks.add("grill", "https://127.0.0.1/hook", [PUBLISHED])
    hooks.tell("grill", PUBLISHED, {"version": 1}, "run-1")
    message = hooks.queue.take()
    assert message is not None
    assert not hooks.queue.again(replace(message, tries=99), "status 500")
    page = opened(desk, open_page, "/desk/operations", "operator")
    expect(page.locator("#webhooks")).to_contain_text("status 500")
    page.get_by_role("button", name="Send again").click()
    expect(page.locator("#webhooks")).not_to_contain_text("status 500")
    assert hooks.queue.dead("grill") == []
    assert hooks.remove("grill", made.webhook_id)


def test_wrong_rows_and_what_would_help(desk: Desk, open_page: OpenPage) -> None:
    page = opened(desk, open_page, "/desk/data")
    expect(page.locator("#next")).to_contain_text("more orders from customers with at least 3 visits")
    page.get_by_role("button", name="Show the 30 wrong rows").click()
    expect(page.locator("#wrong-rows tbody tr")).to_have_count(30)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download all wrong rows").click()
    assert "burgr" in Path(saved.value.path()).read_text("utf-8-sig")


def test_settings_are_saved_and_two_who_save_at_once_lose_nothing(desk: Desk, open_page: OpenPage) -> None:
    page = opened(desk, open_page, "/desk/settings")
    other = opened(desk, open_page, "/desk/settings")
    expect(page.locator("#answer")).to_contain_text("is called revenue until a margin is given")
    page.get_by_label("Margin, in percent").fill("62.5")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator("#answer")).to_contain_text("62.5% of the revenue is margin")

    other.get_by_label("Keep events for so many days").fill("400")
    other.get_by_role("button", name="Save", exact=True).first.click()
    expect(other.locator("#notice")).to_contain_text("Somebody else changed this")
    expect(other.get_by_label("Keep events for so many days")).to_have_value("400")


def test_a_site_gets_a_clock_and_hours_of_its_own(desk: Desk, open_page: OpenPage) -> None:
    """Both forms of the page are saved one after the other; a site that says nothing is as the house."""
    page = opened(desk, open_page, "/desk/settings")
    form, rows = page.locator("#sites form"), page.locator("#sites tbody tr")
    expect(rows.filter(has_text="north")).to_contain_text("UTC (as the house)not given (as the house)")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Write which site it is")
    form.get_by_label("Site").fill("pier")
    form.get_by_label("Time zone").select_option("Asia/Tokyo")
    for day in ("Monday", "Tuesday"):
        form.get_by_label(f"{day}: opens at").fill("06:30")
        form.get_by_label(f"{day}: closes at").fill("22:00")
    form.get_by_role("button", name="Save").click()
    pier = rows.filter(has_text="pier")
    expect(pier).to_contain_text("Asia/TokyoMon–Tue 06:30–22:00")
    page.locator("#tenant").get_by_label("Currency").select_option("JPY")
    page.locator("#tenant").get_by_role("button", name="Save").click()
    expect(page.locator("#answer")).to_contain_text("Money is in JPY with 0 decimals")

    page.get_by_role("button", name="Change pier").click()
    expect(form.get_by_label("Time zone")).to_have_value("Asia/Tokyo")
    expect(form.get_by_label("Tuesday: closes at")).to_have_value("22:00")
    form.get_by_label("Time zone").select_option("")
    form.get_by_role("button", name="Save").click()
    expect(pier).to_contain_text("UTC (as the house)Mon–Tue")
    settings = desk.world.half.service.stores.tenants.get("grill")
    hours = {"mon": ("06:30", "22:00"), "tue": ("06:30", "22:00")}
    assert (settings.currency, settings.sites) == ("JPY", {"pier": SiteSettings("", hours)})
    desk.world.half.service.stores.tenants.save("grill", TenantSettings())


def test_a_viewer_reads_and_changes_nothing(desk: Desk, open_page: OpenPage) -> None:
    page = opened(desk, open_page, "/desk/settings", "viewer")
    expect(page.get_by_label("Currency")).to_be_disabled()
    expect(page.locator("#sites")).to_contain_text("north")
    expect(page.locator("#sites button, #sites form")).to_have_count(0)
    page.goto(f"{desk.address}/desk/suggestions")
    page.wait_for_selector("body[data-ready]")
    expect(page.get_by_role("button", name="Use version 0001")).to_have_count(0)


@pytest.mark.parametrize("looks", ["light", "dark"])
def test_each_page_is_readable_and_fits(desk: Desk, open_page: OpenPage, looks: str) -> None:
    """axe-core finds nothing serious; nothing is wider than a phone; no label of a chart is cut off."""
    page = opened(desk, open_page, "/desk", "marketer", "operator", "privacy_officer")
    page.emulate_media(color_scheme=looks)  # type: ignore[arg-type]  # one of two literals
    found: dict[str, list[str]] = {}
    for one in PAGES:
        page.set_viewport_size(WIDE if looks == "light" else PHONE)
        page.goto(f"{desk.address}{one.path}")
        page.wait_for_selector("body[data-ready]")
        for details in page.locator("details").all():
            details.evaluate("(one) => { one.open = true; }")
        complaints = axe_complaints(page) + page.evaluate(CUT_OFF)
        page.set_viewport_size(PHONE)
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            complaints.append("wider than a phone")
        found |= {one.name: complaints} if complaints else {}
    assert found == {}


CUT_OFF = """() => [...document.querySelectorAll(".plot svg")].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  const outside = (box) => box.left < frame.left - 1 || box.right > frame.right + 1
    || box.bottom > frame.bottom + 2 || box.top < frame.top - 2;
  return [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()])
    .filter(([, box]) => box.width && outside(box)).map(([text]) => `cut off: ${text}`);
})"""


@pytest.mark.parametrize(("language", "words"), [("de", "Besuche in diesem Zeitraum"), ("ja", "この期間の来店は")])
def test_each_language(desk: Desk, open_page: OpenPage, language: str, words: str) -> None:
    page = opened(desk, open_page, "/desk")
    page.locator("#language").select_option(language)
    expect(page.locator("#answer")).to_contain_text(words)
    assert page.evaluate("document.documentElement.lang") == language
