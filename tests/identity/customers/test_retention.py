"""Nobody is forgotten because of a clock alone; and who stopped coming is forgotten in the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from identity.customers.leaving.retention import JUMP_US, LONGEST_STEP_US, Retention
from plumbing.clock import DAY, HOUR, MINUTE, SECOND
from tests.identity.halves import START, StoppedClock


@dataclass
class House:
    """A house with a clock on the wall and a monotonic one; `open` is a process of its server."""

    home: Path
    clock: StoppedClock
    passed: int = 5 * DAY
    newest: int | None = None

    def open(self) -> Retention:
        return Retention(self.home, self.clock, lambda: self.newest, lambda: self.passed)

    def runs(self, *processes: Retention, us: int) -> None:
        for _ in range(us // LONGEST_STEP_US):
            self.clock.now += LONGEST_STEP_US
            self.passed += LONGEST_STEP_US
            for process in processes:
                process.tick()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, StoppedClock())


def test_it_is_the_clocks_day_while_the_server_runs(house: House) -> None:
    one, two = house.open(), house.open()
    house.runs(one, two, us=HOUR // 2)
    assert one.today() == two.today() == house.clock.now // DAY
    house.clock.now += 8 * HOUR  # the night, off
    house.runs(one, us=45 * MINUTE)
    assert one.remark() is None
    assert house.clock.now - one._read().house_us == 0


@pytest.mark.parametrize("days", [46, 380, 30_000])
def test_a_jump_ahead_counts_for_nothing(house: House, days: int) -> None:
    first = house.open()
    house.runs(first, us=10 * MINUTE)
    house.clock.now += days * DAY

    started = house.open()
    house.runs(first, started, us=HOUR // 3)

    assert started.today() == START // DAY
    assert f"{days} days ahead" in (started.remark() or "")
    house.clock.now -= days * DAY
    assert started.remark() is None


def test_a_smaller_jump_is_made_up_for_slowly(house: House) -> None:
    retention = house.open()
    house.runs(retention, us=HOUR)
    house.clock.now += 40 * DAY
    house.runs(retention, us=HOUR // 2)
    assert retention.today() <= START // DAY + 1
    assert retention.remark() is None


def test_time_that_several_processes_see_counts_once(house: House) -> None:
    processes = [house.open() for _ in range(4)]
    house.runs(*processes, us=HOUR)
    assert HOUR - LONGEST_STEP_US <= processes[0]._read().running_us <= HOUR


def test_a_machine_that_slept_saw_no_time_pass(house: House) -> None:
    retention = house.open()
    house.runs(retention, us=HOUR)
    before = retention._read().running_us
    house.passed += 300 * DAY
    house.clock.now += 300 * DAY
    retention.tick()
    assert retention._read().running_us - before <= LONGEST_STEP_US


def test_a_monotonic_clock_that_starts_again_is_no_matter(house: House) -> None:
    house.runs(house.open(), us=HOUR)
    house.passed = 3 * SECOND  # the machine was started again
    retention = house.open()
    before = retention._read().running_us
    house.runs(retention, us=HOUR)
    assert retention._read().running_us - before >= HOUR - LONGEST_STEP_US


def test_two_of_a_hundred_in_a_day_of_running_and_one_at_least(house: House) -> None:
    retention = house.open()
    assert [sum(retention.take(n) for _ in range(40)) for n in (24, 24, 1_000)] == [1, 0, 19]
    house.clock.now += 10 * DAY  # the clock alone opens no new day
    assert not retention.take(1_000)
    retention.observe(DAY)
    assert sum(house.open().take(1_000) for _ in range(40)) == 20


def test_an_operator_confirms_the_clock(house: House) -> None:
    retention = house.open()
    retention.tick()
    house.clock.now += 200 * DAY
    assert retention.remark()
    retention.confirm(3)
    assert retention.remark() is None
    assert retention.today() == house.clock.now // DAY
    assert [retention.take(10) for _ in range(6)] == [True] * 4 + [False] * 2


def test_a_clock_behind_stops_it_and_says_so(house: House) -> None:
    retention = house.open()
    retention.tick()
    house.clock.now = 5 * DAY  # a machine without a battery
    house.runs(retention, us=HOUR)
    assert retention.today() == 5
    assert retention.clock_is_back()
    assert "days behind" in (retention.remark() or "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version": 9}',
        b'{"version": 1, "house_us": "x"}',
        b'{"version":1,"house_us":1}',
        b"\x00",
    ],
)
def test_a_damaged_file_starts_from_the_latest_visit(house: House, content: bytes) -> None:
    """Also where it is missing, and the clock is wrong from the beginning."""
    house.newest = START // DAY - 3
    (house.home / "retention.json").write_bytes(content)
    house.clock.now += 380 * DAY
    retention = house.open()
    house.runs(retention, us=10 * MINUTE)
    assert retention.today() == START // DAY - 2
    assert retention.remark()


def test_what_cannot_be_counted_is_not_allowed(house: House) -> None:
    retention = house.open()
    (house.home / "retention.json").mkdir()
    with pytest.raises(OSError, match="retention"):
        retention.take(10)


def test_a_jump_is_longer_than_a_holiday() -> None:
    assert 30 * DAY < JUMP_US < 60 * DAY
