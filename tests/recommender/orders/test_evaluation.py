"""`usual evaluate orders`: one table of all methods, on a small data set."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from recommender.cli.orders import evaluate_orders
from recommender.orders import baselines
from recommender.orders.evaluation import GATE, compare_methods
from recommender.orders.fit import FitSettings
from recommender.orders.questions import questions_of
from tests.recommender.orders.worlds import habits, orders

QUICK = FitSettings(rounds=2, trees=40)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The habits of forty customers as a CSV file."""
    seen = habits()
    lines = ["customer,order_index,item"]
    for row in range(len(seen)):
        lines.append(f"{seen.customers[seen.customer[row]]},{seen.order[row]},{seen.items[seen.item[row]]}")
    path = tmp_path_factory.mktemp("orders") / "habits.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_table_holds_every_method_and_the_verdict(dataset: Path) -> None:
    """One row a method, what is in force and why, the split by history length."""
    result = CliRunner().invoke(evaluate_orders, ["--dataset", str(dataset)])

    assert result.exit_code == 0, result.output
    for words in (
        GATE,
        "TIFU-KNN, published",
        "TIFU-KNN, tuned",
        "UP-CF, tuned",
        "LightFM alone",
        "implicit ALS alone",
        "counting back-off",
        "in force",
        "In force:",
        "6-10 orders",
    ):
        assert words in result.output


def test_the_report_as_json_is_the_same_twice(dataset: Path) -> None:
    """--json parses, holds finite figures, and does not depend on the run."""
    outputs = [CliRunner().invoke(evaluate_orders, ["--dataset", str(dataset), "--json"]).output for _ in range(2)]
    report = json.loads(outputs[0])

    assert outputs[0] == outputs[1]
    assert report["n_test"] == 40
    assert all(0 <= row["ndcg@10"] <= 1 for row in report["rows"])


def test_a_set_without_four_orders_cannot_be_evaluated(tmp_path: Path) -> None:
    """Said in one line, status 1."""
    path = tmp_path / "few.csv"
    path.write_text("customer,order_index,item\na,0,x\na,1,y\n")
    result = CliRunner().invoke(evaluate_orders, ["--dataset", str(path)])

    assert result.exit_code == 1
    assert "nothing to test on" in result.output


def test_the_ablation_finds_the_signal_that_matters() -> None:
    """Every usable signal is taken away once; in a world of habits each loss is small, for signals overlap."""
    report = compare_methods(habits(), settings=QUICK, ablate=True)
    losses = {row["without"]: row["loss"] for row in report["ablation"]}

    assert "own_count" in losses
    assert all(-0.2 < loss < 0.2 for loss in losses.values())
    assert sorted(losses.values(), reverse=True) == list(losses.values())


def test_own_frequency_ranks_by_count_then_popularity() -> None:
    """Two teas before one cake; of what was never had, the popular first."""
    seen = orders(
        ("a", 0, "tea"), ("a", 1, "tea"), ("a", 2, "cake"), ("b", 0, "soup"), ("c", 0, "soup"), ("c", 1, "pie")
    )
    history = questions_of(seen, seen.where(seen.customer == 0))
    lists = baselines.best_of(baselines.own_frequency(seen), history, np.array([0]), 4, baselines.popularity(seen))

    assert seen.items[lists[0]].tolist() == ["tea", "cake", "soup", "pie"]


def test_group_weights_follow_the_published_formula() -> None:
    """Four orders in two groups: newest .5 / 2, then .5 * .9 / 2; the older group times .7."""
    n = np.full(4, 4)
    weights = baselines.group_weights(n, np.arange(4), 2, 0.9, 0.7)

    np.testing.assert_allclose(weights, np.array([1, 0.9, 0.7, 0.63]) / 4, rtol=1e-6)


def test_progress_is_shown_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    def town() -> None:
        raise ValueError(terminal.getvalue())

    with pytest.raises(click.ClickException, match="orders: reading"):
        evaluate_orders.main([], obj={"town": town}, standalone_mode=False)
