"""Times as tills and spreadsheets write them, and by which clock on the wall they are kept.

A time with an offset (`+01:00`) is kept as it is. One that ends in `Z` says a moment and no clock (RFC 9557): it
is kept by the clock of its site, when its zone is known. One without an offset is read by that clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_SPELT = re.compile(
    r"(?P<a>\d{1,4})(?P<mark>[./-])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{2,4}),?\s+"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})([:.](?P<second>\d{2}))?\s*(?P<half>[AaPp])?\.?([Mm]\.?)?"
)
ORDERS = {"mdy": "month first", "dmy": "day first"}


class NotATime(ValueError):
    """The message says what is wrong with it."""


def day_order(cells: Iterable[str]) -> str:
    """Whether the day or the month stands first in dates with a slash or point: "dmy", "mdy"; "": nothing says it.

    A number above 12 is a day; a point is written where the day is first, AM and PM where the month is.
    """
    votes = {"dmy": 0, "mdy": 0}
    for cell in cells:
        found = _SPELT.fullmatch(cell.strip())
        if found is None or len(found["a"]) == 4:
            continue
        first, second = int(found["a"]), int(found["b"])
        if first > 12 or found["mark"] == ".":
            votes["dmy"] += 1
        elif second > 12 or found["half"]:
            votes["mdy"] += 1
    if not any(votes.values()):
        return ""
    return max(votes, key=lambda one: votes[one])


def read_time(text: str, order: str) -> datetime:
    """A time: aware where it has an offset. Midnight of 24:00 is the next day's.

    Raises:
        NotATime: it is none, or nobody can say which number is the day.
    """
    text = text.strip()
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    found = _SPELT.fullmatch(text)
    if found is None:
        raise NotATime(f"{text!r} is not a time with its offset, as in 2026-11-23T12:30:00+01:00")
    year, month, day = _date(found["a"], found["b"], found["c"], order, text)
    hour = int(found["hour"])
    if found["half"]:
        hour = hour % 12 + (12 if found["half"].lower() == "p" else 0)
    try:
        return datetime(year, month, day, hour, int(found["minute"]), int(found["second"] or 0))
    except ValueError as error:
        raise NotATime(f"{text!r} is not a time with the {ORDERS.get(order, 'year first')}: {error}") from error


def _date(a: str, b: str, c: str, order: str, text: str) -> tuple[int, int, int]:
    if len(a) == 4:
        return int(a), int(b), int(c)
    if not order:
        raise NotATime(f"{text!r} has a day and a month that may change places: say --dates dmy or --dates mdy")
    year = int(c) + (2_000 if len(c) == 2 else 0)
    return (year, int(a), int(b)) if order == "mdy" else (year, int(b), int(a))


def says_only_the_moment(text: str) -> bool:
    """Whether a time ends in `Z`: it is in UTC, and says nothing about the clock where it happened."""
    return text.strip()[-1:] in ("Z", "z")


def by_the_clock(moment: datetime, zone: tzinfo | None, shift: timedelta) -> datetime:
    """The moment as the clock of a zone shows it, moved by `shift`; without a zone by its own clock."""
    return (moment if zone is None else moment.astimezone(zone)) + shift


def zone_named(name: str) -> tzinfo:
    """The zone of an IANA name. Raises NotATime: there is none."""
    try:
        return UTC if name.upper() in ("UTC", "Z") else ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise NotATime(f"there is no zone {name!r}; name one such as Europe/Berlin") from error
