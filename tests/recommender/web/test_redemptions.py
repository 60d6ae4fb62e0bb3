"""A till redeems an offer: what is refused has its own code, and the order is always taken."""

from __future__ import annotations

from typing import Any

import pytest

from plumbing.clock import DAY, HOUR
from recommender.store.offer_redemptions import REMEMBERED_US, Refused
from tests.recommender.service_fixtures import OFFER, World

MEAL = {
    "offer_id": "meal",
    "name": "Meal deal",
    "discount": {"kind": "percent", "value": 10},
    "min_spend": 1200,
    "ends_on": "2026-12-31",
    "names": {"de": "Menü"},
}


@pytest.fixture
def till(world: World) -> World:
    """One offer of 10 % from 12.00 at a kiosk in the north."""
    write(world, MEAL)
    world.call("DELETE", "/offers/lunch", key="desk")
    return world


def write(world: World, offer: dict[str, Any], **changes: Any) -> Any:
    reply = world.call("PUT", f"/offers/{offer['offer_id']}", key="desk", json=offer | changes)
    assert reply.status_code == 200, reply.json
    return reply.json


def ordered(world: World, cents: int, event_id: str = "o1", item: str = "burger") -> dict[str, Any]:
    line = {"item_id": item, "quantity": 1, "price": cents}
    return {"event_id": event_id, "type": "ordered", "occurred_at": world.moment(), "items": [line]}


def redeemed(world: World, shown: Any, event_id: str = "r1", **more: Any) -> dict[str, Any]:
    event = {"event_id": event_id, "type": "redeemed", "occurred_at": world.moment(), "item_id": "meal"}
    return event | {"recommendation_id": shown["recommendation_id"]} | more


def send(world: World, *events: dict[str, Any], token: str | None = None) -> Any:
    return world.call("POST", "/events", token=token, json={"events": list(events)})


def test_a_suggestion_says_what_a_till_applies(till: World) -> None:
    """Discount, minimum and terms in three languages; nothing of budgets."""
    (item,) = till.suggest("offers").json["items"]

    assert item["offer"]["discount"] == {"kind": "percent", "value": 10, "item": ""}
    assert (item["offer"]["min_spend"], item["offer"]["currency"]) == (1200, "EUR")
    assert item["offer"]["terms"] == {
        "en": "10 % off, from €12.00, once per visit, until 31 December 2026",
        "de": "10 % Rabatt, ab 12,00\xa0€, einmal pro Besuch, bis 31. Dezember 2026",
        "ja": "10%引き、€12.00以上のご注文で、1回のご来店につき1回、2026年12月31日まで",
    }
    assert item["offer"]["names"] == {"de": "Menü"}
    assert "budget" not in str(item)


@pytest.mark.parametrize("known", [True, False], ids=["customer", "guest"])
@pytest.mark.parametrize("apart", [True, False], ids=["one by one", "one batch"])
def test_below_the_minimum_the_order_is_taken_and_the_redemption_refused(
    till: World, known: bool, apart: bool
) -> None:
    token = till.token() if known else None
    shown = till.suggest("offers", token).json
    order, redemption = ordered(till, 390), redeemed(till, shown)

    if apart:
        assert send(till, order, token=token).status_code == 201
        reply = send(till, redemption | {"order_id": "o1"}, token=token)
        assert (reply.status_code, reply.json["code"]) == (422, "below_minimum_spend")
        assert (reply.json["missing"], reply.json["min_spend"], reply.json["total"]) == (810, 1200, 390)
    else:
        reply = send(till, order, redemption, token=token)
        assert (reply.status_code, reply.json["accepted"]) == (201, 1)
        refused = reply.json["refused"]
        assert [(one["index"], one["code"], one["missing"]) for one in refused] == [
            (1, "below_minimum_spend", 810)
        ]

    assert till.half.service.events.counts("grill") == {"ordered": 1}
    assert till.count("offer_outcomes") == 0
    bigger = send(till, ordered(till, 1200, "o2"), redeemed(till, shown, order_id="o2"), token=token)
    assert (bigger.json["accepted"], bigger.json["duplicates"]) == (2, 0)
    again = send(till, ordered(till, 1200, "o2"), redeemed(till, shown, order_id="o2"), token=token)
    assert (again.json["accepted"], again.json["duplicates"]) == (0, 2)


def test_an_order_that_nobody_named_is_found(till: World) -> None:
    """An older till sends order and redemption one after the other: the visit's last order counts."""
    shown = till.suggest("offers", till.token()).json
    send(till, ordered(till, 390), token=till.token())

    assert send(till, redeemed(till, shown), token=till.token()).json["code"] == "below_minimum_spend"


