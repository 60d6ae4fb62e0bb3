"""The learned ranker: gradient-boosted trees over the signals of (question, item) pairs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.pairs import Floats, Pairs, standardise
from recommender.ranking.trees import CompactTrees

DEFAULTS: dict[str, Any] = {
    "learning_rate": 0.06,
    "num_leaves": 31,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
}
"""LightGBM's settings where a scene does not give its own."""


class Ranker:
    """One or several LightGBM boosters whose scores are averaged. Saved as text, never pickled."""

    def __init__(self, texts: Sequence[str], names: Sequence[str]) -> None:
        """`texts` are the boosters in LightGBM's text format, `names` their signals. Raises ValueError: they do
        not belong together, or a text cannot be read."""
        self._texts = tuple(texts)
        self._trees = CompactTrees.read(self._texts)
        self.names = tuple(names)
        if len(self._trees.gain) != len(self.names):
            raise ValueError("the ranker and its list of signals do not belong together")

    def score(self, features: Floats) -> NDArray[np.float64]:
        """Higher is better, comparable within a question. Shape (rows,)."""
        return self._trees.sums(features) / len(self._texts)

    def importance(self) -> dict[str, float]:
        """Each signal's share of the gain of all splits."""
        gain = self._trees.gain
        return dict(zip(self.names, (gain / max(gain.sum(), 1e-12)).tolist(), strict=True))

    def to_texts(self, name: str = "ranker") -> dict[str, str]:
        """LightGBM's own text format, one entry for each booster, and the signals' names."""
        texts = {f"{name}.{i}.txt": text for i, text in enumerate(self._texts)}
        return {f"{name}.json": json.dumps({"names": self.names, "boosters": len(self._texts)}), **texts}

    @classmethod
    def from_texts(cls, texts: Mapping[str, str], name: str = "ranker") -> Ranker:
        """Raises ValueError when a part is missing or unreadable."""
        try:
            head = json.loads(texts[f"{name}.json"])
            boosters = [texts[f"{name}.{i}.txt"] for i in range(head["boosters"])]
            names = [str(name) for name in head["names"]]
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"the ranker cannot be read: {error}") from error
        return cls(boosters, names)


def fit_ranker(
    pairs: Pairs, label: NDArray[np.bool_], names: Sequence[str], *, objective: str = "lambdarank", **rest: Any
) -> Ranker:
    """`fit_rankers` of one objective."""
    return fit_rankers(pairs, label, names, [objective], **rest)[objective]


def fit_rankers(
    pairs: Pairs,
    label: NDArray[np.bool_],
    names: Sequence[str],
    objectives: Sequence[str],
    *,
    seed: int,
    rounds: int = 300,
    copies: int = 1,
    settings: Mapping[str, Any] | None = None,
    weight: NDArray[np.floating] | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Ranker]:
    """Gradient-boosted rankers (Ke et al. 2017; lambdarank: Burges 2010) of each objective, the same to the byte
    each time. All of them learn from rows that are put into bins once.

    Args:
        objectives: "lambdarank" or "rank_xendcg" (the order within a question), or "binary" (each pair's chance).
        rounds: trees in each booster.
        copies: boosters trained with different seeds; their scores are averaged.
        weight: shape (rows,), how much each row counts.

    Raises:
        ValueError: there is no positive row or no negative row to learn from.
    """
    import lightgbm

    if label.all() or not label.any():
        raise ValueError("a ranker needs questions with right and with wrong candidates")
    _, group = np.unique(pairs.question, return_counts=True)
    data = lightgbm.Dataset(
        pairs.features,
        label.astype(np.int8),
        group=group,  # "binary" does not look at it
        weight=weight,
        feature_name=list(names),
        params={"max_bin": {**DEFAULTS, **(settings or {})}["max_bin"], "verbosity": -1},
        free_raw_data=False,
    )
    texts: dict[str, list[str]] = {objective: [] for objective in objectives}
    for number, (objective, copy) in enumerate(product(objectives, range(copies))):
        params = _parameters(objective, settings or {}, seed * 101 + copy)

        def tick(env: Any, done: int = number) -> None:
            if progress and env.iteration % 25 == 0:
                progress((done + env.iteration / rounds) / (copies * len(objectives)))

        booster = lightgbm.train(params, data, num_boost_round=rounds, callbacks=[tick])
        texts[objective].append(booster.model_to_string())
    return {objective: Ranker(found, names) for objective, found in texts.items()}


def _parameters(objective: str, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """LightGBM's parameters for one booster: one thread and no choice left to it, so that runs agree.

    Column by column it makes the same trees as row by row, and looks only at the columns that a tree draws.
    """
    params = {**DEFAULTS, **settings, "objective": objective, "seed": seed}
    params |= {"num_threads": 1, "deterministic": True, "force_col_wise": True, "verbosity": -1}
    return {"lambdarank_truncation_level": 20, **params} if objective == "lambdarank" else params


class Mixture:
    """Rankers with different objectives: scores made comparable within each question, then averaged.

    A ranker of chances ("binary") and one of orders ("lambdarank") make different errors; their mean is better
    than either on every order history that we measured.
    """

    def __init__(self, rankers: Mapping[str, Ranker]) -> None:
        self._rankers = dict(rankers)

    def score(self, pairs: Pairs, n: int) -> NDArray[np.float64]:
        """Mean 0 and deviation about 1 within each of n questions, higher is better. Shape (rows,)."""
        parts = [standardise(pairs.question, one.score(pairs.features), n) for one in self._rankers.values()]
        return np.mean(parts, axis=0)

    def importance(self) -> dict[str, float]:
        """Each signal's share of the gain of all splits, the mean over the rankers."""
        shares = [one.importance() for one in self._rankers.values()]
        return {name: float(np.mean([share[name] for share in shares])) for name in shares[0]}

    def to_texts(self) -> dict[str, str]:
        texts = {"rankers.json": json.dumps(list(self._rankers))}
        for name, one in self._rankers.items():
            texts |= one.to_texts(f"ranker-{name}")
        return texts

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> Mixture:
        """Raises ValueError when a part is missing or unreadable."""
        try:
            names = [str(name) for name in json.loads(texts["rankers.json"])]
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"the rankers cannot be read: {error}") from error
        return cls({name: Ranker.from_texts(texts, f"ranker-{name}") for name in names})
