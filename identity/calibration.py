"""PURE: a promise -> a threshold. "At most 1 wrong greeting in M strangers" depends on who is in the gallery.

A stranger's best score against N customers grows with N, so no constant can keep the promise. The far tail of
impostors' scores is modelled as a generalised Pareto distribution (Pickands 1975; Balkema and de Haan 1974),
fitted by the quasi-Bayesian estimator of Zhang and Stephens (2009, Technometrics 51).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]

TAIL_SHARE = 0.1  # the top tenth is the tail: enough scores for a steady fit, few enough to be a tail
LEAST_TAIL = 20  # exceedances below which a fit is noise
GROWTH = 0.05  # a gallery that changed by more than this needs a new threshold


@dataclass(frozen=True)
class Scoring:
    """How a probe's score is made from its cosines: the best, less `cohort_weight` x the mean of the next
    `cohort_ranks`. Part of a calibration, because another scoring needs another threshold."""

    cohort_weight: float = 0.0
    cohort_ranks: int = 0


@dataclass(frozen=True)
class Tail:
    """P(score > s) = share x (1 + shape (s - start) / scale)^(-1/shape) for s >= start."""

    start: float
    shape: float
    scale: float
    share: float
    scores: int = 0  # how many scores it was fitted on

    def quantile(self, probability: float) -> float:
        """The score that an impostor exceeds with `probability`; never below `start`."""
        if not 0 < probability < 1:
            raise ValueError("a probability lies between 0 and 1")
        if probability >= self.share:
            return self.start
        ratio = self.share / probability
        if abs(self.shape) < 1e-9:
            return float(self.start + self.scale * np.log(ratio))
        return float(self.start + self.scale * np.expm1(self.shape * np.log(ratio)) / self.shape)

    def exceeded(self, score: float) -> float:
        """P(an impostor's score > `score`), for a score in the tail; `share` below it."""
        z = max(0.0, (score - self.start) / self.scale)
        if abs(self.shape) < 1e-9:
            return float(self.share * np.exp(-z))
        base = 1 + self.shape * z
        return float(self.share * base ** (-1 / self.shape)) if base > 0 else 0.0


@dataclass(frozen=True)
class Calibration:
    """A threshold and everything it depends on. When one of these changed, it must not be used."""

    pack: str
    threshold: float
    gallery_size: int
    frames: int
    target: float
    made_at_us: int
    scoring: Scoring = field(default_factory=Scoring)

    def stale(self, pack: str, gallery_size: int) -> bool:
        """Whether it belongs to another pack, or the gallery has grown (or shrunk) by more than 5 % since."""
        if pack != self.pack:
            return True
        return abs(gallery_size - self.gallery_size) > GROWTH * self.gallery_size

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and texts, for a store."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Calibration:
        """The inverse of `to_dict`."""
        return cls(**{**raw, "scoring": Scoring(**raw.get("scoring", {}))})


def fit_tail(scores: Scores, share: float = TAIL_SHARE) -> Tail:
    """The generalised Pareto tail of the top `share` of impostors' scores (any shape).

    Raises ValueError on scores that are not finite, on fewer than 20 in the tail, and on a tail without spread.
    """
    flat = np.sort(np.asarray(scores, np.float64).ravel())
    if not np.isfinite(flat).all():
        raise ValueError("impostor scores must be finite")
    kept = int(len(flat) * share)
    if kept < LEAST_TAIL:
        raise ValueError(f"{len(flat)} impostor scores are too few: the tail needs {LEAST_TAIL / share:.0f}")
    start = flat[-kept - 1] if kept < len(flat) else flat[0]
    excess = flat[-kept:] - start
    excess = excess[excess > 0]
    if len(excess) < LEAST_TAIL:
        raise ValueError("impostor scores have no spread")
    shape, scale = _generalised_pareto(excess)
    return Tail(float(start), shape, scale, len(excess) / len(flat), len(flat))


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


def single_comparison(target: float, gallery_size: int) -> float:
    """The share of strangers that one comparison may let through, so that N together let through `target`."""
    return float(-np.expm1(np.log1p(-target) / gallery_size))


def threshold_for(
    target: float, gallery_size: int, *, pack_tail: Tail | None = None, gallery_tops: Scores | None = None
) -> float:
    """The threshold that keeps "at most `target` of strangers are greeted" in a gallery of `gallery_size`.

    `pack_tail` is the tail of single comparisons (a probe of the same number of frames against mean templates of
    others), shipped with a pack or measured on a cohort. `gallery_tops` are the site's own: each enrolment
    frame's best score among the OTHER customers. The stricter of the two holds. The gallery's own counts only
    when it is large enough to show its tail. Raises ValueError when neither is usable.
    """
    if not 0 < target < 1:
        raise ValueError("the target is a share between 0 and 1")
    if gallery_size < 1:
        raise ValueError("an empty gallery needs no threshold")
    candidates = []
    if pack_tail is not None:
        candidates.append(pack_tail.quantile(single_comparison(target, gallery_size)))
    if gallery_tops is not None and len(gallery_tops) * TAIL_SHARE >= LEAST_TAIL:
        candidates.append(fit_tail(gallery_tops).quantile(target))
    if not candidates:
        raise ValueError("no tail to calibrate on: the pack ships none and the gallery is too small")
    return max(candidates)


def calibrate(
    *,
    pack: str,
    gallery_size: int,
    frames: int,
    target: float,
    made_at_us: int,
    pack_tail: Tail | None = None,
    gallery_tops: Scores | None = None,
    scoring: Scoring | None = None,
) -> Calibration:
    """`threshold_for` together with all that it depends on."""
    threshold = threshold_for(target, gallery_size, pack_tail=pack_tail, gallery_tops=gallery_tops)
    return Calibration(pack, threshold, gallery_size, frames, target, made_at_us, scoring or Scoring())


def shipped_tail(calibration: Mapping[str, Any], frames: int) -> Tail | None:
    """The tail for `frames` probe frames in a pack manifest's `calibration`, or None when it ships none."""
    raw = calibration.get("tails", {}).get(str(frames))
    return None if raw is None else Tail(**raw)


def impostor_scores(probes: Scores, owners: NDArray, templates: Scores, template_owners: NDArray) -> Scores:
    """Cosines of every probe (m, d) with every template (n, d) of another owner, as one flat array."""
    scores = np.asarray(probes) @ np.asarray(templates).T
    return scores[np.asarray(owners)[:, None] != np.asarray(template_owners)[None, :]]


def own_tops(frames: Scores, owners: NDArray, templates: Scores, template_owners: NDArray) -> Scores:
    """Each enrolment frame's best cosine among the templates of OTHER owners: (m,). Kept as scores only."""
    scores = np.array(np.asarray(frames) @ np.asarray(templates).T)
    scores[np.asarray(owners)[:, None] == np.asarray(template_owners)[None, :]] = -np.inf
    tops = scores.max(axis=1)
    return tops[np.isfinite(tops)]
