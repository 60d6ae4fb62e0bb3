"""Orders that are taken back count for nothing, in whichever order the events come."""

from __future__ import annotations

import gzip
import io
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from plumbing.storage.state import State
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.edge.events import Batch, take
from recommender.exchange.files import export_rows, import_file, write_rows
from recommender.scene import Event, OrderLine
from recommender.store.copies import CopiedEvents
from recommender.store.event_parts import EventParts
from tests.recommender.service_fixtures import NOON, World

FIXTURE = Path(__file__).parents[1] / "fixtures" / "recommender-orders-0.2.0.db.gz"


def event(event_id: str, kind: str, *lines: OrderLine, **changes: Any) -> Event:
    values: dict[str, Any] = {"scene": "orders", "customer": "ann", "time_us": NOON, "hour": 12.0, "weekday": 0}
    return Event(event_id, kind, lines=lines, **(values | {"sender": "till"} | changes))


BURGERS = event("o1", "ordered", OrderLine("burger", 3, 950), OrderLine("cola", 1, 300), site="north")
ONE_BURGER = event("v1", "refunded", OrderLine("burger", 1), order_id="o1", customer="")
THE_COLA = event("v2", "voided", OrderLine("cola", 9), order_id="o1", customer="")
ALL = event("v3", "voided", order_id="o1", customer="")


def history_of(world: World, customer: str = "ann") -> list[tuple[str, int]]:
    seen = world.half.service.events.history("grill", customer, "ordered", 100)
    return list(zip(seen.items[seen.item].tolist(), seen.quantity.tolist(), strict=True))


def send(world: World, *events: dict[str, Any], key: str = "kiosk", token: str | None = None) -> Any:
    rows = [{"occurred_at": world.moment()} | one for one in events]
    return world.call("POST", "/events", key=key, token=token, json={"events": rows})


def exported(world: World) -> str:
    out = io.StringIO()
    write_rows(export_rows(world.half.service.stores, "events", "grill"), "events", out, as_csv=True)
    return out.getvalue()


@pytest.mark.parametrize("taken", [(ONE_BURGER, THE_COLA), (ONE_BURGER, ALL)])
def test_the_order_of_arrival_makes_no_difference(state: State, taken: tuple[Event, Event]) -> None:
    """Before the order, between, after, each of them twice: the same is left. An export has what was sent."""
    left = [("burger", 2.0)] if taken == (ONE_BURGER, THE_COLA) else []
    stores = open_stores(RecommenderConfig(state.home, (), database=state.url))
    store = stores.events
    for number, events in enumerate(permutations((BURGERS, *taken))):
        tenant = f"t{number}"
        for one in (*events, *events):
            store.record(tenant, [one], NOON)
        seen = store.history(tenant, "ann", "ordered", 100)
        assert list(zip(seen.items[seen.item].tolist(), seen.quantity.tolist(), strict=True)) == left, events
        rows = [row for row in store.export(tenant) if row["event_id"] == "o1"]
        assert [(row["type"], row["item"], row["quantity"]) for row in rows] == [
            ("ordered", "burger", 3),
            ("ordered", "cola", 1),
        ]
    stores.models.close()
    stores.database.close()


def test_what_is_taken_back_leaves_every_count(world: World) -> None:
    """History, what is popular, trainings at once and in parts, counts, figures of the day."""
    stores, service = world.half.service.stores, world.half.service
    stores.events.record("grill", [BURGERS, event("o2", "ordered", OrderLine("cola"))], NOON)
    stores.events.record("grill", [ALL], NOON)
    assert history_of(world) == [("cola", 1.0)]
    assert stores.events.latest("grill", "ordered", 10, least_people=1).items.tolist() == ["cola"]
    assert stores.events.everything("grill", "ordered").items.tolist() == ["cola"]
    parts = EventParts(service.database, "grill", "ordered")
    assert [part.items.tolist() for part in parts.of_customers(10)] == [["cola"]]
    assert parts.count() == 1
    assert stores.events.counts("grill") == {"ordered": 1, "voided": 1}
    assert not stores.events.has_customers("grill", "ordered", 1)
    assert [line.item for line in stores.figures.lines_of("grill", NOON - 1, NOON + 1)] == ["cola"]


