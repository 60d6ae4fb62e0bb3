"""Metrics, splits and paired tests, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.ranking.metrics import (
    Targets,
    orders_per_customer,
    paired_bootstrap,
    score_lists,
    split_last,
    spread,
    summary,
    table,
)
from tests.recommender.orders.worlds import orders


def truth(*answers: set[int], known: set[int] | None = None) -> Targets:
    pairs = [(q, i) for q, items in enumerate(answers) for i in sorted(items)]
    question, item = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    return Targets.from_pairs(question, item, np.isin(item, sorted(known or ())), len(answers))


def lists(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.int32)


def test_a_perfect_list_scores_one_everywhere() -> None:
    """All right answers first: every metric is 1."""
    scores = summary(score_lists(lists([4, 7, 1]), truth({4, 7})))

    assert [scores[name] for name in ("ndcg@10", "recall@10", "phr@10", "hr@1", "mrr@20")] == [1, 1, 1, 1, 1]


def test_metrics_of_a_list_worked_out_by_hand() -> None:
    """One of two answers in second place: ndcg is (1/log2 3) / (1 + 1/log2 3), recall a half, mrr a half."""
    scores = summary(score_lists(lists([9, 4, 8]), truth({4, 7})))

    second = 1 / math.log2(3)
    assert scores["ndcg@10"] == pytest.approx(second / (1 + second))
    assert (scores["recall@10"], scores["hr@1"], scores["mrr@20"]) == (0.5, 0, 0.5)


def test_repeats_and_explorations_are_separated() -> None:
    """Of one known and one new answer the known one is found: repeat 1, explore 0."""
    scores = summary(score_lists(lists([4, 9]), truth({4, 7}, known={4})))

    assert (scores["repeat@10"], scores["explore@10"]) == (1, 0)


def test_only_the_first_ten_count() -> None:
    """An answer in eleventh place is found by mrr@20 alone."""
    scores = summary(score_lists(lists([*range(20, 30), 4]), truth({4})))

    assert scores["recall@10"] == 0
    assert scores["mrr@20"] == pytest.approx(1 / 11)


def test_the_end_of_a_short_list_is_never_a_hit() -> None:
    """-1 pads a list and matches nothing."""
    assert summary(score_lists(lists([-1, -1]), truth({0})))["phr@10"] == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.permutations(range(8)), min_size=1, max_size=5), st.sets(st.integers(0, 9), min_size=1))
def test_metrics_lie_between_zero_and_one(rows: list[list[int]], right: set[int]) -> None:
    """Law: every metric of every list is in [0, 1], and ndcg is 1 only if nothing could be better."""
    scores = score_lists(lists(*rows), truth(*[right for _ in rows]))

    for name in ("ndcg@10", "recall@10", "phr@10", "hr@1", "mrr@20"):
        assert ((scores[name] >= 0) & (scores[name] <= 1 + 1e-12)).all()


def test_the_split_takes_the_last_order_and_nothing_after_it() -> None:
    """With back=2 the last but one is the target and the last is in neither part; short histories stay whole."""
    seen = orders(*[("a", k, f"a{k}") for k in range(4)], ("b", 0, "b0"), ("b", 1, "b1"))
    history, targets = split_last(seen, back=2, least=4)

    assert sorted(seen.items[history.item].tolist()) == ["a0", "a1", "b0", "b1"]
    assert seen.items[targets.item].tolist() == ["a2"]


def test_guests_are_history_and_never_targets() -> None:
    """Rows without a customer stay in the history, also when there is nobody else."""
    seen = orders(("", 0, "x"), ("", 1, "y"))
    history, targets = split_last(seen, least=1)

    assert (len(history), len(targets), len(orders_per_customer(seen))) == (2, 0, 0)


def test_the_bootstrap_sees_a_real_gain_and_no_imagined_one() -> None:
    """A constant gain has its interval there, no difference one around zero; one question proves nothing."""
    rng = np.random.default_rng(0)
    base = rng.random(400)
    gain = paired_bootstrap(base + 0.1, base, rng)
    none = paired_bootstrap(rng.permutation(base), base, rng)
    single = paired_bootstrap(np.array([1.0]), np.array([0.0]), rng)

    assert gain.low == pytest.approx(0.1)
    assert none.low < 0 < none.high
    assert single.low == -math.inf


def test_spread_is_one_when_all_are_shown_alike() -> None:
    """Two items shown equally: coverage and diversity 1; one of two: a half each."""
    assert spread(lists([0], [1]), 2) == {"coverage": 1.0, "diversity": pytest.approx(1.0)}
    assert spread(lists([0], [0]), 2) == {"coverage": 0.5, "diversity": pytest.approx(0.5)}


def test_a_table_lines_up_and_shows_what_is_missing() -> None:
    """Numbers have four decimals, NaN and missing cells a dash."""
    text = table([{"method": "a", "x": 0.5}, {"method": "longer", "x": float("nan")}])

    assert text.splitlines() == ["method       x", "------  ------", "a       0.5000", "longer       -"]
