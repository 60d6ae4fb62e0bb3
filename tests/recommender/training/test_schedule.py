"""The schedule: day names only, one leader, each day's training begun once."""

from __future__ import annotations

import threading
import zoneinfo
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbing.clock import DAY, HOUR, MINUTE, SECOND
from recommender.errors import ScheduleRefused
from recommender.store.runs import ScheduleEntry
from recommender.training.schedule import DAYS, LocalLeader, Scheduler, last_due, next_due, parse_entry, run_key
from tests.recommender.service_fixtures import NOON, Installation, World

ROW: dict[str, Any] = {"scene": "orders", "days": ["sun"], "time": "03:00", "timezone": "UTC", "enabled": True}


def scheduler(world: World) -> Scheduler:
    """As main() would get it, but the work is only noted down."""
    return Scheduler(world.half.config, world.half.trainer.models, world.half.launch, world.now_us)


ZONES = sorted(zoneinfo.available_timezones())
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))
entries = st.builds(
    parse_entry,
    st.just("orders"),
    st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
    st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59)),
    st.sampled_from(ZONES),
)


@given(day=st.sampled_from(DAYS))
def test_a_day_is_the_day_it_says(day: str) -> None:
    """Sunday is a Sunday, whichever way cron and APScheduler count."""
    due = next_due(parse_entry("orders", [day], "03:00", "UTC"), datetime(2026, 11, 23, tzinfo=UTC))
    assert (due.strftime("%a").lower(), due.hour) == (day, 3)


@settings(max_examples=150, deadline=None)
@given(entry=entries, start=MOMENTS)
def test_every_week_has_its_training_in_every_zone(entry: ScheduleEntry, start: datetime) -> None:
    """Over five weeks: moments grow, a day is due once, no gap is longer than the days ask for (and the one day
    that a zone may skip), and looking back finds the same moments as looking ahead."""
    moments, now = [], start
    while now < start + timedelta(days=35):
        now = next_due(entry, now)
        moments.append(now)
        assert last_due(entry, now) is not None
    found = [last_due(entry, at) for at in moments]
    assert [one[1] for one in found if one] == moments
    days = [one[0] for one in found if one]
    assert days == sorted(set(days))
    positions = sorted(DAYS.index(day) for day in entry.days)
    longest = max((b - a - 1) % 7 + 1 for a, b in zip(positions, positions[1:] + positions[:1], strict=True))
    assert all(b - a <= timedelta(days=longest + 1) for a, b in pairwise([start, *moments][1:]))
    assert len(moments) >= 5 * len(positions) - 1


@pytest.mark.parametrize(
    ("zone", "time", "day", "expected"),
    [
        ("America/Santiago", "00:00", "sun", "2026-09-06T04:00"),  # midnight does not exist: it is 01:00 then
        ("Africa/Cairo", "00:00", "fri", "2026-04-23T22:00"),
        ("Europe/Berlin", "02:30", "sun", "2026-03-29T01:30"),  # 03:30 by the new time
        ("Europe/Berlin", "02:30", "sun", "2026-10-25T00:30"),  # twice: the first one
        ("Australia/Lord_Howe", "02:15", "sun", "2026-10-03T15:45"),  # half an hour is skipped
    ],
)
def test_a_midnight_that_does_not_exist_loses_no_week(zone: str, time: str, day: str, expected: str) -> None:
    entry = parse_entry("orders", [day], time, zone)
    at = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert next_due(entry, at - timedelta(days=2)) == at
    assert next_due(entry, at) - at in (
        timedelta(days=7),
        timedelta(days=7, hours=1),
        timedelta(days=7, hours=-1),
    ) or (zone == "Australia/Lord_Howe")


