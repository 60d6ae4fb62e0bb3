"""What a screen that waits is told: its settings changed, its menu changed, the visit that it shows has ended.

`GET /v1/events/stream` sends server-sent events; `GET /v1/events` is the same for a client or a proxy that cannot
stream: it waits up to 28 seconds and answers what is new. Both say only that something changed: what it is now,
the screen reads as it always does. Of a person nothing is said but that the token which the screen sent, of the
visit that it shows, is good no more; not why.

An event's id holds the numbers of settings and menu. So a client that comes back with it, to whatever process or
replica, gets what it has missed, and no list of events is kept.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Literal, NamedTuple
from urllib.parse import parse_qs

from flask import Response, request
from prometheus_client import CollectorRegistry, Gauge
from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.clock import Clock
from plumbing.door import Body, Door
from plumbing.query import Query
from plumbing.storage.sqlite import busy_is_named
from plumbing.storage.tenants import of_request
from plumbing.waiting import Waiting, patience_s
from recommender.errors import RecommenderError
from recommender.service import RecommenderService
from recommender.tokens import read
from recommender.web.suggestions import bearer

STREAM, POLL = "/v1/events/stream", "/v1/events"
AGAIN_MS, LATER_MS = 3_000, 20_000
"""After how long a client comes back: when a stream has ended, and when no stream is to be had."""
BEAT_S = 15.0
"""So often a stream says that it is there: less than the time-outs of proxies."""
MOST_OF_KEY = 4
"""Streams of one key: a screen that is loaded again leaves one behind for some seconds."""

EventName = Literal["settings_changed", "menu_changed", "visit_ended"]


class Seen(NamedTuple):
    """What a screen knows: numbers that grow with each change of settings and menu."""

    settings: int
    menu: int

    @classmethod
    def parse(cls, text: str) -> Seen | None:
        """An event's id; None for none, or for something else."""
        first, dot, second = text.partition(".")
        if not dot or len(text) > 40 or not (first.isdecimal() and second.isdecimal()):
            return None
        return cls(int(first), int(second))

    def __str__(self) -> str:
        return f"{self.settings}.{self.menu}"


class NewsQuery(Query):
    """What the screen knows already."""

    since: str = Field(
        "", max_length=40, description="the last event's `id`; a stream takes `Last-Event-ID` as well"
    )


class NewsEvent(BaseModel):
    """One thing that changed."""

    event: EventName


class NewsReply(BaseModel):
    """What changed since `since`, and what to send as `since` the next time."""

    id: str = Field(json_schema_extra={"example": "3.42"})
    events: list[NewsEvent]


