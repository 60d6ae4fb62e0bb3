"""Orders of a till that calls in a dialect: what the till says of an order now is what the log has of it.

An order is one event, `REF.1`. When the till changes it, that event is voided, and the order as it is now is
`REF.2`: so it does not matter how often, or in which order, the till says something.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Literal

from plumbing.clock import SECOND, Clock
from plumbing.problem import Problem
from plumbing.storage.tenants import of_tenant
from recommender.errors import TooManyEvents
from recommender.recording import Sender
from recommender.scene import Event, OrderLine
from recommender.service import RecommenderService
from recommender.store.till_orders import TillRow
from recommender.times import hour_of

Outcome = Literal["recorded", "unchanged", "stale", "empty", "taken_back", "waiting"]
"""stale: the till said something newer before. empty: no dish is in it. waiting: its order is not here yet."""


@dataclass(frozen=True, slots=True)
class TillOrder:
    """An order as the till has it; `ref` is its name there, `version` rises with every change (0: unknown)."""

    ref: str
    time_us: int
    site: str
    lines: tuple[OrderLine, ...]
    account: str = ""
    version: int = 0


@dataclass(frozen=True, slots=True)
class Redeemed:
    """The offer that was redeemed with an order, and the decision in which it was shown."""

    decision: str
    offer_id: str


class OfferRefused(Exception):
    """The offer cannot be redeemed with this order: a sentence."""


def short(ref: str) -> str:
    """The till's name of something as a part of an event's id; a long or odd one by its hash."""
    return ref if re.fullmatch(r"[!-~]{1,48}", ref) else hashlib.sha256(ref.encode()).hexdigest()[:40]


class Tills:
    """Keeps the orders of one dialect."""

    def __init__(self, service: RecommenderService, name: str, now_us: Clock) -> None:
        self.service, self.name, self._now_us = service, name, now_us
        self.orders = service.stores.tills
        self.sender = f"dialect:{name}"  # no device can be called that

    def zone(self, tenant: str, site: str) -> tzinfo:
        """The clock of a site."""
        house = self.service.stores.tenants.get(tenant)
        return house.zone_of(site) or house.zone

    def keep(self, tenant: str, order: TillOrder, redeemed: Redeemed | None = None) -> Outcome:
        """The order as it is now, whatever was known of it before.

        Raises:
            EventError, Erased, SiteUnknown, TooManyEvents: nothing was changed.
            OfferRefused: the offer cannot be redeemed with it. The transaction has to be rolled back.
        """
        order = replace(order, ref=short(order.ref))
        wanted = _print(order, redeemed)
        with of_tenant(tenant), self.service.database.write():
            row = self.orders.hold(tenant, self.name, order.ref, self._now_us())
            if order.version < row.version:
                return "stale"
            if row.live and (row.print == wanted or 0 < order.version == row.version):
                self.orders.keep(tenant, self.name, replace(row, version=order.version))
                return "unchanged"
            self._void(tenant, row)
            row = replace(row, live=bool(order.lines), print=wanted, version=order.version)
            if order.lines:
                row = replace(row, number=row.number + 1)
                self._record(tenant, order, row.number, redeemed)
            self.orders.keep(tenant, self.name, row)
        return "recorded" if order.lines else "empty"

    def drop(self, tenant: str, ref: str, version: int = 0) -> Outcome:
        """The till voided all of an order, or cancelled it before it was one."""
        with of_tenant(tenant), self.service.database.write():
            row = self.orders.hold(tenant, self.name, short(ref), self._now_us())
            if version < row.version:
                return "stale"
            self._void(tenant, row)
            self.orders.keep(tenant, self.name, replace(row, live=False, version=version))
        return "taken_back" if row.live else "unchanged"

    def refund(
        self, tenant: str, ref: str, refund_ref: str, time_us: int, lines: tuple[OrderLine, ...] = ()
    ) -> Outcome:
        """Take lines of an order back, or all of it where none is named; it may come before its order.

        Raises EventError, TooManyEvents: nothing was changed.
        """
        ref = short(ref)
        with of_tenant(tenant), self.service.database.write():
            row = self.orders.hold(tenant, self.name, ref, self._now_us())
            event = self._event(tenant, "refunded", f"{short(refund_ref)}.refund", time_us, "", lines)
            named = replace(event, order_id=f"{ref}.{max(1, row.number)}")
            done = self.service.take_of_account(tenant, "", [named], self._as_sender)
        return "waiting" if done.waiting else "taken_back" if done.new else "unchanged"

    def shown(self, tenant: str, name: str, offer: Redeemed, site: str) -> None:
        """An offer stands on the till's screen now: its budget is held for a moment."""
        event = self._event(tenant, "shown", name, self._now_us(), site, (OrderLine(offer.offer_id),))
        about_offer = replace(event, scene="offers", recommendation_id=offer.decision)
        with of_tenant(tenant):
            self.service.take_of_account(tenant, "", [about_offer], self._as_sender)

    def recorded(self, tenant: str, ref: str) -> TillOrder | None:
        """What is left of an order as it was recorded; None: nothing, or its customer was erased."""
        row = self.orders.hold(tenant, self.name, short(ref), self._now_us())
        found = self.service.stores.own.one(tenant, self.sender, f"{row.order_ref}.{row.number}")
        if not row.live or found is None:
            return None
        customer, event = found
        lines = tuple(
            OrderLine(item, quantity, price, tuple(options)) for item, quantity, price, options in event.lines
        )
        return TillOrder(row.order_ref, event.time_us, event.site, lines, customer, row.version)

    @property
    def _as_sender(self) -> Sender:
        return Sender(self.sender, in_bulk=True)

    def _record(self, tenant: str, order: TillOrder, number: int, redeemed: Redeemed | None) -> None:
        """Raises the problem of the offer, or of the order."""
        name = f"{order.ref}.{number}"
        event = self._event(tenant, "ordered", name, order.time_us, order.site, order.lines)
        self.service.take_of_account(tenant, order.account, [event], self._as_sender)
        if redeemed is not None:  # an offer is everybody's: whose order it was is not in its log
            lines = (OrderLine(redeemed.offer_id),)
            event = self._event(tenant, "redeemed", f"{name}.offer", order.time_us, order.site, lines)
            about_offer = replace(event, scene="offers", order_id=name, recommendation_id=redeemed.decision)
            try:
                self.service.take_of_account(tenant, "", [about_offer], self._as_sender)
            except Problem as error:
                if error.status >= 500 or isinstance(error, TooManyEvents):
                    raise
                raise OfferRefused(error.detail) from error

    def _void(self, tenant: str, row: TillRow) -> None:
        if not row.live:
            return
        name = f"{row.order_ref}.{row.number}"
        event = self._event(tenant, "voided", f"{name}.back", self._now_us(), "", ())
        self.service.take_of_account(tenant, "", [replace(event, order_id=name)], self._as_sender)

    def _event(
        self, tenant: str, kind: str, event_id: str, time_us: int, site: str, lines: tuple[OrderLine, ...]
    ) -> Event:
        moment = datetime.fromtimestamp(time_us / SECOND, self.zone(tenant, site))
        return Event(
            event_id,
            kind,
            "orders",
            "",
            time_us,
            round(hour_of(moment), 4),
            moment.weekday(),
            lines,
            site,
            sender=self.sender,
        )


def _print(order: TillOrder, redeemed: Redeemed | None) -> str:
    """Equal while the order is the same; the moment in which the till said it is not a part of it."""
    said = repr((order.site, order.lines, order.account, redeemed))
    return hashlib.sha256(said.encode()).hexdigest()[:32]
