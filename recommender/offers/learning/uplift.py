"""Uplift: expected reward of each arm, its gain over showing nothing, and how good the ranking by gain is. Pure.

The reward is learned by pooled S-learners: one model over the features of customer and offer, so that similar
offers share their data (Kunzel et al. 2019, "Metalearners for estimating heterogeneous treatment effects").
Another module decides by doubly robust values of cross-fitted models whether the gains are used. One thread and
a seed: the same data give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.offers.errors import SensitiveInput
from recommender.ranking.trees import CompactTrees

Floats = NDArray[np.float64]

SENSITIVE = frozenset(
    (
        "gender",
        "sex",
        "age",
        "birthday",
        "income",
        "race",
        "ethnicity",
        "nationality",
        "religion",
        "health",
        "disability",
        "orientation",
        "emotion",
        "mood",
        "skin",
        "face",
        "template",
        "embedding",
    )
)
"""Columns that no policy may read, however useful they are."""

_TREES: Mapping[str, Any] = {
    "objective": "regression",
    "num_leaves": 15,
    "learning_rate": 0.03,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
}
_ROUNDS = 250
_LARGE: Mapping[str, Any] = {"num_leaves": 31, "learning_rate": 0.02, "rounds": 400}
_BAGS: tuple[Mapping[str, Any], ...] = ({}, _LARGE, _LARGE)
"""Settings of each learner: one with smaller trees, two with larger and slower ones; each has its own seed."""


def refuse_sensitive(columns: Iterable[str]) -> None:
    """Raises SensitiveInput when a word of a column's name is in `SENSITIVE`."""
    found = [name for name in columns if SENSITIVE & set(name.lower().replace("-", "_").split("_"))]
    if found:
        raise SensitiveInput(found)


@dataclass(frozen=True, slots=True)
class VisitFeatures:
    """The input of the models: n visits of known customers, d features, k attributes of each arm."""

    features: Floats  # (n, d) as of the visit
    names: tuple[str, ...]  # (d,)
    arm_table: Floats  # (arms, k), row 0 is `none`

    def __post_init__(self) -> None:
        refuse_sensitive(self.names)

    def where(self, rows: NDArray[Any]) -> VisitFeatures:
        """Some of the visits, by mask or by index."""
        return VisitFeatures(self.features[rows], self.names, self.arm_table)

    def with_arms(self, arm: NDArray[np.int64]) -> Floats:
        """Features of each visit and attributes of its `arm` (n,), shape (n, d + k)."""
        return np.column_stack([self.features, self.arm_table[arm]])


def _fit(rows: Floats, target: Floats, seed: int, rounds: int = _ROUNDS, **settings: Any) -> str:
    """A fitted model as LightGBM's text."""
    import lightgbm

    leaf = min(max(len(rows) // 50, 20), 200)  # smaller for a small cafe than for a chain
    parameters = {**_TREES, "min_data_in_leaf": leaf, "seed": seed, **settings}
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, target), rounds)
    return str(booster.model_to_string())


class Trees:
    """A fitted model, made from the text that is stored."""

    def __init__(self, text: str) -> None:
        """Raises ValueError when the text is no model."""
        self.text = text
        self._trees = CompactTrees.read([text])
        self._is_chance = "\nobjective=binary" in text

    def predict(self, rows: Floats) -> Floats:
        """(n, d + k) -> (n,), in the unit of the target."""
        sums = self._trees.sums(rows)
        return 1 / (1 + np.exp(-sums)) if self._is_chance else sums

    def per_arm(self, visits: VisitFeatures) -> Floats:
        """The prediction for each arm on each visit, (n, arms)."""
        n, arms = len(visits.features), len(visits.arm_table)
        return np.column_stack([self.predict(visits.with_arms(np.full(n, arm))) for arm in range(arms)])


def fit_reward(
    visits: VisitFeatures, arm: NDArray[np.int64], reward: Floats, *, seed: int, **settings: Any
) -> Trees:
    """Expected reward of each arm: the pooled S-learner."""
    return Trees(_fit(visits.with_arms(arm), reward, seed, **settings))


def fit_completion(visits: VisitFeatures, arm: NDArray[np.int64], completed: Floats, *, seed: int) -> Trees:
    """Probability that a shown offer is viewed and then completed."""
    return Trees(_fit(visits.with_arms(arm), completed, seed, 400, objective="binary", min_data_in_leaf=50))


@dataclass(frozen=True, slots=True)
class GainModel:
    """Expected gain of each arm over `none`: the mean of several S-learners.

    Why several: with one, the measured gain at a share of 20 % varies by 0.1 with the seed.
    """

    rewards: tuple[Trees, ...]

    def judge(self, visits: VisitFeatures) -> tuple[Floats, Floats]:
        """Expected reward and gain of each arm, both (n, arms); column 0 of the gain is zero."""
        expected = np.mean([model.per_arm(visits) for model in self.rewards], axis=0)
        return expected, expected - expected[:, :1]


