"""A column of times at once, where all of them are written alike: `2026-11-23T12:30:00+01:00`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import NDArray

from recommender.times import FIRST_YEAR, LAST_YEAR

DAY_S = 86_400
_WHOLE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}\n)*")
_PARTS = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}[+-][0-9]{2}:[0-9]{2}\n)*")
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Times:
    """A column of times (n,)."""

    time_us: NDArray[np.int64]  # microseconds UTC
    offset: NDArray[np.int64]  # minutes from UTC

    @property
    def second(self) -> NDArray[np.int64]:
        """Of the day, by the clock on the wall."""
        return self._wall_s % DAY_S

    @property
    def weekday(self) -> NDArray[np.int64]:
        """0 is Monday, by the clock on the wall."""
        return (self._wall_s // DAY_S + 3) % 7  # 1970-01-01 was a Thursday

    @property
    def hour(self) -> NDArray[np.float64]:
        """By the clock on the wall, as events are stored with it."""
        return _hours()[self.second]

    @property
    def _wall_s(self) -> NDArray[np.int64]:
        return self.time_us // 1_000_000 + 60 * self.offset


def read_times(texts: Sequence[str]) -> Times | None:
    """A column of times; None where they are not all written alike, or one is none.

    What it reads is written the same by `datetime.isoformat`.
    """
    whole = "".join([f"{text}\n" for text in texts])
    if _WHOLE.fullmatch(whole):
        width = 26
    elif _PARTS.fullmatch(whole):
        width = 33
    else:
        return None
    if len(whole) != width * len(texts):  # a cell of several lines
        return None
    letters = np.frombuffer(whole.encode("ascii"), np.uint8).reshape(len(texts), width)
    digits = letters.astype(np.int64) - ord("0")

    def number(at: int, n: int) -> NDArray[np.int64]:
        return digits[:, at : at + n] @ 10 ** np.arange(n - 1, -1, -1)

    hour, minute, second = number(11, 2), number(14, 2), number(17, 2)
    us = number(20, 6) if width == 33 else np.zeros(len(texts), np.int64)
    zone_hour, zone_minute = number(width - 6, 2), number(width - 3, 2)
    is_behind = letters[:, width - 7] == ord("-")
    offset = np.where(is_behind, -1, 1) * (60 * zone_hour + zone_minute)
    days = _days(10_000 * number(0, 4) + 100 * number(5, 2) + number(8, 2))
    wrong = (hour > 23) | (minute > 59) | (second > 59) | (zone_hour > 23) | (zone_minute > 59)
    unlike = (is_behind & (offset == 0)) | ((us == 0) & (width == 33))  # isoformat writes them in another way
    if days is None or (wrong | unlike).any():
        return None
    seconds = days * DAY_S + 3_600 * hour + 60 * minute + second - 60 * offset
    return Times(1_000_000 * seconds + us, offset)


def _days(dates: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Days since 1970 of dates such as 20261123; None: one of them is none, or of no year that is taken."""
    different, place = np.unique(dates, return_inverse=True)
    days = np.empty(len(different), np.int64)
    for at, one in enumerate(different.tolist()):
        year, month, day = one // 10_000, one // 100 % 100, one % 100
        if not FIRST_YEAR <= year <= LAST_YEAR:
            return None
        try:
            days[at] = date(year, month, day).toordinal() - _EPOCH_DAY
        except ValueError:
            return None
    return days[place]


@cache
def _hours() -> NDArray[np.float64]:
    """Of each second of a day (86,400,): as `EventModel.to_event` computes it from one time."""
    return np.array([round(s // 3_600 + s // 60 % 60 / 60 + s % 60 / 3_600, 4) for s in range(DAY_S)])
