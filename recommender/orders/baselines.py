"""What the engine is measured against: counting, the published next-basket methods, factors alone.

Every method scores every item for every question: (questions, items), higher is better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.orders.questions import Questions
from recommender.ranking.factor_models import Scores, als_factors, lightfm_factors
from recommender.ranking.interactions import Interactions
from recommender.ranking.metrics import orders_per_customer

Method = Callable[[Questions, NDArray[np.integer]], Scores]
"""Called with a block of questions and the codes of their customers."""

TIFU_PUBLISHED = (300, 7, 0.9, 0.7, 0.7)
TIFU_CHOICES = (TIFU_PUBLISHED, (900, 3, 0.9, 0.6, 0.1), (900, 3, 0.9, 0.6, 0.2), (300, 7, 0.9, 0.9, 0.3))
UP_CF_CHOICES = ((5, 0.5, 2), (25, 0.75, 5))


def popularity(seen: Interactions) -> Scores:
    """(items,): orders that held the item, scaled below 1: it only breaks ties."""
    counts = np.bincount(seen.item, minlength=len(seen.items)).astype(np.float32)
    return counts / np.float32(counts.sum() + 1)


def own_frequency(seen: Interactions) -> Method:
    """The gate: how many of the customer's orders held the item, ties by popularity (GP-TopFreq, Li 2023)."""
    popular = popularity(seen)
    return lambda questions, _: questions.profile(len(popular), 1.0).toarray() + popular


def group_weights(
    n: NDArray[np.integer], ago: NDArray[np.integer], groups: int, within: float, between: float
) -> NDArray[np.float32]:
    """TIFU-KNN's weight of an order `ago` orders back among n: groups of equal size counted from the newest,
    within**(place in the group) / group size * between**(group) / number of groups (Hu et al. 2020)."""
    size = np.maximum(np.ceil(n / groups), 1)
    group = np.floor(ago / size)
    number = np.ceil(n / size)
    orders = np.where(group == number - 1, n - group * size, size)
    weight: NDArray[np.floating] = within ** (ago - group * size) / orders * between**group / number
    return weight.astype(np.float32)


@dataclass(frozen=True, slots=True)
class TifuKnn:
    """Temporal item frequency with neighbours (Hu et al. 2020): alpha * own + (1 - alpha) * neighbours' mean."""

    reference: sparse.csr_array
    popular: Scores
    parameters: tuple[int, int, float, float, float]  # neighbours, groups, within, between, alpha

    @classmethod
    def fit(cls, seen: Interactions, parameters: tuple[int, int, float, float, float]) -> TifuKnn:
        rows = np.flatnonzero(seen.customer >= 0)
        n = orders_per_customer(seen)[seen.customer[rows]]
        weight = group_weights(n, n - 1 - seen.order[rows], *parameters[1:4])
        shape = (len(seen.customers), len(seen.items))
        reference = sparse.csr_array((weight, (seen.customer[rows], seen.item[rows])), shape=shape)
        return cls(reference, popularity(seen), parameters)

    def __call__(self, questions: Questions, customers: NDArray[np.integer]) -> Scores:
        """Nearest by Euclidean distance, all neighbours weighing the same."""
        neighbours, groups, within, between, alpha = self.parameters
        weight = group_weights(questions.n_orders[questions.question], questions.ago, groups, within, between)
        own = sparse.csr_array(
            (weight, (questions.question, questions.item)), shape=(questions.n, len(self.popular))
        )
        square = np.asarray(self.reference.multiply(self.reference).sum(axis=1)).ravel()
        distance = square - 2 * (own @ self.reference.T).toarray()
        k = min(neighbours, distance.shape[1])
        pick = np.argpartition(distance, k - 1, axis=1)[:, :k]
        chosen = sparse.csr_array(
            (np.full(pick.size, 1 / k, np.float32), pick.ravel(), np.arange(questions.n + 1) * k),
            shape=(questions.n, distance.shape[1]),
        )
        mixed = alpha * own + (1 - alpha) * (chosen @ self.reference)
        return np.asarray(mixed.toarray() + 1e-6 * self.popular, np.float32)


