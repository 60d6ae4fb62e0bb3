"""A candidate against the live version: on the same questions, in the same process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbing.words import Message
from recommender.ranking.metrics import Interval, paired_bootstrap
from recommender.training.gate.questions import Answers, Question

MARGIN = 0.02
"""So much NDCG@10 may a candidate lose to the live version: about one place in the list, for one order in ten."""
WIDE_MARGIN = 0.05
"""Where the live version knows some of the answers, which favours it."""
LEAST = 30
"""Questions, before anything is compared; `recommender.ranking.gate` asks for as many."""
LEVEL = 0.90

SHOWN = 5
COLLAPSE = 0.5
"""Of the live version's variety: a candidate that keeps less of it shows everybody the same."""
LEAST_COVERED, COVERED_LESS = 0.5, 0.05
SLOWER = 2.0
"""Times the live version's p99, measured in turn with it; up to `TRIES` times before it counts."""
TIMED = 100
TRIES = 3


@dataclass(frozen=True, slots=True)
class Quality:
    """The candidate's gain over the live version, and how it was measured."""

    gain: Interval
    candidate: float
    live: float
    n: int
    fresh: int  # questions that the live version cannot have learned from

    @property
    def fair(self) -> bool:
        """Whether enough questions are new to both."""
        return self.fresh >= LEAST and self.n == self.fresh

    def to_json(self) -> dict[str, Any]:
        """For analysts."""
        return {
            "candidate": self.candidate,
            "live": self.live,
            "gain": [self.gain.mean, self.gain.low, self.gain.high],
            "questions": self.n,
            "new_questions": self.fresh,
            "margin": MARGIN if self.fair else WIDE_MARGIN,
        }


def quality(
    candidate: NDArray[np.float64], live: NDArray[np.float64], questions: Sequence[Question], seed: int
) -> Quality:
    """Over the questions that are new to the live version, where they are enough; else over all of them."""
    fresh = np.array([one.fresh for one in questions], np.bool_)
    used = fresh if fresh.sum() >= LEAST else np.ones(len(fresh), np.bool_)
    gain = paired_bootstrap(candidate[used], live[used], np.random.default_rng([seed, 21]), level=LEVEL)
    return Quality(gain, _mean(candidate[used]), _mean(live[used]), int(used.sum()), int(fresh.sum()))


def worse(found: Quality) -> Message | None:
    """Refused when the loss is beyond the margin and beyond chance; what is not proven either way passes.

    A small house has some dozens of new orders a day: to demand proof of equality there would stop every training.
    A loss of three margins is refused however few the questions are.
    """
    margin = MARGIN if found.fair else WIDE_MARGIN
    lost = -found.gain.mean
    if found.n < LEAST or lost <= margin or (found.gain.high >= 0 and lost <= 3 * margin):
        return None
    return Message.of(
        "gate-worse", candidate=_hundredths(found.candidate), live=_hundredths(found.live), n=found.n
    )


def remark(found: Quality) -> Message:
    """What the comparison says of a candidate that is not refused."""
    if found.n < LEAST:
        return Message.of("gate-few", n=found.n)
    if not found.fair:
        return Message.of("gate-few-new", n=found.fresh)
    if found.gain.low > 0:
        return Message.of("gate-better", n=found.n)
    if found.gain.low >= -MARGIN:
        return Message.of("gate-as-good", n=found.n)
    return Message.of("gate-not-proven", n=found.n)


@dataclass(frozen=True, slots=True)
class Variety:
    """How different the suggestions of different customers are, over the first five places."""

    top_share: float  # of all places, those that the three most shown items take
    distinct: float  # effective number of items: exp(entropy)
    personal: float  # mean share of a customer's five that another customer, drawn at random, does not get

    @classmethod
    def of(cls, lists: Sequence[Sequence[str]], seed: int) -> Variety | None:
        """None with fewer than `LEAST` lists."""
        shown = [tuple(one[:SHOWN]) for one in lists if one]
        if len(shown) < LEAST:
            return None
        counts = np.array(sorted(Counter(item for one in shown for item in one).values(), reverse=True))
        share = counts / counts.sum()
        rng = np.random.default_rng([seed, 22])
        pairs = rng.integers(0, len(shown), (400, 2))
        apart = [1 - len({*shown[a]} & {*shown[b]}) / len(shown[a]) for a, b in pairs.tolist() if a != b]
        return cls(float(share[:3].sum()), float(np.exp(-(share * np.log(share)).sum())), _mean(np.array(apart)))

    def to_json(self) -> dict[str, float]:
        """For analysts."""
        return {"top_3_share": self.top_share, "distinct_items": self.distinct, "personal": self.personal}


def collapsed(candidate: Variety | None, live: Variety | None) -> Message | None:
    """Refused when everybody would see nearly the same, and did not before."""
    if candidate is None or live is None:
        return None
    if candidate.personal < COLLAPSE * live.personal or candidate.distinct < COLLAPSE * live.distinct:
        return Message.of("gate-collapsed", now=round(100 * candidate.personal), then=round(100 * live.personal))
    return None


def uncovered(covered: float, live: float | None, *, least: float = LEAST_COVERED) -> Message | None:
    """Refused when a part of the active menu could not be suggested at all; `least` without a live version to
    compare with."""
    if live is not None:
        least = min(max(least, live - COVERED_LESS), live)
    return Message.of("gate-menu", percent=round(100 * covered)) if covered < least else None


def times(candidate: Answers, live: Answers) -> float | None:
    """The candidate's p99 over the live version's; None with fewer than `TIMED` questions."""
    if len(live.seconds) < TIMED:
        return None
    return float(np.quantile(candidate.seconds, 0.99) / max(np.quantile(live.seconds, 0.99), 1e-9))


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _hundredths(value: float) -> int:
    return round(100 * value)
