"""Erasing one customer with 10,000 events, in both halves: how long it takes, and when its receipt closes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.measure import Row
from plumbing.clock import DAY, HOUR, MINUTE, system_clock
from recommender.scene import Event, Item, OrderLine
from recommender.tokens import read
from tests.test_in_house import TENANT, House, visit

SECTION = "Erasing one customer with a long history"
DISHES = [f"dish-{number:02d}" for number in range(20)]
OTHERS = 300
PROMISED_S = 2.0


def orders_of(customer: str, count: int, now_us: int, first: int) -> list[Event]:
    """So many orders of two dishes, the newest an hour ago."""
    made = []
    for number in range(count):
        at = now_us - HOUR - number * (90 * DAY // count)
        dishes = {DISHES[(first + number) % len(DISHES)], DISHES[(first * 3 + number // 2) % len(DISHES)]}
        lines = tuple(OrderLine(dish) for dish in sorted(dishes))
        made.append(Event(f"{first}-{number}", "ordered", "orders", customer, at, 12.0, number % 7, lines))
    return made


def rows(short: bool) -> list[Row]:
    """The figures; `short` takes a tenth of the events."""
    events = 1_000 if short else 10_000
    with tempfile.TemporaryDirectory(prefix="usual-long-") as folder:
        house = House(Path(folder) / "home")
        try:
            return measured(house, events)
        finally:
            house.close()


def measured(house: House, events: int) -> list[Row]:
    """Fill, train, erase, train again."""
    recommender, now = house.recommender, system_clock()
    recommender.service.stores.catalogue.put(TENANT, "item", [Item(dish, dish.title()) for dish in DISHES])
    receipt = house.enrol(0)
    token = str(visit(house, 0)[1]["token"])
    pseudonym = read(house.shared.token_keys, token).pseudonym
    store = recommender.service.events
    store.record(TENANT, orders_of(pseudonym, events, now, 0), now)
    for other in range(1, OTHERS):
        store.record(TENANT, orders_of(f"other-{other}", 6, now - other * MINUTE, other), now)
    trained(house)

    began = time.monotonic()
    reply = house.send("DELETE", f"/identity/v1/enrolments/{receipt}")
    took = time.monotonic() - began
    erasure = reply.get_json()["erasure"]
    left = len(store.history(TENANT, pseudonym, "ordered", 100_000))
    held = recommender.service.holds(TENANT, pseudonym)
    trained(house)
    house.identity.service.erasures.close_receipts()
    closed = house.identity.service.erasures.receipts.named(erasure["id"]).closed
    note = f"{events} events, {OTHERS} customers, one trained version"
    return [
        Row(SECTION, "the answer with its receipt", took, "s", PROMISED_S, "less", note),
        Row(SECTION, "events that are left", left, "", 0, "less"),
        Row(SECTION, "versions that hold them", len(held), "", 0, "less"),
        Row(SECTION, "places that have not confirmed", int(not erasure["everywhere"]), "", 0, "less"),
        Row(SECTION, "receipts closed before a version without them", int(erasure["closed"]), "", 0, "less"),
        Row(SECTION, "receipts open after it", int(not closed), "", 0, "less"),
    ]


def trained(house: House) -> None:
    """Train orders and publish."""
    outcome = house.recommender.trainer.train(
        TENANT, "orders", seed=0, progress=lambda what, share: None, accept_changed_data=True
    )
    if outcome.state not in ("published", "unchanged"):
        raise RuntimeError(f"no version was published: {outcome.why}")
