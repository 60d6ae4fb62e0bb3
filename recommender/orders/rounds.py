"""Rounds of questions: one past order of many customers, with what was known before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.orders.questions import Questions, questions_of
from recommender.orders.signals.crowd import ItemCrowd
from recommender.ranking.interactions import Interactions
from recommender.ranking.metrics import Targets, orders_per_customer, split_last
from recommender.ranking.pairs import Pairs
from recommender.ranking.sparse import distinct, is_among

Features = Sequence[Sequence[str]]
Mask = NDArray[np.bool_]

PART = 1000  # questions whose candidates are in memory at once


def truth_of(history: Interactions, targets: Interactions) -> Targets:
    """The right answers of the questions that `questions_of(history, targets)` makes."""
    customers, question = np.unique(targets.customer, return_inverse=True)
    width = max(len(history.items), 1)
    had = distinct(history.customer.astype(np.int64) * width + history.item)
    known = is_among(targets.customer.astype(np.int64) * width + targets.item, had)
    return Targets.from_pairs(question, targets.item, known, len(customers))


class AnyRound(Protocol):
    """One past order of many customers as questions, with their right answers."""

    @property
    def crowd(self) -> ItemCrowd: ...
    @property
    def questions(self) -> Questions: ...
    @property
    def truth(self) -> Targets: ...

    def parts(self) -> Iterator[tuple[int, Questions, Pairs]]:
        """Of `PART` questions at a time: the first one's number, the questions, and their candidates."""
        ...


@dataclass(frozen=True, slots=True)
class Round:
    """A round of a log in memory, with what was known before it."""

    history: Interactions
    crowd: ItemCrowd
    questions: Questions
    truth: Targets

    def parts(self) -> Iterator[tuple[int, Questions, Pairs]]:
        """See `AnyRound`."""
        for start, block in self.questions.parts(PART):
            yield start, block, self.crowd.pairs(block)


class Rounds(Protocol):
    """What is learned from and chosen by, however the log lies: in one memory or in parts."""

    @property
    def words(self) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
        """The items, sites and regions that codes stand for."""
        ...

    def last(self) -> AnyRound:
        """Everybody's last order, to choose by."""
        ...

    def earlier(self, back: int) -> AnyRound:
        """The orders `back` from the end of what came before the last."""
        ...

    def newest(self) -> AnyRound:
        """The last orders, to learn from."""
        ...

    def everything(self) -> ItemCrowd:
        """The statistics of all of the log."""
        ...


def make_round(
    seen: Interactions,
    back: int,
    features: Features,
    seed: int,
    *,
    least: int,
    most: int,
    target_customers: Mask | None = None,
    least_people: int = 1,
) -> Round:
    """The orders `back` from the end, with everything that their customers ordered from then on removed.

    At most `most` customers, drawn by the seed, get a question; the others keep all their orders, as in a real
    request: what they ordered meanwhile is known then, and must be known here.

    Args:
        target_customers: (customers,) who may get a question; None is everybody.
    """
    mask = asked(orders_per_customer(seen), back, seed, least=least, most=most, target_customers=target_customers)
    history, targets = split_last(seen, back, least, mask)
    return Round(
        history,
        ItemCrowd.fit(history, features, seed, least_people=least_people),
        questions_of(history, targets),
        truth_of(history, targets),
    )


def asked(
    counts: NDArray[np.int32],
    back: int,
    seed: int,
    *,
    least: int,
    most: int,
    target_customers: Mask | None = None,
) -> Mask:
    """(customers,): at most `most` of those with enough orders (`counts`), drawn by the seed."""
    able = np.flatnonzero(
        (counts >= max(least, back + 1)) & (True if target_customers is None else target_customers)
    )
    if len(able) > most:
        able = np.random.default_rng([seed, back]).choice(able, most, replace=False)
    mask = np.zeros(len(counts), np.bool_)
    mask[able] = True
    return mask
