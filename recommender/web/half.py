"""The recommender over HTTP: suggestions, events, erasures. Catalogue and models have files of their own."""

from __future__ import annotations

import secrets
import sqlite3
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass

from flask_openapi3 import APIBlueprint, Tag
from prometheus_client import CollectorRegistry

from plumbing.access import Access
from plumbing.clock import Clock
from plumbing.database import Database, DatabaseBusy
from plumbing.idempotency import Idempotency
from plumbing.limits import Limits
from recommender.assembly import open_stores, trainer_of
from recommender.config import RecommenderConfig
from recommender.desk import pages as dashboard
from recommender.metrics import RecommenderMetrics
from recommender.scene import Scene
from recommender.scenes.registry import SCENES
from recommender.service import RecommenderService
from recommender.store import open_moments
from recommender.training.schedule import Scheduler
from recommender.training.trainer import Launch, Trainer
from recommender.web import catalogue as web_catalogue
from recommender.web import offers as web_offers
from recommender.web import training as web_training
from recommender.web.suggestions import Door, _event_routes, _suggestion_route
from recommender.worker import launch_process


@dataclass(frozen=True)
class RecommenderHalf:
    """What the doorway gets."""

    config: RecommenderConfig
    service: RecommenderService
    trainer: Trainer
    blueprint: APIBlueprint
    metrics: RecommenderMetrics
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
    service = RecommenderService(
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
    metrics = RecommenderMetrics(registry or CollectorRegistry())
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
