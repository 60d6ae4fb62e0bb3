"""A policy fitted on a table of randomised decisions, and what it plans for a table of requests. Pure.

The same two rules as at the counter: *who* by expected gain, *which* by the best offer on average. Context may
choose the offer, and a visit may go without one where nothing limits how many carry one, once a cross-fitted
doubly robust gain of doing so has a lower bound above nought: what is not proven to be better is not done.
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
    """Whether something may be done: the paired gain of doing so, per visit, and its 95 % interval."""

    gain: float
    low: float
    high: float

    @property
    def open(self) -> bool:
        return self.low > 0


@dataclass(frozen=True, slots=True)
class Planner:
    """A fitted policy. `value` (arms,) is each arm's mean reward; the offer with the largest is the best.

    `gate` is that of context; `abstaining` and `abstaining_left` those of showing nothing where no gain is
    expected, of the best offer and of the best that was not shown before.
    """

    model: GainModel
    value: Floats
    gate: Gate
    abstaining: Gate
    abstaining_left: Gate

    @property
    def best_single(self) -> int:
        return 1 + int(np.argmax(self.value[1:]))

    def plan(self, waves: Waves, gains: Floats, *, share: float | None = None, no_repeat: bool = False) -> Floats:
        """Probability of each arm for each row, (n, arms), ones and noughts.

        `gains` (n, arms) are those of `model.judge`. At most `share` of the rows carry an offer, those with
        the highest expected gain. With `no_repeat` nobody is planned an offer that was shown to them before; where
        the table does not say what was shown, this plan's own earlier waves count as shown.
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
    """The best offer that is not taken, 0 when all are; shapes (n, arms) -> (n,)."""
    left = np.where(taken[:, 1:], -np.inf, merit[:, 1:])
    return np.where(np.isfinite(left.max(axis=1)), 1 + left.argmax(axis=1), 0)


def arm_means(log: OfferLog) -> Floats:
    """Self-normalised mean reward of each arm; an arm that was never shown has -inf."""
    weight = 1 / log.propensity
    top = np.bincount(log.arm, weights=weight * log.reward, minlength=len(log.arms))
    bottom = np.bincount(log.arm, weights=weight, minlength=len(log.arms))
    return np.where(bottom > 0, top / np.maximum(bottom, 1e-12), -np.inf)


def fit_planner(waves: Waves, log: OfferLog, *, seed: int) -> Planner:
    """Fit on randomised decisions: means, gains and the gate of context."""
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
    """Does showing nothing, where `chosen` (n,) is not expected to gain, beat showing it? As `context_gate`."""
    scores = arm_scores(log, expected)
    rows = np.arange(len(log))
    loses = expected[rows, chosen] <= expected[:, 0]
    mean, error = mean_per_visit(log, np.where(loses, scores[:, 0] - scores[rows, chosen], 0.0))
    return Gate(mean, mean - 1.96 * error, mean + 1.96 * error)


def context_gate(log: OfferLog, expected: Floats, value: Floats) -> Gate:
    """Does choosing by context beat the best single offer? `expected` (n, arms) must be cross-fitted."""
    if len(log.arms) < 3:
        return Gate(0.0, 0.0, 0.0)
    scores = arm_scores(log, expected)
    rows = np.arange(len(log))
    change = scores[rows, 1 + expected[:, 1:].argmax(axis=1)] - scores[:, 1 + int(np.argmax(value[1:]))]
    mean, error = mean_per_visit(log, change)
    return Gate(mean, mean - 1.96 * error, mean + 1.96 * error)