def test_a_suggestion_forgets_an_order_that_was_taken_back(world: World) -> None:
    """Over the API, by the device that sent it; the suggestion after it does not have the dish first."""
    token = world.token()
    world.order("cola", token=token, event_id="o1")
    assert world.suggest(token=token).json["items"][0]["item_id"] == "cola"
    reply = send(world, {"event_id": "v1", "type": "voided", "order_id": "o1"})
    assert reply.json == {"accepted": 1, "duplicates": 0}
    assert world.suggest(token=token).json["fallback"] == "no_history"
    again = send(world, {"event_id": "v1", "type": "voided", "order_id": "o1"})
    assert again.json == {"accepted": 0, "duplicates": 1}
    world.order("cola", token=token, event_id="o1")  # sent again it stays away
    assert history_of(world) == []


def test_who_may_take_back_what(world: World) -> None:
    """A device its own orders; a key those of its site, or of its tenant. Others wait for ever, or are refused."""
    world.order("burger", token=world.token(), event_id="o1")
    other = world.access.create_key("grill", ["event"], device="kiosk-2", site="north")
    south = world.access.create_key("grill", ["event"], site="south")
    north = world.access.create_key("grill", ["event"], site="north")
    world.keys |= {"other": other, "south": south, "north": north}
    void = {"type": "voided", "order_id": "o1", "order_sender": "kiosk-1"}
    refused = send(world, {"event_id": "v1", **void}, key="other")
    assert (refused.status_code, refused.json["code"]) == (403, "order_of_another")
    named = send(world, {"event_id": "v1", "type": "voided", "order_id": "o1"}, key="other")
    assert named.json["waiting"] == [0]  # its own order of that name, which is not here
    reply = send(world, {"event_id": "v2", **void}, key="south")
    assert reply.json == {"accepted": 1, "duplicates": 0, "waiting": [0]}
    assert send(world, {"event_id": "v2", **void}, key="stranger").json["waiting"] == [0]  # of its own tenant
    assert history_of(world) == [("burger", 1.0)]
    assert "waiting" not in send(world, {"event_id": "v3", **void}, key="north").json
    assert history_of(world) == []


def test_of_another_customer_nothing_is_taken_back(world: World) -> None:
    """A token takes back what its own customer ordered."""
    world.order("burger", token=world.token(), event_id="o1")
    void = {"event_id": "v1", "type": "voided", "order_id": "o1"}
    assert send(world, void, token=world.token("bob")).json["waiting"] == [0]
    assert history_of(world) == [("burger", 1.0)]


def test_what_an_event_that_takes_back_must_have(world: World) -> None:
    """The order's id; no scene of offers; order_sender belongs to it alone."""
    for wrong in (
        {"type": "voided"},
        {"type": "voided", "order_id": "o1", "scene": "offers"},
        {"type": "ordered", "item_id": "cola", "order_sender": "kiosk-2"},
    ):
        assert send(world, {"event_id": "v1", **wrong}).status_code == 422, wrong
    assert world.count("events") == 0


def test_a_dish_that_left_the_menu_can_be_refunded(world: World) -> None:
    """Its line is compared with the order's."""
    world.order("cola", "burger", token=world.token(), event_id="o1")
    assert world.call("DELETE", "/items/cola", key="desk").status_code == 204
    send(world, {"event_id": "v1", "type": "refunded", "order_id": "o1", "item_id": "cola"})
    assert history_of(world) == [("burger", 1.0)]


def test_an_export_with_refunds_imports_again(world: World, tmp_path: Path) -> None:
    """Also an order with the same dish on two lines, and into the same house: nothing is new there."""
    events = world.half.service.events
    twice = event("o3", "ordered", OrderLine("cola", 1, 300), OrderLine("cola", 2, 250), customer="bob")
    events.record("grill", [BURGERS, ONE_BURGER, twice], NOON)
    events.record("grill", [event("o4", "ordered", OrderLine("cola")), event("v4", "voided", order_id="o4")], NOON)
    text = exported(world)
    path = tmp_path / "events.csv"
    path.write_text(text)
    service = world.half.service
    assert import_file(service, service.stores, "events", path, "grill", NOON) == 0
    service.stores.catalogue.put("mill", "item", service.stores.catalogue.all("grill", "item"))
    assert import_file(service, service.stores, "events", path, "mill", NOON) == 5
    assert events.counts("mill") == events.counts("grill")
    seen = events.history("mill", "ann", "ordered", 9)
    assert list(zip(seen.items[seen.item].tolist(), seen.quantity.tolist(), strict=True)) == [
        ("burger", 2.0),
        ("cola", 1.0),
    ]


def test_a_file_takes_back_what_came_over_the_api(world: World, tmp_path: Path) -> None:
    """As soon as the file is taken in; a file that is refused changes nothing."""
    world.order("burger", "cola", token=world.token(), event_id="o1")
    path = tmp_path / "refunds.csv"
    head = "event_id,type,occurred_at,item_id,device,order_id\n"
    path.write_text(head + f"v1,refunded,{world.moment()},burger,kiosk-1,o1\n")
    service = world.half.service
    assert import_file(service, service.stores, "events", path, "grill", world.time_us) == 1
    assert history_of(world) == [("cola", 1.0)]


