"""A calendar: cron lines with day names, checked, compared with one another and turned into local times.

APScheduler's cron triggers do the calendar, always in UTC: there no hour is skipped or repeated. What a local time
means on the night when the clocks change is decided in `moments.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING

from recommender.training.timetable.problems import NotUnderstood, wrong

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LAST = 0
"""In `Line.month_days`: the last day of a month."""

APART_MIN = 60
"""Two trainings of one scene begin at least so many minutes apart."""

DAY_MIN, WEEK_MIN = 24 * 60, 7 * 24 * 60
MOST_LINES = 10
SHORTHANDS = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *"}


@dataclass(frozen=True, slots=True)
class Line:
    """One cron line. No days of the month: every day; weekdays are 0 (Monday) to 6."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Line:
        """A line of five fields: minute, hour, day of the month, month, day of the week.

        Raises:
            NotUnderstood: it names the field that is wrong.
        """
        fields = SHORTHANDS.get(text.strip().lower(), text).split()
        if len(fields) != 5:
            raise wrong("fields", text.strip())
        minute, hour, day, month, weekday = fields
        line = cls(
            _numbers(minute, 0, 59),
            _numbers(hour, 0, 23),
            () if day == "*" else _month_days(day),
            () if month == "*" else _numbers(month, 1, 12, MONTHS, first=1),
            () if weekday == "*" else _weekdays(weekday),
        )
        return line.checked(day, weekday, text.strip())

    def checked(self, day: str, weekday: str, text: str) -> Line:
        """This line, with one form for what means the same. The texts are what to name when it is refused.

        Raises:
            NotUnderstood: days of the month and of the week together, a day that most months lack, or too often.
        """
        if self.month_days and self.weekdays:
            raise wrong("both-days", f"{day}, {weekday}")
        late = max((one for one in self.month_days), default=0)
        if late > 28 and (not self.months or late > min(_length(month) for month in self.months)):
            raise wrong("month-day", day)
        if len(self.minutes) > 1 and _closest(self.times, DAY_MIN) < APART_MIN:
            raise wrong("too-often", text)
        weekdays = () if len(self.weekdays) == len(DAYS) else tuple(sorted(self.weekdays))
        months = () if len(self.months) == len(MONTHS) else tuple(sorted(self.months))
        return Line(self.minutes, self.hours, self.month_days, months, weekdays)

    @property
    def times(self) -> tuple[int, ...]:
        """Minutes of the day."""
        return tuple(sorted(60 * hour + minute for hour, minute in product(self.hours, self.minutes)))

    @property
    def text(self) -> str:
        """As a cron line with day names."""
        every = set(range(24)) == set(self.hours)
        days = ",".join("last" if one == LAST else str(one) for one in self.month_days)
        return " ".join(
            (
                _listed(self.minutes),
                "*" if every else _listed(self.hours),
                days or "*",
                ",".join(MONTHS[one - 1] for one in self.months) or "*",
                ",".join(DAYS[one] for one in self.weekdays) or "*",
            )
        )

    def trigger(self) -> BaseTrigger:
        """APScheduler's, of a calendar without changes of the clock."""
        from apscheduler.triggers.cron import CronTrigger  # slow to import

        minute, hour, day, month, weekday = self.text.split()
        return CronTrigger(minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=UTC)

    def week(self) -> list[int]:
        """Minutes of a week on which it may be due; one by days of the month may be due on any."""
        return [DAY_MIN * day + time for day in self.weekdays or range(7) for time in self.times]


