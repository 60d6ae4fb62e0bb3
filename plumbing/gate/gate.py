"""The gate: checks a head, authenticates, reads the body, lets the application answer in a thread of its lane.

It speaks RSGI to granian. Everything here runs in one event loop and waits without a thread; only the work of the
application itself needs one.
"""

from __future__ import annotations

import asyncio
import io
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import structlog
from flask import Flask, Request, Response
from prometheus_client import CollectorRegistry, Counter
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from plumbing.access.access import Access, Caller
from plumbing.demands import Demand, demand_of, too_large
from plumbing.door import CALLER
from plumbing.gate import head, streams
from plumbing.gate.body import Bodies, Sender, drain
from plumbing.gate.head import Environ, Scope, length_of
from plumbing.gate.lanes import REST, Lane, LaneRules, rules_of
from plumbing.gate.patience import Patience
from plumbing.gate.problems import Overloaded
from plumbing.pace import HELD_BY_GATE
from plumbing.problem import Problem
from plumbing.problem_json import reply_to
from plumbing.security import origins
from plumbing.security.access_log import AccessLog
from plumbing.security.headers import protect
from plumbing.serving import memory
from plumbing.serving.leaving import Leaving
from plumbing.storage.database import DatabaseBusy

log = structlog.get_logger(__name__)
Head = list[tuple[str, str]]
Reply = tuple[int, Head, bytes]

SWITCH_S = 0.0005
"""How long a thread that computes may keep the interpreter from others. With Python's own 5 ms, once for each step
of the event loop, every other request would be held up while faces are looked at."""

LOOK_UP = LaneRules(threads=2, most_waiting=64, patience_s=2.0, pressed_s=2.0)
"""For keys at a server, and while a file of keys is locked; otherwise a look-up needs no thread."""


class Exchange(Sender, streams.Streaming, Protocol):
    """One request's body, and the way to answer it (RSGI)."""

    def response_bytes(self, status: int, headers: Head, body: bytes) -> None:
        """Answer."""


