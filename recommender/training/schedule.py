"""Trainings that start by themselves: APScheduler in the one process that has the leader's lock.

Why one process: three processes on one job store ran a job ten times in seven seconds. A file lock makes one
process the leader. A run key of time and local date makes each day's training start once, even when the leader
changes. Days are names only: as numbers, 0 is Monday in APScheduler and Sunday in cron.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from filelock import Timeout

from plumbing.clock import Clock
from plumbing.database import DatabaseBusy
from plumbing.files import process_lock
from recommender.config import RecommenderConfig
from recommender.errors import ScheduleRefused, TrainingRunning
from recommender.scenes.registry import SCENE_NAMES
from recommender.store.runs import ModelStore, ScheduleEntry
from recommender.training.trainer import Launch

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_EVERY_S = 20
LATE_S = 3_600  # a machine that was asleep at the time trains when it wakes, up to this late


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


def cron_of(entry: ScheduleEntry) -> Mapping[str, Any]:
    """The arguments of APScheduler's CronTrigger."""
    hour, minute = entry.time.split(":")
    return {
        "day_of_week": ",".join(entry.days),
        "hour": int(hour),
        "minute": int(minute),
        "timezone": ZoneInfo(entry.timezone),
    }


def run_key(entry: ScheduleEntry, now_us: int) -> str:
    """The key of a scene's training on this local day. Only one run can have it, so the first process wins."""
    local = datetime.fromtimestamp(now_us / 1e6, UTC).astimezone(ZoneInfo(entry.timezone))
    return f"schedule {local.date().isoformat()} {entry.time}"


def _started() -> BackgroundScheduler:
    from apscheduler.schedulers.background import BackgroundScheduler  # slow to import; only the leader needs it

    background = BackgroundScheduler(timezone="UTC", job_defaults={"misfire_grace_time": LATE_S})
    background.start()
    return background


class Leader:
    """A lock on a file. The process that has it is the leader; the kernel releases it when the process ends."""

    def __init__(self, path: Path) -> None:
        self._lock = process_lock(path)

    def take(self) -> bool:
        """Take the lock if it is free; True when this process has it now."""
        if not self._lock.is_locked:
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                return False
        return True

    def release(self) -> None:
        """Give the lock up; another process may take it."""
        self._lock.release()


class Scheduler:
    """One in each process of the server: it tries to lead, and the leader starts what is due."""

    def __init__(self, config: RecommenderConfig, models: ModelStore, launch: Launch, now_us: Clock) -> None:
        self._models = models
        self._launch = launch
        self._now_us = now_us
        self._leader = Leader(config.home / "recommender-schedule.lock")
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
            with contextlib.suppress(DatabaseBusy):  # the next look will do
                self.look()
            if self._stop.wait(LOOK_EVERY_S):
                return

    def look(self) -> bool:
        """Take the lead if it is free, and bring the jobs up to date; True for the leader."""
        if not self._leader.take():
            return False
        if self._background is None:
            self._background = _started()
        entries = [entry for entry in self._models.schedule() if entry.enabled]
        if entries != self._entries:
            self._background.remove_all_jobs()
            for entry in entries:
                self._background.add_job(self.fire, "cron", args=[entry], coalesce=True, **cron_of(entry))
            self._entries = entries
        return True

    def fire(self, entry: ScheduleEntry) -> str | None:
        """Start the training that is due; None when it was started already, or another one is running."""
        try:
            run_id = self._models.begin(entry.tenant, entry.scene, self._now_us(), run_key(entry, self._now_us()))
        except TrainingRunning:
            return None
        self._launch(entry.tenant, entry.scene, run_id)
        return run_id
