"""TODO."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint

from plumbing.access import Access, Caller
from plumbing.clock import MINUTE
from plumbing.database import DatabaseBusy
from plumbing.idempotency import Idempotency, Reply
from plumbing.limits import Limits
from recommender.config import RecommenderConfig
from recommender.errors import TokenAltered
from recommender.metrics import RecommenderMetrics
from recommender.schemas import (
    BASE,
    ErasureReply,
    EventsBody,
    EventsReply,
    ScenePath,
    SuggestionsQuery,
    SuggestionsReply,
)
from recommender.service import RecommenderService, SuggestReply, SuggestRequest

Work = Callable[[Caller], tuple[int, Any]]


def bearer() -> str | None:
    """The recognition token of this request, None for a guest.

    Raises:
        TokenAltered: an Authorization header that is no bearer token.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return None
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise TokenAltered
    return token.strip()


@dataclass(frozen=True)
class Door:
    """What every route does before and after its own work: key, limits, idempotency, headers."""

    config: RecommenderConfig
    access: Access
    limits: Limits
    once: Idempotency
    metrics: RecommenderMetrics

    def answer(
        self,
        scope: str,
        work: Work,
        *,
        hold: bool = False,
        limit: str | None = None,
    ) -> Response:
        """Authenticate, count, do `work` (once per Idempotency-Key on a POST) and make the response.

        With `hold` the key and what `work` writes are one transaction.
        """
        caller = self.access.authenticate(request, scope)
        if limit:
            self.count(caller, limit)

        def reply() -> Reply:
            status, body = work(caller)
            return Reply(status, body if body is not None else {})

        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        with busy_is_named():
            made = self.once.run(caller, key, fingerprint(), reply, hold=hold) if key else reply()
        response = jsonify(made.body) if made.status != 204 else Response(status=204)
        response.status_code = made.status
        response.headers["Cache-Control"] = "no-store"
        return response

    def count(self, caller: Caller, what: str) -> None:
        """Count against the key's limit. A busy counter never stands in the way of an order."""
        try:
            self.limits.allow(
                caller.tenant,
                f"{what} of key {caller.key_id}",
                most=self.config.requests_per_minute,
                window_us=MINUTE,
            )
        except DatabaseBusy:
            return


@contextmanager
def busy_is_named() -> Iterator[None]:
    """A read that finds the database locked is as temporary as a write that does.

    Raises:
        DatabaseBusy: in place of SQLite's own error.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise DatabaseBusy from error
        raise


def fingerprint() -> str:
    """What was asked: the route and the body. There are no frames on this side of the wall."""
    body = request.get_json(silent=True)
    told = json.dumps([request.method, request.path, body], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def reply_as_json(told: SuggestReply) -> dict[str, Any]:
    """The reply to a suggestion, as the route and the doorway answer it."""
    return {
        "recommendation_id": told.recommendation_id,
        "scene": told.scene,
        "model_version": told.model_version,
        "fallback": told.fallback,
        "items": list(told.items),
        "took_ms": told.took_ms,
    }


def _suggestion_route(api: APIBlueprint, door: Door, service: RecommenderService) -> None:
    @api.get(
        BASE + "/suggestions/<scene>",
        responses={"200": SuggestionsReply},
        summary="What this customer most likely wants now; without a token, what is popular here and now",
    )
    def suggestions(path: ScenePath, query: SuggestionsQuery) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            context = query.to_context(caller.site)
            told = service.suggest(
                SuggestRequest(caller.tenant, caller.device, path.scene, bearer(), context, query.n)
            )
            door.metrics.suggested(told.scene, told.fallback, told.took_ms)
            return 200, reply_as_json(told)

        return door.answer("suggest", work, limit="suggestions")


def _event_routes(api: APIBlueprint, door: Door, service: RecommenderService) -> None:
    @api.post(
        BASE + "/events",
        responses={"201": EventsReply},
        summary="What happened, one event or a batch; all are stored or none. It counts from the next request on",
    )
    def events(body: EventsBody) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            rows = [event.to_event(index, caller.site) for index, event in enumerate(body.events)]
            new = service.record(caller.tenant, caller.device, bearer(), rows)
            door.metrics.events.inc(new)
            return 201, {"accepted": new, "duplicates": len(rows) - new}

        return door.answer("event", work, hold=True, limit="events")

    @api.post(
        BASE + "/erasures", responses={"200": ErasureReply}, summary="Forget the customer of an erasure token"
    )
    def erasures() -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            token = bearer()
            if token is None:
                raise TokenAltered
            gone = service.erase(token, tenant=caller.tenant)
            door.metrics.erasures.inc()
            return 200, {"erased": True, "events": gone}

        return door.answer("privacy", work)
