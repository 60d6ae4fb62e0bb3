"""Statistics of everybody and rounds of questions, put together from what the parts say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommender.orders.factors import MOST_SUMMED, Factors, drawn_pairs
from recommender.orders.partitions.counts import Counts, counts_of
from recommender.orders.partitions.facts import Frame, Ints, ItemFacts, Limit, item_facts
from recommender.orders.partitions.gathered import Gathered
from recommender.orders.partitions.samples import Plan, Wanted, taken
from recommender.orders.questions import Questions, questions_of
from recommender.orders.rounds import PART, Features, truth_of
from recommender.orders.signals.crowd import ItemCrowd
from recommender.orders.signals.neighbours import MAX_REFERENCE
from recommender.orders.signals.together import idf_of
from recommender.ranking.metrics import Targets
from recommender.ranking.pairs import Pairs
from recommender.ranking.partitions import Mapper, PartitionedLog, split_at

GROUPS = 16
"""Pieces of work that the counting of one state of the log is divided into: each adds its parts up itself."""

Tick = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class State:
    """The log as it was before some customers' later orders, and which of their orders is asked for."""

    limit: Limit = None  # (customers,)
    asked: NDArray[np.int32] | None = None  # (customers,), NEVER for those who are not asked


@dataclass(frozen=True)
class PartitionedRound:
    """A round whose candidates are made elsewhere (`recommender.orders.fit.AnyRound`)."""

    crowd: ItemCrowd
    questions: Questions
    truth: Targets
    mapper: Mapper

    def parts(self) -> Iterator[tuple[int, Questions, Pairs]]:
        """See `AnyRound`."""
        blocks = list(self.questions.parts(PART))
        made = self.mapper.map(candidates, [(block,) for _, block in blocks], shared=(self.crowd,), name="signals")
        for (start, block), pairs in zip(blocks, made, strict=True):
            yield start, block, pairs


def candidates(crowd: ItemCrowd, block: Questions) -> Pairs:
    """The candidates of some questions with their signals."""
    return crowd.pairs(block)


@dataclass
class Crowds:
    """Makes crowds and rounds of several states of one log at once: each part is read three times in all."""

    log: PartitionedLog
    features: Features
    seed: int
    least_people: int

    def made(self, states: Sequence[State], tick: Tick) -> list[tuple[ItemCrowd, PartitionedRound | None]]:
        """The crowd of each state, and the round of its questions where any are asked."""
        limits = list(zip(*(self.log.sliced(state.limit) for state in states), strict=True))
        frames = self._frames(limits, lambda share: tick(0.2 * share))
        counts = self._counts(limits, frames, lambda share: tick(0.2 + 0.4 * share))
        gathered = self._gathered(states, limits, frames, counts, lambda share: tick(0.6 + 0.3 * share))
        factors = self.log.mapper.map(
            fitted_factors,
            [(one.keys(),) for one in gathered],
            shared=(self.log.n_customers, self.features, self.seed),
            name="factors",
            tick=lambda share: tick(0.9 + 0.1 * share),
        )
        results = []
        for v, fitted in enumerate(factors):
            crowd = ItemCrowd(
                counts[v].popular(frames[v]),
                gathered[v].together(counts[v]),
                gathered[v].neighbours(self.log.vocabularies, self.seed),
                replace(fitted, moments=gathered[v].moments(fitted, counts[v])),
            )
            results.append((crowd, self._round(crowd, gathered[v], states[v])))
        return results

    def _gathered(
        self,
        states: Sequence[State],
        limits: Sequence[tuple[Limit, ...]],
        frames: Sequence[Frame],
        counts: Sequence[Counts],
        tick: Tick,
    ) -> list[Gathered]:
        plans = [self._plan(frame, one) for frame, one in zip(frames, counts, strict=True)]
        asked = list(zip(*(self.log.sliced(state.asked) for state in states), strict=True))
        drawn = [self._drawn(one) for one in counts]
        work = [
            (part, [Wanted(limit, *drawn[v][k], asked[k][v]) for v, limit in enumerate(limits[k])])
            for k, part in enumerate(self.log.parts)
        ]
        gathered = [Gathered(plan) for plan in plans]
        shared = (self.log.vocabularies, plans)
        for k, found in enumerate(self.log.mapper.map(taken, work, shared=shared, name="samples", tick=tick)):
            for one, into in zip(found, gathered, strict=True):
                into.add(one, int(self.log.first[k]))
        return gathered

    def _frames(self, limits: Sequence[tuple[Limit, ...]], tick: Tick) -> list[Frame]:
        work = [(part, list(limits[k])) for k, part in enumerate(self.log.parts)]
        total: list[ItemFacts] = []
        for found in self.log.mapper.map(
            item_facts, work, shared=(self.log.vocabularies,), name="items", tick=tick
        ):
            total = [a + b for a, b in zip(total, found, strict=True)] if total else found
        return [Frame.of(facts, self.least_people) for facts in total]

    def _counts(self, limits: Sequence[tuple[Limit, ...]], frames: Sequence[Frame], tick: Tick) -> list[Counts]:
        groups = [g.tolist() for g in np.array_split(np.arange(len(self.log.parts)), GROUPS) if len(g)]
        counts = [Counts.empty(frame) for frame in frames]
        work = [
            (frames[v], [self.log.parts[k] for k in group], [limits[k][v] for k in group])
            for v in range(len(frames))
            for group in groups
        ]
        looks = self.log.mapper.map(counts_of, work, shared=(self.log.vocabularies,), name="counts", tick=tick)
        for number, found in enumerate(looks):
            counts[number // len(groups)].merge(found)
        return counts

    def _plan(self, frame: Frame, counts: Counts) -> Plan:
        idf = idf_of(counts.times.astype(np.float32), counts.n_orders)
        few = int(frame.rows.sum()) <= MOST_SUMMED
        return Plan(frame, idf, counts.after_keys(self.least_people), few)

    def _drawn(self, counts: Counts) -> list[tuple[Ints, Ints]]:
        """Which customers are compared with, and which pairs the factors learn from: numbers by part."""
        buyers = np.arange(sum(counts.buyers))
        if len(buyers) > MAX_REFERENCE:
            buyers = np.sort(np.random.default_rng(self.seed).choice(buyers, MAX_REFERENCE, replace=False))
        pairs = np.sort(drawn_pairs(sum(counts.pairs), self.seed))
        blocks = (np.r_[0, np.cumsum(counts.buyers)], np.r_[0, np.cumsum(counts.pairs)])
        return list(zip(split_at(buyers, blocks[0]), split_at(pairs, blocks[1]), strict=True))

    def _round(self, crowd: ItemCrowd, gathered: Gathered, state: State) -> PartitionedRound | None:
        if state.asked is None:
            return None
        history, targets = gathered.asked(self.log.vocabularies)
        return PartitionedRound(crowd, questions_of(history, targets), truth_of(history, targets), self.log.mapper)


def fitted_factors(n_customers: int, features: Features, seed: int, keys: Ints) -> Factors:
    """The factors of the drawn pairs; without any, they score every item 0."""
    if not len(keys) or not features:
        return Factors.empty(len(features))
    return Factors.of_pairs(keys, n_customers, features, seed=seed)
