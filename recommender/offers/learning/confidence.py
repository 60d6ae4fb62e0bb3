"""Always-valid intervals, the sample-ratio check, and the A/A test of both. Pure.

Always-valid: the error rate stays below alpha however often one looks.

Sources: Robbins (1970) for the normal mixture; Johari et al. (2022), "Always Valid Inference"; Waudby-Smith et al.
(2024), "Time-uniform central limit theory" for its asymptotic use; Lindon & Malek (2022), "Anytime-Valid Inference
for Multinomial Count Data" for the sample ratio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_CUSTOMERS = 50
"""In each group before a difference is judged at all: the interval is asymptotic."""

LEAST_SPREAD = 1e-9
"""Of a column that says anything: the standard deviation of equal numbers is not always exactly zero."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A difference of means per visit, its always-valid interval and the verdict."""

    difference: float
    standard_error: float
    low: float
    high: float
    decided: bool
    more_visits: int | None  # until this difference would be certain; None: decided, or not foreseeable
    text: str


def half_width(standard_error: float, scale: float, alpha: float = 0.05) -> float:
    """Half the width of the time-uniform interval of an estimate with this standard error.

    `scale` is the expected size of effect (the standard deviation of the mixture), in the same unit.
    """
    if standard_error <= 0:
        return 0.0
    ratio = (standard_error / scale) ** 2
    return standard_error * math.sqrt((1 + ratio) * (math.log1p(1 / ratio) + 2 * math.log(1 / alpha)))


def group_mean(reward: Floats, visits: Floats) -> tuple[float, float]:
    """Reward per visit and its standard error, from sums per customer, both (n_customers,): a ratio estimate."""
    n, total = len(visits), float(visits.sum())
    mean = float(reward.sum()) / total
    residual = reward - mean * visits
    return mean, math.sqrt(n / (n - 1) * float((residual**2).sum())) / total


def adjusted(reward: Floats, visits: Floats, before: Floats) -> Floats:
    """Rewards minus what was expected of each customer before the first treatment (CUPED, Deng et al. 2013).

    `reward`, `visits` (n,) are sums per customer, `before` (n, d) is what was known before. The groups are
    random, so the mean difference stays and its noise shrinks. Unchanged with fewer than ten customers for each
    column.
    """
    spread = before.std(axis=0)
    before = before[:, spread > LEAST_SPREAD]
    if len(before) < 10 * (before.shape[1] + 1) or not before.shape[1]:
        return reward
    total = visits.sum()
    columns = (before - visits @ before / total) / before.std(axis=0)
    expected = visits[:, None] * columns  # least squares over customers, as the standard error is
    slopes = np.linalg.lstsq(expected, reward - visits * (reward.sum() / total), rcond=1e-8)[0]
    return np.asarray(reward - expected @ slopes)


def compare(
    reward: Floats,
    visits: Floats,
    treated: NDArray[np.bool_],
    *,
    scale: float,
    alpha: float = 0.05,
    before: Floats | None = None,
) -> Comparison:
    """Treated against held out, from sums per customer; customers without a closed visit are left out.

    `before` (n_customers, d) is what was known before the first decision: it narrows the interval.
    """
    ones, others = int(treated.sum()), int((~treated).sum())
    if min(ones, others) < LEAST_CUSTOMERS:
        missing = LEAST_CUSTOMERS - min(ones, others)
        group = "with offers" if ones < others else "left alone"
        return Comparison(
            0.0, math.inf, -math.inf, math.inf, False, None, f"No verdict yet: {missing} more customers {group}."
        )
    if before is not None:
        reward = adjusted(reward, visits, before)
    mean, se = group_mean(reward[treated], visits[treated])
    base, base_se = group_mean(reward[~treated], visits[~treated])
    difference, error = mean - base, math.hypot(se, base_se)
    return comparison_of(difference, error, float(visits.sum()), scale=scale, alpha=alpha)


