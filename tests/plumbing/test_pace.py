"""Answers that show by their time who pressed, and the same ones held."""

from __future__ import annotations

import random

import pytest

from plumbing.pace import HELD_BY_GATE, MOST_S, Pace, begin


class Watch:
    """A clock that only work and pauses move."""

    def __init__(self) -> None:
        self.now, self.paused = 0.0, 0.0

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.paused += seconds


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr("plumbing.pace.time.monotonic", made.monotonic)
    return made


def answers(watch: Watch, pace: Pace, kind: str, work_s: float) -> float:
    """How long an answer takes that needs `work_s`."""
    began = watch.now
    pace.clear()
    begin()
    watch.now += work_s
    pace.hold(kind)
    return watch.now - began


def auc(first: list[float], second: list[float]) -> float:
    return (
        sum((a > b) + 0.5 * (round(a, 9) == round(b, 9)) for a in first for b in second) / len(first) / len(second)
    )


def test_a_customer_and_a_stranger_take_the_same_time(watch: Watch) -> None:
    """Customers need two milliseconds more, with some noise: nobody can tell who pressed."""
    pace, rng = Pace(monotonic=watch.monotonic, pause=watch.pause), random.Random(13)
    work: dict[str, list[float]] = {"matched": [], "unknown": [], "ambiguous": []}
    taken: dict[str, list[float]] = {kind: [] for kind in work}
    for _ in range(400):
        for kind, usual in (("matched", 0.006), ("unknown", 0.004), ("ambiguous", 0.0045)):
            needed = usual * rng.lognormvariate(0, 0.15)
            work[kind].append(needed)
            taken[kind].append(answers(watch, pace, kind, needed))

    assert auc(work["matched"], work["unknown"]) > 0.9
    for one, other in (("matched", "unknown"), ("matched", "ambiguous"), ("unknown", "ambiguous")):
        assert 0.45 <= auc(taken[one][50:], taken[other][50:]) <= 0.55
    extra = [a - b for a, b in zip(taken["matched"], work["matched"], strict=True)]
    assert sorted(extra)[200] <= 0.003


def test_nobody_waits_long_because_others_did(watch: Watch) -> None:
    pace = Pace(monotonic=watch.monotonic, pause=watch.pause)
    for _ in range(50):
        answers(watch, pace, "matched", 5.0)

    assert answers(watch, pace, "unknown", 0.001) == pytest.approx(MOST_S)


def test_where_nobody_was_looked_at_nothing_is_held(watch: Watch) -> None:
    pace = Pace(monotonic=watch.monotonic, pause=watch.pause)
    for _ in range(50):
        answers(watch, pace, "matched", 0.02)
    begin()
    pace.clear()
    pace.hold("unknown")

    assert pace.time_s() == pytest.approx(0.02)
    assert watch.paused == pytest.approx(0.0)


def test_behind_the_gate_no_thread_waits(watch: Watch) -> None:
    """The gate is told how long to hold the finished answer."""
    pace, environ = Pace(monotonic=watch.monotonic, pause=watch.pause), {HELD_BY_GATE: 0.0}
    for _ in range(50):
        answers(watch, pace, "matched", 0.02)
    begin()
    watch.now += 0.005
    held = pace.hold("unknown", environ)

    assert held == environ[HELD_BY_GATE] == pytest.approx(0.015)
    assert watch.paused == pytest.approx(0.0)
