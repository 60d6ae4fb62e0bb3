"""Questions for models that are loaded as a server loads them: customers' last orders, at their moment."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbing.clock import SECOND
from recommender.ranking.interactions import NO_TIME, Interactions
from recommender.ranking.metrics import orders_per_customer
from recommender.scene import AnyScene, Context, Item, Request

N = 10
"""So many suggestions are asked for; the first five are what a screen shows."""


@dataclass(frozen=True, slots=True)
class Question:
    """One customer's order: what was known before it, when and where it was, and what was ordered."""

    history: Interactions
    context: Context
    now_us: int
    right: frozenset[str]
    fresh: bool  # after everything that the live version has read


@dataclass(frozen=True, slots=True)
class Answers:
    """What one model answered: the items of each question, and how long each took."""

    lists: tuple[tuple[str, ...], ...]
    seconds: NDArray[np.float64]  # (questions,)
    finite: bool

    def ndcg(self, questions: Sequence[Question]) -> NDArray[np.float64]:
        """NDCG@10 of each question (questions,)."""
        gains = 1.0 / np.log2(np.arange(N) + 2.0)
        values = np.zeros(len(questions))
        for row, (shown, question) in enumerate(zip(self.lists, questions, strict=True)):
            hits = [gains[place] for place, item in enumerate(shown[:N]) if item in question.right]
            values[row] = sum(hits) / gains[: max(1, min(len(question.right), N))].sum()
        return values


def last_orders(
    seen: Interactions,
    asked: NDArray[np.bool_] | None,
    *,
    after_us: int | None,
    live_until_us: int | None,
    seed: int,
    most: int,
) -> list[Question]:
    """At most `most` customers' last orders, those first that the live version cannot know.

    Args:
        asked: (customers,) whose last order the candidate of the trial has not seen either; None: everybody's.
        after_us: it has not seen what happened from here on; None: see `asked`.
        live_until_us: what the live version has read; None: there is none, and each question is fresh.
    """
    counts = orders_per_customer(seen)
    able = counts >= 2 if asked is None else (counts >= 2) & asked[: len(counts)]
    last = seen.where((seen.customer >= 0) & (np.append(counts, 0)[seen.customer] - 1 == seen.order))
    at = np.full(len(counts), NO_TIME, np.int64)
    np.maximum.at(at, last.customer, last.time_us)
    if after_us is not None:
        able &= at >= after_us
    fresh = np.ones(len(counts), np.bool_) if live_until_us is None else at > live_until_us
    chosen = _drawn(np.flatnonzero(able & fresh), np.flatnonzero(able & ~fresh), seed, most)
    begin = np.searchsorted(seen.customer, chosen)
    end = np.searchsorted(seen.customer, chosen, "right")
    return [
        _question(seen, int(b), int(e), int(counts[who]), bool(fresh[who]))
        for who, b, e in zip(chosen.tolist(), begin, end, strict=True)
    ]


def _drawn(first: NDArray[np.intp], then: NDArray[np.intp], seed: int, most: int) -> NDArray[np.intp]:
    rng = np.random.default_rng([seed, 15])
    first = np.sort(rng.permutation(first)[:most])
    return np.concatenate([first, np.sort(rng.permutation(then)[: most - len(first)])])


def _question(seen: Interactions, begin: int, end: int, n_orders: int, fresh: bool) -> Question:
    rows = seen.where(slice(begin, end))
    now = rows.order == n_orders - 1
    target = rows.where(now)
    return Question(
        history=rows.where(~now),
        context=_context(target),
        now_us=max(int(target.time_us[0]), 0),
        right=frozenset(seen.items[target.item[target.item >= 0]].tolist()),
        fresh=fresh,
    )


def next_question(seen: Interactions) -> Question:
    """One customer's next order, at the place and the hour of their last one; nobody knows what is right."""
    last = seen.where(seen.order == np.max(seen.order))
    return Question(seen, _context(last), max(int(last.time_us[0]), 0), frozenset(), fresh=True)


def _context(target: Interactions) -> Context:
    def name(words: NDArray[np.str_], code: int) -> str:
        return str(words[code]) if code >= 0 else ""

    return Context(
        site=name(target.sites, int(target.site[0])),
        region=name(target.regions, int(target.region[0])),
        local_time=_local_time(int(target.time_us[0]), float(target.hour[0]), int(target.weekday[0])),
        pickup=name(target.items, int(target.origin[0])),
    )


def _local_time(time_us: int, hour: float, weekday: int) -> datetime | None:
    """A moment whose local hour is `hour`; None where time or hour is not known."""
    if time_us == NO_TIME or not np.isfinite(hour):
        return None
    utc = datetime.fromtimestamp(time_us // SECOND, UTC)
    ahead = (hour - (utc.hour + utc.minute / 60) + 12) % 24 - 12
    local = utc.astimezone(timezone(timedelta(minutes=15 * round(4 * ahead))))
    return local if weekday in (-1, local.weekday()) else local + timedelta(days=(weekday - local.weekday()) % 7)


def ask(
    scene: AnyScene,
    models: Sequence[Any],
    questions: Sequence[Question],
    catalogue: Sequence[Item],
    *,
    n: int = N,
    least_people: int,
) -> list[Answers]:
    """Ask each model each question in this process, in turn, so that their times can be compared."""
    lists: list[list[tuple[str, ...]]] = [[] for _ in models]
    seconds = np.zeros((len(models), len(questions)))
    finite = [True] * len(models)
    for row, question in enumerate(questions):
        request = Request(
            history=question.history,
            context=question.context,
            catalogue=catalogue,
            n=n,
            now_us=question.now_us,
            rng=np.random.default_rng(row),
            customer="",
            least_people=least_people,
        )
        for turn in range(len(models)):
            number = (turn + row) % len(models)
            asked = replace(request, rng=np.random.default_rng(row))
            began = time.perf_counter()
            answer = scene.suggest(models[number], asked)
            seconds[number, row] = time.perf_counter() - began
            lists[number].append(tuple(one.item_id for one in answer.suggestions))
            finite[number] &= all(np.isfinite(one.score) for one in answer.suggestions)
    return [Answers(tuple(made), seconds[number], finite[number]) for number, made in enumerate(lists)]


def suggested(
    scene: AnyScene, model: Any, catalogue: Sequence[Item], *, now_us: int, least_people: int
) -> Collection[str]:
    """The items that a guest could be shown at all: asked for as many as there are."""
    request = Request(
        history=None,
        context=Context(),
        catalogue=catalogue,
        n=len(catalogue),
        now_us=now_us,
        rng=np.random.default_rng(0),
        least_people=least_people,
    )
    return {one.item_id for one in scene.suggest(model, request).suggestions}
