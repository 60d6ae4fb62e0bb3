"""How often recognised customers took what a version suggested, as the daily figures have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Protocol

from plumbing.clock import SECOND
from plumbing.storage.database import Database


@dataclass(frozen=True, slots=True)
class Taken:
    """One cell: a day, a site and a part of the day."""

    shown: int
    taken: int


class Acceptance(Protocol):
    """Where the counts come from."""

    def of(self, tenant: str, scene: str, version: str, since_us: int, until_us: int) -> Sequence[Taken]:
        """The cells of a version from the day of `since_us` to that of `until_us`, both included."""
        ...


class DailyAcceptance:
    """From the table `daily_figures`, whose days are those of the tenant's zone."""

    def __init__(self, database: Database, zone_of: Callable[[str], tzinfo] = lambda tenant: UTC) -> None:
        self._database = database
        self._zone_of = zone_of

    def of(self, tenant: str, scene: str, version: str, since_us: int, until_us: int) -> Sequence[Taken]:
        """See `Acceptance`."""
        zone = self._zone_of(tenant)
        rows = self._database.rows(
            "SELECT shown, taken_any FROM daily_figures WHERE tenant = ? AND scene = ? AND version = ?"
            " AND recognised = 1 AND shown > 0 AND day >= ? AND day <= ? ORDER BY day, site, daypart",
            (tenant, scene, version, _day(since_us, zone), _day(until_us, zone)),
        )
        return [Taken(row["shown"], min(row["taken_any"], row["shown"])) for row in rows]


def _day(time_us: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(max(time_us, 0) / SECOND, zone).date().isoformat()
