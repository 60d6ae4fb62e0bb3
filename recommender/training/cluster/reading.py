"""The log as a training in parts has it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from plumbing.storage.database import Database
from recommender.errors import ClusterError
from recommender.ranking.partitions import Mapper, PartitionedLog
from recommender.scene import DataCut, Progress, Trained, TrainingInput
from recommender.store.event_parts import EventParts
from recommender.store.former_items import renamed
from recommender.store.parts_folder import parts_folder
from recommender.training.checks import what_is_missing_of
from recommender.training.cluster.session import NEEDED, Where, mapper_of
from recommender.training.gate.changes import Looks, looks_of
from recommender.training.gate.profile import Profile
from recommender.training.reading import Log, Reading, Reads, at_once

if TYPE_CHECKING:
    from recommender.training.cluster.export import ExportedLog

TRIED = 20
"""Customers of whom a new model suggests before it is published."""
ASKED = 20_000
"""Customers, all of the first part, of whom the gate draws its questions."""


@runtime_checkable
class TrainsInParts(Protocol):
    """A scene that can."""

    def train_in_parts(
        self, log: PartitionedLog, data: TrainingInput, *, seed: int, progress: Progress
    ) -> Trained:
        """As `Scene.train`: the same bytes. `data` has everything but the events."""
        ...


@dataclass(frozen=True)
class InParts:
    """A log in parts (`recommender.training.reading.Reading`)."""

    log: Log
    exported: ExportedLog
    mapper: Mapper

    @property
    def some(self) -> TrainingInput:
        """See `Reading`."""
        if not self.exported.customers:
            return self.log.data
        return replace(self.log.data, interactions=self.exported.of_first_customers(TRIED))

    @property
    def asked(self) -> TrainingInput:
        """See `Reading`."""
        if not self.exported.customers:
            return self.log.data
        return replace(self.log.data, interactions=self.exported.of_first_customers(ASKED))

    def looks(self, earlier: Profile | None, now_us: int) -> Looks | None:
        """See `Reading`. A part has all rows of its customers."""
        words = self.exported.words
        found = (looks_of(part.load(words), earlier, now_us) for part in self.exported.parts)
        return reduce(add, found, Looks(Profile(), None if earlier is None else Profile()))

    def missing(self) -> str | None:
        """See `Reading`."""
        return what_is_missing_of(self.log.scene, bool(self.log.data.catalogue), self.exported.returning)

    def train(self, seed: int, progress: Progress) -> Trained:
        """See `Reading`."""
        scene = self.log.scene
        if not isinstance(scene, TrainsInParts):
            raise ClusterError(NOT_IN_PARTS)
        log = PartitionedLog(self.exported.parts, self.exported.part_sizes, self.exported.words, self.mapper)
        return scene.train_in_parts(log, self.log.data, seed=seed, progress=never_back(progress))

    def cut(self) -> DataCut:
        """See `Reading`."""
        return self.exported.cut(self.log.data.catalogue, self.log.data.least_people)


def never_back(progress: Progress) -> Progress:
    """What is done at once with many parts is done before its turn: the bar waits for the others."""
    furthest = 0.0

    def tick(what: str, share: float) -> None:
        nonlocal furthest
        furthest = max(furthest, share)
        progress(what, furthest)

    return tick


NOT_IN_PARTS = "This scene learns from a short log of its own, in one process: leave out --cluster."


def in_parts(where: Where, database: Database, home: Path) -> Reads:
    """Reads a log in parts, and works on them where `where` says."""

    @contextmanager
    def read(log: Log, progress: Progress) -> Iterator[Reading]:
        if not isinstance(log.scene, TrainsInParts) or log.scene.learns_from is None:
            raise ClusterError(NOT_IN_PARTS)
        if log.until_us is not None:  # a pinned version is made again, which is rare
            with at_once(log, progress) as whole:
                yield whole
            return
        try:
            from recommender.training.cluster.export import export
        except ImportError as error:
            raise ClusterError(NEEDED) from error
        with parts_folder(home, where.shared_folder) as folder, mapper_of(where, folder) as mapper:
            whose = (log.data.tenant, log.scene.learns_from)
            parts, key = EventParts(database, *whose, renamed(database, *whose)), secrets.token_bytes(32)

            def tick(share: float) -> None:
                progress("writing the log in parts", 0.05 * share)

            yield InParts(log, export(parts, folder, key, tick), mapper)

    return read
