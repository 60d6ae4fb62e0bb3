"""Fit, evaluate, gate, publish: how a model comes to be served, or is refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from plumbing.clock import Clock
from plumbing.problem import Problem
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from recommender.errors import (
    ClusterError,
    NotEnoughEvents,
    NothingLeft,
    SceneUntrained,
    TrainingCancelled,
    TrainingTooLarge,
    VersionsBusy,
)
from recommender.offers.errors import UnusableLog
from recommender.ranking.people import LEAST_PEOPLE
from recommender.scene import AnyScene, Progress, TrainingInput
from recommender.store.catalogue import CatalogueStore
from recommender.store.events import EventStore
from recommender.store.runs import DRY_RUN, ModelStore
from recommender.store.shelves.errors import (
    CurrentChanged,
    VersionChanged,
    VersionsUnreachable,
    VersionsUnusable,
)
from recommender.store.version_notes import VersionNotes
from recommender.store.version_rows import VersionRows
from recommender.store.versions import VersionStore, finite
from recommender.training.checks import refusal, refused_by_trial
from recommender.training.outcome import Outcome
from recommender.training.outcomes import is_full, sentence
from recommender.training.pins import Pins
from recommender.training.priority import Aside, here
from recommender.training.publishing import Publishing, Wish
from recommender.training.reading import Log, Reads, at_once
from recommender.training.run_book import FREE, Bounds, Nobody, RunBook, Watch, ending

__all__ = ["Launch", "Outcome", "Trainer"]


@dataclass(frozen=True)
class Trainer:
    """Trains the scenes of all tenants: for the command, the route's own process and the schedule."""

    scenes: Mapping[str, AnyScene]
    events: EventStore
    catalogue: CatalogueStore
    models: ModelStore
    rows: VersionRows
    notes: VersionNotes
    now_us: Clock
    keep_versions: int = 5
    least_people: Callable[[str], int] = lambda tenant: LEAST_PEOPLE
    """Of a tenant: so many different people must have chosen what its versions show to others."""
    reads: Reads = at_once
    aside: Aside = here
    """Does the heavy work where it is in nobody's way."""
    bounds: Bounds = FREE

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

    @property
    def pins(self) -> Pins:
        """Going back, and what is pinned."""
        return Pins(self.rows.place, self.notes, self.now_us)

    def train(
        self,
        tenant: str,
        name: str,
        *,
        seed: int,
        progress: Progress,
        accept_changed_data: bool = False,
        dry_run: bool = False,
        watch: Watch | None = None,
    ) -> Outcome:
        """Read the log, fit, let the gate decide; publish, hold back while a version is pinned, or leave
        everything as it was.

        `accept_changed_data`: somebody knows that the log is not what it was, and that it is right as it is.
        A `dry_run` does all of it but publishing.

        Raises:
            SceneUntrained: there is no such scene.
            NotEnoughEvents: too little to learn from; it says what is missing.
            UnusableLog: the log of offers lacks a propensity.
            TrainingCancelled, TrainingTooLarge: `progress` wants it to end.
            CurrentChanged: another version became live meanwhile; what was trained is kept, and not served.
            VersionsUnreachable, VersionsUnusable, VersionChanged: the bucket with the versions does not do it.
            ClusterError: the cluster cannot do it.
        """
        if not self.trains(name):
            raise SceneUntrained(name)
        scene, watch = self.scenes[name], watch or Nobody()
        progress("reading the log", 0.0)
        self.rows.place.check()  # rather now than after an hour of training
        mark = self.rows.store.mark(tenant, name)  # first: what is forgotten from here on may be in the data
        on = Publishing(tenant, name, scene, self.rows, self.notes, self.now_us, self.keep_versions)
        wish, until_us = self._wish(on, seed, accept_changed_data)
        source = Log(self.events, scene, self._input(tenant, scene), until_us)
        with self.aside(lambda: self.reads(source, progress)) as log:
            if missing := log.missing():
                raise (NothingLeft if log.some.catalogue else NotEnoughEvents)(missing)
            trained = self.aside(
                lambda: log.train(wish.seed, lambda what, share: progress(what, 0.05 + 0.85 * share))
            )
            cut = trained.cut or log.cut()
            watch.note_cut(cut)
            progress("comparing with the live version", 0.9)
            if why_not := refusal(scene, trained) or refused_by_trial(scene, trained, log.some):
                return Outcome.of("refused", why_not, finite(trained.report.to_dict()))
            pointed = on.shelf.pointed()
            trained, verdict = self.aside(lambda: on.judged(log, trained, on.live(), mark, wish))
            progress("checking and publishing", 0.97)
        if dry_run:
            return on.tried(trained, cut, wish, mark, verdict, pointed)
        with watch.publishing(), self.rows.alone():
            number = self.rows.store.number(tenant, name)
            trained = self.rows.without_forgotten(tenant, name, trained, mark.number)
            outcome = on.publish(trained, cut, wish, mark, verdict, pointed)
        if self.rows.store.number(tenant, name) != number:
            self._forget_again(tenant)
        return outcome

    def _wish(self, on: Publishing, seed: int, accept_changed_data: bool) -> tuple[Wish, int | None]:
        """What to train; and up to when, where a pinned version is made again because it has learned from
        somebody who was forgotten since: from its own data and seed, without them."""
        pin = self.notes.pin(on.tenant, on.name)
        if pin is not None and on.scene.learns_from is not None and self.rows.owes(on.tenant, on.name):
            manifest = on.shelf.manifest(pin.version) or {}
            until_us = manifest.get("cut", {}).get("until_us")
            if until_us is not None:
                return Wish(int(manifest.get("seed", seed)), renewed=pin), int(until_us)
        return Wish(seed, accept_changed_data), None

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

    def run(
        self,
        tenant: str,
        name: str,
        run_id: str,
        *,
        seed: int,
        also: Progress | None = None,
        accept_changed_data: bool = False,
    ) -> Outcome | None:
        """Train, and write progress and outcome to the run `run_id`.

        Returns None when one of the errors of `train` ended it; the run has the reason. Any other exception closes
        the run as failed and is raised.
        """
        accept_changed_data |= self.notes.is_accepted(tenant, run_id)
        dry_run = self.models.run(tenant, name, run_id).kind == DRY_RUN
        with RunBook(self.models, (tenant, run_id), self.now_us, self.bounds) as book:
            book.note_detail(seed=seed)

            def progress(what: str, share: float) -> None:
                if also:
                    also(what, share)
                book.note(what, share)

            state, why, outcome = "failed", str(sentence("training-failed")), None
            try:
                outcome = self.train(
                    tenant,
                    name,
                    seed=seed,
                    progress=progress,
                    accept_changed_data=accept_changed_data,
                    dry_run=dry_run,
                    watch=book,
                )
                state, why = outcome.state, outcome.why
            except EXPECTED as error:
                state, why = self._ending(tenant, name, error, dry_run)
                if isinstance(error, ClusterError):
                    raise
            except (MemoryError, OSError) as error:
                known = "too-large" if isinstance(error, MemoryError) else "disk-full" if is_full(error) else None
                if known is None:
                    raise
                why = sentence(f"training-{known}", megabytes=self.bounds.most_mb or 0)
            except KeyboardInterrupt:
                state, why = "cancelled", sentence("training-interrupted")
                raise
            finally:
                version, report = (outcome.version, outcome.report) if outcome else ("", {})
                book.end(state, why, version=version, report=report)
        return outcome

    def _ending(self, tenant: str, name: str, error: Problem, dry_run: bool) -> tuple[str, str]:
        """State and reason of a run that one of the errors of `train` ended."""
        if isinstance(error, TrainingCancelled | TrainingTooLarge):
            return ending(error)
        if isinstance(error, DiskFull):
            return "failed", sentence("training-disk-full")
        if isinstance(error, NotEnoughEvents | SceneUntrained | UnusableLog | CurrentChanged):
            why = error.detail
            if isinstance(error, NothingLeft) and not dry_run and self.rows.withdraw(tenant, name):
                why += " What was published before had learned from customers who are forgotten; it is withdrawn."
            return "refused", why
        return "failed", error.detail if isinstance(error, ClusterError) else f"{error.title}: {error.detail}"


EXPECTED = (
    TrainingCancelled,
    TrainingTooLarge,
    DiskFull,
    NotEnoughEvents,
    SceneUntrained,
    UnusableLog,
    CurrentChanged,
    ClusterError,
    VersionsUnreachable,
    VersionsUnusable,
    VersionChanged,
)
"""What may end a training without being a mistake of the product."""


Launch = Callable[[str, str, str], None]
"""Starts the work of a run that is in the store: (tenant, scene, run_id)."""
