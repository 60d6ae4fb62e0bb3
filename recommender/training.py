"""fit -> evaluate -> gate -> publish: how a model comes into force, or does not and says why."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from plumbing.clock import SECOND, Clock
from recommender.artifacts import Shelf, finite, is_same
from recommender.errors import NotEnoughEvents, SceneUntrained
from recommender.interactions import Interactions
from recommender.offers.errors import UnusableLog
from recommender.scenes import offers as offer_scene
from recommender.scenes.base import Context, Item, Progress, Request, Scene, Trained
from recommender.store.catalogue import CatalogueStore, Kind
from recommender.store.events import LEARNED_FROM, EventStore
from recommender.store.models import ModelStore
from recommender.store.offers import OfferStore

KINDS: Mapping[str, Kind] = {"orders": "item", "destinations": "place"}
OFFERS = "offers"
"""Learns from its own log of decisions, not from events (recommender/offers)."""

TRAINED = (*KINDS, OFFERS)
LEAST_ORDERS = 2
"""A customer teaches something from this many orders on: the last one is what the others should foretell."""


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

    def shelf(self, tenant: str, scene: str) -> Shelf:
        return Shelf(self.root, tenant, scene)

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
            return Outcome("refused", why_not, "", finite(trained.report))
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
        return self._publish(tenant, OFFERS, trained, trained.report["cut"], seed, accept_smaller_log)

    def _publish(
        self, tenant: str, name: str, trained: Trained, cut: Mapping[str, Any], seed: int, accept_smaller_log: bool
    ) -> Outcome:
        shelf = self.shelf(tenant, name)
        parent = next((v for v in shelf.candidates() if shelf.manifest(v)), None)
        manifest = (shelf.manifest(parent) if parent else None) or {}
        report = finite(trained.report)
        if not accept_smaller_log and (why_not := shrunk(cut, manifest.get("cut", {}))):
            return Outcome("refused", why_not, "", report)
        if parent and parent == shelf.current() and is_same(manifest, trained, seed=seed, cut=cut):
            return Outcome("unchanged", f"The log has not changed since version {parent}.", parent, report)
        version = shelf.publish(trained, seed=seed, cut=cut, parent=parent, keep=self.keep_versions)
        return Outcome("published", str(trained.report.get("why", "")), version, report)

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


def what_is_missing(interactions: Interactions, catalogue: tuple[Item, ...], scene: str) -> str | None:
    """How much more a training needs, in a sentence; None when there is enough."""
    kind = KINDS[scene]
    if not catalogue:
        return f"The catalogue holds no {kind}s yet: `usual import {kind}s FILE`."
    visits = "orders" if scene == "orders" else "rides"
    returning = _returning(interactions)
    if not returning:
        return f"No customer has {LEAST_ORDERS} {visits} yet; a model learns from those who come back."
    return None


def _returning(interactions: Interactions) -> int:
    known = interactions.customer >= 0
    return len(np.unique(interactions.customer[known & (interactions.order >= LEAST_ORDERS - 1)]))


def data_cut(interactions: Interactions, catalogue: tuple[Item, ...]) -> dict[str, Any]:
    """Which data a version was trained on: how much, until when, and a hash of every column."""
    digest = hashlib.sha256()
    for field in fields(interactions):
        column = np.ascontiguousarray(getattr(interactions, field.name))
        digest.update(f"{field.name} {column.dtype.str} {column.shape}".encode())
        digest.update(column.tobytes())
    digest.update(repr(catalogue).encode())
    return {
        "lines": len(interactions),
        "customers": len(interactions.customers),
        "until_us": int(np.max(interactions.time_us)) if len(interactions) else None,
        "sha256": digest.hexdigest(),
    }


def refusal(trained: Trained) -> str | None:
    """Why this model must not come into force, in a sentence; None when it may."""
    for name, array in trained.arrays.items():
        if np.issubdtype(array.dtype, np.floating) and len(array) and not np.isfinite(array).any():
            return f"Not published: the array {name!r} holds no finite number."
    broken = [name for name in ("value", "baseline_value") if not _is_number(trained.report.get(name))]
    if broken:
        return f"Not published: the evaluation gave no number for {' and '.join(broken)}."
    value, baseline = float(trained.report["value"]), float(trained.report["baseline_value"])
    if value < baseline and trained.report.get("in_force") != "counting":
        metric = trained.report.get("metric", "the metric")
        return f"Not published: {metric} {value:.4f} is below counting's {baseline:.4f}."
    return None


def shrunk(cut: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """A log that lost more than half of its lines since the last version is a fault until somebody says not."""
    lines = int(before.get("lines", 0))
    if cut["lines"] * 2 >= lines:
        return None
    return (
        f"Not published: the log shrank from {lines} to {cut['lines']} lines since the last version. "
        "If that is as it should be: `usual train SCENE --accept-smaller-log`."
    )


def refused_by_trial(
    scene: Scene, trained: Trained, interactions: Interactions, catalogue: tuple[Item, ...], most: int = 20
) -> str | None:
    """Load the model as the server would and ask it for a few customers: it must answer, with finite scores."""
    try:
        model = scene.load(dict(trained.arrays), dict(trained.texts))
    except ValueError as error:
        return f"Not published: the model cannot be loaded ({error})."
    now_us = max(int(np.max(interactions.time_us)), 0)
    for customer in np.unique(interactions.customer[interactions.customer >= 0])[:most]:
        request = Request(
            history=interactions.where(interactions.customer == customer),
            context=Context(),
            catalogue=catalogue,
            n=5,
            now_us=now_us,
            rng=np.random.default_rng(0),
        )
        scores = [suggestion.score for suggestion in scene.suggest(model, request).suggestions]
        if not np.isfinite(scores).all():
            return "Not published: the model gives scores that are not numbers."
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and math.isfinite(float(value))


Launch = Callable[[str, str, str], None]
"""Starts the work of a run that was begun: (tenant, scene, run_id)."""
