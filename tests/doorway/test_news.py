"""What webhooks say of orders, redemptions, versions and erasures, from the recommender's own store."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry

from doorway.news import of_identity, of_recommender
from plumbing.storage.state import State
from plumbing.webhooks.kinds import ERASED, EVENTS, ORDER, PUBLISHED, REDEEMED, ROLLED_BACK
from plumbing.webhooks.tables import addresses, sending
from plumbing.webhooks.webhooks import Webhooks
from plumbing.words import Message
from tests.recommender.service_fixtures import Installation, World


@dataclass
class House:
    """A recommender, and somebody who is notified of everything."""

    world: World
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


@pytest.fixture
def house(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr("plumbing.webhooks.webhooks.public_address", lambda host, port, allowed: "203.0.113.7")
    world = installation.open(tmp_path / "state")
    state = State(tmp_path / "hooks")
    state.home.mkdir()
    lasting, passing = state.database("access", addresses), state.passing("access-moments", sending)
    made: list[House] = []
    webhooks = Webhooks(
        lasting,
        passing,
        Fernet.generate_key(),
        world.now_us,
        registry=CollectorRegistry(),
        send=lambda *given, **more: made[0].receive(*given, **more),
    )
    made.append(House(world, webhooks))
    webhooks.add("grill", "https://till.example/", list(EVENTS))
    shared: Any = SimpleNamespace(webhooks=webhooks, now_us=world.now_us)
    of_recommender(shared, world.half.service)
    yield made[0]
    world.close()
    lasting.close()
    passing.close()


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
