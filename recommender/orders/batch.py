"""Orders predicted in bulk: fit on a history, then rank for a list of requests."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.orders.fit import PART, FitSettings, FittedOrders, fit_orders
from recommender.orders.questions import questions_of
from recommender.ranking.interactions import Interactions
from recommender.scene import Progress

BATCH = FitSettings(max_questions=7_000, easy=120, copies=6)
"""A bulk run may take minutes."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """The best items of each customer in the requests, best first."""

    customers: NDArray[np.str_]  # (n,) ascending
    lists: NDArray[np.int32]  # (n, top) codes into `items`, -1 after the end
    items: NDArray[np.str_]
    fitted: FittedOrders

    def to_csv(self) -> bytes:
        """Lines of customer, rank (1 is best), item."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("customer", "rank", "item"))
        for customer, codes in zip(self.customers.tolist(), self.lists, strict=True):
            names = self.items[codes[codes >= 0]].tolist()
            writer.writerows((customer, rank, name) for rank, name in enumerate(names, start=1))
        return text.getvalue().encode()


def predict_orders(
    history: Interactions,
    requests: Interactions,
    *,
    top: int = 20,
    seed: int = 0,
    settings: FitSettings = BATCH,
    progress: Progress | None = None,
) -> Predicted:
    """Fit on `history` alone, then rank every item for each customer in `requests`.

    A customer with several requests is answered once, in the context of the first row. Customers without
    history get what is popular in their context. Same input and seed, same answer.

    Args:
        requests: rows without item (-1) under the vocabularies of `history`.

    Raises:
        ValueError: the history holds no order, or `top` is below 1.
    """
    if not len(history):
        raise ValueError("the history holds no order: there is nothing to predict from")
    if top < 1:
        raise ValueError("top must be at least 1")
    features: list[tuple[str, ...]] = [()] * len(history.items)
    tick = progress or (lambda _what, _share: None)
    target = np.zeros(len(history.customers), np.bool_)
    target[requests.customer] = True
    fitted = fit_orders(
        history,
        features,
        seed=seed,
        settings=settings,
        target_customers=target,
        progress=lambda what, share: tick(what, 0.85 * share),
    )
    questions = questions_of(history, requests)
    lists = [np.zeros((0, top), np.int32)]
    for start, part in questions.parts(PART):
        pairs = fitted.model.crowd.pairs(part, width=max(60, top))
        lists.append(fitted.model.lists(pairs, part.n, top))
        tick("ranking", 0.85 + 0.15 * (start + part.n) / questions.n)
    customers = history.customers[np.unique(requests.customer)]
    return Predicted(customers, np.concatenate(lists), history.items, fitted)
