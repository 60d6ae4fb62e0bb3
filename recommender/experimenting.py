"""Which variant of an experiment a request gets, and what is counted of it.

Choosing reads nothing but what is in memory, and one hash. What happened is noted in memory and put into the
database beside the requests (`flush`); a process that is killed loses some seconds of it, of every variant alike.
Guests, customers without the consent, and whoever is not in the experiment get what is live and are not counted.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.closed import ClosedTokens, ClosedUnusable, visit_of
from plumbing.problem import Problem
from plumbing.storage.database import DatabaseBusy, DatabaseUnusable
from plumbing.storage.room import DiskFull
from recommender.caches import LoadedModel
from recommender.experiments.assignment import layer_point, unit_of, variant_at
from recommender.experiments.errors import UnknownExperiment
from recommender.experiments.plan import MODEL, RULES, Experiment, Variant
from recommender.in_flight import OWN_DATA
from recommender.ranking.dayparts import daypart_name
from recommender.scene import Answer, Context, Event, Item, OfferChanges, Request
from recommender.store.events import EventStore
from recommender.store.experiment_visits import Done, Seen, Who
from recommender.store.experiments import GENERATION, ExperimentStore
from recommender.store.offers import OfferStore
from recommender.store.version_places import Place
from recommender.store.versions import VersionStore
from recommender.tokens import Claims

MOST_NOTED = 20_000
"""Kept while the database does not answer; then the oldest go."""

FLUSH_S = 2.0
LOOK_AGAIN_US = MINUTE
"""So often it is looked whether every variant can still be shown."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The variant that a customer gets. It is not stored."""

    experiment: Experiment
    variant: Variant
    who: Who
    visit: str = ""
    until_us: int = 0  # the life of the token; of a customer's own page 0: that is no visit

    @property
    def version(self) -> str | None:
        """The version of the model in place of the live one."""
        return self.variant.version if self.variant.kind == MODEL else None

    @property
    def rules(self) -> Mapping[str, Any] | None:
        """The document of rules in place of the published one, as JSON; None: the published one."""
        return self.variant.rules if self.variant.kind == RULES else None

    @property
    def offers(self) -> OfferChanges:
        """What is different in how offers are decided."""
        return OfferChanges(self.variant.share, dict(self.variant.settings), frozenset(self.variant.off))


@dataclass(frozen=True, slots=True)
class _Running:
    """The running experiments of a tenant, as they were when `stamp` was made."""

    stamp: tuple[int, int]
    by_scene: Mapping[str, tuple[tuple[Experiment, str], ...]]


class RulesPort(Protocol):
    """What experiments need of the rules of scenes. A variant keeps the document itself, as JSON."""

    def content(self, tenant: str, name: str) -> Mapping[str, Any] | None:
        """The document of this name: "draft", or the number of a published one; None: there is none."""

    def usable(self, tenant: str, content: Mapping[str, Any]) -> bool:
        """Whether the rules of a variant can be applied."""

    def choices(self, tenant: str) -> list[str]:
        """The names of the documents that a variant may try."""

    def publish(self, tenant: str, content: Mapping[str, Any], who: str, now_us: int) -> None:
        """Make the rules of a variant the rules of everybody."""


class NoRules:
    """An installation without rules of scenes."""

    def content(self, tenant: str, name: str) -> Mapping[str, Any] | None:
        return None

    def usable(self, tenant: str, content: Mapping[str, Any]) -> bool:
        return False

    def choices(self, tenant: str) -> list[str]:
        return []

    def publish(self, tenant: str, content: Mapping[str, Any], who: str, now_us: int) -> None:
        raise UnknownExperiment("rules")


class VariantSources:
    """Where what variants name can be found: versions of models, offers, and documents of rules."""

    def __init__(self, place: Place, offers: OfferStore) -> None:
        self._place = place
        self._offers = offers
        self.rules: RulesPort = NoRules()

    def missing(self, tenant: str, experiment: Experiment) -> list[str]:
        """The letters of the variants that cannot be shown. Raises DatabaseBusy."""
        return [one.name for one in experiment.variants if self.lacks(tenant, experiment.scene, one)]

    def lacks(self, tenant: str, scene: str, variant: Variant) -> str:
        """What a variant names and nobody has, "" when nothing is missing."""
        if variant.kind == MODEL:
            served = self._place.served(tenant, scene)
            names = served.names() if isinstance(served, VersionStore) else served.candidates()
            return "" if variant.version in names else variant.version
        if variant.kind == RULES:
            return "" if self.rules.usable(tenant, variant.rules) else variant.document
        running = {one.offer_id for one in self._offers.offers(tenant) if one.status != "ended"}
        return next((one for one in variant.off if one not in running), "")


