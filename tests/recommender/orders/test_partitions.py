"""Counts, rounds and answers of a log in parts: bit by bit those of one table."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from recommender.orders import factors
from recommender.orders.batch import predict_orders
from recommender.orders.fit import FitSettings
from recommender.orders.partitions import crowds
from recommender.orders.partitions.rounds import PartitionedRounds
from recommender.orders.questions import Questions
from recommender.orders.rounds import AnyRound, make_round
from recommender.orders.signals import neighbours
from recommender.orders.signals.crowd import ItemCrowd, merge_repeats
from recommender.ranking.interactions import NO_TIME, Interactions
from recommender.ranking.partitions import InTurn, in_memory
from recommender.ranking.tally import ExactSums, Tally
from tests.recommender.orders.worlds import habits

FEATURES = [[f"kind:{k % 3}"] for k in range(12)]


def world(kind: str) -> Interactions:
    """A small log: with a clock and sites, without any clock, or with guests whose orders hold a dish twice."""
    seen = habits(customers=40, visits=6, stray=0.5)
    if kind == "no clock":
        return replace(seen, time_us=np.full(len(seen), NO_TIME), hour=np.full(len(seen), np.nan, np.float32))
    if kind == "guests":
        rng = np.random.default_rng(3)
        return Interactions.from_columns(
            {
                "customer": [str(seen.customers[c]) if c % 5 else "" for c in seen.customer.tolist()] * 2,
                "item": [str(seen.items[i]) for i in seen.item.tolist()] * 2,
                "time_us": np.r_[seen.time_us, seen.time_us],
                "hour": np.where(rng.random(2 * len(seen)) < 0.1, np.nan, rng.integers(0, 24, 2 * len(seen))),
                "region": rng.choice(["", "east", "west"], 2 * len(seen)),
                "site": rng.choice(["", "s1", "s2"], 2 * len(seen)),
                "person": [f"{c if c % 5 else 'device'}" for c in seen.customer.tolist()] * 2,
            }
        )
    return seen


def crowds_equal(one: ItemCrowd, other: ItemCrowd) -> None:
    mine, theirs = one.arrays(), other.arrays()
    assert [name for name in mine if not np.array_equal(mine[name], theirs[name], equal_nan=True)] == []
    assert {name: mine[name].dtype for name in mine} == {name: theirs[name].dtype for name in theirs}
    assert np.array_equal(one.neighbours.who, other.neighbours.who)


def rounds_equal(one: AnyRound, other: AnyRound) -> None:
    crowds_equal(one.crowd, other.crowd)
    for part in fields(Questions):
        mine, theirs = getattr(one.questions, part.name), getattr(other.questions, part.name)
        assert np.array_equal(mine, theirs, equal_nan=part.name in ("days", "hour", "row_hour")), part.name
    assert np.array_equal(one.truth.items, other.truth.items)
    assert np.array_equal(one.truth.known, other.truth.known)


@pytest.mark.parametrize("kind", ["clock", "no clock", "guests"])
@pytest.mark.parametrize(("parts", "least"), [(1, 1), (5, 1), (5, 3)])
def test_statistics_of_parts_are_those_of_the_whole(kind: str, parts: int, least: int) -> None:
    """Also where a pair, a place or an hour has too few people only in each part by itself."""
    seen = merge_repeats(world(kind))
    whole = ItemCrowd.fit(seen, FEATURES, 0, least_people=least)
    log = in_memory(seen, InTurn(), parts)
    made = crowds.Crowds(log, FEATURES, 0, least).made([crowds.State()], lambda share: None)
    crowds_equal(made[0][0], whole)


def test_what_is_drawn_and_what_is_counted_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """More customers than are compared with, more pairs than are learned from, more rows than are summed."""
    for module, name, value in (
        (factors, "MOST_SUMMED", 50),
        (crowds, "MOST_SUMMED", 50),
        (factors, "ROWS_PER_EPOCH", 60),
        (neighbours, "MAX_REFERENCE", 15),
        (crowds, "MAX_REFERENCE", 15),
    ):
        monkeypatch.setattr(module, name, value)
    seen = merge_repeats(world("guests"))
    made = crowds.Crowds(in_memory(seen, InTurn(), 3), FEATURES, 0, 1).made([crowds.State()], lambda share: None)
    crowds_equal(made[0][0], ItemCrowd.fit(seen, FEATURES, 0))
    assert len(made[0][0].neighbours.who) == 15


def test_rounds_of_parts_are_those_of_the_whole() -> None:
    """Every round: the one to choose by, those to learn from, and the newest."""
    seen = world("clock")
    settings = FitSettings(max_questions=25, rounds=2, least_people=2)
    log = in_memory(seen, InTurn(), 4)
    rounds = PartitionedRounds(log, FEATURES, settings, 0, None, lambda share: None)
    last = make_round(seen, 1, FEATURES, 0, least=3, most=25, least_people=2)
    rounds_equal(rounds.last(), last)
    for back in (1, 2):
        rounds_equal(
            rounds.earlier(back), make_round(last.history, back, FEATURES, 0, least=2, most=25, least_people=2)
        )
    rounds_equal(rounds.newest(), make_round(seen, 1, FEATURES, 0, least=2, most=25, least_people=2))


def test_a_batch_in_parts_is_the_same_file() -> None:
    """Every byte, also for a customer without history."""
    seen = world("clock")
    asked = seen.where(np.flatnonzero(seen.order == 5))
    asked = replace(asked, item=np.full(len(asked), -1, np.int32))
    quick = FitSettings(trees=5, copies=1, max_questions=20)
    at_once = predict_orders(seen, asked, settings=quick).to_csv()
    assert predict_orders(seen, asked, settings=quick, mapper=InTurn()).to_csv() == at_once


def test_sums_do_not_depend_on_the_order_of_what_is_added() -> None:
    """Of a million weights, divided anyhow: the same bits, and right to 14 digits."""
    rng = np.random.default_rng(0)
    cell, weight = rng.integers(0, 7, 200_000), 0.5 ** (rng.random(200_000) * 60)
    whole = ExactSums.of(cell, weight, 7).total()
    order = rng.permutation(len(cell))
    parts = [ExactSums.of(cell[rows], weight[rows], 7) for rows in np.array_split(order, 13)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    assert np.array_equal(total.total(), whole)
    assert np.allclose(whole, np.bincount(cell, weight, minlength=7), rtol=1e-12)


@pytest.mark.parametrize("space", [100, 10**12])
def test_a_tally_adds_what_parts_counted(space: int) -> None:
    """In a table where the keys are few, sorted where they are many."""
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 100, 5000)
    whole, other = Tally(space), Tally(space)
    for part in np.array_split(keys, 6):
        counted = Tally(space)
        counted.count(part)
        whole.merge(counted)
    other.count(keys)
    assert [column.tolist() for column in whole.items()] == [column.tolist() for column in other.items()]
    assert Tally(space).items()[0].tolist() == []
