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

from identity.matching.tails import LEAST_TAIL, TAIL_SHARE, Scores, Scoring, Tail, TopTail, fit_tail

GROWTH = 0.05  # a gallery that changed by more than this needs a new threshold


@dataclass(frozen=True)
class Calibration:
    """A threshold and everything it depends on. When one of these has changed, it must not be used. It holds for
    presses of any number of frames (`decide`). `made_at_us` is the beginning of the day. `path` is what asked for
    it: `pictures`, or `vectors` that devices made, where a cohort of those asks for more."""

    pack: str
    threshold: float
    gallery_size: int
    target: float
    made_at_us: int
    scoring: Scoring = field(default_factory=Scoring)
    path: str = "pictures"

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
        """The inverse of `to_dict`. Raises KeyError or TypeError on any other fields."""
        return cls(**{**raw, "scoring": Scoring(**raw["scoring"])})


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
    """What to add to `ranked_quantile` because the comparisons of one stranger are not independent.

    Measured in one gallery with single frames (`tail` is of the same): the difference between the observed scores
    and those that independence would give. It hardly changes with the size of the gallery, so it holds for all.
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
