"""Values of policies that were never tried, intervals that survive peeking, and fairness seen from outside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.offers.errors import SensitiveInput, UnusableLog
from recommender.offers.learning.confidence import aa_alarms, compare, comparison_of, half_width, sample_ratio
from recommender.offers.learning.off_policy import (
    Bootstrap,
    OfferLog,
    arm_scores,
    doubly_robust,
    effective_sample_size,
    snips,
    snips_difference,
)
from recommender.offers.learning.uplift import VisitFeatures, by_decile, gain_curve, qini, two_model_uplift
from recommender.offers.offline.fairness import TOO_FEW, bands, group_reports, read_groups
from recommender.offers.offline.replay import thompson

ARMS = ("none", "a", "b")


def logged(n: int = 6_000, seed: int = 0) -> OfferLog:
    """`none` earns 1, a earns 2, b earns 4, each give or take 1; b is shown to one visit in ten only."""
    rng = np.random.default_rng(seed)
    arm = rng.choice(3, n, p=[0.5, 0.4, 0.1])
    reward = np.array([1.0, 2.0, 4.0])[arm] + rng.normal(0, 1, n)
    return OfferLog(arm, np.array([0.5, 0.4, 0.1])[arm], reward, rng.integers(0, n // 4, n), ARMS)


def always(log: OfferLog, arm: int) -> NDArray[np.float64]:
    """The policy that shows one arm whatever happens, (n, arms)."""
    target = np.zeros((len(log), len(log.arms)))
    target[:, arm] = 1.0
    return target


def test_off_policy_values_are_those_of_the_world() -> None:
    """Each arm's own value lies inside both 95 % intervals, although b was hardly ever shown."""
    log = logged()
    bootstrap = Bootstrap(log.n_customers, np.random.default_rng(1), 300)
    scores = arm_scores(log, np.zeros((len(log), 3)))

    for arm, truth in enumerate((1.0, 2.0, 4.0)):
        for found in (
            snips(log, always(log, arm), bootstrap),
            doubly_robust(log, always(log, arm), scores, bootstrap),
        ):
            assert found.low < truth < found.high
            assert found.high - found.low < 0.8


def test_a_perfect_model_leaves_doubly_robust_only_the_noise() -> None:
    """With the true means as expectations the interval of b shrinks; with nonsense it stays centred."""
    log = logged()
    bootstrap = Bootstrap(log.n_customers, np.random.default_rng(1), 300)
    right = np.tile([1.0, 2.0, 4.0], (len(log), 1))

    good = doubly_robust(log, always(log, 2), arm_scores(log, right), bootstrap)
    bad = doubly_robust(log, always(log, 2), arm_scores(log, right - 9), bootstrap)

    assert good.value == pytest.approx(4, abs=0.15)
    assert bad.value == pytest.approx(4, abs=0.8)
    assert good.high - good.low < (bad.high - bad.low) / 2


def test_differences_are_paired() -> None:
    """b against a earns 2 more; a policy against itself earns nothing more, exactly."""
    log = logged()
    bootstrap = Bootstrap(log.n_customers, np.random.default_rng(1), 300)
    scores = arm_scores(log, np.zeros((len(log), 3)))

    by_score = doubly_robust(log, always(log, 2), scores, bootstrap, against=always(log, 1))
    by_weight = snips_difference(log, always(log, 2), always(log, 1), bootstrap)
    none = doubly_robust(log, always(log, 2), scores, bootstrap, against=always(log, 2))

    assert by_score.low < 2 < by_score.high
    assert by_weight.low < 2 < by_weight.high
    assert (none.value, none.low, none.high) == (0, 0, 0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=50))
def test_the_effective_size_lies_between_one_and_all(weights: list[float]) -> None:
    """Kong: equal weights count fully, one dominant weight counts once."""
    size = effective_sample_size(np.array(weights))

    assert 1 - 1e-9 <= size <= len(weights) + 1e-9


def test_a_small_effective_size_is_warned_of() -> None:
    """Sixty visits of which six showed b: the estimate says what it rests on."""
    log = logged(60)

    found = snips(log, always(log, 2), Bootstrap(log.n_customers, np.random.default_rng(0)))

    assert "effective visits" in found.warning


@pytest.mark.parametrize("wrong", [np.nan, 0.0, 1.2, -0.1])
def test_a_missing_propensity_is_refused_with_its_row(wrong: float) -> None:
    """Row 3 has none: nothing is estimated."""
    chance = np.array([0.5, 0.5, wrong, 0.5])

    with pytest.raises(UnusableLog, match="Rows: 3") as refused:
        OfferLog(np.zeros(4, int), chance, np.zeros(4), np.arange(4), ARMS)
    assert refused.value.extra["rows"] == [3]


