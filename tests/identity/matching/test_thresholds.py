"""Which stored scores a threshold may be made from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from identity.matching.thresholds import Thresholds
from tests.identity.fakes import FAKE_PACK

COHORT = replace(
    FAKE_PACK, calibration=dict(FAKE_PACK.calibration) | {"scoring": {"cohort_weight": 0.6, "cohort_ranks": 10}}
)


@dataclass
class Scores:
    """A store of top scores, each with the size of the gallery it was taken in."""

    kept: list[tuple[float, int]]
    made: dict[int, Any] = field(default_factory=dict)

    def tops(self, tenant: str, pack: str, frames: int, least_size: int) -> list[float]:
        return [score for score, size in self.kept if size >= least_size]

    def tail(self, tenant: str, pack: str, frames: int) -> None:
        return None

    def calibration(self, tenant: str, pack: str, frames: int) -> Any:
        return self.made.get(frames)

    def keep_calibration(self, tenant: str, pack: str, frames: int, calibration: Any) -> None:
        self.made[frames] = calibration


@pytest.mark.parametrize("size", [90, 134, 158])
def test_plain_cosines_never_set_a_threshold_for_scores_with_a_cohort_term(size: int) -> None:
    rng = np.random.default_rng(1)
    plain = [(float(score), n) for n in range(1, 80) for score in rng.normal(0.9, 0.01, 3)]
    cohort = [(float(score), n) for n in range(80, size) for score in rng.normal(0.3, 0.02, 3)]

    mixed, clean = Scores(plain + cohort), Scores(cohort)
    for store in (mixed, clean):
        Thresholds(store, COHORT, 0.01, lambda: 0).renew("mill", size)  # type: ignore[arg-type]

    assert Thresholds(mixed, COHORT, 0.01, lambda: 0).scoring.least_gallery == 80  # type: ignore[arg-type]
    assert mixed.made[1]["threshold"] == clean.made[1]["threshold"]
    assert mixed.made[1]["threshold"] < 0.7
