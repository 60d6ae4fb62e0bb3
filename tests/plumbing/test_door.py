"""The checks that every route goes through (the door)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from sqlite3 import OperationalError
from typing import Any

import pytest
from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel
from werkzeug.test import TestResponse

from plumbing import openapi
from plumbing.access.access import Caller
from plumbing.clock import system_clock
from plumbing.describing.deprecation import Deprecation
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.limits import Limits
from plumbing.problem import Problem
from plumbing.shared import Shared
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.state import State


class Parcel(BaseModel):
    """A request body: `name` may be stored, `frames` may not."""

    name: str
    frames: list[str] = []


class Count(BaseModel):
    """A reply: how often the handler ran."""

    done: int


class DiskFull(Problem):
    """The half's own problem for a storage error."""

    code = "storage_full"
    status = 507


class House:
    """An application with one blueprint behind a door, and a key for its routes."""

    def __init__(self, home: Path) -> None:
        self.shared = Shared.open(State(home), system_clock)
        self.done = 0
        self.app = openapi.new_app("Test", "A door and what is behind it.")
        self.api = APIBlueprint("test", __name__)
        self.door = Door(
            self.api,
            access=self.shared.access,
            limits=self.shared.limits,
            once=self.shared.once,
            pictures=("frames",),
            name_errors=self.named,
        )
        self.key = self.shared.access.create_key("mill", ["event", "suggest"], device="kiosk")

    @contextmanager
    def named(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise DiskFull("The disk is full.") from error

    def work(self) -> Body:
        self.done += 1
        return {"done": self.done}

    def post(self, path: str, parcel: dict[str, object], name: str | None = None) -> TestResponse:
        headers = {"X-API-Key": self.key} | ({} if name is None else {"Idempotency-Key": name})
        return self.app.test_client().post(path, json=parcel, headers=headers)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.app.test_client().get(path, headers=headers)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.shared.close()


def test_a_route_gets_the_caller_and_its_validated_parts_and_is_never_cached(house: House) -> None:
    @house.door.route("POST", "/parcels", scopes=("event",), status=201, reply=Count, summary="Take a parcel")
    def take(caller: Caller, body: Parcel) -> Body:
        return {"done": 1, "by": f"{caller.tenant}/{caller.device}", "name": body.name}

    house.app.register_api(house.api)
    reply = house.post("/parcels", {"name": "bread"})

    assert (reply.status_code, reply.mimetype) == (201, "application/json")
    assert reply.get_json() == {"done": 1, "by": "mill/kiosk", "name": "bread"}
    assert reply.headers["Cache-Control"] == "no-store"


def test_the_description_is_made_from_what_the_routes_declare(house: House) -> None:
    @house.door.route("GET", "/both", scopes=("event", "suggest"), token=True, reply=Count, summary="Needs both")
    def both(caller: Caller) -> Body:
        return house.work()

    @house.door.route("GET", "/open", scopes=PUBLIC, reply=Count, other_replies={503: Count}, summary="Needs none")
    def open_to_all() -> Body:
        return house.work()

    house.app.register_api(house.api)
    openapi.publish(house.app)
    paths = house.get("/openapi.json").get_json()["paths"]

    assert paths["/both"]["get"]["security"] == [
        {"api_key": ["event", "suggest"], "token": []},
        {"api_key": ["event", "suggest"]},
    ]
    assert "security" not in paths["/open"]["get"]
    assert set(paths["/open"]["get"]["responses"]) == {"200", "503", "default"}
    assert house.get("/open").get_json() == {"done": 1}
    assert house.get("/both").get_json()["code"] == "key_refused"


def test_a_route_of_a_customers_own_needs_their_token_before_its_body_is_looked_at(house: House) -> None:
    @house.door.route("POST", "/own", scopes=PUBLIC, token=True, reply=Count, summary="Needs a token, no key")
    def own(body: Parcel) -> Body:
        return house.work()

    house.app.register_api(house.api)
    openapi.publish(house.app)
    client = house.app.test_client()
    without = [
        client.post("/own", json={}, headers=headers)
        for headers in ({}, {"X-API-Key": house.key}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer "})
    ]
    signed_in = client.post("/own", json={"name": "bread"}, headers={"Authorization": "Bearer usual-t1.abc"})

    assert {(reply.status_code, reply.get_json()["code"]) for reply in without} == {(401, "sign_in_needed")}
    assert signed_in.get_json() == {"done": 1}
    assert client.get("/openapi.json").get_json()["paths"]["/own"]["post"]["security"] == [{"token": []}]


def test_a_scope_that_does_not_exist_is_an_error_where_the_route_is_defined(house: House) -> None:
    with pytest.raises(ValueError, match="unknown scopes"):
        house.door.route("GET", "/both", scopes=("evnet",), reply=Count, summary="Misspelt")


def test_one_key_does_the_work_once_and_pictures_do_not_count(house: House) -> None:
    @house.door.route("POST", "/parcels", scopes=("event",), reply=Count, summary="Take a parcel")
    def take(caller: Caller, body: Parcel) -> Body:
        return house.work()

    house.app.register_api(house.api)
    first = house.post("/parcels", {"name": "bread", "frames": ["a"]}, "monday")
    again = house.post("/parcels", {"name": "bread", "frames": ["b"]}, "monday")
    other = house.post("/parcels", {"name": "milk"}, "monday")
    without = house.post("/parcels", {"name": "bread"})

    assert [first.get_json(), again.get_json(), without.get_json()] == [{"done": 1}, {"done": 1}, {"done": 2}]
    assert (other.status_code, other.get_json()["code"]) == (409, "idempotency_conflict")


def test_a_reply_that_cannot_be_given_twice_is_a_programming_error(house: House) -> None:
    @house.door.route("POST", "/parcels", scopes=("event",), reply=None, summary="Answer with a page")
    def take(caller: Caller, body: Parcel) -> Response:
        return Response("a page")

    house.app.register_api(house.api)
    house.app.testing = True

    with pytest.raises(TypeError):
        house.post("/parcels", {"name": "bread"}, "monday")


def test_a_limit_is_counted_for_each_key_and_a_public_one_for_each_address(house: House) -> None:
    limit = Limit("parcels", most=2)

    @house.door.route("POST", "/parcels", scopes=("event",), limit=limit, reply=Count, summary="Take a parcel")
    def take(caller: Caller, body: Parcel) -> Body:
        return house.work()

    @house.door.route("GET", "/open", scopes=PUBLIC, limit=limit, reply=Count, summary="Needs no key")
    def open_to_all() -> Body:
        return house.work()

    house.app.register_api(house.api)
    paired = [house.post("/parcels", {"name": "bread"}).status_code for _ in range(3)]
    house.key = house.shared.access.create_key("mill", ["event"])
    strangers = [house.get("/open").status_code for _ in range(3)]

    assert paired == [200, 200, 429]
    assert house.post("/parcels", {"name": "bread"}).status_code == 200, "another key"
    assert strangers == [200, 200, 429]


def test_a_busy_counter_stops_no_order_but_does_stop_who_has_no_key(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> None:
        raise DatabaseBusy

    @house.door.route("GET", "/keyed", scopes=("event",), limit=Limit("a", 9), reply=Count, summary="With a key")
    def keyed(caller: Caller) -> Body:
        return house.work()

    @house.door.route("GET", "/open", scopes=PUBLIC, limit=Limit("a", 9), reply=Count, summary="Needs no key")
    def open_to_all() -> Body:
        return house.work()

    house.app.register_api(house.api)
    monkeypatch.setattr(Limits, "allow", busy)

    assert house.get("/keyed", **{"X-API-Key": house.key}).status_code == 200
    assert house.get("/open").get_json()["code"] == "database_busy"


@pytest.mark.parametrize(
    ("message", "code"), [("database is locked", "database_busy"), ("disk is full", "storage_full")]
)
def test_errors_of_the_storage_have_a_name(house: House, message: str, code: str) -> None:
    @house.door.route("GET", "/stored", scopes=("event",), reply=Count, summary="Read what is stored")
    def stored(caller: Caller) -> Body:
        raise OperationalError(message)

    house.app.register_api(house.api)

    assert house.get("/stored", **{"X-API-Key": house.key}).get_json()["code"] == code


def test_nothing_comes_with_status_204(house: House) -> None:
    @house.door.route("POST", "/parcels", scopes=("event",), status=204, reply=None, summary="Take a parcel")
    def take(caller: Caller, body: Parcel) -> Body:
        return None

    house.app.register_api(house.api)
    replies = [house.post("/parcels", {"name": "bread"}, "monday") for _ in range(2)]

    assert [(reply.status_code, reply.data) for reply in replies] == [(204, b""), (204, b"")]
    assert json.dumps(replies[0].headers.get("Cache-Control")) == '"no-store"'


def test_a_reply_is_for_one_request_alone_whoever_asks(house: House) -> None:
    """Key, bearer, method, path, query and body: with another one of them nobody gets somebody else's reply."""

    @house.door.route("POST", "/parcels", scopes=("event",), reply=Count, summary="Take a parcel")
    def take(caller: Caller, body: Parcel) -> Body:
        return house.work()

    @house.door.route("POST", "/erasures", scopes=("event",), reply=Count, summary="Forget whose token it is")
    def forget(caller: Caller) -> Body:
        return house.work()

    house.app.register_api(house.api)
    client = house.app.test_client()

    def send(path: str, bearer: str, key: str = house.key, **more: object) -> tuple[int, object]:
        headers = {"X-API-Key": key, "Idempotency-Key": "one", "Authorization": f"Bearer {bearer}"}
        reply = client.post(path, headers=headers, **more)
        return reply.status_code, reply.get_json().get("done", reply.get_json().get("code"))

    first = send("/erasures", "ann")
    assert send("/erasures", "ann") == first == (200, 1)
    conflict = (409, "idempotency_conflict")
    assert send("/erasures", "bob") == conflict
    assert send("/erasures?now=1", "ann") == conflict
    assert send("/erasures", "ann", data=b"something") == conflict
    assert send("/parcels", "ann", json={"name": "bread"}) == conflict
    other = house.shared.access.create_key("mill", ["event"], device="kiosk")
    assert send("/erasures", "ann", key=other) == (200, 2), "another key: another request"
    assert house.done == 2


def test_a_reply_is_sealed_with_the_key_in_either_header(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kept reply may hold a token: who has all files of an installation reads none."""
    seals: list[str] = []

    @house.door.route("POST", "/parcels", scopes=("event",), reply=Count, summary="Take a parcel")
    def take(caller: Caller, body: Parcel) -> Body:
        return house.work()

    run = house.shared.once.run

    def watched(*parts: Any, secret: str, **more: Any) -> Any:
        seals.append(secret)
        return run(*parts, secret=secret, **more)

    monkeypatch.setattr(house.shared.once, "run", watched)
    house.app.register_api(house.api)
    for headers in ({"X-API-Key": house.key}, {"Authorization": f"Bearer {house.key}"}):
        sent = headers | {"Idempotency-Key": f"key-{len(seals)}"}
        assert house.app.test_client().post("/parcels", json={"name": "bread"}, headers=sent).status_code == 200
    assert seals == [house.key, house.key]


@pytest.mark.parametrize("name", ["", "x" * 65, "with space", "caf\u00e9", "tab\t", "\x7f"])
def test_an_idempotency_key_has_a_length_and_an_alphabet(house: House, name: str) -> None:
    @house.door.route("POST", "/parcels", scopes=("event",), reply=Count, summary="Take a parcel")
    def take(caller: Caller, body: Parcel) -> Body:
        return house.work()

    house.app.register_api(house.api)
    reply = house.post("/parcels", {"name": "bread"}, name)

    assert (reply.status_code, reply.get_json()["code"]) == (400, "idempotency_key_unusable")
    assert house.post("/parcels", {"name": "bread"}, "!" + "x" * 62 + "~").status_code == 200


def test_a_deprecated_route_says_so_in_its_head_and_in_the_description(house: House) -> None:
    leaving = Deprecation(date(2026, 12, 1), date(2027, 6, 30), instead="take_parcels")

    @house.door.route("GET", "/old", scopes=("event",), reply=Count, summary="Old", deprecated=leaving)
    def take_old_parcel(caller: Caller) -> Body:
        """Takes a parcel in the earlier way."""
        return house.work()

    house.app.register_api(house.api)
    openapi.publish(house.app)
    headers = house.get("/old", **{"X-API-Key": house.key}).headers
    operation = house.get("/openapi.json").get_json()["paths"]["/old"]["get"]

    assert headers["Deprecation"] == "@1796083200"  # the first of December, midnight UTC
    assert headers["Sunset"] == "Wed, 30 Jun 2027 00:00:00 GMT"
    assert headers["Link"] == '</docs>; rel="deprecation"'
    assert operation["deprecated"]
    assert operation["x-sunset"] == "2027-06-30"
    assert "use `take_parcels`" in operation["description"]


def test_a_client_has_half_a_year_at_least() -> None:
    with pytest.raises(ValueError, match="180 days"):
        Deprecation(date(2026, 12, 1), date(2027, 1, 1), instead="take_parcels")
