"""`usual evaluate destinations`: methods side by side, the ablation, and the figures on real check-ins."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from data.town.town import Town
from recommender.cli.destinations import evaluate_destinations
from recommender.destinations import ablation
from recommender.destinations.evaluation import BASE, reach_of, split_of
from recommender.destinations.log import RideLog, read_log
from recommender.destinations.signals.candidates import candidates
from recommender.destinations.signals.crowd import crowd_of
from recommender.destinations.signals.kernel import Kernel
from tests.recommender.destinations.world import town_log, write_log

ROWS = town_log()


def test_the_evaluation_sets_the_methods_side_by_side(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv.gz", ROWS)

    result = CliRunner().invoke(evaluate_destinations, ["--dataset", str(log), "--json"])

    assert result.exit_code == 0, result.output
    report = json.loads(result.output)
    by_method = {row["method"]: row for row in report["rows"]}
    ours = next(name for name in by_method if name.startswith("usual"))
    assert {"most frequent", "kernel", "Markov from the pick-up", "LightFM", ours} <= set(by_method)
    assert by_method[ours]["acc@1"] > by_method["most frequent"]["acc@1"]
    assert by_method[ours]["acc@1"] > 0.85


def test_the_evaluation_reads_as_tables(tmp_path: Path) -> None:
    result = CliRunner().invoke(evaluate_destinations, ["--dataset", str(write_log(tmp_path / "l.csv", ROWS))])

    assert result.exit_code == 0, result.output
    for words in ("most frequent by hour x weekend", "in500m@3", "In force:", "s of CPU", "reached"):
        assert words in result.output


def test_each_figure_stands_beside_the_one_to_reach() -> None:
    rows = [
        {"method": "ours", "acc@1": 0.42, "acc@5": 0.6, "acc@10": 0.7, "mrr@20": 0.5, "in500m@3": 0.8}
        | {"new acc@10": float("nan")},
        {"method": BASE, "acc@1": 0.3, "acc@5": 0.6, "acc@10": 0.7, "mrr@20": 0.4, "in500m@3": 0.8}
        | {"new acc@10": 0.0},
        {"method": "LightFM", "acc@1": 0.1},
    ]

    lines = {line["figure"]: line["reached"] for line in reach_of(rows, "ours", 200.0)}

    assert lines == {
        "acc@1": "yes",
        "acc@5": "no",
        "acc@10": "no",
        "mrr@20": "yes",
        "in500m@3": "yes",
        "new acc@10": "no",
        "acc@1 over that of LightFM": "yes",
        "processor seconds of the fit": "no",
    }


def test_the_ablation_covers_every_signal_and_a_group_that_changes_nothing_earns_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = read_log(write_log(tmp_path / "log.csv", ROWS))
    until, rows = split_of(log)
    crowd = crowd_of(log.visits, log.positions.lat, log.positions.lon, until)
    _, names = candidates(log.visits, log.moments(rows[:1]), crowd, log.positions, Kernel())
    assert sorted(name for group in ablation.GROUPS.values() for name in group) == sorted(names)
    hours = [name for group in ("hour and weekday", "kernel", "the rider") for name in ablation.GROUPS[group]]
    monkeypatch.setattr(ablation, "GROUPS", {"nothing at all": (), "the clock": hours})

    lines = ablation.ablate(log, until, Kernel(), 0, lambda what, share: None, most_evaluated=80)

    earns = {line["signals"]: line.get("earns") for line in lines}
    assert set(earns) == {"all", "without nothing at all", "without the clock", *(f"{n} shuffled" for n in names)}
    assert earns["without nothing at all"] == 0


@pytest.mark.shared
@pytest.mark.slow
def test_on_real_check_ins_of_a_third_of_the_riders_the_figures_stay_within_their_band(
    shared: Path, tmp_path: Path
) -> None:
    """From August on: a quarter of the rows, all 385 targets of these riders, and a sixth of the time."""
    with gzip.open(shared / "datasets" / "destinations" / "nyc_rides_dev.csv.gz", "rt") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if int(row["rider"][1:]) % 3 == 0 and row["utc_time"] >= "2012-08-01"
        ]

    log = write_log(tmp_path / "log.csv.gz", rows)
    result = CliRunner().invoke(evaluate_destinations, ["--dataset", str(log), "--json"])

    assert result.exit_code == 0, result.output
    report = json.loads(result.output)
    assert report["targets"] == 385
    assert report["fitted"]["method"] == "ranker"
    by_method = {row["method"]: row for row in report["rows"]}
    ours = next(name for name in by_method if name.startswith("usual"))
    assert 0.28 < by_method["kernel"]["acc@1"] < 0.40
    assert 0.33 < by_method[ours]["acc@1"] < 0.50  # higher would be a leak
    assert by_method[ours]["mrr@20"] > by_method["most frequent by hour x weekend"]["mrr@20"]
    assert by_method[ours]["acc@1"] > 3 * by_method["LightFM"]["acc@1"]


def test_without_a_log_beside_the_project_the_town_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain clone has no data set, and the accuracy tables are made all the same."""
    monkeypatch.setenv("USUAL_SHARED", "/nowhere")
    seen: list[RideLog] = []

    def stop(log: RideLog, **options: object) -> None:
        seen.append(log)
        raise ValueError("far enough")

    monkeypatch.setattr("recommender.destinations.evaluation.evaluate_log", stop)
    town = Town.build(customers=5, days=20)
    done = CliRunner().invoke(evaluate_destinations, [], obj={"town": lambda: town})

    assert done.output == "Error: far enough\n"
    assert len(seen[0].time_us) == len(town.rides)
    assert np.isfinite(seen[0].positions.lat).all()
    assert "There is no file" in CliRunner().invoke(evaluate_destinations, ["--dataset", "missing.csv"]).output
