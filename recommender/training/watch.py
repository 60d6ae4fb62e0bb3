"""The automatic roll-back: a version that customers take less from than from the one before it goes back.

It is looked at every few minutes for as long as the version is live, so the test is an always-valid one
(`recommender.offers.learning.confidence`): however often one looks, it alarms without a reason in at most
`ALPHA` of all versions. A version goes back by itself once; whoever makes it live again has decided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import structlog

from plumbing.clock import DAY, MINUTE, Clock
from plumbing.problem import Problem
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from plumbing.words import Message
from recommender.offers.learning.confidence import group_mean, half_width
from recommender.store.acceptance import Acceptance, Taken
from recommender.store.version_notes import AUTOMATIC, PUBLISHED, VersionNotes
from recommender.training.pins import Pins

log = structlog.get_logger(__name__)

ALPHA = 0.01
EXPECTED = 0.03
"""The size of a fall that is looked for first, as a share of suggestions; only the sharpness depends on it."""
MARGIN = 0.05
"""A fall by less than a twentieth of what was taken is no reason to go back."""
LEAST_SHOWN, LEAST_CELLS = 300, 4
"""Of each version: suggestions, and days by site and part of the day, from which the scatter is known."""
BEFORE_US = 28 * DAY
LOOK_EVERY_US = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Fall:
    """How much less is taken: shares of suggestions, and the upper end of the always-valid interval."""

    now: float
    then: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether more than the margin is lost, beyond chance."""
        return self.high < -MARGIN * self.then


def fall(new: Sequence[Taken], old: Sequence[Taken]) -> Fall | None:
    """The new version's share minus the old one's; None while too little was shown by one of them."""
    for cells in (new, old):
        if sum(one.shown for one in cells) < LEAST_SHOWN or len(cells) < LEAST_CELLS:
            return None
    (now, error), (then, before) = (_share(cells) for cells in (new, old))
    width = half_width(math.hypot(error, before), EXPECTED, ALPHA)
    return Fall(now, then, now - then + width)


def _share(cells: Sequence[Taken]) -> tuple[float, float]:
    """The share that was taken and its standard error: at least that of chance alone, and more where days and
    sites scatter more."""
    shown = np.array([one.shown for one in cells], float)
    taken = np.array([one.taken for one in cells], float)
    share, error = group_mean(taken, shown)
    floor = math.sqrt(max(share * (1 - share), 1e-4) / shown.sum())
    return share, max(error, floor)


@dataclass
class VersionWatch:
    """Looks at the live versions of all tenants, in the process that leads."""

    pins: Pins
    notes: VersionNotes
    acceptance: Acceptance
    now_us: Clock
    scenes: tuple[str, ...] = ("orders", "destinations")
    _looked_us: int = field(default=-(2**62))

    def look(self) -> list[str]:
        """Go back where it must be, and end steps back that were killed; returns the versions that were left."""
        now = self.now_us()
        if 0 <= now - self._looked_us < LOOK_EVERY_US:
            return []
        self._looked_us = now
        left = []
        for tenant, scene in self.notes.scenes():
            try:
                if self.pins.mend(tenant, scene):
                    log.warning("step_back_ended_late", scene=scene)
                elif (version := self._judged(tenant, scene)) is not None:
                    left.append(version)
            except (Problem, DatabaseBusy, DiskFull, OSError) as error:
                log.warning("version_not_watched", scene=scene, error=type(error).__name__)
        return left

    def _judged(self, tenant: str, scene: str) -> str | None:
        """The version that was left; None mostly."""
        if scene not in self.scenes or self.notes.pin(tenant, scene) is not None:
            return None
        shelf = self.pins.place.store(tenant, scene)
        live = shelf.current()
        note = self.notes.of(tenant, scene, live) if live else None
        if live is None or note is None or note.state != PUBLISHED:
            return None
        before = note.figures.get("live")
        if not before or before not in shelf.names():
            return None
        earlier = self.notes.of(tenant, scene, before)
        if earlier is not None and earlier.state != PUBLISHED:
            return None
        found = fall(
            self.acceptance.of(tenant, scene, live, note.at_us, self.now_us()),
            self.acceptance.of(tenant, scene, before, note.at_us - BEFORE_US, note.at_us),
        )
        if found is None or not found.certain:
            return None
        message = Message.of(
            "versions-automatic", version=live, now=round(1000 * found.now), then=round(1000 * found.then)
        )
        self.pins.go_back(tenant, scene, before, who=AUTOMATIC, message=message)
        log.warning("version_rolled_back", scene=scene, version=live, to=before)
        return live
