"""Square's notifications: signed, in any order, once; what the log has of dishes, sizes, money and returns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from doorway.dialects.square.signature import signed
from recommender.item import Item
from tests.doorway.dialects.tills import (
    SIGNING,
    TENANT,
    House,
    Line,
    money,
    notification,
    square_order,
)
from tests.recommender.service_fixtures import Installation, installation

__all__ = ["installation"]

BURGER, COLA = Line("Burger", 950), Line("Cola", 300, "2")


@pytest.fixture
def house(installation: Installation, tmp_path: Path) -> Iterator[House]:
    made = House(installation, tmp_path / "state")
    made.agree_with_square()
    yield made
    made.close()


def test_an_order_is_read_at_square_and_recorded_as_a_guests(house: House) -> None:
    """Dishes by name, money before discounts; Square's customer, card and notes are nowhere in the house."""
    house.orders["o1"] = square_order("o1", BURGER, COLA)

    assert house.notify("order.created", "o1") == {"outcome": "recorded", "problem": "", "unlisted": []}
    assert house.lines() == [("burger", 1, 950, ""), ("cola", 2, 300, "")]
    row = house.world.half.service.database.row("SELECT * FROM events")
    assert (row["customer"], row["time_us"]) == ("", 1_795_433_400_000_000)
    house.world.half.service.database.scrub()
    files = [path.read_bytes() for path in house.world.home.rglob("*") if path.is_file()]
    assert not any(word in content for content in files for word in (b"CUST-ANN", b"no onions", SIGNING.encode()))


def test_the_signature_is_over_our_address_and_the_body(house: House) -> None:
    """Changed bodies, other addresses, other keys, other tenants and none: refused alike, and nothing is asked."""
    body = json.dumps(notification("order.created", "o1", "e1")).encode()
    right = signed(SIGNING, house.address, body)
    for sent, signature, tenant in (
        (body + b" ", right, TENANT),
        (body, signed(SIGNING, house.address + "/", body), TENANT),
        (body, signed(SIGNING + "x", house.address, body), TENANT),
        (body, "", TENANT),
        (body, "ü", TENANT),
        (body, right, "mill"),
    ):
        reply = house.post(sent, signature, tenant)
        assert (reply.status_code, reply.get_json()["code"]) == (401, "signature_refused")
    assert house.asked == []


def test_it_is_off_until_a_tenant_switches_it_on(house: House) -> None:
    house.shared.dialects.choose(TENANT, [])
    body = json.dumps(notification("order.created", "o1", "e1")).encode()
    reply = house.post(body, signed(SIGNING, house.address, body))
    assert (reply.status_code, reply.get_json()["code"]) == (404, "dialect_off")


def test_events_come_twice_in_any_order_and_an_order_is_one(house: House) -> None:
    """Updated before created, paid, created late, one event twice: one order; one event asks Square once."""
    house.orders["o1"] = square_order("o1", BURGER)
    assert house.notify("order.updated", "o1", "e2")["outcome"] == "recorded"
    assert house.notify("order.updated", "o1", "e2")["outcome"] == "unchanged"
    assert len(house.asked) == 1
    for kind in ("payment.created", "payment.updated", "order.created"):
        assert house.notify(kind, "o1")["outcome"] == "unchanged"
    assert house.lines() == [("burger", 1, 950, "")]


def test_an_older_version_changes_nothing(house: House) -> None:
    """An order that was paid and then got another dish; a slow answer with the version before comes last."""
    house.orders["o1"] = square_order("o1", BURGER, state="OPEN", version=3)
    house.notify("payment.updated", "o1")
    house.orders["o1"] = square_order("o1", BURGER, COLA, version=5)
    assert house.notify("order.updated", "o1")["outcome"] == "recorded"
    house.orders["o1"] = square_order("o1", BURGER, state="OPEN", version=3)
    assert house.notify("order.updated", "o1")["outcome"] == "stale"
    assert house.lines() == [("burger", 1, 950, ""), ("cola", 2, 300, "")]


