"""A policy fitted on a table of randomised decisions, and its plan for a table of requests. Pure.

The same two rules as at the counter: *which visits* by expected gain, *which offer* by the best average. Two
things are done only if they are proven to be better, that is, if the lower bound of a cross-fitted doubly
robust gain is above zero: choosing the offer by context, and showing nothing where no share limits the offers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.offers.learning.off_policy import OfferLog, arm_scores, mean_per_visit
from recommender.offers.learning.uplift import GainModel, crossfit_reward, fit_gain
from recommender.offers.offline.tables import Waves

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether something is proven to be better: its paired gain per visit, and the 95 % interval."""

    gain: float
    low: float
    high: float

    @property
    def open(self) -> bool:
        """True: it is proven."""
        return self.low > 0


@dataclass(frozen=True, slots=True)
class Planner:
    """A fitted policy. `value` (arms,) is each arm's mean reward; the offer with the largest is the best.

    `gate` is for choosing the offer by context. `abstaining` and `abstaining_left` are for showing nothing
    where no gain is expected: of the best offer, and of the best offer that was not shown before.
    """

    model: GainModel
    value: Floats
    gate: Gate
    abstaining: Gate
    abstaining_left: Gate

    @property
    def best_single(self) -> int:
        """The arm code of the best offer on average."""
        return 1 + int(np.argmax(self.value[1:]))

    def plan(self, waves: Waves, gains: Floats, *, share: float | None = None, no_repeat: bool = False) -> Floats:
        """Probability of each arm for each row, (n, arms), zeros and ones.

        `gains` (n, arms) are those of `model.judge`. At most `share` of the rows get an offer, those with the
        highest expected gain. With `no_repeat` no customer gets an offer again; where the table lacks what was
        shown, this plan's own earlier waves count as shown.
        """
        n = len(gains)
        chosen = np.zeros(n, np.int64)
        if gains.shape[1] > 1 and n:
            merit = gains if self.gate.open else np.broadcast_to(self.value, gains.shape)
            chosen = self._which(waves, merit, no_repeat)
            gain = np.where(chosen > 0, gains[np.arange(n), chosen], -np.inf)
            if share is not None or (self.abstaining_left if no_repeat else self.abstaining).open:
                chosen[gain <= 0] = 0
            if share is not None:
                order = np.lexsort((np.arange(n), -gain))
                chosen[order[int(np.floor(share * n + 1e-9)) :]] = 0
        plan = np.zeros(gains.shape)
        plan[np.arange(n), chosen] = 1.0
        return plan

    def _which(self, waves: Waves, merit: Floats, no_repeat: bool) -> NDArray[np.int64]:
        if not no_repeat:
            return 1 + merit[:, 1:].argmax(axis=1)
        if waves.arm is not None:
            return _best_left(merit, waves.shown_before)
        chosen = np.zeros(len(merit), np.int64)
        planned = np.zeros((len(waves.customers), merit.shape[1]), np.bool_)
        for time in np.unique(waves.wave):
            rows = np.flatnonzero(waves.wave == time)
            who = waves.customer[rows]
            chosen[rows] = _best_left(merit[rows], planned[who])
            planned[who, chosen[rows]] = True
        return chosen


def _best_left(merit: Floats, taken: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The best offer that is not taken, 0 when all are: (n, arms) -> (n,)."""
    left = np.where(taken[:, 1:], -np.inf, merit[:, 1:])
    return np.where(np.isfinite(left.max(axis=1)), 1 + left.argmax(axis=1), 0)


def arm_means(log: OfferLog) -> Floats:
    """Self-normalised mean reward of each arm, (arms,); -inf for an arm that was never shown."""
    weight = 1 / log.propensity
    top = np.bincount(log.arm, weights=weight * log.reward, minlength=len(log.arms))
    bottom = np.bincount(log.arm, weights=weight, minlength=len(log.arms))
    return np.where(bottom > 0, top / np.maximum(bottom, 1e-12), -np.inf)


def fit_planner(waves: Waves, log: OfferLog, *, seed: int) -> Planner:
    """Fit on randomised decisions: means, gains and gates."""
    expected = crossfit_reward(waves.visits, log.arm, log.reward, waves.customer, seed=seed)
    value = arm_means(log)
    model = fit_gain(waves.visits, log.arm, log.reward, seed=seed)
    best = np.full(len(log), 1 + int(np.argmax(value[1:]))) if len(value) > 1 else np.zeros(len(log), np.int64)
    left = _best_left(np.broadcast_to(value, expected.shape), waves.shown_before) if len(value) > 1 else best
    return Planner(
        model,
        value,
        context_gate(log, expected, value),
        abstention_gate(log, expected, best),
        abstention_gate(log, expected, left),
    )


def abstention_gate(log: OfferLog, expected: Floats, chosen: NDArray[np.int64]) -> Gate:
    """Is showing nothing better where `chosen` (n,) has no expected gain? `expected` as in `context_gate`."""
    scores = arm_scores(log, expected)
    rows = np.arange(len(log))
    loses = expected[rows, chosen] <= expected[:, 0]
    mean, error = mean_per_visit(log, np.where(loses, scores[:, 0] - scores[rows, chosen], 0.0))
    return Gate(mean, mean - 1.96 * error, mean + 1.96 * error)


def context_gate(log: OfferLog, expected: Floats, value: Floats) -> Gate:
    """Is choosing by context better than the best single offer? `expected` (n, arms) must be cross-fitted."""
    if len(log.arms) < 3:
        return Gate(0.0, 0.0, 0.0)
    scores = arm_scores(log, expected)
    rows = np.arange(len(log))
    change = scores[rows, 1 + expected[:, 1:].argmax(axis=1)] - scores[:, 1 + int(np.argmax(value[1:]))]
    mean, error = mean_per_visit(log, change)
    return Gate(mean, mean - 1.96 * error, mean + 1.96 * error)
