"""PURE: whether vectors that devices make score like pictures do, as far as two cohorts of strangers show it.

A site that moves its devices from pictures to vectors keeps its customers' templates. Where strangers score alike
on both ways, the threshold stays what it was, and customers are recognised at once. Where they do not, it rises
for both (`Thresholds`), and some have to enrol again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from identity.matching.tails import Tail

Agreement = Literal["same", "differ", "unknown"]
"""Whether the tails of the two are the same for all that a threshold does; `unknown`: too few people to say."""

MATTERS = 0.05
"""A smaller difference of scores moves no threshold by more than another cohort of the same size would."""
BOUND = 4.0
"""Errors that are taken into account. Two would be right 19 times of 20, but the jackknife sees half of the true
scatter of a tail of 100 to 200 people (measured on simulated strangers)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A tail as measured on `people` strangers. `raised` is what `careful_tail` added to its scores, `error` the
    standard error of the score at `compared_at`. A tail that ships with a pack was measured on thousands and has
    neither."""

    tail: Tail
    people: int = 0
    raised: float = 0.0
    error: float = 0.0

    def score(self, probability: float) -> float:
        """The score that a stranger's comparison exceeds with `probability`."""
        return self.tail.quantile(probability) - self.raised


def compared_at(people: int) -> float:
    """The probability at which two tails are compared: as far out as so many people show it well. Thresholds lie
    further out, where nothing is observed and both are the same kind of curve."""
    return 0.2 / people


def agreement(pictures: Measured | None, vectors: Measured | None) -> Agreement:
    """Compare the two. They are `same` when the difference is small whatever the errors are, they `differ` when it
    is neither small nor within the errors."""
    if pictures is None or vectors is None or vectors.people < 1:
        return "unknown"
    far = compared_at(vectors.people)
    difference = abs(vectors.score(far) - pictures.score(far))
    bound = BOUND * float(np.hypot(pictures.error, vectors.error))
    if difference + bound <= MATTERS:
        return "same"
    return "differ" if difference > max(bound, MATTERS) else "unknown"
