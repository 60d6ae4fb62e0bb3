"""What each signal earns: the ranker is fitted without a group of signals, or scores with one signal shuffled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.destinations.fit import Examples, examples, learn, moments_to_predict, reciprocal
from recommender.destinations.log import RideLog
from recommender.destinations.model import Counting, K, score
from recommender.destinations.signals.kernel import Kernel
from recommender.ranking.metrics import paired_bootstrap
from recommender.ranking.pairs import Pairs, best_lists
from recommender.ranking.ranker import Ranker

Floats = NDArray[np.float64]
Tick = Callable[[str, float], None]

GROUPS: Mapping[str, Sequence[str]] = {
    "kernel": (
        "kernel_share",
        "kernel_of_best",
    ),
    "hour and weekday": (
        "frequency",
        "hour",
        "half_hour_share",
        "hour_of_place",
        "class_of_place",
        "weekday_share",
        "weekday_hour",
    ),
    "from the pick-up": (
        "from_here",
        "from_here_share",
        "from_near_share",
        "from_near_hour",
        "hour_from_near",
        "drop_off_share",
    ),
    "how often": ("count", "count_share"),
    "recency": ("fresh_4", "fresh_20", "fresh_90", "last_hours", "gap_ratio"),
    "regularity": ("weekly", "weekly_share", "daily_share"),
    "distance": ("km", "is_pickup", "around_300", "around_1000"),
    "popularity": (
        "visits",
        "now",
        "near_now",
        "trend",
    ),
    "others from here": ("follows", "follows_share", "area_follows_share"),
    "riders alike": ("alike", "alike_share"),
    "length of stay": (
        "stay",
        "stay_long",
        "crowd_stay",
    ),
    "the wait": ("wait_share", "wait_from_near", "waited"),
    "trails": ("end_of_place", "trail"),
    "the rider": (
        "history",
        "places",
        "novelty",
        "origin_visits",
        "hour_now",
    ),
}
"""Signals that are left out together in the ablation."""


class _Study:
    """Earlier moments to learn from and later ones to evaluate on, the same for every ranker that is compared."""

    def __init__(
        self, log: RideLog, until: int, kernel: Kernel, seed: int, most: int, most_evaluated: int
    ) -> None:
        visits = log.visits.where(log.visits.time_us <= until)
        rows = moments_to_predict(visits)
        rng = np.random.default_rng(seed)
        if len(rows) > most:
            rows = np.sort(rng.choice(rows, most, replace=False))
        late = visits.time_us[rows] >= np.quantile(visits.time_us[rows], 0.75)
        evaluated = late & (rng.random(len(rows)) < most_evaluated / max(int(late.sum()), 1))
        self.found: Examples = examples(visits, log.positions, rows, kernel, seed=seed, ranked=evaluated)
        self.inner = visits.time_us[self.found.rows] < np.min(visits.time_us[rows[late]])
        self.evaluated = np.isin(self.found.rows, rows[evaluated])
        self.truth, self.seed = visits.place[self.found.rows], seed
        self.pairs = self.found.pairs.take(self.evaluated[self.found.pairs.question])

    def without(self, names: Sequence[str]) -> tuple[Ranker, list[int]]:
        """A ranker fitted without these signals, and the columns it reads."""
        columns = [j for j, name in enumerate(self.found.names) if name not in names]
        return learn(self.found, self.inner, seed=self.seed, columns=columns), columns

    def value(self, ranker: Ranker, features: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """mrr@20 of each evaluated question, (questions,)."""
        pairs = Pairs(self.pairs.question, self.pairs.item, features)
        n = len(self.inner)
        values = score("ranker", Counting(), ranker, pairs, names, n)
        return reciprocal(best_lists(pairs.question, pairs.item, values, n, K), self.truth)[self.evaluated]


def ablate(
    log: RideLog,
    until: int,
    kernel: Kernel,
    seed: int,
    progress: Tick,
    *,
    most: int = 10_000,
    most_evaluated: int = 1_500,
) -> list[dict[str, Any]]:
    """mrr@20 on the last quarter of the part to fit on: all signals, without each group, each signal shuffled.

    A signal is shuffled over all candidates of all questions: the ranker was fitted with it and now reads noise
    (permutation importance, Breiman 2001). A group is left out of the fit.
    """
    study = _Study(log, until, kernel, seed, most=most, most_evaluated=most_evaluated)
    names, rng = study.found.names, np.random.default_rng(seed)
    whole, _ = study.without(())
    base = study.value(whole, study.pairs.features, names)
    lines = [{"signals": "all", "mrr@20": float(base.mean())}]
    steps = len(GROUPS) + len(names)

    def note(what: str, values: Floats) -> None:
        change = paired_bootstrap(base, values, rng)
        gain = {"earns": change.mean, "low": change.low, "high": change.high}
        lines.append({"signals": what, "mrr@20": float(values.mean()), **gain})
        progress("ablation", len(lines) / (steps + 1))

    for group, left_out in GROUPS.items():
        ranker, columns = study.without(left_out)
        features = np.ascontiguousarray(study.pairs.features[:, columns])
        note(f"without {group}", study.value(ranker, features, [names[j] for j in columns]))
    for j, name in enumerate(names):
        features = study.pairs.features.copy()
        features[:, j] = rng.permutation(features[:, j])
        note(f"{name} shuffled", study.value(whole, features, names))
    return lines
