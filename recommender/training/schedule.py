"""Trainings that start by themselves: APScheduler in the one process that holds the leader's lock.

Measured elsewhere: three processes on one job store ran a job ten times in seven seconds. Here a file lock makes
one process the leader, and a run key made of scene and local date lets a day's training begin once even when the
leader changes in the middle. Days are names only: with numbers APScheduler's 0 is Monday and cron's is Sunday.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plumbing.clock import Clock
from plumbing.database import DatabaseBusy
from recommender.config import RecommenderConfig
from recommender.errors import ScheduleRefused, TrainingRunning
from recommender.store.runs import ModelStore, ScheduleEntry
from recommender.training.trainer import TRAINED, Launch

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_EVERY_S = 20
LATE_S = 3_600  # a machine that slept through the hour trains when it wakes, up to this late


def check_due(scene: str, days: Sequence[str], time: str, timezone: str, enabled: bool = True) -> ScheduleEntry:
    """A line of the schedule.

    Raises:
        ScheduleRefused: an unknown scene, a day that is no name, no such time or zone.
    """
    if scene not in TRAINED:
        raise ScheduleRefused(f"There is nothing to train for {scene!r}; there are {', '.join(TRAINED)}.")
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


def cron_of(due: ScheduleEntry) -> Mapping[str, Any]:
    """The arguments of APScheduler's CronTrigger."""
    hour, minute = due.time.split(":")
    return {
        "day_of_week": ",".join(due.days),
        "hour": int(hour),
        "minute": int(minute),
        "timezone": ZoneInfo(due.timezone),
    }


def run_key(due: ScheduleEntry, now_us: int) -> str:
    """Names the training of a scene's local day: whoever begins it first has begun it."""
    local = datetime.fromtimestamp(now_us / 1e6, UTC).astimezone(ZoneInfo(due.timezone))
    return f"schedule {local.date().isoformat()} {due.time}"


class Leader:
    """A lock on a file, held for as long as the process wants; the kernel lets go when the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """True when this process holds the lock now."""
        if self._handle is not None:
            return True
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def let_go(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class Scheduler:
    """Started by each process of the server. Looks now and then whether it leads, and for what is due."""

    def __init__(self, config: RecommenderConfig, models: ModelStore, launch: Launch, now_us: Clock) -> None:
        self._models = models
        self._launch = launch
        self._now_us = now_us
        self._leader = Leader(config.home / "recommender-schedule.lock")
        self._jobs: Any = None
        self._seen: list[ScheduleEntry] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on, in a thread of its own."""
        self._thread = threading.Thread(target=self._watch, name="schedule", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, the jobs and the lead."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._jobs is not None:
            self._jobs.shutdown(wait=False)
            self._jobs = None
        self._leader.let_go()

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
        if self._jobs is None:
            from apscheduler.schedulers.background import BackgroundScheduler

            self._jobs = BackgroundScheduler(timezone="UTC", job_defaults={"misfire_grace_time": LATE_S})
            self._jobs.start()
        due = [one for one in self._models.schedule() if one.enabled]
        if due != self._seen:
            self._jobs.remove_all_jobs()
            for one in due:
                self._jobs.add_job(self.fire, "cron", args=[one], coalesce=True, **cron_of(one))
            self._seen = due
        return True

    def fire(self, due: ScheduleEntry) -> str | None:
        """Begin the training that is due; None when it was begun already or another one is running."""
        try:
            run_id = self._models.begin(due.tenant, due.scene, self._now_us(), run_key(due, self._now_us()))
        except TrainingRunning:
            return None
        self._launch(due.tenant, due.scene, run_id)
        return run_id
