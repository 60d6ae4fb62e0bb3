"""The gate in front of an application: who is refused before anything is read, and what reaches a route."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import request
from prometheus_client import CollectorRegistry

from plumbing.access.access import Access, Caller
from plumbing.demands import SMALL
from plumbing.door import PUBLIC, Body
from plumbing.gate import body as bodies
from plumbing.gate.gate import Gate
from plumbing.gate.problems import Overloaded
from plumbing.pace import HELD_BY_GATE
from plumbing.serving.leaving import LEAVES, Leaving
from tests.plumbing.gate.test_head import Head
from tests.plumbing.test_door import Count, House, Parcel


@dataclass
class Exchange:
    """One request's body, sent as slowly as the test likes, and its answer."""

    content: bytes = b""
    wait_s: float = 0.0
    read: int = 0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: list[bytes] = field(default_factory=list)

    async def __call__(self) -> bytes:
        await asyncio.sleep(self.wait_s)
        self.read += len(self.content)
        return self.content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await asyncio.sleep(self.wait_s)
        yield self.content

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, {name.lower(): text for name, text in headers}, body

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> Exchange:
        self.status, self.headers = status, {name.lower(): text for name, text in headers}
        return self

    async def send_bytes(self, data: bytes) -> None:
        self.pieces.append(data)

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"])


class Guarded:
    """An application behind its gate."""

    def __init__(self, home: Path) -> None:
        self.house = House(home)

        @self.house.door.route(
            "POST", "/parcels", scopes=("event",), reply=Count, summary="Take a parcel", lane="events"
        )
        def take(caller: Caller, body: Parcel) -> Body:
            return {"done": 1, "by": caller.device, "name": body.name, "host": request.remote_addr}

        @self.house.door.route(
            "POST", "/held", scopes=("event",), reply=Count, summary="Held a while", lane="recognition"
        )
        def hold(caller: Caller, body: Parcel) -> Body:
            request.environ[HELD_BY_GATE] = float(body.name)
            return {"done": 1}

        @self.house.door.route("GET", "/open", scopes=PUBLIC, reply=Count, summary="Needs no key")
        def open_to_all() -> Body:
            return self.house.work()

        @self.house.door.route(
            "POST", "/press", scopes=("event",), reply=Count, summary="Press", prepares="recognition"
        )
        def press(caller: Caller) -> Body:
            return self.house.work()

        self.house.app.register_api(self.house.api)
        self.gate = Gate(self.house.app, self.house.shared.access, CollectorRegistry(), threads=1)
        self.key = ("x-api-key", self.house.key)

    def ask(self, head: Head, exchange: Exchange | None = None) -> Exchange:
        """One request."""
        return self.together([(head, exchange or Exchange())])[0]

    def together(self, requests: list[tuple[Head, Exchange]]) -> list[Exchange]:
        """Several at once."""

        async def story() -> None:
            await asyncio.gather(*(self.gate.__rsgi__(head, exchange) for head, exchange in requests))

        asyncio.run(story())
        return [exchange for _, exchange in requests]

    def post(
        self, content: bytes, *rows: tuple[str, str], wait_s: float = 0.0, length: int | None = None
    ) -> Exchange:
        """A POST to the route with a key."""
        size = str(len(content) if length is None else length)
        head = Head([*rows, ("content-type", "application/json"), ("content-length", size)], path="/parcels")
        return self.ask(head, Exchange(content, wait_s))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    made = Guarded(tmp_path)
    yield made
    made.gate.close()
    made.house.shared.close()


