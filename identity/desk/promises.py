"""For the privacy officer: consents by purpose and notice, opt-outs, erasures with their receipts. No person.

A number of people below `LEAST_PEOPLE` is not shown (None): it could lead to somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from identity.customers.leaving.erasure_receipts import ErasureReceipt
from identity.service import IdentityService
from identity.store import IdentityStores
from plumbing.clock import DAY, Clock
from plumbing.words import Message

LEAST_PEOPLE = 10
LATE_DAYS = 1
"""A receipt that is open for longer than this is late: the recommender retrains within an hour."""


def promises_of(service: IdentityService, stores: IdentityStores, tenant: str, now_us: Clock) -> dict[str, Any]:
    """The body of GET /identity/v1/desk/promises, without its sentence."""
    receipts = [one for one in service.erasures.receipts.all() if one.tenant == tenant]
    today = now_us() // DAY
    return {
        "purposes": _purposes(stores, tenant),
        "notices": _notices(stores, tenant),
        "erasures": [_erasure_row(one, today) for one in reversed(receipts)],
        "erased": len(receipts),
        "open": sum(not one.closed for one in receipts),
        "late": sum(_is_late(one, today) for one in receipts),
        "overdue": service.erasures.overdue(),
        "held": [
            {"reference": one.reference, "with_pin": one.with_pin}
            for one in service.customers.held.waiting()
            if one.tenant == tenant
        ],
        "due_to_expire": hidden(sum(row.tenant == tenant for row in service.erasures.due_to_expire())),
    }


def sentence(found: Mapping[str, Any]) -> Message:
    """The answer to "are the promises to customers kept?"."""
    if found["overdue"] or found["late"]:
        return Message.of("promises-late", n=max(found["overdue"], found["late"]))
    if found["held"]:
        return Message.of("promises-held", n=len(found["held"]))
    if found["open"]:
        return Message.of("promises-open", n=found["open"], erased=found["erased"])
    return Message.of("promises-kept", erased=found["erased"])


def hidden(people: int) -> int | None:
    """A number of people, None when it is small enough to lead to one of them."""
    return people if people == 0 or people >= LEAST_PEOPLE else None


def _purposes(stores: IdentityStores, tenant: str) -> list[dict[str, Any]]:
    """How many agree to each purpose now, and how often each was given and withdrawn so far."""
    live, totals = stores.consents.consent_counts(tenant), stores.consents.totals(tenant)
    purposes = sorted({*live, *(purpose for purpose, _, _ in totals)})
    return [
        {
            "purpose": purpose,
            "agree": hidden(live.get(purpose, 0)),
            "given": hidden(_total(totals, purpose, "given")),
            "withdrawn": hidden(_total(totals, purpose, "withdrawn")),
            "expired": hidden(_total(totals, purpose, "expired")),
        }
        for purpose in purposes
    ]


def _total(totals: Mapping[tuple[str, str, str], int], purpose: str, event_type: str) -> int:
    return sum(n for (name, _, kind), n in totals.items() if (name, kind) == (purpose, event_type))


def _notices(stores: IdentityStores, tenant: str) -> list[dict[str, Any]]:
    """Under which notice how much consent was given."""
    by_notice: dict[tuple[str, str], int] = {}
    for (purpose, notice, kind), n in stores.consents.totals(tenant).items():
        if kind == "given":
            by_notice[notice, purpose] = by_notice.get((notice, purpose), 0) + n
    return [
        {"notice": notice, "purpose": purpose, "given": hidden(n)}
        for (notice, purpose), n in sorted(by_notice.items(), reverse=True)
    ]


def _erasure_row(receipt: ErasureReceipt, today: int) -> dict[str, Any]:
    """A receipt without its fingerprints; its number leads to nobody."""
    waits = [f"{place}: {state}" for place, state in receipt.stores if state.startswith("wait")]
    return {
        "receipt": receipt.id,
        "day": receipt.day,
        "state": "closed" if receipt.closed else "late" if _is_late(receipt, today) else "open",
        "waits_for": waits,
    }


def _is_late(receipt: ErasureReceipt, today: int) -> bool:
    return not receipt.closed and today - _day(receipt.day) > LATE_DAYS


def _day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days
