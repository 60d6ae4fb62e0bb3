"""The candidates of each question and their signals: all that the ranker reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.orders.factors import Factors
from recommender.orders.questions import Questions
from recommender.orders.signals.neighbours import Neighbours
from recommender.orders.signals.own import CUSTOMER, OWN, customer_signals, own_signals
from recommender.orders.signals.popular import Popular
from recommender.orders.signals.together import Together
from recommender.ranking.interactions import Interactions
from recommender.ranking.pairs import Pairs

ITEM = ("item_orders", "item_repeat", "item_trend", "item_recent")
CONTEXT = ("here", "here_now", "lately", "near", "follows", "factor")
NAMES = (*OWN, *CUSTOMER, *ITEM, *CONTEXT)
"""The signals, in the order of the columns that `ItemCrowd.pairs` gives."""

MAX_OWN = 300
BLOCK_CELLS = 4_000_000  # of a dense block questions x items


def column(name: str) -> int:
    """The column of a signal."""
    return NAMES.index(name)


def merge_repeats(seen: Interactions) -> Interactions:
    """One row for each (customer, order, item), quantities added. Guests' rows stay as they are."""
    by = np.lexsort((seen.item, seen.order, seen.customer))
    c, o, i = seen.customer[by], seen.order[by], seen.item[by]
    new = np.r_[True, (c[1:] != c[:-1]) | (o[1:] != o[:-1]) | (i[1:] != i[:-1]) | (c[1:] < 0)][: len(by)]
    if new.all():
        return seen
    starts = np.flatnonzero(new)
    merged = seen.where(by[starts])
    return replace(merged, quantity=np.add.reduceat(seen.quantity[by], starts).astype(np.float32))