@dataclass(frozen=True)
class Calendar:
    """Some lines: due whenever one of them is."""

    lines: tuple[Line, ...]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Calendar:
        """Lines that do not get into each other's way.

        Raises:
            NotUnderstood: two of them are less than an hour apart.
        """
        made = cls(tuple(dict.fromkeys(lines)))
        if len(made.lines) < len(lines):
            raise wrong("overlap", lines[-1].text)
        if len(lines) > MOST_LINES:
            raise wrong("too-often", lines[MOST_LINES].text)
        for one, other in combinations(made.lines, 2):
            if _meet(one, other):
                raise wrong("overlap", clock(other.times[0]))
        return made

    @classmethod
    def parse(cls, text: str) -> Calendar:
        """Cron lines, separated by semicolons. Raises NotUnderstood."""
        return cls.of([Line.parse(one) for one in text.split(";") if one.strip()])

    @property
    def text(self) -> str:
        """As it is stored."""
        return "; ".join(line.text for line in self.lines)

    def times(self, start: datetime) -> Iterator[datetime]:
        """The local times, without a zone, at `start` or later. They end with the calendar, in the year 9999."""
        at: datetime | None = start.replace(tzinfo=UTC)
        while at is not None:
            try:
                at = self._trigger.get_next_fire_time(None, at)
            except (ValueError, OverflowError):
                return
            if at is not None:
                yield at.replace(tzinfo=None)
                at += timedelta(seconds=1)

    @cached_property
    def _trigger(self) -> BaseTrigger:
        from apscheduler.triggers.combining import OrTrigger

        return OrTrigger([line.trigger() for line in self.lines])


@lru_cache(maxsize=512)
def calendar_of(lines: str) -> Calendar:
    """The calendar of a stored entry. Raises NotUnderstood: a newer release wrote it."""
    return Calendar.parse(lines)


def clock(minutes: int) -> str:
    """Minutes of the day as 03:30."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _meet(one: Line, other: Line) -> bool:
    """Whether the two can be due less than an hour apart."""
    if one.month_days and other.month_days:
        ends = any(LAST in a.month_days and max(b.month_days) > 27 for a, b in ((one, other), (other, one)))
        if not ends and not set(one.month_days) & set(other.month_days):
            return False
    if one.months and other.months and not set(one.months) & set(other.months):
        return False
    return any(_circular(a - b, WEEK_MIN) < APART_MIN for a, b in product(one.week(), other.week()))


def _closest(times: Sequence[int], around: int) -> int:
    if len(times) < 2:
        return around
    return min(_circular(a - b, around) for a, b in combinations(times, 2))


def _circular(apart: int, around: int) -> int:
    return min(apart % around, -apart % around)


def _length(month: int) -> int:
    return 28 if month == 2 else 30 if month in (4, 6, 9, 11) else 31


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))


def _numbers(field: str, low: int, high: int, names: Sequence[str] = (), *, first: int = 0) -> tuple[int, ...]:
    """A field of numbers: *, */2, 1-5, 1-5/2, 1,3,5."""
    found: set[int] = set()
    for part in field.lower().split(","):
        match = re.fullmatch(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d{1,2}))?", part, re.ASCII)
        if match is None:
            raise wrong("field", field)
        star, begin, end, step = match.groups()
        a = low if star else _number(begin, names, first, field)
        b = high if star or (step and end is None) else _number(end, names, first, field) if end else a
        if not low <= a <= b <= high or (step is not None and not int(step)):
            raise wrong("field", field)
        found.update(range(a, b + 1, int(step or 1)))
    return tuple(sorted(found))


def _number(word: str, names: Sequence[str], first: int, field: str) -> int:
    if word in names:
        return names.index(word) + first
    if not word.isdecimal() or len(word) > 2:
        raise wrong("field", field)
    return int(word)


def _month_days(field: str) -> tuple[int, ...]:
    if field.lower() in ("last", "l"):
        return (LAST,)
    return _numbers(field, 1, 31)


def _weekdays(field: str) -> tuple[int, ...]:
    """Names alone: as numbers, programs count them differently."""
    found: set[int] = set()
    for part in field.lower().split(","):
        begin, dash, end = part.partition("-")
        if re.search(r"\d", part):
            raise wrong("day-number", field)
        if begin not in DAYS or (dash and end not in DAYS):
            raise wrong("field", field)
        a, b = DAYS.index(begin), DAYS.index(end or begin)
        found.update(day % 7 for day in range(a, b + 1 if b >= a else b + 8))
    return tuple(sorted(found))


__all__ = ["DAYS", "LAST", "Calendar", "Line", "NotUnderstood", "calendar_of", "clock"]
