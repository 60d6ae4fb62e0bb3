"""An offer runs only when some visit could see it now; its terms are said in three languages and in its money."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recommender.offers.discount import Discount, Line, estimated_cost, parse_discount, reduction
from recommender.offers.eligibility import Usage
from recommender.offers.errors import InvalidOffer, OfferNotEnded
from recommender.offers.portfolio import Known, as_row, from_json, parse_offer, to_json
from recommender.offers.states import Surroundings, state_of
from recommender.offers.wording import money, terms
from recommender.store.tenant_settings import TenantSettings
from tests.recommender.offers.world import NOON, NOW_US, TENANT, close_stores, no_holdout, offer, open_store

AROUND = Surroundings(NOON, {"mitte", "nord"}, {"latte", "bagel"}, {"coffee", "bakery"})


@pytest.mark.parametrize(
    ("fields", "state", "why"),
    [
        ({}, "running", "running"),
        ({"status": "draft"}, "draft", "draft"),
        ({"status": "ended"}, "ended", "ended"),
        ({"status": "paused"}, "paused", "paused"),
        ({"ends_on": "2020-01-31"}, "ended", "over"),
        ({"ends_on": "2020-01-31", "sites": ("moon",)}, "ended", "over"),
        ({"ends_on": "2020-01-31", "status": "paused"}, "ended", "over"),
        ({"sites": ("moon",)}, "paused", "no-site"),
        ({"sites": ("moon", "nord")}, "running", "running"),
        ({"items": ("cake",)}, "paused", "no-dish"),
        ({"categories": ("pizza",)}, "paused", "no-dish"),
        ({"categories": ("coffee",)}, "running", "running"),
        ({"starts_on": "2026-12-24"}, "scheduled", "scheduled"),
        ({"weekdays": (1,)}, "scheduled", "scheduled"),
        ({"from_hour": 18, "to_hour": 2}, "scheduled", "scheduled"),
        ({"from_hour": 8, "to_hour": 11, "ends_on": "2026-11-23"}, "ended", "never"),
        ({"weekdays": (6,), "ends_on": "2026-11-27"}, "ended", "never"),
        ({"budget_count": 5}, "ended", "used-up"),
        ({"budget_count": 6}, "paused", "reserved"),
        ({"budget_money": 950, "redemption_cost": 100}, "ended", "used-up"),
    ],
)
def test_the_state_is_what_a_visit_would_see(fields: dict[str, Any], state: str, why: str) -> None:
    """Monday noon; five redemptions for 900 are booked, one more is reserved."""
    found = state_of(offer("a", **fields), AROUND, Usage(5, 1, 900, 0))

    assert (found.name, found.why.id) == (state, f"offer-why-{why}")


def test_a_scheduled_offer_says_when() -> None:
    """The next hour at which it is shown, also after midnight and on its first day."""
    starts: list[tuple[dict[str, Any], str, str]] = [
        ({"weekdays": (1,), "from_hour": 14, "to_hour": 16}, "2026-11-24", "14:00"),
        ({"starts_on": "2026-12-24", "from_hour": 9}, "2026-12-24", "09:00"),
        ({"from_hour": 22, "to_hour": 4}, "2026-11-23", "22:00"),
    ]
    for fields, day, time in starts:
        assert state_of(offer("a", **fields), AROUND).why.values == {"day": day, "time": time}
    night = Surroundings(NOON + timedelta(hours=13))
    assert state_of(offer("a", from_hour=22, to_hour=4, ends_on="2026-11-23"), night).name == "running"


def test_what_does_not_exist_is_warned_of_by_name() -> None:
    found = state_of(offer("a", sites=("moon", "nord"), items=("cake", "latte"), kind="discount"), AROUND)

    assert [one.values.get("names") for one in found.warnings] == ["moon", "cake", None]
    assert found.warnings[-1].id == "offer-warns-no-discount"


@pytest.mark.parametrize(
    ("currency", "words"),
    [
        ("EUR", "€2.50 off, from €12.00"),
        ("JPY", "JP¥250 off, from JP¥1,200"),
        ("KWD", "KWD0.250 off, from KWD1.200"),
    ],
)
def test_the_terms_are_in_the_tenants_money(currency: str, words: str) -> None:
    """Two decimals, none, three: minor units are those of the currency."""
    said = terms(offer("a", discount=Discount("amount", 250), min_spend=1200), currency, {})

    assert said["en"].replace("\xa0", "") == f"{words}, once per visit"
    assert set(said) == {"en", "de", "ja"}


def test_terms_that_somebody_wrote_are_shown_as_they_are() -> None:
    written = offer("a", discount=Discount("free_item", item="latte"), terms="Ask at the counter.")
    assert set(terms(written, "EUR", {}).values()) == {"Ask at the counter."}
    assert terms(offer("a", discount=written.discount), "EUR", {"latte": "Latte"})["en"].startswith(
        "Latte for free"
    )
    assert money(-1234, "EUR", "en") == "−€12.34"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"kind": "percent", "value": 10}, Discount("percent", 10)),
        ("percent:10", Discount("percent", 10)),
        ("amount:250", Discount("amount", 250)),
        ("free_item:dish-05", Discount("free_item", item="dish-05")),
        ({"kind": "free_item", "item": "x"}, Discount("free_item", item="x")),
        ("", None),
        (None, None),
    ],
)
def test_a_discount_is_data(given: object, meant: Discount | None) -> None:
    assert parse_discount(given) == meant
    if meant:
        assert parse_discount(meant.as_text()) == meant


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "percent", "value": 0},
        {"kind": "percent", "value": 101},
        {"kind": "percent"},
        {"kind": "percent", "value": 10.5},
        {"kind": "percent", "value": True},
        {"kind": "amount", "value": -1},
        {"kind": "amount", "value": "1e3"},
        {"kind": "free_item"},
        {"kind": "free_item", "item": "unicorn"},
        {"kind": "lottery", "value": 1},
        {"kind": "percent", "value": 1, "colour": "red"},
        "ten",
        7,
    ],
)
def test_a_wrong_discount_is_named(wrong: object) -> None:
    with pytest.raises(InvalidOffer) as refused:
        parse_offer({"offer_id": "a", "name": "A", "discount": wrong}, known=Known(items={"latte"}))
    assert [name for name, _ in refused.value.fields] == ["discount"]


def test_a_till_takes_off_what_the_discount_says() -> None:
    """Of the lines it is about, never more than they cost; half a unit goes to the customer."""
    lines = [Line("latte", 2, 395), Line("bagel", 1, 450)]
    assert reduction(Discount("percent", 10), lines, {}) == 124
    assert reduction(Discount("percent", 15), lines[:1], {}) == 119
    assert reduction(Discount("amount", 9_999), lines, {}) == 1240
    assert reduction(Discount("free_item", item="bagel"), lines, {"bagel": 450}) == 450
    assert estimated_cost(Discount("percent", 10), 2_000, {"latte": 390}, ["latte"]) == 200


def test_terms_of_a_language_come_before_those_of_all() -> None:
    """Also in a language that the product does not speak."""
    written = offer(
        "a", terms="Ask at the counter.", terms_in={"de": "Fragen Sie an der Kasse.", "fr": "Au comptoir."}
    )
    assert terms(written, "EUR", {}) == {
        "en": "Ask at the counter.",
        "de": "Fragen Sie an der Kasse.",
        "ja": "Ask at the counter.",
        "fr": "Au comptoir.",
    }


def test_names_are_by_language_in_its_usual_spelling() -> None:
    read = parse_offer({"offer_id": "a", "name": "A", "names": {"DE-at": " Ah ", "ja": "", "en": "Ay"}})
    assert read.names == {"de-AT": "Ah", "en": "Ay"}


@pytest.mark.parametrize("wrong", ["Ah", {"german!": "Ah"}, {"de": 1}, {"de": "A", "DE": "B"}, {"de": "x" * 501}])
def test_names_that_are_in_no_language_are_refused(wrong: object) -> None:
    for field in ("names", "terms_in"):
        with pytest.raises(InvalidOffer, match=field):
            parse_offer({"offer_id": "a", "name": "A", field: wrong})


def test_an_offer_of_the_version_before_has_no_names_by_language() -> None:
    stored = json.loads(to_json(offer("a", terms="x")))
    del stored["names"], stored["terms_in"]
    assert from_json(json.dumps(stored | {"v": 2})) == offer("a", terms="x")


def test_a_file_carries_the_discount_there_and_back() -> None:
    one = offer("a", discount=Discount("percent", 10), categories=("coffee",), once_per_visit=False, terms="x")
    row = as_row(one)
    assert row["discount"] == "percent:10"
    assert parse_offer(row) == one
    assert from_json(to_json(one)) == one


def test_an_ended_offer_comes_back_as_it_was_and_only_drafts_go(tmp_path: Path) -> None:
    store = open_store(tmp_path / "r.db")
    store.save_settings(TENANT, no_holdout())
    for before in ("active", "paused"):
        store.save_offers(TENANT, [offer(before, status=before), offer(before, status="ended")], NOW_US)
        assert store.as_before_end(TENANT, before).status == before
    store.save_offers(TENANT, [offer("run")], NOW_US)
    with pytest.raises(OfferNotEnded):
        store.as_before_end(TENANT, "run")
    store.save_offers(TENANT, [offer("idea", status="draft")], NOW_US)
    assert (store.remove_draft(TENANT, "run"), store.remove_draft(TENANT, "idea")) == (False, True)
    assert [one.offer_id for one in store.offers(TENANT)] == ["active", "paused", "run"]
    assert [one.offer_id for one in store.running(TENANT, 99)] == ["run"]


def test_local_time_is_the_tenants() -> None:
    assert TenantSettings(timezone="Asia/Tokyo").zone.utcoffset(datetime(2026, 1, 1)) == timedelta(hours=9)


__all__ = ["close_stores"]
