"""Routes of suggestions, events and erasures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from flask import request

from plumbing.access.access import KEY_PREFIX, Caller
from plumbing.access.record import note_change
from plumbing.door import Body, Door, Limit
from plumbing.handover import acknowledgement
from plumbing.peers import is_signed
from plumbing.problem import Problem
from recommender.errors import TokenAltered
from recommender.metrics import RecommenderMetrics
from recommender.recording import Sender
from recommender.scene import Event
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
from recommender.web.codes import EVENT, MOMENT, REDEMPTION
from recommender.web.sizes import EVENTS


@dataclass(frozen=True)
class SuggestTools:
    """What these routes work with."""

    service: RecommenderService
    metrics: RecommenderMetrics
    requests_per_minute: int
    """Of each API key, for suggestions and for events; stops a device that runs wild."""


def routes(door: Door, tools: SuggestTools) -> None:
    """Put the routes on the door."""
    _suggestion_route(door, tools)
    _event_route(door, tools)
    _erasure_route(door, tools)


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
    if token.startswith(KEY_PREFIX) and "X-API-Key" not in request.headers:
        return None  # it is the caller's key
    return token.strip()


def sender_of(caller: Caller) -> Sender:
    """Who sends: the device of the key, or the key itself where it has none."""
    return Sender(
        name=caller.device or f"key {caller.key_id}",
        site=caller.site,
        in_bulk=bool(caller.scopes & {"train", "admin"}),
    )


def reply_as_json(reply: SuggestReply) -> dict[str, object]:
    """The reply to a suggestion, as the route and the doorway answer it."""
    return {
        "recommendation_id": reply.recommendation_id,
        "scene": reply.scene,
        "model_version": reply.model_version,
        "fallback": reply.fallback,
        "items": list(reply.items),
        "generation": reply.generation,
        "took_ms": reply.took_ms,
    }


def refused_as_json(events: Sequence[Event], refused: Mapping[int, Problem]) -> list[dict[str, object]]:
    """What was refused of a batch, each with its code."""
    return [
        {
            "index": index,
            "event_id": events[index].event_id,
            "code": problem.code,
            "detail": problem.detail,
            "missing": problem.extra.get("missing"),
        }
        for index, problem in refused.items()
    ]


def _suggestion_route(door: Door, tools: SuggestTools) -> None:
    @door.route(
        "GET",
        BASE + "/suggestions/<scene>",
        scopes=("suggest",),
        token=True,
        limit=Limit("suggestions", tools.requests_per_minute),
        lane="suggestions",
        reply=SuggestionsReply,
        summary="What this customer most likely wants now; without a token, what is popular here and now",
        errors=MOMENT,
    )
    def suggest(caller: Caller, path: ScenePath, query: SuggestionsQuery) -> Body:
        """With a customer's token in `Authorization: Bearer` what they most likely want now; without one, what
        is popular here and now (`fallback` says why). Send `recommendation_id` back with the events.
        """
        context = query.to_context(caller.site)
        reply = tools.service.suggest(
            SuggestRequest(
                caller.tenant, caller.device, path.scene, bearer(), context, query.n, sender_of(caller).name
            )
        )
        tools.metrics.suggested(reply.scene, reply.fallback, reply.took_ms)
        return reply_as_json(reply)


def _event_route(door: Door, tools: SuggestTools) -> None:
    @door.route(
        "POST",
        BASE + "/events",
        scopes=("event",),
        token=True,
        limit=Limit("events", tools.requests_per_minute),
        one_transaction=True,
        size=EVENTS,
        lane="events",
        status=201,
        reply=EventsReply,
        summary="What happened, one event or a batch; all are stored or none. It counts from the next request on",
        errors=(*EVENT, *REDEMPTION, *MOMENT, "outbox_closed", "not_of_this_box"),
    )
    def record_events(caller: Caller, body: EventsBody) -> Body:
        """One event or a batch of up to 1,000, all stored or none. An `event_id` counts once: it is safe to send
        a batch again. With a customer's token the events are theirs, without one a guest's.
        """
        sender = sender_of(caller)
        rows = [event.to_event(index, caller.site, sender=sender.name) for index, event in enumerate(body.events)]
        done = tools.service.take(caller.tenant, caller.device, bearer(), rows, sender)
        tools.metrics.events.inc(done.new)
        reply: dict[str, object] = {"accepted": done.new, "duplicates": done.duplicates}
        if done.problems:
            reply["problems"] = [asdict(problem) for problem in done.problems]
        return reply | ({"refused": refused_as_json(rows, done.refused)} if done.refused else {})


def _erasure_route(door: Door, tools: SuggestTools) -> None:
    @door.route(
        "POST",
        BASE + "/erasures",
        scopes=("privacy",),
        token=True,
        lane="privacy",
        reply=ErasureReply,
        summary="Forget the customer of an erasure token",
        errors=("erasure_not_remembered",),
    )
    def erase_customer(caller: Caller) -> Body:
        """For identity in a process of its own: everything of the customer is erased here, and the answer is
        signed.
        """
        token, keys = bearer(), tools.service.config.token_keys
        if token is None:
            raise TokenAltered
        note_change("customer")  # whose erasure it is stands nowhere
        challenge = request.headers.get("X-Usual-Challenge", "")
        # Identity signs its question: then the token says whose erasure it is, and one key serves all tenants.
        ours = is_signed(keys, request.headers.get("X-Usual-Signature"), "erasure question", challenge, token)
        done = tools.service.forget(token, tenant=None if ours else caller.tenant)
        tools.metrics.erasures.inc()
        if not ours:
            return {"erased": True, "events": done.events}
        return {"erased": True, "acknowledgement": acknowledgement(keys, challenge, token, done), **done.to_json()}
