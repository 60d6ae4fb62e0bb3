"""How much a device that sends vectors may learn in a day.

Who controls such a device chooses the vectors. From one that matches, some thousands of answers rebuild a
template. So the answers of a day are few: presses that greeted nobody, enrolments, and matches of each customer.
A customer whose matches are used up counts on this device as if they had no template; code and PIN still work.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from identity.capture.embed import Capture
from identity.errors import TooManyToday
from identity.metrics import IdentityMetrics
from identity.store.customers import CustomerRow
from identity.store.day_counts import DayCounts
from identity.vault.vault import Holder, Vault
from plumbing.access.device_figures import note_alarm
from plumbing.clock import HOUR, SECOND, Clock

log = structlog.get_logger(__name__)

MISSES = 200
"""Presses of one device that greeted nobody, within a day; enrolments and opt-outs are among them."""

ENROLMENTS = 40
"""Of these, presses for an enrolment: whether somebody is enrolled already, or looks like a customer, is an answer
too."""

MATCHES = 10
"""Of one customer on one device, within a day."""

MISS, ENROLMENT, MATCH = "miss", "enrolment", "match"


class DayLimits:
    """For devices that send vectors; every other device is let through."""

    def __init__(self, counts: DayCounts, vault: Vault, metrics: IdentityMetrics, now_us: Clock) -> None:
        self._counts = counts
        self._vault = vault
        self._metrics = metrics
        self._now_us = now_us

    def begin(self, tenant: str, device: str, *, enrolling: bool) -> None:
        """Count a press of a device that sends vectors as one that greeted nobody. Raises TooManyToday."""
        now = self._now_us()
        within = not enrolling or self._counts.add(tenant, device, ENROLMENT, "", most=ENROLMENTS, now_us=now)
        if not within or not self._counts.add(tenant, device, MISS, "", most=MISSES, now_us=now):
            self._alarm(MISS)
            raise TooManyToday((HOUR - now % HOUR) // SECOND + 1)

    def greeted(self, tenant: str, device: str) -> None:
        """The press that was begun has greeted somebody."""
        self._counts.give_back(tenant, device, MISS, now_us=self._now_us())

    def may_match(self, device: str, captures: Sequence[Capture], rows: Sequence[CustomerRow]) -> bool:
        """Count that these captures, where a device made the vectors, matched each of these customers on it; False
        when one of them had too many there today."""
        if not any(capture.claimed for capture in captures):
            return True
        now, subjects = self._now_us(), [(row.tenant, self._subject(row.holder)) for row in rows]
        counted = [
            self._counts.add(tenant, device, MATCH, subject, most=MATCHES, now_us=now)
            for tenant, subject in subjects
        ]
        if not all(counted):
            self._alarm(MATCH)
        return all(counted)

    def forget(self, tenant: str, customer_id: str) -> None:
        """Whoever opts out leaves no count behind."""
        self._counts.forget(tenant, self._subject(Holder(tenant, customer_id, slot=0)))

    def _subject(self, holder: Holder) -> str:
        return self._vault.pseudonym("day limits", holder)

    def _alarm(self, kind: str) -> None:
        self._metrics.day_limits.labels(limit=kind).inc()
        log.warning("day_limit_reached", limit=kind)
        note_alarm(kind)
