"""From what somebody typed to a calendar: "every night at 03:30", "montags 4 Uhr", "6時間ごと", a cron line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plumbing.words import Message
from recommender.training.timetable.calendar import DAYS, SHORTHANDS, Calendar, Line, clock
from recommender.training.timetable.lexicon import Token, tokens
from recommender.training.timetable.problems import NotUnderstood, wrong
from recommender.training.timetable.zones import zone_named

MOST_LETTERS = 200
MOST_PROBLEMS = 3
TO_PARTS = ("at", "the", "am")
"""Words before a part of the day that says more about the time before it: "5 in the morning", "4 at night"."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What a text says; `timezone` is empty where it names none."""

    calendar: Calendar
    timezone: str = ""


def understand(text: str) -> Understood:
    """Read a text in English, German or Japanese, or cron lines with day names separated by semicolons.

    Raises:
        NotUnderstood: it names each wrong word and shows an example.
    """
    if not text.strip():
        raise wrong("empty")
    if len(text) > MOST_LETTERS:
        raise wrong("long", f"{text[:20]}…")
    if _is_cron(text):
        return Understood(Calendar.parse(text))
    found = tokens(text)
    problems = [one for token in found if (one := _problem(token, text))]
    zones = [token for token in found if token.kind == "zone"]
    timezone = ""
    for token in zones:
        try:
            timezone = zone_named(token.text)
        except KeyError:
            problems.append(Message.of("schedule-wrong-zone", word=_typed(text, token.text)))
    if problems:
        raise NotUnderstood(*_unique(problems)[:MOST_PROBLEMS])
    return Understood(_calendar(_clauses(found), text), timezone)


def known_zone(name: str) -> str:
    """The zone of this name. Raises NotUnderstood: there is none."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise wrong("zone", name) from error
    return name


def _is_cron(text: str) -> bool:
    """Whether it is meant as a cron line: it begins like one, or nearly."""
    first = text.split(";")[0].split()
    if text.strip().lower() in SHORTHANDS:
        return True
    signs = [one for one in first if re.fullmatch(r"[\d*/,\-?]+", one)]
    return (len(first) in (4, 5, 6, 7) and len(signs) >= 3) or (len(first) >= 2 and "*" in first)


def _problem(token: Token, text: str) -> Message | None:
    word = _typed(text, token.text)
    kinds = {"unknown": "word", "wrong_time": "time", "minutes": "too-often", "intervals": "interval"}
    if token.kind in kinds:
        return Message.of(f"schedule-wrong-{kinds[token.kind]}", word=word)
    if token.kind == "month_day" and not 0 <= int(str(token.value)) <= 28:
        return Message.of("schedule-wrong-month-day", word=word)
    if token.kind == "hours" and (not int(str(token.value)) or 24 % int(str(token.value))):
        return Message.of("schedule-wrong-hours", word=word)
    return None


def _unique(messages: Sequence[Message]) -> list[Message]:
    return [one for number, one in enumerate(messages) if one not in messages[:number]]


def _typed(text: str, word: str) -> str:
    """The word as it was typed, capitals and all."""
    place = text.lower().find(word)
    return text[place : place + len(word)] if place >= 0 else word


@dataclass
class _Clause:
    """Days and times that belong together."""

    weekdays: set[int] = field(default_factory=set)
    month_days: set[int] = field(default_factory=set)
    daily: bool = False
    part: str = ""
    times: list[tuple[int, bool]] = field(default_factory=list)
    """Minutes of the day, and whether it is a bare hour, which a part of the day may shift."""
    hours: int = 0
    days_first: bool = False
    needs: str = ""
    """A word such as "weekly" that is not enough alone."""

    @property
    def has_days(self) -> bool:
        return bool(self.weekdays or self.month_days or self.daily)

    @property
    def has_times(self) -> bool:
        return bool(self.times or self.hours)


def _clauses(found: Sequence[Token]) -> list[_Clause]:
    clauses = [_Clause()]
    last_day: int | None = None
    ranging = False
    before = ""
    for token in found:
        if token.kind == "to":
            ranging = True
            continue
        if token.kind in ("days", "month_day", "daily", "time", "hour", "number", "hours"):
            clause = clauses[-1]
            is_day = token.kind in ("days", "month_day", "daily")
            full = clause.has_days and clause.has_times
            if full and clause.days_first == is_day and not (token.kind == "daily" and before in TO_PARTS):
                clauses.append(_Clause())
            clause = clauses[-1]
            if not clause.has_days and not clause.has_times:
                clause.days_first = is_day
            if token.kind == "days" and ranging and last_day is not None and isinstance(token.value, tuple):
                end = token.value[0]
                clause.weekdays |= {day % 7 for day in range(last_day, end + 1 if end >= last_day else end + 8)}
            else:
                _take(clause, token)
            last_day = token.value[-1] if token.kind == "days" and isinstance(token.value, tuple) else None
        elif token.kind in ("weekly", "monthly"):
            clauses[-1].needs = clauses[-1].needs or token.text
        if token.kind != "noise":
            ranging = False
        before = token.text
    return clauses


def _take(clause: _Clause, token: Token) -> None:
    value = token.value
    if token.kind == "days" and isinstance(value, tuple):
        clause.weekdays |= set(value)
    elif token.kind == "month_day":
        clause.month_days.add(int(str(value)))
    elif token.kind == "daily":
        clause.daily = True
        clause.part = clause.part or str(value)
    elif token.kind == "hours":
        clause.hours = int(str(value))
    elif token.kind == "number":
        hour = int(str(value))
        if hour > 23:
            raise wrong("time", token.text)
        clause.times.append((60 * hour, True))
    elif token.kind == "hour":
        clause.times.append((int(str(value)), True))
    else:
        clause.times.append((int(str(value)), False))


def _shifted(time: int, part: str) -> int:
    """A bare hour in the evening or at night: "every evening at 8" is 20:00, "every night at 3" is 03:00."""
    hour = time // 60
    late = part == "late" and 1 <= hour <= 11
    night = part == "night" and 8 <= hour <= 11
    return time + 12 * 60 if late or night else time


def _calendar(clauses: Sequence[_Clause], text: str) -> Calendar:
    lines: list[Line] = []
    for clause in clauses:
        if clause.needs and not clause.weekdays and not clause.month_days and not clause.daily:
            raise wrong("no-day", _typed(text, clause.needs))
        if not clause.has_times:
            raise wrong("no-time", text.strip())
        lines += _lines(clause)
    return Calendar.of(lines)


def _lines(clause: _Clause) -> list[Line]:
    """The cron lines of a clause: one for each minute of the hour."""
    month_days, weekdays = tuple(sorted(clause.month_days)), tuple(sorted(clause.weekdays))
    if month_days and weekdays:
        raise wrong("both-days", _both(clause))
    by_minute: dict[int, list[int]] = {}
    if clause.hours:
        by_minute[0] = list(range(0, 24, clause.hours))
    for stored, bare in clause.times:
        time = _shifted(stored, clause.part) if bare else stored
        hours = by_minute.setdefault(time % 60, [])
        if time // 60 in hours:
            raise wrong("overlap", clock(time))
        hours.append(time // 60)
    made = [Line((minute,), tuple(sorted(hours)), month_days, (), weekdays) for minute, hours in by_minute.items()]
    return [line.checked(str(line.month_days), "", "") for line in made]


def _both(clause: _Clause) -> str:
    days = [DAYS[day] for day in sorted(clause.weekdays)]
    return ", ".join([*days, *("last" if one == 0 else str(one) for one in sorted(clause.month_days))])
