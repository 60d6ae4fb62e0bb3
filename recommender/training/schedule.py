"""Trainings that start by themselves: APScheduler in the one process that has the leader's lock.

Why one process: three processes on one job store ran a job ten times in seven seconds. A file lock makes one
process the leader. A run key of time and local date makes each day's training start once, even when the leader
changes. Days are names only: as numbers, 0 is Monday in APScheduler and Sunday in cron (`timetable/calendar.py`).

What is due follows from the time and the store alone, and is looked at every 20 seconds: nothing depends on a
process that was there at the minute. Times of a local day become moments in UTC here
(docs/decisions/0072-the-schedule.md).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfoNotFoundError

import structlog
from filelock import Timeout

from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.problem import Problem
from plumbing.steady import remember
from plumbing.storage.files import process_lock
from plumbing.storage.state import State
from recommender.config import RecommenderConfig
from recommender.errors import ScheduleRefused, TrainingRunning
from recommender.scenes.registry import SCENE_NAMES
from recommender.store.runs import BY_SCHEDULE, ModelStore
from recommender.store.schedules import ScheduleEntry
from recommender.training.outcomes import not_started
from recommender.training.timetable.moments import last_due, next_due, run_key
from recommender.training.timetable.problems import NotUnderstood
from recommender.training.timetable.reading import known_zone, understand
from recommender.training.trainer import Launch

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

    from plumbing.storage.server_locks import ServerLocks

log = structlog.get_logger(__name__)
LOOK_EVERY_S = 20
LATE_US = 10 * MINUTE  # a training that begins later than this after its time is named in the log
WRONG = (ZoneInfoNotFoundError, OverflowError, ValueError, NotUnderstood)
"""A zone that is gone, a clock beyond the calendar, an entry of a newer release."""

ZoneOf = Callable[[str], str]
"""The zone of a tenant, for entries without one of their own."""


def entry_of(scene: str, text: str, timezone: str = "", enabled: bool = True) -> ScheduleEntry:
    """An entry from what somebody typed. A zone in the text counts more than `timezone`; empty: the tenant's.

    Raises:
        ScheduleRefused: there is no such scene.
        NotUnderstood: the text or the zone; it names the wrong word.
    """
    if scene not in SCENE_NAMES:
        raise ScheduleRefused(f"There is nothing to train for {scene!r}; there are {', '.join(SCENE_NAMES)}.")
    understood = understand(text)
    zone = understood.timezone or (known_zone(timezone) if timezone else "")
    return ScheduleEntry(scene, understood.calendar.text, text.strip(), zone, enabled)


def at_home(entry: ScheduleEntry, zone_of: ZoneOf) -> ScheduleEntry:
    """The entry with the zone that counts for it."""
    return entry if entry.timezone else replace(entry, timezone=zone_of(entry.tenant))


def _started() -> BackgroundScheduler:
    from apscheduler.schedulers.background import BackgroundScheduler  # slow to import; only the leader needs it

    background = BackgroundScheduler(timezone="UTC", job_defaults={"misfire_grace_time": None})
    background.start()
    return background


class Leader(Protocol):
    """One process of an installation leads."""

    def take(self) -> bool:
        """Take the lead if it is free; True when this process has it now."""

    def release(self) -> None:
        """Give it up; another process may take it."""


class Duty(Protocol):
    """What the leader looks after now and then, beside the schedule."""

    def look(self) -> object:
        """Do what is due; its own errors are its own."""


class LocalLeader:
    """A lock on a file; the kernel releases it when the process ends."""

    def __init__(self, path: Path) -> None:
        self._lock = process_lock(path)

    def take(self) -> bool:
        """See `Leader.take`."""
        if not self._lock.is_locked:
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                return False
        return True

    def release(self) -> None:
        """See `Leader.release`."""
        self._lock.release()


class SharedLeader:
    """A lock of the server: it goes to another replica when this one ends or loses its connection."""

    def __init__(self, locks: ServerLocks) -> None:
        self._locks = locks

    def take(self) -> bool:
        """See `Leader.take`."""
        return self._locks.take("schedule")

    def release(self) -> None:
        """See `Leader.release`."""
        self._locks.close()


def leader_of(state: State) -> Leader:
    """The lead of an installation."""
    locks = state.locks()
    return LocalLeader(state.home / "recommender-schedule.lock") if locks is None else SharedLeader(locks)


class Scheduler:
    """One in each process of the server: it tries to lead, and the leader starts what is due."""

    def __init__(
        self,
        config: RecommenderConfig,
        models: ModelStore,
        launch: Launch,
        now_us: Clock,
        retraining: Duty | None = None,
        zone_of: ZoneOf = lambda tenant: "UTC",
    ) -> None:
        """`retraining` is what else the leader looks after: what is owed to people who were forgotten, and how the
        live versions do."""
        self._retraining = retraining
        self._zone_of = zone_of
        self._models = models
        self._launch = launch
        self._now_us = now_us
        self._leader = leader_of(config.state)
        self._background: BackgroundScheduler | None = None
        self._entries: list[ScheduleEntry] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look every `LOOK_EVERY_S` seconds, in a thread of its own."""
        self._thread = threading.Thread(target=self._watch, name="schedule", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the jobs, and release the lock."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._background is not None:
            self._background.shutdown(wait=False)
            self._background = None
        self._leader.release()

    def jobs(self) -> list[ScheduleEntry]:
        """The entries that have a job in this process; none unless it leads."""
        return [job.args[0] for job in self._background.get_jobs()] if self._background is not None else []

    def _watch(self) -> None:
        while True:
            try:
                remember(self._now_us)
                self.look()
            except (Problem, sqlite3.Error, OSError, ValueError) as error:  # the next look will do
                log.warning("schedule_not_read", error=type(error).__name__)
            if self._stop.wait(LOOK_EVERY_S):
                return

    def look(self) -> bool:
        """Take the lead if it is free, close runs whose process is gone, begin what is due, and bring the jobs
        up to date; True for the leader."""
        if not self._leader.take():
            return False
        if self._background is None:
            self._background = _started()
        self._models.close_lost(self._now_us())
        enabled = [entry for entry in self._models.schedules.entries() if entry.enabled]
        self._entries = [at_home(entry, self._zone_of) for entry in enabled]
        for entry in self._entries:
            try:
                self.fire(entry)
            except WRONG as error:
                log.error("schedule_not_understood", scene=entry.scene, error=str(error))
        self._plan(self._background)
        if self._retraining is not None:
            self._retraining.look()
        return True

    def _plan(self, background: BackgroundScheduler) -> None:
        """One job for the next time of each entry. `look` would begin it too, some seconds later."""
        background.remove_all_jobs()
        now, by_machine = _moment(self._now_us()), datetime.now(UTC)  # APScheduler goes by the machine's clock
        for entry in self._entries:
            try:
                upcoming = next_due(entry, now)
            except WRONG:  # `look` has said so
                continue
            if upcoming:
                background.add_job(
                    self._fire_again, "date", args=[entry], run_date=by_machine + (upcoming[0] - now)
                )

    def _fire_again(self, planned: ScheduleEntry) -> None:
        """At its moment: what is stored now counts, not what was stored when it was planned."""
        for entry in self._models.schedules.entries(planned.tenant):
            if entry.scene == planned.scene and entry.enabled:
                self.fire(at_home(entry, self._zone_of))

    def fire(self, entry: ScheduleEntry) -> str | None:
        """Begin the training that was due last, unless it was begun already or another one is running; returns the
        run. So a training that was due while no server ran, while another one ran or while the entry was paused is
        made up for: once."""
        now_us = self._now_us()
        if entry.is_paused(now_us):
            return None
        due = last_due(entry, _moment(now_us))
        if due is None:
            return None
        local, at = due
        due_us, key = int(at.timestamp() * SECOND), run_key(local)
        # An entry that seems to be saved in the future was saved under a wrong clock: that keeps nothing from
        # starting.
        if due_us < entry.since_us <= now_us or self._models.begun(entry.tenant, entry.scene, key):
            return None
        try:
            run_id = self._models.begin(entry.tenant, entry.scene, now_us, key, kind=BY_SCHEDULE)
        except TrainingRunning:
            return None
        if now_us - due_us > LATE_US:
            log.warning("training_begun_late", scene=entry.scene, due=at.isoformat(), run=run_id)
        try:
            self._launch(entry.tenant, entry.scene, run_id)
        except OSError as error:
            self._models.end(entry.tenant, run_id, "failed", not_started(error), self._now_us())
            return None
        return run_id


def _moment(now_us: int) -> datetime:
    return datetime.fromtimestamp(now_us / SECOND, UTC)
