"""What a screen that waits is told, by stream and by poll: that something changed, and nothing about anybody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

from plumbing.access.access import Caller
from plumbing.demands import Demand, demand_of
from recommender.web.news import MOST_OF_KEY, Seen
from tests.recommender.service_fixtures import World

KIOSK = Caller("grill", "kiosk-key", "kiosk-1", "", frozenset({"suggest"}))
BURGER = {"item_id": "burger", "name": "Burger", "category": "grill", "price": 980}
SOON_S = 10.0


def put(world: World, price: int) -> None:
    assert world.call("PUT", "/items/burger", key="desk", json={**BURGER, "price": price}).status_code == 200


def get(world: World, path: str, token: str | None = None, **headers: str) -> Any:
    sent = {"X-API-Key": world.keys["kiosk"]} | {name.replace("_", "-"): text for name, text in headers.items()}
    if token:
        sent["Authorization"] = f"Bearer {token}"
    return world.client.get(path, headers=sent)


def poll(world: World, since: str = "", token: str | None = None) -> tuple[str, list[str]]:
    """(id, events) of a poll."""
    reply = get(world, f"/v1/events?since={since}", token).json
    return reply["id"], [row["event"] for row in reply["events"]]


def of_text(text: str) -> list[tuple[str, str]]:
    """(id, event) of a stream's text."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
    events = [block for block in blocks if "event" in block]
    assert all(json.loads(block["data"]) == {"event": block["event"]} for block in events)
    return [(block["id"], block["event"]) for block in events]


def demand(world: World, name: str) -> Demand:
    found = demand_of(world.app, f"recommender.{name}")
    assert found is not None
    return found


def stream(world: World, since: str = "", token: str = "") -> AsyncGenerator[bytes, None]:
    head = {"HTTP_LAST_EVENT_ID": since, "HTTP_AUTHORIZATION": f"Bearer {token}"}
    open_stream = demand(world, "stream_events").streams
    assert open_stream is not None
    pieces = open_stream(KIOSK, head)
    assert pieces is not None
    return pieces


def test_a_poll_says_what_changed_since_it_was_asked(world: World) -> None:
    known, told = poll(world)
    assert told == []
    put(world, 1180)
    later, told = poll(world, known)
    assert told == ["menu_changed"]
    assert poll(world, later) == (later, [])
    theme = {"theme": "dark"}
    assert world.call("PUT", "/desk/screen", key="desk", json=theme).status_code == 200
    assert poll(world, later)[1] == ["settings_changed"]
    assert poll(world, "nonsense")[1] == []  # as one who has just read everything


def test_a_stream_tells_at_once_what_changes_while_it_is_open(world: World) -> None:
    async def story() -> list[tuple[str, str]]:
        heard: list[tuple[str, str]] = []
        pieces = stream(world)
        assert (await anext(pieces)).startswith(b"retry: ")
        heard += of_text((await anext(pieces)).decode())
        following = asyncio.ensure_future(anext(pieces))
        await asyncio.to_thread(put, world, 1200)
        heard += of_text((await asyncio.wait_for(following, SOON_S)).decode())
        await pieces.aclose()
        return heard

    (_, first), (last_id, second) = asyncio.run(story())
    assert (first, second) == ("listening", "menu_changed")
    assert poll(world, last_id)[1] == []


def test_who_comes_back_with_the_last_id_gets_what_was_missed(world: World) -> None:
    known, _ = poll(world)
    put(world, 1210)

    async def story() -> bytes:
        pieces = stream(world, known)
        await anext(pieces)
        found = await anext(pieces)
        await pieces.aclose()
        return found

    assert [event for _, event in of_text(asyncio.run(story()).decode())] == ["menu_changed"]


def test_a_screen_learns_that_its_visit_has_ended_and_not_why(world: World) -> None:
    token = world.token("ann")
    known, told = poll(world, token=token)
    assert told == []
    world.half.service.in_flight.closed.close("grill", "ann")  # as identity does when somebody opts out

    async def story() -> bytes:
        pieces = stream(world, known, token)
        await anext(pieces)
        found = await anext(pieces)
        await pieces.aclose()
        return found

    assert poll(world, known, token)[1] == ["visit_ended"]
    assert [event for _, event in of_text(asyncio.run(story()).decode())] == ["visit_ended"]
    assert poll(world, known, world.token("bob", device="kiosk-9"))[1] == [
        "visit_ended"
    ]  # no other device's visit
    assert poll(world, known, world.token("bob"))[1] == []


def test_without_the_gate_a_stream_says_what_there_is_and_when_to_come_back(world: World) -> None:
    known, _ = poll(world)
    put(world, 1220)
    reply = get(world, "/v1/events/stream", Last_Event_ID=known)

    assert reply.mimetype == "text/event-stream"
    assert reply.text.startswith("retry: 20000\n\n")
    assert [event for _, event in of_text(reply.text)] == ["menu_changed"]


def test_one_key_has_so_many_streams_and_gets_room_again_when_one_ends(world: World) -> None:
    open_stream = demand(world, "stream_events").streams
    assert open_stream is not None

    async def story() -> tuple[bool, bool]:
        held = [stream(world) for _ in range(MOST_OF_KEY)]
        for pieces in held:
            await anext(pieces)
        full = open_stream(KIOSK, {}) is None
        await held[0].aclose()
        again = open_stream(KIOSK, {})
        for pieces in held:
            await pieces.aclose()
        return full, again is not None

    assert asyncio.run(story()) == (True, True)


def test_a_poll_waits_until_something_changes(world: World) -> None:
    hold = demand(world, "poll_events").holds
    assert hold is not None
    known, _ = poll(world)

    async def story() -> tuple[bool, bool]:
        at_once = await hold(KIOSK, "since=0.999999")
        waiting = asyncio.ensure_future(hold(KIOSK, f"since={known}"))
        await asyncio.sleep(0.05)
        still = not waiting.done()
        await asyncio.to_thread(put, world, 1230)
        return at_once and still, await asyncio.wait_for(waiting, SOON_S)

    assert asyncio.run(story()) == (True, True)


def test_ids_are_read_back_and_nonsense_is_none() -> None:
    assert Seen.parse(str(Seen(3, 42))) == Seen(3, 42)
    for text in ("", "3", "3.", "x.1", "1.2.3", "9" * 50 + ".1", "-1.2", "²." + "1"):
        assert Seen.parse(text) is None
