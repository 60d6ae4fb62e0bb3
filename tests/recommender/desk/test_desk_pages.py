"""The desk's pages as the API gives them: sentences in three languages, comparisons, nothing about few people."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plumbing.access.caller import Caller
from plumbing.clock import DAY, HOUR
from plumbing.words import LANGUAGES
from recommender.desk import overview
from recommender.desk.data import data_of
from recommender.desk.overview import overview_of
from recommender.desk.period import Period, SiteNotYours
from recommender.desk.shares import Share, direction
from recommender.errors import BadRows
from recommender.exchange.files import import_file
from recommender.store.figures import Cell, DaySums
from recommender.store.tenant_settings import TenantSettings
from tests.recommender.desk.desk_data import TODAY, fill
from tests.recommender.service_fixtures import NOON, World


def caller(*sites: str) -> Caller:
    return Caller("grill", "", "", "", frozenset({"view"}), user="u1", sites=frozenset(sites))


def period(who: Caller, first: str = "", last: str = "", site: str = "", daypart: str = "") -> Period:
    return Period.of(who, TODAY.isoformat(), first, last, site, daypart)


def get(world: World, page: str, language: str = "en", **query: str) -> Any:
    headers = {"X-API-Key": world.keys["desk"], "Accept-Language": language}
    return world.client.get(f"/recommender/v1/desk/{page}", query_string=query, headers=headers).json


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_answers_in_a_sentence_also_when_there_is_nothing(still: World, language: str) -> None:
    for page in ("overview", "suggestions", "data"):
        found = get(still, page, language)
        assert found["answer"].endswith((".", "。")), found
        assert "{" not in found["answer"]


def test_the_overview_compares_with_the_same_weekdays_before(world: World) -> None:
    fill(world.half.service.stores.figures)
    found = get(world, "overview", **{"from": "2026-11-16", "to": "2026-11-22"})
    assert found["totals"]["visits"] == found["before"]["visits"] > 1000
    assert found["totals"]["recognised"]["value"] == pytest.approx(1 / 3, abs=0.01)
    assert "about as many as on the same weekdays before" in found["answer"]
    assert len(found["days"]) == 7
    assert found["value_is"] == "revenue"
    longer = get(world, "overview", **{"from": "2026-10-27", "to": "2026-11-23"})
    assert len(longer["days"]) == 28


def test_before_means_the_same_weekdays() -> None:
    for days in (1, 3, 7, 10, 28):
        own = period(caller(), (TODAY - timedelta(days=days - 1)).isoformat(), TODAY.isoformat())
        assert own.before.first.weekday() == own.first.weekday()
        assert own.before.days == own.days
        assert own.before.last < own.first


def test_few_people_are_hidden(world: World) -> None:
    """Nine orders, or nine customers, give no figure but that there were few."""
    store = world.half.service.stores.figures
    cell = Cell("2026-11-20", "north", "lunch", "orders", True, "")
    store.add("grill", {cell: {"visits": 9, "shown": 9}})
    store.replace(
        "grill", "2026-11-20", DaySums({cell: {"taken_any": 4, "orders": 9, "value": 9000}}, {("", ""): 9})
    )
    found = get(world, "overview")
    assert found["totals"] | {"hidden": True} == found["totals"]
    for name in ("visits", "orders", "recognised", "taken_any", "value", "value_per_order"):
        assert found["totals"][name] is None
    day = next(row for row in found["days"] if row["day"] == "2026-11-20")
    assert [day[name] for name in ("visits", "recognised", "people", "taken_any", "value")] == [None] * 5
    assert "9000" not in json.dumps(found)

    store.add("grill", {cell: {"visits": 40, "shown": 40}})
    totals = get(world, "overview")["totals"]
    assert totals["hidden"]  # nine customers, however often they came
    assert [totals[name] for name in ("visits", "recognised", "taken_any")] == [None] * 3
    live = get(world, "suggestions")["scenes"][0]["live"]
    assert [live[name] for name in ("shown", "any", "first")] == [None] * 3
    for group in ("by_day", "by_daypart", "by_site", "by_version"):
        assert [(row["any"], row["first"]) for row in live[group]] == [(None, None)]
    store.add("grill", {replace(cell, recognised=False): {"visits": 40, "shown": 40}})
    assert get(world, "overview")["totals"]["visits"] == 89  # forty guests besides
    assert get(world, "overview")["totals"]["recognised"] is None


def test_a_row_of_few_people_is_hidden_though_many_came_elsewhere(world: World) -> None:
    """By site, by part of the day and by version: the people of the row count, not those of the day."""
    store, day = world.half.service.stores.figures, "2026-11-20"
    few = Cell(day, "south", "dinner", "orders", True, "0002-bbbb")
    many = Cell(day, "north", "lunch", "orders", True, "0001-aaaa")
    store.add("grill", {few: {"visits": 40, "shown": 40}, many: {"visits": 40, "shown": 40}})
    sums = {
        few: {"taken_any": 12, "orders": 30, "value": 9},
        many: {"taken_any": 12, "orders": 40, "value": 9},
    }
    people = {("", ""): 45, ("north", ""): 40, ("south", ""): 5, ("", "lunch"): 40, ("", "dinner"): 5}
    store.replace("grill", day, DaySums(sums, people | {("north", "lunch"): 40, ("south", "dinner"): 5}))
    live = get(world, "suggestions")["scenes"][0]["live"]
    assert live["any"]["of"] == 80
    for group, hidden in (("by_site", "south"), ("by_daypart", "dinner"), ("by_version", "0002-bbbb")):
        rows = {row[group.removeprefix("by_")]: row["any"] for row in live[group]}
        assert [name for name, share in rows.items() if share is None] == [hidden]
    assert get(world, "overview", site="south")["totals"]["value"] is None
    assert get(world, "overview", site="north")["totals"]["value"] == 9


def test_a_person_of_one_site_sees_no_other(world: World) -> None:
    """All pages, and what needs attention; asking for another site is refused."""
    tools = world.half.desk
    fill(world.half.service.stores.figures)
    one, both = caller("north"), caller()
    mine = overview_of(tools, one, period(one), "en")
    all_of = overview_of(tools, both, period(both), "en")
    assert mine["totals"]["visits"] * 2 == all_of["totals"]["visits"]
    assert mine["sites"] == ["north"]
    assert (
        "all sites together" in mine["holdout"]["text"]
    )  # no total of the tenant: the other site follows from it
    assert data_of(tools, one, period(one), "en")["history"] == {}
    assert "south" not in json.dumps(mine) + json.dumps(data_of(tools, one, period(one), "en"))
    with pytest.raises(SiteNotYours):
        period(one, site="south")


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": "yesterday"},
        {"from": "2026-11-31"},
        {"from": "2026-11-20", "to": "2026-11-19"},
        {"from": "1990-01-01"},
        {"to": "0001-01-02"},
        {"from": "0001-01-02", "to": "0001-01-05"},
        {"daypart": "tea"},
    ],
)
def test_a_period_that_cannot_be(still: World, wrong: dict[str, str]) -> None:
    assert get(still, "overview", **wrong)["code"] == "wrong_period"


def test_a_share_rises_only_by_more_than_chance() -> None:
    assert direction(Share(60, 100), Share(50, 100)) == 0
    assert direction(Share(600, 1000), Share(500, 1000)) == 1
    assert direction(Share(5000, 10_000), Share(5300, 10_000)) == -1
    assert direction(Share(505_000, 1_000_000), Share(500_000, 1_000_000)) == 0  # less than one in a hundred
    assert direction(Share(0, 0), Share(1, 2)) == 0
    low, high = Share(0, 10).interval or (None, None)
    assert low == 0
    assert high == pytest.approx(0.278, abs=0.001)


def test_suggestions_by_daypart_site_and_version(world: World) -> None:
    fill(world.half.service.stores.figures)
    scene = get(world, "suggestions")["scenes"][0]
    live = scene["live"]
    assert {row["daypart"] for row in live["by_daypart"]} == {"lunch", "dinner"}
    assert {row["site"] for row in live["by_site"]} == {"north", "south"}
    assert live["any"]["value"] == pytest.approx(0.4, abs=0.02)
    assert live["by_version"][0]["version"] == "0001-aaaa"
    assert scene["version"] is None
    assert "Nothing has been learned about orders" in scene["sentence"]


def test_by_how_well_a_customer_is_known(world: World) -> None:
    """Groups of at least ten people; smaller ones are left out."""
    for number in range(11):
        who = world.token(f"customer-{number}")
        for visit in range(2 if number < 5 else 1):
            seen = world.suggest(token=who).json
            item = seen["items"][0]["item_id"]
            world.order(
                item, token=who, event_id=f"e{number}-{visit}", recommendation_id=seen["recommendation_id"]
            )
    rows = get(world, "suggestions")["scenes"][0]["by_history"]
    assert [row["orders"] for row in rows] == ["1"]
    assert rows[0]["first"]["value"] == 1.0
    assert rows[0]["first"]["of"] == 11


def test_the_data_page_says_what_to_do_next(world: World) -> None:
    """How many more orders; what the menu lacks; each site's latest order and the days that it missed."""
    for number in range(12):
        for visit in range(3):
            who = world.token(f"customer-{number}")
            world.order("cola", token=who, event_id=f"e{number}-{visit}", site="north")
    found = get(world, "data")
    assert any("264 more orders from customers with at least 3 visits" in step for step in found["next_steps"])
    assert any("For 4 dishes no allergens are given" in step for step in found["next_steps"])
    assert found["history"]["orders"]["rows"][2] == {"orders": "3-5", "customers": 12}
    assert found["freshness"] == [{"site": "north", "latest": "2026-11-23T12:00:00.000Z", "hours": 0.0}]
    assert "less than an hour old" in found["answer"]


