"""PURE: a probe against a gallery -> matched | unknown | ambiguous.

Vectors are unit rows; a score is their cosine. A score is used for the decision only: no route returns it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from identity.matching.calibration import Calibration
from identity.matching.tails import Scoring, scored
from identity.vectors import Array, mean_probe

Outcome = Literal["matched", "unknown", "ambiguous"]

# A ratio of distances, because some packs spread people over cosines of .0 to .6 and others over .85 to .96. On
# photographs it cost 0 (open-model-zoo) and 3 (dlib) of 1,000 right answers and stopped 12 of 100 wrong ones.
NEAR_TIE = 0.9
BLOCK = 1_024  # probes compared at once: bounds the memory of a measurement


@dataclass(frozen=True)
class MatchDecision:
    """`index` is the gallery row when matched, else None. `score` is the best row's, `margin` the cosine by which
    it is nearer than the second; no route returns them."""

    outcome: Outcome
    index: int | None = None
    score: float = float("nan")
    margin: float = float("nan")


def top_scores(
    probes: Array, gallery: Array, scoring: Scoring, size: int | None = None
) -> tuple[NDArray[np.intp], Array, Array]:
    """For probes (m, d) against a gallery (n, d): index, score of the best row, and its margin to the second.

    The score may hold a cohort term (`Scoring`); index and margin are of the plain cosines.
    `size` is the gallery's, where `gallery` holds only the rows nearest to the probes.
    """
    return top_of(probes @ gallery.T, scoring, size)


def top_of(scores: Array, scoring: Scoring, size: int | None = None) -> tuple[NDArray[np.intp], Array, Array]:
    """`top_scores` from the cosines (m, n): for who needs them for more than one."""
    n = scores.shape[1]
    count = min(n, 1 + max(1, scoring.cohort_ranks))
    ranked = -np.sort(-np.partition(scores, n - count, axis=1)[:, n - count :], axis=1)
    index = scores.argmax(axis=1)
    margin = ranked[:, 0] - ranked[:, 1] if n > 1 else np.full(len(scores), np.inf, np.float32)
    best = scored(ranked, n if size is None else size, scoring)
    return index, best.astype(np.float32), margin.astype(np.float32)


def decide(
    probes: Array, gallery: Array, calibration: Calibration, *, near_tie: float = NEAR_TIE, size: int | None = None
) -> MatchDecision:
    """Who it is, from the 1-3 frames of one press.

    `probes` is (k, d), `gallery` (n, d) of unit rows. The mean of the frames' cosines is compared, at the
    threshold for one frame. When the best customer is not clearly nearer than the second (1 - cosine above
    `near_tie` of the second's) it is `ambiguous`, not a guess. An empty gallery knows nobody. `size` is as in
    `top_scores`.
    """
    if len(gallery) == 0:
        return MatchDecision("unknown")
    probe = mean_probe(probes)[None, :]
    index, score, margin = (part[0] for part in top_scores(probe, gallery, calibration.scoring, size))
    best = float(probe[0] @ gallery[index])
    return _decision(int(index), float(score), margin, best, calibration.threshold, near_tie)


def decide_each(probes: Array, gallery: Array, threshold: float) -> list[MatchDecision]:
    """One decision for each of the probes (m, d), single frames scored by plain cosines, as `decide` makes it."""
    if len(gallery) == 0:
        return [MatchDecision("unknown")] * len(probes)
    decisions = []
    for start in range(0, len(probes), BLOCK):
        parts = top_scores(probes[start : start + BLOCK], gallery, Scoring())
        for index, score, margin in zip(*parts, strict=True):
            decisions.append(_decision(int(index), float(score), margin, float(score), threshold, NEAR_TIE))
    return decisions


def _decision(
    index: int, score: float, margin: np.float32, best: float, threshold: float, near_tie: float
) -> MatchDecision:
    """`best` is the plain cosine with row `index`, of which `score` may differ by the cohort term."""
    if not score >= threshold:
        return MatchDecision("unknown", None, score, float(margin))
    if 1 - best > near_tie * (1 - best + margin):
        return MatchDecision("ambiguous", None, score, float(margin))
    return MatchDecision("matched", index, score, float(margin))
