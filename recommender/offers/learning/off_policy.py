"""Off-policy values: what another policy would have earned on the visits of a log, with intervals. Pure.

Sources: Swaminathan & Joachims (2015) for self-normalised weights (SNIPS); Dudik, Langford & Li (2011) for the
doubly robust estimate; Kong (1992) for the effective sample size; Efron's percentile bootstrap, over customers
because the visits of one customer are not independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.offers.errors import UnusableLog

Floats = NDArray[np.float64]
SMALL_ESS = 200.0
"""With fewer effective visits an estimate has a warning."""


@dataclass(frozen=True, slots=True)
class OfferLog:
    """Randomised decisions with their rewards; n rows, arms coded 0.., arm 0 is `none`."""

    arm: NDArray[np.int64]  # (n,) the shown arm
    propensity: Floats  # (n,) of the shown arm
    reward: Floats  # (n,)
    customer: NDArray[np.int64]  # (n,) codes 0..n_customers-1
    arms: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the rows: from a wrong one an estimate would have no meaning.

        Raises:
            UnusableLog: a propensity that is missing or outside (0, 1], a reward that is not a number.
        """
        bad = ~((self.propensity > 0) & (self.propensity <= 1))
        if bad.any():
            raise UnusableLog("A propensity is missing or not in (0, 1].", list(np.flatnonzero(bad) + 1))
        bad = ~np.isfinite(self.reward)
        if bad.any():
            raise UnusableLog("A reward is missing or not a number.", list(np.flatnonzero(bad) + 1))

    def __len__(self) -> int:
        return len(self.arm)

    @property
    def n_customers(self) -> int:
        """Customers with at least one row."""
        return int(np.max(self.customer)) + 1 if len(self.customer) else 0

    def taken(self, probabilities: Floats) -> Floats:
        """Of (n, arms): the column of the shown arm, shape (n,)."""
        return probabilities[np.arange(len(self)), self.arm]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean reward per visit with its 95 % interval, its effective number of visits, and a warning or ''."""

    value: float
    low: float
    high: float
    ess: float
    warning: str = ""

    def as_dict(self) -> dict[str, float | str]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "ess": self.ess, "warning": self.warning}


class Bootstrap:
    """Resamples of customers, the same for every estimate of a run, so that differences are paired."""

    def __init__(self, n_customers: int, rng: np.random.Generator, draws: int = 1000) -> None:
        even = np.full(max(n_customers, 1), 1.0 / max(n_customers, 1))
        self._weights = rng.multinomial(n_customers, even, size=draws).astype(np.float32)
        self._n = n_customers

    def per_customer(self, customer: NDArray[np.int64], value: Floats) -> Floats:
        """The sum of `value` (n,) for each customer, shape (n_customers,)."""
        return np.bincount(customer, weights=value, minlength=self._n)

    def ratio(self, top: Floats, bottom: Floats) -> tuple[float, float]:
        """95 % interval of sum(top) / sum(bottom); both of shape (n_customers,)."""
        over = self._weights @ np.stack([top, bottom], axis=1).astype(np.float32)
        low, high = np.percentile(over[:, 0] / np.maximum(over[:, 1], 1e-12), [2.5, 97.5])
        return float(low), float(high)

    def difference(self, top: Floats, bottom: Floats, top2: Floats, bottom2: Floats) -> tuple[float, float]:
        """95 % interval of sum(top) / sum(bottom) - sum(top2) / sum(bottom2)."""
        over = self._weights @ np.stack([top, bottom, top2, bottom2], axis=1).astype(np.float32)
        gap = over[:, 0] / np.maximum(over[:, 1], 1e-12) - over[:, 2] / np.maximum(over[:, 3], 1e-12)
        low, high = np.percentile(gap, [2.5, 97.5])
        return float(low), float(high)


def effective_sample_size(weights: Floats) -> float:
    """Kong's (sum w)^2 / sum w^2; 0 when nothing has weight."""
    squares = float((weights**2).sum())
    return float(weights.sum() ** 2 / squares) if squares > 0 else 0.0


def _warning(ess: float) -> str:
    return f"rests on {ess:.0f} effective visits; read it as a hint" if ess < SMALL_ESS else ""


def snips(log: OfferLog, target: Floats, bootstrap: Bootstrap) -> Estimate:
    """Self-normalised importance sampling of a policy; `target` (n, arms) are its probabilities.

    Raises:
        UnusableLog: no visit of the log has an arm of this policy.
    """
    weights = log.taken(target) / log.propensity
    if weights.sum() <= 0:
        raise UnusableLog("The log holds no visit that this policy could have made.")
    top = bootstrap.per_customer(log.customer, weights * log.reward)
    bottom = bootstrap.per_customer(log.customer, weights)
    ess = effective_sample_size(weights)
    return Estimate(float(top.sum() / bottom.sum()), *bootstrap.ratio(top, bottom), ess, _warning(ess))


def snips_difference(log: OfferLog, target: Floats, other: Floats, bootstrap: Bootstrap) -> Estimate:
    """How much more `target` earns than `other` by SNIPS, both (n, arms), on the same resamples.

    Raises:
        UnusableLog: no visit of the log has an arm of one of them.
    """
    sums = []
    for policy in (target, other):
        weights = log.taken(policy) / log.propensity
        if weights.sum() <= 0:
            raise UnusableLog("The log holds no visit that this policy could have made.")
        sums += [bootstrap.per_customer(log.customer, part) for part in (weights * log.reward, weights)]
    value = sums[0].sum() / sums[1].sum() - sums[2].sum() / sums[3].sum()
    ess = effective_sample_size(log.taken(target) / log.propensity)
    return Estimate(float(value), *bootstrap.difference(*sums), ess, _warning(ess))


def arm_scores(log: OfferLog, expected: Floats) -> Floats:
    """The doubly robust score of every arm on every visit, (n, arms): its mean over visits is the arm's value.

    `expected` (n, arms) are cross-fitted expected rewards, that is, fitted on other customers.
    """
    scores = expected.copy()
    rows = np.arange(len(log))
    scores[rows, log.arm] += (log.reward - expected[rows, log.arm]) / log.propensity
    return scores


def doubly_robust(
    log: OfferLog, target: Floats, scores: Floats, bootstrap: Bootstrap, against: Floats | None = None
) -> Estimate:
    """The doubly robust value of `target` (n, arms), or of its difference to the policy `against`."""
    change = target if against is None else target - against
    value = bootstrap.per_customer(log.customer, (change * scores).sum(axis=1))
    visits = bootstrap.per_customer(log.customer, np.ones(len(log)))
    ess = effective_sample_size(log.taken(target) / log.propensity)
    return Estimate(float(value.sum() / visits.sum()), *bootstrap.ratio(value, visits), ess, _warning(ess))


def mean_per_visit(log: OfferLog, value: Floats) -> tuple[float, float]:
    """Mean of `value` (n,) over visits and its standard error, visits of one customer taken together."""
    return mean_of(log.customer, value)


def mean_of(customer: NDArray[np.int64], value: Floats) -> tuple[float, float]:
    """The same for some visits; `customer` (n,) are their codes, which may have gaps."""
    visits, total = np.bincount(customer).astype(float), np.bincount(customer, weights=value)
    mean = float(total.sum() / visits.sum())
    return mean, float(np.sqrt(((total - mean * visits) ** 2).sum()) / visits.sum())
