"""From local times to moments: when an entry is due, also on the nights when the clocks change.

A time that the clock jumps over stands for the moment as long after the jump; of a time that occurs twice it is
the first. Two local times that become one moment are due once.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from recommender.store.schedules import ScheduleEntry
from recommender.training.timetable.calendar import Calendar, calendar_of

JUMP = timedelta(hours=3)
"""No clock is set by more on one night, except where a day is skipped (`WIDE`)."""

WIDE = timedelta(hours=26)
BACK = (timedelta(days=2), timedelta(days=9), timedelta(days=63))
"""So far is looked back for what was due last, in steps; what was due earlier is not made up for."""


def at(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment (UTC) of a local time without a zone."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def last_due(entry: ScheduleEntry, now: datetime) -> tuple[datetime, datetime] | None:
    """The latest local time (without a zone) that was due at `now` or before, and its moment; None: there was none
    for two months. The entry has its zone."""
    calendar, zone = calendar_of(entry.lines), ZoneInfo(entry.timezone)
    here = now.astimezone(zone).replace(tzinfo=None)
    for back in BACK:
        found = _until(calendar, zone, here - back, here + WIDE)
        due = [(moment, local) for moment, local in found if moment <= now]
        if due:
            moment, local = max(due)
            return local, moment
    return None


def next_due(entry: ScheduleEntry, now: datetime, n: int = 1) -> list[datetime]:
    """The first `n` moments (UTC) after `now` at which a training is due."""
    calendar, zone = calendar_of(entry.lines), ZoneInfo(entry.timezone)
    found: set[datetime] = set()
    enough: datetime | None = None
    for local in calendar.times(now.astimezone(zone).replace(tzinfo=None) - WIDE):
        moment = at(local, zone)
        if enough is not None and local > enough:
            break
        if moment > now:
            found.add(moment)
        if enough is None and len(found) >= n:
            enough = local + JUMP  # a later local time can be an earlier moment
    return sorted(found)[:n]


def _until(calendar: Calendar, zone: ZoneInfo, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    found = []
    for local in calendar.times(start):
        if local > end:
            break
        found.append((at(local, zone), local))
    return found


def run_key(local: datetime) -> str:
    """The key of a scene's training of this local time. Only one run can have it, so the first process wins."""
    return f"schedule {local:%Y-%m-%d %H:%M}"
