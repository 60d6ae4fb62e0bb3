"""Lanes: kinds of work that do not wait for each other. Each has its own threads and a short, timed queue.

A request for which all threads of its lane are busy waits, if by the pace of the last ones its turn will come in
time; otherwise it is refused at once, and also when its turn comes too late after all. Waiting costs no thread.
The rules are in `plumbing/gate/turns.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from plumbing.gate.problems import Overloaded
from plumbing.gate.turns import REST, LaneRules, Turns, rules_of

__all__ = ["REST", "Lane", "LaneRules", "rules_of"]
Answer = TypeVar("Answer")


class Lane:
    """One lane. All methods but the work itself run in the thread of the event loop."""

    def __init__(
        self, name: str, rules: LaneRules, shed: Callable[[str], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._name, self._shed, self._now = name, shed, now
        self._pool = ThreadPoolExecutor(rules.threads, thread_name_prefix=f"lane-{name}")
        self._turns: Turns[asyncio.Future[None]] = Turns(rules, now)

    @property
    def busy(self) -> bool:
        """Whether a request that came now would be refused."""
        return self._turns.busy

    async def run(self, work: Callable[[], Answer]) -> Answer:
        """Run `work` in a thread of this lane.

        Raises:
            Overloaded: its turn would come too late, or came too late.
        """
        if self.busy:
            raise self.refusal()
        loop = asyncio.get_running_loop()
        if not self._turns.begin():
            turn = loop.create_future()
            self._turns.wait(turn)
            try:
                await turn  # `_next` has counted it as running
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._end()
                raise
        began = self._now()
        try:
            return await loop.run_in_executor(self._pool, work)
        finally:
            self._turns.took(self._now() - began)
            self._end()

    def refusal(self) -> Overloaded:
        """The error of a request that is refused; it is counted."""
        self._shed(self._name)
        self._turns.refused()
        return Overloaded()

    def _end(self) -> None:
        self._turns.end()
        for turn, in_time in self._turns.called(asyncio.Future.done):  # who waited may have gone
            if in_time:
                turn.set_result(None)
            else:
                turn.set_exception(self.refusal())

    def close(self) -> None:
        """Wait for what runs; nothing new begins."""
        self._pool.shutdown(wait=True, cancel_futures=True)
