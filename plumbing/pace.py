"""Answers that take as long for a stranger as for a customer, whatever was to be done for either.

Looking at a picture takes as long for everybody; what comes after it does not: a customer's history is read, a
stranger has none. So the time is counted from the moment when the picture was looked at (`begin`), and each answer
is held until the time that nearly all answers of the slowest kind need (`Pace.hold`). Waiting costs no processor
time, and behind the gate (`plumbing/gate`) no thread either: the next customers are looked at meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

MOST_S = 0.1  # nobody is held for longer than that after the look, however slow others were
SHARE = 0.9  # of the answers of each kind are ready in the time that all are given
KEPT = 100  # latest answers of each kind that are looked at
LEAST = 5  # answers of a kind, before it counts

HELD_BY_GATE = "usual.held_s"
"""In the environment of a request behind the gate: for how many seconds the gate holds the finished answer."""

_begun: ContextVar[float | None] = ContextVar("pace", default=None)


def begin() -> None:
    """From here on the time of this request's answer depends on who pressed."""
    _begun.set(time.monotonic())


class Pace:
    """The time that all answers of one route are given. Safe with threads; one for each process."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic, self._pause = monotonic, pause
        self._taken: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def clear(self) -> None:
        """A new request begins on this thread: nobody was looked at yet."""
        _begun.set(None)

    def hold(self, kind: str, environ: MutableMapping[str, Any] | None = None) -> float:
        """Let the answer wait until answers of every kind are ready; gives how many seconds that is, 0 when nobody
        was looked at.

        The gate waits where there is one (`environ` of the request), this thread elsewhere. What is still to be
        done with the answer takes as long for every kind, so either adds the same.
        """
        began = _begun.get()
        _begun.set(None)
        if began is None:
            return 0.0
        taken = self._monotonic() - began
        with self._lock:
            self._taken.setdefault(kind, deque(maxlen=KEPT)).append(taken)
            wait = max(0.0, self.time_s() - taken)
        if environ is not None and HELD_BY_GATE in environ:
            environ[HELD_BY_GATE] = wait
        elif wait:
            self._pause(wait)
        return wait

    def time_s(self) -> float:
        """The time that an answer is given after the look, in seconds."""
        slowest = (_share(taken) for taken in self._taken.values() if len(taken) >= LEAST)
        return min(MOST_S, max(slowest, default=0.0))


def _share(taken: deque[float]) -> float:
    return sorted(taken)[int(SHARE * (len(taken) - 1))]
