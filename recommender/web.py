"""The recommender over HTTP: suggestions, events, erasures. Catalogue and models have files of their own."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request
from flask_openapi3 import APIBlueprint, Tag
from prometheus_client import CollectorRegistry

from plumbing.access import Access, Caller
from plumbing.clock import MINUTE, Clock
from plumbing.database import Database, DatabaseBusy
from plumbing.idempotency import Idempotency, Reply
from plumbing.limits import Limits
from recommender import dashboard, web_catalogue, web_offers, web_training
from recommender.config import RecommenderConfig
from recommender.errors import TokenAltered
from recommender.metrics import Metrics
from recommender.opening import open_stores, trainer_of
from recommender.scenes.base import Scene
from recommender.scenes.registry import SCENES
from recommender.schedule import Scheduler
from recommender.service import Asked, Service, Told
from recommender.store import open_moments
from recommender.training import Launch, Trainer
from recommender.web_models import (
    BASE,
    ErasureReply,
    EventsBody,
    EventsReply,
    ScenePath,
    SuggestionsQuery,
    SuggestionsReply,
)
from recommender.worker import launch_process

Work = Callable[[Caller], tuple[int, Any]]


@dataclass(frozen=True)
class RecommenderHalf:
    """What the doorway gets."""

    config: RecommenderConfig
    service: Service
    trainer: Trainer
    blueprint: APIBlueprint
    metrics: Metrics
    databases: tuple[Database, ...]
    launch: Launch
    now_us: Clock

    def erase(self, token: str) -> None:
        """Forget the customer of an erasure token (identity hands it over)."""
        self.service.erase(token)
        self.metrics.erasures.inc()

    def check(self) -> str | None:
        """Readiness: None when the database answers, else a sentence."""
        try:
            self.service.events.generation("", "catalogue")
        except (DatabaseBusy, sqlite3.OperationalError) as error:
            return f"the recommender's database does not answer: {error}"
        return None

    def scheduler(self) -> Scheduler:
        """For whoever serves to start; nothing runs by itself before that."""
        return Scheduler(self.config, self.trainer.models, self.launch, self.now_us)

    def close(self) -> None:
        """Only when no request is running any more."""
        for database in self.databases:
            database.close()


def build(
    config: RecommenderConfig,
    *,
    access: Access,
    now_us: Clock,
    registry: CollectorRegistry | None = None,
    scenes: Mapping[str, Scene] = SCENES,
    launch: Launch | None = None,
    entropy: int | None = None,
) -> RecommenderHalf:
    """Open what lies under `config.home` and put the routes together. Starts nothing.

    `entropy` seeds what is drawn at request time; left out, every process draws differently.
    """
    stores = open_stores(config)
    trainer = trainer_of(stores, config, now_us, scenes)
    moments = open_moments(config.home)
    service = Service(
        config,
        stores=stores,
        scenes=scenes,
        now_us=now_us,
        entropy=secrets.randbits(64) if entropy is None else entropy,
    )
    api = APIBlueprint(
        "recommender",
        __name__,
        static_folder="static/recommender",
        static_url_path="/recommender/static",
        template_folder="templates",
        abp_tags=[Tag(name="recommender", description="Suggestions, events, catalogue, models")],
    )
    metrics = Metrics(registry or CollectorRegistry())
    launcher = launch or launch_process(config, trainer.models, now_us)
    door = Door(
        config=config,
        access=access,
        limits=Limits(moments, now_us),
        once=Idempotency(stores.database, urlsafe_b64encode(stores.key("replies")), now_us),
        metrics=metrics,
    )
    _suggestion_route(api, door, service)
    _event_routes(api, door, service)
    for kind in web_catalogue.MODELS:
        web_catalogue.item_routes(api, door.answer, stores.catalogue, kind)
    web_offers.offer_routes(api, door.answer, stores.offers, stores.catalogue, now_us)
    web_offers.desk_routes(api, door.answer, stores, trainer)
    web_training.routes(api, door, service, trainer, launcher)
    dashboard.pages(api)
    return RecommenderHalf(config, service, trainer, api, metrics, (stores.database, moments), launcher, now_us)


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
    metrics: Metrics

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
        with said_as_busy():
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
def said_as_busy() -> Iterator[None]:
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


def told_as_json(told: Told) -> dict[str, Any]:
    """The reply to a suggestion, as the route and the doorway answer it."""
    return {
        "recommendation_id": told.recommendation_id,
        "scene": told.scene,
        "model_version": told.model_version,
        "fallback": told.fallback,
        "items": list(told.items),
        "took_ms": told.took_ms,
    }


def _suggestion_route(api: APIBlueprint, door: Door, service: Service) -> None:
    @api.get(
        BASE + "/suggestions/<scene>",
        responses={"200": SuggestionsReply},
        summary="What this customer most likely wants now; without a token, what is popular here and now",
    )
    def suggestions(path: ScenePath, query: SuggestionsQuery) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            context = query.to_context(caller.site)
            told = service.suggest(Asked(caller.tenant, caller.device, path.scene, bearer(), context, query.n))
            door.metrics.suggested(told.scene, told.fallback, told.took_ms)
            return 200, told_as_json(told)

        return door.answer("suggest", work, limit="suggestions")


def _event_routes(api: APIBlueprint, door: Door, service: Service) -> None:
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
