"""A decision says with which probability it could have been another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.offers.bandit import (
    Posterior,
    best_arm_probabilities,
    common_prior,
    gaussian_posterior,
    with_floor,
)
from recommender.offers.decision import (
    FEATURES,
    GUEST,
    HOLDOUT,
    POLICY,
    Policy,
    choose_arm,
    draw,
    in_holdout,
    propensities,
)
from recommender.offers.settings import OfferSettings
from tests.recommender.offers.world import SALT

HOUSE = OfferSettings(SALT)
NEWCOMER = np.zeros(len(FEATURES))
SURE = Policy("v1", ("a", "b"), Posterior(np.array([100.0, 900.0]), np.array([1.0, 1.0])), 500.0, 50.0)


class Reluctant:
    """Gains only from customers who spent something."""

    threshold = 10.0

    def gain(self, features: NDArray[np.float64]) -> float:
        return float(features[FEATURES.index("spend")])


@settings(deadline=None)
@given(
    ids=st.sets(st.sampled_from("abcdefgh")).map(sorted),
    cell=st.sampled_from([HOLDOUT, POLICY, GUEST]),
    mode=st.sampled_from(["thompson", "best_single"]),
    none_mean=st.none() | st.floats(-1e4, 1e4),
    seed=st.integers(0, 2**62),
)
def test_propensities_sum_to_one_and_name_every_eligible_arm(
    ids: list[str], cell: str, mode: str, none_mean: float | None, seed: int
) -> None:
    """Whatever the cell and the policy: every eligible arm and `none` are there and sum to one."""
    policy = Policy("v", SURE.arms, SURE.posterior, 500.0, 50.0, none_mean, 10.0, mode)

    arm, spread, _ = choose_arm(cell, ids, policy, NEWCOMER, HOUSE, seed)

    assert list(spread) == ["none", *ids]
    assert sum(spread.values()) == pytest.approx(1, abs=1e-12)
    assert spread[arm] > 0
    assert cell != POLICY or not ids or min(spread.values()) >= HOUSE.exploration / (1 + len(ids)) - 1e-15


def test_the_same_seed_decides_the_same() -> None:
    """A decision can be replayed from its log."""
    first = choose_arm(POLICY, ["a", "b", "c"], SURE, NEWCOMER, HOUSE, 42)

    assert choose_arm(POLICY, ["a", "b", "c"], SURE, NEWCOMER, HOUSE, 42) == first


def test_arms_are_drawn_as_often_as_their_propensity_says() -> None:
    """4,000 seeds at probabilities .7, .2, .1."""
    wanted = np.array([0.7, 0.2, 0.1])
    drawn = [draw("xyz", wanted, seed) for seed in range(4_000)]

    assert np.abs([drawn.count(arm) / 4_000 for arm in "xyz"] - wanted).max() < 0.025


def test_the_better_offer_is_shown_and_a_new_one_gets_tried() -> None:
    """b beats a beyond doubt; the unseen c is wide enough to win now and then."""
    known, _ = propensities(["a", "b"], SURE, NEWCOMER, HOUSE)
    with_new, _ = propensities(
        ["a", "b", "c"], Policy("v", SURE.arms, SURE.posterior, 700.0, 200.0), NEWCOMER, HOUSE
    )

    assert known[2] == pytest.approx(0.95 + 0.05 / 3)
    assert 0.1 < with_new[3] < 0.3 < with_new[2]


def test_nothing_is_shown_where_nothing_is_gained() -> None:
    """A customer without expected gain sees nothing, except by the exploration floor."""
    policy = Policy("v", SURE.arms, SURE.posterior, uplift=Reluctant())
    spender = NEWCOMER.copy()
    spender[FEATURES.index("spend")] = 50.0

    left, why = propensities(["a", "b"], policy, NEWCOMER, HOUSE)
    shown, _ = propensities(["a", "b"], policy, spender, HOUSE)

    assert (left[0], why) == (pytest.approx(0.95 + 0.05 / 3), "no_gain_expected")
    assert shown[0] == pytest.approx(0.05 / 3)


def test_showing_nothing_competes_until_it_is_known_whom_offers_move() -> None:
    """When nothing at all earns more than any offer, nothing is what is shown."""
    policy = Policy("v", SURE.arms, SURE.posterior, none_mean=2_000.0, none_sd=1.0)

    assert propensities(["a", "b"], policy, NEWCOMER, HOUSE)[0][0] > 0.95


def test_a_policy_that_fell_back_shows_the_best_single_offer() -> None:
    """Best single offer, plus the floor that may prove it wrong."""
    fallen = Policy("v", SURE.arms, SURE.posterior, mode="best_single")

    assert propensities(["a", "b"], fallen, NEWCOMER, HOUSE)[0][2] == pytest.approx(0.95 + 0.05 / 3)


def test_a_new_offer_is_tried_although_the_policy_fell_back() -> None:
    """Until the next training knows the unseen c, chance decides again."""
    fallen = Policy("v", SURE.arms, SURE.posterior, 850.0, 200.0, mode="best_single")

    assert propensities(["a", "b", "c"], fallen, NEWCOMER, HOUSE)[0][3] > 0.2


def test_a_share_of_visits_is_drawn_by_lot_until_it_is_known_whom_offers_move() -> None:
    """One visit in five carries an offer, give or take the floor."""
    house = OfferSettings(SALT, share=0.2)

    spread, _ = propensities(["a", "b"], SURE, NEWCOMER, house)

    assert spread[1:].sum() == pytest.approx(0.95 * 0.2 + 0.05 * 2 / 3)
    assert spread.sum() == pytest.approx(1)


def test_every_guest_sees_the_same() -> None:
    """Without a token there is no chance, no holdout and no history in the choice."""
    arms = {choose_arm(GUEST, ["a", "b"], SURE, NEWCOMER, HOUSE, seed)[0] for seed in range(20)}

    assert arms == {"b"}


def test_the_holdout_is_sticky_and_as_large_as_set() -> None:
    """5 % of 4,000 customers, the same ones on every visit, others under another salt or tenant."""
    people = [f"p{number}" for number in range(4_000)]
    held_out = [one for one in people if in_holdout(HOUSE, "cafe", one)]

    assert held_out == [one for one in people if in_holdout(HOUSE, "cafe", one)]
    assert 150 <= len(held_out) <= 250
    assert held_out != [one for one in people if in_holdout(OfferSettings("another long salt"), "cafe", one)]
    assert held_out != [one for one in people if in_holdout(HOUSE, "bistro", one)]


@pytest.mark.parametrize(
    "fields", [{"holdout_share": 0.9}, {"exploration": 0.0}, {"share": 1.5}, {"window_hours": 0}, {"nag_count": 0}]
)
def test_settings_that_could_not_be_judged_are_refused(fields: dict[str, Any]) -> None:
    """No exploration floor means propensities of zero, and no proof."""
    with pytest.raises(ValueError, match=next(iter(fields))):
        OfferSettings(SALT, **fields)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 50), st.integers(0, 10**6))
def test_win_probabilities_are_those_of_sampling(n: int, seed: int) -> None:
    """The integral agrees with 20,000 simulated Thompson draws."""
    rng = np.random.default_rng(seed)
    believed = Posterior(rng.normal(0, 1, n), rng.uniform(0.05, 1.5, n))
    draws = (believed.mean + believed.sd * rng.normal(size=(20_000, n))).argmax(axis=1)

    exact = best_arm_probabilities(believed)

    assert exact.sum() == pytest.approx(1)
    assert np.abs(np.bincount(draws, minlength=n) / 20_000 - exact).max() < 0.02


def test_the_posterior_moves_from_the_prior_to_the_average() -> None:
    """Untried: the prior. A million rewards: their average, and no doubt left."""
    believed = gaussian_posterior(np.array([0.0, 1e6]), np.array([np.nan, 7.0]), 10.0, 5.0, 2.0)

    assert believed.mean == pytest.approx([5.0, 7.0], abs=1e-3)
    assert believed.sd == pytest.approx([2.0, 0.01], abs=1e-3)


def test_the_common_prior_never_shuts_a_new_offer_out() -> None:
    """Arms that all earn the same still leave a spread of a fifth of the noise."""
    centre, spread = common_prior(np.array([100.0, 100.0, 0.0]), np.array([6.0, 6.0, np.nan]), 10.0)

    assert (centre, spread) == (6.0, 2.0)
    assert common_prior(np.zeros(2), np.zeros(2), 3.0) == (0.0, 3.0)


def test_the_floor_keeps_weights_small() -> None:
    """With a floor of 5 % over 4 arms no propensity falls below 1.25 %."""
    assert np.min(with_floor(np.array([1.0, 0, 0, 0]), 0.05)) == pytest.approx(0.0125)
