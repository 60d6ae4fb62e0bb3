"""Which events about offers are not stored: redemptions that the terms do not allow, and outcomes of nothing.

The order that came with one is stored all the same. Decided inside the transaction of the batch, so that two tills
cannot redeem once what may be redeemed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from plumbing.clock import MINUTE
from plumbing.problem import Problem
from recommender.offers.discount import Line
from recommender.offers.errors import (
    InvalidOutcome,
    OtherOffer,
    RedeemedBefore,
    RedeemedTooLate,
    UnknownDecision,
    UnknownOffer,
)
from recommender.offers.portfolio import Offer
from recommender.offers.redemption import PaidOrder, against_terms
from recommender.scene import Event, Item, OrderLine, RecordedEvents
from recommender.scenes.offer_outcomes import check_outcome
from recommender.store.offers import OfferStore

VISIT_US = 30 * MINUTE
"""Redemption and order of one visit lie no further apart."""
GUEST_VISIT_US = 10 * MINUTE
"""Of a guest's who names no order: at one screen the next guest follows soon."""


class Redemptions:
    """The redemptions of one batch: what is refused of it, and the order of each."""

    def __init__(self, store: OfferStore, batch: RecordedEvents) -> None:
        self._store, self._batch = store, batch
        self._granted: set[tuple[str, str]] = set()  # offer and order, of this batch
        self._decisions: set[str] = set()

    def refusal(self, event: Event) -> Problem | None:
        """Why this event about an offer is not stored; None: it is. One that was stored before is a duplicate."""
        if self._store.has_outcome(self._batch.tenant, event.key):
            return None
        try:
            decision = self._decision(event)
        except (UnknownDecision, InvalidOutcome) as error:
            return error
        if event.type != "redeemed":
            return None
        try:
            offer = self._store.offer(self._batch.tenant, event.lines[0].item)
        except UnknownOffer as error:
            return error
        if decision is not None and decision["arm"] != offer.offer_id:
            return OtherOffer()
        order = self.order_of(event)
        site = event.site or (order.site if order else "")
        categories = {item.item_id: item.category for item in self._batch.items.values()}
        refused = against_terms(offer, order, site, _local(event), categories)
        return refused or self._again(event, offer, order, decision)

    def _decision(self, event: Event) -> Mapping[str, Any] | None:
        """The decision that the event answers; None when it names none.

        Raises:
            UnknownDecision: also one about somebody else: the reply must not reveal that it exists.
            InvalidOutcome: nothing was shown, or not yet.
        """
        if not event.recommendation_id:
            return None
        decision = self._store.decision(self._batch.tenant, event.recommendation_id, alone=True)
        if decision["pseudonym"] != event.customer:
            raise UnknownDecision(event.recommendation_id)
        check_outcome(decision, event.time_us, self._batch.now_us)
        return decision

    def _again(
        self, event: Event, offer: Offer, order: PaidOrder | None, decision: Mapping[str, Any] | None
    ) -> Problem | None:
        """Too late, or redeemed before: this decision, with this order, or in this visit."""
        tenant, name = self._batch.tenant, event.recommendation_id
        if decision is not None:
            if event.time_us >= decision["redeem_end_us"]:
                return RedeemedTooLate()
            outcomes = self._store.outcomes(tenant, name)
            if name in self._decisions or any(one["kind"] == "completed" for one in outcomes):
                return RedeemedBefore()
        key = order.key if order else ""
        visit = (offer.offer_id, event.customer or key or name)
        if offer.once_per_visit and (visit in self._granted or self._in_this_visit(event, offer, key)):
            return RedeemedBefore()
        self._granted.add(visit)
        self._decisions.add(name)
        return None

    def _in_this_visit(self, event: Event, offer: Offer, order_key: str) -> bool:
        tenant, at = self._batch.tenant, event.time_us
        if order_key and self._store.redeemed_with(tenant, offer.offer_id, order_key):
            return True
        between = (at - VISIT_US, at + VISIT_US)
        return bool(event.customer) and self._store.redeemed_between(
            tenant, offer.offer_id, event.customer, *between
        )

    def order_of(self, event: Event) -> PaidOrder | None:
        """The order of a redemption: the named one, else the nearest of its batch (a till that was offline sends
        several visits), else the visit's last one."""
        sent = [
            one for one in self._batch.events if one.type == "ordered" and event.order_id in ("", one.event_id)
        ]
        if sent:
            other = min(sent, key=lambda one: abs(one.time_us - event.time_us))
            return self._as_order(other.key, other.time_us, other.site, other.lines)
        tenant, at = self._batch.tenant, event.time_us
        if event.order_id:
            rows = self._store.order(tenant, event.sender, event.order_id)
        else:
            reach = VISIT_US if event.customer else GUEST_VISIT_US
            rows = self._store.latest_order(tenant, event.customer, event.sender, at - reach, at + reach)
        if not rows or abs(rows[0]["time_us"] - at) > VISIT_US:
            return None
        lines = [OrderLine(row["item"], row["quantity"], row["price"]) for row in rows]
        first = rows[0]
        key = f"{first['sender']}\x1f{first['event_id']}" if first["sender"] else first["event_id"]
        return self._as_order(key, first["time_us"], first["site"], lines)

    def _as_order(self, key: str, time_us: int, site: str, lines: Any) -> PaidOrder:
        items = self._batch.items
        priced = [Line(line.item, line.quantity, _price(line, items.get(line.item))) for line in lines]
        return PaidOrder(key, time_us, site, priced)


def _price(line: OrderLine, item: Item | None) -> int:
    """What was paid, or today's price where the order does not say."""
    return line.price if line.price is not None else (item.price or 0) if item else 0


def _local(event: Event) -> datetime:
    """Date and hour where it happened, from the event's own hour and weekday: an event keeps no offset."""
    utc = datetime.fromtimestamp(event.time_us / 1e6, UTC).replace(tzinfo=None)
    days = (event.weekday - utc.weekday() + 3) % 7 - 3
    midnight = datetime(utc.year, utc.month, utc.day) + timedelta(days=days)
    return midnight + timedelta(hours=min(max(event.hour, 0.0), 23.999))
