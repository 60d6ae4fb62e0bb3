"""From the log to a policy: what is learned, what is not believed, and what is written for a batch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from plumbing.clock import DAY
from recommender.errors import NotEnoughEvents
from recommender.offers.answers import earnings
from recommender.offers.decision import FEATURES
from recommender.offers.errors import UnusableLog
from recommender.offers.learning import log as learning
from recommender.offers.learning import train as training
from recommender.offers.learning.fit import fit_policy, target
from recommender.offers.learning.log import from_parts
from recommender.offers.settings import OfferSettings
from recommender.scene import Trained, TrainingInput
from recommender.scenes.offer_decisions import decide_offer
from recommender.scenes.offer_outcomes import record_purchases
from recommender.scenes.offers import OffersScene
from tests.recommender.offers.world import (
    NOW_US,
    SALT,
    TENANT,
    Row,
    cafe,
    no_holdout,
    offer,
    open_store,
    request,
    row,
    silent,
)

HOUSE = OfferSettings(SALT, holdout_share=0.2)
OFFERS = {"good": offer("good"), "poor": offer("poor", redemption_cost=50)}


def test_the_best_offer_is_learned_with_nothing_as_the_measure() -> None:
    """Means come out as the world made them, the holdout included."""
    closed = learning.read_closed(cafe(), HOUSE)
    policy = learning.context_free(closed)

    believed = dict(zip(policy.arms, policy.posterior.mean, strict=True))
    assert believed["good"] == pytest.approx(800, abs=15)
    assert believed["poor"] == pytest.approx(300, abs=15)
    assert policy.none_mean == pytest.approx(500, abs=15)


def test_open_windows_are_censored_and_blind_completions_earn_no_credit() -> None:
    """Of five decisions one is open; of three completions one had no view and one was viewed only afterwards."""
    rows = [row(1, "good", 5, open=1)] + [
        row(2, "good", 5, viewed_us=viewed, completed_us=completed)
        for viewed, completed in ((1, 2), (None, 2), (3, 2), (1, None))
    ]

    closed = learning.read_closed(rows, HOUSE)

    assert (len(closed), closed.n_open, closed.aware, closed.blind) == (4, 1, 1, 2)


def test_a_logged_decision_without_its_propensity_is_refused() -> None:
    """The second closed decision lacks the propensity of what it showed."""
    rows = [row(1, "good", 5), row(2, "good", 5, propensities=json.dumps({"none": 1.0}))]

    with pytest.raises(UnusableLog, match="Rows: 2"):
        learning.read_closed(rows, HOUSE)


def train(rows: list[Row]) -> Trained:
    closed = learning.read_closed(rows, HOUSE)
    return training.train_policy(closed, OFFERS, HOUSE, seed=0, progress=silent)


def test_a_learned_policy_earns_what_the_best_offer_earns() -> None:
    """The report compares it with nothing and with the best single offer, and says which is in force."""
    report = train(cafe()).report
    values = {line["method"]: line["dr"]["value"] for line in report.rows}

    assert values["learned"] == pytest.approx(values["best single offer"], abs=10)
    assert values["no offer"] == pytest.approx(500, abs=25)
    assert report.interval[0] > -learning.TOLERANCE * values["best single offer"]
    assert report.in_force == "ranker"
    assert report.figures["cost_of_exploring"] == pytest.approx(0.05 * (800 - (500 + 800 + 300) / 3), abs=5)


def noisy(better_by: int) -> list[Row]:
    """Rewards so far apart (900 up or down from 500) that 320 visits hardly distinguish two offers."""
    rows = []
    for visit in range(320):
        arm, sign = ("good", "poor")[visit % 2], (-1, 1)[visit // 2 % 2]
        customer = visit + visit // 4 + 1  # none of them in the holdout
        rows.append(row(customer, arm, 500 + better_by * (arm == "good") + 900 * sign, visit / 20))
        rows[-1]["propensities"] = json.dumps({"none": 0.0, "good": 0.5, "poor": 0.5})
    return rows


def test_a_policy_that_may_be_worse_falls_back_to_the_best_single_offer() -> None:
    """`good` is the better one, nine to one; what Thompson still gives to the other could cost too much."""
    trained = train(noisy(150))

    assert trained.report.in_force == "counting"
    assert "best single offer is shown to everybody" in trained.report.why
    assert from_parts(trained.arrays, trained.texts).mode == "best_single"


def test_nothing_is_fallen_back_on_while_the_best_offer_is_a_guess() -> None:
    """Two offers that cannot be distinguished: Thompson continues with both."""
    trained = train(noisy(0))

    assert "not certain yet" in trained.report.why
    assert from_parts(trained.arrays, trained.texts).mode == "thompson"


def moved_by_offers(n: int = 2_600) -> list[Row]:
    """Who spent 3 or more before spends 400 more with `good`; the others 200 less."""
    rng = np.random.default_rng(1)
    rows = []
    for visit in range(n):
        customer = visit % (n // 2)
        arm = "none" if customer % 5 == 0 else str(rng.choice(["none", "good", "poor"], p=[0.2, 0.4, 0.4]))
        effect = {"none": 0, "good": 400 if customer % 7 >= 3 else -200, "poor": -300}[arm]
        rows.append(row(customer, arm, int(600 + effect + rng.normal(0, 50)), day=visit / 200))
    return rows


def test_whom_offers_move_is_learned_saved_and_read_back() -> None:
    """The customer who is moved gains, the other does not; the model survives its own text, byte for byte."""
    trained = train(moved_by_offers())
    again = train(moved_by_offers())
    policy = from_parts(trained.arrays, trained.texts)
    moved, unmoved = np.zeros(len(FEATURES)), np.zeros(len(FEATURES))
    moved[FEATURES.index("spend")], unmoved[FEATURES.index("spend")] = 6.0, 1.0

    assert policy.uplift is not None
    assert 150 < policy.uplift.gain(moved) < 450  # shrunk towards the average of 140, never beyond the truth
    assert policy.uplift.gain(unmoved) < 0
    assert policy.version == trained.report.figures["version"]
    assert again.texts == trained.texts
    assert trained.report.figures["deciles"][0]["gain"] == pytest.approx(400, abs=60)


def test_a_share_of_visits_goes_to_those_whom_offers_move() -> None:
    """Where one visit in three may carry an offer, the threshold keeps the others out, in the report as well."""
    house = OfferSettings(SALT, holdout_share=0.2, share=0.33)
    closed = learning.read_closed(moved_by_offers(), house)

    policy = fit_policy(closed, OFFERS, house, seed=0, progress=silent).policy
    shown = 1 - target(closed, policy, house)[:, 0]

    assert policy.uplift is not None
    assert 0.2 < shown.mean() <= 0.33
    assert closed.features[shown > 0, FEATURES.index("spend")].min() >= 3


@pytest.mark.parametrize("wrong", [{}, {"policy.json": "{"}, {"policy.json": "{}"}])
def test_a_broken_policy_is_not_loaded(wrong: dict[str, str]) -> None:
    """Unreadable texts are a ValueError: the version before stays in force."""
    with pytest.raises(ValueError, match="policy"):
        from_parts({"mean": np.zeros(1), "sd": np.ones(1)}, wrong)


def test_the_desk_sees_the_gain_grow_certain() -> None:
    """Offers that add some 200 a visit: in the end the interval excludes zero, and it has narrowed."""
    closed = learning.read_closed([r for r in cafe(1_200) if r["arm"] != "poor"], HOUSE)
    desk = earnings(closed, HOUSE)

    assert desk["decided"]
    assert 0 < desk["low"] < 200 < desk["high"]
    assert not desk["ratio"]["broken"]
    assert desk["history"][0]["high"] - desk["history"][0]["low"] > desk["high"] - desk["low"]


def test_nothing_to_learn_from_says_what_is_missing(tmp_path: Path) -> None:
    """One open window: when it will be closed is in the sentence."""
    store = open_store(tmp_path / "r.db")
    store.save_settings(TENANT, no_holdout())
    store.save_offers(TENANT, [offer("a")], NOW_US)
    decide_offer(store, request(customer="p1"))

    with pytest.raises(NotEnoughEvents, match="1 are open"):
        OffersScene(store).train(TrainingInput(tenant=TENANT, now_us=NOW_US), seed=0, progress=silent)
    assert OffersScene(store).report(TENANT, NOW_US)["open_windows"] == 1


def test_the_counter_learns_from_its_own_log(tmp_path: Path) -> None:
    """300 visits at the counter: the offer after which people buy is the one that is shown from then on."""
    store = open_store(tmp_path / "r.db")
    store.save_settings(TENANT, no_holdout())
    store.save_offers(TENANT, [offer("good"), offer("poor")], NOW_US)
    for visit in range(300):
        at = NOW_US + visit
        decision = decide_offer(store, request(at, np.random.default_rng(visit), f"p{visit}"))
        amount = {"good": 900, "poor": 300, "none": 400}[decision.arm]
        record_purchases(store, TENANT, [(f"b{visit}", f"p{visit}", at + 1, amount)], at + 1)
    later = NOW_US + 10 * DAY
    trained = OffersScene(store).train(TrainingInput(tenant=TENANT, now_us=later), seed=0, progress=silent)
    policy = from_parts(trained.arrays, trained.texts)

    decision = decide_offer(store, request(later, np.random.default_rng(900), "p1"), policy)

    assert decision.propensities["good"] > 0.9
    assert decision.policy_version == trained.report.figures["version"]
