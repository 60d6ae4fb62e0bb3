"""An entry in words again: what was understood, and when the next training is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_time, format_timedelta, get_day_names, get_month_names
from babel.lists import format_list

from recommender.training.outcomes import WORDS
from recommender.training.timetable.calendar import LAST, Calendar, Line, clock

ALL_HOURS = tuple(range(24))
JUST_NOW = timedelta(minutes=1)
"""What ended later counts as ended a minute ago."""


def said(calendar: Calendar, language: str) -> str:
    """A calendar in the words of a language, which reads again as the same calendar."""
    grouped: dict[tuple[tuple[int, ...], ...], list[Line]] = {}
    for line in calendar.lines:
        grouped.setdefault((line.month_days, line.months, line.weekdays), []).append(line)
    return _list([_phrase(lines, language) for lines in grouped.values()], language)


def _phrase(lines: Sequence[Line], language: str) -> str:
    """Lines of the same days."""
    line = lines[0]
    phrase = _by_hours(lines, language) or _by_times(lines, language)
    if not line.months:
        return phrase
    names = get_month_names("wide", locale=language)
    months = _list([names[month] for month in line.months], language)
    return WORDS.text(language, "schedule-in-months", phrase=phrase, months=months)


def _by_hours(lines: Sequence[Line], language: str) -> str | None:
    """ "Every 6 hours", where it is that."""
    line = lines[0]
    days = line.month_days or line.weekdays
    if len(lines) > 1 or days or line.minutes != (0,) or len(line.hours) < 3 or 24 % len(line.hours):
        return None
    step = 24 // len(line.hours)
    if line.hours != ALL_HOURS[::step]:
        return None
    return WORDS.text(language, "schedule-every-hours" if step > 1 else "schedule-every-hour", hours=step)


def _by_times(lines: Sequence[Line], language: str) -> str:
    line = lines[0]
    times = _list([clock(one) for one in sorted(time for one in lines for time in one.times)], language)
    if line.month_days == (LAST,):
        return WORDS.text(language, "schedule-on-last-day", times=times)
    if line.month_days:
        days = _list([_month_day(one, language) for one in line.month_days], language)
        return WORDS.text(language, "schedule-on-month-days", days=days, times=times)
    if line.weekdays == (0, 1, 2, 3, 4):
        return WORDS.text(language, "schedule-on-weekdays", times=times)
    if line.weekdays:
        names = get_day_names("wide", locale=language)
        days = _list([names[day] for day in line.weekdays], language)
        return WORDS.text(language, "schedule-on-days", days=days, times=times)
    return WORDS.text(language, "schedule-every-day", times=times)


def _month_day(day: int, language: str) -> str:
    if day == LAST:
        return WORDS.text(language, "schedule-last-day")
    if language == "en":
        ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        return f"{day}{ending}"
    return f"{day}日" if language == "ja" else f"{day}."


def _list(parts: Sequence[str], language: str) -> str:
    return str(format_list(list(parts), locale=language))


def moment_said(at: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """A moment as somebody in the zone says it now: "tonight at 03:30", "tomorrow at 15:00", or the date."""
    local, here = at.astimezone(zone), now.astimezone(zone)
    time = format_time(local, "HH:mm", tzinfo=zone, locale=language)
    days = (local.date() - here.date()).days
    hours = (at - now).total_seconds() / 3600
    if 0 <= hours <= 14 and (local.hour >= 21 or local.hour < 6) and (here.hour >= 12 or days == 0):
        return WORDS.text(language, "schedule-tonight", time=time)
    if days in (0, 1):
        return WORDS.text(language, "schedule-today" if days == 0 else "schedule-tomorrow", time=time)
    return day_said(at, zone, language)


def day_said(at: datetime, zone: ZoneInfo, language: str) -> str:
    """Weekday, date and time in the zone."""
    pattern = {"en": "EEEE, d MMMM y, HH:mm", "de": "EEEE, d. MMMM y, HH:mm", "ja": "y年M月d日(EEEE) HH:mm"}
    return str(format_datetime(at.astimezone(zone), pattern[language], tzinfo=zone, locale=language))


def ago_said(at: datetime, now: datetime, language: str) -> str:
    """How long ago: "6 hours ago"."""
    passed = min(at.astimezone(UTC) - now.astimezone(UTC), -JUST_NOW)
    return str(format_timedelta(passed, add_direction=True, threshold=1.2, locale=language))
