"""The schedule: day names only, one leader, each day's training begun once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given
from hypothesis import strategies as st

from plumbing.clock import DAY, HOUR
from recommender.errors import ScheduleRefused
from recommender.store.runs import ScheduleEntry
from recommender.training.schedule import DAYS, Leader, Scheduler, cron_of, parse_entry, run_key
from tests.recommender.service_fixtures import NOON, Installation, World

ROW: dict[str, Any] = {"scene": "orders", "days": ["sun"], "time": "03:00", "timezone": "UTC", "enabled": True}


def scheduler(world: World) -> Scheduler:
    """As main() would get it, but the work is only noted down."""
    return Scheduler(world.half.config, world.half.trainer.models, world.half.launch, world.now_us)


@given(day=st.sampled_from(DAYS))
def test_a_day_is_the_day_it_says(day: str) -> None:
    """Sunday fires on a Sunday, whichever way cron and APScheduler count."""
    trigger = CronTrigger(**cron_of(parse_entry("orders", [day], "03:00", "UTC")))
    fires = trigger.get_next_fire_time(None, datetime(2026, 11, 23, tzinfo=UTC))
    assert (fires.strftime("%a").lower(), fires.hour) == (day, 3)


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
    one, two = Leader(tmp_path / "lock"), Leader(tmp_path / "lock")
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


def test_the_key_is_the_local_day(world: World) -> None:
    """Half past midnight in Auckland is a new day although it is yesterday in UTC."""
    due = parse_entry("orders", ["mon"], "00:30", "Pacific/Auckland")
    assert run_key(due, NOON).endswith("2026-11-24 00:30")
    assert run_key(due, NOON - 2 * HOUR).endswith("2026-11-23 00:30")


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
    leader = Leader(world.home / "recommender-schedule.lock")
    assert leader.take()
    leader.release()
