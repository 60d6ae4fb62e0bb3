"""One decision about an offer, from the request to the log.

The caller has checked the consent. Then in this order: holdout, eligibility with caps and budget, whether to show
anything, which offer, exploration, holding its budget, log. All of it is one write transaction, so that several
processes overspend no budget and exceed no cap, and the decision is durable before anybody sees it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from plumbing.clock import DAY, HOUR, MINUTE
from recommender.allergens import compared
from recommender.offers.decision import (
    FEATURES,
    GUEST,
    HOLDOUT,
    NO_POLICY,
    POLICY,
    OfferDecision,
    Policy,
    choose_arm,
    in_holdout,
)
from recommender.offers.eligibility import Moment, screen
from recommender.offers.portfolio import NONE, Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import OfferChanges, Request
from recommender.store.offers import OfferStore

ASKED_US = 2 * MINUTE
"""So long an offer is held for a screen that asked for it and has not said that it was shown."""

SHARES, LEAST_SHARE = 5, 3

NEVER_BOUGHT_H = 999.0
"""`last_tx_h` of a customer without purchases, and its upper limit."""


def decide_offer(store: OfferStore, request: Request, policy: Policy | None = None) -> OfferDecision:
    """Decide which offer this customer sees, or none; log it with every propensity and hold its budget a moment.

    A guest gets the best single offer, the same for every guest; nothing is learned from it.

    Raises:
        DatabaseBusy: nothing was decided.
    """
    policy = policy or NO_POLICY
    tenant, rng = request.tenant, request.rng
    new_salt, decision_id = rng.bytes(16).hex(), "dec_" + rng.bytes(16).hex()
    seed = int(rng.integers(2**62))
    with store.transaction():
        settings, version = store.settings(tenant, new_salt)
        store.release_expired(tenant, request.now_us)
        decision = _Choice(store, request, policy, settings, version).decided(decision_id, seed)
        store.log(tenant, decision)
    return decision


class _Choice:
    """What one decision is made from, read once, inside its transaction."""

    def __init__(
        self, store: OfferStore, request: Request, policy: Policy, settings: OfferSettings, version: int
    ) -> None:
        self._store, self._request, self._policy, self._settings = store, request, policy, settings
        self._moment = _moment(store, request, settings)
        self._context = _context(store, request, self._moment)
        self._eligible, self._excluded = screen(
            store.running(request.tenant, version), store.usage(request.tenant), self._moment
        )
        if request.offers is not None:
            self._try_variant(request.offers)

    def _try_variant(self, changes: OfferChanges) -> None:
        """Decide as a variant of an experiment does. The propensities that are logged are those within it; the
        variant's own probability stands in the context. The holdout is what it is without the experiment."""
        self._settings = replace(self._settings, **changes.settings)
        self._context["variant_share"] = changes.share
        self._excluded |= {one.offer_id: "experiment" for one in self._eligible if one.offer_id in changes.off}
        self._eligible = [one for one in self._eligible if one.offer_id not in changes.off]

    @property
    def cell(self) -> str:
        """holdout, policy or guest."""
        customer = self._request.customer
        if customer is None:
            return GUEST
        return HOLDOUT if in_holdout(self._settings, self._request.tenant, customer) else POLICY

    def decided(self, decision_id: str, seed: int) -> OfferDecision:
        """Draw among the eligible offers until the drawn one's budget can be reserved."""
        now_us, settings, policy = self._request.now_us, self._settings, self._policy
        cell, features = self.cell, np.array([self._context[name] for name in FEATURES])
        while True:
            by_id = {offer.offer_id: offer for offer in self._eligible}
            arm, spread, why = choose_arm(cell, sorted(by_id), policy, features, settings, seed)
            chosen = by_id.get(arm)
            redeem_us = now_us + (chosen.window_hours if chosen else 0) * HOUR
            if chosen is None or self._reserved(decision_id, chosen):
                break
            self._eligible = [offer for offer in self._eligible if offer is not chosen]
            self._excluded[arm] = "budget_taken"  # by another process since it was read, or by this device
        return OfferDecision(
            decision_id=decision_id,
            decided_us=now_us,
            pseudonym=self._request.customer or "",
            cell=cell,
            arm=arm,
            propensities=spread,
            excluded=self._excluded,
            context=self._context,
            seed=seed,
            policy_version=policy.version,
            reward_end_us=now_us + settings.window_hours * HOUR,
            redeem_end_us=redeem_us,
            why=why,
            offer=chosen,
            fallback=offer_fallback(self._request.customer, policy, eligible=bool(spread.keys() - {NONE})),
        )

    def _reserved(self, decision_id: str, offer: Offer) -> bool:
        """Hold it for a moment: it is reserved when it was shown. One device holds a share of it for guests."""
        request, guest = self._request, self.cell == GUEST
        share = guests_share(offer) if guest else None
        if share is not None and not self._store.make_room(request.tenant, offer.offer_id, request.sender, share):
            return False
        return self._store.reserve(
            request.tenant,
            decision_id,
            offer,
            request.now_us + ASKED_US,
            sender=request.sender,
            now_us=request.now_us,
            shown=False,
            guest=guest,
        )


