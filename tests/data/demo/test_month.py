"""The month of offers: the rules hold on every day of it, and what it proves is what was put into it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from data.demo.month import Month, by_day, month, simulate_month, visits_of_day
from data.town.town import Town
from plumbing.clock import DAY
from plumbing.init_cli import begin
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.item import Item
from recommender.offers.answers import Saying, said
from recommender.offers.portfolio import NONE
from recommender.scenes.offers import OffersScene
from tests.data.demo.test_demo import quiet

NOW_US = 1_795_435_200_000_000  # a Monday in November 2026
DAYS = 12


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """Twelve days of two hundred customers."""
    home = tmp_path_factory.mktemp("month")
    stores = open_stores(RecommenderConfig(home=home, token_keys=()))
    yield simulate_month(stores, home, "town", customers=200, days=DAYS, seed=1, now_us=NOW_US, progress=quiet)
    stores.database.close()


def decisions(lived: Month) -> list[dict[str, Any]]:
    return [dict(row) for row in lived.stores.database.rows("SELECT * FROM offer_decisions ORDER BY decided_us")]


def test_every_visit_of_the_month_is_a_decision_with_all_propensities(lived: Month) -> None:
    """As many as the town has visits then; each sums to one and holds what was shown."""
    found = decisions(lived)
    visits = [v for v in visits_of_day(lived.town) if v.time_us >= found[0]["decided_us"]]
    assert len(found) == len(visits) > 800
    spreads = [json.loads(row["propensities"]) for row in found]
    assert np.allclose([sum(spread.values()) for spread in spreads], 1.0)
    assert all(spread[row["arm"]] > 0 for row, spread in zip(found, spreads, strict=True))


def test_no_rule_is_broken_on_any_day(lived: Month) -> None:
    """Nobody of the holdout is shown anything; caps, hours and budgets of the town's offers hold."""
    offers = {offer.offer_id: offer for offer in lived.town.offers}
    last: dict[tuple[str, str], int] = {}
    shown: Counter[str] = Counter()
    for row in decisions(lived):
        if row["arm"] == NONE:
            continue
        offer = offers[row["arm"]]
        hour = json.loads(row["context"])["hour"]
        inside = offer.from_hour <= hour < offer.to_hour
        around = offer.from_hour > offer.to_hour and not offer.to_hour <= hour < offer.from_hour
        assert row["cell"] == "policy"
        assert inside or around
        key = (row["pseudonym"], row["arm"])
        assert row["decided_us"] - last.get(key, 0) > 7 * DAY
        last[key] = row["decided_us"]
        shown[row["arm"]] += 1
    used = lived.stores.offers.all_usage("town")
    assert sum(shown.values()) > 400
    assert all(used[name].spent_count <= (offers[name].budget_count or 0) for name in offers)
    assert sum(one.spent_count for one in used.values()) > 50


def test_the_policy_came_from_the_log_and_its_versions_are_there(lived: Month) -> None:
    """Trained after a week and at the end; the later decisions name the first version's policy."""
    versions = {row["policy_version"] for row in decisions(lived)}
    states = [run.state for run in lived.stores.models.runs("town", "offers")]
    assert "none-yet" in versions
    assert len(versions) >= 2
    assert states.count("published") >= 2
    assert lived.policy is not None


def test_windows_have_closed_and_the_page_has_an_answer(lived: Month) -> None:
    """Nothing is open at the end of the last day but late ones; the answer is about visits."""
    report = said(OffersScene(lived.stores.offers).report("town", NOW_US), Saying())
    assert report["open_windows"] == 0
    assert "per visit" in report["answer"] or "No verdict yet" in report["answer"]
    assert not report["ratio"]["broken"]


def test_the_same_seed_lives_the_same_month(lived: Month, tmp_path: Path) -> None:
    """Decision for decision, so that a figure can be looked at again."""
    stores = open_stores(RecommenderConfig(home=tmp_path, token_keys=()))
    again = simulate_month(
        stores, tmp_path, "town", customers=200, days=DAYS, seed=1, now_us=NOW_US, progress=quiet
    )
    assert [row["arm"] for row in decisions(again)] == [row["arm"] for row in decisions(lived)]
    stores.database.close()


def test_days_are_days_of_the_towns_clock() -> None:
    """Every visit is in one day, in order."""
    visits = visits_of_day(Town.build(0, customers=20, days=10))
    days = list(by_day(visits))
    assert [one for day in days for one in day] == visits
    assert all(len({one.at.date() for one in day}) == 1 for day in days)


def test_a_house_in_use_gets_no_made_up_dishes(tmp_path: Path) -> None:
    """A real menu is not mixed with the town's; somebody who wants that has to say so."""
    begin(tmp_path)
    stores = open_stores(RecommenderConfig(home=tmp_path, token_keys=()))
    stores.catalogue.put("demo", "item", [Item("soup", "Soup", category="soups")])
    stores.close()

    refused = CliRunner().invoke(month, ["--home", str(tmp_path), "--customers", "100", "--days", "7"])

    assert refused.exit_code == 1
    assert "Nothing was done: 'demo' has 1 " in refused.output
    stores = open_stores(RecommenderConfig(home=tmp_path, token_keys=()))
    assert [item.item_id for item in stores.catalogue.all("demo", "item")] == ["soup"]
    assert not stores.offers.offers("demo")
    stores.close()


def test_the_command_says_what_it_found_and_refuses_a_used_folder(tmp_path: Path) -> None:
    """The figures in one line and how to see them; a second run would mix two months."""
    words = ["--home", str(tmp_path / "m"), "--customers", "100", "--days", "7"]
    done = CliRunner().invoke(month, words)
    assert done.exit_code == 0, done.output
    assert "decisions about 100 customers" in done.output
    assert "usual serve --home" in done.output
    again = CliRunner().invoke(month, words)
    assert again.exit_code == 1
    assert "Name an empty folder" in again.output