def test_an_order_counts_when_it_is_paid_and_not_when_it_is_cancelled(house: House) -> None:
    house.orders["o1"] = square_order("o1", BURGER, state="OPEN", tenders=[], net_amount_due_money=money(950))
    assert house.notify("order.created", "o1")["outcome"] == "not_paid"
    assert house.lines() == []
    house.orders["o1"] = square_order("o1", BURGER, state="OPEN", version=5)
    assert house.notify("payment.updated", "o1")["outcome"] == "recorded"
    house.orders["o1"] = square_order("o1", BURGER, state="CANCELED", version=6)
    assert house.notify("order.updated", "o1")["outcome"] == "taken_back"
    assert house.lines() == []


def test_sizes_modifiers_and_combos_are_kept_right(house: House) -> None:
    """A size is a dish of its own, oat milk a choice, a combo's cola a dish; words are nothing; money adds up."""
    latte = Line("Latte", 480, "2", size="Large", modifiers=[("Oat milk", 60), ("extra hot", 0)])
    menu = Line("Burger", 950, modifiers=[("Cola", 150)])
    house.orders["o1"] = square_order("o1", latte, menu, Line("Any pancakes", 760, catalog="W662KBTT"))
    house.notify("order.created", "o1")
    assert house.lines() == [
        ("latte", 2, 540, '["oat"]'),
        ("burger", 1, 950, ""),
        ("cola", 1, 150, ""),
        ("W662KBTT", 1, 760, ""),
    ]


def test_lines_that_are_no_dish_never_lose_the_rest(house: House) -> None:
    """Of no catalogue, gift cards, custom amounts, weighed, in another currency, none of it."""
    weighed = Line("Salad", 790, "0.5").json() | {"quantity_unit": {"precision": 3}}
    house.orders["o1"] = square_order(
        "o1",
        Line("Soup of a street stall", 500, catalog="UNKNOWN1"),
        Line("Gift", 5000, kind="GIFT_CARD"),
        Line("Tip jar", 100, kind="CUSTOM_AMOUNT"),
        Line("Cola", 400, currency="USD"),
    )
    house.orders["o1"]["line_items"].append(weighed)
    assert house.notify("order.created", "o1") == {"outcome": "recorded", "problem": "", "unlisted": ["UNKNOWN1"]}
    assert house.lines() == [("cola", 1, None, ""), ("salad", 1, 395, "")]
    house.orders["o2"] = square_order("o2", Line("Soup of a street stall", 500, catalog="UNKNOWN1"))
    assert house.notify("order.created", "o2")["outcome"] == "empty"


def returned(order_id: str, *lines: Line, source: str = "o1") -> dict[str, object]:
    """A return order, as an itemised refund at the till makes it."""
    back = {"source_order_id": source, "return_line_items": [line.json(returned=True) for line in lines]}
    return square_order(order_id, returns=[back])


def test_a_refund_by_line_takes_these_back_and_one_of_money_alone_nothing(house: House) -> None:
    house.orders["o1"] = square_order("o1", BURGER, COLA)
    house.notify("order.created", "o1")
    house.orders["r1"] = returned("r1", Line("Cola", 300))
    assert house.notify("refund.created", "r1")["outcome"] == "taken_back"
    assert house.notify("order.updated", "r1")["outcome"] == "unchanged"
    assert house.lines() == [("burger", 1, 950, ""), ("cola", 1, 300, "")]
    house.orders["r2"] = returned("r2", Line("Amount", 500, kind="CUSTOM_AMOUNT"))
    assert house.notify("refund.updated", "r2")["outcome"] == "unchanged"
    assert house.lines() == [("burger", 1, 950, ""), ("cola", 1, 300, "")]
    house.orders["r3"] = returned("r3", BURGER, Line("Cola", 300))
    house.notify("refund.created", "r3")
    assert house.lines() == []


