"""PURE: the far tail of impostors' scores, and how a score is made from cosines.

The tail is a generalised Pareto distribution (sources: see `calibration`). Scores are cosines, from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.errors import TooFewScores

Scores = NDArray[np.floating]
"""Cosines or vectors, of any float type."""
Owners = NDArray[np.integer]
"""(n,): whose each row is."""


TAIL_SHARE = 0.1  # the top tenth is the tail: enough scores for a steady fit, few enough to be a tail
FAR_SHARE = 0.05  # of very many scores: a smaller share is enough, and lies nearer to the target
MANY = 50_000  # scores, from which on FAR_SHARE is the tail
# Probabilities for which a tail stores the observed score.
BODY = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02)
LEAST_TAIL = 20  # exceedances below which a fit is noise


@dataclass(frozen=True)
class Scoring:
    """How a probe's score is made from its cosines: the best one, less `cohort_weight` x the mean of the next
    `cohort_ranks`. A face that looks a little like everybody must look more like one customer to match. It is part
    of a calibration, because another scoring needs another threshold."""

    cohort_weight: float = 0.0
    cohort_ranks: int = 0

    def applies(self, gallery_size: int) -> bool:
        """Whether the gallery is large enough that its next ranks are lookalikes rather than anybody."""
        return gallery_size >= self.least_gallery

    @property
    def least_gallery(self) -> float:
        """The smallest gallery that has the cohort term; scores from smaller ones are not comparable."""
        return 8 * self.cohort_ranks if self.cohort_weight > 0 else float("inf")


@dataclass(frozen=True)
class Tail:
    """P(score > s) = share x (1 + shape (s - start) / scale)^(-1/shape) for s >= start.

    `body` continues it downwards: (probability, score) as observed, probabilities falling to `share`.
    """

    start: float
    shape: float
    scale: float
    share: float
    scores: int = 0  # how many scores it was fitted on
    body: Sequence[Sequence[float]] = ()

    def quantile(self, probability: float) -> float:
        """The score that an impostor exceeds with `probability`; never below the body, or `start` without one."""
        if not 0 < probability < 1:
            raise ValueError("a probability lies between 0 and 1")
        return float(self.quantiles(np.array(probability)))

    def quantiles(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """`quantile` of many probabilities at once."""
        ratio = np.log(np.maximum(self.share / probabilities, 1.0))
        spread = ratio if abs(self.shape) < 1e-9 else np.expm1(self.shape * ratio) / self.shape
        scores = self.start + self.scale * spread
        if len(self.body):
            chances, seen = np.array(self.body, np.float64).T[:, ::-1]
            inside = np.interp(np.log(probabilities), np.log(chances), seen)
            scores = np.where(probabilities > self.share, inside, scores)
        return scores


@dataclass(frozen=True)
class TopTail:
    """The tail of best scores, with the cohort term: strangers' single frames against a gallery of `gallery` mean
    templates. Single comparisons do not show how the comparisons of one stranger depend on each other; this
    does."""

    gallery: int
    tail: Tail


def fit_tail(scores: Scores, share: float | None = None) -> Tail:
    """The generalised Pareto tail of the top `share` of impostors' scores (any shape), and the body above it.

    Left out, `share` is a tenth, and 5 % of 50,000 scores or more.
    Raises ValueError on scores that are not finite, on fewer than 20 in the tail, and on a tail without spread.
    """
    flat = np.sort(np.asarray(scores, np.float64).ravel())
    if not np.isfinite(flat).all():
        raise ValueError("impostor scores must be finite")
    if share is None:
        share = FAR_SHARE if len(flat) >= MANY else TAIL_SHARE
    count = int(len(flat) * share)
    if count < LEAST_TAIL:
        raise TooFewScores(f"{len(flat)} impostor scores are too few: the tail needs {LEAST_TAIL / share:.0f}")
    start = flat[-count - 1] if count < len(flat) else flat[0]
    excess = flat[-count:] - start
    excess = excess[excess > 0]
    if len(excess) < LEAST_TAIL:
        raise TooFewScores("impostor scores have no spread")
    shape, scale = _generalised_pareto(excess)
    share = len(excess) / len(flat)
    chances = [chance for chance in BODY if chance > share]
    seen = [*np.quantile(flat, 1 - np.array(chances)), start] if chances else [start]
    body = tuple((chance, float(score)) for chance, score in zip([*chances, share], seen, strict=True))
    return Tail(float(start), shape, scale, share, len(flat), body)


def _generalised_pareto(excess: NDArray[np.float64]) -> tuple[float, float]:
    """(shape, scale) of sorted positive excesses, after Zhang and Stephens (2009)."""
    n = len(excess)
    count = 30 + int(np.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    grid = 1 - np.sqrt(count / (np.arange(1, count + 1) - 0.5))
    grid = grid / (3 * quartile) + 1 / excess[-1]
    shapes = np.array([np.log1p(-point * excess).mean() for point in grid])
    likelihood = n * (np.log(-grid / shapes) - shapes - 1)
    weights = np.exp(likelihood - likelihood.max())
    point = float((grid * weights).sum() / weights.sum())
    shape = float(np.log1p(-point * excess).mean())
    return shape, -shape / point


def shipped_tail(calibration: Mapping[str, Any]) -> Tail | None:
    """The tail of single comparisons in a pack manifest's `calibration`, or None when it ships none."""
    raw = calibration.get("tail")
    return None if raw is None else Tail(**raw)


def shipped_tops(calibration: Mapping[str, Any]) -> TopTail | None:
    """The tail of best scores in a pack manifest's `calibration`, or None when it ships none."""
    raw = calibration.get("tops")
    return None if raw is None else TopTail(raw["gallery"], Tail(**raw["tail"]))


def shipped_scoring(calibration: Mapping[str, Any]) -> Scoring:
    """How scores are made for a pack; plain cosines when the manifest does not say."""
    return Scoring(**calibration.get("scoring", {}))


def scored(ranked: Scores, gallery_size: int, scoring: Scoring) -> Scores:
    """Scores (m,) from each probe's best cosines (m, >= 1 + cohort_ranks), largest first."""
    best = ranked[:, 0]
    if scoring.applies(gallery_size):
        best = best - scoring.cohort_weight * ranked[:, 1 : 1 + scoring.cohort_ranks].mean(axis=1)
    return best


def impostor_scores(probes: Scores, owners: Owners, templates: Scores, template_owners: Owners) -> Scores:
    """Cosines of every probe (m, d) with every template (n, d) of another owner, as one flat array."""
    scores: Scores = np.asarray(probes) @ np.asarray(templates).T
    others: Scores = scores[np.asarray(owners)[:, None] != np.asarray(template_owners)[None, :]]
    return others


def own_tops(
    frames: Scores, owners: Owners, templates: Scores, template_owners: Owners, scoring: Scoring | None = None
) -> Scores:
    """Each enrolment frame's score among the templates of OTHER owners: (m,)."""
    scores = np.array(np.asarray(frames) @ np.asarray(templates).T)
    scores[np.asarray(owners)[:, None] == np.asarray(template_owners)[None, :]] = -np.inf
    used = scoring or Scoring()
    tops = scored(-np.sort(-scores, axis=1), scores.shape[1] - 1, used)
    return tops[np.isfinite(tops)]
