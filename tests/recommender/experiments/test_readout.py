"""What is said about an experiment: true when it says something, and not too early."""

from __future__ import annotations

import numpy as np
import pytest

from recommender.experiments.power import Traffic, days_needed, visits_needed
from recommender.experiments.readout import explored, more_visits, read_out
from recommender.experiments.sums import Sums, difference, sample_ratio
from recommender.offers.learning import confidence
from tests.recommender.experiments.worlds import experiment, people

DAY = 86_400_000_000


def looks(
    rng: np.random.Generator, *, runs: int, customers: int, days: int, effect: float = 0.0, money: bool = False
) -> np.ndarray:
    """In how many of `runs` experiments a verdict was reached by the end of each of `days`, (days,): looked at
    daily, while customers come again and again."""
    groups = (rng.random((runs, customers)) < 0.5).astype(float)
    own = rng.beta(4, 6, customers)
    visits, reward = np.zeros(customers), np.zeros((2, customers))
    decided, by_day = np.zeros(runs, bool), []
    for _ in range(days):
        comes = rng.random(customers) < 0.15
        visits += comes
        for at in (0, 1):
            rate = np.clip(own + effect * at, 0, 1)
            more = rng.lognormal(2, 1, customers) * 100 if money else rng.random(customers) < rate
            reward[at] += comes * more
        one = _both(reward[1], visits, groups)
        other = _both(reward[0], visits, 1 - groups)
        found = difference(one, other, scale=100.0 if money else 0.05)
        decided |= found.judged & ((found.low > 0) | (found.high < 0))
        by_day.append(decided.mean())
    return np.array(by_day)


def _both(reward: np.ndarray, visits: np.ndarray, groups: np.ndarray) -> Sums:
    return Sums.of(reward, visits, groups)


@pytest.mark.parametrize("money", [False, True])
def test_a_thousand_experiments_without_a_difference_read_daily(money: bool) -> None:
    """Thirty looks at each of 1,000: at most 5 in 100 say that a variant is better or worse."""
    found = looks(np.random.default_rng(1), runs=1_000, customers=600, days=30, money=money)

    assert found[-1] <= 0.05


def test_a_known_effect_is_found() -> None:
    """Ten more of a hundred visits: found in nine of ten experiments, before the end."""
    assert looks(np.random.default_rng(2), runs=200, customers=1_500, days=30, effect=0.10)[-1] >= 0.9


def test_a_rare_reward_is_not_judged_by_nothing() -> None:
    """A variant without a single success has no spread of its own; that is no certainty."""
    rng = np.random.default_rng(3)
    visits = np.ones(400)
    reward = np.zeros(400)
    reward[:15] = 1.0
    groups = np.r_[np.ones(200), np.zeros(200)]
    few = difference(Sums.of(reward, visits, groups), Sums.of(reward, visits, 1 - groups), scale=0.02)
    reward[:] = rng.random(400) < 0.02
    assert not few.judged
    found = difference(Sums.of(reward, visits, groups), Sums.of(reward, visits, 1 - groups), scale=0.02)
    assert not (found.judged and (found.low > 0 or found.high < 0))


def test_a_verdict_names_the_variant_and_its_interval() -> None:
    made = read_out(experiment(), people(3_000, np.random.default_rng(4), rates=(0.4, 0.5)), 30 * DAY, 0)

    verdict = made["verdict"]
    assert (verdict["kind"], verdict["variant"]) == ("better", "B")
    assert 0 < verdict["low"] < 0.1 < verdict["high"] < 0.2
    assert made["cost"]["best"] == "B"
    assert 0 < made["cost"]["low"] < made["cost"]["value"] < made["cost"]["high"]


def test_no_verdict_yet_says_how_much_more() -> None:
    made = read_out(experiment(), people(400, np.random.default_rng(5), rates=(0.4, 0.43)), 10 * DAY, 0)

    verdict = made["verdict"]
    assert verdict["kind"] == "open"
    assert verdict["more_visits"] > 0
    assert verdict["more_days"] == pytest.approx(verdict["more_visits"] / made["visits_per_day"], abs=1)


def test_a_difference_that_does_not_matter_is_a_verdict() -> None:
    asked = experiment(minimum_effect=0.15)
    assert read_out(asked, people(3_000, np.random.default_rng(6)), DAY, 0)["verdict"]["kind"] == "same"


def test_the_best_of_several_is_named_and_each_has_its_own_error_rate() -> None:
    shares = (0.4, 0.3, 0.3)
    world = people(6_000, np.random.default_rng(7), shares=shares, rates=(0.4, 0.46, 0.55))
    made = read_out(experiment(shares), world, DAY, 0)
    two = read_out(experiment((0.4, 0.6)), people(6_000, np.random.default_rng(7)), DAY, 0)

    assert (made["verdict"]["kind"], made["verdict"]["variant"]) == ("better", "C")
    assert two["verdict"]["kind"] in ("open", "same")
    worse = read_out(
        experiment(shares), people(6_000, np.random.default_rng(8), shares=shares, rates=(0.6, 0.4, 0.5)), DAY, 0
    )
    assert worse["verdict"]["kind"] == "worse"


