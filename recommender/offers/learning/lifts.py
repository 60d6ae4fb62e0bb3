"""What each offer earns where it is shown, against showing nothing on the same visits; always-valid. Pure.

On every visit where an offer was possible, chance decided what was shown, with a logged probability. Weighted by
it, the visits with the offer and those without any are alike. What a customer's past alone explains is taken off
first (a least-squares line on what was known before): this moves nothing and narrows the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.offers.decision import FEATURES
from recommender.offers.learning.confidence import LEAST_CUSTOMERS, LEAST_SPREAD, Comparison, comparison_of
from recommender.offers.learning.log import ClosedDecisions
from recommender.offers.learning.off_policy import mean_of
from recommender.offers.settings import OfferSettings

Floats = NDArray[np.float64]

ALPHA = 0.05
"""Of all offers together: with twelve offers each interval is made for a twelfth of it."""


@dataclass(frozen=True, slots=True)
class Lift:
    """One offer. `verdict` is None with too few customers: then `missing` more are needed."""

    offer_id: str
    shown: int
    customers: int  # who were shown it
    verdict: Comparison | None
    missing: int = 0


def lifts_of(closed: ClosedDecisions, settings: OfferSettings) -> list[Lift]:
    """Every offer that was shown, the best one first; those without a verdict last."""
    log = closed.log
    if not len(closed):
        return []
    counted = [_counts(closed, code) for code in range(1, len(log.arms))]
    judged = sum(not missing and shown > 0 for shown, _, missing in counted)
    residual = log.reward - _explained(closed)
    found = []
    for code, (shown, customers, missing) in enumerate(counted, 1):
        if not shown:
            continue
        verdict = None if missing else _verdict(closed, code, residual, settings, ALPHA / judged)
        found.append(Lift(log.arms[code], shown, customers, verdict, missing))
    return sorted(found, key=lambda one: (one.verdict is None, -(one.verdict.difference if one.verdict else 0.0)))


def _counts(closed: ClosedDecisions, code: int) -> tuple[int, int, int]:
    """Visits with the offer, their customers, and how many customers are missing in the smaller group."""
    log, possible = closed.log, closed.eligible[:, code]
    ones = log.customer[possible & (log.arm == code)]
    others = np.unique(log.customer[possible & (log.arm == 0)])
    customers = len(np.unique(ones))
    return len(ones), customers, max(LEAST_CUSTOMERS - min(customers, len(others)), 0)


def _explained(closed: ClosedDecisions) -> Floats:
    """What the features alone say about the reward, (n,); the mean where they are too many for the visits."""
    features = np.sign(closed.features) * np.log1p(np.abs(closed.features))
    mean = np.full(len(closed), closed.log.reward.mean())
    if len(closed) < 20 * len(FEATURES):
        return mean
    spread = features.std(axis=0)
    varies = spread > LEAST_SPREAD
    used = (features[:, varies] - features[:, varies].mean(axis=0)) / spread[varies]
    slopes = np.linalg.lstsq(used, closed.log.reward - mean, rcond=1e-8)[0]
    return np.asarray(mean + used @ slopes)


def _verdict(
    closed: ClosedDecisions, code: int, residual: Floats, settings: OfferSettings, alpha: float
) -> Comparison:
    log = closed.log
    rows = np.flatnonzero(closed.eligible[:, code])
    arm = log.arm[rows]
    sign = (arm == code).astype(float) - (arm == 0)
    mean, error = mean_of(log.customer[rows], sign * residual[rows] / log.propensity[rows])
    return comparison_of(mean, error, len(rows), scale=settings.effect_scale, alpha=alpha)