def test_without_an_order_a_minimum_cannot_be_checked(till: World) -> None:
    shown = till.suggest("offers").json
    assert send(till, redeemed(till, shown)).json["code"] == "redemption_without_order"
    till.time_us += 2 * HOUR
    yesterday = redeemed(till, till.suggest("offers").json, order_id="o1")
    till.time_us -= 2 * HOUR
    send(till, ordered(till, 5000))
    till.time_us += 2 * HOUR
    assert send(till, yesterday).json["code"] == "redemption_without_order"  # of two hours ago


def test_nothing_is_redeemed_twice(till: World) -> None:
    """Not one showing twice, not one order twice, not twice in a visit; unless the offer allows it."""
    shown, token = till.suggest("offers", till.token()).json, till.token()
    assert send(till, ordered(till, 1500), redeemed(till, shown), token=token).status_code == 201
    assert send(till, redeemed(till, shown, "r2"), token=token).json["code"] == "redeemed_before"
    write(till, MEAL, cap_count=None)
    later = till.suggest("offers", till.token()).json
    other = redeemed(till, later, "r3", order_id="o2")
    reply = send(till, ordered(till, 1500, "o2"), other, token=till.token())
    assert [one["code"] for one in reply.json["refused"]] == ["redeemed_before"]
    write(till, MEAL, once_per_visit=False)
    reply = send(till, other, token=till.token())
    assert reply.status_code == 201, reply.json


def test_a_guests_second_showing_does_not_redeem_one_order_twice(till: World) -> None:
    first, second = till.suggest("offers").json, till.suggest("offers").json
    both = [redeemed(till, first, "r1", order_id="o1"), redeemed(till, second, "r2", order_id="o1")]
    reply = send(till, ordered(till, 1500), *both)

    assert (reply.json["accepted"], [one["code"] for one in reply.json["refused"]]) == (2, ["redeemed_before"])
    assert send(till, both[1] | {"event_id": "r4"}).json["code"] == "redeemed_before"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "ended"}, "offer_ended"),
        ({"ends_on": "2026-11-22"}, "offer_ended"),
        ({"sites": ["south"]}, "offer_of_another_site"),
        ({"items": ["cola"]}, "redemption_of_other_items"),
        ({"categories": ["drinks"]}, "redemption_of_other_items"),
        ({"status": "paused"}, None),
    ],
)
def test_what_the_terms_do_not_allow_has_its_own_code(
    till: World, changes: dict[str, Any], code: str | None
) -> None:
    """Changed after it was shown; a paused one is still redeemed by those who saw it."""
    till.access.create_key("grill", ["suggest"], device="kiosk-9", site="south")
    shown = till.suggest("offers").json
    write(till, MEAL, **changes)

    reply = send(till, ordered(till, 1500), redeemed(till, shown, order_id="o1")).json

    assert reply["accepted"] == (1 if code else 2)
    assert [one["code"] for one in reply.get("refused", [])] == ([code] if code else [])


def test_another_offer_than_the_shown_one_is_refused(till: World) -> None:
    shown = till.suggest("offers").json
    write(till, OFFER)
    wrong = redeemed(till, shown, item_id="lunch", order_id="o1")
    reply = send(till, ordered(till, 1500), wrong).json
    assert [one["code"] for one in reply["refused"]] == ["redemption_of_another_offer"]


def test_a_redemption_of_a_stranger_does_not_cost_the_order(till: World) -> None:
    """Somebody else's decision looks like one that never was, and the order of the same batch is taken."""
    theirs = till.suggest("offers", till.token("bob")).json
    reply = send(till, ordered(till, 1500), redeemed(till, theirs), token=till.token())
    assert (reply.json["accepted"], reply.json["refused"][0]["code"]) == (1, "unknown_decision")


def test_after_its_window_it_is_too_late(till: World) -> None:
    shown = till.suggest("offers", till.token()).json
    till.time_us += 4 * DAY
    reply = send(till, ordered(till, 1500), redeemed(till, shown), token=till.token()).json
    assert [one["code"] for one in reply["refused"]] == ["redemption_too_late"]


