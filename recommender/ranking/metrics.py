"""How good a ranking is: splits by time, metrics per question, paired intervals, tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.interactions import Interactions

METRICS = ("ndcg@10", "recall@10", "phr@10", "hr@1", "mrr@20")
"""The columns of every table; definitions in `score_lists`."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What each question's right answers are, in compressed rows.

    `items[starts[q]:starts[q + 1]]` are the distinct items of question q; `known[j]` says whether items[j] was
    in the customer's history before the question (a repeat) or not (an exploration).
    """

    starts: NDArray[np.int64]  # (questions + 1,)
    items: NDArray[np.int32]
    known: NDArray[np.bool_]

    @property
    def n(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.diff(self.starts)

    @property
    def question(self) -> NDArray[np.int64]:
        """Each right answer's question number."""
        return np.repeat(np.arange(self.n), self.sizes)

    @classmethod
    def from_pairs(
        cls, question: NDArray[np.integer], item: NDArray[np.integer], known: NDArray[np.bool_], n: int
    ) -> Targets:
        """From one row for each (question, item); repeated rows count once. `n` is the number of questions."""
        width = highest(item) + 1
        keys, first = np.unique(question.astype(np.int64) * width + item, return_index=True)
        starts = np.zeros(n + 1, np.int64)
        if len(keys):
            np.cumsum(np.bincount(keys // width, minlength=n), out=starts[1:])
        return cls(starts, np.asarray(item, np.int32)[first], np.asarray(known, np.bool_)[first])


def highest(codes: NDArray[np.integer]) -> int:
    """The largest code, -1 when there is none."""
    return int(np.max(codes)) if codes.size else -1


def hits(lists: NDArray[np.int32], truth: Targets) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the right answers stand: (row of `truth.items`, 0-based place in the list) of every hit.

    `lists` has shape (questions, K): item codes from best to worst, -1 after the end, no item twice.
    """
    n, k = lists.shape
    width = max(highest(lists), highest(truth.items)) + 2
    wanted = truth.question * width + truth.items  # ascending: Targets are sorted by (question, item)
    shown = (np.arange(n)[:, None] * width + lists).ravel()
    usable = lists.ravel() >= 0
    if not len(wanted):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    at = np.minimum(np.searchsorted(wanted, shown), len(wanted) - 1)
    found = usable & (wanted[at] == shown)
    return at[found], (np.arange(n * k) % max(k, 1))[found]


def score_lists(lists: NDArray[np.int32], truth: Targets, cut: int = 10) -> dict[str, NDArray[np.float64]]:
    """Each metric for each question, as arrays of shape (questions,).

    recall@10: right answers in the first 10 / right answers. ndcg@10: binary gain, the ideal cut at
    min(10, right answers) (Järvelin & Kekäläinen 2002). phr@10: any right answer in the first 10. hr@1: the
    first item is right ("the usual"). mrr@20: 1 / place of the first right answer in the first 20.
    repeat@10 and explore@10: recall among known and among new answers, NaN where there is none. acc@5 and
    place: any right answer in the first 5; its 0-based place (the list's width if absent).
    """
    n, k = lists.shape
    row, place = hits(lists, truth)
    question = truth.question[row] if len(row) else row
    in_cut = place < cut

    def per_question(mask: NDArray[np.bool_], weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        return np.bincount(question[mask], None if weight is None else weight[mask], minlength=n).astype(float)

    absent = 1_000_000
    first = np.full(n, absent, np.int64)
    np.minimum.at(first, question, place)
    gain = 1.0 / np.log2(place + 2.0)
    ideal = np.r_[0.0, np.cumsum(1.0 / np.log2(np.arange(cut) + 2.0))]
    sizes = truth.sizes
    n_known = np.bincount(truth.question[truth.known], minlength=n) if len(truth.items) else np.zeros(n)
    found_known = per_question(in_cut & truth.known[row]) if len(row) else np.zeros(n)
    found = per_question(in_cut)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "ndcg@10": np.where(sizes > 0, per_question(in_cut, gain) / ideal[np.minimum(sizes, cut)], 0.0),
            "recall@10": np.where(sizes > 0, found / sizes, 0.0),
            "phr@10": (first < cut).astype(float),
            "hr@1": (first == 0).astype(float),
            "mrr@20": np.where(first < 20, 1.0 / (first + 1.0), 0.0),
            "repeat@10": np.where(n_known > 0, found_known / n_known, np.nan),
            "explore@10": np.where(sizes > n_known, (found - found_known) / (sizes - n_known), np.nan),
            "acc@5": (first < 5).astype(float),
            "place": np.minimum(first, k).astype(float),
        }


def summary(scores: Mapping[str, NDArray[np.float64]], where: NDArray[np.bool_] | None = None) -> dict[str, float]:
    """The mean of each metric over the questions it is defined for (NaN when there are none)."""
    means = {}
    for name, values in scores.items():
        chosen = values if where is None else values[where]
        chosen = chosen[~np.isnan(chosen)]
        means[name] = float(chosen.mean()) if len(chosen) else float("nan")
    return means


def spread(lists: NDArray[np.int32], n_items: int, cut: int = 10) -> dict[str, float]:
    """How much of the catalogue is shown: `coverage` (share of items in at least one first 10) and `diversity`.

    Diversity is the effective number of items, exp(entropy of how often each is shown), over the catalogue's
    size: 1 when all items are shown equally often, 1 / n_items when every list shows the same item.
    """
    shown = lists[:, :cut].ravel()
    counts = np.bincount(shown[shown >= 0], minlength=n_items)
    share = counts[counts > 0] / max(int(counts.sum()), 1)
    effective = float(np.exp(-(share * np.log(share)).sum())) if len(share) else 0.0
    return {"coverage": float((counts > 0).sum() / max(n_items, 1)), "diversity": effective / max(n_items, 1)}


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its confidence interval."""

    mean: float
    low: float
    high: float


def paired_bootstrap(
    better: NDArray[np.float64],
    worse: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    draws: int = 2000,
    level: float = 0.95,
) -> Interval:
    """The mean of `better - worse` over the same questions, with its percentile interval (Efron 1979).

    Both arrays have shape (questions,); questions that are NaN in either are left out. With fewer than two
    questions no difference can be measured: the interval is infinite.
    """
    difference = np.asarray(better, float) - np.asarray(worse, float)
    difference = difference[~np.isnan(difference)]
    n = len(difference)
    if n < 2:
        return Interval(float(difference.mean()) if n else 0.0, float("-inf"), float("inf"))
    means = np.empty(draws)
    step = max(1, 2_000_000 // n)
    for start in range(0, draws, step):
        size = min(step, draws - start)
        means[start : start + size] = difference[rng.integers(0, n, (size, n))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(difference.mean()), float(low), float(high))


def orders_per_customer(interactions: Interactions) -> NDArray[np.int32]:
    """The number of orders of each customer, shape (customers,)."""
    counts = np.zeros(len(interactions.customers), np.int32)
    of_somebody = interactions.customer >= 0
    np.maximum.at(counts, interactions.customer[of_somebody], interactions.order[of_somebody] + 1)
    return counts


def split_last(
    interactions: Interactions, back: int = 1, least: int = 4, customers: NDArray[np.bool_] | None = None
) -> tuple[Interactions, Interactions]:
    """(history, targets): for customers with at least `least` orders, the order `back` from the end is the target.

    Orders after the target are in neither part; of the other customers every order is history. So with
    back=1 the last order is the target, with back=2 the last but one, as if the last had not happened yet.
    """
    counts = orders_per_customer(interactions)
    chosen = counts >= max(least, back)
    if customers is not None:
        chosen &= customers
    never = np.iinfo(np.int32).max
    target_order = np.append(np.where(chosen, counts - back, never), never)  # the last entry is for guests, -1
    limit = target_order[interactions.customer]
    return interactions.where(interactions.order < limit), interactions.where(interactions.order == limit)


def table(rows: Sequence[Mapping[str, object]], columns: Sequence[str] | None = None) -> str:
    """Rows as aligned text: numbers with four decimals, a dash for what is missing or NaN."""
    names = list(columns or dict.fromkeys(name for row in rows for name in row))

    def cell(value: object) -> str:
        if value is None or (isinstance(value, float) and value != value):
            return "-"
        return f"{value:.4f}" if isinstance(value, float) else str(value)

    text = [names] + [[cell(row.get(name)) for name in names] for row in rows]
    widths = [max(len(line[i]) for line in text) for i in range(len(names))]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        return "  ".join([first, *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]).rstrip()

    return "\n".join([line(text[0]), line(["-" * w for w in widths]), *map(line, text[1:])])