@dataclass(frozen=True, slots=True)
class UpCf:
    """User-wise popularity with collaborative filtering (Faggioli et al. 2020): recency, asymmetry, locality."""

    recent: sparse.csr_array  # (customers, items) share of the last r orders with the item
    bought: sparse.csr_array  # (customers, items) 0/1
    popular: Scores
    parameters: tuple[int, float, float]

    @classmethod
    def fit(cls, seen: Interactions, parameters: tuple[int, float, float]) -> UpCf:
        n = orders_per_customer(seen)
        rows = np.flatnonzero(seen.customer >= 0)
        customer, item = seen.customer[rows], seen.item[rows]
        shape = (len(seen.customers), len(seen.items))
        bought = sparse.csr_array((np.ones(len(rows), np.float32), (customer, item)), shape=shape)
        bought.data[:] = 1
        window = np.minimum(n, parameters[0])[customer]
        late = n[customer] - 1 - seen.order[rows] < window
        share = (1 / window[late]).astype(np.float32)
        return cls(
            sparse.csr_array((share, (customer[late], item[late])), shape=shape),
            bought,
            popularity(seen),
            parameters,
        )

    def __call__(self, questions: Questions, customers: NDArray[np.integer]) -> Scores:
        """sum over customers of similarity**q * share, similarity = overlap / (|mine|**a * |theirs|**(1 - a))."""
        _, asymmetry, locality = self.parameters
        mine = sparse.csr_array(questions.profile(len(self.popular), 1.0))
        mine.data[:] = 1
        overlap = (mine @ self.bought.T).toarray()
        sizes = np.maximum(np.asarray(mine.sum(axis=1)), 1)[:, None] ** asymmetry
        theirs = np.maximum(np.asarray(self.bought.sum(axis=1)), 1)[None, :] ** (1 - asymmetry)
        weight = (overlap / (sizes * theirs)) ** locality
        return np.asarray((self.recent.T @ weight.T).T + 1e-6 * self.popular, np.float32)


def lightfm_alone(seen: Interactions, seed: int, *, size: int = 32, epochs: int = 10) -> Method:
    """LightFM with WARP (Kula 2015) on all (customer, item) pairs, nothing else."""
    model = lightfm_factors(_counts(seen, binary=True), seed, size=size, epochs=epochs)
    return lambda _, customers: model.scores(customers)


def implicit_als(seen: Interactions, seed: int, *, size: int = 64, iterations: int = 10) -> Method:
    """Implicit-feedback ALS (Hu, Koren & Volinsky 2008) on order counts. Needs the development requirements.

    Raises:
        ImportError: the package `implicit` is not installed.
    """
    model = als_factors(_counts(seen, binary=False), seed, size=size, iterations=iterations, alpha=10.0)
    return lambda _, customers: model.scores(customers)


def _counts(seen: Interactions, *, binary: bool) -> sparse.csr_matrix:
    rows = np.flatnonzero(seen.customer >= 0)
    shape = (len(seen.customers), len(seen.items))
    matrix = sparse.csr_matrix(
        (np.ones(len(rows), np.float32), (seen.customer[rows], seen.item[rows])), shape=shape
    )
    if binary:
        matrix.data[:] = 1
    return matrix


def best_of(
    method: Method, questions: Questions, customers: NDArray[np.integer], k: int, popular: Scores, block: int = 512
) -> NDArray[np.int32]:
    """The k best items of every question, ties by popularity, shape (questions, k)."""
    lists = np.full((questions.n, k), -1, np.int32)
    width = min(k, len(popular))
    for start in range(0, questions.n, block):
        stop = min(start + block, questions.n)
        scores = method(questions.part(start, stop), customers[start:stop]).astype(np.float64) + 1e-9 * popular
        top = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
        lists[start:stop, :width] = np.take_along_axis(top, order, axis=1)
    return lists
