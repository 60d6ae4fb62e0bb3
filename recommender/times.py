"""Times as callers write them: ISO 8601 with an offset, never without."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from recommender.errors import TimeWithoutZone

FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Of the times that are taken."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPACE_FOR_PLUS = re.compile(r" (\d{2}:?\d{2})$")


def aware(text: str, field: str) -> datetime:
    """The moment that `text` says, with its offset. A `+` that a query string turned into a space is understood.

    Raises:
        TimeWithoutZone: not ISO 8601, no offset, or out of range; the error names `field`.
    """
    try:
        moment = datetime.fromisoformat(_SPACE_FOR_PLUS.sub(r"+\1", text.strip()))
        if moment.utcoffset() is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise TimeWithoutZone(field)
    except ValueError as error:
        raise TimeWithoutZone(field) from error
    return moment


def to_us(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_us(time_us: int) -> str:
    """The moment as ISO 8601 in UTC."""
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hour_of(moment: datetime) -> float:
    """The local clock as hours, 0 <= hour < 24: habits follow the clock on the wall."""
    return moment.hour + moment.minute / 60 + moment.second / 3600


def on_the_wall(moment: datetime | None, zone: tzinfo | None, now_us: int) -> datetime | None:
    """The moment by the clock of a zone, where it came by UTC's; without a moment the present one. A moment with
    an offset of its own stays, and without a zone everything does."""
    if zone is None or (moment is not None and moment.utcoffset()):
        return moment
    return (moment or _EPOCH + timedelta(microseconds=now_us)).astimezone(zone)