def test_a_policy_without_support_is_refused() -> None:
    """The third arm was never shown: it has no value."""
    log = OfferLog(np.zeros(9, int), np.full(9, 0.5), np.ones(9), np.arange(9), ARMS)

    with pytest.raises(UnusableLog, match="could have made"):
        snips(log, always(log, 2), Bootstrap(9, np.random.default_rng(0)))


def test_the_always_valid_interval_is_wider_than_one_look_and_shrinks() -> None:
    """Wider than 1.96 standard errors, and narrower the smaller the error."""
    widths = [half_width(error, 1.0) for error in (1.0, 0.1, 0.01)]

    assert all(width > 1.96 * error for width, error in zip(widths, (1.0, 0.1, 0.01), strict=True))
    assert widths == sorted(widths, reverse=True)


def test_a_true_difference_becomes_certain_and_a_small_one_says_how_long() -> None:
    """Ten standard errors are certain; one is not, and needs some thirteen times the visits."""
    sure, unsure = comparison_of(10.0, 1.0, 500, scale=5.0), comparison_of(1.0, 1.0, 500, scale=1.0)

    assert sure.decided
    assert "10.00 more per visit" in sure.text
    assert not unsure.decided
    assert unsure.more_visits is not None
    assert 3_000 < unsure.more_visits < 9_000
    assert f"about {unsure.more_visits:,} more visits" in unsure.text


def test_too_few_customers_give_no_verdict() -> None:
    """Ten people left alone prove nothing: it says how many are missing."""
    treated = np.r_[np.ones(100, bool), np.zeros(10, bool)]

    verdict = compare(np.ones(110), np.ones(110), treated, scale=1.0)

    assert (verdict.decided, verdict.text) == (False, "No verdict yet: 40 more customers left alone.")


def test_peeking_raises_no_false_alarms() -> None:
    """A/A, 100 looks, 60 runs: at most 5 %, where a fixed interval at every look errs far more often."""
    rng = np.random.default_rng(4)
    customer = rng.integers(0, 800, 5_000)
    taste = rng.gamma(1.0, 5.0, 800)

    alarms = aa_alarms(taste[customer] + rng.gamma(0.5, 8.0, 5_000), customer, rng, runs=60, looks=100)

    assert alarms.always_valid <= 0.05
    assert alarms.fixed > 0.15


def test_a_broken_split_is_noticed_and_a_fair_one_is_not() -> None:
    """5 % of 10,000 customers is 500: 512 is fine, 700 is not."""
    assert sample_ratio(512, 9_488, 0.05) > 0.5
    assert sample_ratio(700, 9_300, 0.05) < 0.01


def test_watching_the_sample_ratio_every_day_stays_honest() -> None:
    """200 fair splits looked at after each of 40 batches: fewer than 2 % ever fall below .01."""
    rng = np.random.default_rng(5)
    held_out = np.cumsum(rng.binomial(50, 0.1, size=(200, 40)), axis=1)
    alarms = [
        min(sample_ratio(int(h), 50 * (look + 1) - int(h), 0.1) for look, h in enumerate(run)) < 0.01
        for run in held_out
    ]

    assert np.mean(alarms) < 0.02


def test_qini_knows_who_is_moved() -> None:
    """Only even customers are moved: ranking them first is worth 12.5 per 100, ranking them last costs as much."""
    n = 4_000
    even, treated = np.arange(n) % 2 == 0, np.arange(n) % 4 < 2
    outcome = (even & treated).astype(float)

    best, worst = qini(even.astype(float), treated, outcome), qini(-even.astype(float), treated, outcome)

    assert best.gained[-1] == pytest.approx(25.0)
    assert best.coefficient == pytest.approx(6.25)
    assert worst.coefficient == pytest.approx(-6.25)
    assert qini(np.zeros(n), treated, outcome).coefficient == pytest.approx(0)


def test_a_policy_that_is_the_other_one_differs_by_nothing() -> None:
    """No error and no difference: no verdict, and no number of visits that would bring one."""
    same = comparison_of(0.0, 0.0, 500, scale=1.0)

    assert (same.decided, same.more_visits, same.text) == (
        False,
        None,
        "No verdict yet: no difference to be seen so far.",
    )


