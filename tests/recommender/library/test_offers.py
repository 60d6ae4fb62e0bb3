"""`recommender.Offers` in a notebook: decide, record, fit from its own log or a table, save, load."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recommender import Offers
from recommender.library.folder import NotFitted
from recommender.offers.errors import InvalidOffer, InvalidSettings, UnusableLog
from recommender.ranking.frames import MissingColumns
from tests.recommender.library.frames import DataFrame, MakeColumns

START = datetime(2026, 9, 1, 12, tzinfo=UTC)
PORTFOLIO = [
    {"offer_id": "cake", "name": "Cake", "redemption_cost": 100, "budget_money": 100_000, "window_hours": 24},
    {"offer_id": "pie", "name": "Pie", "window_hours": 24},
]


@pytest.fixture
def offers() -> Iterator[Offers]:
    with Offers(PORTFOLIO, holdout_share=0.1, window_hours=24, lateness_hours=1) as made:
        yield made


def table(n: int = 600) -> dict[str, NDArray[np.generic]]:
    """Visits at which an arm was drawn by lot: pie earns 300 more than nothing, cake 100 less."""
    rng = np.random.default_rng(0)
    arms = np.array(["none", "cake", "pie"])[rng.integers(0, 3, n)]
    reward = 500 + 300 * (arms == "pie") - 100 * (arms == "cake") + rng.normal(0, 50, n)
    return {
        "customer": np.array([f"c{k % 200:03d}" for k in range(n)]),
        "offer": arms,
        "propensity": np.full(n, 1 / 3),
        "reward": reward,
    }


@pytest.mark.parametrize("make", [dict, DataFrame])
def test_the_better_offer_is_learned_from_a_table(offers: Offers, make: MakeColumns) -> None:
    """Then it is shown nearly always; the report holds what each would have earned."""
    offers.fit(make(table()))
    decision = offers.suggest("somebody", at=START, generator=np.random.default_rng(1))
    values = {row["method"]: row["dr"]["value"] for row in offers.report["what_if"]}

    assert decision.propensities["pie"] > 0.9
    assert values["pie"] == pytest.approx(800, abs=15)
    assert values["no offer"] == pytest.approx(500, abs=15)


def test_its_own_log_learns_what_was_recorded(offers: Offers) -> None:
    """Purchases in the window are the reward; open windows are not read; the log is a table that `fit` takes."""
    rng = np.random.default_rng(2)
    for visit in range(300):
        at, name = START + timedelta(hours=visit), f"c{visit:03d}"
        decision = offers.suggest(name, at=at, generator=rng)
        offers.record_purchase(name, 800 if decision.arm == "pie" else 500, at=at + timedelta(hours=1))
        if decision.arm == "cake":
            assert offers.record_outcome(decision, "viewed", at=at).credited
            assert offers.record_outcome(decision, "completed", at=at + timedelta(hours=1)).credited

    end = START + timedelta(hours=310)
    log = offers.log(at=end)
    assert len(log["reward"]) == 300 - 14  # a window of 24 hours and an hour for late events: until visit 285
    assert set(log["reward"][log["offer"] == "cake"]) == {400.0}
    from_its_own = offers.fit(at=end).report
    assert from_its_own["best_single"] == "pie"
    assert from_its_own["completed_aware"] > 0
    assert offers.fit(log).report["rows"] == from_its_own["rows"]
    assert offers.usage()["cake"].spent_money > 0
    assert offers.proof(at=end)["decisions"] == len(log["reward"])


def test_save_and_load_give_the_same_decisions(offers: Offers, tmp_path: Path) -> None:
    """Of customers nobody has a history of: arm, propensities and reasons."""
    offers.fit(table())
    offers.save(tmp_path)

    with Offers.load(tmp_path) as loaded:
        assert (loaded.portfolio, loaded.settings) == (offers.portfolio, offers.settings)
        assert loaded.report["rows"] == offers.report["rows"]
        for k in range(30):
            drawn = [
                one.suggest(f"new-{k}", at=START, generator=np.random.default_rng(k)) for one in (offers, loaded)
            ]
            assert drawn[0].arm == drawn[1].arm
            assert drawn[0].propensities == drawn[1].propensities


def test_what_cannot_be_used_is_named(offers: Offers, tmp_path: Path) -> None:
    """Columns, propensities by row, offers and settings by field."""
    data = table()
    with pytest.raises(MissingColumns, match="a column 'propensity'"):
        offers.fit({name: values for name, values in data.items() if name != "propensity"})
    with pytest.raises(UnusableLog, match="Rows: 2"):
        offers.fit({**data, "propensity": np.r_[0.5, 0.0, np.full(598, 0.5)]})
    with pytest.raises(UnusableLog, match="no closed decision"):
        offers.fit(at=START)
    with pytest.raises(ValueError, match="what to learn from"):
        offers.fit()
    with pytest.raises(NotFitted, match="call fit"):
        offers.save(tmp_path)
    with pytest.raises(ValueError, match="needs a zone"):
        offers.suggest("ann", at=datetime(2026, 9, 1))
    with pytest.raises(InvalidOffer, match="name"):
        Offers([{"offer_id": "cake"}])
    with pytest.raises(InvalidSettings, match="holdout"):
        Offers(PORTFOLIO, holdout=0.1)


def test_a_guest_is_shown_the_best_single_offer(offers: Offers) -> None:
    """The same for every guest, and not learned from."""
    offers.fit(table())

    assert {offers.suggest(at=START, generator=np.random.default_rng(k)).arm for k in range(5)} == {"pie"}
    assert len(offers.log(at=START + timedelta(days=9))["offer"]) == 0