@dataclass(frozen=True, slots=True)
class ItemCrowd:
    """Statistics over all customers: popularity, items that go together, neighbours, factors."""

    popular: Popular
    together: Together
    neighbours: Neighbours
    factors: Factors

    @classmethod
    def fit(
        cls,
        seen: Interactions,
        item_features: Sequence[Sequence[str]],
        seed: int,
        progress: Callable[[float], None] | None = None,
    ) -> ItemCrowd:
        """All statistics from the rows of `seen`, whose item codes are below len(item_features)."""
        tick = progress or (lambda _: None)
        n_items = len(item_features)
        popular = Popular.fit(seen, n_items)
        tick(0.2)
        together = Together.fit(seen, n_items)
        tick(0.4)
        neighbours = Neighbours.fit(seen, n_items, np.random.default_rng(seed))
        tick(0.5)
        factors = Factors.fit(seen, item_features, seed=seed)
        tick(1.0)
        return cls(popular, together, neighbours, factors)

    @classmethod
    def of_popularity(cls, seen: Interactions, n_items: int) -> ItemCrowd:
        """Only what is popular in `seen`: no neighbours and no factors."""
        no_rows = seen.where(np.zeros(len(seen), np.bool_))
        return cls(
            Popular.fit(seen, n_items),
            Together.fit(no_rows, n_items),
            Neighbours.fit(no_rows, n_items, np.random.default_rng(0)),
            Factors.empty(n_items),
        )

    @property
    def n_items(self) -> int:
        return len(self.popular.orders)

    def padded(self, new_features: Sequence[Sequence[str]]) -> ItemCrowd:
        """The same with new items appended, which were never ordered."""
        extra = len(new_features)
        return ItemCrowd(
            self.popular.padded(extra),
            self.together.padded(extra),
            self.neighbours.padded(extra),
            self.factors.with_items(new_features),
        )

    def pairs(
        self,
        questions: Questions,
        *,
        eligible: NDArray[np.bool_] | None = None,
        width: int = 60,
        also: NDArray[np.integer] | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Pairs:
        """Candidates of every question with their signals.

        Candidates: the customer's own items (the 300 most frequent lately), and the best `width` each by similar
        customers' last orders and by popularity here and now; half as many by near customers, by what followed
        the last orders, by factors and by what is popular lately.

        Args:
            eligible: (items,) False for items that may not be suggested.
            also: items that are candidates of every question.
        """
        block = max(1, min(512, BLOCK_CELLS // max(self.n_items, 1)))
        parts = []
        for start, block_of_questions in questions.parts(block):
            part = self._block(block_of_questions, eligible, width, also)
            parts.append(Pairs(part.question + start, part.item, part.features))
            if progress:
                progress(min(1.0, (start + block) / questions.n))
        if not parts:
            return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros((0, len(NAMES)), np.float32))
        return Pairs(
            np.concatenate([part.question for part in parts]),
            np.concatenate([part.item for part in parts]),
            np.concatenate([part.features for part in parts]),
        )

    def _block(
        self,
        questions: Questions,
        eligible: NDArray[np.bool_] | None,
        width: int,
        also: NDArray[np.integer] | None = None,
    ) -> Pairs:
        n_items = self.n_items
        here, now = self.popular.scores(questions)
        lately, near = self.neighbours.scores(questions)
        follows = self.together.scores(questions)
        factor = self.factors.scores(questions)
        own = own_signals(questions, n_items)
        keys = [_strongest_own(own.question, own.item, own.values, n_items)]
        for scores, k in (
            (lately, width),
            (near, width // 2),
            (now, width),
            (follows, width // 2),
            (factor, width // 2),
        ):
            keys.append(_top(scores, eligible, k))
        if also is not None:
            keys.append((np.arange(questions.n)[:, None] * n_items + also).ravel())
        recent = np.argsort(-self.popular.recent, kind="stable")[: width // 2]
        keys.append((np.arange(questions.n)[:, None] * n_items + recent).ravel())
        key = np.unique(np.concatenate(keys))
        question, item = key // n_items, (key % n_items).astype(np.int32)
        if eligible is not None:
            kept = eligible[item]
            key, question, item = key[kept], question[kept], item[kept]
        features = np.empty((len(key), len(NAMES)), np.float32)
        features[:, : len(OWN)] = np.nan
        features[:, : column("own_last")] = 0  # never ordered: counts are zero, times since are unknown
        own_key = own.question * n_items + own.item
        if len(own_key):
            at = np.minimum(np.searchsorted(own_key, key), len(own_key) - 1)
            had = own_key[at] == key
            features[had, : len(OWN)] = own.values[at[had]]
        features[:, len(OWN) : len(OWN) + len(CUSTOMER)] = customer_signals(questions, own)[question]
        popular = self.popular
        here, now = np.log(here[question, item]), np.log(now[question, item])
        dense = (lately, near, follows, factor)
        crowd = (
            np.log1p(popular.orders[item]),
            popular.repeat[item],
            popular.trend[item],
            popular.recent[item],
            here,
            now,
            *(scores[question, item] for scores in dense),
        )
        features[:, len(OWN) + len(CUSTOMER) :] = np.stack(crowd, axis=1)
        return Pairs(question, item, features)

    def arrays(self) -> dict[str, NDArray[Any]]:
        parts = (self.popular, self.together, self.neighbours, self.factors)
        return {name: values for part in parts for name, values in part.arrays().items()}

    def texts(self) -> dict[str, str]:
        return self.factors.texts()

    @classmethod
    def from_saved(cls, arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> ItemCrowd:
        """Raises KeyError or ValueError when a part is missing or unreadable."""
        return cls(
            Popular.from_arrays(arrays),
            Together.from_arrays(arrays),
            Neighbours.from_arrays(arrays),
            Factors.from_saved(arrays, texts),
        )


def _strongest_own(
    question: NDArray[np.int64], item: NDArray[np.int32], values: NDArray[np.float32], n_items: int
) -> NDArray[np.int64]:
    """Keys of each customer's MAX_OWN items with the highest decayed frequency (ties: the lower code)."""
    key = question * n_items + item
    if len(key) <= MAX_OWN:
        return key
    by = np.lexsort((item, -values[:, OWN.index("own_decay_90")], question))
    starts = np.searchsorted(question[by], question[by])
    return key[by[np.arange(len(by)) - starts < MAX_OWN]]


def _top(scores: NDArray[np.float32], eligible: NDArray[np.bool_] | None, k: int) -> NDArray[np.int64]:
    """Keys of the k best items of each row with a score above the row's lowest."""
    n, n_items = scores.shape
    if eligible is not None:
        scores = np.where(eligible, scores, -np.inf)
    if k >= n_items:
        return np.arange(n * n_items)
    columns = np.argpartition(-scores, k, axis=1)[:, :k]
    keys: NDArray[np.int64] = np.arange(n)[:, None] * n_items + columns
    return keys.ravel()
