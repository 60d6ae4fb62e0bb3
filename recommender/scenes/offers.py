"""Offers: one decision from request to log, outcomes, and what the screens are told.

Consent for `offers` was checked by the caller; the rest of the order is: sticky holdout, eligibility with caps
and budget, whether, which, exploration floor, reservation, log. All in one write transaction, so that several
processes overspend nothing and exceed no cap, and the decision is durable before anybody is shown it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbing.clock import DAY, HOUR, MINUTE
from recommender.errors import NotEnoughEvents
from recommender.offers import report as desks
from recommender.offers.decision import (
    FEATURES,
    GUEST,
    HOLDOUT,
    NO_POLICY,
    POLICY,
    OfferDecision,
    Policy,
    in_holdout,
    spread_and_draw,
)
from recommender.offers.eligibility import Moment, screen
from recommender.offers.errors import InvalidOutcome, UnknownDecision
from recommender.offers.learning import train as proof
from recommender.offers.learning.log import Closed, from_parts, read_closed
from recommender.offers.portfolio import NONE, Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import Answer, Context, Progress, Reason, Request, Suggestion, Trained
from recommender.store.offers import OfferStore

KINDS = ("viewed", "completed", "dismissed")
_CLOCKS_DIFFER = 5 * MINUTE  # devices' clocks may run ahead or behind by so much
_MOST_MONEY = 10**9  # minor units in one event; a till that sends more is broken


@dataclass(frozen=True, slots=True)
class Credit:
    """What became of an outcome. Completions are judged again when windows close: a view may arrive late."""

    stored: bool  # False: this event was here before
    credited: bool
    why: str


def decide(
    store: OfferStore,
    request: Request,
    tenant: str,
    pseudonym: str | None,
    now_us: int,
    rng: np.random.Generator,
    policy: Policy | None = None,
) -> OfferDecision:
    """Decide which offer this customer is shown, or none; log it with every propensity and reserve its budget.

    `pseudonym` None is a guest: the best single offer, the same for every guest, nothing is learned from it.
    """
    policy = policy or NO_POLICY
    new_salt, decision_id = rng.bytes(16).hex(), "dec_" + rng.bytes(16).hex()
    seed = int(rng.integers(2**62))
    with store.transaction():
        settings, version = store.settings(tenant, new_salt)
        store.release_expired(tenant, now_us)
        offers = store.running(tenant, version)
        cell = GUEST if pseudonym is None else HOLDOUT if in_holdout(settings, tenant, pseudonym) else POLICY
        moment = _moment(store, request, tenant, pseudonym, now_us, settings)
        context = _context(store, request.context, tenant, pseudonym, moment, policy)
        features = np.array([context[name] for name in FEATURES])
        usage = store.usage(tenant)
        eligible, excluded = screen(offers, usage, moment)
        while True:
            by_id = {offer.offer_id: offer for offer in eligible}
            arm, spread, why = spread_and_draw(cell, sorted(by_id), policy, features, settings, seed)
            chosen = by_id.get(arm)
            redeem_us = now_us + (chosen.window_hours if chosen else 0) * HOUR
            release_us = redeem_us + settings.lateness_hours * HOUR
            if chosen is None or store.reserve(tenant, decision_id, chosen, release_us):
                break
            eligible = [offer for offer in eligible if offer is not chosen]  # another process was faster
            excluded[arm] = "budget_taken"
        decision = OfferDecision(
            decision_id, now_us, pseudonym or "", cell, arm, spread, excluded, context, seed, policy.version,
            now_us + settings.window_hours * HOUR, redeem_us, why, offer=chosen,
            fallback=_fallback(pseudonym, policy, bool(spread.keys() - {NONE})),
        )  # fmt: skip
        store.log(tenant, decision)
    return decision


def _fallback(pseudonym: str | None, policy: Policy, anything: bool) -> str | None:
    if pseudonym is None:
        return "no_token"
    if not anything:
        return "no_offer"
    if policy is NO_POLICY:
        return "no_model"
    return "best_single_offer" if policy.mode == "best_single" else None


def _moment(
    store: OfferStore, request: Request, tenant: str, pseudonym: str | None, now_us: int, settings: OfferSettings
) -> Moment:
    """Guests have no caps: nothing is known about them. They see the same offers as everybody."""
    local = request.context.local_time or datetime.fromtimestamp(now_us / 1e6, UTC)
    without, site = set(request.context.without_allergens), request.context.site
    here = [i for i in request.catalogue if i.available and (not i.sites or site in i.sites)]
    return Moment(
        now_us,
        local,
        site,
        store.shown(tenant, pseudonym) if pseudonym else {},
        {i.item_id for i in here if not without & set(i.allergens)} if request.catalogue else None,
        settings.nag_count if pseudonym else None,
        settings.nag_days,
    )


def _context(
    store: OfferStore, context: Context, tenant: str, pseudonym: str | None, moment: Moment, policy: Policy
) -> dict[str, Any]:
    """`FEATURES` as of now, and the site. What is logged here is what a policy is fitted on: no other reading."""
    known: dict[str, Any] = dict.fromkeys(FEATURES, 0.0)
    known |= {"last_tx_h": 999.0, "hour": float(moment.local_time.hour), "site": context.site}
    known["weekday"] = float(moment.local_time.weekday())
    if pseudonym:
        now = moment.now_us
        n, spend, largest, last, first, n7, spend7 = store.purchases_before(tenant, pseudonym, now, now - 7 * DAY)
        reactions = store.reactions_before(tenant, pseudonym, now)
        known |= {
            "n_tx": float(n), "spend": float(spend), "max_tx": float(largest), "n_tx_7d": float(n7),
            "spend_7d": float(spend7), "n_viewed": float(reactions.get("viewed", 0)),
            "n_completed": float(reactions.get("completed", 0)),
            "n_shown": float(sum(map(len, moment.shown.values()))),
        }  # fmt: skip
        if n:
            known["last_tx_h"] = min((now - last) / HOUR, 999.0)
            known["days_known"] = (now - first) / DAY
    return known


def answer(decision: OfferDecision) -> Answer:
    """What a screen is told: the chosen offer or nothing, why, and the filters that removed the others."""
    excluded = dict(decision.excluded)
    if decision.offer is None:
        return Answer((), decision.fallback, excluded)
    suggestion = Suggestion(
        decision.arm,
        decision.propensities[decision.arm],
        _reason(decision, decision.offer),
        propensity=decision.propensities[decision.arm],
        explored=decision.why != "best_single_offer",
    )
    return Answer((suggestion,), decision.fallback, excluded)


def _reason(decision: OfferDecision, offer: Offer) -> Reason:
    if decision.cell == GUEST:
        return Reason("offer_of_the_house", "An offer for everybody")
    if offer.ends_on:
        return Reason("offer_until", f"Until {offer.ends_on}")
    return Reason("offer_today", "An offer for today")


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
) -> Credit:
    """Store that an offer was `viewed`, `completed` or `dismissed`; late, out of order and twice are all fine.

    `cost` is what the redemption cost (default: as written in the offer). `pseudonym`, when given, must be the
    decision's. A completion books the budget; it earns credit only when a view came before it, in the window.

    Raises:
        UnknownDecision: also for a decision of somebody else.
        InvalidOutcome: wrong kind, nothing had been shown, before the decision, or in the future.
    """
    if kind not in KINDS:
        raise InvalidOutcome(f"kind must be one of {', '.join(KINDS)}, not {kind!r}.")
    if cost is not None and not 0 <= cost <= _MOST_MONEY:
        raise InvalidOutcome(f"cost must lie between 0 and {_MOST_MONEY} minor units.")
    with store.transaction():
        decision = store.decision(tenant, decision_id)
        if pseudonym is not None and decision["pseudonym"] != pseudonym:
            raise UnknownDecision(decision_id)  # nobody may learn from the reply that it exists
        _check_outcome(decision, occurred_us, now_us)
        before = store.outcomes(tenant, decision_id)
        arm = decision["arm"]
        paid = store.offer(tenant, arm).redemption_cost if cost is None else cost
        if not store.add_outcome(
            tenant, event_id, decision_id, kind, occurred_us, now_us, paid if kind == "completed" else 0
        ):
            return Credit(False, False, "duplicate")
        if occurred_us >= decision["redeem_end_us"]:
            return Credit(True, False, "outside_window")
        if kind != "completed":
            return Credit(True, True, kind)
        if any(o["kind"] == "completed" and o["occurred_us"] < decision["redeem_end_us"] for o in before):
            return Credit(True, False, "completed_before")
        store.redeem(tenant, decision_id, arm, paid)
        seen = any(o["kind"] == "viewed" and o["occurred_us"] <= occurred_us for o in before)
    return Credit(True, seen, "completed" if seen else "not_viewed_yet")


def _check_outcome(decision: Any, occurred_us: int, now_us: int) -> None:
    if decision["arm"] == NONE:
        raise InvalidOutcome("Nothing was shown in this decision, so nothing can come of it.")
    if occurred_us > now_us + _CLOCKS_DIFFER:
        raise InvalidOutcome("The outcome lies in the future. Check the device's clock.")
    if occurred_us < decision["decided_us"] - _CLOCKS_DIFFER:
        raise InvalidOutcome("The outcome lies before its decision. Check the device's clock.")


def record_purchases(
    store: OfferStore, tenant: str, purchases: Sequence[tuple[str, str, int, int]], now_us: int
) -> int:
    """Store (event_id, pseudonym, occurred_us, amount in minor units); the number that was new.

    They are the reward: what was spent in the window after a decision, shown or not. All or nothing.

    Raises:
        InvalidOutcome: an amount below zero or too large, a purchase in the future, nobody's purchase.
    """
    for event_id, pseudonym, occurred_us, amount in purchases:
        if not 0 <= amount <= _MOST_MONEY:
            raise InvalidOutcome(f"Purchase {event_id!r}: the amount must lie between 0 and {_MOST_MONEY}.")
        if occurred_us > now_us + _CLOCKS_DIFFER:
            raise InvalidOutcome(f"Purchase {event_id!r} lies in the future. Check the device's clock.")
        if not pseudonym:
            raise InvalidOutcome(f"Purchase {event_id!r} has no customer; a guest's purchases are not kept here.")
    return store.add_purchases(tenant, purchases)


def reward_model(store: OfferStore, tenant: str, now_us: int, *, seed: int, progress: Progress) -> Trained:
    """Learn from the tenant's closed decisions: the policy as arrays and texts, and the report that judges it.

    Raises:
        NotEnoughEvents: no window has closed yet.
        UnusableLog: the log lacks a propensity.
    """
    settings = store.settings_as_read(tenant)
    closed = _closed(store, tenant, settings, now_us)
    if not len(closed):
        hours = settings.window_hours + settings.lateness_hours
        raise NotEnoughEvents(
            f"No window has closed yet ({closed.n_open} are open); each does {hours} hours after its decision."
        )
    offers = {offer.offer_id: offer for offer in store.offers(tenant)}
    return proof.train(closed, offers, settings, seed=seed, progress=progress)


def load(arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> Policy:
    """The policy as `decide` takes it. Raises ValueError when unreadable or of another schema."""
    return from_parts(arrays, texts)


def desk(store: OfferStore, tenant: str, now_us: int, report: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the marketing page shows; `report` is that of the policy in force.

    Raises:
        UnusableLog: the log lacks a propensity.
    """
    settings = store.settings_as_read(tenant)
    return desks.desk(_closed(store, tenant, settings, now_us), settings, report)


def _closed(store: OfferStore, tenant: str, settings: OfferSettings, now_us: int) -> Closed:
    return read_closed(store.judged(tenant, now_us, settings.lateness_hours * HOUR), settings)