def test_a_day_without_orders_is_named(world: World) -> None:
    store = world.half.service.stores.figures
    fill(store)
    store.replace(
        "grill", "2026-11-18", DaySums({Cell("2026-11-18", "north", "lunch", "orders", False, ""): {"orders": 30}})
    )
    assert get(world, "data")["gaps"] == [{"site": "south", "day": "2026-11-18"}]


def test_a_weekday_that_drifts_is_named(world: World) -> None:
    store = world.half.service.stores.figures
    fill(store, per_day=40)
    for back in range(0, 28, 7):
        day = (TODAY - timedelta(days=back)).isoformat()
        store.replace("grill", day, DaySums({Cell(day, "north", "lunch", "orders", False, ""): {"orders": 700}}))
    (sentence,) = [text for text in get(world, "data")["drift"] if text.startswith("Mondays")]
    assert "% of the orders now" in sentence


def test_an_import_leaves_its_wrong_rows_without_personal_data(world: World, tmp_path: Path) -> None:
    """Row, field, value, sentence; a name or a pseudonym in a wrong column is shown by its shape."""
    path = tmp_path / "orders.csv"
    rows = [
        "event_id,type,occurred_at,item_id,customer,quantity",
        "e1,ordered,2026-11-20T12:00:00Z,cola,ann,1",
        "e2,ordered,2026-11-20T12:00:00Z,Anna Schmidt,ann,1",
        "e3,ordered,2026-11-20T12:00:00Z,burgr,ann,1",
        "e4,ordered,2026-11-20T12:00:00Z,cola,ann,Pseudonym-0123456789",
        "e5,orderd,2026-11-20T12:00:00Z,cola,ann,1",
        "e6,ordered,yesterday,cola,ann,1",
        f"e7,ordered,2026-11-20T12:00:00Z,cola,{'x' * 200},1",
    ]
    path.write_text("\n".join(rows))
    service = world.half.service
    with pytest.raises(BadRows):
        import_file(service, service.stores, "events", path, "grill", NOON)
    entry = get(world, "data")["imports"][0]
    assert (entry["state"], entry["file"], entry["stored"]) == ("refused", "orders.csv", 0)
    page = world.call("GET", f"/desk/imports/{entry['import_id']}", key="desk").json
    found = {row["row"]: row for row in page["rows"]}
    assert entry["wrong"] == len(page["rows"])
    text = json.dumps(page)
    assert not [word for word in ("Anna", "Schmidt", "Pseudonym", "xxxx") if word in text]
    assert found[6]["value"] == "orderd"
    assert len(found) == 6
    good = tmp_path / "good.csv"
    good.write_text("\n".join(rows[:2]))
    assert import_file(service, service.stores, "events", good, "grill", NOON + 10**6) == 1
    assert get(world, "data")["imports"][0]["state"] == "stored"
    assert get(world, "overview")["totals"]["orders"] is None  # one order: too few to show


