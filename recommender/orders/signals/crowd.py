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
from recommender.orders.signals.own import CUSTOMER, OWN, Own, customer_signals, own_signals
from recommender.orders.signals.popular import Popular
from recommender.orders.signals.together import Together
from recommender.ranking.interactions import Interactions
from recommender.ranking.pairs import Pairs
from recommender.ranking.people import only_shared
from recommender.ranking.sparse import distinct

ITEM = ("item_orders", "item_repeat", "item_trend", "item_recent")
CONTEXT = ("here", "here_now", "lately", "near", "follows", "factor")
NAMES = (*OWN, *CUSTOMER, *ITEM, *CONTEXT)
"""The signals, in the order of the columns that `ItemCrowd.pairs` gives."""

MAX_OWN = 300
BLOCK_CELLS = 4_000_000  # of a dense block questions x items


def column(name: str) -> int:
    """The column of a signal."""
    return NAMES.index(name)


def has_repeats(seen: Interactions) -> bool:
    """Whether an order of a customer has an item in two rows."""
    by = np.lexsort((seen.item, seen.order, seen.customer))
    c, o, i = seen.customer[by], seen.order[by], seen.item[by]
    return bool(((c[1:] == c[:-1]) & (o[1:] == o[:-1]) & (i[1:] == i[:-1]) & (c[1:] >= 0)).any())


def merge_repeats(seen: Interactions, *, elsewhere: bool = False) -> Interactions:
    """One row for each (customer, order, item), quantities added. Guests' rows stay as they are.

    Where there is something to merge, the rows of all orders are put in the order of their items: also if it is
    `elsewhere`, in another part of the same log.
    """
    by = np.lexsort((seen.item, seen.order, seen.customer))
    c, o, i = seen.customer[by], seen.order[by], seen.item[by]
    new = np.r_[True, (c[1:] != c[:-1]) | (o[1:] != o[:-1]) | (i[1:] != i[:-1]) | (c[1:] < 0)][: len(by)]
    if new.all() and not (elsewhere and len(by)):
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
        least_people: int = 1,
    ) -> ItemCrowd:
        """All statistics from the rows of `seen`, whose item codes are below len(item_features).

        An item that fewer than `least_people` different people ordered is as one that nobody ordered.
        """
        tick = progress or (lambda _: None)
        n_items, seen = len(item_features), only_shared(seen, least_people)
        popular = Popular.fit(seen, n_items, least_people)
        tick(0.2)
        together = Together.fit(seen, n_items, least_people)
        tick(0.4)
        neighbours = Neighbours.fit(seen, n_items, np.random.default_rng(seed), least_people)
        tick(0.5)
        factors = Factors.fit(seen, item_features, seed=seed)
        tick(1.0)
        return cls(popular, together, neighbours, factors)

    @classmethod
    def of_popularity(cls, seen: Interactions, n_items: int, least_people: int = 1) -> ItemCrowd:
        """Only what is popular in `seen`: no neighbours and no factors."""
        seen = only_shared(seen, least_people)
        no_rows = seen.where(np.zeros(len(seen), np.bool_))
        return cls(
            Popular.fit(seen, n_items, least_people),
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
        """Candidates and signals of so few questions that (questions, items) arrays fit in memory."""
        scores = self._scores(questions)
        own = own_signals(questions, self.n_items)
        key = self._candidates(questions, own, scores, eligible, width, also)
        question, item = key // self.n_items, (key % self.n_items).astype(np.int32)
        features = np.empty((len(key), len(NAMES)), np.float32)
        features[:, : len(OWN)] = _own_columns(own, key, self.n_items)
        features[:, len(OWN) : len(OWN) + len(CUSTOMER)] = customer_signals(questions, own)[question]
        popular = self.popular
        crowd = (
            np.log1p(popular.orders[item]),
            popular.repeat[item],
            popular.trend[item],
            popular.recent[item],
            np.log(scores["here"][question, item]),
            np.log(scores["now"][question, item]),
            *(scores[name][question, item] for name in ("lately", "near", "follows", "factor")),
        )
        features[:, len(OWN) + len(CUSTOMER) :] = np.stack(crowd, axis=1)
        return Pairs(question, item, features)

    def _scores(self, questions: Questions) -> dict[str, NDArray[np.float32]]:
        """Each statistic's score of every item for every question, (questions, items) each."""
        here, now = self.popular.scores(questions)
        lately, near = self.neighbours.scores(questions)
        follows, factor = self.together.scores(questions), self.factors.scores(questions)
        return {"here": here, "now": now, "lately": lately, "near": near, "follows": follows, "factor": factor}

    def _candidates(
        self,
        questions: Questions,
        own: Own,
        scores: Mapping[str, NDArray[np.float32]],
        eligible: NDArray[np.bool_] | None,
        width: int,
        also: NDArray[np.integer] | None,
    ) -> NDArray[np.int64]:
        """Keys question * items + item of all candidates, ascending."""
        n_items, half = self.n_items, width // 2
        keys = [_strongest_own(own.question, own.item, own.values, n_items)]
        widths = {"lately": width, "near": half, "now": width, "follows": half, "factor": half}
        keys += [_top(scores[name], eligible, k) for name, k in widths.items()]
        of_all = [np.argsort(-self.popular.recent, kind="stable")[:half], *([] if also is None else [also])]
        keys += [(np.arange(questions.n)[:, None] * n_items + items).ravel() for items in of_all]
        key = distinct(np.concatenate(keys))
        return key if eligible is None else key[eligible[key % n_items]]

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


def _own_columns(own: Own, key: NDArray[np.int64], n_items: int) -> NDArray[np.float32]:
    """(candidates, len(OWN)): the own signals of each candidate's key. Never ordered: counts 0, times NaN."""
    columns = np.full((len(key), len(OWN)), np.nan, np.float32)
    columns[:, : column("own_last")] = 0
    own_key = own.question * n_items + own.item
    if len(own_key):
        at = np.minimum(np.searchsorted(own_key, key), len(own_key) - 1)
        had = own_key[at] == key
        columns[had] = own.values[at[had]]
    return columns


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
