"""Gorse's own Python client, unmodified, against the application: all of its calls, and why some are refused."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet
from gorse import AsyncGorse, Gorse, GorseException
from werkzeug.serving import make_server

from doorway.dialects.command import dialects
from doorway.dialects.gorse.routes import gorse
from doorway.dialects.switch import dialects as switches
from plumbing.access.dialects import Dialects
from plumbing.idempotency import Idempotency
from plumbing.limits import Limits
from recommender.store import open_moments
from tests.recommender.service_fixtures import Installation, World, installation

__all__ = ["installation"]

REFUSED = {"get_feedbacks": "gorse_lists_nobody", "get_users": "gorse_lists_nobody"}
"""Calls of the client that are always refused, and the code of the problem that says why."""

AT = "2026-11-22T11:30:00Z"
USER = "reader@shop.example"


@dataclass
class Shop:
    """A served application with the dialect on, and clients of it."""

    world: World
    url: str
    key: str
    client: Gorse

    def other(self, *scopes: str, tenant: str = "grill") -> Gorse:
        return Gorse(self.url, self.world.access.create_key(tenant, list(scopes)))


@pytest.fixture
def shop(installation: Installation, tmp_path: Path) -> Iterator[Shop]:
    world = installation.open(tmp_path / "state")
    service = world.half.service
    moments = open_moments(service.config.state)
    once = Idempotency(service.database, Fernet.generate_key(), world.now_us)
    shared: Any = SimpleNamespace(
        access=world.access,
        limits=Limits(moments, world.now_us),
        once=once,
        now_us=world.now_us,
        dialects=Dialects(world.door),
    )
    world.app.register_api(switches(shared))
    world.app.register_api(gorse(shared, service))
    shared.dialects.choose("grill", ["gorse"])
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    key = world.access.create_key("grill", ["suggest", "event", "train", "privacy", "admin"])
    yield Shop(world, url, key, Gorse(url, key))
    server.shutdown()
    thread.join()
    server.server_close()
    moments.close()
    world.close()


def code_of(call: Callable[[], Any]) -> tuple[int, str]:
    import json

    with pytest.raises(GorseException) as caught:
        call()
    said = json.loads(caught.value.message)
    assert said["detail"]
    return caught.value.status_code, said["code"]


def calls(client: Gorse | AsyncGorse) -> dict[str, Callable[[], Any]]:
    """One call of each method of the client, in an order in which each makes sense."""
    shown = {"FeedbackType": "read", "UserId": USER, "ItemId": "salad", "Timestamp": AT}
    item = {
        "ItemId": "pie",
        "IsHidden": False,
        "Categories": ["sweet"],
        "Labels": ["warm"],
        "Comment": "Apple pie",
    }
    return {
        "insert_user": lambda: client.insert_user({"UserId": USER}),
        "insert_users": lambda: client.insert_users([{"UserId": USER}, {"UserId": "b"}]),
        "get_user": lambda: client.get_user(USER),
        "get_users": lambda: client.get_users(10),
        "insert_item": lambda: client.insert_item(item),
        "get_item": lambda: client.get_item("pie"),
        "get_items": lambda: client.get_items(2),
        "search_items": lambda: client.search_items("apple"),
        "update_item": lambda: client.update_item("pie", categories=["cake"]),
        "insert_feedback": lambda: client.insert_feedback("order", USER, "burger", AT),
        "insert_feedbacks": lambda: client.insert_feedbacks([shown]),
        "get_feedbacks": lambda: client.get_feedbacks(10),
        "list_feedbacks": lambda: client.list_feedbacks("order", USER),
        "get_recommend": lambda: client.get_recommend(USER, n=3),
        "session_recommend": lambda: client.session_recommend([shown], n=2),
        "get_neighbors": lambda: client.get_neighbors("salad", n=3),
        "delete_feedback": lambda: client.delete_feedback(USER, "salad"),
        "delete_item": lambda: client.delete_item("pie"),
        "delete_user": lambda: client.delete_user(USER),
    }


def methods(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


def test_every_call_of_the_client_works_or_says_why(shop: Shop) -> None:
    """All methods that the client has; those that would list people are refused with a problem."""
    made, failed = calls(shop.client), {}
    assert set(made) == methods(Gorse)
    for name, call in made.items():
        try:
            call()
        except GorseException as error:
            failed[name] = (error.status_code, REFUSED.get(name, "") in error.message)
    assert failed == dict.fromkeys(REFUSED, (403, True))


def test_every_call_of_the_async_client_too(shop: Shop) -> None:
    async def all_of_them() -> set[str]:
        failed = set()
        for name, call in calls(AsyncGorse(shop.url, shop.key)).items():
            try:
                await call()
            except GorseException:
                failed.add(name)
        return failed

    assert set(calls(shop.client)) == methods(AsyncGorse)
    assert asyncio.run(all_of_them()) == set(REFUSED)


def test_a_repeat_is_suggested_and_scored(shop: Shop) -> None:
    """What a user ordered comes first, again; the same feedback twice is one, at another time another."""
    for at in (AT, AT, "2026-11-22T19:30:00Z"):
        shop.client.insert_feedback("order", USER, "cola", at)
    best = shop.client.get_recommend(USER, n=2)
    assert (best[0].id, len(best)) == ("cola", 2)
    assert best[0].score > best[1].score
    rows = shop.client.list_feedbacks("order", USER)
    assert [(row["ItemId"], row["UserId"], row["FeedbackType"]) for row in rows] == [("cola", USER, "order")] * 2
    assert shop.client.get_recommend(USER, "drinks", n=5)[0].id == "cola"
    assert [one.id for one in shop.client.get_recommend(USER, "green", n=5)] == ["salad"]
    assert shop.client.get_recommend(USER, n=1, offset=1)[0].id == best[1].id
    assert shop.client.list_feedbacks("order", "nobody-yet") == []


def test_the_users_id_is_nowhere_in_the_house(shop: Shop) -> None:
    """In no file of the state folder, whatever was called with it; and another tenant has another account."""
    for call in [call for name, call in calls(shop.client).items() if name not in REFUSED]:
        call()
    shop.world.half.service.database.scrub()
    files = [path for path in shop.world.home.rglob("*") if path.is_file()]
    assert files
    assert [path.name for path in files if USER.encode() in path.read_bytes()] == []


def test_a_deleted_user_stays_deleted(shop: Shop) -> None:
    """Erased as a customer is; nothing that comes later brings them back."""
    shop.client.insert_feedback("order", USER, "cola", AT)
    shop.client.insert_feedback("order", "other", "burger", AT)
    assert shop.client.delete_user(USER) == {"RowAffected": 1}
    assert shop.world.count("events") == 1
    for call in (
        lambda: shop.client.insert_feedback("order", USER, "cola", AT),
        lambda: shop.client.get_recommend(USER),
        lambda: shop.client.insert_user({"UserId": USER}),
    ):
        assert code_of(call) == (410, "gorse_user_deleted")
    assert shop.client.get_recommend("other")[0].id == "burger"


def test_feedback_that_was_deleted_counts_no_more(shop: Shop) -> None:
    for at in (AT, "2026-11-21T11:30:00Z"):
        shop.client.insert_feedback("order", USER, "cola", at)
    assert shop.client.delete_feedback(USER, "cola") == {"RowAffected": 2}
    assert shop.client.list_feedbacks("order", USER) == []
    assert shop.world.count("events") == 0


def test_an_items_price_stays_and_fields_come_back(shop: Shop) -> None:
    """What Gorse has no word for is kept, and what it has is read back."""
    shop.client.insert_item(
        {"ItemId": "cola", "Categories": ["drinks"], "Labels": ["cold"], "Comment": "Cola, cold"}
    )
    assert shop.client.get_item("cola") == {
        "ItemId": "cola",
        "IsHidden": False,
        "Categories": ["drinks"],
        "Timestamp": "0001-01-01T00:00:00Z",
        "Labels": ["cold"],
        "Comment": "Cola, cold",
    }
    assert shop.world.half.service.stores.catalogue.get("grill", "item", "cola").price == 300
    shop.client.update_item("cola", is_hidden=True)
    assert "cola" not in [one.id for one in shop.client.get_recommend(USER, n=9)]
    seen, cursor = [], ""
    while True:
        items, cursor = shop.client.get_items(3, cursor)
        seen += [one["ItemId"] for one in items]
        if not cursor:
            break
    assert seen == ["burger", "cola", "salad", "soup"]


def test_what_is_refused_says_why(shop: Shop) -> None:
    """Unknown types and items, profiles, a delay, no such item, a key without the scope, a key of nobody."""
    client = shop.client
    for call, answer in (
        (lambda: client.insert_feedback("mood", USER, "cola", AT), (422, "gorse_feedback_type_unknown")),
        (lambda: client.insert_feedback("order", USER, "pizza", AT), (422, "unknown_item")),
        (lambda: client.insert_user({"UserId": USER, "Labels": ["rich"]}), (422, "gorse_no_profiles")),
        (
            lambda: client.get_recommend(USER, write_back_type="read", write_back_delay="10m"),
            (422, "gorse_no_write_back_delay"),
        ),
        (lambda: client.get_item("pizza"), (404, "not_found")),
        (lambda: shop.other("suggest").insert_feedback("order", USER, "cola", AT), (403, "scope_missing")),
        (lambda: Gorse(shop.url, "nobody").get_recommend(USER), (401, "key_refused")),
        (lambda: Gorse(shop.url, shop.world.keys["kiosk"]).get_recommend(USER), (403, "dialect_not_for_devices")),
    ):
        assert code_of(call)[0] == answer[0], answer
        assert code_of(call) == answer
    assert shop.world.count("events") == 0


def test_a_session_is_not_kept_so_it_needs_no_key(shop: Shop) -> None:
    headers = {"X-API-Key": shop.key, "Idempotency-Key": "k1"}
    reply = shop.world.app.test_client().post("/api/session/recommend?n=2", json=[], headers=headers)
    assert (reply.status_code, reply.get_json()["code"]) == (400, "idempotency_key_unusable")


def test_write_back_records_what_was_shown(shop: Shop) -> None:
    shop.client.get_recommend(USER, n=2, write_back_type="read")
    assert len(shop.client.list_feedbacks("read", USER)) == 2


def test_it_is_off_until_a_tenant_switches_it_on(shop: Shop, tmp_path: Path) -> None:
    """By the API, which is on record, and by the command."""
    other = shop.other("suggest", "event", "train", "privacy", tenant="mill")
    for name, call in calls(other).items():
        if name not in REFUSED:
            assert code_of(call) == (404, "dialect_off"), name
    client, path = shop.world.app.test_client(), "/v1/dialects"
    off = client.put(path, json={"names": []}, headers={"X-API-Key": shop.key})
    assert off.get_json()["names"] == []
    assert code_of(lambda: shop.client.get_recommend(USER)) == (404, "dialect_off")
    on = client.put(path, json={"names": ["gorse"]}, headers={"X-API-Key": shop.key})
    assert (on.get_json()["names"], "gorse" in on.get_json()["possible"]) == (["gorse"], True)
    assert client.put(path, json={"names": ["latin"]}, headers={"X-API-Key": shop.key}).status_code == 422
    home = ["--home", str(tmp_path / "state"), "--tenant", "mill"]

    def said(*words: str) -> str:
        return CliRunner().invoke(dialects, [words[0], *home, *words[1:]]).output

    assert said("on", "gorse") == "gorse is on.\n"
    assert "gorse: on" in said("list")
    assert said("off", "gorse") == "gorse is off.\n"
    assert CliRunner().invoke(dialects, ["on", *home, "latin"]).exit_code != 0
