"""Many requests at once, as arrays: each with its customer's history and its context. Every signal starts here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.ranking.interactions import NO_TIME, Interactions
from recommender.ranking.metrics import highest

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Questions:
    """n questions with their customers' histories; row arrays have shape (rows,), sorted by question.

    A history holds only what came before its question, so that no signal leaks the answer.
    """

    n: int
    question: NDArray[np.int64]  # (rows,) which question a history row belongs to
    item: NDArray[np.int32]
    ago: NDArray[np.int32]  # orders since: 0 is the latest order before the question
    days: NDArray[np.float32]  # days between the row and the question, NaN without a clock
    row_hour: NDArray[np.float32]
    row_weekday: NDArray[np.int8]
    quantity: NDArray[np.float32]
    n_orders: NDArray[np.int32]  # (n,)
    hour: NDArray[np.float32]  # (n,) local time of the question, NaN unknown
    weekday: NDArray[np.int8]  # (n,) -1 unknown
    site: NDArray[np.int32]  # (n,) -1 unknown
    region: NDArray[np.int32]  # (n,) -1 unknown

    def part(self, start: int, stop: int) -> Questions:
        """The questions start..stop-1, renumbered from 0."""
        low, high = np.searchsorted(self.question, [start, stop])
        rows = slice(int(low), int(high))
        return Questions(
            stop - start,
            self.question[rows] - start,
            self.item[rows],
            self.ago[rows],
            self.days[rows],
            self.row_hour[rows],
            self.row_weekday[rows],
            self.quantity[rows],
            self.n_orders[start:stop],
            self.hour[start:stop],
            self.weekday[start:stop],
            self.site[start:stop],
            self.region[start:stop],
        )

    def parts(self, size: int) -> Iterator[tuple[int, Questions]]:
        """(first question, the next `size` questions renumbered from 0), to bound the memory."""
        for start in range(0, self.n, size):
            yield start, self.part(start, min(start + size, self.n))

    def profile(self, n_items: int, decay: float) -> sparse.csr_array:
        """(n, items): the sum of decay**ago over the orders with the item; decay=1 counts orders."""
        weights = np.float32(decay) ** self.ago.astype(np.float32)
        return sparse.csr_array((weights, (self.question, self.item)), shape=(self.n, n_items))


def questions_of(history: Interactions, targets: Interactions) -> Questions:
    """One question for each customer in `targets` (its first row gives the context), history from `history`.

    Both share vocabularies. Questions follow the ascending customer code.
    """
    questions, first = np.unique(targets.customer, return_index=True)
    number = np.full(len(history.customers) + 1, -1, np.int64)
    number[questions] = np.arange(len(questions))
    number[-1] = -1  # guests have no history
    of_row = number[history.customer]
    rows = np.flatnonzero((of_row >= 0) & (history.item >= 0))
    return _questions(
        history.where(rows),
        of_row[rows],
        len(questions),
        time_us=targets.time_us[first],
        hour=targets.hour[first],
        weekday=targets.weekday[first],
        site=targets.site[first],
        region=targets.region[first],
    )


def _questions(
    rows: Interactions,
    question: NDArray[np.int64],
    n: int,
    *,
    time_us: NDArray[np.int64],
    hour: NDArray[np.float32],
    weekday: NDArray[np.int8],
    site: NDArray[np.int32],
    region: NDArray[np.int32],
) -> Questions:
    """Questions from history rows that are sorted by question and then by order."""
    n_orders = np.zeros(n, np.int32)
    np.maximum.at(n_orders, question, rows.order + 1)
    timed = (rows.time_us != NO_TIME) & (time_us[question] != NO_TIME)
    with np.errstate(over="ignore"):
        days = np.where(timed, (time_us[question] - rows.time_us) / DAY_US, np.nan).astype(np.float32)
    return Questions(
        n=n,
        question=question,
        item=rows.item,
        ago=n_orders[question] - 1 - rows.order,
        days=days,
        row_hour=rows.hour,
        row_weekday=rows.weekday,
        quantity=rows.quantity,
        n_orders=n_orders,
        hour=hour,
        weekday=weekday,
        site=site,
        region=region,
    )


def live_question(
    history: Interactions | None,
    item: NDArray[np.int32],
    *,
    time_us: int,
    hour: float,
    weekday: int,
    site: int,
    region: int,
) -> Questions:
    """The single question of a live request.

    `item` gives each history row's code in the model's vocabulary, -1 where the model does not know it.
    """
    if history is None:
        history = Interactions.from_columns({"customer": [], "item": []})
        item = np.zeros(0, np.int32)
    known = item >= 0
    rows = history.where(known)
    question = np.zeros(int(known.sum()), np.int64)
    questions = _questions(
        rows,
        question,
        1,
        time_us=np.array([time_us], np.int64),
        hour=np.array([hour], np.float32),
        weekday=np.array([weekday], np.int8),
        site=np.array([site], np.int32),
        region=np.array([region], np.int32),
    )
    n_orders = highest(history.order) + 1 if len(history) else 0
    return _replace_items(questions, item[known], n_orders)


def _replace_items(questions: Questions, item: NDArray[np.int32], n_orders: int) -> Questions:
    """The same question in the model's codes; orders of items that are no longer known still count as orders."""
    values = {name: getattr(questions, name) for name in Questions.__slots__}
    shift = n_orders - int(questions.n_orders[0])
    values |= {"item": item, "ago": questions.ago + shift, "n_orders": np.array([n_orders], np.int32)}
    return Questions(**values)
