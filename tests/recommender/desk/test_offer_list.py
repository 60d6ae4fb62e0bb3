"""The desk's list of offers, their life, their reach, and the words for what they earn."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from plumbing.clock import DAY, MINUTE
from recommender.desk import reports
from recommender.desk.reach import Visits, estimate, rounded
from recommender.offers.answers import Saying, earnings, said
from recommender.offers.learning.lifts import lifts_of
from recommender.offers.learning.log import read_closed
from recommender.offers.report import figures_of
from recommender.offers.settings import OfferSettings
from recommender.store.tenant_settings import TenantSettings
from tests.recommender.offers.world import SALT, cafe, offer
from tests.recommender.service_fixtures import OFFER, World

HOUSE = OfferSettings(SALT, holdout_share=0.2)


def portfolio(world: World, language: str = "en") -> Any:
    headers = {"X-API-Key": world.keys["desk"], "Accept-Language": language}
    return world.client.get("/recommender/v1/desk/portfolio", headers=headers).json


def put(world: World, name: str, tag: str | None = None, **fields: Any) -> Any:
    headers = {"X-API-Key": world.keys["desk"]} | ({"If-Match": tag} if tag else {})
    body = {"offer_id": name, "name": name.title()} | fields
    return world.client.put(f"/recommender/v1/offers/{name}", headers=headers, json=body)


# --- the list ----------------------------------------------------------------------------------------------


def test_an_offer_that_ended_in_2020_does_not_run(world: World) -> None:
    """The list says so, counts it as ended, and says why in the reader's language."""
    put(world, "old", ends_on="2020-01-31", discount="percent:10")
    rows = {row["offer_id"]: row for row in portfolio(world)["rows"]}

    assert (rows["old"]["state"], rows["old"]["why"]) == ("ended", "Its last day was 31 January 2020.")
    assert rows["lunch"]["state"] == "running"
    assert portfolio(world)["answer"].startswith("1 offer is running, 0 wait, 1 ended;")
    german = {row["offer_id"]: row for row in portfolio(world, "de")["rows"]}["old"]
    assert (german["state_name"], german["why"]) == ("Beendet", "Sein letzter Tag war der 31. Januar 2020.")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"sites": ["moon"]}, "sites"),
        ({"items": ["unicorn"]}, "items"),
        ({"categories": ["pizza"]}, "categories"),
        ({"discount": "free_item:unicorn"}, "discount"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(world: World, fields: dict[str, Any], wrong: str) -> None:
    """Nothing is stored. What a stored offer names already may stay, so that it can still be ended."""
    reply = put(world, "new", **fields)

    assert (reply.status_code, [one["field"] for one in reply.json["fields"]]) == (422, [wrong])
    assert "not known" in reply.json["detail"]
    stored = world.half.service.stores.offers
    stored.save_offers("grill", [offer("new", name="New", sites=("moon",))], world.time_us)
    assert put(world, "new", sites=["moon"], status="paused").status_code == 200


def test_two_marketers_who_save_at_once(world: World) -> None:
    """The second one is told so; nothing of the first one's is undone."""
    tag = portfolio(world)["rows"][0]["tag"]
    assert put(world, "lunch", tag, text="one").status_code == 200
    second = put(world, "lunch", tag, text="two")
    assert (second.status_code, second.json["code"]) == (412, "changed_meanwhile")
    assert world.call("GET", "/offers/lunch").json["text"] == "one"


def test_an_offer_is_duplicated_ended_and_restored(world: World) -> None:
    copy = world.call("POST", "/offers/lunch/duplicate", key="desk")
    assert (copy.status_code, copy.json["offer_id"], copy.json["status"]) == (201, "lunch-2", "draft")
    assert world.call("POST", "/offers/lunch/duplicate", key="desk").json["offer_id"] == "lunch-3"
    assert [row["offer_id"] for row in world.call("GET", "/offers").json["rows"]] == ["lunch"]  # a kiosk's
    assert world.call("GET", "/offers/lunch-2").status_code == 404
    assert world.call("DELETE", "/offers/lunch-2", key="desk").status_code == 204
    assert world.call("GET", "/offers/lunch-2", key="desk").status_code == 404
    assert world.call("POST", "/offers/lunch/restore", key="desk").json["code"] == "offer_not_ended"
    world.call("DELETE", "/offers/lunch", key="desk")
    assert world.suggest("offers").json["items"] == []
    assert world.call("POST", "/offers/lunch/restore", key="desk").json["status"] == "active"
    assert world.suggest("offers").json["items"][0]["item_id"] == "lunch"
    for path in ("duplicate", "restore"):
        assert world.call("POST", f"/offers/lunch/{path}").status_code == 403


def test_what_a_redemption_costs_is_estimated_from_the_discount(world: World) -> None:
    assert put(world, "a", discount="amount:150").json["redemption_cost"] == 150
    assert put(world, "b", discount="percent:10", items=["burger"]).json["redemption_cost"] == 95
    assert put(world, "c", discount="free_item:cola").json["redemption_cost"] == 300
    assert put(world, "d", discount="percent:10", redemption_cost=7).json["redemption_cost"] == 7


# --- the money ---------------------------------------------------------------------------------------------


def good(n: int = 1_200) -> list[dict[str, Any]]:
    return [one for one in cafe(n) if one["arm"] != "poor"]


def test_until_margin_is_given_every_figure_is_revenue() -> None:
    """In all sentences and in the name of the training's metric."""
    closed = read_closed(good(), HOUSE)
    known = replace(HOUSE, margin_share=0.5)
    plain, earned = earnings(closed, HOUSE), earnings(read_closed(good(), known), known)

    texts = str([plain["answer"], plain["best"], plain["groups"], plain["lifts"]])
    assert ("revenue" in texts, "margin" in texts) == (True, False)
    assert "more margin per visit" in earned["answer"]
    assert earned["difference"] == pytest.approx(plain["difference"] / 2, rel=0.05)


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
@pytest.mark.parametrize("language", ["en", "de", "ja"])
def test_sentences_are_in_the_tenants_money_and_the_readers_language(
    currency: str, digits: int, language: str
) -> None:
    figures = figures_of(read_closed(good(), HOUSE), HOUSE)
    found = said(figures, Saying(language, currency))
    amount = f"{round(figures['difference']) / 10**digits:,.{digits}f}"
    if language == "de":
        amount = amount.translate(str.maketrans(",.", ".,"))

    assert amount in found["answer"]
    assert found["answer"] != said(figures, Saying("en" if language != "en" else "de", currency))["answer"]


def test_the_margin_of_the_tenant_is_the_one_that_counts(world: World) -> None:
    """Stored settings of the earlier format had a margin of 1 where nobody had given one."""
    offers, tenants = world.half.service.stores.offers, world.half.service.stores.tenants
    world.suggest("offers")
    world.half.service.database.change(
        "UPDATE offer_settings SET body = replace(replace(body, ', \"v\": 2', ''), '\"margin_share\": null',"
        " '\"margin_share\": 1.0')"
    )
    assert offers.settings_as_read("grill").value_is == "revenue"
    tenants.save("grill", TenantSettings(currency="JPY", margin_share=0.4))
    assert offers.settings_as_read("grill").margin_share == 0.4
    assert world.suggest("offers").json["items"][0]["offer"]["currency"] == "JPY"


# --- what each offer earns ---------------------------------------------------------------------------------


def test_each_offer_is_judged_against_showing_none() -> None:
    """`good` earns 300 more than nothing and `poor` 200 less; both intervals hold that."""
    found = {lift.offer_id: lift.verdict for lift in lifts_of(read_closed(cafe(1_800), HOUSE), HOUSE)}
    assert list(found) == ["good", "poor"]
    for name, truth in (("good", 300), ("poor", -200)):
        verdict = found[name]
        assert verdict is not None
        assert verdict.decided
        assert verdict.low < truth < verdict.high


def test_an_offer_without_an_effect_is_seldom_called_one() -> None:
    """Of 200 offers in 100 worlds without any effect, at most 5 % of the worlds name one."""
    alarms = 0
    for seed in range(100):
        rows = [one | {"spent": 500 + hash((seed, k)) % 200} for k, one in enumerate(cafe(450, seed, gain=0))]
        alarms += any(lift.verdict and lift.verdict.decided for lift in lifts_of(read_closed(rows, HOUSE), HOUSE))
    assert alarms <= 5


def test_one_place_names_the_best_single_offer() -> None:
    """And of fewer than ten customers nothing is said."""
    found = earnings(read_closed(cafe(1_800), HOUSE), HOUSE, saying=Saying(names={"good": "Cake hour"}))
    assert found["best"]["offer_id"] == "good"
    assert "Cake hour" in found["best"]["answer"]
    others = [found[name]["answer"] for name in ("best_single", "what_if", "whom", "exploring")]
    assert not any("Cake hour" in answer for answer in [*others, found["answer"]])
    few = [one for one in cafe(600) if one["arm"] != "poor" or one["pseudonym"] in ("p1", "p2", "p3")]
    (poor,) = [row for row in earnings(read_closed(few, HOUSE), HOUSE)["lifts"] if row["offer_id"] == "poor"]
    assert (poor["shown"], poor["difference"]) == (None, None)


# --- reach -------------------------------------------------------------------------------------------------


def visits(n: int = 1_000) -> Visits:
    """Orders around the clock on all days at two sites, by a hundred customers and guests, from 1.00 to 10.00."""
    k = np.arange(n)
    sites = np.where(k % 2 == 0, "north", "south")
    return Visits(4 * n, np.where(k % 3 == 0, -1, k % 100), k % 24, (k // 24) % 7, sites, 100 + k % 10 * 100)


def test_the_reach_counts_visits_when_and_where_it_runs() -> None:
    every, narrow = (
        offer("a"),
        offer("b", from_hour=12, to_hour=14, sites=("north",), weekdays=(0, 1), min_spend=500),
    )
    all_of_it = estimate(visits(), (0, 0), every, HOUSE)
    assert (all_of_it["visits"], all_of_it["customers"]) == (4_000, 100)
    assert "is not known: too few offers" in all_of_it["answer"]
    assert estimate(visits(), (0, 0), narrow, HOUSE)["visits"] is None  # fewer than ten customers
    low, high = estimate(visits(), (1_000, 100), every, HOUSE)["redemptions"]
    assert 0 < low < high < 4_000
    limited = estimate(visits(), (1_000, 100), replace(every, budget_count=20), HOUSE)["redemptions"]
    assert limited[1] == 20
    assert [rounded(n) for n in (7.4, 34, 1_234, 98_765)] == [7, 34, 1_200, 99_000]


def test_the_reach_is_shown_before_the_offer_is_stored(world: World) -> None:
    """By the fields of a form; a wrong field is named; kiosks learn nothing."""
    world.crowd("burger", n=12)
    query = {"min_spend": "500", "discount": "percent:10", "items": "burger|cola"}
    found = world.call("GET", "/desk/reach", key="desk", query_string=query)
    assert found.json["customers"] == 12 or found.json["customers"] is None
    assert found.json["as_shown"]["en"] == "10 % off, on the dishes of this offer, from €5.00, once per visit"
    assert world.call("GET", "/desk/reach", key="desk", query_string={"sites": "moon"}).status_code == 422
    assert world.call("GET", "/desk/offers/lunch/reach", key="desk").status_code == 200
    assert world.call("GET", "/desk/reach").status_code == 403


# --- beside the requests -----------------------------------------------------------------------------------


def test_a_large_log_is_counted_beside_the_requests(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer says that it is being counted; then there are figures, for other processes too."""
    monkeypatch.setattr(reports, "SMALL", 2)
    for visit in range(5):
        world.suggest("offers", world.token(f"p{visit}"))
    first = world.call("GET", "/desk/offers", key="desk").json
    assert (first["counting"], first["decisions"]) == (True, None)
    until = time.monotonic() + 5
    store = world.half.service.stores.offers
    while store.report("grill") is None and time.monotonic() < until:
        time.sleep(0.01)
    kept = reports.OfferReports(store, world.now_us, lambda tenant: {"n": 1})  # as another process has it
    assert kept.get("grill", None)["figures"]["open_windows"] == 5
    world.time_us += 10 * DAY  # it is counted again beside this request, which gets what is there
    later = world.call("GET", "/desk/offers", key="desk").json
    assert later["open_windows"] == 5
    world.time_us += MINUTE


def test_a_wrong_offer_says_nothing_of_others(world: World) -> None:
    """The kiosk reads neither drafts nor what an offer costs."""
    shown = world.call("GET", "/offers/lunch").json
    assert "redemption_cost" not in shown
    assert shown["name"] == OFFER["name"]
