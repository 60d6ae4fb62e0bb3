"""The measurements' own instruments: targets, table, JSON, memory."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bench import deciding, desk, measure, ordering, training
from bench.measure import Row, as_json, in_turn, table, timed
from plumbing.storage.sqlite import SQLiteDatabase
from recommender.offers.decision import NO_POLICY
from recommender.orders.baselines import TifuKnn
from recommender.orders.evaluation import HeldOut
from recommender.store.offer_tables import migrations
from recommender.store.offers import OfferStore
from tests.conftest import ROOT
from tests.recommender.orders.worlds import habits


def test_a_target_is_met_from_its_good_side_only() -> None:
    """`less` wants a value at or below the target, `more` at or above it; no target or value, no verdict."""
    assert Row("s", "n", 5, "ms", 5).met is True
    assert Row("s", "n", 5.1, "ms", 5).met is False
    assert Row("s", "n", 5.1, "x", 5, "more").met is True
    assert Row("s", "n", 4.9, "x", 5, "more").met is False
    assert Row("s", "n", 4.9, "x").met is None
    assert Row("s", "n", math.nan, "ms", 5).met is None


def test_the_table_says_what_was_missed() -> None:
    """A missed target stands out; sections are named once."""
    text = table([Row("A", "fast", 1, "ms", 2), Row("A", "slow", 3, "ms", 2), Row("B", "plain", 7, "MB")])

    assert text.count("\nA") == 1
    assert "yes" in next(line for line in text.splitlines() if "fast" in line)
    assert "NO" in next(line for line in text.splitlines() if "slow" in line)


def test_what_could_not_be_measured_is_null() -> None:
    """JSON knows no NaN."""
    printed = json.loads(as_json([Row("A", "missing", math.nan, "")], {"cpus": 2}))

    assert printed["rows"][0]["value"] is None
    assert printed["machine"] == {"cpus": 2}


def test_the_stopwatch_leaves_out_the_warming_up() -> None:
    """Ten measured runs of five milliseconds; the slow first one is not among them."""
    calls: list[int] = []

    def run(k: int) -> None:
        calls.append(k)
        time.sleep(0.05 if len(calls) == 1 else 0.005)

    times = timed(run, 10, warm=1)
    assert calls == [0, *range(10)]
    assert len(times.ms) == 10
    assert times.p50 >= 5
    assert times.p50 <= times.p99
    assert times.processor_ms < times.ms.mean()


def test_ways_are_measured_turn_by_turn() -> None:
    """Each round runs every way once, in order."""
    seen: list[str] = []
    in_turn([lambda k: seen.append(f"a{k}"), lambda k: seen.append(f"b{k}")], 2, warm=0)

    assert seen == ["a0", "b0", "a1", "b1"]


def test_memory_counts_a_process_and_its_children() -> None:
    """A child that holds 60 MB makes its parent's family at least that much larger."""
    before = measure.resident_mb(os.getpid())
    child = subprocess.Popen(
        [sys.executable, "-c", "b = b'x' * 60_000_000; print(len(b), flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in measure.family_of(os.getpid())
        assert measure.resident_mb(os.getpid()) > before + 50
    finally:
        child.communicate(b"\n")


def test_a_small_child_of_a_large_parent_has_a_small_peak() -> None:
    """A process that starts another while holding 150 MB passes none of it on to the other's peak."""
    held = b"x" * 150_000_000
    done = subprocess.run(
        [sys.executable, "-c", "from bench.measure import peak_mb; print(peak_mb())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert measure.peak_mb() > len(held) / 2**20
    assert 5 < float(done.stdout) < 120


def test_the_exponent_is_that_of_the_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten times the events in twenty times the seconds is an exponent of 1.301, and it misses the target."""
    figures = {"10": {"seconds": 1.0, "peak_mb": 100.0}, "100": {"seconds": 20.0, "peak_mb": 1000.0}}
    monkeypatch.setattr(training, "run_in_own_process", lambda module, size: figures[size])
    rows = {row.name: row for row in training.training((10, 100))}

    assert rows["exponent of time, 10 to 100"].value == pytest.approx(math.log10(20))
    assert rows["exponent of time, 10 to 100"].met is False
    assert rows["exponent of memory, 10 to 100"].value == pytest.approx(1.0)


def test_plain_tifu_knn_answers_as_our_own_does() -> None:
    """The peer whose price we are held against gives the same lists as the sparse one, ties aside."""
    seen = habits(customers=60, dishes=9)
    part = HeldOut.of(seen, least=4)
    method = TifuKnn.fit(part.history, (20, 3, 0.9, 0.6, 0.2))
    plain = ordering.plain_answers(method, part.questions, k=3)

    assert (plain[:, 0] == part.lists(method)[:, 0]).mean() > 0.95


def test_the_command_measures_and_says_so() -> None:
    """`python -m bench --only factors --quick --json` prints rows for a machine, and where it was."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "factors", "--quick", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = json.loads(done.stdout)

    assert printed["machine"]["cpus"] >= 1
    names = {row["name"]: row for row in printed["rows"]}
    assert names["largest difference of a score"]["met"] is True
    assert names["predict / dot product"]["value"] > 1
    assert done.returncode == int(any(row["met"] is False for row in printed["rows"]))


def test_deciding_is_measured_with_and_without_its_log(tmp_path: Path) -> None:
    """The promised rows and targets; what is compared with writes nothing down, the other does."""
    rows = {row.name: row.target for row in deciding.deciding(80)}
    assert rows["decisions with 50 eligible offers, one core"] == 1_000
    assert rows["logging and reserving, durably, adds, p50"] == 1.0

    database = SQLiteDatabase(tmp_path / "recommender.db", migrations)
    kinds = (OfferStore(database), deciding.Forgetful(database))
    written = []
    for store in kinds:
        store.save_offers("bench", deciding.offers(), deciding.NOON_US)
        deciding.visit(store, 0, np.random.default_rng(1), NO_POLICY)
        written.append(store.size("bench")[0])
    database.close()
    assert written == [1, 1]  # the first wrote its decision, the second added none


def test_the_desks_pages_are_measured_on_the_tables_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its log is written past the store, so a new column could break it unseen."""
    monkeypatch.setattr(desk, "DAYS", 30)
    monkeypatch.setattr(desk, "SITES", desk.SITES[:2])

    rows = desk.desk(n_events=500, n_customers=40, times=2)

    assert {row.name for row in rows} >= {f"{page}, 28 days, median" for page in desk.PAGES}