@pytest.mark.parametrize(
    "changes",
    [
        {"days": ["0"]},
        {"days": ["7"]},
        {"days": ["*"]},
        {"days": ["Sunday"]},
        {"days": []},
        {"time": "24:00"},
        {"time": "3:00"},
        {"time": "03:60"},
        {"time": "nine!"},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"scene": "dreams"},
    ],
)
def test_what_is_no_schedule(still: World, changes: dict[str, Any]) -> None:
    """Numbers for days, times and zones that are none, scenes that do not train: refused, the old one stays."""
    with pytest.raises(ScheduleRefused):
        parse_entry(**(ROW | changes))
    assert still.call("PUT", "/schedule", key="desk", json={"rows": [ROW, ROW | changes]}).status_code == 422
    assert still.call("GET", "/schedule", key="desk").json == {"rows": []}


def test_a_schedule_is_saved_by_the_page(world: World) -> None:
    """Written by the route, read back, sorted by the week; another tenant has its own."""
    saved = world.call("PUT", "/schedule", key="desk", json={"rows": [ROW | {"days": ["sun", "mon"]}]})
    assert saved.json["rows"][0]["days"] == ["mon", "sun"]
    assert world.call("GET", "/schedule", key="desk").json == saved.json
    assert world.call("GET", "/schedule", key="stranger").json == {"rows": []}
    assert world.call("GET", "/schedule", key="kiosk").json["code"] == "scope_missing"


def test_there_is_one_leader(world: World, installation: Installation) -> None:
    """The second process waits; when the first ends, it leads."""
    other = installation.open(world.home)
    first, second = scheduler(world), scheduler(other)
    assert (first.look(), second.look(), first.look()) == (True, False, True)
    first.stop()
    assert second.look()
    second.stop()
    other.close()


def test_a_lock_is_let_go_with_its_process(tmp_path: Path) -> None:
    """Taken once, taken again by the same is fine, by another it is not."""
    one, two = LocalLeader(tmp_path / "lock"), LocalLeader(tmp_path / "lock")
    assert (one.take(), one.take(), two.take()) == (True, True, False)
    one.release()
    assert two.take()
    two.release()


def test_a_days_training_begins_once(world: World, installation: Installation) -> None:
    """Two processes that both think they lead begin one run; the next day begins another."""
    other = installation.open(world.home)
    due = ScheduleEntry("orders", DAYS, "12:00", "UTC", True, "grill")
    first, second = scheduler(world), scheduler(other)
    run_id = first.fire(due)
    assert run_id
    assert second.fire(due) is None
    world.half.trainer.models.end("grill", run_id, "published", "", NOON)
    assert (first.fire(due), second.fire(due)) == (None, None)
    assert [run[1] for run in (*world.launched, *other.launched)] == ["orders"]
    world.time_us += DAY
    assert first.fire(due)
    other.close()


def test_the_key_is_the_local_day() -> None:
    """Half past midnight in Auckland is a new day although it is yesterday in UTC."""
    due = parse_entry("orders", DAYS, "00:30", "Pacific/Auckland")
    found = last_due(due, datetime(2026, 11, 23, 12, 0, tzinfo=UTC))
    assert found is not None
    assert run_key(due, found[0]) == "schedule 2026-11-24 00:30"
    earlier = last_due(due, datetime(2026, 11, 23, 10, 0, tzinfo=UTC))
    assert earlier is not None
    assert run_key(due, earlier[0]) == "schedule 2026-11-23 00:30"


def saved(world: World, **changes: Any) -> None:
    assert world.call("PUT", "/schedule", key="desk", json={"rows": [ROW | changes]}).status_code == 200


@pytest.mark.parametrize("late_us", [62 * SECOND, 5 * HOUR, 3 * DAY])
def test_what_was_due_while_no_server_ran_is_made_up_for_once(
    world: World, installation: Installation, late_us: int
) -> None:
    """Saved on Monday at noon for Tuesday 03:00; no process at that minute. The next start trains, once."""
    saved(world, days=["tue"])
    first = scheduler(world)
    assert first.look()
    assert world.launched == []  # what was due before it was saved is not made up for
    first.stop()
    world.time_us += 15 * HOUR + late_us

    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            made = scheduler(world)
            made.look()
            made.stop()

    assert [run[1] for run in world.launched] == ["orders"]
    (run,) = world.half.trainer.models.runs("grill", "orders")
    assert (run.state, run.started_us) == ("running", world.time_us)
    assert ("training_begun_late" in repr(logs)) == (late_us > 10 * MINUTE)


