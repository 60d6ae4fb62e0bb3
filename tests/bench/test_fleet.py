"""The simulated fleet: the same seed gives the same day, nobody and no order vanishes, and arithmetic agrees."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.fleet import report
from bench.fleet.__main__ import main
from bench.fleet.costs import RATIO_1, RATIO_8, Cost, Costs
from bench.fleet.failures import failures
from bench.fleet.fleet import Fleet, drawn, local_curve, peak_hour, utc_curve, visits_a_day
from bench.fleet.flow import Day, Simulation
from bench.fleet.growth import breaking, faces_a_second, grown, million_visits, parts
from bench.fleet.parts import Station
from bench.fleet.rules import closed, pressed, scheduled
from tests.conftest import ROOT

SMALL = Fleet(terminals=200, sites=20, faces=10_000, peak_faces_s=0.1)
BUSY = Fleet(terminals=200, sites=20, faces=10_000, peak_faces_s=12.0, replicas=1)
COSTS = Costs.load().on_postgresql(RATIO_1, RATIO_8, "recorded")


def day_of(fleet: Fleet, costs: Costs = COSTS, seconds: float | None = None) -> Day:
    begins, _ = peak_hour(fleet)
    visits = drawn(fleet) if seconds is None else drawn(fleet, begins, begins + seconds)
    return Simulation(fleet, costs, visits).run()


@pytest.fixture(scope="module")
def small() -> Day:
    return day_of(SMALL)


def test_a_small_fleet_has_the_same_day_twice(small: Day) -> None:
    assert day_of(SMALL) == small
    assert day_of(replace(SMALL, seed=15)) != small


def test_every_visit_of_a_day_is_answered_refused_or_waiting(small: Day) -> None:
    assert small.visits == small.answered + small.outcome["refused"] + small.waiting
    assert small.balances
    assert (small.waiting, small.unsent, small.doubled) == (0, 0, 0)
    assert small.visits == pytest.approx(visits_a_day(SMALL), rel=0.05)


@pytest.mark.parametrize("seconds", [5.0, 30.0])
def test_a_day_that_is_stopped_early_balances_too(seconds: float) -> None:
    begins, _ = peak_hour(BUSY)
    day = Simulation(BUSY, COSTS, drawn(BUSY, begins, begins + 60)).run(begins + seconds)

    assert day.waiting + day.unsent > 0
    assert day.balances


def test_more_than_a_machine_can_do_is_refused_and_no_order_is_lost() -> None:
    slow = replace(COSTS, scan_ms=2000 * COSTS.scan_ms)
    day = day_of(BUSY, slow, 30.0)

    assert day.shed["press"] + day.shed["visit"] > 0
    assert day.outcome["turned_guest"] > 0
    assert day.balances
    assert day.recorded == day.orders == day.visits


def test_three_failures_lose_no_visit_and_no_order() -> None:
    lost, away, cut = failures(replace(SMALL, peak_faces_s=6.0), COSTS, 450.0)

    assert [one.day.balances for one in (lost, away, cut)] == [True] * 3
    assert [one.day.unsent for one in (lost, away, cut)] == [0] * 3
    assert sum(lost.day.lost.values()) + lost.day.outcome["personal"] > 0
    assert away.day.unwritten["event"] > 0
    assert away.day.most_unsent > 0
    assert cut.day.outcome["at_the_box"] > 0
    assert cut.day.in_boxes >= cut.day.most_in_a_box > 0


def test_a_replica_that_is_lost_takes_what_waited_there_with_it() -> None:
    begins, _ = peak_hour(BUSY)
    slow = replace(COSTS, scan_ms=1000 * COSTS.scan_ms)
    simulation = Simulation(replace(BUSY, replicas=2), slow, drawn(BUSY, begins, begins + 40))
    simulation.at(begins + 20, lambda: simulation.replicas[0].lose(begins + 4000))
    day = simulation.run()

    assert day.lost["visit"] > 0
    assert day.balances
    assert day.unsent == 0


def test_pieces_of_work_wait_for_each_other_and_nothing_is_done_twice() -> None:
    station = Station(2)

    assert [station.take(0.0, 1.0) for _ in range(3)] == [1.0, 1.0, 2.0]
    assert station.take(5.0, 1.0) == 6.0
    assert sum(station.busy_s) == 4.0


def test_waiting_is_that_of_the_textbook() -> None:
    """One server, constant work, Poisson arrivals, 80 % busy: the mean wait is rho / (2 (1 - rho)) of the work."""
    station, rng = Station(1), np.random.default_rng(3)
    came = np.cumsum(rng.exponential(1.0, 60_000))
    waited = [station.take(float(at), 0.8) - float(at) - 0.8 for at in came]

    assert np.mean(waited) == pytest.approx(0.8 * 0.8 / (2 * 0.2), rel=0.1)


def test_the_simulated_processors_are_as_busy_as_the_arithmetic_says() -> None:
    fleet = replace(BUSY, peak_faces_s=6.0)
    begins, _ = peak_hour(fleet)
    day = Simulation(fleet, COSTS, drawn(fleet, begins + 1500, begins + 1800)).run()
    busy = sum(map(sum, day.replicas)) / 300 / fleet.cores
    said = next(part.used for part in parts(fleet, COSTS) if part.name == "processors of the replicas")

    assert busy == pytest.approx(said, rel=0.1)


def test_a_day_has_the_peak_that_is_asked_for() -> None:
    fleet = Fleet()
    begins, share = peak_hour(fleet)
    hour = drawn(fleet, begins, begins + 3600)

    assert local_curve().sum() == pytest.approx(1)
    assert utc_curve(fleet).sum() == pytest.approx(1)
    assert 0.1 < share < 0.2
    assert hour.pictures.sum() / 3600 == pytest.approx(28, rel=0.03)
    assert np.all(np.diff(hour.at_s) >= 0)
    assert set(np.unique(hour.terminal // 10)) <= set(range(2_000))


def test_what_is_full_first_stands_first_and_a_machine_more_serves_more() -> None:
    first, *_, last = found = breaking(Fleet(), COSTS)
    served = [faces_a_second(Fleet(), COSTS, n)[0] for n in range(1, 9)]

    assert [part.full_at for part in found] == sorted(part.full_at for part in found)
    assert first.used > last.used
    at_that_growth = parts(grown(Fleet(), first.full_at), COSTS)
    assert next(part.used for part in at_that_growth if part.name == first.name) == pytest.approx(0.8, rel=0.01)
    assert served == sorted(served)
    assert all(value > 0 for value in million_visits(Fleet(), COSTS).values())


def test_the_page_about_scale_says_what_the_recorded_costs_give() -> None:
    page = (ROOT / "docs" / "scale.md").read_text()
    bought = [f"| {n} | {faces_a_second(Fleet(), COSTS, n)[0]:.0f} |" for n in range(1, 9)]
    rows = [
        f"| {part.name} | {100 * part.used:.1f} % | {part.load} | x {part.full_at:.2g} |"
        for part in breaking(Fleet(), COSTS)
    ]

    assert [row for row in rows + bought if row not in page] == []
    places = [page.index(row) for row in rows]
    assert places == sorted(places)


def test_the_products_own_rules_run_on_the_simulated_clock(tmp_path: Path) -> None:
    visits = drawn(SMALL)
    some = visits.between(*visits.at_s[[0, 120]].tolist())
    found = pressed(SMALL, some, tmp_path) | closed(SMALL, tmp_path) | scheduled(SMALL, tmp_path, 3600)

    assert found["presses"] > 0
    assert found["limited"] == 0
    assert found["opt-outs not seen"] == 0
    assert found["trainings begun"] == found["trainings due"] == 3


def test_costs_survive_their_file_and_another_file_is_named(tmp_path: Path) -> None:
    COSTS.save(tmp_path / "costs.json")
    assert Costs.load(tmp_path / "costs.json") == COSTS
    assert isinstance(COSTS.requests["visit"], Cost)

    for content in ("{}", "[1]", "no JSON", json.dumps({"requests": {}, "surplus": 1})):
        (tmp_path / "wrong.json").write_text(content)
        with pytest.raises(ValueError, match=r"wrong\.json holds no costs of a fleet"):
            Costs.load(tmp_path / "wrong.json")
    with pytest.raises(ValueError, match="nowhere"):
        Costs.load(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [(["--sites", "0"], "at least one site"), (["--peak", "0"], "busiest hour"), (["--searched", "2"], "gallery")],
)
def test_what_cannot_be_simulated_is_named(
    wrong: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["fleet", "--recorded", *wrong])
    assert main() == 2
    assert says in capsys.readouterr().err


def test_a_postgresql_that_does_not_answer_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("USUAL_TEST_POSTGRES", "postgresql://usual@127.0.0.1:1/usual")
    monkeypatch.setattr(sys, "argv", ["fleet", "--recorded"])

    assert main() == 2
    assert "The PostgreSQL of USUAL_TEST_POSTGRES cannot be used" in capsys.readouterr().err


def test_the_command_prints_every_table_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("USUAL_TEST_POSTGRES", raising=False)
    small = ["--terminals", "200", "--sites", "20", "--faces", "1000", "--peak", "0.05", "--recorded"]
    monkeypatch.setattr(sys, "argv", ["fleet", *small, "--plot", str(tmp_path / "day.png")])
    monkeypatch.setattr(report, "REPLICAS", range(1, 3))
    monkeypatch.setattr(report, "rules", lambda fleet, visits: {"trainings begun": 3})  # tested above
    assert main() == 0
    printed = capsys.readouterr().out

    for words in ("The day:", "first to break first", "the next machine buys", "Failures", "A million visits use"):
        assert words in printed
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")
