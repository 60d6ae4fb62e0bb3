"""A consent record in the fields of ISO/IEC TS 27560:2023, with terms of the W3C Data Privacy Vocabulary.

`as_record` holds no name, face or customer id: `pii_principal_id` is a pseudonym that is used for records alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from identity.store.consents import ENDS, ConsentDetails, ConsentLine
from plumbing.clock import SECOND

SCHEMA_VERSION = "ISO-IEC-TS-27560:2023"
WITHDRAWAL = "'Forget me' at any device, the code that was given on joining, or the customer's own page"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a record says about its purpose. `types` and `pii` are terms of the W3C vocabularies."""

    text: str
    types: tuple[str, ...]
    pii: tuple[str, ...]
    special: bool = False
    method: str = "choices and visits at the devices of the place"


PURPOSES = {
    "face": Purpose(
        "Recognise me by my face when I press the button.",
        ("dpv:IdentityVerification", "dpv:UserInterfacePersonalisation"),
        ("pd:Biometric", "pd:FacialRecognition"),
        special=True,
        method="camera of the device, on the customer's own press",
    ),
    "orders": Purpose(
        "Suggest what I usually order, and what I might like.",
        ("dpv:ProvidePersonalisedRecommendations",),
        ("pd:Purchase", "pd:Preference"),
    ),
    "offers": Purpose(
        "Pick the offers that suit me. Prices are the same for everybody.",
        ("dpv:PersonalisedBenefits",),
        ("pd:Purchase", "pd:Preference"),
    ),
    "destinations": Purpose(
        "Suggest places I ride to. They are shown only after my PIN.",
        ("dpv:ProvidePersonalisedRecommendations",),
        ("pd:Location", "pd:TravelHistory"),
    ),
    "account": Purpose(
        "Tie my account with this shop to my suggestions.",
        ("dpv:CustomerRelationshipManagement",),
        ("pd:AccountIdentifier",),
    ),
}


@dataclass(frozen=True, slots=True)
class Term:
    """What is the same in all records of a customer. `controller` is named where an old event names none;
    `expires_us` is when retention ends (microseconds UTC) unless the customer comes again."""

    principal_id: str
    controller: str
    expires_us: int


def as_record(events: Sequence[tuple[ConsentLine, ConsentDetails]], term: Term) -> dict[str, Any]:
    """One record: all its events, oldest first."""
    first = events[0][0]
    said = [details for line, details in events if line.event_type == "given"][-1]
    ended = next((iso(details.event_time_us) for line, details in events if line.event_type in ENDS), None)
    purpose = PURPOSES[first.purpose]
    controller = {"name": said.controller or term.controller, "contact": said.contact or None}
    return {
        "schema_version": SCHEMA_VERSION,
        "record_id": first.record_id,
        "pii_principal_id": term.principal_id,
        "consent_type": "explicit consent",
        "lawful_basis": "dpv:ExplicitConsent",
        "privacy_notice": {
            "version": said.notice_version,
            "sha256": said.notice_sha256,
            "language": said.language,
        },
        "language": said.language,
        "purposes": [
            {
                "purpose": first.purpose,
                "purpose_text": purpose.text,
                "purpose_type": list(purpose.types),
                "lawful_basis": "dpv:ExplicitConsent",
            }
        ],
        "pii_categories": [
            {"pii_type": kind, "special_pii_category": purpose.special, "pii_optional": True}
            for kind in purpose.pii
        ],
        "pii_controller": controller,
        "collection_method": purpose.method,
        "processing_methods": ["dpv:Collect", "dpv:Store", "dpv:Use", "dpv:Erase"],
        "storage_locations": ["the installation of the controller"],
        "geographic_restrictions": ["nothing leaves the installation of the controller"],
        "retention_period": f"{said.retention_months} months after the last visit",
        "recipient_third_parties": [],
        "withdrawal_method": WITHDRAWAL,
        "termination": "on withdrawal or expiry, at once; what no other purpose needs is erased",
        "privacy_rights": ["dpv:A7-3", "eu-gdpr:A15", "eu-gdpr:A16", "eu-gdpr:A17", "eu-gdpr:A18", "eu-gdpr:A20"],
        "age_confirmed": said.age_confirmed,
        "minimum_age": said.minimum_age or None,
        "validity": {
            "valid_from": iso(events[0][1].event_time_us),
            "valid_until": ended or iso(term.expires_us),
            "state": _state(events),
        },
        "events": [_event(line, details) for line, details in events],
    }


def _state(events: Sequence[tuple[ConsentLine, ConsentDetails]]) -> str:
    kinds = [line.event_type for line, _ in events]
    return next((kind for kind in kinds if kind in ENDS), "given")


def _event(line: ConsentLine, details: ConsentDetails) -> dict[str, Any]:
    event: dict[str, Any] = {"event_type": line.event_type, "event_time": iso(details.event_time_us)}
    if line.event_type == "given":
        event |= {"notice_version": details.notice_version, "notice_sha256": details.notice_sha256}
        event |= {"language": details.language, "event_state": "consent given"}
    if details.until_us:
        event["until"] = iso(details.until_us)
    return event


def iso(time_us: int) -> str:
    """Microseconds UTC as ISO 8601."""
    return datetime.fromtimestamp(time_us / SECOND, UTC).isoformat()
