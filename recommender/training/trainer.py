"""Fit, evaluate, gate, publish: how a model comes to be served, or is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from plumbing.clock import SECOND, Clock
from plumbing.storage.database import DatabaseBusy
from recommender.errors import ClusterError, NotEnoughEvents, NothingLeft, SceneUntrained, VersionsBusy
from recommender.offers.errors import UnusableLog
from recommender.ranking.people import LEAST_PEOPLE
from recommender.scene import AnyScene, DataCut, Progress, Trained, TrainingInput
from recommender.store.catalogue import CatalogueStore
from recommender.store.events import EventStore
from recommender.store.forgotten import Mark
from recommender.store.runs import ModelStore
from recommender.store.shelves.errors import (
    CurrentChanged,
    VersionChanged,
    VersionsUnreachable,
    VersionsUnusable,
)
from recommender.store.version_rows import VersionRows
from recommender.store.versions import VersionStore, finite, is_same
from recommender.training.checks import refusal, refused_by_trial, shrunk
from recommender.training.reading import Log, Reads, at_once


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended. `state` is published, unchanged or refused."""

    state: str
    why: str
    version: str
    report: Mapping[str, Any]


@dataclass(frozen=True)
class Trainer:
    """Trains the scenes of all tenants: for the command, the route's own process and the schedule."""

    scenes: Mapping[str, AnyScene]
    events: EventStore
    catalogue: CatalogueStore
    models: ModelStore
    rows: VersionRows
    now_us: Clock
    keep_versions: int = 5
    least_people: Callable[[str], int] = lambda tenant: LEAST_PEOPLE
    """Of a tenant: so many different people must have chosen what its versions show to others."""
    reads: Reads = at_once

    def trains(self, scene: str) -> bool:
        """Whether there is a scene of this name."""
        return scene in self.scenes

    def events_of(self, tenant: str, scene: str) -> int:
        """How many events a training of the scene reads; 0 where it reads a log of its own."""
        kind = self.scenes[scene].learns_from
        return 0 if kind is None else self.events.counts(tenant).get(kind, 0)

    def shelf(self, tenant: str, scene: str) -> VersionStore:
        """The stored versions of one scene."""
        return self.rows.shelf(tenant, scene)

    def train(
        self, tenant: str, name: str, *, seed: int, progress: Progress, accept_smaller_log: bool = False
    ) -> Outcome:
        """Read the log, fit, let the gate decide; publish, or leave everything as it was.

        Raises:
            SceneUntrained: there is no such scene.
            NotEnoughEvents: too little to learn from; it says what is missing.
            UnusableLog: the log of offers lacks a propensity.
            CurrentChanged: another training published meanwhile; the version is kept, and not served.
            VersionsUnreachable, VersionsUnusable, VersionChanged: the bucket with the versions does not do it.
            ClusterError: the cluster cannot do it.
        """
        if not self.trains(name):
            raise SceneUntrained(name)
        scene = self.scenes[name]
        progress("reading the log", 0.0)
        self.rows.place.check()  # rather now than after an hour of training
        mark = self.rows.store.mark(tenant, name)  # first: what is forgotten from here on may be in the data
        with self.reads(Log(self.events, scene, self._input(tenant, scene)), progress) as log:
            if missing := log.missing():
                raise (NothingLeft if log.some.catalogue else NotEnoughEvents)(missing)
            trained = log.train(seed, lambda what, share: progress(what, 0.05 + 0.9 * share))
            progress("checking and publishing", 0.96)
            if why_not := refusal(scene, trained) or refused_by_trial(scene, trained, log.some):
                return Outcome("refused", why_not, "", finite(trained.report.to_dict()))
            cut = trained.cut or log.cut()
        with self.rows.alone():
            number = self.rows.store.number(tenant, name)
            trained = self.rows.without_forgotten(tenant, name, trained, mark.number)
            outcome = self._publish(tenant, name, trained, cut, seed, accept_smaller_log, mark)
        if self.rows.store.number(tenant, name) != number:
            self._forget_again(tenant)
        return outcome

    def _forget_again(self, tenant: str) -> None:
        """Somebody was forgotten while the version was published, perhaps by a machine that did not see it yet."""
        with suppress(VersionsBusy, DatabaseBusy, OSError):  # their rows are not served; the schedule tries again
            self.rows.forget(tenant, again=True)

    def _input(self, tenant: str, scene: AnyScene) -> TrainingInput:
        if scene.learns_from is None:
            return TrainingInput(tenant=tenant, now_us=self.now_us())
        return TrainingInput(
            catalogue=self.catalogue.all(tenant, scene.kind),
            tenant=tenant,
            now_us=self.now_us(),
            least_people=self.least_people(tenant),
        )

    def _publish(
        self,
        tenant: str,
        name: str,
        trained: Trained,
        cut: DataCut,
        seed: int,
        accept_smaller_log: bool,
        mark: Mark,
    ) -> Outcome:
        """Nobody is forgotten meanwhile: whoever is, waits for the lock and finds the new version on the disk."""
        shelf = self.shelf(tenant, name)
        pointed = shelf.pointed()
        parent = next((v for v in shelf.candidates() if shelf.manifest(v)), None)
        manifest = (shelf.manifest(parent) if parent else None) or {}
        report = finite(trained.report.to_dict())
        earlier_lines = int(manifest.get("cut", {}).get("lines", 0))
        before = self.rows.store.labels(tenant, name, parent) if parent else None
        earlier_lines -= max(mark.lines - before.mark.lines, 0) if before else 0  # erased since: that is no loss
        if not accept_smaller_log and (why_not := shrunk(cut, earlier_lines)):
            return Outcome("refused", why_not, "", report)
        if parent and parent == pointed.name and is_same(manifest, trained, seed=seed, cut=cut):
            self.rows.label(tenant, name, parent, manifest["files"]["arrays.npz"], trained, mark)
            return Outcome("unchanged", f"The log has not changed since version {parent}.", parent, report)

        def label(version: str, digest: str) -> None:
            self.rows.label(tenant, name, version, digest, trained, mark)

        version = shelf.publish(
            trained, seed=seed, cut=cut, parent=parent, keep=self.keep_versions, before=label, expected=pointed
        )
        self.rows.published(tenant, name)
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
        """Train, and write progress and outcome to the run `run_id`.

        Returns None when one of the errors of `train` ended it; the run has the reason. Any other exception closes
        the run as failed and is raised.
        """
        throttle = Throttle(self.now_us)

        def progress(what: str, share: float) -> None:
            if also:
                also(what, share)
            if throttle.passes(what):
                self.models.progress(tenant, run_id, what, share, self.now_us())

        state, why, outcome = "failed", "The training failed; the reason is in the server's log.", None
        try:
            outcome = self.train(tenant, name, seed=seed, progress=progress, accept_smaller_log=accept_smaller_log)
            state, why = outcome.state, outcome.why
        except ClusterError as error:
            why = error.detail
            raise
        except (NotEnoughEvents, SceneUntrained, UnusableLog) as error:
            state, why = "refused", error.detail
            if isinstance(error, NothingLeft) and self.rows.withdraw(tenant, name):
                why += " What was published before had learned from customers who are forgotten; it is withdrawn."
        except CurrentChanged as error:
            state, why = "refused", error.detail
        except (VersionsUnreachable, VersionsUnusable, VersionChanged) as error:
            state, why = "failed", f"{error.title}: {error.detail}"
        finally:
            version, report = (outcome.version, outcome.report) if outcome else ("", {})
            self.models.end(tenant, run_id, state, why, self.now_us(), version=version, report=report)
        return outcome


class Throttle:
    """Passes a new stage at once, the same stage every half second: each progress is a durable write."""

    def __init__(self, now_us: Clock) -> None:
        self._now_us = now_us
        self._last: tuple[str, int] = ("", 0)

    def passes(self, what: str) -> bool:
        now = self._now_us()
        if what == self._last[0] and now - self._last[1] < SECOND // 2:
            return False
        self._last = (what, now)
        return True


Launch = Callable[[str, str, str], None]
"""Starts the work of a run that is in the store: (tenant, scene, run_id)."""