def test_a_dish_on_many_lines_of_one_order_counts_once(world: World) -> None:
    """A hundred lines of a guest's order make one row; the quantity is bounded."""
    lines = [OrderLine("cola", 1)] * 100
    world.half.service.events.record("grill", [event("o1", "ordered", *lines, customer="")], NOON)
    rows = world.half.service.events.everything("grill", "ordered")
    assert (len(rows), rows.quantity.tolist()) == (1, [20.0])
    world.order(*["burger"] * 100, event_id="o2")
    assert len(world.half.service.events.latest("grill", "ordered", 500, least_people=1)) == 2


def test_an_erasure_takes_what_took_back_with_it(world: World) -> None:
    """The void names no customer; it is filed under the order's, shown to them, and erased with them."""
    service = world.half.service
    service.events.record("grill", [BURGERS, ONE_BURGER], NOON)
    own = service.stores.own.of("grill", "ann")
    assert [(one.type, one.order_id, one.taken_back) for one in own] == [
        ("ordered", "", "part"),
        ("refunded", "o1", ""),
    ]
    assert [line[:2] for line in own[0].lines] == [("burger", 3), ("cola", 1)]
    service.events.erase("grill", "ann", NOON)
    assert [world.count(table) for table in ("events", "lines", "sent_lines")] == [0, 0, 0]


def test_retention_and_corrections_reach_it(world: World) -> None:
    """ "That was not my order" takes the refund of it too; what is too old goes with all its lines."""
    service = world.half.service
    service.events.record("grill", [BURGERS, ONE_BURGER], NOON)
    service.forget_event("grill", "ann", "o1")
    assert [world.count(table) for table in ("events", "lines", "sent_lines")] == [0, 0, 0]
    service.events.record("mill", [BURGERS, ONE_BURGER], NOON)
    service.events.remove_before("mill", NOON + 1)
    assert [world.count(table) for table in ("events", "lines", "sent_lines")] == [0, 0, 0]


def test_after_a_training_the_next_one_is_owed_without_the_order(world: World) -> None:
    """What a training may have read is noted as forgotten; what none has read costs nothing."""
    service = world.half.service
    service.events.record("grill", [BURGERS], NOON)
    service.events.record("grill", [ONE_BURGER], NOON)
    assert service.stores.rows.store.mark("grill", "orders").number == 0
    service.stores.models.begin("grill", "orders", NOON + 5)
    service.events.record("grill", [ALL], NOON)
    mark = service.stores.rows.store.mark("grill", "orders")
    assert (mark.number, mark.lines) == (1, 2)
    assert len(service.stores.rows.store.since("grill", "orders", 0)) == 1


def test_a_database_of_before_takes_back(tmp_path: Path) -> None:
    """Orders of an older release are kept, and can be taken back."""
    (tmp_path / "recommender.db").write_bytes(gzip.decompress(FIXTURE.read_bytes()))
    made = open_stores(RecommenderConfig(tmp_path, ()))
    assert made.events.counts("grill") == {"ordered": 2, "redeemed": 1}
    made.events.record("grill", [ALL], NOON)
    assert made.events.counts("grill") == {"ordered": 1, "redeemed": 1, "voided": 1}
    assert {row["order_id"] for row in made.events.export("grill")} == {"", "o1"}
    made.models.close()
    made.database.close()


def test_a_store_box_takes_back_what_it_sent(world: World) -> None:
    """Its senders have its name at the centre, those of the orders too; whichever comes first."""
    service = world.half.service
    order = event("o1", "ordered", OrderLine("cola", 1), sender="kiosk-1", site="north")
    void = event("v1", "voided", order_id="o1", order_sender="kiosk-1", sender="key:7", site="north", customer="")
    sent = [Batch.of_json(Batch((one,), ()).to_json("box")) for one in (void, order)]
    assert sent[0].events[0].order_sender == "box:box:kiosk-1"
    done = take(service, "grill", "north", sent, world.now_us)
    assert (done.new, done.refused) == (2, 0)
    assert history_of(world) == []
    copied = CopiedEvents(service.database).history("grill", "ann", 9)
    assert [(one.type, len(one.lines)) for one in copied] == [("ordered", 1), ("voided", 0)]
    service.events.record("mill", copied, NOON)  # as another box keeps it
    assert len(service.events.history("mill", "ann", "ordered", 9)) == 0
