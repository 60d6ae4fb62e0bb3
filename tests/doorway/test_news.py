"""What webhooks say of orders, redemptions, versions and erasures, from the recommender's own store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry

from doorway.edge.opened import deliveries_of
from doorway.news import of_identity, of_recommender
from plumbing.clock import Clock, system_clock
from plumbing.outbox.server import EVENTS as OF_BOXES
from plumbing.shared import Shared
from plumbing.storage.state import State
from plumbing.webhooks.kinds import ERASED, EVENTS, ORDER, PUBLISHED, REDEEMED, ROLLED_BACK
from plumbing.webhooks.tables import addresses, sending
from plumbing.webhooks.webhooks import Webhooks
from plumbing.words import Message
from recommender.scene import Event, OrderLine
from recommender.service import RecommenderService
from tests.doorway.worlds import PEOPLE, TENANT, Own
from tests.recommender.service_fixtures import Installation, World


@dataclass
class Notified:
    """Somebody who is notified of everything."""

    webhooks: Webhooks
    got: list[dict[str, Any]] = field(default_factory=list)

    def receive(self, url: str, body: bytes, headers: Mapping[str, str], *, allowed: Any) -> None:
        self.got.append(json.loads(body))

    def sent(self) -> list[dict[str, Any]]:
        """Everything that is due, sent."""
        self.got.clear()
        self.webhooks.look()
        while self.webhooks.send_next():
            pass
        return self.got


@contextmanager
def notified(folder: Path, tenant: str, service: RecommenderService, now_us: Clock) -> Iterator[Notified]:
    """Somebody is notified of what a tenant's recommender records."""
    folder.mkdir()
    state = State(folder)
    lasting, passing = state.database("access", addresses), state.passing("access-moments", sending)
    made: list[Notified] = []
    webhooks = Webhooks(
        lasting,
        passing,
        Fernet.generate_key(),
        now_us,
        registry=CollectorRegistry(),
        send=lambda *given, **more: made[0].receive(*given, **more),
    )
    made.append(Notified(webhooks))
    webhooks.add(tenant, "https://till.example/", list(EVENTS))
    shared: Any = SimpleNamespace(webhooks=webhooks, now_us=now_us)
    of_recommender(shared, service)
    yield made[0]
    lasting.close()
    passing.close()


