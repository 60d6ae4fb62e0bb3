"""What each device did, counted in memory and written now and then; nothing small enough to be one person's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from flask import Request

from plumbing.access.caller import Caller
from plumbing.access.device_figures import KEPT_DAYS, LEAST_PEOPLE, DeviceFigures, clock_of, migrations
from plumbing.clock import DAY, SECOND
from plumbing.storage.database import Database
from plumbing.storage.state import State

NOON = 20_000 * DAY + DAY // 2
KIOSK = Caller("grill", "k1", "kiosk-1", "market", frozenset())


class Clock:
    now = NOON

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def database(state: State) -> Iterator[Database]:
    opened = state.passing("access-moments", migrations)
    yield opened
    opened.close()


def test_figures_are_added_up_over_processes(database: Database) -> None:
    first, second = DeviceFigures(database, Clock()), DeviceFigures(database, Clock())
    for figures in (first, second):
        for _ in range(LEAST_PEOPLE):
            figures.count(KIOSK, status=200, took_s=0.03, decision="matched")
        figures.count(KIOSK, status=204, took_s=0.01, decision="not_me")
        figures.count(KIOSK, status=404, took_s=0.01)
        figures.count(KIOSK, status=503, took_s=0.01)
        figures.write()

    found = first.of("grill")["kiosk-1"]
    assert found.counts["requests"] == 2 * (LEAST_PEOPLE + 3)
    assert (found.counts["refused"], found.counts["failed"]) == (2, 2)
    assert found.decisions == {"matched": 2 * LEAST_PEOPLE}
    assert found.not_me_rate == 1 / LEAST_PEOPLE
    assert found.time_ms(0.5) == 50
    assert found.seen_us == NOON


def test_a_damaged_file_fails_no_request(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted waits for the next time."""

    def damaged(*, shared: bool = False) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    figures = DeviceFigures(database, Clock(), monotonic=count(0, 10).__next__)
    with monkeypatch.context() as patch:
        patch.setattr(database, "write", damaged)
        figures.count(KIOSK, status=200, took_s=0.01)
    found = figures.of("grill")["kiosk-1"]
    assert (found.counts["requests"], found.seen_us) == (1, NOON)


def test_a_screen_that_was_paired_again_goes_on_under_its_name(database: Database) -> None:
    """Else the operator's page would call it silent for ever."""
    figures = DeviceFigures(database, Clock())
    figures.count(KIOSK, status=200, took_s=0.01)
    figures.count(replace(KIOSK, device="kiosk-1~2"), status=200, took_s=0.01)
    found = figures.of("grill")
    assert (list(found), found["kiosk-1"].counts["requests"]) == (["kiosk-1"], 2)


def test_few_decisions_are_not_shown(database: Database) -> None:
    figures = DeviceFigures(database, Clock())
    for _ in range(LEAST_PEOPLE - 1):
        figures.count(KIOSK, status=200, took_s=9.0, decision="matched")

    found = figures.of("grill")["kiosk-1"]
    assert found.decisions == {}
    assert found.not_me_rate is None
    assert found.time_ms(0.5) == 3200


def test_one_tenant_sees_nothing_of_another(database: Database) -> None:
    figures = DeviceFigures(database, Clock())
    figures.count(KIOSK, status=200, took_s=0.1)

    assert figures.of("taxi") == {}


def test_old_days_go(database: Database) -> None:
    clock = Clock()
    figures = DeviceFigures(database, clock)
    figures.count(KIOSK, status=200, took_s=0.1)
    figures.write()
    clock.now += (KEPT_DAYS + 1) * DAY
    figures.count(KIOSK, status=200, took_s=0.1)
    figures.write()

    assert [row["day"] for row in database.rows("SELECT DISTINCT day FROM device_figures")] == [clock.now // DAY]


def test_a_database_that_is_away_stops_nothing_and_loses_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = DeviceFigures(database, Clock())
    figures.count(KIOSK, status=200, took_s=0.1)
    with monkeypatch.context() as patched:
        patched.setattr(database, "write", lambda: (_ for _ in ()).throw(OSError("away")))
        figures.write()

    assert figures.of("grill")["kiosk-1"].counts["requests"] == 1


def test_by_how_much_a_clock_is_wrong_is_kept_as_it_was_heard_last(database: Database) -> None:
    figures = DeviceFigures(database, Clock())
    for clock_s in (0, NOON // SECOND + 180):
        figures.count(KIOSK, status=200, took_s=0.01, clock_s=clock_s)
    figures.count(KIOSK, status=200, took_s=0.01)
    figures.write()
    figures.count(replace(KIOSK, device="till"), status=200, took_s=0.01)

    found = figures.of("grill")
    assert found["kiosk-1"].ahead_s == 180
    assert found["till"].ahead_s is None


@pytest.mark.parametrize("said", ["", "soon", "1e9", "9" * 13, "12.5", "١٢", "0x10"])
def test_a_clock_that_is_no_number_is_not_heard(said: str) -> None:
    assert clock_of(Request({"HTTP_X_USUAL_CLOCK": said})) is None


def test_a_clock_before_1970_is_heard() -> None:
    assert clock_of(Request({"HTTP_X_USUAL_CLOCK": "-60"})) == -60
