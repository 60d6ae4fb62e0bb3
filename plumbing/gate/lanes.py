"""Lanes: kinds of work that do not wait for each other. Each has its own threads and a short, timed queue.

A request for which all threads of its lane are busy waits, if by the pace of the last ones its turn will come in
time; otherwise it is refused at once, and also when its turn comes too late after all. Waiting costs no thread.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from plumbing.gate.problems import Overloaded

Answer = TypeVar("Answer")
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
        REST: LaneRules(2, 32, 5.0, 5.0),
    }


class Lane:
    """One lane. All methods but the work itself run in the thread of the event loop."""

    def __init__(
        self, name: str, rules: LaneRules, shed: Callable[[str], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._name, self._rules, self._shed, self._now = name, rules, shed, now
        self._pool = ThreadPoolExecutor(rules.threads, thread_name_prefix=f"lane-{name}")
        self._waiting: deque[tuple[float, asyncio.Future[None]]] = deque()
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

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Run `work` in a thread of this lane.

        Raises:
            Overloaded: its turn would come too late, or came too late.
        """
        if self.busy:
            raise self.refusal()
        loop = asyncio.get_running_loop()
        if self._running < self._rules.threads and not self._waiting:
            self._running += 1
        else:
            turn = loop.create_future()
            self._waiting.append((self._now(), turn))
            try:
                await turn  # `_next` has counted it as running
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._running -= 1
                    self._next()
                raise
        began = self._now()
        try:
            return await loop.run_in_executor(self._pool, work)
        finally:
            self._measure(self._now() - began)
            self._running -= 1
            self._next()

    def _measure(self, took_s: float) -> None:
        weight = PACE if self._measured else 1.0
        self._took_s += weight * (took_s - self._took_s)
        self._measured = True

    def refusal(self) -> Overloaded:
        """The error of a request that is refused; it is counted."""
        self._shed(self._name)
        self._refused_at = self._now()
        return Overloaded()

    def _next(self) -> None:
        longest_s = LATE * self._patience_s - self._took_s
        while self._waiting and self._running < self._rules.threads:
            since, turn = self._waiting.popleft()
            if turn.done():
                continue  # who waited has gone
            if self._now() - since > longest_s:
                turn.set_exception(self.refusal())
                continue
            self._running += 1
            turn.set_result(None)

    def close(self) -> None:
        """Wait for what runs; nothing new begins."""
        self._pool.shutdown(wait=True, cancel_futures=True)
