"""Pairs of a question and an item: the rows that a ranker learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.metrics import highest

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidates of many questions, one row each: sorted by question."""

    question: NDArray[np.int64]  # (rows,) ascending
    item: NDArray[np.int32]  # (rows,)
    features: Floats  # (rows, signals), NaN where a signal is unknown

    def __len__(self) -> int:
        return len(self.item)

    def take(self, rows: NDArray[Any]) -> Pairs:
        return Pairs(self.question[rows], self.item[rows], self.features[rows])

    @staticmethod
    def join(parts: Sequence[Pairs]) -> Pairs:
        """Parts one after another; the questions of each part are renumbered behind those before it."""
        questions, shift = [], 0
        for part in parts:
            questions.append(part.question + shift)
            shift += highest(part.question) + 1
        return Pairs(
            np.concatenate(questions),
            np.concatenate([part.item for part in parts]),
            np.concatenate([part.features for part in parts]),
        )


def sample_negatives(
    question: NDArray[np.int64],
    label: NDArray[np.bool_],
    hardness: Floats | None,
    rng: np.random.Generator,
    *,
    hard: int = 30,
    easy: int = 30,
) -> NDArray[np.intp]:
    """Rows to train on: of each question with a positive, all positives, `hard` and `easy` negatives.

    The hard ones are those with the highest `hardness` (a cheap score; None where there are none), the easy
    ones drawn at random from the rest. Shapes (rows,); the answer is ascending. Same rng state, same rows.
    """
    if not len(question):
        return np.zeros(0, np.intp)
    useful = np.bincount(question, label, minlength=highest(question) + 1)[question] > 0
    negative = useful & ~label
    taken = np.zeros(len(question), np.bool_)
    if hardness is not None:
        hardest_first = np.where(negative, -hardness.astype(np.float64), np.inf)
        taken = negative & (place_within(question, hardest_first) < hard)
    rest = negative & ~taken
    draw = np.where(rest, rng.random(len(question)), np.inf)
    return np.flatnonzero((useful & label) | taken | (rest & (place_within(question, draw) < easy)))


def place_within(question: NDArray[np.int64], key: NDArray[np.float64]) -> NDArray[np.int64]:
    """Each row's 0-based place within its question by ascending key (ties by row)."""
    rows = np.lexsort((key, question))
    sorted_question = question[rows]
    starts = np.r_[0, np.flatnonzero(np.diff(sorted_question)) + 1]
    first = np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
    place = np.empty(len(rows), np.int64)
    place[rows] = np.arange(len(rows)) - first
    return place


def best_lists(
    question: NDArray[np.int64],
    item: NDArray[np.int32],
    score: NDArray[np.floating],
    n: int,
    k: int,
    tie: NDArray[np.floating] | None = None,
) -> NDArray[np.int32]:
    """The k best items of each of n questions, shape (n, k), -1 where there are fewer candidates.

    Equal scores are ordered by `tie` (higher first, usually popularity), then by item code: the same
    input always gives the same list.
    """
    lists = np.full((n, k), -1, np.int32)
    if not len(item):
        return lists
    second = -np.asarray(tie if tie is not None else np.zeros(len(item)), np.float64)
    rows = np.lexsort((item, second, -np.asarray(score, np.float64), question))
    starts = np.r_[0, np.flatnonzero(np.diff(question[rows])) + 1]
    first = np.repeat(starts, np.diff(np.r_[starts, len(rows)]))
    place = np.arange(len(rows)) - first
    keep = place < k
    lists[question[rows][keep], place[keep]] = item[rows][keep]
    return lists


def standardise(question: NDArray[np.int64], score: NDArray[np.floating], n: int) -> NDArray[np.float64]:
    """Scores with mean 0 and deviation 1 within each of n questions, so that two rankers can be blended."""
    values = np.asarray(score, np.float64)
    count = np.maximum(np.bincount(question, minlength=n), 1)
    centred = values - (np.bincount(question, values, minlength=n) / count)[question]
    deviation = np.sqrt(np.bincount(question, centred**2, minlength=n) / count)
    return centred / np.maximum(deviation, 1e-9)[question]
