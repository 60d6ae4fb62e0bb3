"""One decision: holdout, whether, which, exploration floor; with the propensity of every eligible arm. Pure.

Consent comes before this module (the web layer asks the token), eligibility, caps and budget too (`eligibility`,
the store). A decision is a function of its seed, the published policy and what was logged: it can be replayed.
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
"""Of `FEATURES` and of the logged context; a policy fitted under another version is not used."""

FEATURES = (
    "n_tx", "spend", "last_tx_h", "max_tx", "spend_7d", "n_tx_7d",
    "n_shown", "n_viewed", "n_completed", "days_known", "hour", "weekday",
)  # fmt: skip
"""What is known of the customer strictly before the decision. Nothing from the face, no gender, age or income."""

_MOST_HELD = 256

HOLDOUT, POLICY, GUEST = "holdout", "policy", "guest"


class Gain(Protocol):
    """Expected gain of showing the best offer over showing nothing, from `FEATURES` in their order."""

    @property
    def threshold(self) -> float: ...

    def gain(self, features: NDArray[np.float64]) -> float: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """What was learned from the log. Rewards are margins in minor units."""

    version: str
    arms: tuple[str, ...] = ()
    posterior: Posterior = field(default_factory=lambda: Posterior(np.zeros(0), np.zeros(0)))
    prior_mean: float = 0.0
    prior_sd: float = 1.0
    none_mean: float | None = None  # known once the holdout or the floor has shown nothing often enough
    none_sd: float = 1.0
    mode: str = "thompson"  # or "best_single": fallen back
    whether: Gain | None = None
    _held: dict[tuple[str, ...], NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)

    def win_probabilities(self, arms: tuple[str, ...]) -> NDArray[np.float64]:
        """How often each arm would draw the best reward; `none` may be first. Kept: it hangs on nothing else."""
        held = self._held.get(arms)
        if held is None:
            believed = self.believed(arms[1:] if arms[0] == NONE else arms)
            if arms[0] == NONE:
                mean, sd = np.r_[self.none_mean or 0.0, believed.mean], np.r_[self.none_sd, believed.sd]
                believed = Posterior(mean, sd)
            held = best_arm_probabilities(believed)
            if len(self._held) >= _MOST_HELD:
                self._held.clear()
            self._held[arms] = held
        return held

    def believed(self, offer_ids: Sequence[str]) -> Posterior:
        """The posterior of these arms; an arm the policy never saw has the prior and so gets tried."""
        at = {arm: index for index, arm in enumerate(self.arms)}
        rows = [at.get(one, -1) for one in offer_ids]
        mean = [self.posterior.mean[r] if r >= 0 else self.prior_mean for r in rows]
        sd = [self.posterior.sd[r] if r >= 0 else self.prior_sd for r in rows]
        return Posterior(np.array(mean, float), np.array(sd, float))


NO_POLICY = Policy("none-yet")


@dataclass(frozen=True, slots=True)
class OfferDecision:
    """What was decided and everything needed to judge it later. `arm` is an offer_id or `none`."""

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
    """Sticky: the same customer is always, or never, left alone. Nobody can tell without the salt."""
    digest = hmac.new(settings.salt.encode(), f"{tenant}\0{pseudonym}".encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") < settings.holdout_share * 2.0**64


def propensities(
    offer_ids: Sequence[str], policy: Policy, features: NDArray[np.float64], settings: OfferSettings
) -> tuple[NDArray[np.float64], str]:
    """Probability of `none` and of each eligible offer, shape (1 + n_offers,), and why it is spread so."""
    if not offer_ids:
        return np.ones(1), "nothing_eligible"
    spread = np.zeros(1 + len(offer_ids))
    untried = not set(offer_ids) <= set(policy.arms)
    if policy.whether is not None and policy.whether.gain(features) <= policy.whether.threshold:
        spread[0], why = 1.0, "no_gain_expected"
    elif policy.mode == "best_single" and not untried:  # a newly written offer gets its trial first
        spread[1 + offer_ids.index(best_single(offer_ids, policy))], why = 1.0, "best_single_offer"
    elif policy.whether is None and policy.none_mean is not None:
        # Without a model of whom an offer moves, showing nothing is one more arm.
        spread, why = policy.win_probabilities((NONE, *offer_ids)).copy(), "thompson"
    else:
        spread[1:], why = policy.win_probabilities(tuple(offer_ids)), "thompson"
    if settings.share is not None and policy.whether is None:
        # Whom offers move is not known yet: chance decides who is among the share, whatever else is believed.
        spread *= min(1.0, settings.share / max(1 - spread[0], 1e-9))
        spread[0] += 1 - spread.sum()
    return with_floor(spread, settings.exploration), why


def best_single(offer_ids: Sequence[str], policy: Policy) -> str:
    """The eligible offer with the best mean; ties go to the first in order."""
    return offer_ids[int(np.argmax(policy.believed(offer_ids).mean))]


def draw(arms: Sequence[str], probabilities: NDArray[np.float64], seed: int) -> str:
    """The arm that `seed` picks; the same seed and probabilities give the same arm."""
    point = np.random.default_rng(seed).random()
    at = int(np.searchsorted(np.cumsum(probabilities), point * probabilities.sum(), side="right"))
    return arms[min(at, len(arms) - 1)]


def spread_and_draw(
    cell: str,
    offer_ids: Sequence[str],
    policy: Policy,
    features: NDArray[np.float64],
    settings: OfferSettings,
    seed: int,
) -> tuple[str, dict[str, float], str]:
    """The arm for one customer of one cell, the propensity of every eligible arm, and why.

    `offer_ids` must be sorted: the order decides what a seed means.
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
