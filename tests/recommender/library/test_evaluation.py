"""`recommender.evaluate`: one table of methods for each kind of estimator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data.town.town import Town
from recommender import Destinations, Offers, Orders, evaluate
from recommender.destinations.evaluation import BASE
from recommender.orders.evaluation import GATE
from recommender.ranking.frames import MissingColumns
from tests.recommender.destinations.world import town_log, write_log
from tests.recommender.library.test_offers import PORTFOLIO, table
from tests.recommender.orders.worlds import habits


def test_orders_stand_beside_counting_and_published_methods() -> None:
    """A row for each method, and the estimator is not changed."""
    orders = Orders(trees=20)
    found = evaluate(orders, habits())

    assert {GATE, "TIFU-KNN, tuned", "LightFM alone", "in force"} <= {row["method"] for row in found.rows}
    assert found["in force"]["ndcg@10"] > found["LightFM alone"]["ndcg@10"]
    assert not orders.report
    assert found.table(("method", "hr@1")).splitlines()[0].split() == ["method", "hr@1"]
    assert GATE in str(found)
    assert len(found.columns()["hr@1"]) == len(found.rows)
    with pytest.raises(KeyError):
        found["no such method"]


def test_destinations_stand_beside_counting(tmp_path: Path) -> None:
    """From rides in memory and from a log in a file; only counting where nothing is to be fitted."""
    log = write_log(tmp_path / "log.csv", town_log())
    from_file = evaluate(Destinations(), log)
    rides, places = Destinations.read(log)
    counted = evaluate(Destinations(places), rides, fit=False)

    ours = next(row for row in from_file.rows if row["method"].startswith("usual"))
    assert ours["acc@1"] > from_file[BASE]["acc@1"]
    assert {row["method"] for row in counted.rows} == {"most frequent", BASE, "Markov from the pick-up", "kernel"}
    assert counted["kernel"]["acc@1"] > 0.8


def test_coarse_cells_are_measured_against_where_places_really_are(tmp_path: Path) -> None:
    """An exact place keeps its id; what is said to be near is measured from the true position, in files too."""
    town = Town.build(customers=40)
    fine, coarse = (evaluate(Destinations(town.places, cell_m=m), town.trips(), fit=False) for m in (25, 12_800))
    log = write_log(tmp_path / "log.csv", town_log())
    file_fine, file_coarse = (evaluate(Destinations(cell_m=m), log, fit=False) for m in (25, 12_800))

    for exact, blurred in ((fine, coarse), (file_fine, file_coarse)):
        assert blurred["kernel"]["acc@1"] > 0.5
        assert blurred["kernel"]["in500m@10"] == blurred["kernel"]["acc@10"]  # no cell's middle is near by chance
        assert exact["kernel"]["acc@1"] >= blurred["kernel"]["acc@1"]
    assert fine["kernel"]["in500m@10"] > fine["kernel"]["acc@10"]


def test_offers_are_valued_on_the_log_of_another_policy() -> None:
    """Every arm's worth with its interval and its effective visits."""
    with Offers(PORTFOLIO) as offers:
        found = evaluate(offers, table())

    assert found["pie"]["low"] < 800 < found["pie"]["high"]
    assert found["pie"]["ess"] == pytest.approx(np.sum(table()["offer"] == "pie"), rel=0.01)
    assert found["no offer"]["value"] < found["learned"]["value"]


def test_what_cannot_be_evaluated_is_refused() -> None:
    """A missing column is named; something else than an estimator is no estimator."""
    with pytest.raises(MissingColumns, match="a column 'item'"):
        evaluate(Orders(), {"customer": ["ann"]})
    with pytest.raises(TypeError, match="evaluate needs Orders"):
        evaluate(object(), {})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="nothing to test on"):
        evaluate(Orders(), {"customer": ["ann"], "item": ["tea"]})