@pytest.mark.parametrize("apart", [True, False], ids=["one by one", "one batch"])
def test_refused_redemptions_are_counted_by_cause_and_name_nobody(till: World, apart: bool) -> None:
    """Shown for each offer in three languages; what is taken is not counted."""
    token = till.token()
    shown = till.suggest("offers", token).json
    order, redemption = ordered(till, 390), redeemed(till, shown)
    for event_id in ("r1", "r2"):
        batches = [[order], [redemption | {"event_id": event_id, "order_id": "o1"}]]
        for batch in batches if apart else [[*batches[0], *batches[1]]]:
            send(till, *batch, token=token)
    bigger = [ordered(till, 1200, "o2"), redeemed(till, shown, "r3", order_id="o2")]
    assert send(till, *bigger, token=token).json["accepted"] == 2
    send(till, redeemed(till, shown, "r4", order_id="o2"), token=token)

    assert till.half.service.database.rows("SELECT * FROM offer_refusals ORDER BY cause")[0].keys() == [
        *("tenant", "offer_id", "cause", "number")
    ]
    found = {}
    for language in ("en", "de", "ja"):
        (row,) = [
            row
            for row in till.call("GET", f"/desk/portfolio?language={language}", key="desk").json["rows"]
            if row["offer_id"] == "meal"
        ]
        assert row["refused"] == {"below_minimum_spend": 2, "redeemed_before": 1}
        found[language] = row["refused_text"]
    assert found == {
        "en": "3 redemptions were refused: 2 × below the minimum, 1 × redeemed before.",
        "de": "3 Einlösungen wurden abgelehnt: 2 × unter dem Mindestbetrag, 1 × schon eingelöst.",
        "ja": "ご利用をお断りした件数：3件（最低ご利用金額に不足 2件、利用済み 1件）。",
    }


@pytest.mark.parametrize("apart", [True, False], ids=["one by one", "one batch"])
def test_a_refused_redemption_that_is_sent_again_is_counted_once(till: World, apart: bool) -> None:
    """However often and for whatever cause; another till's of the same name is another one. No name is kept."""
    shown, store = till.suggest("offers").json, till.half.service.stores.offers
    redemption = redeemed(till, shown)
    for _ in range(2):
        for batch in [[redemption]] if apart else [[ordered(till, 390), redemption], [redemption, redemption]]:
            send(till, *batch)
    assert sum(store.refused("grill")["meal"].values()) == 1
    assert "r1" not in str([tuple(row) for row in till.half.service.database.rows("SELECT * FROM offer_refused")])

    till.call("POST", "/events", key="desk", json={"events": [redemption]})
    assert sum(store.refused("grill")["meal"].values()) == 2
    till.time_us += REMEMBERED_US + 1
    store.count_refused("grill", [Refused("1", "meal", "offer_ended")], till.time_us)
    assert till.count("offer_refused") == 1


def test_nothing_is_counted_of_an_offer_that_does_not_exist(till: World) -> None:
    refused = [Refused("1", "meal", "offer_ended"), Refused("2", "ann", "offer_ended")]
    till.half.service.stores.offers.count_refused("grill", refused, till.time_us)

    assert till.count("offer_refused") == 1
    assert till.half.service.stores.offers.refused("grill") == {"meal": {"offer_ended": 1}}


@pytest.mark.parametrize("first", ["order", "void"])
def test_of_an_order_that_was_taken_back_offers_learn_nothing(till: World, first: str) -> None:
    """Purchase, redemption and its budget; whichever comes first, and sent again. A part leaves the redemption."""
    token = till.token()
    shown = till.suggest("offers", token).json
    bought = ordered(till, 1500), redeemed(till, shown, order_id="o1")
    void = {"event_id": "v1", "type": "voided", "occurred_at": till.moment(), "order_id": "o1"}
    events = [(bought, token), ((void,), None)]
    for batch, whose in events if first == "order" else reversed(events):
        assert send(till, *batch, token=whose).status_code == 201
    if first == "void":  # without its order the redemption is refused, or it is taken back with it
        assert till.half.service.events.counts("grill") == {"voided": 1}
    send(till, *bought, token=token)
    store = till.half.service.stores.offers
    assert [till.count(table) for table in ("offer_purchases", "offer_outcomes")] == [0, 0]
    assert store.all_usage("grill")["meal"].spent_count == 0
    assert till.half.service.events.counts("grill") == {"voided": 1}


def test_a_refunded_line_was_not_spent(till: World) -> None:
    token = till.token()
    shown = till.suggest("offers", token).json
    lines = [{"item_id": "burger", "price": 1500}, {"item_id": "cola", "price": 300, "quantity": 2}]
    send(till, ordered(till, 1) | {"items": lines}, redeemed(till, shown, order_id="o1"), token=token)
    refund = {"event_id": "v1", "type": "refunded", "order_id": "o1", "item_id": "cola"}
    refund["occurred_at"] = till.moment()
    send(till, refund)
    assert [row["amount"] for row in till.half.service.stores.own.purchases_of("grill", "ann")] == [1800]
    assert till.count("offer_outcomes") == 1
