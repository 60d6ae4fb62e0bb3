"""What the parts gave for one state of the log, put together in their order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.orders.factors import Factors, moments_of_counts, moments_of_rows
from recommender.orders.partitions.counts import Counts
from recommender.orders.partitions.facts import Ints
from recommender.orders.partitions.samples import Plan, Taken
from recommender.orders.signals.neighbours import Neighbours
from recommender.orders.signals.together import Together
from recommender.ranking.interactions import Interactions
from recommender.ranking.partitions import Vocabularies, joined


class Gathered:
    """Add the parts in their order; then ask for what they make together."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._n_items = len(plan.idf)
        self._after = np.zeros(len(plan.after), np.float32)
        self._weight = np.zeros(self._n_items, np.float32)
        self._buyers: list[Interactions] = []
        self._who: list[Ints] = []
        self._asked: list[tuple[Interactions, Interactions]] = []
        self._n_asked = 0
        self._keys: list[Ints] = []
        self._moments: list[tuple[NDArray[np.int32], NDArray[np.int8], NDArray[np.int32]]] = []

    def add(self, one: Taken, first: int) -> None:
        """`first` is the code of the part's first customer.

        The sums of 32-bit numbers go on where the part before ended: they are rounded as in one go.
        """
        np.add.at(self._after, one.pair, one.pair_weight)
        np.add.at(self._weight, one.item, one.item_weight)
        self._buyers.append(_numbered(one.buyers, sum(map(len, self._who))))
        self._who.append(one.who + first)
        self._asked.append((_numbered(one.history, self._n_asked), _numbered(one.targets, self._n_asked)))
        self._n_asked += one.asked
        self._keys.append(one.pairs + first * self._n_items)
        self._moments.append((one.moment_item, one.moment_part, one.moment_order))

    def keys(self) -> Ints:
        """Ascending keys customer * items + item to learn factors from."""
        return np.concatenate(self._keys)

    def asked(self, words: Vocabularies) -> tuple[Interactions, Interactions]:
        """The histories of the customers who are asked, and the orders that are asked for."""
        history, targets = zip(*self._asked, strict=True)
        return joined(history, words, self._n_asked), joined(targets, words, self._n_asked)

    def neighbours(self, words: Vocabularies, seed: int) -> Neighbours:
        """From the customers who were drawn."""
        who = np.concatenate(self._who)
        rows = joined(self._buyers, words, len(who))
        fitted = Neighbours.fit(rows, self._n_items, np.random.default_rng(seed), self._plan.frame.least)
        return replace(fitted, who=who)

    def together(self, counts: Counts) -> Together:
        """From counted pairs, and from the sums of next orders."""
        n, keys = self._n_items, self._plan.after
        after = sparse.csr_array((self._after, (keys // n, keys % n)), shape=(n, n))
        same = counts.same_table(self._plan.frame.least)
        return Together.of(same, counts.times.astype(np.float32), after, self._weight, self._plan.idf)

    def moments(self, factors: Factors, counts: Counts) -> NDArray[np.float32]:
        """Row by row where the rows are few, else from counts (`recommender.orders.factors`)."""
        if factors.items.shape[1] != factors.moments.shape[1] or not len(self.keys()):
            return factors.moments
        if not self._plan.moments:
            return moments_of_counts(factors.items, counts.moments)
        item, part, order = (np.concatenate(column) for column in zip(*self._moments, strict=True))
        rows = np.argsort(order, kind="stable")  # guests first, as they followed each other
        return moments_of_rows(factors.items, item[rows], part[rows].astype(np.int64))


def _numbered(rows: Interactions, first: int) -> Interactions:
    return replace(rows, customer=(rows.customer + first).astype(np.int32))
