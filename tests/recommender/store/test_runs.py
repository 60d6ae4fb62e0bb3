"""The schedule and the runs that an older release wrote."""

from __future__ import annotations

import gzip
from pathlib import Path

from plumbing.storage.state import State
from recommender.store import open_database
from recommender.store.run_locks import LocalRunLocks
from recommender.store.runs import LOST_AFTER_US, ModelStore
from recommender.training.timetable.calendar import calendar_of
from recommender.training.timetable.saying import said
from tests.conftest import ROOT
from tests.engines import needs_files
from tests.recommender.service_fixtures import NOON

OLDER = ROOT / "tests" / "fixtures" / "schedule-0.2.0.db.gz"


@needs_files
def test_the_schedule_and_the_runs_of_an_older_release_are_read(tmp_path: Path) -> None:
    """An entry without a time of saving, a run that is done, and one that was killed and holds no lock."""
    (tmp_path / "recommender.db").write_bytes(gzip.decompress(OLDER.read_bytes()))
    database = open_database(State(tmp_path))
    models = ModelStore(database, LocalRunLocks(tmp_path / "runs"))

    (entry,) = models.schedules.entries("grill")
    assert (entry.scene, entry.lines, entry.since_us) == ("orders", "0 3 * * mon,sun", 0)
    assert said(calendar_of(entry.lines), "en") == "every Monday and Sunday at 03:00"
    assert models.begun("grill", "orders", "schedule 2026-11-20 03:00")
    assert models.close_lost(NOON + LOST_AFTER_US) == 0
    assert models.close_lost(NOON + LOST_AFTER_US + 1) == 1
    assert [run.state for run in models.runs("grill", "destinations")] == ["lost"]
    models.schedules.replace("grill", [entry], NOON)
    assert models.schedules.entries("grill")[0].since_us == 0
    database.close()
