"""Trainings that are owed to people who were forgotten: the version in force has learned from them.

What is owed follows from the store alone (`VersionRows.pending`), so nothing that was asked for is lost with a
process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from plumbing.clock import HOUR, SECOND, Clock
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from recommender.errors import TrainingRunning, VersionsBusy
from recommender.store.runs import FOR_FORGOTTEN, ModelStore
from recommender.store.version_rows import VersionRows
from recommender.training.outcomes import not_started
from recommender.training.trainer import Launch

log = structlog.get_logger(__name__)

KEY = "forgotten "
AT_MOST_EVERY_US = HOUR
"""Of one scene, whoever opts out meanwhile: they share the next one."""


@dataclass(frozen=True)
class Retraining:
    """Begins what is owed, at most once an hour for each scene, and once a day where it came to nothing."""

    rows: VersionRows
    models: ModelStore
    launch: Launch
    now_us: Clock

    def request(self, tenant: str, scenes: Iterable[str] | None = None) -> list[str]:
        """Begin the trainings that are owed (of `scenes`, or of all); returns the scenes whose training began now.

        Of the others one runs already or ran lately; the leader of the schedule begins them later.
        """
        owed = self.rows.pending(tenant)
        wanted = owed if scenes is None else [scene for scene in scenes if scene in owed]
        return [scene for scene in wanted if self._begin(tenant, scene)]

    def look(self) -> None:
        """What the leader of the schedule does now and then: rows that could not be taken out, trainings owed."""
        for tenant in self.rows.store.tenants():
            for work in (self.rows.forget, self.request):
                try:
                    work(tenant)
                except (VersionsBusy, DatabaseBusy, DiskFull, OSError) as error:
                    log.warning("not_forgotten_by_the_models_yet", error=type(error).__name__)

    def _begin(self, tenant: str, scene: str) -> bool:
        now_us = self.now_us()
        last = self.models.latest(tenant, scene, KEY)
        if last is not None and 0 <= now_us - last < AT_MOST_EVERY_US:
            return False
        day = datetime.fromtimestamp(now_us / SECOND, UTC).date().isoformat()
        key = f"{KEY}{self.rows.store.number(tenant, scene)} {day}"
        if self.models.begun(tenant, scene, key):
            return False
        try:
            run_id = self.models.begin(tenant, scene, now_us, key, kind=FOR_FORGOTTEN)
        except TrainingRunning:
            return False
        try:
            self.launch(tenant, scene, run_id)
        except OSError as error:
            self.models.end(tenant, run_id, "failed", not_started(error), self.now_us())
            return False
        return True
