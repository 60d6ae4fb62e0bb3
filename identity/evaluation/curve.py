"""PURE: the curve of a calibration: shares of strangers greeted and of customers missed at each threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from identity.evaluation.identification import interval
from identity.matching.decide import top_scores
from identity.matching.tails import Scoring
from identity.vectors import mean_template

Vectors = NDArray[np.float32]
Bounds = tuple[float, float]
POINTS = 41


@dataclass(frozen=True)
class Scored:
    """Scores of a cohort of `people`. `strangers` (m,) are the best scores of pictures against other people's
    templates; `own` (k,) are scores against a template of the same person's other pictures, -inf when another
    person scores higher, and empty when nobody has more than one picture."""

    strangers: NDArray[np.float64]
    own: NDArray[np.float64]
    people: int


@dataclass(frozen=True)
class Point:
    """Shares at one threshold, with 95 % intervals over people. `fnir` is None when it cannot be measured."""

    threshold: float
    fpir: float
    fpir_interval: Bounds
    fnir: float | None = None
    fnir_interval: Bounds | None = None


def cohort_scores(cohort: Sequence[Vectors], scoring: Scoring) -> Scored:
    """Score the vectors (n, d) of each person: each picture once as a stranger's, against the templates of all
    others, and once as a customer's, with a template of the person's other pictures in the gallery."""
    templates = np.stack([mean_template(vectors) for vectors in cohort])
    strangers, own = [], []
    for person, vectors in enumerate(cohort):
        others = np.delete(templates, person, axis=0)
        if len(others):
            strangers.append(top_scores(vectors, others, scoring)[1])
        for n in range(len(vectors) if len(vectors) > 1 else 0):
            gallery = templates.copy()
            gallery[person] = mean_template(np.delete(vectors, n, axis=0))
            index, score, _ = top_scores(vectors[n : n + 1], gallery, scoring)
            own.append(score[0] if index[0] == person else -np.inf)
    return Scored(np.concatenate(strangers).astype(np.float64), np.array(own, np.float64), len(cohort))


def point(scores: Scored, threshold: float) -> Point:
    """The shares at one threshold."""
    fpir = float((scores.strangers >= threshold).mean())
    low = interval(fpir, scores.people)
    if not len(scores.own):
        return Point(threshold, fpir, low)
    fnir = float((scores.own < threshold).mean())
    return Point(threshold, fpir, low, fnir, interval(fnir, scores.people))


def curve(scores: Scored) -> list[Point]:
    """POINTS thresholds, from the one that half of the strangers pass to the higher of two: the one that no
    stranger passes and the one that half of the customers pass."""
    seen = scores.own[np.isfinite(scores.own)]
    top = max(float(np.max(scores.strangers)), float(np.quantile(seen, 0.5)) if len(seen) else -np.inf)
    return [point(scores, float(t)) for t in np.linspace(np.median(scores.strangers), top, POINTS)]


def in_words(scores: Scored, threshold: float) -> str:
    """One sentence about the shares at a threshold."""
    at = point(scores, threshold)
    shares = f"of strangers {_share(at.fpir, at.fpir_interval)} would be greeted"
    if at.fnir is not None and at.fnir_interval is not None:
        shares += f", of customers {_share(at.fnir, at.fnir_interval)} missed"
    return f"At {threshold:.3f} {shares} (95 % over {scores.people} people)."


def _share(value: float, bounds: Bounds) -> str:
    return f"{100 * value:.2f} % [{100 * bounds[0]:.2f}, {100 * bounds[1]:.2f}]"
