"""Sums over the customers of a variant, and differences of means per visit that may be looked at every day. Pure.

All functions take arrays of any shape: one experiment, or a thousand simulated ones at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.offers.learning.confidence import LEAST_CUSTOMERS, half_width

Floats = NDArray[np.float64]

LEAST_DIFFERENT = 20
"""Customers of both variants together with any reward at all: with fewer the interval, which is asymptotic, is too
narrow. Of rare rewards (an offer redeemed) a variant may have none for days."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Over the customers of one variant: customers, visits, rewards, their squares and products, and how many had
    any reward. Each of the same shape."""

    n: Floats
    visits: Floats
    reward: Floats
    reward2: Floats
    both: Floats
    visits2: Floats
    some: Floats

    @classmethod
    def of(cls, reward: Floats, visits: Floats, groups: Floats) -> Sums:
        """From sums per customer, (n_customers,), and `groups` (..., n_customers): 1 for who is in it."""
        columns = [visits > 0, visits, reward, reward**2, reward * visits, visits**2, reward != 0]
        return cls(*(groups @ np.asarray(column, np.float64) for column in columns))

    @property
    def mean(self) -> Floats:
        """Reward for each visit; 0 without a visit."""
        return np.asarray(self.reward / np.maximum(self.visits, 1))

    def error2(self, mean: Floats) -> Floats:
        """The square of the standard error of `mean`, a ratio estimate over customers."""
        residual = np.maximum(self.reward2 - 2 * mean * self.both + mean**2 * self.visits2, 0)
        return np.asarray(self.n / np.maximum(self.n - 1, 1) * residual / np.maximum(self.visits, 1) ** 2)


@dataclass(frozen=True, slots=True)
class Difference:
    """Means of a variant minus those of another, with their always-valid intervals."""

    value: Floats
    error: Floats
    low: Floats
    high: Floats
    judged: NDArray[np.bool_]  # False: too few customers or rewards for an interval


def difference(one: Sums, other: Sums, *, scale: float, alpha: float = 0.05) -> Difference:
    """`one` minus `other`, per visit; the error rate stays below `alpha` however often one looks.

    `scale` is the expected size of a difference. The error is the larger of two estimates: each variant by itself,
    and both together. So a variant without a single reward, which has no spread of its own, is not judged by it.
    """
    value = one.mean - other.mean
    together = (one.reward + other.reward) / np.maximum(one.visits + other.visits, 1)
    apart = one.error2(one.mean) + other.error2(other.mean)
    error = np.sqrt(np.maximum(apart, one.error2(together) + other.error2(together)))
    width = half_widths(error, scale, alpha)
    judged = (np.minimum(one.n, other.n) >= LEAST_CUSTOMERS) & (error > 0)
    judged &= one.some + other.some >= LEAST_DIFFERENT
    return Difference(value, error, value - width, value + width, judged)


def half_widths(error: Floats, scale: float, alpha: float) -> Floats:
    """`half_width` of each of many standard errors."""
    return np.asarray(np.vectorize(lambda one: half_width(float(one), scale, alpha), otypes=[float])(error))


def sample_ratio(counts: Sequence[int], shares: Sequence[float], strength: float = 100.0) -> float:
    """Always-valid p-value of "each variant has its share of the customers"; 1 for no doubt.

    The inverse of a Bayes factor: a Dirichlet(strength * shares) prior against the shares themselves (Lindon &
    Malek 2022). With two variants it is `confidence.sample_ratio`.
    """
    total = sum(counts)
    if not total:
        return 1.0
    log_factor = math.lgamma(strength) - math.lgamma(strength + total)
    for count, share in zip(counts, shares, strict=True):
        log_factor += math.lgamma(strength * share + count) - math.lgamma(strength * share)
        log_factor -= count * math.log(share)
    return min(1.0, math.exp(-max(log_factor, 0.0)))
