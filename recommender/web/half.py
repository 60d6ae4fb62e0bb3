"""Opens the recommender and puts its routes together; the routes stand in the files beside this one."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from prometheus_client import CollectorRegistry

from plumbing.access.access import Access
from plumbing.clock import Clock
from plumbing.closed import ClosedTokens
from plumbing.door import Door
from plumbing.handover import Forgotten, Pull
from plumbing.idempotency import Idempotency
from plumbing.limits import Limits
from plumbing.problem import Remark
from plumbing.settings import Config
from plumbing.shared import Shared
from plumbing.steady import steady
from plumbing.storage.database import Database
from plumbing.storage.state import State
from recommender.assembly import open_stores, trainer_of
from recommender.config import RecommenderConfig
from recommender.desk import pages
from recommender.exchange.checks import MODELS
from recommender.in_flight import InFlight
from recommender.metrics import RecommenderMetrics
from recommender.scenes.registry import OpenScenes, Scenes
from recommender.service import RecommenderService
from recommender.store import open_moments
from recommender.training.retraining import Retraining
from recommender.training.schedule import Scheduler
from recommender.training.trainer import Launch, Trainer
from recommender.web import catalogue, me, offers, peer, sharing, suggestions, training
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
    own_page: me.OwnPageTools
    trains: bool = True  # not at a store box: it serves what the centre has published

    def erase(self, token: str) -> Forgotten:
        """Forget the customer of an erasure token (identity hands it over); what was done, by place."""
        done = self.service.forget(token)
        self.metrics.erasures.inc()
        return done

    def start(self) -> Callable[[], None]:
        """Get ready for the first customer, and train by the schedule; returns what ends it."""
        self.trainer.rows.place.start()
        self.service.warm()
        if not self.trains:
            return lambda: None
        scheduler = self.scheduler()
        scheduler.start()
        return scheduler.stop

    def check(self) -> str | None:
        """Readiness: None when what must be written can be, else a sentence."""
        troubles = (database.trouble() for database in self.databases)
        trouble = next((trouble for trouble in troubles if trouble is not None), None)
        remark = self.trainer.rows.place.trouble()
        return trouble if trouble is not None or remark is None else Remark(remark)

    def scheduler(self) -> Scheduler:
        """The scheduler of trainings, not started."""
        return Scheduler(self.config, self.trainer.models, self.launch, self.now_us, self.retraining)

    def pending(self, tenant: str) -> list[str]:
        """The scenes whose version in force has learned from somebody who was forgotten since."""
        return self.trainer.rows.pending(tenant)

    def request_retraining(self, tenant: str, scenes: Iterable[str] | None = None) -> list[str]:
        """Begin the trainings that are owed to the forgotten; see `Retraining.request`."""
        return self.retraining.request(tenant, scenes)

    @property
    def retraining(self) -> Retraining:
        """Trainings owed to people who were forgotten."""
        return Retraining(self.trainer.rows, self.trainer.models, self.launch, self.now_us)

    def close(self) -> None:
        """Only when no request is running any more."""
        self.service.stores.close()
        self.trainer.rows.place.close()
        for database in self.databases:
            database.close()
        self.service.in_flight.closed.shut()


def open_half(config: Config, shared: Shared) -> RecommenderHalf:
    """The half as the settings of an installation want it. See `build`."""
    return build(
        RecommenderConfig.of(config, shared.token_keys),
        access=shared.access,
        now_us=shared.now_us,
        registry=shared.registry,
        in_flight=_in_flight(config, shared),
    )


def _in_flight(config: Config, shared: Shared) -> InFlight:
    """In one house the list in the state folder is all; a recommender of its own has to hear from identity."""
    closed = ClosedTokens.shared(State.of(config).files("access-files"), shared.token_keys, shared.now_us)
    apart = config.only == "recommender"
    url = config.identity_url if apart else None
    return InFlight(closed, apart=apart, pull=None if url is None else Pull(url, shared.token_keys, closed))


def build(
    config: RecommenderConfig,
    *,
    access: Access,
    now_us: Clock,
    registry: CollectorRegistry | None = None,
    scenes: OpenScenes = Scenes,
    launch: Launch | None = None,
    entropy: int | None = None,
    in_flight: InFlight | None = None,
) -> RecommenderHalf:
    """Open what lies under `config.home` and put the routes together. Starts nothing.

    `entropy` seeds what is drawn at request time; left out, every process draws differently.
    """
    now_us = steady(now_us, config.home)
    stores = open_stores(config)
    stores.rows.place.check_at_start()
    opened = scenes(stores.offers)
    trainer = trainer_of(stores, config, now_us, opened)
    moments = open_moments(config.state)
    service = RecommenderService(
        config,
        stores=stores,
        scenes=opened,
        now_us=now_us,
        entropy=secrets.randbits(64) if entropy is None else entropy,
        sites_of=lambda tenant: {str(key["site"]) for key in access.keys(tenant)} - {""},
        in_flight=in_flight,
    )
    service.forget_rows_everywhere()
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
    limits = Limits(moments, now_us)
    once = Idempotency(stores.database, urlsafe_b64encode(stores.key("replies")), now_us)

    def before_kept() -> None:
        token = suggestions.bearer()
        if token is not None:
            service.require_open(token)

    door = Door(api, access=access, once=once, limits=limits, before_kept=before_kept)
    suggestions.routes(door, suggestions.SuggestTools(service, metrics, config.requests_per_minute))
    for kind in MODELS:
        catalogue.item_routes(door, stores.catalogue, kind)
    offers.offer_routes(door, stores.offers, stores.catalogue, now_us)
    offers.desk_routes(door, stores, trainer)
    sharing.sharing_routes(door, stores.sharing)
    tools = training.TrainingTools(service, trainer, launcher, limits, metrics, config.trainings_per_hour)
    training.routes(door, tools)
    peer.routes(door, service)
    own_page = me.OwnPageTools(service, now_us)
    me.routes(door, own_page)
    pages.pages(api)
    databases = (stores.database, moments)
    return RecommenderHalf(config, service, trainer, api, metrics, databases, launcher, now_us, own_page)
