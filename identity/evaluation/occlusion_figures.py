"""PURE: how well people with a covered face are recognised at the threshold of clear faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.evaluation.identification import (
    LEAST_STRANGERS,
    LabelledVectors,
    Vectors,
    interval,
    threshold_on,
)
from identity.matching.decide import top_scores
from identity.matching.tails import Scoring
from identity.vectors import mean_template


@dataclass(frozen=True)
class OcclusionPlan:
    """Rows of the album: clear pictures of enrolments, and pictures to cover."""

    enrolled: list[NDArray[np.intp]]
    probes: list[int]  # one for each customer, in the same order
    strangers: list[int]  # to be covered and tested
    setters: list[int]  # other strangers, not covered, on whom the threshold is set


def occlusion_plan(album: LabelledVectors, rng: np.random.Generator, most: int) -> OcclusionPlan | None:
    """Up to `most` customers with 3 clear pictures and one to cover, and as many strangers; None with too few."""
    people = album.by_person()
    able = [rows for rows in people if len(rows) >= 4]
    others = [rows for rows in people if len(rows) < 4]
    rng.shuffle(able)
    keep = min(most, len(able) if len(others) >= len(able) else len(able) // 2)
    strangers = others + able[keep:]
    if keep < 2 or len(strangers) < LEAST_STRANGERS:
        return None
    rng.shuffle(strangers)
    first = [int(rows[0]) for rows in strangers]
    half = len(first) // 2
    return OcclusionPlan(
        [rows[:3] for rows in able[:keep]],
        [int(rows[3]) for rows in able[:keep]],
        first[half : half + max(most, LEAST_STRANGERS)],
        first[:half],
    )


def occlusion_row(
    album: LabelledVectors,
    plan: OcclusionPlan,
    probes: Sequence[Vectors | None],
    strangers: Sequence[Vectors | None],
    scoring: Scoring,
    target: float = 0.01,
) -> dict[str, Any]:
    """FPIR and FNIR of covered probes at the threshold of clear ones. A probe without a face (None) is a miss of a
    customer and greets no stranger."""
    gallery = np.stack([mean_template(album.vectors[rows]) for rows in plan.enrolled])
    tops = top_scores(album.vectors[plan.setters], gallery, scoring)[1]
    threshold = threshold_on(tops, len(plan.setters), target)
    found = [row for row, vector in enumerate(probes) if vector is not None]
    hits = 0
    if found:
        index, score, _ = top_scores(np.stack([v for v in probes if v is not None]), gallery, scoring)
        hits = int(((index == np.array(found)) & (score >= threshold)).sum())
    shown = [vector for vector in strangers if vector is not None]
    greeted = int((top_scores(np.stack(shown), gallery, scoring)[1] >= threshold).sum()) if shown else 0
    fnir, fpir = 1 - hits / len(probes), greeted / len(strangers)
    return {
        "fpir": fpir,
        "fnir": fnir,
        "fpir_target": target,
        "threshold": threshold,
        "gallery": len(gallery),
        "strangers": len(strangers),
        "detected": len(found) / len(probes),
        "fpir_interval": interval(fpir, len(strangers)),
        "fnir_interval": interval(fnir, len(probes)),
    }
