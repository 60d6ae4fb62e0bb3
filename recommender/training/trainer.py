"""fit -> evaluate -> gate -> publish: how a model comes into force, or does not and says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plumbing.clock import SECOND, Clock
from recommender.errors import NotEnoughEvents, SceneUntrained
from recommender.offers.errors import UnusableLog
from recommender.scene import Progress, Scene, Trained
from recommender.scenes import offers as offer_scene
from recommender.store.catalogue import CatalogueStore
from recommender.store.events import LEARNED_FROM, EventStore
from recommender.store.offers import OfferStore
from recommender.store.runs import ModelStore
from recommender.store.versions import VersionStore, finite, is_same
from recommender.training.checks import KINDS, data_cut, refusal, refused_by_trial, shrunk, what_is_missing

OFFERS = "offers"
"""Learns from its own log of decisions, not from events (recommender/offers)."""

TRAINED = (*KINDS, OFFERS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a training. `state` is published, unchanged or refused."""

    state: str
    why: str
    version: str
    report: Mapping[str, Any]


@dataclass(frozen=True)
class Trainer:
    """Everything a training needs. Used by the command, by the route's own process and by the schedule."""

    scenes: Mapping[str, Scene]
    events: EventStore
    catalogue: CatalogueStore
    models: ModelStore
    root: Path  # home/models
    now_us: Clock
    keep_versions: int = 5
    offers: OfferStore | None = None

    def trains(self, scene: str) -> bool:
        """Whether there is something to train under this name."""
        return scene in self.scenes or (scene == OFFERS and self.offers is not None)

    def shelf(self, tenant: str, scene: str) -> VersionStore:
        return VersionStore(self.root, tenant, scene)

    def train(
        self, tenant: str, name: str, *, seed: int, progress: Progress, accept_smaller_log: bool = False
    ) -> Outcome:
        """Read the log, fit, let the gate decide, publish or leave everything as it was.

        Raises:
            SceneUntrained: the scene learns elsewhere.
            NotEnoughEvents: nobody came twice, or there is no catalogue; it says how much is missing.
            UnusableLog: the log of offers lacks a propensity.
        """
        if name == OFFERS and self.offers is not None:
            return self._train_offers(self.offers, tenant, seed, progress, accept_smaller_log)
        if name not in self.scenes:
            raise SceneUntrained(name)
        progress("reading the log", 0.0)
        interactions = self.events.everything(tenant, LEARNED_FROM[name])
        catalogue = self.catalogue.all(tenant, KINDS[name])
        if missing := what_is_missing(interactions, catalogue, name):
            raise NotEnoughEvents(missing)
        trained = self.scenes[name].train(
            interactions, catalogue, seed=seed, progress=lambda what, share: progress(what, 0.05 + 0.9 * share)
        )
        progress("checking and publishing", 0.96)
        why_not = refusal(trained) or refused_by_trial(self.scenes[name], trained, interactions, catalogue)
        if why_not:
            return Outcome("refused", why_not, "", finite(trained.report.to_dict()))
        return self._publish(tenant, name, trained, data_cut(interactions, catalogue), seed, accept_smaller_log)

    def _train_offers(
        self, offers: OfferStore, tenant: str, seed: int, progress: Progress, accept_smaller_log: bool
    ) -> Outcome:
        """Offers carry their own gate: what is fitted has fallen back by itself where it had to."""
        progress("reading the log", 0.0)

        def show(what: str, share: float) -> None:
            progress(what, 0.05 + 0.9 * share)

        trained = offer_scene.reward_model(offers, tenant, self.now_us(), seed=seed, progress=show)
        try:
            offer_scene.load(dict(trained.arrays), dict(trained.texts))
        except ValueError as error:
            return Outcome("refused", f"Not published: the policy cannot be loaded ({error}).", "", {})
        return self._publish(tenant, OFFERS, trained, trained.report.to_dict()["cut"], seed, accept_smaller_log)

    def _publish(
        self, tenant: str, name: str, trained: Trained, cut: Mapping[str, Any], seed: int, accept_smaller_log: bool
    ) -> Outcome:
        shelf = self.shelf(tenant, name)
        parent = next((v for v in shelf.candidates() if shelf.manifest(v)), None)
        manifest = (shelf.manifest(parent) if parent else None) or {}
        report = finite(trained.report.to_dict())
        if not accept_smaller_log and (why_not := shrunk(cut, manifest.get("cut", {}))):
            return Outcome("refused", why_not, "", report)
        if parent and parent == shelf.current() and is_same(manifest, trained, seed=seed, cut=cut):
            return Outcome("unchanged", f"The log has not changed since version {parent}.", parent, report)
        version = shelf.publish(trained, seed=seed, cut=cut, parent=parent, keep=self.keep_versions)
        return Outcome("published", trained.report.why, version, report)

    def run(
        self,
        tenant: str,
        name: str,
        run_id: str,
        *,
        seed: int,
        also: Progress | None = None,
        accept_smaller_log: bool = False,
    ) -> Outcome | None:
        """A training whose progress and outcome the store remembers under `run_id`.

        Returns None when it ended in one of our own errors (the run says which). Anything unforeseen closes the
        run as failed and goes on to the caller.
        """
        throttle = Throttle(self.now_us)

        def progress(what: str, share: float) -> None:
            if also:
                also(what, share)
            if throttle.lets(what):
                self.models.progress(tenant, run_id, what, share, self.now_us())

        state, why, outcome = "failed", "The training broke off; the server's log says where.", None
        try:
            outcome = self.train(tenant, name, seed=seed, progress=progress, accept_smaller_log=accept_smaller_log)
            state, why = outcome.state, outcome.why
        except (NotEnoughEvents, SceneUntrained, UnusableLog) as error:
            state, why = "refused", error.detail
        finally:
            version, report = (outcome.version, outcome.report) if outcome else ("", {})
            self.models.end(tenant, run_id, state, why, self.now_us(), version=version, report=report)
        return outcome


class Throttle:
    """Lets a stage through when it is new or half a second has gone: progress is a durable write."""

    def __init__(self, now_us: Clock) -> None:
        self._now_us = now_us
        self._last: tuple[str, int] = ("", 0)

    def lets(self, what: str) -> bool:
        now = self._now_us()
        if what == self._last[0] and now - self._last[1] < SECOND // 2:
            return False
        self._last = (what, now)
        return True


Launch = Callable[[str, str, str], None]
"""Starts the work of a run that was begun: (tenant, scene, run_id)."""
