"""Collaborative factors: LightFM with features, saved as arrays and served by dot product.

Factors alone are worse than counting on every order history that we measured. They serve as one signal, and
for new items and customers: an item's vector is the sum of its features' vectors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.orders.questions import Questions
from recommender.ranking.dayparts import DAYPARTS
from recommender.ranking.interactions import Interactions
from recommender.ranking.sparse import distinct

ROWS_PER_EPOCH = 200_000  # pairs per epoch are capped, to bound the time of training
MOST_SUMMED = 1_000_000
"""Rows whose vectors are added one by one. A sum of more 32-bit numbers loses digits: then items are counted."""

_STARTS = np.array([float(start) for start, _ in DAYPARTS])


def daypart(hour: NDArray[np.floating] | float) -> NDArray[np.int64]:
    """The part of the day, 0 breakfast .. 4 night, of each local hour; -1 unknown."""
    values = np.asarray(hour, np.float64)
    part = (np.searchsorted(_STARTS, values, side="right") - 1) % len(DAYPARTS)
    return np.where(np.isnan(values), -1, part)


@dataclass(frozen=True, slots=True)
class Factors:
    """Vectors of items, and of the features of items and of moments.

    A score is vector(customer) . vector(item) + bias(item). The customer's vector is folded in from the items
    of the live history, so no customer has a row here.
    """

    items: NDArray[np.float32]  # (items, d)
    biases: NDArray[np.float32]  # (items,)
    features: NDArray[np.float32]  # (item features, d + 1), the last column is the bias
    feature_names: tuple[str, ...]
    moments: NDArray[np.float32]  # (1 + 5, d) mean customer vector: overall, and by part of the day

    @classmethod
    def fit(
        cls,
        seen: Interactions,
        item_features: Sequence[Sequence[str]],
        *,
        seed: int,
        size: int = 24,
        epochs: int = 8,
    ) -> Factors:
        """LightFM (Kula 2015) with the WARP loss on (customer, item) pairs, one thread: same seed, same bytes.

        Args:
            item_features: for each item its features' names ("category:pizza", "price:2", "daypart:lunch");
                its vector is the sum of an own vector and its features' vectors.
        """
        if not (seen.customer >= 0).any() or not item_features:
            return cls.empty(len(item_features))
        keys = distinct_pairs(seen, len(item_features))
        keys = np.sort(keys[drawn_pairs(len(keys), seed)])
        bare = cls.of_pairs(keys, len(seen.customers), item_features, seed=seed, size=size, epochs=epochs)
        rows = np.flatnonzero(seen.item >= 0)
        item, part = seen.item[rows], daypart(seen.hour[rows])
        if len(rows) <= MOST_SUMMED:
            return replace(bare, moments=moments_of_rows(bare.items, item, part))
        return replace(bare, moments=moments_of_counts(bare.items, counts_of_moments(item, part, len(bare.items))))

    @classmethod
    def of_pairs(
        cls,
        keys: NDArray[np.int64],
        n_customers: int,
        item_features: Sequence[Sequence[str]],
        *,
        seed: int,
        size: int = 24,
        epochs: int = 8,
    ) -> Factors:
        """Fitted on ascending keys customer * items + item; the moments are still empty."""
        from lightfm import LightFM

        n_items = len(item_features)
        names, features = _feature_matrix(item_features)
        pairs = sparse.coo_matrix(
            (np.ones(len(keys), np.float32), (keys // n_items, keys % n_items)),
            shape=(max(n_customers, 1), n_items),
        )
        model = LightFM(no_components=size, loss="warp", learning_rate=0.05, max_sampled=20, random_state=seed)
        identity = sparse.hstack([sparse.identity(n_items, format="csr"), features], format="csr")
        model.fit(pairs, item_features=identity.astype(np.float32), epochs=epochs, num_threads=1)
        biases, vectors = model.get_item_representations(identity.astype(np.float32))
        feature = np.concatenate([model.item_embeddings[n_items:], model.item_biases[n_items:, None]], axis=1)
        return cls(
            vectors.astype(np.float32),
            biases.astype(np.float32),
            feature.astype(np.float32),
            names,
            np.zeros((1 + len(DAYPARTS), size), np.float32),
        )

    @classmethod
    def empty(cls, n_items: int) -> Factors:
        """Factors that score every item 0."""
        nothing = np.zeros((0, 2), np.float32)
        return cls(
            np.zeros((n_items, 1), np.float32),
            np.zeros(n_items, np.float32),
            nothing,
            (),
            np.zeros((1 + len(DAYPARTS), 1), np.float32),
        )

    def scores(self, questions: Questions) -> NDArray[np.float32]:
        """(n, items): the folded-in customer against every item.

        Customer: (sum of .9**ago * vector(item) over the history + 2 * moment) / (sum of weights + 2).
        """
        weight = np.float32(0.9) ** questions.ago
        total = np.bincount(questions.question, weight, minlength=questions.n)
        moment = self.moments[daypart(questions.hour) + 1]
        if questions.n == 1:
            mine = weight[None, :] @ self.items[questions.item]
        else:
            mine = questions.profile(len(self.items), 0.9) @ self.items
        customer = (mine + 2 * moment) / (total + 2)[:, None]
        return (customer @ self.items.T + self.biases).astype(np.float32)

    def with_items(self, item_features: Sequence[Sequence[str]]) -> Factors:
        """The same with new items appended: each gets the sum of the vectors of the features that are known."""
        if not item_features:
            return self
        at = {name: i for i, name in enumerate(self.feature_names)}
        new = np.zeros((len(item_features), self.items.shape[1] + 1), np.float32)
        for row, names in enumerate(item_features):
            known = [at[name] for name in names if name in at]
            new[row] = self.features[known].sum(axis=0) if known else 0
        # never ordered: its bias is at most that of an ordinary item
        bias = np.minimum(new[:, -1], np.median(self.biases) if len(self.biases) else 0)
        return Factors(
            np.concatenate([self.items, new[:, :-1]]),
            np.concatenate([self.biases, bias.astype(np.float32)]),
            self.features,
            self.feature_names,
            self.moments,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        names = ("items", "biases", "features", "moments")
        return {f"factors.{name}": getattr(self, name) for name in names}

    def texts(self) -> dict[str, str]:
        return {"factors.json": json.dumps(self.feature_names, ensure_ascii=False)}

    @classmethod
    def from_saved(cls, arrays: Mapping[str, NDArray[Any]], texts: Mapping[str, str]) -> Factors:
        """Raises KeyError or ValueError when a part is missing or unreadable."""
        names = tuple(str(name) for name in json.loads(texts["factors.json"]))
        parts = [arrays[f"factors.{name}"] for name in ("items", "biases", "features", "moments")]
        return cls(parts[0], parts[1], parts[2], names, parts[3])


def _feature_matrix(item_features: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], sparse.csr_matrix]:
    """Sorted names and the 0/1 matrix (items, features)."""
    names = tuple(sorted({name for features in item_features for name in features}))
    at = {name: i for i, name in enumerate(names)}
    columns = [at[name] for features in item_features for name in features]
    starts = np.cumsum([0, *map(len, item_features)])
    matrix = sparse.csr_matrix(
        (np.ones(len(columns), np.float32), columns, starts), shape=(len(item_features), len(names))
    )
    return names, matrix


def distinct_pairs(seen: Interactions, n_items: int) -> NDArray[np.int64]:
    """The distinct keys customer * n_items + item, ascending."""
    rows = np.flatnonzero((seen.customer >= 0) & (seen.item >= 0))
    return distinct(seen.customer[rows].astype(np.int64) * n_items + seen.item[rows])


def drawn_pairs(n: int, seed: int) -> NDArray[np.int64]:
    """Which of `n` pairs are learned from: at most ROWS_PER_EPOCH, drawn by the seed."""
    if n <= ROWS_PER_EPOCH:
        return np.arange(n)
    return np.random.default_rng(seed).choice(n, ROWS_PER_EPOCH, replace=False)


def moments_of_rows(
    vectors: NDArray[np.float32], item: NDArray[np.integer], part: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Mean vector of what is ordered, overall and by part of the day: for customers without history.

    Summed row by row, in the order of the rows.
    """
    means = np.zeros((1 + len(DAYPARTS), vectors.shape[1]), np.float32)
    for i in range(len(means)):
        chosen = item if i == 0 else item[part == i - 1]
        means[i] = vectors[chosen].mean(axis=0) if len(chosen) else means[0]
    return means


def counts_of_moments(item: NDArray[np.integer], part: NDArray[np.int64], n_items: int) -> NDArray[np.int64]:
    """(1 + 5, items): how many rows have the item, of an unknown part of the day first."""
    return np.bincount((part + 1) * n_items + item, minlength=(1 + len(DAYPARTS)) * n_items).reshape(-1, n_items)


def moments_of_counts(vectors: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    """As `moments_of_rows`, of so many rows that sums of 32-bit numbers would lose digits."""
    whole = np.concatenate([counts.sum(axis=0, keepdims=True), counts[1:]])
    total = whole.sum(axis=1)
    means = whole @ vectors.astype(np.float64) / np.maximum(total, 1)[:, None]
    found: NDArray[np.float64] = np.where(total[:, None] > 0, means, means[0])
    return found.astype(np.float32)
