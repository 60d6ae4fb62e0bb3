"""What webhooks say of orders, offers, versions and erasures.

A message about an order or an offer is a reference; its content is read from the recommender when it is sent. Who
was erased or took the order back meanwhile is in no message. The customer is named by the pseudonym of the tenant,
and only where they agreed to that purpose.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from plumbing.clock import DAY, as_text
from plumbing.problem import Problem
from plumbing.shared import Shared
from plumbing.webhooks.kinds import ERASED, ORDER, PUBLISHED, REDEEMED, REFUSED, ROLLED_BACK
from plumbing.webhooks.webhooks import News, Source, Webhooks
from recommender.scene import Event
from recommender.service import RecommenderService
from recommender.store.runs import DRY_RUN
from recommender.store.version_notes import ROLLED_BACK as WENT_BACK

if TYPE_CHECKING:
    from identity.customers.leaving.erasure import Erasures
    from identity.customers.leaving.erasure_receipts import ErasureReceipt

log = structlog.get_logger(__name__)
VERSION = 1
EVENTS = {"ordered": (ORDER, "orders"), "redeemed": (REDEEMED, "offers")}
"""By the type of what was recorded: the event, and the purpose for which the customer may be named."""

RUNS = {"published": PUBLISHED, "refused": REFUSED}
OLDEST_US = DAY
"""What happened earlier is history that was brought in, and no news."""


def of_recommender(shared: Shared, service: RecommenderService) -> None:
    """Let the webhooks know of orders, offers and versions."""
    webhooks, earlier = shared.webhooks, service.on_recorded

    def recorded(tenant: str, events: Sequence[Event], purposes: Sequence[str]) -> None:
        earlier(tenant, events, purposes)
        for event in events:
            if event.type in EVENTS and event.time_us > shared.now_us() - OLDEST_US:
                _refer(webhooks, tenant, event, purposes)

    service.on_recorded = recorded
    for name, _ in EVENTS.values():
        webhooks.queue.composers[name] = partial(content, service)
    webhooks.sources.append(Source((*RUNS.values(), ROLLED_BACK), partial(versions_since, service)))


def of_identity(shared: Shared, erasures: Erasures) -> None:
    """Let the webhooks know of erasures that are complete."""

    def closed(receipt: ErasureReceipt) -> None:
        data = {"version": VERSION, "receipt": receipt.id}
        try:
            shared.webhooks.tell(receipt.tenant, ERASED, data, receipt.id)
        except (Problem, sqlite3.Error, OSError) as error:  # the erasure itself is done
            log.warning("erasure_not_notified", error=type(error).__name__)

    erasures.on_closed = closed


def _refer(webhooks: Webhooks, tenant: str, event: Event, purposes: Sequence[str]) -> None:
    name, purpose = EVENTS[event.type]
    found_by = {"sender": event.sender, "event_id": event.event_id, "named": purpose in purposes}
    try:
        webhooks.refer(tenant, name, found_by, f"{event.sender}\n{event.event_id}")
    except (Problem, sqlite3.Error, OSError) as error:  # the order itself is stored
        log.warning("order_not_notified", error=type(error).__name__)


def content(service: RecommenderService, tenant: str, found_by: Mapping[str, Any]) -> dict[str, Any] | None:
    """An order or a redemption as it is stored now; None: it is gone."""
    found = service.stores.own.one(tenant, str(found_by["sender"]), str(found_by["event_id"]))
    if found is None:
        return None
    customer, event = found
    said = {
        "version": VERSION,
        "event_id": event.event_id,
        "device": event.sender,
        "site": event.site,
        "at": as_text(event.time_us),
        "customer": customer if customer and found_by["named"] else None,
    }
    if event.type == "redeemed":
        return said | {"offers": [item for item, *_ in event.lines]}
    lines = [
        {"item_id": item, "quantity": quantity, "price": price, "options": list(options)}
        for item, quantity, price, options in event.lines
    ]
    return said | {"items": lines, "currency": service.stores.tenants.get(tenant).currency}


def versions_since(service: RecommenderService, tenant: str, since_us: int) -> Iterator[News]:
    """Versions that were published, refused or left for an earlier one."""
    for run in service.stores.models.ended(tenant, since_us, tuple(RUNS)):
        if run.kind == DRY_RUN:
            continue
        data: dict[str, object] = {"version": VERSION}
        data |= {"scene": run.scene, "name": run.version or None, "why": run.why, "at": as_text(run.ended_us or 0)}
        yield News(RUNS[run.state], run.run_id, data)
    for scene in service.scenes:
        for name, note in service.stores.notes.all(tenant, scene).items():
            if note.state == WENT_BACK and note.at_us >= since_us:
                data = {"version": VERSION, "scene": scene, "name": name, "at": as_text(note.at_us)}
                yield News(ROLLED_BACK, f"{scene}\n{name}\n{note.at_us}", data)
