"""What a customer's own history says about an item: frequency, recency, rhythm, hour and weekday."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.orders.questions import Questions

OWN = (
    "own_count",
    "own_share",
    "own_decay_90",
    "own_decay_70",
    "own_decay_40",
    "own_last",
    "own_first",
    "own_rhythm",
    "own_quantity",
    "own_hour",
    "own_weekday",
    "own_days",
    "own_day_rhythm",
)
"""Names of the columns of `own_signals`."""

HOUR_SIGMA = 1.5


@dataclass(frozen=True, slots=True)
class Own:
    """The (question, item) pairs that occur in histories, ascending, and their signals."""

    question: NDArray[np.int64]  # (pairs,)
    item: NDArray[np.int32]
    values: NDArray[np.float32]  # (pairs, len(OWN))


def own_signals(questions: Questions, n_items: int) -> Own:
    """Signals of every item a customer had, from the orders before the question.

    With A the set of `ago` values of the orders with the item (0 = latest), N the number of orders:
    own_count |A|; own_share |A| / N; own_decay_d sum of d**a over A (time-decayed frequency, Hu et al. 2020,
    TIFU-KNN); own_last min A; own_first max A; own_rhythm (min A + 1) / mean gap, the item's own repeat hazard:
    1 when an item with a steady rhythm is due (gap shrunk towards N / |A|); own_quantity mean units;
    own_hour sum over rows of exp(-dh**2 / (2 * 1.5**2)) * .9**a with dh the circular distance of the local
    hours; own_weekday share of rows on the question's weekday; own_days days since the last; own_day_rhythm
    the same hazard in days. NaN where there is no clock.
    """
    key = questions.question * n_items + questions.item
    keys, pair = np.unique(key, return_inverse=True)
    n = len(keys)
    question = keys // n_items if n_items else keys
    orders = questions.n_orders[question].astype(np.float64)
    ago = questions.ago.astype(np.float64)

    def total(weight: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
        return np.bincount(pair, weight, minlength=n).astype(np.float64)

    def least(values: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.full(n, np.inf)
        with np.errstate(invalid="ignore"):  # days are NaN without a clock
            np.minimum.at(out, pair, values)
        return out

    count = total()
    last, first = least(ago), -least(-ago)
    gap = (first - last + orders / count) / count
    days = questions.days.astype(np.float64)
    day_last, day_first = least(days), -least(-days)
    day_gap = np.where(count > 1, (day_first - day_last) / np.maximum(count - 1, 1), np.nan)
    near, same_day = _same_hour(questions), _same_weekday(questions)
    values = (
        count,
        count / orders,
        total(0.9**ago),
        total(0.7**ago),
        total(0.4**ago),
        last,
        first,
        (last + 1) / gap,
        total(questions.quantity) / count,
        total(near),
        total(same_day) / count,
        day_last,
        day_last / np.maximum(day_gap, 0.5),
    )
    return Own(
        question,
        (keys % n_items).astype(np.int32) if n_items else keys.astype(np.int32),
        np.stack(values, axis=1).astype(np.float32),
    )


def _same_hour(questions: Questions) -> NDArray[np.floating]:
    """How near each history row's hour is to the question's (rows,), 1 at the same hour, decayed by age."""
    apart = np.abs(questions.row_hour - questions.hour[questions.question])
    apart = np.minimum(apart, 24 - apart)
    near: NDArray[np.floating] = np.exp(-(apart**2) / (2 * HOUR_SIGMA**2)) * 0.9 ** questions.ago.astype(
        np.float64
    )
    return near


def _same_weekday(questions: Questions) -> NDArray[np.floating]:
    """1 for each history row on the question's weekday, else 0 (rows,); NaN where the row's is unknown."""
    same = questions.row_weekday == questions.weekday[questions.question]
    return np.where(questions.row_weekday >= 0, same, np.nan)


CUSTOMER = ("asker_orders", "asker_items", "asker_basket", "asker_repeats")
"""Names of the columns of `customer_signals`."""


def customer_signals(questions: Questions, own: Own) -> NDArray[np.float32]:
    """(n, 4): what kind of customer it is.

    Number of orders, of distinct items, mean items in an order, and the share of ordered items that were
    repeats: (rows - distinct) / rows.
    """
    rows = np.bincount(questions.question, minlength=questions.n).astype(np.float32)
    distinct = np.bincount(own.question, minlength=questions.n).astype(np.float32)
    orders = np.maximum(questions.n_orders, 1).astype(np.float32)
    repeats = (rows - distinct) / np.maximum(rows, 1)
    return np.stack([questions.n_orders.astype(np.float32), distinct, rows / orders, repeats], axis=1)
