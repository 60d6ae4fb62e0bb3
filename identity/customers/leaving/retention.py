"""When customers who stopped coming may be forgotten. Nobody is erased because of a clock alone.

The house has a time of its own. It moves only while the server is seen running, and towards the machine's clock:
up to `CATCH_UP` times as fast as it runs, so that nights and holidays are made up for, but never by a jump. When
the clock is more than `JUMP_US` ahead of it, it runs at the ordinary speed until an operator confirms the clock.
Whatever is due, `SHARE` of the customers (and one at least) are forgotten in a day of running at most.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from plumbing.clock import DAY, MINUTE, Clock
from plumbing.storage.documents import Document, LocalDocument

CATCH_UP = 12
JUMP_US = 45 * DAY
SHARE = 0.02
LONGEST_STEP_US = 2 * MINUTE
"""Between two looks of a running server. A longer time was not seen to pass: the machine slept, or its clock
moved."""

FILE = "retention.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept. Times in microseconds; `day` counts days of running, and `forgotten` those erased in it."""

    house_us: int
    running_us: int = 0
    credited_us: int = 0  # by the monotonic clock of the machine: several processes see one time pass
    day: int = 0
    forgotten: int = 0
    granted: int = 0  # may be forgotten beyond the limit of the day: an operator confirmed the clock


class Retention:
    """Shared by all processes, and by all replicas, through the document `retention.json`.

    `place` is the state folder, or the document. `newest_day` is the latest visit of any customer (day since 1970,
    None without one): where there is no document, the time of the house is not later than that.
    """

    def __init__(
        self,
        place: Path | Document,
        now_us: Clock,
        newest_day: Callable[[], int | None],
        monotonic: Clock | None = None,
    ) -> None:
        self._document = LocalDocument(place / FILE) if isinstance(place, Path) else place
        self._here = threading.Lock()
        self._now_us = now_us
        self._newest_day = newest_day
        self._monotonic = self._document.passing_us if monotonic is None else monotonic
        self._last: int | None = None

    def tick(self) -> None:
        """Once a minute in a running server: note that time has passed. Raises OSError when it cannot be kept."""
        with self._here:
            passed_from, now = self._last, self._monotonic()
            self._last = now
        self.observe(0 if passed_from is None else min(max(0, now - passed_from), LONGEST_STEP_US), now)

    def observe(self, passed_us: int, monotonic: int = 0) -> None:
        """`passed_us` microseconds were seen to pass, up to `monotonic`, unless another process noted them."""
        with self._document.locked():
            seen = self._read()
            if monotonic and monotonic >= seen.credited_us > 0:
                passed_us = min(passed_us, monotonic - seen.credited_us)
            ahead = self._now_us() - seen.house_us
            step = passed_us * (1 if ahead > JUMP_US else 1 + CATCH_UP)
            running = seen.running_us + passed_us
            new_day = running // DAY != seen.day
            self._write(
                Seen(
                    seen.house_us + max(0, min(step, ahead)),
                    running,
                    monotonic,
                    running // DAY,
                    0 if new_day else seen.forgotten,
                    seen.granted,
                )
            )

    def today(self) -> int:
        """The day (since 1970) from which retention counts back: never ahead of what the house has seen."""
        return min(self._now_us(), self._read().house_us) // DAY

    def take(self, customers: int) -> bool:
        """Whether one more of `customers` may be forgotten now; it is counted before it is done. Raises
        OSError."""
        with self._document.locked():
            seen = self._read()
            fields_of = asdict(seen)
            if seen.granted > 0:
                fields_of["granted"] -= 1
            elif seen.forgotten < max(1, int(SHARE * customers)):
                fields_of["forgotten"] += 1
            else:
                return False
            self._write(Seen(**fields_of))
            return True

    def confirm(self, due: int) -> None:
        """An operator says that the clock is right: the house has its time, and `due` customers may be
        forgotten."""
        with self._document.locked():
            seen = asdict(self._read()) | {"house_us": self._now_us(), "granted": due}
            self._write(Seen(**seen))

    def clock_is_back(self) -> bool:
        """Whether the machine's clock shows less than what the house has seen."""
        return self._now_us() < self._read().house_us

    def remark(self) -> str | None:
        """Why nobody is forgotten at the moment, as a sentence; None when all is well."""
        ahead = self._now_us() - self._read().house_us
        if ahead > JUMP_US:
            return (
                f"the clock is {round(ahead / DAY)} days ahead of what the server has seen; customers who stopped"
                " coming are kept until `usual identity confirm-clock`"
            )
        if ahead < -DAY:
            return (
                f"the clock is {round(-ahead / DAY)} days behind what the server has seen; check its time, and"
                " then `usual identity confirm-clock`"
            )
        return None

    def _read(self) -> Seen:
        try:
            found = json.loads(self._document.read() or b"")
            if found.pop("version") == VERSION and all(type(value) is int for value in found.values()):
                return Seen(**{one.name: found[one.name] for one in fields(Seen)})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # there is none yet, or it was damaged: it is made again, with what the customers show
        newest, now = self._newest_day(), self._now_us()
        return Seen(now if newest is None else min(now, (newest + 1) * DAY))

    def _write(self, seen: Seen) -> None:
        self._document.replace(json.dumps({"version": VERSION} | asdict(seen)).encode())
