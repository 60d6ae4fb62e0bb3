"""PURE: a promise -> a threshold. "At most 1 wrong greeting in M strangers" depends on who is in the gallery.

A stranger's best score against N customers grows with N, so no constant can keep the promise. The far tail of
impostors' scores is modelled as a generalised Pareto distribution (Pickands 1975; Balkema and de Haan 1974),
fitted by the quasi-Bayesian estimator of Zhang and Stephens (2009, Technometrics 51).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]

TAIL_SHARE = 0.1  # the top tenth is the tail: enough scores for a steady fit, few enough to be a tail
FAR_SHARE = 0.05  # of very many scores a smaller share suffices, and lies nearer to what is asked for
MANY = 50_000
BODY = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02)
LEAST_TAIL = 20  # exceedances below which a fit is noise
GROWTH = 0.05  # a gallery that changed by more than this needs a new threshold


@dataclass(frozen=True)
class Scoring:
    """How a probe's score is made from its cosines: the best, less `cohort_weight` x the mean of the next
    `cohort_ranks`: whoever looks a little like everybody has to look more like somebody. Part of a calibration,
    because another scoring needs another threshold."""

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
    """The tail of whole scores, cohort term and all: strangers' single frames against a gallery of `gallery` mean
    templates. It shows what single comparisons cannot: how a stranger's comparisons hang together."""

    gallery: int
    tail: Tail


@dataclass(frozen=True)
class Calibration:
    """A threshold and everything it depends on. When one of these changed, it must not be used. It serves presses
    of any number of frames (`matching.decide`)."""

    pack: str
    threshold: float
    gallery_size: int
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
        # Earlier versions kept one for each number of frames; that for one frame is read on.
        known = {name: value for name, value in raw.items() if name != "frames"}
        return cls(**{**known, "scoring": Scoring(**raw.get("scoring", {}))})


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
    kept = int(len(flat) * share)
    if kept < LEAST_TAIL:
        raise ValueError(f"{len(flat)} impostor scores are too few: the tail needs {LEAST_TAIL / share:.0f}")
    start = flat[-kept - 1] if kept < len(flat) else flat[0]
    excess = flat[-kept:] - start
    excess = excess[excess > 0]
    if len(excess) < LEAST_TAIL:
        raise ValueError("impostor scores have no spread")
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


def single_comparison(target: float, gallery_size: int) -> float:
    """The share of strangers that one comparison may let through, so that N together let through `target`."""
    return float(-np.expm1(np.log1p(-target) / gallery_size))


def stranger_quantile(target: float, gallery_size: int, tail: Tail, scoring: Scoring) -> float:
    """The score that a share `target` of strangers reach in a gallery of `gallery_size`, from the tail of single
    comparisons taken as independent. Without a cohort term in closed form."""
    if not scoring.applies(gallery_size):
        return tail.quantile(single_comparison(target, gallery_size))
    return ranked_quantile(target, gallery_size, tail, scoring)


def ranked_quantile(target: float, gallery_size: int, tail: Tail, scoring: Scoring) -> float:
    """The same with the cohort term, in a gallery of any size.

    The best scores of a stranger are order statistics of the tail (Renyi's representation: cumulated exponential
    gaps), of which 100,000 are drawn. The draw is a numerical integral: always the same one, so that equal input
    gives an equal threshold.
    """
    gaps = np.random.default_rng(11).exponential(size=(100_000, 1 + scoring.cohort_ranks))
    ranked = tail.quantiles(np.cumsum(gaps, axis=1) / (gallery_size + 1))
    scores = ranked[:, 0] - scoring.cohort_weight * ranked[:, 1:].mean(axis=1)
    if target * len(scores) >= 100:
        return float(np.quantile(scores, 1 - target))
    return fit_tail(scores, share=0.02).quantile(target)


def dependence(target: float, tail: Tail, tops: TopTail | None, scoring: Scoring) -> float:
    """What to add to `ranked_quantile` because comparisons of one stranger are not independent.

    Measured in one gallery, with single frames (`tail` is theirs, too), as the difference between the scores seen
    and those that independence would give; it hardly changes with the size of the gallery and serves all of them.
    """
    if tops is None:
        return 0.0
    return tops.tail.quantile(target) - ranked_quantile(target, tops.gallery, tail, scoring)


