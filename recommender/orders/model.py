"""The two-stage model of orders: how it scores candidates, and how it is saved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.orders.signals.crowd import NAMES, ItemCrowd, column
from recommender.ranking.pairs import Pairs, best_lists, standardise
from recommender.ranking.ranker import Mixture

PRIOR_ORDERS = (1.0, 3.0, 10.0)
LEARNED = ("ranker with counting", "ranker with neighbours", "ranker")
"""The methods that need a ranker, the steadiest first; which of them is in force is chosen on validation."""

NEAR = 0.1  # of the nearest neighbours beside the ranker
STEADY = 0.43  # of counting beside the ranker


@dataclass(frozen=True, slots=True)
class OrderModel:
    """What is published: statistics of the crowd, a ranker if there is one, and which method is in force."""

    items: NDArray[np.str_]
    sites: NDArray[np.str_]
    regions: NDArray[np.str_]
    crowd: ItemCrowd
    ranker: Mixture | None
    in_force: str  # "counting" or one of LEARNED
    prior_orders: float  # of the counting back-off

    def score(self, pairs: Pairs, n: int, method: str | None = None) -> NDArray[np.float64]:
        """Each candidate's score by the method in force (or another), shape (rows,).

        A customer without history always gets counting: the ranker has not learned from such questions.
        """
        method = method or self.in_force
        plain = counting(pairs, self.prior_orders)
        if method == "counting" or self.ranker is None or not len(pairs):
            return plain
        return self._learned(pairs, n, method, self.ranker.score(pairs, n), plain)

    def _learned(
        self, pairs: Pairs, n: int, method: str, ranked: NDArray[np.float64], plain: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """A learned method's scores from the ranker's; counting's for customers without history."""
        learned = ranked + self._beside(pairs, n, method)
        return np.where(pairs.features[:, column("asker_orders")] > 0, learned, plain)

    def _beside(self, pairs: Pairs, n: int, method: str) -> NDArray[np.float64] | float:
        """What is added to the ranker's standardised score.

        Trees learn from past orders, and tastes change after them: the neighbours, who are counted afresh, bring
        the change in. Where little was learned, counting reduces the variance.
        """
        if method == "ranker with neighbours":
            return NEAR * standardise(pairs.question, pairs.features[:, column("near")], n)
        if method == "ranker with counting":
            steady = np.log(counting(pairs, max(PRIOR_ORDERS)) + 0.01)
            return STEADY * standardise(pairs.question, steady, n)
        return 0.0

    def lists(self, pairs: Pairs, n: int, k: int, method: str | None = None) -> NDArray[np.int32]:
        """The k best items of each of n questions, shape (n, k), -1 after the end."""
        return ranked_by(pairs, self.score(pairs, n, method), n, k)

    def learned_lists(self, pairs: Pairs, n: int, k: int) -> dict[str, NDArray[np.int32]]:
        """`lists` by each of LEARNED, none without a ranker; it scores once for all of them."""
        if self.ranker is None:
            return {}
        ranked, plain = self.ranker.score(pairs, n), counting(pairs, self.prior_orders)
        return {name: ranked_by(pairs, self._learned(pairs, n, name, ranked, plain), n, k) for name in LEARNED}

    def saved(self) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
        """Arrays and texts from which `load` builds the same model."""
        head = {"in_force": self.in_force, "prior_orders": self.prior_orders, "names": NAMES}
        arrays = {**self.crowd.arrays(), "items": self.items, "sites": self.sites, "regions": self.regions}
        texts = {"orders.json": json.dumps(head), **self.crowd.texts()}
        return arrays, texts | (self.ranker.to_texts() if self.ranker else {})

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> OrderModel:
        """Raises ValueError when a part is missing, unreadable or of another version."""
        try:
            head = json.loads(texts["orders.json"])
            crowd = ItemCrowd.from_saved(arrays, texts)
            vocabularies = (arrays["items"], arrays["sites"], arrays["regions"])
            in_force, prior = str(head["in_force"]), float(head["prior_orders"])
            if tuple(head["names"]) != NAMES:
                raise ValueError("the model was trained with other signals; train again")
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            raise ValueError(f"the orders model cannot be read: {error}") from error
        ranker = Mixture.from_texts(texts) if "rankers.json" in texts else None
        return cls(*vocabularies, crowd, ranker, in_force, prior)


def ranked_by(pairs: Pairs, score: NDArray[np.floating], n: int, k: int) -> NDArray[np.int32]:
    """The k best items of each of n questions by a score, ties by popularity, shape (n, k), -1 after the end."""
    return best_lists(pairs.question, pairs.item, score, n, k, pairs.features[:, column("item_orders")])


def counting(pairs: Pairs, prior_orders: float) -> NDArray[np.float64]:
    """The back-off: own orders of the item + prior_orders * p(item | place, hour).

    That is the posterior mean of a Dirichlet prior worth `prior_orders` orders; up to 1 it is own frequency
    with ties broken by what is popular here and now.
    """
    own = pairs.features[:, column("own_count")].astype(np.float64)
    return own + prior_orders * np.exp(pairs.features[:, column("here_now")].astype(np.float64))
