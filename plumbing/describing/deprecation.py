"""An operation that is to go: declared at its route, said in the description and in the head of every reply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime

LEAST_DAYS = 180
"""Between the day on which an operation is deprecated and the day on which it may go."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when an operation is deprecated, when it goes at the earliest, and which operation to use instead.

    Raises ValueError: a client gets less time than `LEAST_DAYS`.
    """

    since: date
    sunset: date
    instead: str

    def __post_init__(self) -> None:
        if (self.sunset - self.since).days < LEAST_DAYS:
            raise ValueError(f"a deprecated operation stays for {LEAST_DAYS} days at least")

    @property
    def headers(self) -> dict[str, str]:
        """`Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to the description."""
        return {
            "Deprecation": f"@{int(_midnight(self.since).timestamp())}",
            "Sunset": format_datetime(_midnight(self.sunset), usegmt=True),
            "Link": '</docs>; rel="deprecation"',
        }

    @property
    def sentence(self) -> str:
        """For the description."""
        return f"Deprecated since {self.since}: use `{self.instead}`. It may be gone after {self.sunset}."


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
