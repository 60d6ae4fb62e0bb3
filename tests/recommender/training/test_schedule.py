"""The schedule: one leader, each due time's training begun once, pauses, what was missed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from plumbing.clock import DAY, HOUR, MINUTE, SECOND
from plumbing.storage.room import DiskFull
from recommender.store.schedules import UNTIL_RESUMED, ScheduleEntry
from recommender.training.schedule import LocalLeader, Scheduler
from tests.recommender.service_fixtures import NOON, Installation, World

ROW: dict[str, Any] = {"scene": "orders", "text": "Sundays 03:00", "timezone": None, "enabled": True}


def scheduler(world: World) -> Scheduler:
    """As main() would get it, but the work is only noted down."""
    return Scheduler(world.half.config, world.half.trainer.models, world.half.launch, world.now_us)


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
    due = ScheduleEntry("orders", "0 12 * * *", timezone="UTC", tenant="grill")
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


def saved(world: World, **changes: Any) -> None:
    assert world.call("PUT", "/schedule", key="desk", json={"rows": [ROW | changes]}).status_code == 200


@pytest.mark.parametrize("late_us", [62 * SECOND, 5 * HOUR, 3 * DAY])
def test_what_was_due_while_no_server_ran_is_made_up_for_once(
    world: World, installation: Installation, late_us: int
) -> None:
    """Saved on Monday at noon for Tuesday 03:00; no process at that minute. The next start trains, once."""
    saved(world, text="Tuesdays 03:00")
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
    saved(world, text="Tuesdays 03:00")
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
    saved(world, text="Tuesdays 03:00")
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
    saved(world, text="Tuesdays 03:00")
    world.time_us -= 100 * DAY
    world.time_us += 16 * HOUR
    made = scheduler(world)
    made.look()
    made.stop()
    assert len(world.launched) == 1


def test_an_entry_that_stays_as_it_was_keeps_its_time(world: World) -> None:
    saved(world, text="Tuesdays 03:00")
    world.time_us += 16 * HOUR
    saved(world, text="Tuesdays 03:00")
    assert [entry.since_us for entry in world.half.trainer.models.schedules.entries()] == [NOON]
    saved(world, text="Tuesdays 03:30")
    assert [entry.since_us for entry in world.half.trainer.models.schedules.entries()] == [world.time_us]


def test_a_training_that_cannot_be_started_is_closed(world: World) -> None:
    saved(world, text="Tuesdays 03:00")
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


def looked(world: World) -> int:
    """Look as a new process does; how many trainings have begun by then."""
    made = world.half.scheduler()
    made.look()
    made.stop()
    return len(world.launched)


def test_what_is_missed_while_it_is_paused_is_made_up_for_once(world: World) -> None:
    """Two nights pass; resumed, one training begins, and the next night another."""
    saved(world, text="every night at 03:00")
    world.half.trainer.models.schedules.pause("grill", None, UNTIL_RESUMED, "key:desk")
    for _ in range(2):
        world.time_us += DAY
        assert looked(world) == 0
    world.half.trainer.models.schedules.pause("grill", "orders", 0, "")
    assert (looked(world), looked(world)) == (1, 1)
    tenant, scene, run_id = world.launched[0]
    world.half.trainer.models.end(tenant, run_id, "published", "", world.time_us)
    world.time_us += DAY
    assert (looked(world), scene) == (2, "orders")


def test_a_pause_ends_at_its_moment(world: World) -> None:
    saved(world, text="every night at 03:00")
    world.half.trainer.models.schedules.pause("grill", "orders", world.time_us + DAY, "key:desk")
    world.time_us += DAY - SECOND
    assert looked(world) == 0
    world.time_us += SECOND
    assert looked(world) == 1


def test_an_entry_without_a_zone_goes_by_the_tenants(world: World) -> None:
    """03:00 in Auckland is 14:00 in UTC the day before; at noon it is due two hours later."""
    zone = {"timezone": "Pacific/Auckland"}
    assert world.call("PUT", "/desk/tenant", key="desk", json=zone).status_code == 200
    saved(world, text="every night at 03:00")
    world.time_us += 2 * HOUR - SECOND
    assert looked(world) == 0
    world.time_us += SECOND
    assert looked(world) == 1
    (run,) = world.half.trainer.models.runs("grill", "orders")
    assert run.kind == "schedule"


def test_one_entry_that_nobody_understands_stops_no_other(world: World) -> None:
    """A newer release wrote it."""
    models = world.half.trainer.models
    strange = ScheduleEntry("destinations", "at full moon", timezone="Mars/Olympus")
    models.schedules.replace("grill", [strange, ScheduleEntry("orders", "0 3 * * *")], NOON)
    world.time_us += DAY
    assert looked(world) == 1
    assert world.call("GET", "/schedule", key="desk").status_code == 200


def test_a_disk_that_is_full_for_a_while_ends_no_schedule(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that leads looks again: else nobody would train, retrain or go back until a restart."""
    made, again = scheduler(world), threading.Event()
    looks: list[int] = []

    def look() -> bool:
        looks.append(len(looks))
        if len(looks) == 1:
            raise DiskFull
        again.set()
        return True

    monkeypatch.setattr("recommender.training.schedule.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(made, "look", look)
    made.start()
    try:
        assert again.wait(10)
    finally:
        made.stop()
