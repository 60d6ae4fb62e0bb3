"""From the log to a policy with its gates, and what it and others would have earned on that log. Pure.

Two questions: is the learned policy better than the best single offer (off-policy, paired, doubly robust), and is
whom-an-offer-moves known well enough to be used? What offers earned against people left alone is in `desk`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from plumbing.clock import DAY
from recommender.offers.decision import FEATURES, Policy, propensities
from recommender.offers.learning import log as learning
from recommender.offers.learning.confidence import judged
from recommender.offers.learning.log import Closed, Whether, arm_statistics, arm_table, context_free
from recommender.offers.learning.off_policy import (
    Bootstrap,
    Estimate,
    arm_scores,
    doubly_robust,
    mean_of,
    mean_per_visit,
    snips,
)
from recommender.offers.learning.uplift import VisitFeatures, by_decile, crossfit_reward, fit_gain, gain_curve
from recommender.offers.portfolio import Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import Progress, Report, Trained

Floats = NDArray[np.float64]

LEAST_TO_FIT = 2_000
"""Closed decisions before anything is learned about whom an offer moves; and of these at least ..."""
LEAST_OF_ARM = 100
"""... so many with nothing shown, and as many with the best offer."""
_DRAWS = 400


class OfferFigures(TypedDict, total=False):
    """What the report of an offers' policy holds beside the common fields. Money in minor units a visit."""

    version: str  # of the policy; decisions are logged with it
    cost_of_exploring: float
    open_windows: int
    completed_aware: int  # redemptions after a view
    completed_blind: int  # redemptions without one
    arms: list[dict[str, Any]]  # {arm, shown, mean, ess}
    best_single: str  # an offer_id, or `none`
    against_best_single: dict[str, Any]  # the comparison, and its history from day to day
    cut: dict[str, Any]
    what_if: list[dict[str, Any]]  # other policies on the same visits: {method, snips, dr}
    deciles: list[dict[str, float]]  # gain by tenth of visits
    gain_curve: list[dict[str, float]]


@dataclass(frozen=True, slots=True)
class FittedPolicy:
    """A policy and what was needed to judge it."""

    policy: Policy
    scores: Floats  # (n, arms), doubly robust
    best: int  # arm code of the best single offer, 0: no offer was ever shown
    expected: Floats | None  # (n, arms) cross-fitted rewards; None: too few decisions to fit anything
    why: str


def fit(
    closed: Closed, offers: Mapping[str, Offer], settings: OfferSettings, *, seed: int, progress: Progress
) -> FittedPolicy:
    """From closed decisions to the policy that may come into force."""
    progress("means of each offer", 0.1)
    found = arm_statistics(closed)
    policy = context_free(closed)
    best = 1 + int(np.argmax(policy.posterior.mean)) if policy.arms else 0
    expected = np.broadcast_to(np.where(found.count > 0, found.mean, policy.prior_mean), closed.eligible.shape)
    crossfit: Floats | None = None
    why = "Thompson sampling over the averages of each offer."
    counts = np.bincount(closed.log.arm, minlength=len(closed.log.arms))
    if len(closed) >= LEAST_TO_FIT and best and min(counts[0], counts[best]) >= LEAST_OF_ARM:
        progress("whom an offer moves", 0.2)
        visits = VisitFeatures(closed.features, FEATURES, arm_table(closed.log.arms, offers))
        crossfit = crossfit_reward(visits, closed.log.arm, closed.log.reward, closed.log.customer, seed=seed)
        expected = crossfit
        gain = expected[:, best] - expected[:, 0]
        scores = arm_scores(closed.log, expected)
        if _whether_pays(closed, scores, gain, best, settings):
            progress("fitting", 0.5)
            whether = _fit_whether(closed, visits, best, settings, seed)
            policy = context_free(closed, whether=whether)
            why = "Shown where a gain is expected; Thompson sampling says which."
    scores = arm_scores(closed.log, np.ascontiguousarray(expected))
    progress("against the best single offer", 0.8)
    if len(closed) >= learning.LEAST_TO_JUDGE and best and _may_be_worse(closed, policy, scores, settings):
        known = float(np.max(policy.win_probabilities(policy.arms))) >= learning.SURE
        policy = context_free(closed, mode="best_single" if known else "thompson")
        why = "Fallen back to the best single offer: the learned policy may be worse than it."
        if not known:
            why = "Thompson sampling over the averages of each offer: which is the best is not certain yet."
    return FittedPolicy(policy, scores, best, crossfit, why)


def _may_be_worse(closed: Closed, policy: Policy, scores: Floats, settings: OfferSettings) -> bool:
    """Is the lower bound of the paired difference to the best single offer below what is tolerated?"""
    single = _single(closed, policy, settings)
    mean, error = mean_per_visit(closed.log, ((target(closed, policy, settings) - single) * scores).sum(axis=1))
    value = float((single * scores).sum() / len(closed))
    return mean - 1.96 * error < -learning.TOLERANCE * abs(value)