class Experimenting:
    """The experiments of one process. `key` places customers in the layers of scenes."""

    def __init__(
        self,
        store: ExperimentStore,
        events: EventStore,
        version: Callable[[str, str, str], LoadedModel | None],
        sources: VariantSources,
        *,
        key: bytes,
        now_us: Clock,
        closed: ClosedTokens,
    ) -> None:
        self.store = store
        self.sources = sources
        self._version = version
        self._events = events
        self._key = key
        self._now_us = now_us
        self._closed = closed
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._noted: list[Seen | Done] = []
        self._greeted: dict[tuple[str, str, str], tuple[Who, int]] = {}
        """(tenant, visit, experiment) -> whom it greeted, and how long the visit's token lives"""
        self._flushing = threading.Lock()
        self._look_at_us = 0

    # --- with a request ------------------------------------------------------------------------------

    def begin(
        self, scene: str, claims: Claims | None, loaded: LoadedModel, guest: Request
    ) -> tuple[Chosen | None, LoadedModel, Request]:
        """What this customer gets: the variant, its model, and the request as it wants it.

        None with what is live: no experiment runs here, they are not in it, or the variant cannot be shown.
        Raises DatabaseBusy.
        """
        chosen = None if claims is None else self.chosen(scene, claims)
        if chosen is None or chosen.variant.name in chosen.experiment.vanished:
            return None, loaded, guest
        if chosen.version is not None:
            named = self._version(guest.tenant, scene, chosen.version)
            if named is None:
                self._running.pop(guest.tenant, None)  # the next request looks which variants there are
                return None, loaded, guest
            loaded = named
        return chosen, loaded, replace(guest, offers=chosen.offers)

    def chosen(self, scene: str, claims: Claims) -> Chosen | None:
        """The variant of the customer of a token. Raises DatabaseBusy."""
        running = self._of(claims.tenant).by_scene.get(scene, ())
        if not running:
            return None
        hashed = self._events.tombstone(claims.tenant, claims.pseudonym)
        chosen = self._place(claims.tenant, scene, hashed, running)
        if chosen is None or OWN_DATA in claims.purposes:
            return chosen
        return replace(chosen, visit=visit_of(claims.token_id), until_us=claims.expires_us)

    def _place(
        self, tenant: str, scene: str, hashed: str, running: Sequence[tuple[Experiment, str]]
    ) -> Chosen | None:
        point, now_us = layer_point(self._key, tenant, scene, hashed), self._now_us()
        for experiment, salt in running:
            low, high = experiment.stretch
            if low <= point < high and experiment.is_live(now_us):
                unit = unit_of(salt, hashed)
                variant = experiment.variants[variant_at(experiment.shares, unit)]
                return Chosen(experiment, variant, Who(tenant, experiment.experiment_id, unit, hashed))
        return None

    def made(self, chosen: Chosen | None, context: Context, answer: Answer, took_ms: float) -> None:
        """A suggestion was made under a variant: the customer is counted from now on.

        Nothing is noted of the holdout of offers, and none of an answer without a suggestion where there should
        be one. An experiment with a variant that cannot be shown counts nobody any more.
        """
        if chosen is None or not chosen.until_us or answer.held_out or chosen.experiment.vanished:
            return
        if not answer.suggestions and chosen.experiment.scene != "offers":  # none is an answer there
            return
        items = tuple(suggestion.item_id for suggestion in answer.suggestions)
        now_us = self._now_us()
        with self._lock:
            self._note(Seen(chosen.who, now_us, context.site, daypart_of(context), items, took_ms))
            visit = (chosen.who.tenant, chosen.visit, chosen.who.experiment_id)
            self._greeted[visit] = (chosen.who, chosen.until_us)

    def happened(self, claims: Claims | None, events: Sequence[Event], items: Mapping[str, Item]) -> None:
        """Note what a customer did, for the experiments that they are in. Never raises."""
        if claims is None:
            return
        try:
            by_scene = self._of(claims.tenant).by_scene
        except (DatabaseBusy, DatabaseUnusable, sqlite3.OperationalError):
            return
        if by_scene:
            self._happened(claims, by_scene, events, items)

    def _happened(
        self,
        claims: Claims,
        by_scene: Mapping[str, Sequence[tuple[Experiment, str]]],
        events: Sequence[Event],
        items: Mapping[str, Item],
    ) -> None:
        tenant, hashed = claims.tenant, self._events.tombstone(claims.tenant, claims.pseudonym)
        for scene, running in by_scene.items():
            own = [event for event in events if _is_about(event, scene)]
            chosen = self._place(tenant, scene, hashed, running) if own else None
            if chosen is not None and not chosen.experiment.vanished:
                with self._lock:
                    for event in own:
                        value = _spent(event, items) if event.type == "ordered" else 0
                        named = tuple(line.item for line in event.lines)
                        self._note(Done(chosen.who, event.time_us, event.type, event.key, named, value))

    def _note(self, one: Seen | Done) -> None:
        self._noted.append(one)
        if len(self._noted) > MOST_NOTED:
            del self._noted[: MOST_NOTED // 10]

    # --- beside the requests -------------------------------------------------------------------------

    def flush(self) -> None:
        """Put what was noted into the database. What cannot be written now stays noted."""
        with self._flushing:
            with self._lock:
                noted, self._noted = self._noted + self._not_me(), []
            if not noted:
                return
            try:
                self.store.count(noted)
            except (DatabaseBusy, DatabaseUnusable, DiskFull, sqlite3.OperationalError):
                with self._lock:
                    self._noted = [*noted, *self._noted][-MOST_NOTED:]

    def _not_me(self) -> list[Seen | Done]:
        """Visits whose token was closed meanwhile: the greeting was for somebody else."""
        found: list[Seen | Done] = []
        now_us = self._now_us()
        for visit, (who, until_us) in list(self._greeted.items()):
            try:
                ended = bool(self._closed.closed_until(visit[0], visit[1]))
            except (ClosedUnusable, OSError):
                continue
            if ended:
                found.append(Done(who, now_us, "not_me"))
            if ended or now_us > until_us + 5 * SECOND:
                del self._greeted[visit]
        return found

    def tick(self) -> None:
        """`flush`; stop the experiments whose end has come, and note variants that cannot be shown any more."""
        self.flush()
        now_us = self._now_us()
        try:
            for tenant, experiment_id in self.store.due(now_us):
                self.store.stop(tenant, experiment_id, now_us)
            if now_us >= self._look_at_us:
                self._look_at_us = now_us + LOOK_AGAIN_US
                for tenant in self.store.tenants():
                    for experiment, _ in self.store.running(tenant):
                        gone = self.sources.missing(tenant, experiment)
                        if set(gone) - set(experiment.vanished):
                            self.store.mark_vanished(tenant, experiment.experiment_id, gone, now_us)
        except (Problem, sqlite3.OperationalError) as error:  # another process did it, or nobody can write
            log.info("experiments_not_looked_at", error=type(error).__name__)

    def forget(self, tenant: str, customer: str) -> None:
        """Erase a customer from what is noted and from the sums."""
        hashed = self._events.tombstone(tenant, customer)
        with self._lock:  # what is being written just now waits for this erasure, and then sees the tombstone
            self._noted = [one for one in self._noted if one.who.hashed != hashed]
            self._greeted = {v: seen for v, seen in self._greeted.items() if seen[0].hashed != hashed}
        self.store.forget(tenant, hashed)

    def start(self) -> Callable[[], None]:
        """Flush every `FLUSH_S` seconds in a thread of its own; returns what ends it."""
        stopped = threading.Event()

        def run() -> None:
            while not stopped.wait(FLUSH_S):
                try:
                    self.tick()
                except (Problem, sqlite3.Error, OSError, ValueError, KeyError) as error:  # the next one will do
                    log.warning("experiments_not_counted", error=type(error).__name__)

        thread = threading.Thread(target=run, name="experiments", daemon=True)
        thread.start()

        def stop() -> None:
            stopped.set()
            thread.join()
            self.flush()

        return stop

    def _of(self, tenant: str) -> _Running:
        """The running experiments, read again after a change, and once a minute. Raises DatabaseBusy."""
        stamp = (self._events.generation(tenant, GENERATION), self._now_us() // LOOK_AGAIN_US)
        found = self._running.get(tenant)
        if found is None or (found.stamp != stamp and (found.by_scene or found.stamp[0] != stamp[0])):
            found = self._read(tenant, stamp)
            self._running[tenant] = found
        return found

    def _read(self, tenant: str, stamp: tuple[int, int]) -> _Running:
        by_scene: dict[str, list[tuple[Experiment, str]]] = {}
        for experiment, salt in self.store.running(tenant):
            gone = tuple({*experiment.vanished, *self.sources.missing(tenant, experiment)})
            by_scene.setdefault(experiment.scene, []).append((replace(experiment, vanished=gone), salt))
        return _Running(stamp, {scene: tuple(found) for scene, found in by_scene.items()})


def daypart_of(context: Context) -> str:
    """The part of the day of a request; "" when it does not say its time."""
    if context.local_time is None:
        return ""
    hour = context.local_time.hour
    return daypart_name(hour)


def _is_about(event: Event, scene: str) -> bool:
    """Whether an event says how a suggestion of this scene went. Offers are judged by orders too."""
    if event.type == "ordered":
        return scene in ("orders", "offers")
    if event.type == "rode":
        return scene == "destinations"
    return event.type in ("accepted", "redeemed") and event.scene == scene


def _spent(event: Event, items: Mapping[str, Item]) -> int:
    """What an order cost in minor units: the price on each line, or today's price where a line has none."""
    prices = ((line.price, items.get(line.item), line.quantity) for line in event.lines)
    return sum((price if price is not None else (item.price or 0) if item else 0) * n for price, item, n in prices)