def test_a_broken_assignment_stops_the_verdict() -> None:
    """A variant that loses a fifth of its customers on the way: no verdict, however clear the figures look."""
    rng = np.random.default_rng(9)
    world = people(3_000, rng, rates=(0.4, 0.6))
    lost = np.array([int(unit[:16], 16) / 2**64 >= 0.5 for unit in world.units.tolist()]) & (
        rng.random(3_000) < 0.2
    )
    made = read_out(experiment(), world.where(~lost), DAY, 0)

    assert made["ratio"]["broken"]
    assert made["verdict"] == {"kind": "ratio"}


def test_a_sample_ratio_raises_no_false_alarm_however_often_one_looks() -> None:
    """Among 300 experiments that are looked at after every 50 customers, at most 1 in 100."""
    rng = np.random.default_rng(10)
    alarms = 0
    for _ in range(300):
        ones = np.cumsum(rng.random(1_000) < 0.3)
        alarms += any(
            sample_ratio([k - int(ones[k - 1]), int(ones[k - 1])], (0.7, 0.3)) < 0.001
            for k in range(50, 1_001, 50)
        )
    assert alarms <= 3


def test_the_sample_ratio_of_two_is_that_of_the_holdout() -> None:
    assert sample_ratio([60, 140], (0.5, 0.5)) == pytest.approx(confidence.sample_ratio(60, 140, 0.5))
    assert sample_ratio([], ()) == 1.0


def test_of_fewer_than_ten_customers_nothing_is_said() -> None:
    made = read_out(experiment(), people(14, np.random.default_rng(11)), DAY, 0)

    small = [row for row in made["variants"] if row["customers"] is None]
    assert small
    assert all(row["mean"] is None and row["visits"] is None for row in small)
    assert all(count is None or count >= 10 for count in made["ratio"]["customers"])
    assert made["verdict"]["kind"] == "few_customers"
    assert read_out(experiment(), people(0, np.random.default_rng(0)), DAY, 0)["verdict"]["kind"] == "empty"


def test_guards_are_looked_at_too() -> None:
    """A variant that is better and answers much later: both are said."""
    rng = np.random.default_rng(12)
    world = people(3_000, rng, rates=(0.4, 0.5))
    late = np.array([int(unit[:16], 16) / 2**64 >= 0.5 for unit in world.units.tolist()])
    slow = world.visits * (20 + 200 * late) + rng.normal(0, 5, 3_000)
    world = people(3_000, np.random.default_rng(12), rates=(0.4, 0.5), answer_ms=slow)
    made = read_out(experiment(), world, DAY, 0)

    assert made["verdict"]["kind"] == "better"
    assert made["variants"][1]["guards"]["answer_ms"]["worse"]
    assert not made["variants"][1]["guards"]["not_me"]["worse"]


def test_by_site_is_to_look_at_and_hides_small_groups() -> None:
    rows = explored(experiment(), people(300, np.random.default_rng(13)), "site")
    assert [(row["group"], row["variant"]) for row in rows] == [
        ("north", "A"),
        ("north", "B"),
        ("south", "A"),
        ("south", "B"),
    ]
    assert all(
        row["mean"] is None for row in explored(experiment(), people(12, np.random.default_rng(13)), "site")
    )


def test_how_long_it_takes() -> None:
    """A smaller effect, more variants and fewer customers take longer; nobody who comes is never."""
    usual = Traffic(200.0, 0.24, 0.4)
    days = days_needed(usual, (0.5, 0.5), 0.05, 1.0)
    assert days is not None
    assert 10 < days < 60
    assert (days_needed(usual, (0.5, 0.5), 0.025, 1.0) or 0) > 3 * days
    assert (days_needed(usual, (0.4, 0.3, 0.3), 0.05, 1.0) or 0) > days
    assert (days_needed(usual, (0.5, 0.5), 0.05, 0.5) or 0) == pytest.approx(2 * days, abs=1)
    assert days_needed(Traffic(0.0, 1.0, 0.0), (0.5, 0.5), 0.05, 1.0) is None
    assert visits_needed(0.24, (0.5, 0.5), 1e-9) is None


def test_the_calculator_keeps_its_word() -> None:
    """With as many visits as it asks for, an effect of that size is found by about four experiments in five."""
    rng = np.random.default_rng(14)
    n = visits_needed(0.24, (0.5, 0.5), 0.08)
    assert n is not None
    visits = np.ones(n)
    found = 0
    for _ in range(200):
        group = (rng.random(n) < 0.5).astype(float)
        reward = (rng.random(n) < 0.4 + 0.08 * group).astype(float)
        made = difference(Sums.of(reward, visits, group), Sums.of(reward, visits, 1 - group), scale=0.08)
        found += bool(made.judged and made.low > 0)
    assert 0.65 < found / 200 < 0.95


def test_more_visits_is_foreseeable_while_nothing_differs() -> None:
    assert more_visits(0.0, 0.02, 1_000, 0.03, 0.05) is not None
    assert more_visits(0.0, 0.02, 1_000, 0.0001, 0.05) is None
