"""`usual batch destinations`: what may be known before a row of a log, and what may not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from recommender.cli.destinations import batch_destinations
from recommender.destinations.log import read_log
from tests.recommender.destinations.world import HEADER, Row, split_time, town_log, write_log

ROWS = town_log()
UNTIL = split_time(ROWS)


def run_batch(log: Path, *more: str, until: str = UNTIL) -> Result:
    out = str(log.with_suffix(".jsonl"))
    return CliRunner().invoke(batch_destinations, ["--log", str(log), "--fit-until", until, "--out", out, *more])


def answers(folder: Path, rows: list[Row], *more: str, until: str = UNTIL) -> dict[int, list[str]]:
    """row -> places, from a run of the command."""
    log = write_log(folder / f"log{len(list(folder.iterdir()))}.csv.gz", rows)
    result = run_batch(log, *more, until=until)
    assert result.exit_code == 0, result.output
    lines = map(json.loads, log.with_suffix(".jsonl").read_text().splitlines())
    return {line["row"]: line["places"] for line in lines}


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """The answers for the plain log."""
    return answers(tmp_path_factory.mktemp("plain"), ROWS)


def test_each_target_row_is_answered_once_with_up_to_20_different_places(answered: dict[int, list[str]]) -> None:
    wanted = [i for i, row in enumerate(ROWS) if row["target"] == "1"]

    assert list(answered) == wanted
    assert all(0 < len(places) <= 20 and len(set(places)) == len(places) for places in answered.values())


def test_a_town_of_habits_is_predicted(answered: dict[int, list[str]]) -> None:
    right = [places[0] == ROWS[row]["place"] for row, places in answered.items()]

    assert np.mean(right) > 0.85


def test_the_pickup_place_is_never_the_first(answered: dict[int, list[str]]) -> None:
    for row, places in answered.items():
        before = [r for r in ROWS[:row] if r["chain"] == ROWS[row]["chain"]][-1]
        assert places[0] != before["place"]


def test_where_visits_often_repeat_the_place_before_the_pickup_place_may_come_first(tmp_path: Path) -> None:
    rows = [
        {**row, "place": "p00", "lat": "41.25", "lon": "69.2"} if row["rider"] == "r00" else row for row in ROWS
    ]

    found = answers(tmp_path, rows)

    assert all(places[0] == "p00" for row, places in found.items() if rows[row]["rider"] == "r00")


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    logs = [write_log(tmp_path / name, ROWS) for name in ("a.csv.gz", "b.csv")]

    for log in logs:
        assert run_batch(log).exit_code == 0

    assert len({log.with_suffix(".jsonl").read_bytes() for log in logs}) == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_shuffling_everything_later_than_a_row_does_not_change_its_answer(
    seed: int, answered: dict[int, list[str]], tmp_path: Path
) -> None:
    rng = np.random.default_rng(seed)
    row = int(rng.choice(list(answered)))
    later = [i for i, other in enumerate(ROWS) if other["utc_time"] > ROWS[row]["utc_time"]]
    shuffled = [dict(other) for other in ROWS]
    for column in ("rider", "place", "chain", "local_time"):
        for i, j in zip(later, rng.permutation(later), strict=True):
            shuffled[i][column] = ROWS[j][column]
    for i in later:
        shuffled[i]["lat"], shuffled[i]["lon"] = f"{rng.uniform(-80, 80):.5f}", f"{rng.uniform(-179, 179):.5f}"

    assert answers(tmp_path, shuffled)[row] == answered[row]


def test_other_rows_of_the_same_moment_and_the_rows_own_place_are_not_read(
    answered: dict[int, list[str]], tmp_path: Path
) -> None:
    row = max(answered)
    known = [dict(other) for other in ROWS if other["utc_time"] < ROWS[row]["utc_time"]]
    target = {**ROWS[row], "place": "p00", "lat": "-33.0", "lon": "151.0"}
    same_moment = {**ROWS[row], "place": "p01", "target": "0", "chain": "another"}

    for rows in ([*known, target], [*known, same_moment, target], [*known, target, same_moment]):
        found = answers(tmp_path, rows)
        assert found[rows.index(target)] == answered[row]


def test_nothing_from_the_first_answered_row_on_is_fitted_on(tmp_path: Path) -> None:
    start = next(row["utc_time"] for row in ROWS if row["target"] == "1")
    end = ROWS[-1]["utc_time"]

    early = answers(tmp_path, ROWS, until=start)
    late = answers(tmp_path, ROWS, "--from", start, until=end)

    assert early == late


def test_from_leaves_earlier_rows_out(answered: dict[int, list[str]], tmp_path: Path) -> None:
    start = ROWS[max(answered)]["utc_time"]

    found = answers(tmp_path, ROWS, "--from", start)

    assert set(found) == {row for row in answered if ROWS[row]["utc_time"] >= start}
    assert all(found[row] == answered[row] for row in found)


def test_optional_columns_may_be_missing(answered: dict[int, list[str]], tmp_path: Path) -> None:
    header = [name for name in HEADER if name not in ("split", "chain", "local_time")]
    log = write_log(tmp_path / "log.csv", ROWS, header)

    result = run_batch(log)

    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in log.with_suffix(".jsonl").read_text().splitlines()]
    assert np.mean([line["places"][0] == answered[line["row"]][0] for line in lines]) > 0.9


def test_without_place_ids_the_cell_of_the_coordinates_is_the_place(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.csv", ROWS, [name for name in HEADER if name != "place"])

    assert run_batch(log).exit_code == 0
    first = json.loads(log.with_suffix(".jsonl").read_text().splitlines()[0])
    assert all(place.startswith("geo:41.2") or place.startswith("geo:41.3") for place in first["places"])


def test_a_rider_with_one_ride_is_answered_with_what_others_do(tmp_path: Path) -> None:
    newcomer = {**ROWS[-1], "rider": "new", "chain": "new", "target": "0", "utc_time": "2026-04-19T08:00Z"}
    target = {**newcomer, "place": "p02", "target": "1", "utc_time": "2026-04-19T09:00Z"}
    rows = sorted([*ROWS, newcomer, target], key=lambda row: row["utc_time"])

    found = answers(tmp_path, rows)

    assert found[rows.index(target)]


def test_a_log_too_small_to_learn_from_is_counted(tmp_path: Path) -> None:
    rows = [row for row in ROWS if row["rider"] == "r03"]
    log = write_log(tmp_path / "log.csv", rows)

    result = run_batch(log)

    assert "counting stays in force" in result.output
    lines = [json.loads(line) for line in log.with_suffix(".jsonl").read_text().splitlines()]
    assert np.mean([line["places"][0] == rows[line["row"]]["place"] for line in lines]) > 0.7


def test_repeated_rows_change_no_answer(answered: dict[int, list[str]], tmp_path: Path) -> None:
    twice = [row for row in ROWS for _ in range(1 if row["target"] == "1" else 2)]
    number = {id(row): i for i, row in enumerate(ROWS)}

    found = answers(tmp_path, twice)

    assert {number[id(twice[i])]: places for i, places in found.items()} == answered


def test_ten_thousand_rides_of_one_rider_in_a_day_do_not_change_the_others(
    answered: dict[int, list[str]], tmp_path: Path
) -> None:
    flood = [
        {**ROWS[0], "rider": "bot", "place": f"p{i % 20:02d}", "chain": "flood", "target": "0"}
        | {"utc_time": f"2026-03-02T{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d}Z", "local_time": ""}
        for i in range(10_000)
    ]

    found = answers(tmp_path, [*ROWS, *flood])

    right = [places[0] == ROWS[row]["place"] for row, places in found.items()]
    assert np.mean(right) > 0.85
    assert list(found) == list(answered)


def test_a_pick_up_in_the_sea_is_answered_from_the_rider_habits(tmp_path: Path) -> None:
    target = max(i for i, row in enumerate(ROWS) if row["target"] == "1")
    at_sea = {**ROWS[target - 1], "rider": ROWS[target]["rider"], "chain": ROWS[target]["chain"], "target": "0"}
    at_sea |= {"place": "buoy", "lat": "20.0", "lon": "-40.0", "utc_time": ROWS[target]["utc_time"][:14] + "00Z"}

    rows = [*ROWS[:target], at_sea, ROWS[target]]
    found = answers(tmp_path, rows)

    own = {row["place"] for row in ROWS[:target] if row["rider"] == ROWS[target]["rider"]}
    assert found[target + 1][0] in own


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lat": "141.3", "lon": "69.2"}, "swapped"),
        ({"lat": "41.3", "lon": "269.2"}, "longitude"),
        ({"lat": "41.3", "lon": ""}, "needs both"),
        ({"lat": "north"}, "no number"),
        ({"utc_time": "yesterday"}, "no time"),
        ({"utc_time": "2026-13-02T05:00Z"}, "no time"),
        ({"place": "", "lat": "", "lon": ""}, "neither a place nor coordinates"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_and_nothing_is_written(
    change: Row, words: str, tmp_path: Path
) -> None:
    log = write_log(tmp_path / "log.csv", [*ROWS[:50], {**ROWS[50], **change}, *ROWS[51:]])

    result = run_batch(log)

    assert result.exit_code == 1
    assert words in result.output
    assert "row" in result.output
    assert list(tmp_path.iterdir()) == [log]


@pytest.mark.parametrize("text", ["", "rider,utc_time\n", "rider,place\nr1,p1\n", "rider,utc_time,place\nr1\n"])
def test_a_file_that_is_no_log_is_refused(text: str, tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(text)

    result = run_batch(log)

    assert result.exit_code == 1
    assert "Error:" in result.output


def test_a_fit_until_that_is_no_time_is_refused(tmp_path: Path) -> None:
    result = run_batch(write_log(tmp_path / "log.csv", ROWS), until="soon")

    assert result.exit_code == 2
    assert "--fit-until" in result.output


def test_the_pickup_is_the_row_before_in_the_same_chain(tmp_path: Path) -> None:
    base = {"rider": "a", "local_time": "", "lat": "41", "lon": "69", "split": "", "target": "0"}
    times = {
        "p1": ("1", "05:00"),
        "p2": ("1", "06:00"),
        "p3": ("1", "06:00"),
        "p4": ("2", "07:00"),
        "p5": ("1", "08:00"),
    }
    rows = [
        {**base, "place": place, "chain": chain, "utc_time": f"2026-03-02T{time}Z"}
        for place, (chain, time) in times.items()
    ]

    log = read_log(write_log(tmp_path / "log.csv", rows))

    before = [str(log.places[code]) if code >= 0 else "" for code in log.origin]
    assert before == ["", "p1", "p2", "", "p3"]


def test_the_hour_the_clock_changes_is_read_from_the_wall(tmp_path: Path) -> None:
    base = {"rider": "a", "place": "p", "lat": "40.7", "lon": "-74.0", "chain": "1", "target": "0"}
    walls = {"2026-11-01T05:30Z": "2026-11-01T01:30", "2026-11-01T06:30Z": "2026-11-01T01:30"}
    rows = [{**base, "utc_time": utc, "local_time": local} for utc, local in walls.items()]

    log = read_log(write_log(tmp_path / "log.csv", rows))

    assert log.hour.tolist() == [1.5, 1.5]
    assert log.weekday.tolist() == [6, 6]


def test_the_rules_of_the_house_hold_for_the_lists(answered: dict[int, list[str]], tmp_path: Path) -> None:
    """Hidden is gone, pinned stands where it was pinned, a rule for orders or for a site holds not."""
    row = max(answered)
    first, second, *others = answered[row]
    rules = [
        {"id": "1", "scene": "destinations", "kind": "hide", "item": first},
        {"id": "2", "scene": "destinations", "kind": "pin", "item": others[-1], "position": 1},
        {"id": "3", "scene": "orders", "kind": "hide", "item": second},
        {"id": "4", "scene": "destinations", "kind": "hide", "item": second, "when": {"sites": ["north"]}},
    ]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"rules": rules}))

    ruled = answers(tmp_path, ROWS, "--rules", str(file))

    assert ruled[row][:2] == [others[-1], second]
    assert all(first not in places for places in ruled.values())
    assert set(ruled) == set(answered)
    assert max(map(len, ruled.values())) <= 20
    file.write_text(json.dumps({"rules": []}))
    assert answers(tmp_path, ROWS, "--rules", str(file)) == answered
