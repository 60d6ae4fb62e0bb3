"""Lanes: what waits, how long, and what is refused at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from plumbing.gate.lanes import Lane, LaneRules, rules_of
from plumbing.gate.problems import Overloaded


class Station:
    """A lane of one thread, with a clock that the test moves, and work that the test ends."""

    def __init__(self, rules: LaneRules) -> None:
        self.time_s = 0.0
        self.shed: list[str] = []
        self.lane = Lane("test", rules, self.shed.append, lambda: self.time_s)
        self.end = threading.Event()

    def work(self) -> str:
        assert self.end.wait(5)
        return "done"


@pytest.fixture
def station() -> Iterator[Station]:
    made = Station(LaneRules(threads=1, most_waiting=2, patience_s=2.0, pressed_s=0.2))
    yield made
    made.end.set()
    made.lane.close()


def test_a_full_lane_refuses_at_once_and_names_when_to_come_back(station: Station) -> None:
    async def story() -> tuple[list[str], float, Overloaded]:
        running = [asyncio.create_task(station.lane.run(station.work)) for _ in range(3)]
        await asyncio.sleep(0.01)
        began = time.perf_counter()
        with pytest.raises(Overloaded) as caught:
            await station.lane.run(station.work)
        took = time.perf_counter() - began
        station.end.set()
        return await asyncio.gather(*running), took, caught.value

    done, took, refused = asyncio.run(story())

    assert done == ["done"] * 3
    assert took < 0.05
    assert (refused.status, refused.code, refused.retry_after) == (503, "overloaded", 1)
    assert station.shed == ["test"]


def test_who_waited_too_long_is_refused_and_not_served_late(station: Station) -> None:
    async def story() -> list[object]:
        await station.lane.run(lambda: None)  # the pace so far is quick
        running = [asyncio.create_task(station.lane.run(station.work)) for _ in range(2)]
        await asyncio.sleep(0.01)
        station.time_s = 3.0
        station.end.set()
        return await asyncio.gather(*running, return_exceptions=True)

    first, second = asyncio.run(story())

    assert first == "done"
    assert isinstance(second, Overloaded)


def test_by_the_pace_of_the_last_ones_it_refuses_what_would_wait_too_long(station: Station) -> None:
    def slow() -> None:
        station.time_s += 0.9

    async def story() -> None:
        await station.lane.run(slow)  # the next one has a turn after 0.9 s, the one behind it after 1.8 s
        running = [asyncio.create_task(station.lane.run(station.work)) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert station.lane.busy
        with pytest.raises(Overloaded):
            await station.lane.run(station.work)
        station.end.set()
        await asyncio.gather(*running)
        assert not station.lane.busy

    asyncio.run(story())


def test_a_slow_machine_lets_one_wait_for_each_that_works(station: Station) -> None:
    def slow() -> None:
        station.time_s += 3.0

    async def story() -> list[str]:
        await station.lane.run(slow)
        running = [asyncio.create_task(station.lane.run(station.work)) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(Overloaded):
            await station.lane.run(station.work)
        station.end.set()
        return await asyncio.gather(*running)

    assert asyncio.run(story()) == ["done", "done"]


@pytest.mark.parametrize(("refused", "served"), [(False, True), (True, False)])
def test_a_burst_is_waited_for_and_under_pressure_nobody_is_answered_late(
    station: Station, refused: bool, served: bool
) -> None:
    async def story() -> list[object]:
        await station.lane.run(lambda: None)  # the pace so far is quick
        running = [asyncio.create_task(station.lane.run(station.work)) for _ in range(3)]
        await asyncio.sleep(0.01)
        if refused:
            with pytest.raises(Overloaded):
                await station.lane.run(station.work)
        station.time_s = 0.6
        station.end.set()
        return await asyncio.gather(*running, return_exceptions=True)

    _, *waited = asyncio.run(story())

    assert [answer == "done" for answer in waited] == [served] * 2


def test_screens_that_wait_for_each_answer_are_never_refused_however_slow_the_machine_is() -> None:
    lane = Lane("test", rules_of(3)["recognition"], lambda _: None)

    async def terminal() -> int:
        for _ in range(2):
            await lane.run(lambda: time.sleep(0.05))
        return 2

    async def story() -> list[int]:
        await lane.run(lambda: time.sleep(0.7))  # something else kept the machine busy
        return await asyncio.gather(*(terminal() for _ in range(8)))

    assert asyncio.run(story()) == [2] * 8
    lane.close()


def test_a_lane_works_on_after_errors_and_after_callers_that_gave_up(station: Station) -> None:
    def fail() -> None:
        raise ValueError("an accident")

    async def story() -> str:
        with pytest.raises(ValueError, match="accident"):
            await station.lane.run(fail)
        running = [asyncio.create_task(station.lane.run(station.work)) for _ in range(2)]
        await asyncio.sleep(0.01)
        running[1].cancel()
        station.end.set()
        await asyncio.gather(*running, return_exceptions=True)
        return await station.lane.run(station.work)

    assert asyncio.run(story()) == "done"


def test_one_lane_full_does_not_keep_another_from_working() -> None:
    stations = {name: Station(rules) for name, rules in rules_of(3).items()}
    full = stations["recognition"]

    async def story() -> list[str]:
        running = [asyncio.create_task(full.lane.run(full.work)) for _ in range(5)]
        await asyncio.sleep(0.01)
        others = [one.lane.run(lambda: "answered") for name, one in stations.items() if one is not full]
        answers = await asyncio.wait_for(asyncio.gather(*others), 2)
        full.end.set()
        await asyncio.gather(*running)
        return answers

    assert asyncio.run(story()) == ["answered"] * (len(stations) - 1)
    for one in stations.values():
        one.lane.close()


@pytest.mark.parametrize("times", [2, 4])
def test_at_several_times_the_capacity_nearly_all_of_it_is_answered_in_time(times: int) -> None:
    """Work that takes 0.1 s in three threads, as a recognition does; a short form of the trial `overload`."""
    lane, seconds, capacity = Lane("test", rules_of(3)["recognition"], lambda _: None), 1.5, 30.0
    took: list[float] = []
    shed: list[float] = []

    async def one() -> None:
        began = time.perf_counter()
        try:
            await lane.run(lambda: time.sleep(0.1))
            took.append(time.perf_counter() - began)
        except Overloaded:
            shed.append(time.perf_counter() - began)

    async def story() -> None:
        running = []
        for _ in range(int(times * capacity * seconds)):
            running.append(asyncio.create_task(one()))
            await asyncio.sleep(1 / (times * capacity))
        await asyncio.gather(*running)

    began = time.perf_counter()
    asyncio.run(story())
    passed = time.perf_counter() - began
    lane.close()

    assert sum(one <= 0.4 for one in took) >= 0.6 * capacity * min(passed, seconds)
    assert sorted(shed)[len(shed) // 2] < 0.05, "half of what is refused is refused at once"