@dataclass
class House:
    """A recommender, and somebody who is notified."""

    world: World
    webhooks: Webhooks
    sent: Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host is a public one, and nobody asks a name server."""
    monkeypatch.setattr("plumbing.webhooks.webhooks.public_address", lambda host, port, allowed: "203.0.113.7")


@pytest.fixture
def house(installation: Installation, tmp_path: Path) -> Iterator[House]:
    world = installation.open(tmp_path / "state")
    with notified(tmp_path / "hooks", "grill", world.half.service, world.now_us) as somebody:
        yield House(world, somebody.webhooks, somebody.sent)
    world.close()


def test_an_order_says_what_was_ordered_and_by_whom_only_with_the_purpose(house: House) -> None:
    world = house.world
    world.order("burger", "cola", token=world.token(), event_id="e1")
    world.order("salad", event_id="e2")
    world.order("cola", token=world.token(purposes=["offers", "orders"], token_id="t2"), event_id="e3")
    said = {one["data"]["event_id"]: one for one in house.sent()}
    assert said["e1"]["type"] == ORDER
    assert [line["item_id"] for line in said["e1"]["data"]["items"]] == ["burger", "cola"]
    assert [said[name]["data"]["customer"] for name in ("e1", "e2", "e3")] == ["ann", None, "ann"]
    assert said["e1"]["data"]["version"] == 1
    assert house.sent() == []


def test_who_was_erased_is_in_no_message_also_not_in_one_that_is_sent_again(house: House) -> None:
    world = house.world
    world.order("burger", token=world.token(), event_id="e1")
    world.order("cola", event_id="e2")
    world.half.erase(world.token(purposes=["erasure"]))
    assert [one["data"]["event_id"] for one in house.sent()] == ["e2"]
    assert house.webhooks._passing.rows("SELECT * FROM messages") == []


def test_orders_of_long_ago_are_history_and_no_news(house: House) -> None:
    event: dict[str, Any] = {"event_id": "old", "type": "ordered", "items": [{"item_id": "cola"}]}
    event["occurred_at"] = house.world.moment(minutes=-3 * 24 * 60)
    assert house.world.call("POST", "/events", key="desk", json={"events": [event]}).status_code == 201
    assert house.sent() == []


def test_an_order_is_taken_when_its_message_cannot_be_queued(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: Any, **more: Any) -> None:
        raise OSError("no space")

    monkeypatch.setattr(house.webhooks.queue, "put", full)
    assert house.world.order("burger", event_id="e1").status_code == 201


def test_versions_that_are_published_or_left_are_news(house: House) -> None:
    world = house.world
    world.crowd("burger")
    world.crowd("cola")
    assert world.call("POST", "/models/orders/train", key="desk").status_code == 202
    world.run_trainings()
    [published] = [one for one in house.sent() if one["type"].startswith("version.")]
    assert (published["type"], published["data"]["scene"]) == (PUBLISHED, "orders")
    name = published["data"]["name"]
    note = world.half.service.stores.notes.of("grill", "orders", name)
    assert note is not None
    left = type(note)(name, "rolled_back", note.content, world.time_us, Message.of("versions-went-back"))
    world.half.service.stores.notes.note("grill", "orders", left)
    [back] = house.sent()
    assert (back["type"], back["data"]["name"]) == (ROLLED_BACK, name)


def test_an_erasure_that_is_complete_names_its_receipt_alone(house: House) -> None:
    erasures: Any = SimpleNamespace(on_closed=None)
    of_identity(SimpleNamespace(webhooks=house.webhooks, now_us=house.world.now_us), erasures)  # type: ignore[arg-type]
    for _ in range(2):
        erasures.on_closed(SimpleNamespace(tenant="grill", id="0f" * 16))
    [said] = house.sent()
    assert (said["type"], said["data"]) == (ERASED, {"version": 1, "receipt": "0f" * 16})


def test_a_redemption_names_its_offer(house: House) -> None:
    world = house.world
    shown = world.suggest("offers", token=world.token()).json
    [offer] = [item["item_id"] for item in shown["items"]] or ["lunch"]
    reply = world.order(
        offer,
        token=world.token(),
        event_id="r1",
        type="redeemed",
        recommendation_id=shown["recommendation_id"],
    )
    assert reply.status_code == 201, reply.json
    [said] = house.sent()
    assert (said["type"], said["data"]["offers"], said["data"]["customer"]) == (REDEEMED, [offer], "ann")


def test_an_order_that_comes_again_is_one_message_also_after_it_was_sent(house: House) -> None:
    for _ in range(2):
        house.world.order("burger", event_id="e1")
        house.world.order("burger", event_id="e1")
        assert len(house.sent()) in (0, 1)
    assert house.sent() == []
    house.world.order("cola", event_id="e1", site="north")
    house.world.order("cola", event_id="e2")
    assert [one["data"]["event_id"] for one in house.sent()] == ["e2"]


def test_an_order_of_a_store_box_is_one_message_and_only_a_reference_until_it_is_sent(
    own: Own, ann: int, tmp_path: Path
) -> None:
    """Also when the box delivers it twice, or the hub was stopped after it was stored and before it was queued."""
    centre, box = own.centre, own.box
    who, left = (centre.house.pseudonym(centre.customer(person)) for person in (ann, next(PEOPLE)))
    box.tick()
    service = centre.deliveries.recommender
    with notified(tmp_path / "hooks", TENANT, service, own.clock) as somebody:
        notify, stopped = service.on_recorded, []
        service.on_recorded = lambda *batch: stopped.append(batch)
        for customer, event_id in ((who, "e1"), ("", "e2"), (left, "e3")):
            box.server.record(TENANT, [box.house.order(customer, event_id)], ("orders",))
        waiting = list(box.outbox.messages[OF_BOXES])
        for _ in range(3):
            box.outbox.messages[OF_BOXES] = list(waiting)  # it was not confirmed
            box.deliver()
            service.on_recorded = notify
        assert len(stopped) == 3
        service.events.erase(TENANT, left, own.clock())
        kept = somebody.webhooks._passing.rows("SELECT * FROM messages")
        said = {one["data"]["event_id"]: one["data"] for one in somebody.sent()}

        assert len(kept) == 3
        assert (who in str([tuple(row) for row in kept]), sorted(said)) == (False, ["e1", "e2"])
        assert (said["e1"]["customer"], said["e2"]["customer"]) == (who, None)
        assert (said["e1"]["device"], said["e1"]["items"][0]["item_id"]) == ("box:mill-box:till-1", "soup")
        box.outbox.messages[OF_BOXES] = waiting
        box.deliver()
        assert somebody.sent() == []


def test_what_takes_the_messages_of_boxes_queues_for_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    erasures: Any = SimpleNamespace(on_closed=None)
    half = SimpleNamespace(service=SimpleNamespace(erasures=erasures), close=lambda: None)
    monkeypatch.setattr("doorway.edge.opened.open_half", lambda home, pack: half)
    with closing(Shared.open(State(tmp_path), system_clock)) as shared:
        shared.webhooks.add("grill", "https://till.example/", list(EVENTS))
        with deliveries_of(tmp_path, "any") as deliveries:
            now = system_clock()
            order = Event("e1", "ordered", "orders", "", now, 12.0, 1, (OrderLine("soup"),), "", sender="till-1")
            deliveries.recommender.on_recorded("grill", [order], ())
            erasures.on_closed(SimpleNamespace(tenant="grill", id="0f" * 16))
        rows = shared.databases[1].rows("SELECT event FROM messages ORDER BY event")
        assert [row["event"] for row in rows] == [ERASED, ORDER]