def test_the_gain_curve_rises_fastest_where_the_gain_is() -> None:
    """Half of the visits gain 2, the others nothing: all of it is had at a share of one half."""
    gain = np.repeat([2.0, 0.0], 50)
    curve = {row["share"]: row for row in gain_curve(gain, gain)}

    assert (curve[0.5]["gained"], curve[0.5]["random"]) == (1.0, 0.5)
    assert curve[1.0]["gained"] == curve[1.0]["random"] == 1.0


def test_deciles_rank_from_the_most_promising() -> None:
    """Ten tenths, falling as the score says."""
    rows = by_decile(np.arange(100.0), np.arange(100.0) * 2)

    assert [row["predicted"] for row in rows] == [94.5 - 10 * i for i in range(10)]
    assert rows[0]["gain"] == 189


def test_two_models_find_whom_the_mail_moves() -> None:
    """The mail moves those with a positive first feature: they come first."""
    rng = np.random.default_rng(0)
    features, treated = rng.normal(size=(4_000, 2)), rng.random(4_000) < 0.5
    bought = rng.random(4_000) < 0.2 + 0.3 * (treated & (features[:, 0] > 0))

    uplift = two_model_uplift(features, treated, bought, np.array([[2.0, 0.0], [-2.0, 0.0]]))

    assert uplift[0] - uplift[1] > 0.1


def test_replay_learns_the_better_arm() -> None:
    """Arm 1 works in 8 of 10, arm 0 in 2 of 10: playing both half the time would give .5."""
    rng = np.random.default_rng(0)
    arm = rng.integers(0, 2, 4_000)
    outcome = (rng.random(4_000) < np.where(arm, 0.8, 0.2)).astype(float)
    wave = np.repeat([0.0, 1.0], 2_000)

    at_once = thompson(arm, outcome, wave, 2, rng, per_wave=False)
    by_wave = thompson(arm, outcome, wave, 2, rng, per_wave=True)

    assert at_once.rate > 0.75
    assert 0.6 < by_wave.rate < at_once.rate
    assert thompson(arm, outcome, wave, 2, rng, per_wave=False, playable=np.array([True, False])).rate < 0.3


@pytest.mark.parametrize("column", ["gender", "Age", "customer_income", "face_age", "emotion", "template-3"])
def test_a_policy_that_reads_a_sensitive_column_fails(column: str) -> None:
    """Models are fitted on `VisitFeatures`, which refuses such a column whatever it would be worth."""
    with pytest.raises(SensitiveInput, match="audits"):
        VisitFeatures(np.zeros((1, 2)), ("spend", column), np.zeros((2, 1)))


def test_the_audit_shows_exposure_and_gain_by_group() -> None:
    """Group x is shown offers on every visit and gains 2, y on none; the lone z is not shown by name."""
    names = [f"p{number}" for number in range(61)]
    groups = {name: "x" if number < 30 else "y" for number, name in enumerate(names[:60])} | {"p60": "z"}
    customer = np.repeat(np.arange(61), 3)
    exposed = (customer < 30).astype(float)

    found = {row.group: row for row in group_reports(names, customer, exposed, exposed * 2, groups)}

    assert set(found) == {"x", "y"}
    assert (found["x"].exposure, found["x"].gain, found["y"].exposure) == (1, 2, 0)
    assert found["x"].customers == 30


def test_small_groups_are_shown_together() -> None:
    """Two groups of five are merged under one name."""
    names = [f"p{number}" for number in range(10)]

    (only,) = group_reports(
        names, np.arange(10), np.ones(10), np.ones(10), {n: str(i % 2) for i, n in enumerate(names)}
    )

    assert (only.group, only.customers) == (TOO_FEW, 10)


def test_an_auditors_table_is_read_with_its_numbers_in_bands(tmp_path: Path) -> None:
    """Words stay groups, numbers become quarters, a blank is no group; a repeated customer is refused."""
    table = tmp_path / "groups.csv"
    table.write_text("customer,kind,years\na,x,20\nb,y,40\nc,,60\nd,x,\n")

    groups = read_groups(table, ["kind", "years"])

    assert groups["kind"] == {"a": "x", "b": "y", "c": "", "d": "x"}
    assert groups["years"] == {"a": "under 30", "b": "40-50", "c": "50 and over"}
    with pytest.raises(UnusableLog, match="column 'wealth' is missing"):
        read_groups(table, ["wealth"])
    table.write_text("customer,kind\na,x\na,y\n")
    with pytest.raises(UnusableLog, match="twice"):
        read_groups(table, ["kind"])


def test_ages_become_bands() -> None:
    """An auditor's numbers are grouped before they are joined."""
    assert bands({"a": 17, "b": 40, "c": 99}, [18, 65]) == {"a": "under 18", "b": "18-65", "c": "65 and over"}