def comparison_of(
    difference: float, standard_error: float, n_visits: float, *, scale: float, alpha: float = 0.05
) -> Comparison:
    """The verdict about a difference with this standard error after `n_visits`."""
    width = half_width(standard_error, scale, alpha)
    low, high = difference - width, difference + width
    if low > 0 or high < 0:
        word = "more" if difference > 0 else "less"
        text = f"Certain: {abs(difference):.2f} {word} per visit (between {low:.2f} and {high:.2f})."
        return Comparison(difference, standard_error, low, high, True, None, text)
    more = _more_visits(difference, standard_error, n_visits, scale, alpha)
    hope = f"about {more:,} more visits" if more is not None else "no difference to be seen so far"
    return Comparison(difference, standard_error, low, high, False, more, f"No verdict yet: {hope}.")


def _more_visits(difference: float, error: float, n: float, scale: float, alpha: float) -> int | None:
    """Visits until the interval excludes zero if the difference stays; None: over a thousand times as many."""
    if error <= 0:
        return None
    for factor in np.geomspace(1.0, 1000.0, 241):
        if half_width(error / math.sqrt(factor), scale, alpha) < abs(difference):
            return math.ceil(n * (factor - 1))
    return None


def sample_ratio(held_out: int, treated: int, holdout_share: float, strength: float = 100.0) -> float:
    """Always-valid p-value of "the holdout has its share of customers"; below .01 the assignment is broken.

    The inverse of a Bayes factor: a Beta(strength * share) prior against the share itself.
    """
    a, b = strength * holdout_share, strength * (1 - holdout_share)
    log_factor = (
        math.lgamma(a + held_out)
        - math.lgamma(a)
        + math.lgamma(b + treated)
        - math.lgamma(b)
        + math.lgamma(a + b)
        - math.lgamma(a + b + held_out + treated)
        - held_out * math.log(holdout_share)
        - treated * math.log1p(-holdout_share)
    )
    return min(1.0, math.exp(-max(log_factor, 0.0)))


@dataclass(frozen=True, slots=True)
class Alarms:
    """Share of A/A runs in which some look found a difference, although there is none."""

    always_valid: float
    fixed: float  # the same with a 95 % z-interval at every look
    runs: int
    looks: int


def aa_alarms(
    reward: Floats,
    customer: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    runs: int = 200,
    looks: int = 100,
    share: float = 0.5,
    scale: float | None = None,
) -> Alarms:
    """Split customers at random into two equal treatments, `runs` times; look `looks` times while visits come in.

    `reward` and `customer` (n,) in the order of time. `scale` defaults to a twentieth of the rewards' spread.
    """
    n_customers = int(np.max(customer)) + 1
    spread = scale if scale is not None else float(reward.std()) / 20
    ends = np.linspace(0, len(reward), looks + 1).astype(int)[1:]
    groups = (rng.random((runs, n_customers)) < share).astype(float)
    valid, fixed = np.zeros(runs, bool), np.zeros(runs, bool)
    total, visits = np.zeros(n_customers), np.zeros(n_customers)
    start = 0
    for end in ends:
        total += np.bincount(customer[start:end], weights=reward[start:end], minlength=n_customers)
        visits += np.bincount(customer[start:end], minlength=n_customers)
        start = end
        ones, others = (_group_means(split, total, visits) for split in (groups, 1 - groups))
        enough = np.minimum(ones[2], others[2]) >= LEAST_CUSTOMERS
        difference = np.abs(ones[0] - others[0])
        error = np.sqrt(ones[1] + others[1])
        width = np.array([half_width(float(one), spread) for one in error])
        valid |= enough & (difference > width)
        fixed |= enough & (difference > 1.96 * error)
    return Alarms(float(valid.mean()), float(fixed.mean()), runs, looks)


def _group_means(groups: Floats, total: Floats, visits: Floats) -> tuple[Floats, Floats, Floats]:
    """`group_mean` of many splits at once: means, squared standard errors and sizes, each (runs,)."""
    sums = groups @ np.stack([total, visits, total**2, total * visits, visits**2, (visits > 0) * 1.0], axis=1)
    t, v, tt, tv, vv, n = sums.T
    mean = t / np.maximum(v, 1)
    residual = np.maximum(tt - 2 * mean * tv + mean**2 * vv, 0)
    return mean, n / np.maximum(n - 1, 1) * residual / np.maximum(v, 1) ** 2, n