class Gate:
    """An RSGI application in front of a Flask application."""

    def __init__(
        self,
        app: Flask,
        access: Access,
        registry: CollectorRegistry,
        *,
        threads: int,
        log: AccessLog | None = None,
    ) -> None:
        """`threads` are for recognition; the other lanes have a few of their own. `log`: of each request."""
        self._app, self._access = app, access
        self._log = log if log is not None and log.is_on else None
        self._addresses = app.url_map.bind("gate")
        self._bodies = Bodies()
        self._shed = Counter(
            "usual_overloaded",
            "Requests refused because their lane was full",
            ["lane"],
            registry=registry,
        )
        count = self._count
        self._lanes = {name: Lane(name, rules, count) for name, rules in rules_of(threads).items()}
        self._look_ups = Lane("keys", LOOK_UP, count)
        self._patience, self._leaving = Patience(), Leaving()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called in the thread of the event loop, before the first request."""
        sys.setswitchinterval(SWITCH_S)
        self._patience.end_with(loop)
        self._leaving.hear()
        memory.keep_trimmed(loop)

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Answer one request."""
        if scope.proto != "http":
            return
        began = time.perf_counter()
        try:
            reply = await self._answer(scope, exchange)
        except Problem as error:
            reply = self._refused(error, scope)
            await drain(exchange, length_of(scope), at_once=isinstance(error, Overloaded))
        if reply is not None:
            answered, headers, content = reply
            exchange.response_bytes(answered, self._leaving.warned(headers), content)
        if self._log is not None:
            status = 200 if reply is None else reply[0]
            self._log.note(scope.method, self._route(scope), status, 1000 * (time.perf_counter() - began))

    def _route(self, scope: Scope) -> str:
        """The route as it is declared, without what was asked for; "-" where there is none of ours."""
        try:
            rule, _ = self._addresses.match(scope.path, method=scope.method, return_rule=True)
        except (HTTPException, RequestRedirect):
            return "-"
        return rule.rule

    async def _answer(self, scope: Scope, exchange: Exchange) -> Reply | None:
        """The answer; None when it was sent already, piece by piece."""
        headers = head.check(scope)
        environ = head.environ_of(scope, headers)
        length = length_of(scope)
        demand = self._demand(scope)
        lane = self._lanes[REST if demand is None else demand.lane]
        if demand is None:
            if length:  # nothing reads it
                await drain(exchange, length)
                del environ["CONTENT_LENGTH"]
            return await lane.run(partial(self._serve, environ, b""))
        owner = ""
        if demand.scopes is not None and scope.method != "OPTIONS":
            caller = await self._caller(environ, demand.scopes)
            if demand.holds is not None and scope.method == "GET":
                if not await self._patience.wait(demand.holds(caller, scope.query_string), False):
                    return self._said(Response(status=204, headers={"Cache-Control": "no-store"}), scope)
                caller = await self._caller(environ, demand.scopes)  # it may have been revoked meanwhile
            if demand.streams is not None and scope.method == "GET":
                pieces = demand.streams(caller, environ)
                if pieces is not None:
                    still = partial(self._caller, environ, demand.scopes)
                    await streams.send(exchange, self._stream_head(scope), pieces, still, self._patience)
                    return None
            environ[CALLER], owner = caller, f"{caller.tenant} {caller.key_id}"
        if length > demand.size.most_bytes:
            raise too_large(demand.size)
        if lane.busy:
            raise lane.refusal()
        if demand.prepares is not None and scope.query_string == f"for={demand.prepares}":
            following = self._lanes[demand.prepares]
            if following.busy:
                raise following.refusal()
        if not length:
            return await lane.run(partial(self._serve, environ, b""))
        environ[HELD_BY_GATE] = 0.0
        async with self._bodies.read(exchange, length, owner) as body:
            reply = await lane.run(partial(self._serve, environ, body))
        held_s = environ[HELD_BY_GATE]
        if isinstance(held_s, float) and held_s:
            await asyncio.sleep(held_s)
        return reply

    def _demand(self, scope: Scope) -> Demand | None:
        """What the route of this request demands; None where there is no route of ours."""
        try:
            endpoint, _ = self._addresses.match(scope.path, method=scope.method)
        except (HTTPException, RequestRedirect):
            return None
        return demand_of(self._app, endpoint)

    async def _caller(self, environ: Environ, scopes: tuple[str, ...]) -> Caller:
        """Whose key it is. Raises KeyRefused, ScopeMissing; DatabaseBusy, Overloaded while no key can be read."""
        request = Request(environ)
        look_up = partial(self._access.authenticate, request, *scopes)
        if self._access.is_near:
            with suppress(sqlite3.Error, DatabaseBusy):  # locked: wait for it elsewhere, not in the way of others
                return look_up()
        try:
            return await self._look_ups.run(look_up)
        except sqlite3.Error as error:
            log.error("keys_unreadable", why=type(error).__name__)
            raise DatabaseBusy from error

    def _serve(self, environ: Environ, body: bytes) -> Reply:
        """The application's answer. In a thread of a lane."""
        environ["wsgi.input"] = io.BytesIO(body)
        started: list[Any] = []

        def start_response(
            status: str,
            headers: Head,
            exc_info: object = None,
            /,
        ) -> Callable[[bytes], object]:
            started[:] = (int(status[:3]), headers)
            return lambda _: None  # nobody writes before the first piece

        chunks: Iterable[bytes] = self._app(environ, start_response)
        try:
            content = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = started
        return status, headers, content

    def _refused(self, error: Problem, scope: Scope) -> Reply:
        return self._said(reply_to(error), scope)

    def _stream_head(self, scope: Scope) -> Head:
        _, headers, _ = self._said(Response(mimetype="text/event-stream", headers=streams.HEADERS), scope)
        return [(name, value) for name, value in headers if name.lower() != "content-length"]

    def _said(self, response: Response, scope: Scope) -> Reply:
        """What the gate says by itself, with the headers of every reply."""
        origin = next((value for name, value in scope.headers.items() if name == "origin"), None)
        origins.of(self._app).mark(protect(response), self._app, origin, scope.method, scope.path)
        return response.status_code, list(response.headers.items()), response.get_data()

    def _count(self, lane: str) -> None:
        self._shed.labels(lane).inc()

    def close(self) -> None:
        """Wait for what runs, before what it works with is closed."""
        for lane in (*self._lanes.values(), self._look_ups):
            lane.close()