def test_what_is_due_while_another_training_runs_begins_after_it(world: World) -> None:
    saved(world, days=["tue"])
    by_hand = world.half.trainer.models.begin("grill", "orders", world.time_us)
    world.time_us += 16 * HOUR
    made = scheduler(world)
    made.look()
    assert world.launched == []
    world.half.trainer.models.end("grill", by_hand, "published", "", world.time_us)
    made.look()
    made.stop()
    assert len(world.launched) == 1


def test_a_scheduled_training_that_was_killed_is_begun_again_three_times_at_most(
    world: World, installation: Installation
) -> None:
    saved(world, days=["tue"])
    world.time_us += 16 * HOUR
    for _ in range(5):
        with_it = installation.open(world.home)
        with_it.time_us = world.time_us
        made = scheduler(with_it)
        made.look()
        made.stop()
        world.launched += with_it.launched
        with_it.close()  # and with the process the training ends

    assert len(world.launched) == 3
    world.half.trainer.models.close_lost(world.time_us)
    assert [run.state for run in world.half.trainer.models.runs("grill", "orders")] == ["lost"] * 3


def test_a_schedule_that_was_saved_under_a_wrong_clock_is_kept(world: World) -> None:
    """Saved 100 days ahead: back in time the weekly training begins, and is due from then on."""
    world.time_us += 100 * DAY
    saved(world, days=["tue"])
    world.time_us -= 100 * DAY
    world.time_us += 16 * HOUR
    made = scheduler(world)
    made.look()
    made.stop()
    assert len(world.launched) == 1


def test_an_entry_that_stays_as_it_was_keeps_its_time(world: World) -> None:
    saved(world, days=["tue"])
    world.time_us += 16 * HOUR
    saved(world, days=["tue"])
    assert [entry.since_us for entry in world.half.trainer.models.schedule()] == [NOON]
    saved(world, days=["tue"], time="03:30")
    assert [entry.since_us for entry in world.half.trainer.models.schedule()] == [world.time_us]


def test_a_training_that_cannot_be_started_is_closed(world: World) -> None:
    saved(world, days=["tue"])
    world.time_us += 16 * HOUR

    def refuse(*_: str) -> None:
        raise OSError("no memory")

    made = Scheduler(world.half.config, world.half.trainer.models, refuse, world.now_us)
    made.look()
    made.stop()
    assert [run.state for run in world.half.trainer.models.runs("grill", "orders")] == ["failed"]


def test_a_clock_beyond_the_calendar_stops_no_look(world: World) -> None:
    saved(world)
    world.time_us = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()) * SECOND
    made = scheduler(world)
    assert made.look()
    made.stop()


def test_jobs_follow_the_store(world: World) -> None:
    """What is saved is due at the next look; what is switched off is not; nothing runs before main() starts it."""
    made = scheduler(world)
    assert (made.jobs(), [t for t in threading.enumerate() if t.name == "APScheduler"]) == ([], [])
    rows = [ROW, ROW | {"scene": "destinations", "enabled": False}]
    world.call("PUT", "/schedule", key="desk", json={"rows": rows})
    made.look()
    assert [entry.scene for entry in made.jobs()] == ["orders"]
    assert [t for t in threading.enumerate() if t.name == "APScheduler"]
    world.call("PUT", "/schedule", key="desk", json={"rows": []})
    made.look()
    assert made.jobs() == []
    made.stop()


def test_it_starts_and_stops(world: World) -> None:
    """Started it leads within a moment; stopped it leaves no thread and no lock."""
    made = world.half.scheduler()
    made.start()
    made.stop()
    leader = LocalLeader(world.home / "recommender-schedule.lock")
    assert leader.take()
    leader.release()
