"""Consent: for each purpose on its own, all off by default, stored as events that never change.

A record stands for one purpose of one customer. Field names of `as_record` follow ISO/IEC TS 27560:2023 and the
W3C Data Privacy Vocabulary. A record holds no name, face or customer id; which records belong to
a customer is sealed under the customer's key. After the key is destroyed the events belong to nobody.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from identity.config import PURPOSES, IdentityConfig
from identity.errors import AgeNotConfirmed, NoConsent, NoticeOutdated, UnknownPurpose
from plumbing.clock import SECOND

NOTICE_VERSION = "2026-11"  # must change when the text below does (a test holds its hash)

PURPOSE_TEXTS = {
    "orders": "Suggest what I usually order, and what I might like.",
    "offers": "Pick the offers that suit me. Prices and offers are the same for everybody.",
    "destinations": "Suggest places I ride to. They are shown only after my PIN.",
}

NOTICE = """\
May {organisation} recognise your face when you press the button?

What happens. When you press, and only then, the camera takes one to five pictures. They are turned into a list of
numbers, the template, and are thrown away. The template is kept encrypted, under a key of your own. When you press
again, it tells us that you are back, so that we can suggest what you like.

What for. You choose for each of these on its own; each is off until you tick it:
{purposes}

What we do not do. We keep no picture. We do not guess your age, sex, origin, mood or health. We do not look for
people, and nobody else gets your template. Your prices are everybody's prices.

How long. Until you opt out, or {retention_months} months after your last visit.

Your right to stop. Press "Forget me", or show your receipt code: template and key are destroyed at once. You need
no reason. Without a face you get the same menu, the same prices and the same offers.

Who may. You are {minimum_age} or older.
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a customer reads before they decide. `sha256` is of the text as it was shown."""

    version: str
    text: str
    sha256: str
    retention_months: int
    minimum_age: int


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


def notice_of(config: IdentityConfig) -> Notice:
    """The notice in force, as the configuration makes it."""
    text = NOTICE.format(
        organisation=config.organisation,
        purposes="\n".join(f"* {PURPOSE_TEXTS[name]}" for name in PURPOSES),
        retention_months=config.retention_months,
        minimum_age=config.minimum_age,
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Notice(NOTICE_VERSION, text, digest, config.retention_months, config.minimum_age)


def check_consent(
    purposes: Mapping[str, bool], *, notice_version: str, age_confirmed: bool, notice: Notice
) -> tuple[str, ...]:
    """The purposes that were agreed to. Called before any picture is decoded.

    Raises UnknownPurpose, NoConsent, NoticeOutdated or AgeNotConfirmed.
    """
    if set(purposes) - set(PURPOSES):
        raise UnknownPurpose
    given = tuple(name for name in PURPOSES if purposes.get(name) is True)
    if not given:
        raise NoConsent
    if notice_version != notice.version:
        raise NoticeOutdated
    if age_confirmed is not True:
        raise AgeNotConfirmed
    return given


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
