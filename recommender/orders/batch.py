"""Orders predicted in bulk: fit on a history, then rank for a list of requests."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.orders.fit import FitSettings, FittedOrders, fit_orders
from recommender.orders.model import OrderModel
from recommender.orders.partitions.rounds import fit_in_parts
from recommender.orders.questions import Questions, questions_of
from recommender.orders.rounds import PART
from recommender.ranking.interactions import Interactions
from recommender.ranking.partitions import InTurn, Mapper, in_memory
from recommender.scene import Progress

BATCH = FitSettings(max_questions=7_000, easy=120, copies=6, trees=300, learning_rate=0.04)
"""A bulk run may take minutes."""


ROWS_OF_PART = 150_000


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
    mapper: Mapper | None = None,
) -> Predicted:
    """Fit on `history` alone, then rank every item for each customer in `requests`.

    A customer with several requests is answered once, in the context of the first row. Customers without
    history get what is popular in their context. Same input and seed, same answer.

    Args:
        requests: rows without item (-1) under the vocabularies of `history`.
        mapper: works on parts of the history and of the requests; the answer is the same.

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

    def report(what: str, share: float) -> None:
        tick(what, 0.85 * share)

    rest: dict[str, Any] = {"seed": seed, "settings": settings, "target_customers": target, "progress": report}
    if mapper is None:
        fitted = fit_orders(history, features, **rest)
    else:
        fitted = fit_in_parts(in_memory(history, mapper, _parts(history)), features, **rest)
    questions = questions_of(history, requests)
    blocks = list(questions.parts(PART))
    made = (mapper or InTurn()).map(
        best_of, [(block,) for _, block in blocks], shared=(fitted.model, top), name="ranking"
    )
    lists = [np.zeros((0, top), np.int32)]
    for (start, block), found in zip(blocks, made, strict=True):
        lists.append(found)
        tick("ranking", 0.85 + 0.15 * (start + block.n) / questions.n)
    customers = history.customers[np.unique(requests.customer)]
    return Predicted(customers, np.concatenate(lists), history.items, fitted)


def best_of(model: OrderModel, top: int, block: Questions) -> NDArray[np.int32]:
    """The best items of each of some questions, (questions, top)."""
    return model.lists(model.crowd.pairs(block, width=max(60, top)), block.n, top)


def _parts(history: Interactions) -> int:
    return max(1, len(history) // ROWS_OF_PART)