def test_money_is_margin_once_it_is_given(world: World) -> None:
    fill(world.half.service.stores.figures)
    world.half.service.stores.tenants.save("grill", TenantSettings(currency="JPY", margin_share=0.4))
    found = get(world, "overview")
    assert (found["currency"], found["value_is"]) == ("JPY", "margin")


def test_what_needs_attention(world: World) -> None:
    """A site that went silent, a training that failed, an import that was refused; each with a page to go to."""
    world.order("cola", event_id="a", site="north")
    world.time_us += 3 * DAY
    run = world.half.trainer.models.begin("grill", "orders", world.time_us)
    world.half.trainer.models.end("grill", run, "failed", "no memory", world.time_us)
    found = get(world, "overview")
    texts = {item["name"].split(" ")[0]: item for item in found["attention"]}
    assert "3 days" in texts["no"]["text"]
    assert texts["training"]["href"] == "/desk/trainings"
    assert "2 things need your attention" in found["answer"]
    world.time_us += HOUR
    world.order("cola", event_id="b", site="north")
    assert [item["name"].split(" ")[0] for item in get(world, "overview")["attention"]] == ["training"]


def test_a_dry_run_is_no_training(world: World) -> None:
    """What it would have done needs nobody's attention; a refused training does, and no reason is guessed."""
    models, at = world.half.trainer.models, world.time_us
    models.end("grill", models.begin("grill", "orders", at, kind="dry run"), "refused", "too few orders", at)
    assert not [one for one in get(world, "overview")["attention"] if one["name"].startswith("training")]
    models.end("grill", models.begin("grill", "orders", at + 1), "refused", "too few orders", at + 1)
    models.end("grill", models.begin("grill", "orders", at + 2, kind="dry run"), "tried", "", at + 2)
    (said,) = [one["text"] for one in get(world, "overview")["attention"] if one["name"].startswith("training")]
    assert "not published" in said
    assert "better" not in said


