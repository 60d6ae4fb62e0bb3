"""Trainings that start by themselves: APScheduler in the one process that has the leader's lock.

Why one process: three processes on one job store ran a job ten times in seven seconds. A file lock makes one
process the leader. A run key of time and local date makes each day's training start once, even when the leader
changes. Days are names only: as numbers, 0 is Monday in APScheduler and Sunday in cron.

What is due follows from the time and the store alone, and is looked at every 20 seconds: nothing depends on a
process that was there at the minute. Times of a local day become moments in UTC here
(docs/decisions/0072-the-schedule.md).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from filelock import Timeout

from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.steady import remember
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.files import process_lock
from plumbing.storage.state import State
from recommender.config import RecommenderConfig
from recommender.errors import ScheduleRefused, TrainingRunning
from recommender.scenes.registry import SCENE_NAMES
from recommender.store.runs import ModelStore, ScheduleEntry
from recommender.training.retraining import Retraining
from recommender.training.trainer import Launch

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

    from plumbing.storage.server_locks import ServerLocks

log = structlog.get_logger(__name__)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_EVERY_S = 20
LATE_US = 10 * MINUTE  # a training that begins later than this after its time is named in the log


def parse_entry(scene: str, days: Sequence[str], time: str, timezone: str, enabled: bool = True) -> ScheduleEntry:
    """A validated entry of the schedule.

    Raises:
        ScheduleRefused: an unknown scene, a day that is not a name, no such time or zone.
    """
    if scene not in SCENE_NAMES:
        raise ScheduleRefused(f"There is nothing to train for {scene!r}; there are {', '.join(SCENE_NAMES)}.")
    wrong = [day for day in days if day not in DAYS]
    if wrong or not days:
        raise ScheduleRefused(
            f"Days are names ({', '.join(DAYS)}), never numbers; got {', '.join(days) or 'none'}."
        )
    hour, _, minute = time.partition(":")
    shaped = len(time) == 5 and hour.isdecimal() and minute.isdecimal() and time.isascii()
    if not shaped or int(hour) > 23 or int(minute) > 59:
        raise ScheduleRefused(f"A time reads 03:00, not {time!r}.")
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleRefused(f"There is no time zone {timezone!r}; one reads Europe/Berlin.") from error
    return ScheduleEntry(scene, tuple(day for day in DAYS if day in days), time, timezone, enabled)


def due_at(entry: ScheduleEntry, day: date) -> datetime:
    """The moment (UTC) at which the training of a local day is due.

    A time that the clock jumps over on that day stands for the moment as long after the jump; of a time that
    occurs twice it is the first.
    """
    hour, minute = map(int, entry.time.split(":"))
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(entry.timezone), fold=0)
    return local.astimezone(UTC)


def _days(entry: ScheduleEntry, now: datetime, offsets: Iterable[int]) -> Iterator[tuple[date, datetime]]:
    today = now.astimezone(ZoneInfo(entry.timezone)).date()
    for offset in offsets:
        day = today + timedelta(days=offset)
        if DAYS[day.weekday()] in entry.days:
            yield day, due_at(entry, day)


def last_due(entry: ScheduleEntry, now: datetime) -> tuple[date, datetime] | None:
    """The latest local day whose training was due at `now` or before, and when; None in the week before."""
    return next(((day, at) for day, at in _days(entry, now, range(1, -9, -1)) if at <= now), None)


def next_due(entry: ScheduleEntry, now: datetime) -> datetime:
    """The first moment after `now` at which a training is due."""
    return min(at for _, at in _days(entry, now, range(-1, 10)) if at > now)


def run_key(entry: ScheduleEntry, day: date) -> str:
    """The key of a scene's training of this local day. Only one run can have it, so the first process wins."""
    return f"schedule {day.isoformat()} {entry.time}"


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
        retraining: Retraining | None = None,
    ) -> None:
        """`retraining` begins what is owed to people who were forgotten."""
        self._retraining = retraining
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
            except (DatabaseBusy, sqlite3.Error, OSError) as error:  # the next look will do
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
        self._entries = [entry for entry in self._models.schedule() if entry.enabled]
        try:
            for entry in self._entries:
                self.fire(entry)
            self._plan(self._background)
        except (ZoneInfoNotFoundError, OverflowError) as error:  # a zone that is gone, a clock beyond the calendar
            log.error("schedule_not_understood", error=str(error))
        if self._retraining is not None:
            self._retraining.look()
        return True

    def _plan(self, background: BackgroundScheduler) -> None:
        """One job for the next time of each entry. `look` would begin it too, some seconds later."""
        background.remove_all_jobs()
        now, by_machine = _moment(self._now_us()), datetime.now(UTC)  # APScheduler goes by the machine's clock
        for entry in self._entries:
            wait = next_due(entry, now) - now
            background.add_job(self.fire, "date", args=[entry], run_date=by_machine + wait)

    def fire(self, entry: ScheduleEntry) -> str | None:
        """Begin the training that was due last, unless it was begun already or another one is running; returns the
        run. So a training that was due while no server ran, or while another one ran, is made up for: once."""
        now_us = self._now_us()
        due = last_due(entry, _moment(now_us))
        if due is None:
            return None
        day, at = due
        due_us, key = int(at.timestamp() * SECOND), run_key(entry, day)
        # An entry that seems to be saved in the future was saved under a wrong clock: that keeps nothing from
        # starting.
        if due_us < entry.since_us <= now_us or self._models.begun(entry.tenant, entry.scene, key):
            return None
        try:
            run_id = self._models.begin(entry.tenant, entry.scene, now_us, key)
        except TrainingRunning:
            return None
        if now_us - due_us > LATE_US:
            log.warning("training_begun_late", scene=entry.scene, due=at.isoformat(), run=run_id)
        try:
            self._launch(entry.tenant, entry.scene, run_id)
        except OSError as error:
            why = f"No process could be started: {error}"
            self._models.end(entry.tenant, run_id, "failed", why, self._now_us())
            return None
        return run_id


def _moment(now_us: int) -> datetime:
    return datetime.fromtimestamp(now_us / SECOND, UTC)