def _bootstrap(closed: Closed, seed: int) -> Bootstrap:
    return Bootstrap(closed.log.n_customers, np.random.default_rng(seed), _DRAWS)


def _whether_pays(closed: Closed, scores: Floats, gain: Floats, best: int, settings: OfferSettings) -> bool:
    """Is choosing whom to show the offer better than showing it to all, or to as many at random?"""
    change = scores[:, best] - scores[:, 0]
    if settings.share is None:
        worth = np.where(gain > 0, 0.0, -change)
    else:
        worth = (gain > np.quantile(gain, 1 - settings.share)) * change - settings.share * change
    mean, error = mean_per_visit(closed.log, worth)
    return mean - 1.96 * error > 0


def _fit_whether(closed: Closed, visits: VisitFeatures, best: int, settings: OfferSettings, seed: int) -> Whether:
    log = closed.log
    model = fit_gain(visits, log.arm, log.reward, seed=seed)
    whether = Whether(model.rewards, visits.arm_table[[0, best]])
    if settings.share is None:
        return whether
    # The floor shows offers to some of the others: the rest of the share is left for the most promising.
    room = max(settings.share - settings.exploration, 0.0) / (1 - settings.exploration)
    return replace(whether, threshold=max(0.0, float(np.quantile(whether.gains(closed.features), 1 - room))))


def target(closed: Closed, policy: Policy, settings: OfferSettings, *, floor: bool = False) -> Floats:
    """What a policy would do on the visits of the log, (n, arms); without the exploration floor unless asked."""
    arms = closed.log.arms
    plan = np.zeros(closed.eligible.shape)
    shows = np.ones(len(closed), bool)
    if isinstance(policy.whether, Whether) and len(closed):
        shows = policy.whether.gains(closed.features) > policy.whether.threshold
    plain = replace(policy, whether=None, none_mean=None if policy.whether is not None else policy.none_mean)
    held: dict[bytes, Floats] = {}
    for row in range(len(closed)):
        key = closed.eligible[row].tobytes()
        if key not in held:
            codes = np.flatnonzero(closed.eligible[row][1:]) + 1
            spread, _ = propensities([arms[c] for c in codes], plain, closed.features[row], _free(settings))
            if not floor:
                spread = np.maximum(spread - settings.exploration / len(spread), 0)
                spread /= spread.sum()
            held[key] = np.bincount(np.r_[0, codes], weights=spread, minlength=len(arms))
        plan[row] = held[key] if shows[row] else np.eye(len(arms))[0]
    return plan if policy.whether is not None else _rationed(plan, settings)


def _rationed(plan: Floats, settings: OfferSettings) -> Floats:
    """The same on a share of visits drawn by lot: the measure of whoever chooses the visits."""
    if settings.share is None:
        return plan
    nothing = np.zeros_like(plan)
    nothing[:, 0] = 1.0
    return settings.share * plan + (1 - settings.share) * nothing


def _free(settings: OfferSettings) -> OfferSettings:
    return replace(settings, share=None)


def _best_eligible(closed: Closed, policy: Policy) -> NDArray[np.int64]:
    """(n,) the arm code of the best of what was eligible, by the policy's beliefs; 0 where nothing was."""
    believed = np.r_[-np.inf, policy.believed(closed.log.arms[1:]).mean]
    merit = np.where(closed.eligible, believed, -np.inf)
    return np.where(np.isfinite(merit.max(axis=1)), merit.argmax(axis=1), 0)


def _single(closed: Closed, policy: Policy, settings: OfferSettings) -> Floats:
    """Always the best of what was eligible; by lot where only a share may be shown."""
    plan = np.zeros(closed.eligible.shape)
    plan[np.arange(len(closed)), _best_eligible(closed, policy)] = 1.0
    return _rationed(plan, settings)


def train(
    closed: Closed, offers: Mapping[str, Offer], settings: OfferSettings, *, seed: int, progress: Progress
) -> Trained:
    """Fit and report. What is fitted may be published: it fell back by itself where it had to."""
    fitted = fit(closed, offers, settings, seed=seed, progress=progress)
    single, learned = _single(closed, fitted.policy, settings), target(closed, fitted.policy, settings)
    bootstrap = _bootstrap(closed, seed)
    against = doubly_robust(closed.log, learned, fitted.scores, bootstrap, against=single)
    exploring = target(closed, fitted.policy, settings, floor=True)
    rows = [
        {"method": name, **_both(closed, plan, fitted.scores, bootstrap)}
        for name, plan in (("no offer", _nothing(closed)), ("best single offer", single), ("learned", learned))
    ]
    deciles, curve = _whom(closed, fitted)
    gained = ((learned - single) * fitted.scores).sum(axis=1)
    figures: OfferFigures = {
        "version": fitted.policy.version,
        "cost_of_exploring": float(((learned - exploring) * fitted.scores).sum() / max(len(closed), 1)),
        "open_windows": closed.n_open,
        "completed_aware": closed.aware,
        "completed_blind": closed.blind,
        "arms": _arms(closed, fitted.policy),
        "best_single": closed.log.arms[fitted.best],
        "against_best_single": _over_time(closed, gained, settings),
        "cut": _cut(closed),
        "what_if": rows + _each_alone(closed, fitted, bootstrap),
        "deciles": deciles,
        "gain_curve": curve,
    }
    report = Report(
        in_force="counting" if fitted.policy.mode == "best_single" else "ranker",
        why=fitted.why,
        rows=rows,
        metric="margin per visit",
        value=rows[-1]["dr"]["value"],
        baseline_value=rows[1]["dr"]["value"],
        interval=(against.low, against.high),
        n_train=len(closed),
        n_validation=len(closed),
        figures=dict(figures),
    )
    progress("done", 1.0)
    return learning.trained(fitted.policy, report)