def crossfit_reward(
    visits: VisitFeatures, arm: NDArray[np.int64], reward: Floats, customer: NDArray[np.int64], *, seed: int
) -> Floats:
    """Expected rewards (n, arms) from two S-learners, each fitted on one half of the customers.

    Each row is predicted by the learner that was not fitted on its customer.
    """
    half = (np.random.default_rng(seed).permutation(int(np.max(customer)) + 1) % 2 == 0)[customer]
    expected = np.zeros((len(arm), len(visits.arm_table)))
    for part in (half, ~half):
        model = fit_reward(visits.where(~part), arm[~part], reward[~part], seed=seed)
        expected[part] = model.per_arm(visits.where(part))
    return expected


def fit_gain(visits: VisitFeatures, arm: NDArray[np.int64], reward: Floats, *, seed: int) -> GainModel:
    """Fit all learners on all visits."""
    return GainModel(tuple(fit_reward(visits, arm, reward, seed=seed + k, **bag) for k, bag in enumerate(_BAGS)))


@dataclass(frozen=True, slots=True)
class Qini:
    """Radcliffe's Qini curve: `share` of customers treated, best first, and extra outcomes per 100."""

    share: Floats
    gained: Floats
    coefficient: float  # area between the curve and the straight line of a random order, same unit


def qini(score: Floats, treated: NDArray[np.bool_], outcome: Floats) -> Qini:
    """The curve of a two-armed experiment. Rows with equal scores are joined by a straight line."""
    order = np.argsort(-score, kind="stable")
    last_of_tie = np.r_[score[order][1:] != score[order][:-1], True]
    t, y = treated[order].astype(float), outcome[order]
    ones, others = np.cumsum(t), np.cumsum(1 - t)
    extra = np.cumsum(y * t) - np.cumsum(y * (1 - t)) * ones / np.maximum(others, 1)
    at = np.flatnonzero(last_of_tie)
    n = len(score)
    share = np.r_[0.0, (at + 1) / n]
    gained = np.r_[0.0, extra[at]] / n * 100
    return Qini(share, gained, float(np.trapezoid(gained, share) - gained[-1] / 2))


def by_decile(score: Floats, gain: Floats, customer: NDArray[np.int64] | None = None) -> list[dict[str, float]]:
    """Mean predicted and doubly robust gain in each tenth of visits, the most promising tenth first.

    `low` and `high` are a 95 % interval of the gain; visits of one `customer` are taken together.
    """
    order = np.argsort(-score, kind="stable")
    return [
        {"decile": number, "predicted": float(score[rows].mean()), **_span(gain[rows], rows, customer)}
        for number, rows in enumerate(np.array_split(order, 10), start=1)
        if len(rows)
    ]


def _span(gain: Floats, rows: NDArray[np.int64], customer: NDArray[np.int64] | None) -> dict[str, float]:
    mean = float(gain.mean())
    group = np.arange(len(rows)) if customer is None else np.unique(customer[rows], return_inverse=True)[1]
    error = float(np.sqrt((np.bincount(group, weights=gain - mean) ** 2).sum())) / len(rows)
    return {"gain": mean, "low": mean - 1.96 * error, "high": mean + 1.96 * error}


def gain_curve(score: Floats, gain: Floats, points: int = 20) -> list[dict[str, float]]:
    """The Qini curve from doubly robust gains: the gain per visit when the best `share` of visits is shown."""
    order = np.argsort(-score, kind="stable")
    so_far = np.r_[0.0, np.cumsum(gain[order])] / max(len(gain), 1)
    shares = np.linspace(0, 1, points + 1)
    return [
        {
            "share": float(share),
            "gained": float(so_far[round(share * len(gain))]),
            "random": float(share * so_far[-1]),
        }
        for share in shares
    ]


def qini_of_curve(curve: Sequence[Mapping[str, float]]) -> float:
    """The area between a gain curve and the straight line of a random order, in the gain's own unit."""
    share, above = [row["share"] for row in curve], [row["gained"] - row["random"] for row in curve]
    return float(np.trapezoid(above, share)) if curve else 0.0


def two_model_uplift(
    features: Floats,
    treated: NDArray[np.bool_],
    outcome: NDArray[np.bool_],
    queries: Floats,
    strength: float = 0.01,
) -> Floats:
    """P(outcome | treated) - P(outcome | not), each by a regularised logistic regression, for `queries`."""
    from sklearn.linear_model import LogisticRegression

    def chance(rows: NDArray[np.bool_]) -> Floats:
        model = LogisticRegression(C=strength, max_iter=1000).fit(features[rows], outcome[rows])
        return np.asarray(model.predict_proba(queries)[:, 1])

    return chance(treated) - chance(~treated)
