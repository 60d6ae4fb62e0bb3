"""Consent: for each purpose on its own, all off by default, stored as events that never change.

A record stands for one purpose of one customer. Field names of `as_record` follow ISO/IEC TS 27560:2023 and the
W3C Data Privacy Vocabulary. A record holds no name, face or customer id; which records belong to
a customer is sealed under the customer's key. After the key is destroyed the events belong to nobody.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from identity.config import PURPOSES
from identity.consent.notices import PURPOSE_TEXTS, Notice
from plumbing.clock import SECOND


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One line of the ledger. `event_type` is "given" or "withdrawn"."""

    record_id: str
    position: int
    event_type: str
    event_time_us: int
    purpose: str
    notice_version: str
    notice_sha256: str
    age_confirmed: bool
    retention_months: int


def give(purposes: Sequence[str], notice: Notice, now_us: int) -> list[ConsentEvent]:
    """A first event for each purpose, each in a new record under a random id."""
    return [
        ConsentEvent(
            record_id=secrets.token_hex(16),
            position=0,
            event_type="given",
            event_time_us=now_us,
            purpose=purpose,
            notice_version=notice.version,
            notice_sha256=notice.sha256,
            age_confirmed=True,
            retention_months=notice.retention_months,
        )
        for purpose in purposes
    ]


def in_force(events: Sequence[ConsentEvent]) -> tuple[str, ...]:
    """The purposes whose newest event says "given"."""
    newest: dict[str, ConsentEvent] = {}
    for event in events:
        if event.record_id not in newest or newest[event.record_id].position < event.position:
            newest[event.record_id] = event
    given = {event.purpose for event in newest.values() if event.event_type == "given"}
    return tuple(name for name in PURPOSES if name in given)


def as_record(events: Sequence[ConsentEvent], *, controller: str) -> dict[str, Any]:
    """One record (all events of one record id, oldest first) in the fields of ISO/IEC TS 27560."""
    first = events[0]
    return {
        "schema_version": "ISO-IEC-TS-27560:2023",
        "record_id": first.record_id,
        "privacy_notice": {"version": first.notice_version, "sha256": first.notice_sha256},
        "purposes": [{"purpose": first.purpose, "purpose_text": PURPOSE_TEXTS[first.purpose]}],
        "lawful_basis": "explicit consent",
        "pii_controller": controller,
        "pii_categories": [{"pii_type": "face template", "special_pii_category": True, "pii_optional": True}],
        "collection_method": "camera of the device, on the customer's own press",
        "retention_period": f"{first.retention_months} months after the last visit",
        "recipient_third_parties": [],
        "withdrawal_method": "'Forget me' at any device, or the receipt code",
        "age_confirmed": first.age_confirmed,
        "events": [
            {
                "event_type": event.event_type,
                "event_time": datetime.fromtimestamp(event.event_time_us / SECOND, UTC).isoformat(),
            }
            for event in events
        ],
    }
