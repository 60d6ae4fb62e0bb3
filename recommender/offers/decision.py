"""One decision: holdout, uplift gate, choice, exploration floor; with the propensity of every eligible arm. Pure.

Consent, eligibility, caps and budgets are checked before. A decision depends only on its seed, the published
policy and the logged context, so it can be replayed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.offers.bandit import Posterior, best_arm_probabilities, with_floor
from recommender.offers.portfolio import NONE, Offer
from recommender.offers.settings import OfferSettings

SCHEMA_VERSION = 1
"""Of `FEATURES` and of the logged context. A policy that was fitted under another version is refused."""

FEATURES = (
    "n_tx",
    "spend",
    "last_tx_h",
    "max_tx",
    "spend_7d",
    "n_tx_7d",
    "n_shown",
    "n_viewed",
    "n_completed",
    "days_known",
    "hour",
    "weekday",
)
"""What is known about the customer strictly before the decision. Nothing of the face, no gender, age, income."""

_CACHE_SIZE = 256

HOLDOUT, POLICY, GUEST = "holdout", "policy", "guest"


class UpliftGate(Protocol):
    """Whether to show an offer at all: yes where its expected gain over showing nothing is above a threshold."""

    @property
    def threshold(self) -> float:
        """In minor units."""
        ...

    def gain(self, features: NDArray[np.float64]) -> float:
        """In minor units, from `FEATURES` in their order, shape (n_features,)."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """What was learned from the log. Rewards are margins in minor units."""

    version: str
    arms: tuple[str, ...] = ()
    posterior: Posterior = field(default_factory=lambda: Posterior(np.zeros(0), np.zeros(0)))
    prior_mean: float = 0.0
    prior_sd: float = 1.0
    none_mean: float | None = None  # of showing nothing; None: not yet known
    none_sd: float = 1.0
    mode: str = "thompson"  # or "best_single", the fallback
    uplift: UpliftGate | None = None
    _cache: dict[tuple[str, ...], NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)

    def win_probabilities(self, arms: tuple[str, ...]) -> NDArray[np.float64]:
        """How often each arm would draw the best reward, (n_arms,). `none` may be the first arm.

        The result depends on `arms` alone and is cached.
        """
        cached = self._cache.get(arms)
        if cached is None:
            posterior = self.posterior_of(arms[1:] if arms[0] == NONE else arms)
            if arms[0] == NONE:
                mean, sd = np.r_[self.none_mean or 0.0, posterior.mean], np.r_[self.none_sd, posterior.sd]
                posterior = Posterior(mean, sd)
            cached = best_arm_probabilities(posterior)
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[arms] = cached
        return cached

    def posterior_of(self, offer_ids: Sequence[str]) -> Posterior:
        """The posterior of these arms. An arm that the policy never saw has the prior, so it is tried."""
        at = {arm: index for index, arm in enumerate(self.arms)}
        rows = [at.get(one, -1) for one in offer_ids]
        mean = [self.posterior.mean[r] if r >= 0 else self.prior_mean for r in rows]
        sd = [self.posterior.sd[r] if r >= 0 else self.prior_sd for r in rows]
        return Posterior(np.array(mean, float), np.array(sd, float))


NO_POLICY = Policy("none-yet")


@dataclass(frozen=True, slots=True)
class OfferDecision:
    """A decision with everything that its evaluation needs. `arm` is an offer_id or `none`."""

    decision_id: str
    decided_us: int
    pseudonym: str  # "" for a guest
    cell: str  # holdout, policy or guest
    arm: str
    propensities: Mapping[str, float]  # of every eligible arm and `none`, within the cell, after caps
    excluded: Mapping[str, str]  # offer_id -> reason
    context: Mapping[str, Any]  # site, features by name
    seed: int
    policy_version: str
    reward_end_us: int
    redeem_end_us: int
    why: str
    schema_version: int = SCHEMA_VERSION
    offer: Offer | None = None
    fallback: str | None = None


def in_holdout(settings: OfferSettings, tenant: str, pseudonym: str) -> bool:
    """Whether this customer is in the holdout, always or never. Without the salt nobody can compute it."""
    digest = hmac.new(settings.salt.encode(), f"{tenant}\0{pseudonym}".encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") < settings.holdout_share * 2.0**64


def propensities(
    offer_ids: Sequence[str], policy: Policy, features: NDArray[np.float64], settings: OfferSettings
) -> tuple[NDArray[np.float64], str]:
    """Probability of `none` and of each eligible offer, shape (1 + n_offers,), and the code of the rule used."""
    if not offer_ids:
        return np.ones(1), "nothing_eligible"
    chances = np.zeros(1 + len(offer_ids))
    untried = not set(offer_ids) <= set(policy.arms)
    if policy.uplift is not None and policy.uplift.gain(features) <= policy.uplift.threshold:
        chances[0], why = 1.0, "no_gain_expected"
    elif policy.mode == "best_single" and not untried:  # a new offer is tried first
        chances[1 + offer_ids.index(best_single(offer_ids, policy))], why = 1.0, "best_single_offer"
    elif policy.uplift is None and policy.none_mean is not None:
        # Without an uplift model, showing nothing is one more arm.
        chances, why = policy.win_probabilities((NONE, *offer_ids)).copy(), "thompson"
    else:
        chances[1:], why = policy.win_probabilities(tuple(offer_ids)), "thompson"
    if settings.share is not None and policy.uplift is None:
        # Without an uplift model chance decides which visits are in the share.
        chances *= min(1.0, settings.share / max(1 - chances[0], 1e-9))
        chances[0] += 1 - chances.sum()
    return with_floor(chances, settings.exploration), why


def best_single(offer_ids: Sequence[str], policy: Policy) -> str:
    """The eligible offer with the best mean; ties go to the first in order."""
    return offer_ids[int(np.argmax(policy.posterior_of(offer_ids).mean))]


def draw(arms: Sequence[str], probabilities: NDArray[np.float64], seed: int) -> str:
    """One arm by its probability; the same seed and probabilities give the same arm."""
    point = np.random.default_rng(seed).random()
    at = int(np.searchsorted(np.cumsum(probabilities), point * probabilities.sum(), side="right"))
    return arms[min(at, len(arms) - 1)]


def choose_arm(
    cell: str,
    offer_ids: Sequence[str],
    policy: Policy,
    features: NDArray[np.float64],
    settings: OfferSettings,
    seed: int,
) -> tuple[str, dict[str, float], str]:
    """The arm for one customer of one cell, the propensity of every eligible arm, and the code of the rule used.

    `offer_ids` must be sorted: the same seed gives another arm in another order.
    """
    arms = (NONE, *offer_ids)
    if cell == HOLDOUT:
        return NONE, dict.fromkeys(arms, 0.0) | {NONE: 1.0}, "left_alone"
    if cell == GUEST:
        chosen = best_single(offer_ids, policy) if offer_ids else NONE
        return chosen, dict.fromkeys(arms, 0.0) | {chosen: 1.0}, "best_single_offer"
    probabilities, why = propensities(offer_ids, policy, features, settings)
    chosen = draw(arms, probabilities, seed)
    return chosen, dict(zip(arms, map(float, probabilities), strict=True)), why
