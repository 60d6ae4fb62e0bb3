"""The time a server goes by, when the machine's clock does not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbing.clock import DAY, HOUR, MINUTE, SECOND, left_of, system_clock
from plumbing.steady import LONGEST_AHEAD, MARK, TOLERANCE, Mark, SteadyClock, closed_before, remember, steady

START = 20_000 * DAY


@dataclass
class Machine:
    """A machine's two clocks; somebody sets the one on the wall."""

    wall: int = START
    passed: int = 7 * DAY
    jumps: list[str] = field(default_factory=list)

    def runs(self, us: int) -> None:
        self.wall += us
        self.passed += us

    def steady(self, path: Path | None = None) -> SteadyClock:
        clock = SteadyClock(lambda: self.wall, path, monotonic=lambda: self.passed)
        clock.on_jump = self.jumps.append
        return clock


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_it_is_the_machines_time(machine: Machine) -> None:
    clock = machine.steady()
    for us in (0, 1, SECOND, 3 * HOUR, 400 * DAY):
        machine.runs(us)
        assert clock() == machine.wall
    assert (clock.remark(), machine.jumps, clock.closed_before_us) == (None, [], 0)


def test_a_step_of_a_time_service_is_no_jump_and_time_does_not_go_back(machine: Machine) -> None:
    clock = machine.steady()
    before = clock()
    machine.wall -= SECOND
    assert clock() == before
    machine.runs(2 * SECOND)
    assert clock() == machine.wall == before + SECOND
    assert machine.jumps == []


def test_a_jump_ahead_is_followed_and_noticed(machine: Machine) -> None:
    clock = machine.steady()
    machine.wall += 380 * DAY
    assert clock() == machine.wall
    assert machine.jumps == ["ahead"]
    assert clock.remark() == "the machine's clock went 380 days ahead; check its time"
    machine.runs(DAY + SECOND)
    assert clock.remark() is None


def test_a_clock_set_back_an_hour_goes_on_and_is_caught_up_with(machine: Machine) -> None:
    clock = machine.steady()
    machine.wall -= HOUR
    assert clock() == START
    machine.runs(10 * MINUTE)
    assert clock() == START + 9 * MINUTE
    machine.runs(10 * HOUR)
    assert clock() == machine.wall
    assert machine.jumps == ["back"]


def test_a_clock_set_back_while_nobody_asked_is_noticed(machine: Machine) -> None:
    """Half an hour of quiet, then a clock that moved ten minutes: it was set back by twenty."""
    clock = machine.steady()
    machine.runs(30 * MINUTE)
    machine.wall -= 20 * MINUTE
    assert clock() == START + 27 * MINUTE  # three of the twenty are caught up with
    assert machine.jumps == ["back"]


def test_a_clock_that_was_far_ahead_is_followed_back_and_closes_what_was_issued(machine: Machine) -> None:
    clock = machine.steady()
    machine.wall += 380 * DAY
    clock()
    machine.runs(HOUR)
    clock()
    machine.wall -= 380 * DAY
    assert clock() == machine.wall == START + HOUR
    assert closed_before(clock) == START + HOUR
    assert machine.jumps == ["ahead", "back"]


@pytest.mark.parametrize("back", [MINUTE, 59 * MINUTE, 2 * HOUR, 400 * DAY])
def test_a_restart_does_not_hide_that_the_clock_went_back(machine: Machine, tmp_path: Path, back: int) -> None:
    path = tmp_path / MARK
    machine.steady(path).remember()
    machine.wall -= back
    again = machine.steady(path)

    if back <= LONGEST_AHEAD:
        assert again() == START
    else:
        assert again() == machine.wall == closed_before(again)
    again.remember()
    assert machine.steady(path)() == again()
    assert closed_before(machine.steady(path)) == closed_before(again)


def test_a_second_in_the_year_2099_locks_nobody_out(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / MARK
    machine.wall += 73 * 365 * DAY
    machine.steady(path).remember()
    machine.wall = START + SECOND
    again = machine.steady(path)
    assert again() == machine.wall
    again.remember()
    assert Mark.read(path) == Mark(machine.wall, machine.wall)
    machine.runs(MINUTE)
    later = machine.steady(path)
    assert (later(), later.remark()) == (machine.wall, None)


def test_two_processes_agree_after_a_jump(machine: Machine, tmp_path: Path) -> None:
    one, two = machine.steady(tmp_path / MARK), machine.steady(tmp_path / MARK)
    machine.runs(MINUTE)
    one()
    machine.wall -= 30 * MINUTE
    assert abs(one() - two()) <= 7 * SECOND
    one.remember()
    assert abs(machine.steady(tmp_path / MARK)() - one()) <= TOLERANCE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b'{"version": 2, "latest_us": 1, "closed_before_us": 0}',
        b'{"version": 1, "latest_us": "x", "closed_before_us": 0}',
        b"\x00" * 90,
    ],
)
def test_a_damaged_mark_is_made_again(machine: Machine, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / MARK
    path.write_bytes(content)
    clock = machine.steady(path)
    assert clock() == START
    clock.remember()
    assert Mark.read(path) == Mark(START, 0)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_mark_that_cannot_be_written_is_no_error(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    machine.steady(tmp_path / "file" / MARK).remember()


def test_the_machines_clock_is_watched_and_a_tests_clock_is_as_it_is_set(tmp_path: Path) -> None:
    mine = [START]
    clock = steady(lambda: mine[0], tmp_path)
    mine[0] += 400 * DAY
    assert (clock(), clock.remark()) == (mine[0], None)
    mine[0] -= 5 * MINUTE
    assert clock() == mine[0] + 5 * MINUTE
    assert steady(clock, tmp_path) is clock
    assert abs(steady(system_clock, tmp_path)() - system_clock()) < SECOND
    remember(system_clock)  # does nothing for a clock that is not steady
    assert closed_before(system_clock) == 0


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, HOUR), st.integers(0, 2 * DAY)), max_size=20),
    back=st.one_of(st.integers(0, LONGEST_AHEAD), st.integers(0, 40 * DAY)),
    more=st.lists(st.integers(0, 20 * MINUTE), max_size=6),
)
def test_a_token_that_was_closed_stays_closed(steps: list[tuple[int, int]], back: int, more: list[int]) -> None:
    """Whatever steps ahead there were, one step back opens no token that was closed before it."""
    machine = Machine()
    clock = machine.steady()
    issued = []
    for passed, jump in steps:
        issued.append(clock())
        machine.runs(passed)
        machine.wall += jump
    closed = [one for one in issued if not opens(one, clock)]
    machine.wall -= back

    assert not any(opens(one, clock) for one in closed)
    for passed in more if back <= LONGEST_AHEAD else ():
        machine.runs(passed)
        assert not any(opens(one, clock) for one in closed)
    assert 0 <= clock() - machine.wall <= LONGEST_AHEAD


def opens(issued: int, clock: SteadyClock) -> bool:
    now = clock()
    return closed_before(clock) <= issued <= now + 5 * SECOND and now < issued + 10 * MINUTE


@given(until=st.integers(-(10**17), 10**17), longest=st.integers(1, DAY))
def test_a_deadline_is_never_further_ahead_than_its_own_length(until: int, longest: int) -> None:
    left = left_of(until, 0, longest)
    assert 0 <= left <= longest + 5 * SECOND
    if 0 < until <= longest:
        assert left == until