def guests_share(offer: Offer) -> int | None:
    """How many redemptions of an offer one device may hold for guests at once; None: it has no budget.

    A fifth, and three at least: one kiosk that asks and asks empties nothing.
    """
    limits = [] if offer.budget_count is None else [offer.budget_count]
    if offer.budget_money is not None and offer.redemption_cost:
        limits.append(offer.budget_money // offer.redemption_cost)
    return max(LEAST_SHARE, -(-min(limits) // SHARES)) if limits else None


def offer_fallback(customer: str | None, policy: Policy, *, eligible: bool) -> str | None:
    """Why a decision is not a personal one, the plainest reason first."""
    if customer is None:
        return "no_token"
    if not eligible:
        return "no_offer"
    if policy is NO_POLICY:
        return "no_model"
    return "best_single_offer" if policy.mode == "best_single" else None


def _moment(store: OfferStore, request: Request, settings: OfferSettings) -> Moment:
    """Guests have no caps: nothing is known about them. They see the same offers as everybody."""
    local = request.context.local_time or datetime.fromtimestamp(request.now_us / 1e6, UTC)
    without, site = compared(request.context.without_allergens), request.context.site
    here = [i for i in request.catalogue if i.available and (not i.sites or site in i.sites)]
    fit = [i for i in here if not without & compared(i.allergens)]
    return Moment(
        request.now_us,
        local,
        site,
        store.shown(request.tenant, request.customer) if request.customer else {},
        {i.item_id for i in fit} if request.catalogue else None,
        {i.category for i in fit},
        settings.nag_count if request.customer else None,
        settings.nag_days,
    )


def _context(store: OfferStore, request: Request, moment: Moment) -> dict[str, Any]:
    """`FEATURES` as of now, and the site. A policy is fitted on what is logged here and on nothing else."""
    known: dict[str, Any] = dict.fromkeys(FEATURES, 0.0)
    known |= {"last_tx_h": NEVER_BOUGHT_H, "hour": float(moment.local_time.hour), "site": request.context.site}
    known["weekday"] = float(moment.local_time.weekday())
    if not request.customer:
        return known
    now_us = moment.now_us
    bought = store.purchases_before(request.tenant, request.customer, now_us, now_us - 7 * DAY)
    reactions = store.reactions_before(request.tenant, request.customer, now_us)
    known |= {
        "n_tx": float(bought.n),
        "spend": float(bought.total),
        "max_tx": float(bought.largest),
        "n_tx_7d": float(bought.n_recent),
        "spend_7d": float(bought.total_recent),
        "n_viewed": float(reactions.get("viewed", 0)),
        "n_completed": float(reactions.get("completed", 0)),
        "n_shown": float(sum(map(len, moment.shown.values()))),
    }
    if bought.n:
        known["last_tx_h"] = min((now_us - bought.last_us) / HOUR, NEVER_BOUGHT_H)
        known["days_known"] = (now_us - bought.first_us) / DAY
    return known