def threshold_for(
    target: float,
    gallery_size: int,
    *,
    pack_tail: Tail | None = None,
    gallery_tops: Scores | None = None,
    scoring: Scoring | None = None,
    shift: float = 0.0,
) -> float:
    """The threshold that keeps "at most `target` of strangers are greeted" in a gallery of `gallery_size`.

    `pack_tail` is the tail of single comparisons (one frame against mean templates of others), shipped with a pack
    or measured on a cohort: plain cosines, whatever the scoring; `shift` is its `dependence`. `gallery_tops` are
    the site's own: each enrolment frame's best score among the OTHER customers, made with the same `scoring`
    (`own_tops`). The stricter of the two holds. The gallery's own counts only when it is large enough to show its
    tail. Raises ValueError when neither is usable.
    """
    if not 0 < target < 1:
        raise ValueError("the target is a share between 0 and 1")
    if gallery_size < 1:
        raise ValueError("an empty gallery needs no threshold")
    candidates = []
    used = scoring or Scoring()
    if pack_tail is not None:
        found = stranger_quantile(target, gallery_size, pack_tail, used)
        candidates.append(found + shift if used.applies(gallery_size) else found)
    if gallery_tops is not None and len(gallery_tops) * TAIL_SHARE >= LEAST_TAIL:
        candidates.append(fit_tail(gallery_tops).quantile(target))
    if not candidates:
        raise ValueError("no tail to calibrate on: the pack ships none and the gallery is too small")
    return max(candidates)


def calibrate(
    *,
    pack: str,
    gallery_size: int,
    target: float,
    made_at_us: int,
    pack_tail: Tail | None = None,
    gallery_tops: Scores | None = None,
    scoring: Scoring | None = None,
    shift: float = 0.0,
) -> Calibration:
    """`threshold_for` together with all that it depends on."""
    used = scoring or Scoring()
    threshold = threshold_for(
        target, gallery_size, pack_tail=pack_tail, gallery_tops=gallery_tops, scoring=used, shift=shift
    )
    return Calibration(pack, threshold, gallery_size, target, made_at_us, used)


def shipped_tail(calibration: Mapping[str, Any]) -> Tail | None:
    """The tail of single comparisons in a pack manifest's `calibration`, or None when it ships none."""
    # Earlier manifests held one for each number of frames.
    raw = calibration.get("tail") or calibration.get("tails", {}).get("1")
    return None if raw is None else Tail(**raw)


def shipped_tops(calibration: Mapping[str, Any]) -> TopTail | None:
    """The tail of whole scores in a pack manifest's `calibration`, or None when it ships none."""
    raw = calibration.get("tops")
    return None if raw is None else TopTail(raw["gallery"], Tail(**raw["tail"]))


def shipped_scoring(calibration: Mapping[str, Any]) -> Scoring:
    """How a pack wants its scores made; plain cosines when it does not say."""
    return Scoring(**calibration.get("scoring", {}))


def scored(ranked: Scores, gallery_size: int, scoring: Scoring) -> Scores:
    """Scores (m,) from each probe's best cosines (m, >= 1 + cohort_ranks), largest first."""
    best = ranked[:, 0]
    if scoring.applies(gallery_size):
        best = best - scoring.cohort_weight * ranked[:, 1 : 1 + scoring.cohort_ranks].mean(axis=1)
    return best


def impostor_scores(probes: Scores, owners: NDArray, templates: Scores, template_owners: NDArray) -> Scores:
    """Cosines of every probe (m, d) with every template (n, d) of another owner, as one flat array."""
    scores = np.asarray(probes) @ np.asarray(templates).T
    return scores[np.asarray(owners)[:, None] != np.asarray(template_owners)[None, :]]


def own_tops(
    frames: Scores, owners: NDArray, templates: Scores, template_owners: NDArray, scoring: Scoring | None = None
) -> Scores:
    """Each enrolment frame's score among the templates of OTHER owners: (m,). Kept as scores only."""
    scores = np.array(np.asarray(frames) @ np.asarray(templates).T)
    scores[np.asarray(owners)[:, None] == np.asarray(template_owners)[None, :]] = -np.inf
    used = scoring or Scoring()
    tops = scored(-np.sort(-scores, axis=1), scores.shape[1] - 1, used)
    return tops[np.isfinite(tops)]
