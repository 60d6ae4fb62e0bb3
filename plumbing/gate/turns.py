"""Who runs, who waits and who is refused in one lane: the rules alone, without threads and with any clock.

`plumbing/gate/lanes.py` gives them threads; `bench/fleet` runs a day of a fleet through them on a simulated clock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Waiter = TypeVar("Waiter")
PACE = 0.1  # weight of the newest duration in the moving average
LATE = 1.3  # who was admitted under pressure may take so much longer than was expected
PRESSED_S = 1.0
"""For so long after a refusal a lane is pressed: more comes than can be done. Screens that wait for each answer
before they send the next request never fill a queue, however slow the machine is at the moment."""


@dataclass(frozen=True, slots=True)
class LaneRules:
    """`threads` of each process; at most `most_waiting` requests wait.

    By the pace of the last ones, each is answered `patience_s` after it came, or `pressed_s` while the lane is
    pressed: when more comes than can be done, a long queue only makes every answer late.
    """

    threads: int
    most_waiting: int
    patience_s: float
    pressed_s: float


REST = "rest"


def rules_of(threads: int) -> Mapping[str, LaneRules]:
    """The rules of all lanes; `threads` is for recognition, which is the only work that fills the processors.

    A recognition has about 300 ms from press to answer. Opting out waits longest and behind nothing else.
    """
    return {
        "recognition": LaneRules(threads, 8, 5.0, 0.24),
        "presses": LaneRules(1, 32, 1.0, 0.5),
        "health": LaneRules(1, 32, 5.0, 5.0),
        "suggestions": LaneRules(2, 64, 2.0, 1.0),
        "events": LaneRules(2, 64, 5.0, 5.0),
        "own_page": LaneRules(1, 32, 10.0, 5.0),  # apart from opting out: a refused sign-in is slow
        "privacy": LaneRules(1, 64, 30.0, 30.0),
        "rides": LaneRules(1, 256, 5.0, 5.0),
        REST: LaneRules(2, 32, 5.0, 5.0),
    }


class Turns(Generic[Waiter]):
    """The turns of one lane. `now` gives seconds; nothing here blocks, and one thread uses it."""

    def __init__(self, rules: LaneRules, now: Callable[[], float]) -> None:
        self._rules, self._now = rules, now
        self._waiting: deque[tuple[float, Waiter]] = deque()
        self._running = 0
        self._took_s = 0.0
        self._measured = False
        self._refused_at = -PRESSED_S

    @property
    def busy(self) -> bool:
        """Whether a request that came now would be refused."""
        ahead = len(self._waiting)
        if self._running < self._rules.threads:
            return False
        expected_s = self._took_s + (ahead + 1) * self._took_s / self._rules.threads
        return ahead >= self._rules.most_waiting or expected_s > self._patience_s

    @property
    def _pressed(self) -> bool:
        return self._now() - self._refused_at < PRESSED_S

    @property
    def _patience_s(self) -> float:
        """How long a request may take at present, its work included: at least its own time and one turn, or a
        slow machine would refuse the second person although the first is answered late as well."""
        rule = self._rules.pressed_s if self._pressed else self._rules.patience_s
        return max(rule, self._took_s * (1 + 1 / self._rules.threads))

    def begin(self) -> bool:
        """Run at once, if a thread is free and nobody waits; False: wait."""
        if self._running < self._rules.threads and not self._waiting:
            self._running += 1
            return True
        return False

    def wait(self, waiter: Waiter) -> None:
        """Stand at the end of the queue."""
        self._waiting.append((self._now(), waiter))

    def refused(self) -> None:
        """A request was refused: for a second the lane is pressed."""
        self._refused_at = self._now()

    def took(self, seconds: float) -> None:
        """How long a request's work took: the pace by which the next ones are admitted."""
        weight = PACE if self._measured else 1.0
        self._took_s += weight * (seconds - self._took_s)
        self._measured = True

    def end(self) -> None:
        """One that ran is done."""
        self._running -= 1

    def called(self, gone: Callable[[Waiter], bool]) -> Iterator[tuple[Waiter, bool]]:
        """Whose turn it is now: each with True when it runs, or False when its turn came too late. Who has `gone`
        is passed over."""
        longest_s = LATE * self._patience_s - self._took_s
        while self._waiting and self._running < self._rules.threads:
            since, waiter = self._waiting.popleft()
            if gone(waiter):
                continue
            in_time = self._now() - since <= longest_s
            self._running += in_time
            yield waiter, in_time
