"""Counts of suggestions in the memory of a process, written every few seconds: a suggestion costs no write.

What was counted and not written yet is lost when the power fails: some seconds of visits, in figures alone.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass

from plumbing.clock import MINUTE

QUARTER = 15 * MINUTE
"""Every offset from UTC is a multiple of it: the local day of a quarter is that of all moments in it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted together. `hour` is the local hour of the device, -1 where it said none."""

    quarter: int  # of an hour since 1970, UTC
    site: str
    hour: int
    scene: str
    recognised: bool
    version: str


class Counters:
    """The counts of one process. Safe with threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, dict[Counted, list[int]]] = {}
        self._due: dict[str, set[int]] = {}

    def suggested(self, tenant: str, key: Counted, *, visit: bool, shown: bool) -> None:
        """Count one answer."""
        with self._lock:
            counts = self._counts.setdefault(tenant, defaultdict(lambda: [0, 0]))[key]
            counts[0] += visit
            counts[1] += shown

    def recorded(self, tenant: str, times_us: set[int]) -> None:
        """Note when events of these times were recorded: their days are to be summed again."""
        with self._lock:
            self._due.setdefault(tenant, set()).update(at // QUARTER for at in times_us)

    def take(self) -> tuple[dict[str, dict[Counted, list[int]]], dict[str, set[int]]]:
        """What was counted since the last time, and the quarters with new events; both are empty afterwards."""
        with self._lock:
            taken = self._counts, self._due
            self._counts, self._due = {}, {}
        return taken

    def give_back(self, counts: dict[str, dict[Counted, list[int]]], due: dict[str, set[int]]) -> None:
        """Take back what could not be written."""
        with self._lock:
            for tenant, rows in counts.items():
                mine = self._counts.setdefault(tenant, defaultdict(lambda: [0, 0]))
                for key, (visits, shown) in rows.items():
                    mine[key][0] += visits
                    mine[key][1] += shown
            for tenant, quarters in due.items():
                self._due.setdefault(tenant, set()).update(quarters)
