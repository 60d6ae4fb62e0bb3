"""Replies that come piece by piece: what a listener gets, and when a stream ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest
from flask import Response
from prometheus_client import CollectorRegistry

from plumbing.access.access import Caller
from plumbing.gate.gate import Gate
from plumbing.gate.patience import Patience
from tests.plumbing.gate.test_gate import Exchange
from tests.plumbing.gate.test_head import Head
from tests.plumbing.test_door import House


class Listener(Exchange):
    """A client that listens, and goes away after `patience` pieces."""

    patience = 99

    async def send_bytes(self, data: bytes) -> None:
        if len(self.pieces) >= self.patience:
            raise RuntimeError("the client has gone")
        await super().send_bytes(data)


class Streaming:
    """An application with one stream behind its gate. `told` are the pieces that it sends before it waits."""

    def __init__(self, home: Path) -> None:
        self.house = House(home)
        self.told, self.full, self.ended = [b"one", b"two", b"three"], False, 0
        self.between = asyncio.Event()  # what it waits for after them

        @self.house.door.route(
            "GET", "/stream", scopes=("event",), reply=None, summary="Listen", streams=self.stream
        )
        def listen(caller: Caller) -> Response:
            return Response("all there is", mimetype="text/event-stream")

        self.house.app.register_api(self.house.api)
        self.gate = Gate(self.house.app, self.house.shared.access, CollectorRegistry(), threads=1)
        self.head = Head([("x-api-key", self.house.key)], "GET", "/stream")

    def stream(self, caller: Caller, head: Mapping[str, object]) -> AsyncGenerator[bytes, None] | None:
        return None if self.full else self._pieces()

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            for piece in self.told:
                yield piece
            await self.between.wait()
        finally:
            self.ended += 1

    def listen(self, listener: Listener) -> Listener:
        """Until the stream ends."""
        self.between.set()
        asyncio.run(self.gate.__rsgi__(self.head, listener))
        return listener


@pytest.fixture
def streaming(tmp_path: Path) -> Streaming:
    return Streaming(tmp_path)


def test_every_piece_arrives_with_the_heads_of_a_stream(streaming: Streaming) -> None:
    heard = streaming.listen(Listener())

    assert (heard.status, heard.pieces, streaming.ended) == (200, [b"one", b"two", b"three"], 1)
    assert heard.headers["content-type"].startswith("text/event-stream")
    assert (heard.headers["x-accel-buffering"], heard.headers["cache-control"]) == ("no", "no-store")
    assert "content-length" not in heard.headers


def test_a_client_that_has_gone_ends_its_stream(streaming: Streaming) -> None:
    listener = Listener()
    listener.patience = 1

    assert streaming.listen(listener).pieces == [b"one"]
    assert streaming.ended == 1


def test_a_key_that_is_revoked_hears_nothing_more(streaming: Streaming) -> None:
    listener, access = Listener(), streaming.house.shared.access

    async def heard(data: bytes) -> None:
        listener.pieces.append(data)
        [key] = [row for row in access.keys("mill") if row["key_id"]]
        access.revoke_key("mill", str(key["key_id"]))

    listener.send_bytes = heard  # type: ignore[method-assign]

    assert streaming.listen(listener).pieces == [b"one"]


def test_where_no_more_streams_are_taken_the_route_answers_what_there_is(streaming: Streaming) -> None:
    streaming.full = True
    heard = streaming.listen(Listener())

    assert (heard.status, heard.body, heard.pieces) == (200, b"all there is", [])


def test_a_server_that_stops_ends_its_streams_at_once(streaming: Streaming) -> None:
    listener = Listener()

    async def story() -> None:
        streaming.gate.__rsgi_init__(asyncio.get_running_loop())
        answer = asyncio.ensure_future(streaming.gate.__rsgi__(streaming.head, listener))
        while len(listener.pieces) < 3:
            await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(answer, 5)

    earlier = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        asyncio.run(story())
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    assert streaming.ended == 1


def test_who_waits_when_the_server_stops_gets_the_other_answer_and_nobody_waits_after_that() -> None:
    async def story() -> list[str]:
        patience, never = Patience(), asyncio.Event()

        async def wait() -> str:
            await never.wait()
            return "something happened"

        waiting = asyncio.ensure_future(patience.wait(wait(), "nothing"))
        await asyncio.sleep(0)
        patience.end()
        return [await waiting, await patience.wait(wait(), "nothing")]

    assert asyncio.run(story()) == ["nothing", "nothing"]


def test_a_request_that_is_cancelled_by_its_client_takes_its_waiting_along() -> None:
    async def story() -> bool:
        patience, cancelled = Patience(), asyncio.Event()

        async def wait() -> bool:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise
            return True

        waiting = asyncio.ensure_future(patience.wait(wait(), False))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # now it waits
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return cancelled.is_set()

    assert asyncio.run(story())
