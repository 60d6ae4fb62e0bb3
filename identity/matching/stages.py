"""PURE: a press looks through its own site's customers first, then its region's, then the tenant's.

Each stage has a threshold of its own, made for the size of its gallery and a share of the promise. A stranger is
greeted when one of the stages lets them through; the shares add up to the promise, so all stages together keep it,
however the galleries overlap (Boole's inequality). A site's gallery is small, so its threshold is lower: who comes
to their own site is greeted more often.

Whom a press shows is the same with stages as without: the customer nearest of the whole tenant, when nobody else
of the whole tenant is nearly as near. A stage decides only how near is near enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from identity.matching.calibration import Calibration, stranger_quantile
from identity.matching.decide import NEAR_TIE, Outcome, top_of
from identity.matching.tails import Scoring, Tail
from identity.vectors import Array

NARROW_SHARE = 0.1
"""Of the promise, for each stage but the whole gallery. What the whole gallery gives away raises the threshold for
who comes to another site: two tenths raise it by a third of what half of the promise would."""


@dataclass(frozen=True)
class Stage:
    """A part of a gallery of `size` templates, of which `matrix` (n, d) are those nearest to the probe, and the
    calibration that decides there."""

    ids: Sequence[str]
    matrix: Array
    size: int
    calibration: Calibration


def shares(stages: int) -> tuple[float, ...]:
    """The share of the promise that each stage has; the last is the whole gallery's."""
    narrow = stages - 1
    return (*(NARROW_SHARE,) * narrow, 1 - NARROW_SHARE * narrow)


def stage_calibrations(
    base: Calibration, sizes: Sequence[int], tail: Tail, shift: Callable[[float], float]
) -> tuple[Calibration, ...]:
    """A calibration for each of the narrow parts of `sizes` templates, then one for the whole gallery.

    `base` is the whole gallery's at the whole promise. `tail` is of single comparisons, and `shift` gives the
    `dependence` at a target. Where the gallery's own scores asked for a higher threshold than the tail does, all
    stages are raised by as much.
    """
    scoring = base.scoring

    def from_tail(target: float, size: int) -> float:
        found = stranger_quantile(target, size, tail, scoring)
        return found + shift(target) if scoring.applies(size) else found

    raised = max(0.0, base.threshold - from_tail(base.target, base.gallery_size))
    made = []
    for size, share in zip((*sizes, base.gallery_size), shares(len(sizes) + 1), strict=True):
        # A score with a cohort term moves by 1 - weight when all cosines move by 1.
        plain = scoring.applies(base.gallery_size) and not scoring.applies(size)
        more = raised / (1 - scoring.cohort_weight) if plain else raised
        target = base.target * share
        made.append(replace(base, threshold=from_tail(target, size) + more, gallery_size=size, target=target))
    return tuple(made)


def decide_in_stages(probe: Array, stages: Sequence[Stage]) -> tuple[Outcome, str | None]:
    """Who the (1, d) mean of a press shows, by stages from the narrowest to the whole gallery.

    All stages are always looked at. The first whose threshold is reached by the nearest customer of the whole
    gallery decides. "ambiguous" when somebody of the whole gallery is nearly as near.
    """
    whole = stages[-1]
    if not len(whole.matrix):
        return "unknown", None
    cosines = [probe @ stage.matrix.T for stage in stages]
    row, best, margin = (part[0] for part in top_of(cosines[-1], Scoring()))
    nearest = whole.ids[int(row)]
    reached = [_reached(found, stage, nearest) for found, stage in zip(cosines, stages, strict=True)]
    if not any(reached):
        return "unknown", None
    if 1 - best > NEAR_TIE * (1 - best + margin):
        return "ambiguous", None
    return "matched", nearest


def reaching(probe: Array, stages: Sequence[Stage]) -> set[str]:
    """Everybody who reaches the threshold of a stage that they are in, judged by that stage's cohort."""
    found: set[str] = set()
    for stage in stages:
        if len(stage.matrix):
            cosines = probe @ stage.matrix.T
            cohort = np.max(cosines) - top_of(cosines, stage.calibration.scoring, stage.size)[1][0]
            enough = np.flatnonzero(cosines[0] - cohort >= stage.calibration.threshold)
            found.update(stage.ids[row] for row in enough.tolist())
    return found


def _reached(cosines: Array, stage: Stage, nearest: str) -> bool:
    """`cosines` (1, n) are those with the stage's matrix."""
    if not len(stage.matrix):
        return False
    row, score, _ = (part[0] for part in top_of(cosines, stage.calibration.scoring, stage.size))
    return stage.ids[int(row)] == nearest and bool(score >= stage.calibration.threshold)
