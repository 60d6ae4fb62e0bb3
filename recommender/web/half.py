"""Opens the recommender and puts its routes together; the routes stand in the files beside this one."""

from __future__ import annotations

import atexit
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from prometheus_client import CollectorRegistry

from plumbing.access.access import Access
from plumbing.clock import Clock
from plumbing.closed import ClosedTokens
from plumbing.describing.later import Api
from plumbing.door import Door
from plumbing.handover import Forgotten, Pull
from plumbing.idempotency import Idempotency
from plumbing.limits import Limits
from plumbing.people.people import People
from plumbing.problem import Problem, Remark
from plumbing.settings import Config
from plumbing.shared import Shared
from plumbing.steady import steady
from plumbing.storage.database import Database
from plumbing.storage.free_space import Cleaning
from plumbing.storage.state import State
from plumbing.upgrade import aside
from recommender.assembly import open_stores, trainer_of, zones_of
from recommender.config import RecommenderConfig
from recommender.desk.attention_mails import AttentionMails, MailServer
from recommender.desk.overview import DeskTools
from recommender.desk.rounds import Rounds
from recommender.desk.versions import NameOf, by_id
from recommender.in_flight import InFlight
from recommender.metrics import RecommenderMetrics
from recommender.scenes.registry import OpenScenes, Scenes
from recommender.service import RecommenderService
from recommender.store import open_moments
from recommender.store.acceptance import DailyAcceptance
from recommender.training.retraining import Retraining
from recommender.training.schedule import Duty, Scheduler
from recommender.training.trainer import Launch, Trainer
from recommender.training.watch import VersionWatch
from recommender.web import images, me, suggestions
from recommender.web.all_routes import put_on
from recommender.web.news import News
from recommender.web.training import TrainingTools
from recommender.worker import launch_process


@dataclass(frozen=True)
class Duties:
    """What the leader of the schedule looks after besides."""

    each: tuple[Duty, ...]

    def look(self) -> None:
        """Look after each of them."""
        for duty in self.each:
            duty.look()


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
    desk: DeskTools
    news: News
    mail: MailServer | None = None
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
        rounds = self.rounds()
        stop_cleaning = Cleaning(self.databases, partial(aside.clean, self.config.home)).start()
        rounds.start()
        stops = [rounds.stop, stop_cleaning]
        if self.trains:
            scheduler = self.scheduler()
            stops = [scheduler.stop, *stops, self.service.experimenting.start()]
            scheduler.start()

        def stop() -> None:
            for one in stops:
                one()

        return stop

    def rounds(self) -> Rounds:
        """What the desk does beside the requests, not started."""
        stores = self.service.stores
        send = None if self.mail is None else self.mail.send
        mails = AttentionMails(
            stores.attention_mails, self.now_us, send, lambda tenant: stores.tenants.get(tenant).languages[0]
        )
        return Rounds(self.config.state, self.desk, mails, self.service.tenants, self.now_us)

    def check(self) -> str | None:
        """Readiness: None when what must be written can be, else a sentence."""
        troubles = (database.trouble() for database in self.databases)
        trouble = next((trouble for trouble in troubles if trouble is not None), None)
        remark = self.trainer.rows.place.trouble() or self.service.caches.rules_trouble()
        return trouble if trouble is not None or remark is None else Remark(remark)

    def scheduler(self) -> Scheduler:
        """The scheduler of trainings, not started."""
        zone_of, duties = zones_of(self.service.stores), Duties((self.retraining, self.watch))
        return Scheduler(self.config, self.trainer.models, self.launch, self.now_us, duties, zone_of)

    def pending(self, tenant: str) -> list[str]:
        """The scenes whose version in force has learned from somebody who was forgotten since."""
        return self.trainer.rows.pending(tenant)

    def request_retraining(self, tenant: str, scenes: Iterable[str] | None = None) -> list[str]:
        """Begin the trainings that are owed to the forgotten; see `Retraining.request`."""
        return self.retraining.request(tenant, scenes)

    @property
    def watch(self) -> VersionWatch:
        """The automatic roll-back, by the daily figures."""
        trainer = self.trainer
        stores = self.service.stores
        acceptance = DailyAcceptance(stores.database, lambda tenant: stores.tenants.get(tenant).zone)
        return VersionWatch(trainer.pins, trainer.notes, acceptance, self.now_us)

    @property
    def retraining(self) -> Retraining:
        """Trainings owed to people who were forgotten."""
        return Retraining(self.trainer.rows, self.trainer.models, self.launch, self.now_us)

    def close(self) -> None:
        """Only when no request is running any more."""
        self.news.waiting.close()
        atexit.unregister(self.news.waiting.close)
        self.desk.kept.close()
        self.service.figures.write()
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
        name_of=_names(shared.access, shared.people),
        mail=MailServer.of(config),
    )


def _names(access: Access, people: People) -> NameOf:
    """What to call who changed something: a user of the desk by their name, a key by its device."""

    def name_of(tenant: str, who: str) -> str:
        kind, _, one = who.partition(":")
        if kind == "user":
            with suppress(Problem):
                user = people.user(tenant, one)
                return user.display or user.name
        if kind == "key":
            devices = (str(key.get("device") or "") for key in access.keys(tenant) if key.get("key_id") == one)
            return next(devices, "") or one
        return by_id(tenant, who)

    return name_of


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
    name_of: NameOf = by_id,
    mail: MailServer | None = None,
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
    service.settle_rest()
    api = Api(
        "recommender",
        __name__,
        abp_tags=[Tag(name="recommender", description="Suggestions, events, catalogue, models")],
    )
    registry = registry or CollectorRegistry()
    metrics = RecommenderMetrics(registry)
    launcher = launch or launch_process(config, trainer.models, now_us)
    limits = Limits(moments, now_us)
    once = Idempotency(stores.database, urlsafe_b64encode(stores.key("replies")), now_us)

    def before_kept() -> None:
        token = suggestions.bearer()
        if token is not None:
            service.require_open(token)

    door = Door(api, access=access, once=once, limits=limits, before_kept=before_kept)
    own_page = me.OwnPageTools(service, now_us)
    screens_news = News(service, now_us, registry)
    atexit.register(screens_news.waiting.close)
    tools = TrainingTools(service, trainer, launcher, limits, metrics, config.trainings_per_hour, name_of)
    desk_tools = put_on(door, tools, own_page, screens_news)
    images.image_files(api, stores.images)
    databases = (stores.database, moments)
    return RecommenderHalf(
        config,
        service,
        trainer,
        api,
        metrics,
        databases,
        launcher,
        now_us,
        own_page,
        desk_tools,
        screens_news,
        mail,
    )
