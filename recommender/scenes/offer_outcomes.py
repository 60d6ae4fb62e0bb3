"""What became of an offer, and what customers spent: both are the reward that offers learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from plumbing.clock import HOUR, MINUTE
from recommender.offers.errors import InvalidOutcome, UnknownDecision
from recommender.offers.portfolio import NONE
from recommender.store.offers import OfferStore

OUTCOME_KINDS = ("viewed", "completed", "dismissed")
CLOCK_TOLERANCE_US = 5 * MINUTE
"""Devices' clocks may run ahead or behind by so much."""
GUEST_STAYS_US = 10 * MINUTE
"""A guest takes an offer at once or not at all: nothing recognises them when they come back."""
MOST_MONEY = 10**9
"""Minor units in one event; a till that sends more is broken."""


@dataclass(frozen=True, slots=True)
class Credit:
    """How an outcome counts. Completions are judged again when windows close: a view may arrive late."""

    stored: bool  # False: this event was stored before
    credited: bool
    why: str


class Purchase(NamedTuple):
    """What a customer spent in one event, in minor units."""

    event_id: str
    pseudonym: str
    occurred_us: int
    amount: int


def record_outcome(
    store: OfferStore,
    tenant: str,
    decision_id: str,
    kind: str,
    event_id: str,
    occurred_us: int,
    now_us: int,
    *,
    cost: int | None = None,
    pseudonym: str | None = None,
    order_key: str = "",
) -> Credit:
    """Store that an offer was `viewed`, `completed` or `dismissed`. Late, out of order and twice are all allowed.

    `cost` is what the redemption cost, in minor units (default: as written in the offer). `pseudonym`, when given,
    must be the decision's. `order_key` names the order of a redemption. A completion books the budget; it earns
    credit only after a view, within the window.

    Raises:
        UnknownDecision: also for a decision about somebody else.
        InvalidOutcome: wrong kind, nothing was shown, before the decision, or in the future.
    """
    _check_kind(kind, cost)
    with store.transaction():
        decision = store.decision(tenant, decision_id, alone=True)
        if pseudonym is not None and decision["pseudonym"] != pseudonym:
            raise UnknownDecision(decision_id)  # the reply must not reveal that it exists
        check_outcome(decision, occurred_us, now_us)
        earlier = store.outcomes(tenant, decision_id)
        paid = store.offer(tenant, decision["arm"]).redemption_cost if cost is None else cost
        booked = paid if kind == "completed" else 0
        if not store.add_outcome(tenant, event_id, decision_id, kind, occurred_us, now_us, booked, order_key):
            return Credit(False, False, "duplicate")
        if occurred_us >= decision["redeem_end_us"]:
            return Credit(True, False, "outside_window")
        if kind == "viewed":
            _keep(store, tenant, decision, now_us, earlier)
        if kind != "completed":
            return Credit(True, True, kind)
        if any(o["kind"] == "completed" and o["occurred_us"] < decision["redeem_end_us"] for o in earlier):
            return Credit(True, False, "completed_before")
        if not store.redeem(tenant, decision_id, decision["arm"], paid):
            store.book_nothing(tenant, event_id)
            return Credit(True, False, "budget_spent")
    viewed = any(o["kind"] == "viewed" and o["occurred_us"] <= occurred_us for o in earlier)
    return Credit(True, viewed, "completed" if viewed else "not_viewed_yet")


def _keep(
    store: OfferStore,
    tenant: str,
    decision: Mapping[str, Any],
    now_us: int,
    earlier: Sequence[Mapping[str, Any]],
) -> None:
    """The offer was shown: reserve its budget, for a guest while a guest stands there, else for its window."""
    if any(one["kind"] == "completed" for one in earlier):
        return
    release_us = decision["redeem_end_us"] + store.settings_as_read(tenant).lateness_hours * HOUR
    guest = not decision["pseudonym"]
    if guest:
        release_us = min(release_us, now_us + GUEST_STAYS_US)
    if not store.shown_to_somebody(tenant, decision["decision_id"], release_us) and not guest:
        store.reserve(tenant, decision["decision_id"], store.offer(tenant, decision["arm"]), release_us)


def _check_kind(kind: str, cost: int | None) -> None:
    if kind not in OUTCOME_KINDS:
        raise InvalidOutcome(f"kind must be one of {', '.join(OUTCOME_KINDS)}, not {kind!r}.")
    if cost is not None and not 0 <= cost <= MOST_MONEY:
        raise InvalidOutcome(f"cost must lie between 0 and {MOST_MONEY} minor units.")


def check_outcome(decision: Mapping[str, Any], occurred_us: int, now_us: int) -> None:
    """Raises InvalidOutcome: nothing was shown, it lies before the decision, or in the future."""
    if decision["arm"] == NONE:
        raise InvalidOutcome("Nothing was shown in this decision, so it can have no outcome.")
    if occurred_us > now_us + CLOCK_TOLERANCE_US:
        raise InvalidOutcome("The outcome lies in the future. Check the device's clock.")
    if occurred_us < decision["decided_us"] - CLOCK_TOLERANCE_US:
        raise InvalidOutcome("The outcome lies before its decision. Check the device's clock.")


def record_purchases(
    store: OfferStore, tenant: str, purchases: Sequence[tuple[str, str, int, int]], now_us: int
) -> int:
    """Store purchases (the fields of `Purchase`); returns how many were new. All or nothing.

    They are the reward: what was spent in the window after a decision, whether an offer was shown or not.

    Raises:
        InvalidOutcome: an amount below zero or too large, a purchase in the future, or without a customer.
    """
    for event_id, pseudonym, occurred_us, amount in purchases:
        if not 0 <= amount <= MOST_MONEY:
            raise InvalidOutcome(f"Purchase {event_id!r}: the amount must lie between 0 and {MOST_MONEY}.")
        if occurred_us > now_us + CLOCK_TOLERANCE_US:
            raise InvalidOutcome(f"Purchase {event_id!r} lies in the future. Check the device's clock.")
        if not pseudonym:
            raise InvalidOutcome(f"Purchase {event_id!r} has no customer; a guest's are not stored here.")
    return store.add_purchases(tenant, purchases)
