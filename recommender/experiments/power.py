"""How long an experiment takes, before it begins. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recommender.experiments.sums import half_widths

POWER_Z = 0.8416
"""Four experiments in five find an effect of the size that was named."""

MOST_VISITS = 1e9


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the log says about visits: how many a day, and the variance of a visit's reward. Customers come more
    than once, so the variance is one over customers, as the read-out's. `assumed`: the log does not say it."""

    visits_per_day: float
    variance: float
    mean: float
    assumed: bool = False


def visits_needed(variance: float, shares: Sequence[float], effect: float, alpha: float = 0.05) -> int | None:
    """Visits of all variants until an effect of this size is found by four experiments in five, looked at daily.

    The smallest variant is compared with the control. None: more than a billion.
    """
    own_alpha = alpha / (len(shares) - 1)
    n = np.geomspace(10, MOST_VISITS, 1_601)
    error = np.sqrt(variance / n * (1 / shares[0] + 1 / min(shares[1:])))
    enough = effect - half_widths(error, effect, own_alpha) >= POWER_Z * error
    return math.ceil(float(n[int(np.argmax(enough))])) if enough.any() else None


def days_needed(traffic: Traffic, shares: Sequence[float], effect: float, share_of_customers: float) -> int | None:
    """Whole days with the present traffic; None: longer than anybody waits, or nobody comes."""
    visits = visits_needed(traffic.variance, shares, effect)
    per_day = traffic.visits_per_day * share_of_customers
    if visits is None or per_day <= 0 or visits / per_day > 3_650:
        return None
    return max(1, math.ceil(visits / per_day))
