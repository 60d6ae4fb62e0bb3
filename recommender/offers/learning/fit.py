"""From closed decisions to a policy, with its two gates. Pure.

The uplift gate: is choosing which visits get an offer better than offering to all of them? The fallback: is the
learned policy at least as good as always showing the best single offer? Both are judged by doubly robust values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.offers.decision import FEATURES, Policy, propensities
from recommender.offers.learning import log as learning
from recommender.offers.learning.log import ClosedDecisions, UpliftModel, arm_statistics, arm_table, context_free
from recommender.offers.learning.off_policy import arm_scores, mean_per_visit
from recommender.offers.learning.uplift import VisitFeatures, crossfit_reward, fit_gain
from recommender.offers.portfolio import Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import Progress

Floats = NDArray[np.float64]

LEAST_TO_FIT = 2_000
"""Closed decisions before an uplift model is fitted; and of these at least ..."""
LEAST_OF_ARM = 100
"""... so many without an offer, and as many with the best offer."""


@dataclass(frozen=True, slots=True)
class FittedPolicy:
    """A policy, and the values by which it was judged."""

    policy: Policy
    scores: Floats  # (n, arms), doubly robust
    best: int  # arm code of the best single offer; 0: no offer was ever shown
    expected: Floats | None  # (n, arms) cross-fitted rewards; None: too few decisions
    why: str


def fit_policy(
    closed: ClosedDecisions, offers: Mapping[str, Offer], settings: OfferSettings, *, seed: int, progress: Progress
) -> FittedPolicy:
    """From closed decisions to a policy that may be published: it is the fallback where it must be."""
    progress("means of each offer", 0.1)
    found = arm_statistics(closed)
    policy = context_free(closed)
    best = 1 + int(np.argmax(policy.posterior.mean)) if policy.arms else 0
    why = "Every offer has its turn; those that earn more are shown more often."
    expected = np.broadcast_to(np.where(found.count > 0, found.mean, policy.prior_mean), closed.eligible.shape)
    crossfit: Floats | None = None
    counts = np.bincount(closed.log.arm, minlength=len(closed.log.arms))
    if len(closed) >= LEAST_TO_FIT and best and min(counts[0], counts[best]) >= LEAST_OF_ARM:
        progress("whom an offer moves", 0.2)
        visits = VisitFeatures(closed.features, FEATURES, arm_table(closed.log.arms, offers))
        crossfit = crossfit_reward(visits, closed.log.arm, closed.log.reward, closed.log.customer, seed=seed)
        expected = crossfit
        if _uplift_pays(closed, expected, best, settings):
            progress("fitting", 0.5)
            policy = context_free(closed, uplift=_fit_uplift(closed, visits, best, settings, seed))
            why = "Offers are shown to those whom they move; those that earn more are shown more often."
    scores = arm_scores(closed.log, np.ascontiguousarray(expected))
    progress("against the best single offer", 0.8)
    if len(closed) >= learning.LEAST_TO_JUDGE and best and _may_be_worse(closed, policy, scores, settings):
        policy, why = _fallback(closed, policy)
    return FittedPolicy(policy, scores, best, crossfit, why)


def _fallback(closed: ClosedDecisions, policy: Policy) -> tuple[Policy, str]:
    """The best single offer where it is known, else Thompson sampling without the uplift model."""
    if float(np.max(policy.win_probabilities(policy.arms))) >= learning.SURE:
        why = "The best single offer is shown to everybody: choosing by customer is not proven to earn more."
        return context_free(closed, mode="best_single"), why
    why = "Every offer has its turn: which one is the best is not certain yet."
    return context_free(closed), why


def _may_be_worse(closed: ClosedDecisions, policy: Policy, scores: Floats, settings: OfferSettings) -> bool:
    """Is the lower bound of the paired difference to the best single offer below what is tolerated?"""
    single = best_single_plan(closed, policy, settings)
    difference = ((target(closed, policy, settings) - single) * scores).sum(axis=1)
    mean, error = mean_per_visit(closed.log, difference)
    value = float((single * scores).sum() / len(closed))
    return mean - 1.96 * error < -learning.TOLERANCE * abs(value)


def _uplift_pays(closed: ClosedDecisions, expected: Floats, best: int, settings: OfferSettings) -> bool:
    """Is choosing the visits better than showing the best offer on all, or on as many at random?"""
    gain, scores = expected[:, best] - expected[:, 0], arm_scores(closed.log, expected)
    change = scores[:, best] - scores[:, 0]
    if settings.share is None:
        worth = np.where(gain > 0, 0.0, -change)
    else:
        worth = (gain > np.quantile(gain, 1 - settings.share)) * change - settings.share * change
    mean, error = mean_per_visit(closed.log, worth)
    return mean - 1.96 * error > 0


def _fit_uplift(
    closed: ClosedDecisions, visits: VisitFeatures, best: int, settings: OfferSettings, seed: int
) -> UpliftModel:
    """The model on all visits; with a share, the threshold that keeps to it."""
    log = closed.log
    model = fit_gain(visits, log.arm, log.reward, seed=seed)
    uplift = UpliftModel(model.rewards, visits.arm_table[[0, best]])
    if settings.share is None:
        return uplift
    # Exploration shows offers on some of the other visits; the rest of the share is for the best visits.
    room = max(settings.share - settings.exploration, 0.0) / (1 - settings.exploration)
    return replace(uplift, threshold=max(0.0, float(np.quantile(uplift.gains(closed.features), 1 - room))))


# --- what a policy would do on the visits of the log ------------------------------------------------------


def target(closed: ClosedDecisions, policy: Policy, settings: OfferSettings, *, floor: bool = False) -> Floats:
    """The probability of each arm on each visit, (n, arms); with the exploration floor only if `floor`."""
    arms = closed.log.arms
    plan = np.zeros(closed.eligible.shape)
    shows = np.ones(len(closed), bool)
    if isinstance(policy.uplift, UpliftModel) and len(closed):
        shows = policy.uplift.gains(closed.features) > policy.uplift.threshold
    plain = replace(policy, uplift=None, none_mean=None if policy.uplift is not None else policy.none_mean)
    unlimited = replace(settings, share=None)
    cached: dict[bytes, Floats] = {}
    for row in range(len(closed)):
        key = closed.eligible[row].tobytes()
        if key not in cached:
            codes = np.flatnonzero(closed.eligible[row][1:]) + 1
            chances, _ = propensities([arms[c] for c in codes], plain, closed.features[row], unlimited)
            if not floor:
                chances = np.maximum(chances - settings.exploration / len(chances), 0)
                chances /= chances.sum()
            cached[key] = np.bincount(np.r_[0, codes], weights=chances, minlength=len(arms))
        plan[row] = cached[key] if shows[row] else np.eye(len(arms))[0]
    return plan if policy.uplift is not None else _on_share(plan, settings)


def best_single_plan(closed: ClosedDecisions, policy: Policy, settings: OfferSettings) -> Floats:
    """Always the best eligible offer, (n, arms); where only a share may have offers, on a random share."""
    plan = np.zeros(closed.eligible.shape)
    plan[np.arange(len(closed)), best_eligible(closed, policy)] = 1.0
    return _on_share(plan, settings)


def no_offer_plan(closed: ClosedDecisions) -> Floats:
    """Never an offer, (n, arms)."""
    plan = np.zeros(closed.eligible.shape)
    plan[:, 0] = 1.0
    return plan


def best_eligible(closed: ClosedDecisions, policy: Policy) -> NDArray[np.int64]:
    """The arm code of the best eligible offer by the policy's means, (n,); 0 where none was eligible."""
    means = np.r_[-np.inf, policy.posterior_of(closed.log.arms[1:]).mean]
    merit = np.where(closed.eligible, means, -np.inf)
    return np.where(np.isfinite(merit.max(axis=1)), merit.argmax(axis=1), 0)


def _on_share(plan: Floats, settings: OfferSettings) -> Floats:
    """The plan on a random share of the visits, where the settings have a share."""
    if settings.share is None:
        return plan
    nothing = np.zeros_like(plan)
    nothing[:, 0] = 1.0
    return settings.share * plan + (1 - settings.share) * nothing
