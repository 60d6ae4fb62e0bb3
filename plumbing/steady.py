"""The time that a server goes by: the machine's clock, but it does not run backwards, and a jump is noticed.

Whatever the clock does, a token that has expired stays closed and a short deadline ends. Where time goes back by
up to `LONGEST_AHEAD`, this clock goes on from where it was, a little slower than the machine's until that has
caught up. Where it goes back by more, the machine was far ahead before: this clock follows it, and
`closed_before_us` closes earlier tokens. The latest time is kept in a file, so that a restart does not hide
that time went back.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from plumbing.clock import DAY, HOUR, SECOND, Clock, monotonic_us, system_clock
from plumbing.server_clock import ServerClock
from plumbing.storage.files import write_atomic

log = structlog.get_logger(__name__)

LONGEST_AHEAD = HOUR
TOLERANCE = 2 * SECOND  # a smaller step is the work of a time service, or a process that had to wait
SLOWER = 10  # this clock loses one second in ten until the machine's has caught up
REMEMBER_EVERY_US = 15 * SECOND
SHOWN_FOR_US = DAY  # so long after a jump the readiness check names it
VERSION = 1
MARK = "clock.json"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is kept in the file: the latest time of any process, and up to when issued tokens are closed."""

    latest_us: int
    closed_before_us: int

    @classmethod
    def read(cls, path: Path) -> Mark | None:
        """The mark in a file; None when there is none that can be read."""
        try:
            found = json.loads(path.read_bytes())
            mark = cls(found["latest_us"], found["closed_before_us"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole = found.get("version") == VERSION and type(mark.latest_us) is type(mark.closed_before_us) is int
        return mark if whole else None

    def write(self, path: Path) -> None:
        """Replace the mark in a file. Raises OSError."""
        said = {"version": VERSION, "latest_us": self.latest_us, "closed_before_us": self.closed_before_us}
        write_atomic(path, json.dumps(said).encode(), mode=0o600)


class SteadyClock:
    """A `Clock`. One for each process; safe with threads.

    `monotonic` shows by how much the machine's clock should have moved; without it (a test's clock) only steps
    backwards are noticed. `on_jump` is called with "ahead" or "back".
    """

    def __init__(self, wall: Clock, path: Path | None = None, *, monotonic: Clock | None = None) -> None:
        self._wall_clock = wall
        self._monotonic = monotonic
        self._path = path
        self._lock = threading.Lock()
        now = wall()
        self._seen = (now, monotonic() if monotonic else 0, now)
        """The machine's two clocks and this one, when this one was asked last. Replaced as a whole: threads."""
        self._ahead = 0
        self._written: int | None = None
        self._jumped: tuple[int, int] | None = None  # by how much, and when by the monotonic clock
        self.closed_before_us = 0
        """Tokens that were issued before are closed: after them the clock went far back."""
        self.on_jump: Callable[[str], None] = lambda _: None
        mark = None if path is None else Mark.read(path)
        if mark is not None:
            # A mark far ahead was made under a wrong clock; so was what it closed.
            self.closed_before_us = min(mark.closed_before_us, now)
            self._step_back(now, mark.latest_us)

    def __call__(self) -> int:
        """Microseconds UTC; never less than before, but after a step back by more than `LONGEST_AHEAD`."""
        if self._monotonic is not None and not self._ahead:  # without the lock: each request asks several times
            before, passed, last = self._seen
            wall, now = self._wall_clock(), self._monotonic()
            if -TOLERANCE < wall - before - now + passed < TOLERANCE and wall >= last:
                self._seen = (wall, now, wall)
                return wall
        with self._lock:
            return self._compared()

    def _compared(self) -> int:
        before, passed_before, last = self._seen
        wall, now = self._wall_clock(), self._monotonic() if self._monotonic else 0
        moved = wall - before
        passed = max(0, now - passed_before if self._monotonic else moved)
        self._seen = (wall, now, last)
        if moved - passed > TOLERANCE:
            self._ahead = max(0, self._ahead - (moved - passed))
            self._noticed(moved - passed)
        elif moved - passed < -TOLERANCE:
            self._step_back(wall, wall + self._ahead + passed - moved)
        self._ahead = max(0, self._ahead - passed // SLOWER)
        now_us = max(self._seen[2], wall + self._ahead)
        self._seen = (wall, now, now_us)
        return now_us

    def _step_back(self, wall: int, expected: int) -> None:
        """The machine's clock shows `wall` where this clock would show `expected`."""
        behind = expected - wall
        if behind <= TOLERANCE:
            return
        if behind > LONGEST_AHEAD:
            self._seen = (wall, self._seen[1], wall)
            self._ahead, self.closed_before_us = 0, wall
        else:
            self._ahead = behind
        self._noticed(-behind)

    def _noticed(self, step: int) -> None:
        self._jumped = (step, self._seen[1])
        self._written = None
        self.on_jump("ahead" if step > 0 else "back")
        log.warning("clock_jumped", seconds=round(step / SECOND, 1), ahead_of_the_machine_s=self._ahead // SECOND)

    def remark(self) -> str | None:
        """A sentence about a jump of the last day, or about a clock that is wrong now; None without one."""
        self()
        if isinstance(self._wall_clock, ServerClock) and (apart := self._wall_clock.remark()) is not None:
            return apart
        if self._jumped is None or self._monotonic is None or self._monotonic() - self._jumped[1] > SHOWN_FOR_US:
            return None
        step = self._jumped[0]
        return f"the machine's clock went {_in_words(abs(step))} {'ahead' if step > 0 else 'back'}; check its time"

    def remember(self) -> None:
        """Keep the latest time in the file, every `REMEMBER_EVERY_US` at most. A full disk is no error. The clock
        of the server is asked as often."""
        if isinstance(self._wall_clock, ServerClock):
            self._wall_clock.look()
        now = self()
        if self._path is None or (self._written is not None and 0 <= now - self._written < REMEMBER_EVERY_US):
            return
        found = Mark.read(self._path) or Mark(0, 0)
        latest = found.latest_us if 0 <= found.latest_us - now <= LONGEST_AHEAD else now
        closed = max(self.closed_before_us, found.closed_before_us if found.closed_before_us <= now else 0)
        with suppress(OSError):
            Mark(latest, closed).write(self._path)
        self._written = now


def _in_words(us: int) -> str:
    return f"{us / DAY:.0f} days" if us >= 2 * DAY else f"{us / SECOND:.0f} s"


def steady(now_us: Clock, home: Path) -> SteadyClock:
    """`now_us` as a steady clock of the installation in `home`; itself when it is one."""
    if isinstance(now_us, SteadyClock):
        return now_us
    of_machine = now_us is system_clock or isinstance(now_us, ServerClock)
    return SteadyClock(now_us, home / MARK, monotonic=monotonic_us if of_machine else None)


def closed_before(now_us: Clock) -> int:
    """Tokens issued before this moment are closed; 0 for a clock that is not steady."""
    return now_us.closed_before_us if isinstance(now_us, SteadyClock) else 0


def remember(now_us: Clock) -> None:
    """Keep the latest time of a steady clock: called now and then by what runs beside the requests."""
    if isinstance(now_us, SteadyClock):
        now_us.remember()