class News:
    """One for each process: looks for changes while anybody waits."""

    def __init__(self, service: RecommenderService, now_us: Clock, registry: CollectorRegistry) -> None:
        self._service, self._now_us = service, now_us
        self.waiting = Waiting(self._look)
        self._streams: Counter[str] = Counter()  # by key
        self._wanted: Counter[str] = Counter()  # tenants for whom somebody waits
        self._known: dict[
            str, tuple[Seen, int]
        ] = {}  # by tenant, as last looked at; with the closed tokens' number
        self._marks: Counter[str] = Counter()
        self._looked = 0
        gauge = Gauge("usual_listening_screens", "Screens that wait for news of their house", registry=registry)
        gauge.set_function(lambda: len(self.waiting))

    def now(self, tenant: str) -> Seen:
        """The numbers as they are."""
        events = self._service.events
        with of_request(tenant), busy_is_named():
            numbers = [events.generation(tenant, name) for name in ("screen_settings", "tenant_settings")]
            menu = [events.generation(tenant, name) for name in ("catalogue", "rules")]
        return Seen(sum(numbers), sum(menu))

    def is_over(self, caller: Caller, token: str | None) -> bool:
        """Whether the visit of a token that this device shows has ended. False without a token."""
        if token is None:
            return False
        try:
            claims = read(self._service.config.token_keys, token)
            if (claims.tenant, claims.device) != (caller.tenant, caller.device):
                return True
            if claims.expires_us <= self._now_us():
                return True
            with of_request(caller.tenant), busy_is_named():
                self._service.require_open(token)
        except RecommenderError:
            return True
        return False

    def events(self, caller: Caller, known: Seen | None, now: Seen, token: str | None) -> list[EventName]:
        """What to tell a screen that knows `known`; None: it has just read everything."""
        found: list[EventName] = []
        if known is not None and known.settings != now.settings:
            found.append("settings_changed")
        if known is not None and known.menu != now.menu:
            found.append("menu_changed")
        return [*found, "visit_ended"] if self.is_over(caller, token) else found

    # --- waiting, in the thread of the event loop ---

    async def hold(self, caller: Caller, query: str) -> bool:
        """Wait for a poll with this query string; False: nothing happened in time."""
        known = Seen.parse(parse_qs(query).get("since", [""])[0])
        self._wanted[caller.tenant] += 1
        try:
            mark = self._marks[caller.tenant]
            if known is None or known != await asyncio.to_thread(self._begin, caller.tenant):
                return True
            return await self.waiting.changed(caller.tenant, mark, patience_s())
        finally:
            self._wanted[caller.tenant] -= 1

    def stream(self, caller: Caller, head: Mapping[str, object]) -> AsyncGenerator[bytes, None] | None:
        """The events for a request with this head; None: there are as many streams as there may be."""
        if self.waiting.is_full or self._streams[caller.key_id] >= MOST_OF_KEY:
            return None
        query = parse_qs(str(head.get("QUERY_STRING", ""))).get("since", [""])[0]
        known = Seen.parse(str(head.get("HTTP_LAST_EVENT_ID", "")) or query)
        kind, _, token = str(head.get("HTTP_AUTHORIZATION", "")).partition(" ")
        return self._pieces(caller, known, token.strip() if kind.lower() == "bearer" and token.strip() else None)

    async def _pieces(self, caller: Caller, known: Seen | None, token: str | None) -> AsyncGenerator[bytes, None]:
        tenant = caller.tenant
        self._streams[caller.key_id] += 1
        self._wanted[tenant] += 1
        try:
            yield f"retry: {AGAIN_MS}\n\n".encode()
            while not self.waiting.is_closed:
                mark = self._marks[tenant]
                now = await asyncio.to_thread(self._begin, tenant)
                told = await asyncio.to_thread(self.events, caller, known, now, token)
                if known is None or told:
                    yield as_text(now, told)
                known, token = now, None if "visit_ended" in told else token
                while not await self.waiting.changed(tenant, mark, BEAT_S):
                    yield b": still here\n\n"
                if self.waiting.is_full:
                    return
        finally:
            self._wanted[tenant] -= 1
            self._streams[caller.key_id] -= 1

    def _begin(self, tenant: str) -> Seen:
        """The numbers as they are; from now on `_look` notices what differs from them."""
        closed = self._service.in_flight.closed.generation()
        now = self.now(tenant)
        self._known.setdefault(tenant, (now, closed))
        return now

    def _look(self, highest: int) -> tuple[int, Sequence[tuple[str, int]]]:
        """A new mark for each tenant of which anything changed. In the thread of `Waiting`."""
        closed = self._service.in_flight.closed.generation()
        woken = []
        for tenant in [one for one, count in tuple(self._wanted.items()) if count > 0]:
            found = (self.now(tenant), closed)
            if self._known.setdefault(tenant, found) != found:
                self._looked += 1
                self._marks[tenant] = self._looked
                woken.append((tenant, self._looked))
            self._known[tenant] = found
        return self._looked, woken


def as_text(now: Seen, events: Sequence[EventName]) -> bytes:
    """Events as they are sent; without any, the one that says where the stream begins."""
    names = events or ("listening",)
    return "".join(f"id: {now}\nevent: {name}\ndata: {json.dumps({'event': name})}\n\n" for name in names).encode()


def news_routes(door: Door, news: News) -> None:
    """The stream, and the same without one."""

    @door.route(
        "GET",
        STREAM,
        scopes=("suggest",),
        token=True,
        reply=None,
        streams=news.stream,
        summary="Server-sent events for a screen that waits",
    )
    def stream_events(caller: Caller, query: NewsQuery) -> Response:
        """`settings_changed`, `menu_changed`, and `visit_ended` when a token was sent and is good no more. The
        first event is `listening`; send its `id` as `Last-Event-ID` after a break. Every 15 seconds a comment
        says that the line stands. Where no stream is to be had, the reply ends at once and says when to come back.
        """
        known = Seen.parse(request.headers.get("Last-Event-ID", "") or query.since)
        now = news.now(caller.tenant)
        text = f"retry: {LATER_MS}\n\n".encode() + as_text(now, news.events(caller, known, now, bearer()))
        return Response(text, mimetype="text/event-stream")

    @door.route(
        "GET",
        POLL,
        scopes=("suggest",),
        token=True,
        reply=NewsReply,
        holds=news.hold,
        other_replies={204: None},
        summary="The same for clients that cannot stream: waits up to 28 seconds",
    )
    def poll_events(caller: Caller, query: NewsQuery) -> Body:
        """Without `since` the reply comes at once; send its `id` as `since` the next time. 204: nothing changed.
        A reply may come early and without events: ask again.
        """
        now = news.now(caller.tenant)
        told = news.events(caller, Seen.parse(query.since), now, bearer())
        return {"id": str(now), "events": [{"event": name} for name in told]}
