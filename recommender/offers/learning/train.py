"""A training of offers: fit, and report what the policy and others would have earned on the log. Pure.

What offers earned against the holdout needs no model; it is in `recommender.offers.report`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from plumbing.clock import DAY
from recommender.offers.decision import Policy
from recommender.offers.learning.confidence import comparison_of
from recommender.offers.learning.fit import (
    FittedPolicy,
    best_eligible,
    best_single_plan,
    fit_policy,
    no_offer_plan,
    target,
)
from recommender.offers.learning.log import ClosedDecisions, arm_statistics, to_parts
from recommender.offers.learning.off_policy import (
    Bootstrap,
    Estimate,
    doubly_robust,
    mean_of,
    mean_per_visit,
    snips,
)
from recommender.offers.learning.uplift import by_decile, gain_curve
from recommender.offers.portfolio import Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import DataCut, Progress, Report, Trained

Floats = NDArray[np.float64]

Points = list[dict[str, float]]

_DRAWS = 400  # of the bootstrap


class OfferFigures(TypedDict, total=False):
    """The figures of a training report that only offers have. Money in minor units a visit."""

    version: str  # of the policy; decisions are logged with it
    cost_of_exploring: float
    chooses_visits: bool  # whether it decides who sees an offer at all
    open_windows: int
    completed_aware: int  # redemptions after a view
    completed_blind: int  # redemptions without one
    arms: list[dict[str, Any]]  # {arm, shown, mean, ess}
    best_single: str  # an offer_id, or `none`
    against_best_single: dict[str, Any]  # the comparison, and its history from day to day
    cut: dict[str, Any]
    what_if: list[dict[str, Any]]  # other policies on the same visits: {method, snips, dr}
    deciles: Points  # gain by tenth of visits
    gain_curve: Points


def train_policy(
    closed: ClosedDecisions, offers: Mapping[str, Offer], settings: OfferSettings, *, seed: int, progress: Progress
) -> Trained:
    """Fit and report. The policy may be published: it is the fallback where it must be."""
    fitted = fit_policy(closed, offers, settings, seed=seed, progress=progress)
    bootstrap = Bootstrap(closed.log.n_customers, np.random.default_rng(seed), _DRAWS)
    single = best_single_plan(closed, fitted.policy, settings)
    learned = target(closed, fitted.policy, settings)
    against = doubly_robust(closed.log, learned, fitted.scores, bootstrap, against=single)
    plans = {"no offer": no_offer_plan(closed), "best single offer": single, "learned": learned}
    rows = [{"method": name, **_estimates(closed, plan, fitted.scores, bootstrap)} for name, plan in plans.items()]
    cut = _cut(closed)
    others = rows + _each_alone(closed, fitted, bootstrap)
    report = Report(
        in_force="counting" if fitted.policy.mode == "best_single" else "ranker",
        why=fitted.why,
        rows=rows,
        metric=f"{settings.value_is} per visit",
        value=rows[-1]["dr"]["value"],
        baseline_value=rows[1]["dr"]["value"],
        interval=(against.low, against.high),
        n_train=len(closed),
        n_validation=len(closed),
        figures=dict(
            _figures(closed, fitted, settings, learned, single) | {"cut": asdict(cut), "what_if": others}
        ),
    )
    progress("done", 1.0)
    arrays, texts = to_parts(fitted.policy)
    return Trained(arrays, texts, report, cut)


def _figures(
    closed: ClosedDecisions, fitted: FittedPolicy, settings: OfferSettings, learned: Floats, single: Floats
) -> OfferFigures:
    exploring = target(closed, fitted.policy, settings, floor=True)
    gained = ((learned - single) * fitted.scores).sum(axis=1)
    deciles, curve = _by_uplift(closed, fitted)
    return {
        "version": fitted.policy.version,
        "cost_of_exploring": float(((learned - exploring) * fitted.scores).sum() / max(len(closed), 1)),
        "chooses_visits": fitted.policy.uplift is not None,
        "open_windows": closed.n_open,
        "completed_aware": closed.aware,
        "completed_blind": closed.blind,
        "arms": _arms(closed, fitted.policy),
        "best_single": closed.log.arms[fitted.best],
        "against_best_single": _over_time(closed, gained, settings),
        "deciles": deciles,
        "gain_curve": curve,
    }


def _cut(closed: ClosedDecisions) -> DataCut:
    """The size, the end and the hash of the decisions that were read."""
    digest = hashlib.sha256("\0".join((*closed.log.arms, *closed.customers.tolist())).encode())
    parts = (
        closed.log.arm,
        closed.within,
        closed.log.reward,
        closed.log.customer,
        closed.features,
        closed.held_out,
        closed.decided_us,
        closed.eligible,
    )
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return DataCut(
        lines=len(closed),
        customers=closed.log.n_customers,
        until_us=int(closed.decided_us[-1]),
        sha256=digest.hexdigest(),
    )


def _over_time(closed: ClosedDecisions, gained: Floats, settings: OfferSettings) -> dict[str, Any]:
    """The learned policy against the best single offer, by always-valid intervals, as the log grew."""
    history = []
    for end in day_ends(closed):
        some = closed.decided_us <= end
        mean, error = mean_of(closed.log.customer[some], gained[some])
        then = comparison_of(mean, error, int(some.sum()), scale=settings.effect_scale)
        history.append({"until_us": end, "difference": mean, "low": then.low, "high": then.high})
    verdict = comparison_of(*mean_per_visit(closed.log, gained), len(closed), scale=settings.effect_scale)
    return {
        "text": verdict.text,
        "difference": verdict.difference,
        "low": verdict.low,
        "high": verdict.high,
        "decided": verdict.decided,
        "more_visits": verdict.more_visits,
        "history": history,
    }


def day_ends(closed: ClosedDecisions, most: int = 60) -> list[int]:
    """At most `most` times, a day or more apart, from the first decision to the last. Microseconds UTC."""
    if not len(closed):
        return []
    first, last = int(closed.decided_us[0]), int(closed.decided_us[-1])
    step = DAY * max(1, -(-(last - first) // (DAY * most)))
    return [*range(first + step, last, step), last]


def _each_alone(
    closed: ClosedDecisions, fitted: FittedPolicy, bootstrap: Bootstrap, most: int = 20
) -> list[dict[str, Any]]:
    """What each offer alone would have earned, shown wherever it was eligible; of the `most` shown offers."""
    counts = np.bincount(closed.log.arm, minlength=len(closed.log.arms))
    rows = []
    for code in sorted(np.argsort(-counts[1:], kind="stable")[:most] + 1):
        if counts[code]:
            plan = no_offer_plan(closed)
            plan[closed.eligible[:, code]] = np.eye(len(closed.log.arms))[code]
            rows.append({"method": closed.log.arms[code], **_estimates(closed, plan, fitted.scores, bootstrap)})
    return rows


def _by_uplift(
    closed: ClosedDecisions, fitted: FittedPolicy
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """Deciles and gain curve: predicted against doubly robust gain of the best eligible offer."""
    if fitted.expected is None:
        return [], []
    chosen = best_eligible(closed, fitted.policy)
    rows = np.flatnonzero(chosen)
    predicted = fitted.expected[rows, chosen[rows]] - fitted.expected[rows, 0]
    effect = fitted.scores[rows, chosen[rows]] - fitted.scores[rows, 0]
    return by_decile(predicted, effect, closed.log.customer[rows]), gain_curve(predicted, effect)


def _estimates(closed: ClosedDecisions, plan: Floats, scores: Floats, bootstrap: Bootstrap) -> dict[str, Any]:
    """The value of a plan (n, arms) by both estimators."""
    if closed.log.taken(plan).sum() > 0:
        by_weights = snips(closed.log, plan, bootstrap)
    else:
        by_weights = Estimate(float("nan"), float("nan"), float("nan"), 0.0, "no such visit in the log")
    return {
        "snips": by_weights.as_dict(),
        "dr": doubly_robust(closed.log, plan, scores, bootstrap).as_dict(),
    }


def _arms(closed: ClosedDecisions, policy: Policy) -> list[dict[str, Any]]:
    """How often each arm was shown, and its weighted mean reward."""
    found = arm_statistics(closed)
    counts = np.bincount(closed.log.arm, minlength=len(closed.log.arms))
    return [
        {"arm": arm, "shown": int(counts[code]), "mean": float(found.mean[code]), "ess": float(found.count[code])}
        for code, arm in enumerate(closed.log.arms)
    ]