@pytest.mark.parametrize(
    ("share", "counted"),
    [
        ({"value": 1 / 17, "of": 17}, (1, 17)),
        ({"value": 0.25, "of": 400}, (25, 100)),
        ({"value": None, "of": 0}, (-1, 0)),
        (None, (-1, 0)),
    ],
)
def test_few_are_counted_and_not_made_a_hundred(share: Any, counted: tuple[int, int]) -> None:
    assert overview._counted(share, nothing=-1) == counted


def test_old_events_go_and_their_figures_stay(world: World) -> None:
    """By the tenant's retention; without one nothing goes."""
    world.earlier("2026-09-01T12:00:00Z", "ann", "cola", event_id="old")
    world.order("cola", token=world.token(), event_id="new")
    world.half.service.figures.refresh()
    rounds = world.half.rounds()
    assert rounds.tidy("grill") == 0
    world.half.service.stores.tenants.save("grill", TenantSettings(retention_days=30))
    assert rounds.tidy("grill") == 2, "the order, and the purchase that offers go by"
    assert world.count("events") == world.count("lines") == 1
    assert {
        row["day"]: row["orders"] for row in world.half.service.database.rows("SELECT * FROM daily_figures")
    } == {
        "2026-09-01": 1,
        "2026-11-23": 1,
    }


def test_old_decisions_and_purchases_go_and_the_totals_of_offers_stay(world: World) -> None:
    """What is still counted or can be redeemed stays; how often an offer was shown, and what it cost, stays."""
    stores = world.half.service.stores
    token = world.token()
    shown = world.suggest("offers", token).json
    offer_id = shown["items"][0]["item_id"]
    world.order("burger", token=token, event_id="o")
    event = {"event_id": "r", "type": "redeemed", "occurred_at": world.moment(), "item_id": offer_id}
    event |= {"recommendation_id": shown["recommendation_id"]}
    reply = world.call("POST", "/events", token=token, json={"events": [event]})
    assert reply.status_code == 201, reply.json
    totals = (stores.offers.times_shown, stores.offers.all_usage, stores.offers.shares_redeemed)
    before: list[object] = [total("grill") for total in totals]
    assert before[0] == {offer_id: 1}
    stores.tenants.save("grill", TenantSettings(retention_days=30))
    rounds, tables = world.half.rounds(), ("offer_decisions", "offer_outcomes", "offer_purchases")

    rounds.tidy("grill")
    kept = [world.count(table) for table in tables]
    world.time_us += 90 * 24 * HOUR
    stores.offers.release_expired("grill", world.time_us)
    rounds.tidy("grill")

    assert kept == [1, 1, 1]
    assert [world.count(table) for table in tables] == [0, 0, 0]
    assert [total("grill") for total in totals] == before
    fresh = world.suggest("offers", world.token()).json
    assert stores.offers.times_shown("grill")[fresh["items"][0]["item_id"]] == 2
