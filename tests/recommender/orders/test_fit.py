"""Rounds of past orders, the mixture of rankers, and which method comes into force."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.orders import fit
from recommender.orders.fit import FitSettings, fit_mixture, fit_orders, learn_from
from recommender.orders.model import LEARNED, NEAR, OrderModel
from recommender.orders.rounds import make_round
from recommender.orders.signals.crowd import column
from recommender.ranking.pairs import standardise
from tests.recommender.orders.worlds import habits, orders

FEATURES: list[tuple[str, ...]] = [()] * 12
QUICK = FitSettings(trees=40)


def test_only_target_customers_lose_their_newest_order() -> None:
    """Asked about a: a's last order is the question, b's last order is known."""
    seen = orders(*[(who, k, f"{who}{k}") for who in "ab" for k in range(4)])
    made = make_round(seen, 1, [()] * 8, 0, least=2, most=9, target_customers=np.array([True, False]))
    known = set(seen.items[made.history.item].tolist())

    assert made.questions.n == 1
    assert seen.items[made.truth.items].tolist() == ["a3"]
    assert known == {"a0", "a1", "a2", "b0", "b1", "b2", "b3"}


def test_a_few_target_customers_are_not_enough_to_choose_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten of forty: the last orders of all customers are validated on; enough of them: theirs alone."""
    seen = habits()
    questions = np.arange(40) < 10
    few = fit_orders(seen, FEATURES, seed=0, settings=QUICK, target_customers=questions)
    monkeypatch.setattr(fit, "ENOUGH_TARGETS", 10)
    enough = fit_orders(seen, FEATURES, seed=0, settings=QUICK, target_customers=questions)

    assert few.n_validation == 40
    assert enough.n_validation == 10


def test_nothing_to_learn_from_makes_no_rankers() -> None:
    """No rows, or too few right answers: None."""
    assert fit_mixture([], QUICK, 0) is None
    assert fit_mixture([learn_from(orders(("a", 0, "x")), 1, [()], QUICK, 0)], QUICK, 0) is None


def test_the_neighbours_pull_by_a_stated_weight() -> None:
    """With neighbours, each score moves by a tenth of the standardised nearness, and by nothing else."""
    seen = habits(customers=80)
    made = make_round(seen, 1, FEATURES, 0, least=3, most=99)
    mixture = fit_mixture([learn_from(made.history, 1, FEATURES, QUICK, 0)], QUICK, 0)
    model = OrderModel(seen.items, seen.sites, seen.regions, made.crowd, mixture, "ranker", 1.0)
    pairs = made.crowd.pairs(made.questions)
    moved = model.score(pairs, made.questions.n, "ranker with neighbours") - model.score(
        pairs, made.questions.n, "ranker"
    )
    near = standardise(pairs.question, pairs.features[:, column("near")], made.questions.n)

    assert mixture is not None
    np.testing.assert_allclose(moved, NEAR * near, atol=1e-9)


def test_the_steadiest_of_equals_is_taken() -> None:
    """Methods that validation cannot separate: the first of them; a clear winner: the winner."""
    rng = np.random.default_rng(0)
    noise = rng.random(400)
    alike = {name: noise + 0.001 * rng.standard_normal(400) for name in LEARNED}
    clear = alike | {"ranker with neighbours": noise + 0.2}

    assert fit.steadiest(alike) == LEARNED[0]
    assert fit.steadiest(clear) == "ranker with neighbours"
