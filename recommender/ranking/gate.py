"""The gate: a new model is published only if it is better than counting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.metrics import Interval, paired_bootstrap


@dataclass(frozen=True, slots=True)
class GateResult:
    """Which method is in force after the gate, and why, in a sentence."""

    in_force: str
    why: str
    interval: Interval


def gate(
    challengers: Mapping[str, NDArray[np.float64]],
    counting: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    metric: str = "ndcg@10",
    least: int = 30,
    level: float = 0.95,
) -> GateResult:
    """Counting stays in force unless a challenger wins a paired bootstrap over the same validation questions.

    Args:
        challengers: name -> its metric for each question, shape (questions,); the one with the highest mean
            is tested.
        counting: the counting method's metric for the same questions.
        least: with fewer questions than this counting stays.
    """
    if not challengers or len(counting) < least:
        why = f"counting stays in force: {len(counting)} validation questions are too few to prove a gain"
        return GateResult("counting", why, Interval(0.0, float("-inf"), float("inf")))
    name = max(challengers, key=lambda key: (float(np.nanmean(challengers[key])), key))
    interval = paired_bootstrap(challengers[name], counting, rng, level=level)
    words = (
        f"{metric} {interval.mean:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}] over {len(counting)} questions"
    )
    if interval.low > 0:
        return GateResult(name, f"the {name} beats counting on validation: {words}", interval)
    return GateResult(
        "counting", f"counting stays in force: the {name} has not won on validation, {words}", interval
    )