def test_a_request_with_a_key_reaches_its_route(guarded: Guarded) -> None:
    reply = guarded.post(b'{"name": "bread"}', guarded.key)

    assert reply.status == 200
    assert json.loads(reply.body) == {"done": 1, "by": "kiosk", "name": "bread", "host": "127.0.0.1"}
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_an_answer_that_is_held_keeps_no_thread(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread for this kind of work: the second person is served while the first one's answer is held."""
    served: list[str] = []
    waits, sleep = asyncio.Event(), asyncio.sleep

    async def held(seconds: float) -> None:
        if not seconds:  # a body that arrives
            return await sleep(0)
        if seconds == 7.0:  # the first: it goes on when the second is through
            await asyncio.wait_for(waits.wait(), 5)
        waits.set()
        served.append(f"{seconds:g}")

    def press(name: str) -> tuple[Head, Exchange]:
        body = json.dumps({"name": name}).encode()
        rows = [guarded.key, ("content-type", "application/json"), ("content-length", str(len(body)))]
        return Head(rows, path="/held", method="POST"), Exchange(body)

    async def story() -> list[Exchange]:
        asked = [press("7"), press("3")]
        await asyncio.gather(*(guarded.gate.__rsgi__(*one) for one in asked))
        return [exchange for _, exchange in asked]

    monkeypatch.setattr("plumbing.gate.gate.asyncio.sleep", held)
    replies = asyncio.run(story())

    assert [one.status for one in replies] == [200, 200]
    assert served == ["3", "7"]


def test_a_server_that_leaves_says_so_on_every_reply(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers and refusals alike, from the signal on: one that is kept ends with a reply, not within a request."""
    leaving, asked = Leaving(), (Head(path="/open"), Head(path="/parcels", method="POST"))
    monkeypatch.setattr(guarded.gate, "_leaving", leaving)
    before = [guarded.ask(one).headers.get("connection") for one in asked]
    kept = signal.getsignal(LEAVES)
    try:
        leaving.hear()
        signal.raise_signal(LEAVES)
        after = [guarded.ask(one).headers.get("connection") for one in asked]
    finally:
        signal.signal(LEAVES, kept)
    assert (before, after) == ([None, None], ["close", "close"])


def test_a_body_without_a_key_is_never_read(guarded: Guarded) -> None:
    rows = [(), (("x-api-key", "usual-k1-wrong"),), (("x-usual-page", "kiosk"), ("cookie", "usual_kiosk=x"))]

    replies = [guarded.post(b"x" * 1_000_000, *row) for row in rows]

    assert [(reply.status, reply.code, reply.read) for reply in replies] == [(401, "key_refused", 0)] * 3


def test_a_slow_client_without_a_key_is_refused_in_a_moment(guarded: Guarded) -> None:
    began = time.perf_counter()

    reply = guarded.post(b"x", length=1_000, wait_s=60)

    assert reply.status == 401
    assert time.perf_counter() - began < 1


def test_slow_bodies_end_in_time_and_keep_nobody_waiting(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded.gate, "_bodies", bodies.Bodies(first_s=0.1))
    slow = Head([guarded.key, ("content-length", "1000")], path="/parcels")
    times = []

    async def story() -> list[Exchange]:
        waiting = [Exchange(b"x", wait_s=60) for _ in range(50)]
        tasks = [asyncio.create_task(guarded.gate.__rsgi__(slow, one)) for one in waiting]
        await asyncio.sleep(0.01)
        began, quick = time.perf_counter(), Exchange()
        await guarded.gate.__rsgi__(Head(method="GET", path="/open"), quick)
        times.append(time.perf_counter() - began)
        await asyncio.gather(*tasks)
        return [quick, *waiting]

    quick, *waiting = asyncio.run(story())

    assert quick.status == 200
    assert times[0] < 0.1
    assert {(one.status, one.code) for one in waiting} == {(408, "body_too_slow")}


def test_a_body_over_its_routes_limit_is_refused_unread(guarded: Guarded) -> None:
    reply = guarded.post(b"", guarded.key, length=SMALL.most_bytes + 1)

    assert (reply.status, reply.code, reply.read) == (413, "body_too_large", 0)


def test_a_process_holds_so_many_bytes_of_bodies_and_of_one_key_fewer() -> None:
    async def story() -> None:
        held = bodies.Bodies(most_held=20, most_of_one=10)

        async def read(length: int, owner: str) -> int:
            async with held.read(Exchange(b"x" * length), length, owner) as content:
                return len(content)

        async with held.read(Exchange(b"x" * 8), 8, "ann"):
            with pytest.raises(Overloaded):
                await read(3, "ann")
            assert await read(10, "ben") == 10
            async with held.read(Exchange(b"x" * 9), 9, "ben"):
                with pytest.raises(Overloaded):
                    await read(4, "cat")
        assert await read(10, "ann") == 10

    asyncio.run(story())


def test_an_address_that_does_not_exist_is_a_problem_and_its_body_is_not_read(guarded: Guarded) -> None:
    head = Head([("content-length", "5")], path="/nowhere")

    reply = guarded.ask(head, Exchange(b"xxxxx"))

    assert (reply.status, reply.code, reply.read) == (404, "not_found", 0)


def test_a_caller_cannot_be_written_into_a_header(guarded: Guarded) -> None:
    for name in ("usual.caller", "usual-caller", "x-usual-caller"):
        assert guarded.post(b"{}", (name, "kiosk")).status == 401


def test_a_scope_is_needed_before_the_body_is_read(guarded: Guarded) -> None:
    key = guarded.house.shared.access.create_key("mill", ["suggest"])

    reply = guarded.post(b"{}", ("x-api-key", key))

    assert (reply.status, reply.code, reply.read) == (403, "scope_missing", 0)


def test_a_locked_database_of_keys_is_waited_for_elsewhere_and_named(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(times: int) -> Callable[..., Caller]:
        right, tried = Access.authenticate, []

        def authenticate(self: Access, *arguments: object) -> Caller:
            tried.append(1)
            if len(tried) <= times:
                raise sqlite3.OperationalError("database is locked")
            return right(self, *arguments)  # type: ignore[arg-type]  # passed on as they came

        return authenticate

    monkeypatch.setattr(Access, "authenticate", refusing(1))
    once = guarded.post(b'{"name": "bread"}', guarded.key)
    monkeypatch.setattr(Access, "authenticate", refusing(2))
    for_good = guarded.post(b'{"name": "bread"}', guarded.key)

    assert once.status == 200
    assert (for_good.status, for_good.code) == (503, "database_busy")


def test_a_press_for_a_full_lane_is_refused_and_one_that_does_not_say_so_is_not(guarded: Guarded) -> None:
    class Full:
        busy = True

        def refusal(self) -> Overloaded:
            return Overloaded()

    guarded.gate._lanes["recognition"] = Full()  # type: ignore[assignment]  # a lane that is always full
    press = Head([guarded.key], path="/press")
    hinted = Head([guarded.key], path="/press", query_string="for=recognition")

    assert guarded.ask(press).status == 200
    assert (guarded.ask(hinted).status, guarded.ask(hinted).code) == (503, "overloaded")
    assert guarded.ask(hinted).headers["retry-after"] == "1"
    del guarded.gate._lanes["recognition"]


def test_a_request_that_waits_takes_no_thread_and_gets_204_when_nothing_comes(tmp_path: Path) -> None:
    house, held = House(tmp_path), list[str]()

    async def hold(caller: Caller, query: str) -> bool:
        held.append(f"{caller.device} {query}")
        await asyncio.sleep(0.01)
        return query == "since=1"

    @house.door.route("GET", "/news", scopes=("event",), reply=Count, summary="News", holds=hold)
    def news(caller: Caller) -> Body:
        return house.work()

    house.app.register_api(house.api)
    gate = Gate(house.app, house.shared.access, CollectorRegistry(), threads=1)
    key = ("x-api-key", house.key)

    async def ask(query: str) -> Exchange:
        exchange = Exchange()
        await gate.__rsgi__(Head([key], "GET", "/news", query_string=query), exchange)
        return exchange

    nothing, something = asyncio.run(ask("since=2")), asyncio.run(ask("since=1"))
    assert (nothing.status, nothing.body, something.status) == (204, b"", 200)
    assert nothing.headers["cache-control"] == "no-store"
    assert nothing.headers["x-content-type-options"] == "nosniff"
    assert [said.partition(" ")[2] for said in held] == ["since=2", "since=1"]


def test_a_key_that_is_revoked_while_its_request_waits_gets_no_answer(tmp_path: Path) -> None:
    house = House(tmp_path)

    async def hold(caller: Caller, query: str) -> bool:
        house.shared.access.revoke_key(caller.tenant, caller.key_id)
        return True

    @house.door.route("GET", "/news", scopes=("event",), reply=Count, summary="News", holds=hold)
    def news(caller: Caller) -> Body:
        return house.work()

    house.app.register_api(house.api)
    gate = Gate(house.app, house.shared.access, CollectorRegistry(), threads=1)
    exchange = Exchange()
    asyncio.run(gate.__rsgi__(Head([("x-api-key", house.key)], "GET", "/news"), exchange))

    assert (exchange.status, exchange.code) == (401, "key_refused")