def test_a_refund_may_come_before_its_order(house: House) -> None:
    house.orders["r1"] = returned("r1", Line("Cola", 300))
    assert house.notify("refund.created", "r1")["outcome"] == "waiting"
    house.orders["o1"] = square_order("o1", BURGER, COLA)
    house.notify("order.created", "o1")
    assert house.lines() == [("burger", 1, 950, ""), ("cola", 1, 300, "")]


def test_a_dish_that_is_added_to_the_menu_later_brings_no_refund_back(house: House) -> None:
    """The same version of an order is the same order, whatever the menu has by then."""
    house.orders["o1"] = square_order("o1", BURGER, Line("Pie", 390, catalog="PIE"))
    assert house.notify("order.created", "o1")["unlisted"] == ["PIE"]
    house.orders["r1"] = returned("r1", BURGER)
    house.notify("refund.created", "r1")
    house.world.half.service.stores.catalogue.put(TENANT, "item", [Item("PIE", "Pie", "sweet", 390)])
    assert house.notify("order.updated", "o1")["outcome"] == "unchanged"
    assert house.lines() == []


def test_sites_are_those_that_were_agreed_on(house: House) -> None:
    """And the hour is that of the site's clock; a site that is none of the tenant's is named."""
    house.agree_with_square(sites={"L8GY3KXM4ND5R": "mill"})
    house.orders["o1"] = square_order("o1", BURGER)
    assert house.notify("order.created", "o1")["problem"] == "site_unknown"
    house.shared.access.create_key(TENANT, ["event"], site="mill")
    house.orders["o2"] = square_order("o2", BURGER)
    assert house.notify("order.created", "o2")["outcome"] == "recorded"
    row = house.world.half.service.database.row("SELECT site, hour FROM events")
    assert (row["site"], row["hour"]) == ("mill", 11.5)


def test_what_cannot_be_recorded_is_named_and_not_asked_for_again(house: House) -> None:
    house.orders["o1"] = square_order("o1", BURGER, created_at="2031-01-01T00:00:00Z")
    assert house.notify("order.created", "o1")["problem"] == "event_from_the_future"
    house.orders["o2"] = {"id": "o2", "state": "COMPLETED", "line_items": "none"}
    assert house.notify("order.created", "o2")["problem"] == "order_unreadable"
    assert house.notify("inventory.count.updated", "o3")["outcome"] == "ignored"


def test_while_square_is_silent_it_is_told_to_notify_again(house: House) -> None:
    """Its own repetition is the queue; the event counts as seen only when it was carried out."""
    body = json.dumps(notification("order.created", "o1", "e1")).encode()
    first = house.post(body, signed(SIGNING, house.address, body))
    assert (first.status_code, first.get_json()["code"]) == (503, "square_silent")
    house.orders["o1"] = square_order("o1", BURGER)
    assert house.post(body, signed(SIGNING, house.address, body)).get_json()["outcome"] == "recorded"


def test_nonsense_that_is_signed_is_ignored(house: House) -> None:
    for body in (
        b"",
        b"[]",
        b"{}",
        b'{"type": "order.created"}',
        b'{"type": "order.created", "data": {"object": {}}}',
    ):
        reply = house.post(body, signed(SIGNING, house.address, body))
        assert (reply.status_code, reply.get_json()["outcome"]) == (200, "ignored")


def test_a_secret_that_was_replaced_counts_for_a_day(house: House) -> None:
    body = json.dumps(notification("x", "o1", "e1")).encode()
    house.agree_with_square()
    peer = house.shared.peers.get(TENANT, "square")
    house.shared.peers.put(TENANT, "square", type(peer)("the-next-signing-key", "access-token", house.address))
    assert house.post(body, signed(SIGNING, house.address, body)).status_code == 200
    assert house.post(body, signed("the-next-signing-key", house.address, body)).status_code == 200
    house.world.time_us += 25 * 3_600_000_000
    assert house.post(body, signed(SIGNING, house.address, body)).status_code == 401
    assert house.post(body, signed("the-next-signing-key", house.address, body)).status_code == 200
