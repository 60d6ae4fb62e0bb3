"""How much each device or key stored in this minute and on this day."""

from __future__ import annotations

from dataclasses import dataclass

from plumbing.clock import DAY, MINUTE, SECOND
from plumbing.storage.database import Database
from recommender.errors import TooManyEvents


@dataclass(frozen=True, slots=True)
class Quota:
    """What one sender may store in one span of time; a busy till (ten orders of twenty lines) needs less."""

    span_us: int
    events: int
    lines: int
    bytes: int


QUOTAS = (
    Quota(MINUTE, events=6_000, lines=12_000, bytes=4_000_000),
    Quota(DAY, events=60_000, lines=400_000, bytes=64_000_000),
)
_SPANS = {MINUTE: "a minute", DAY: "a day"}


class QuotaStore:
    """Counted in the transaction that stores the events: exact, and not counted when nothing is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant: str, sender: str, now_us: int, *, events: int, lines: int, size: int) -> None:
        """Count what is about to be stored.

        Raises:
            TooManyEvents: it does not fit; it names the quota and says when there is room again.
        """
        with self._database.write() as connection:
            for quota in QUOTAS:
                opened = now_us - now_us % quota.span_us
                row = connection.execute(
                    "INSERT INTO sent VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, sender, span_us) DO UPDATE"
                    " SET events = excluded.events + CASE WHEN sent.opened_us = excluded.opened_us"
                    " THEN sent.events ELSE 0 END,"
                    " lines = excluded.lines + CASE WHEN sent.opened_us = excluded.opened_us"
                    " THEN sent.lines ELSE 0 END,"
                    " bytes = excluded.bytes + CASE WHEN sent.opened_us = excluded.opened_us"
                    " THEN sent.bytes ELSE 0 END,"
                    " opened_us = excluded.opened_us RETURNING events, lines, bytes",
                    (tenant, sender, quota.span_us, opened, events, lines, size),
                ).fetchone()
                seconds = max(1, (opened + quota.span_us - now_us) // SECOND)
                for name in ("events", "lines", "bytes"):
                    most = getattr(quota, name)
                    if row[name] > most:
                        raise TooManyEvents(name, most, _SPANS[quota.span_us], seconds)