def _cut(closed: Closed) -> dict[str, Any]:
    """Which decisions it was learned from: how many, until when, and a hash of all that was read of them."""
    digest = hashlib.sha256("\0".join((*closed.log.arms, *closed.customers.tolist())).encode())
    parts = (closed.log.arm, closed.within, closed.log.reward, closed.log.customer, closed.features,
             closed.held_out, closed.decided_us, closed.eligible)  # fmt: skip
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return {
        "lines": len(closed), "customers": closed.log.n_customers, "until_us": int(closed.decided_us[-1]),
        "sha256": digest.hexdigest(),
    }  # fmt: skip


def _over_time(closed: Closed, gained: Floats, settings: OfferSettings) -> dict[str, Any]:
    """The learned policy against the best single offer, always-valid, as the log grew."""
    history = []
    for end in day_ends(closed):
        some = closed.decided_us <= end
        mean, error = mean_of(closed.log.customer[some], gained[some])
        then = judged(mean, error, int(some.sum()), scale=settings.effect_scale)
        history.append({"until_us": end, "difference": mean, "low": then.low, "high": then.high})
    verdict = judged(*mean_per_visit(closed.log, gained), len(closed), scale=settings.effect_scale)
    return {
        "text": verdict.text, "difference": verdict.difference, "low": verdict.low, "high": verdict.high,
        "decided": verdict.decided, "more_visits": verdict.more_visits, "history": history,
    }  # fmt: skip


def day_ends(closed: Closed, most: int = 60) -> list[int]:
    """Moments a day or more apart from the first to the last decision, at most `most`; the last is the end."""
    if not len(closed):
        return []
    first, last = int(closed.decided_us[0]), int(closed.decided_us[-1])
    step = DAY * max(1, -(-(last - first) // (DAY * most)))
    return [*range(first + step, last, step), last]


def _each_alone(
    closed: Closed, fitted: FittedPolicy, bootstrap: Bootstrap, most: int = 20
) -> list[dict[str, Any]]:
    """What each offer alone would have earned, shown wherever it was eligible; the most shown ones."""
    counts = np.bincount(closed.log.arm, minlength=len(closed.log.arms))
    rows = []
    for code in sorted(np.argsort(-counts[1:], kind="stable")[:most] + 1):
        if counts[code]:
            plan = _nothing(closed)
            plan[closed.eligible[:, code]] = np.eye(len(closed.log.arms))[code]
            rows.append({"method": closed.log.arms[code], **_both(closed, plan, fitted.scores, bootstrap)})
    return rows


def _whom(closed: Closed, fitted: FittedPolicy) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Deciles and gain curve: predicted against doubly robust gain of the best offer that could be shown."""
    if fitted.expected is None:
        return [], []
    chosen = _best_eligible(closed, fitted.policy)
    rows = np.flatnonzero(chosen)
    predicted = fitted.expected[rows, chosen[rows]] - fitted.expected[rows, 0]
    effect = fitted.scores[rows, chosen[rows]] - fitted.scores[rows, 0]
    return by_decile(predicted, effect, closed.log.customer[rows]), gain_curve(predicted, effect)


def _nothing(closed: Closed) -> Floats:
    plan = np.zeros(closed.eligible.shape)
    plan[:, 0] = 1.0
    return plan


def _both(closed: Closed, plan: Floats, scores: Floats, bootstrap: Bootstrap) -> dict[str, Any]:
    if closed.log.taken(plan).sum() > 0:
        by_weights = snips(closed.log, plan, bootstrap)
    else:
        by_weights = Estimate(float("nan"), float("nan"), float("nan"), 0.0, "no such visit in the log")
    return {
        "snips": by_weights.as_dict(),
        "dr": doubly_robust(closed.log, plan, scores, bootstrap).as_dict(),
    }


def _arms(closed: Closed, policy: Policy) -> list[dict[str, Any]]:
    found = arm_statistics(closed)
    counts = np.bincount(closed.log.arm, minlength=len(closed.log.arms))
    return [
        {"arm": arm, "shown": int(counts[code]), "mean": float(found.mean[code]), "ess": float(found.count[code])}
        for code, arm in enumerate(closed.log.arms)
    ]
