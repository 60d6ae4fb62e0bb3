"""The parts that a request passes: processors, lanes and the database, as queues on a simulated clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.fleet.costs import Costs
from bench.fleet.fleet import Fleet
from plumbing.gate.turns import Turns, rules_of

LANES = {"press": "presses", "visit": "recognition", "suggestion": "suggestions", "event": "events"}
GIVES_UP_S = 2.0  # a write waits so long for the database (plumbing/storage/database.py), then it is refused


class Station:
    """`servers` that take pieces of work in the order in which they come; how long each was busy, by hour."""

    __slots__ = ("_free", "busy_s", "scale")

    def __init__(self, servers: int) -> None:
        self._free = [0.0] * servers
        self.busy_s = [0.0] * 26

    @property
    def servers(self) -> int:
        return len(self._free)

    def take(self, now: float, work_s: float) -> float:
        """When a piece that comes now is done."""
        began = self._free[0]
        began = began if began > now else now
        done = began + work_s
        heapq.heapreplace(self._free, done)
        self.busy_s[int(began) // 3600] += work_s
        return done

    def slip_in(self, now: float, work_s: float) -> float:
        """As `take` for a short piece: the system lets it share a processor with what runs there, at half speed,
        and what comes after it is that much later."""
        shared = self._free[0] > now
        self.take(now, work_s)
        return now + 2 * work_s if shared else now + work_s

    def put_off(self, until: float) -> None:
        """Nothing begins before `until`."""
        self._free = [max(free, until) for free in self._free]
        heapq.heapify(self._free)


@dataclass(slots=True)
class Request:
    """One request on its way. `epoch` is that of its replica: it is lost when the replica was lost since."""

    kind: str
    visit: int
    came: float
    work_s: float = 0.0  # of all parts, without waiting
    replica: Replica | None = None
    epoch: int = 0
    turns: Turns[Request] | None = None
    began: float = 0.0


class Replica:
    """One machine: its processors, shared by all its processes, and the real lanes of each process."""

    def __init__(self, fleet: Fleet, now: Callable[[], float]) -> None:
        self.processors = Station(fleet.cores)
        self.up = True
        self.epoch = 0
        self._fleet, self._now, self._next = fleet, now, 0
        self._lanes = self._empty()

    def _empty(self) -> list[dict[str, Turns[Request]]]:
        rules = rules_of(self._fleet.threads)
        return [
            {kind: Turns(rules[lane], self._now) for kind, lane in LANES.items()}
            for _ in range(self._fleet.processes)
        ]

    def lane(self, kind: str) -> tuple[Turns[Request], bool]:
        """The lane of the process that takes the next request, and whether it would refuse it. A press is refused
        when the recognition that follows would be (`?for=recognition`, plumbing/gate/gate.py)."""
        self._next = (self._next + 1) % len(self._lanes)
        lanes = self._lanes[self._next]
        return lanes[kind], lanes[kind].busy or (kind == "press" and lanes["visit"].busy)

    def lose(self, back_at: float) -> None:
        """The machine is gone with all that it was doing, and is back later with nothing to do."""
        self.up, self.epoch = False, self.epoch + 1
        self._lanes = self._empty()
        self.processors.put_off(back_at)


class Store:
    """The database. Its writers commit together; while it is away a write is refused after `GIVES_UP_S`."""

    def __init__(self, costs: Costs, writers: int = 8) -> None:
        one = costs.state == "sqlite"
        self.station = Station(1 if one else writers)
        self.commit_s = costs.commit_ms / 1000 if one else max(costs.commit_ms / 1000, writers / costs.commits_s)
        self.away: tuple[float, float] = (-1.0, -1.0)

    def is_away(self, now: float) -> bool:
        """Whether nothing answers now."""
        return self.away[0] <= now < self.away[1]

    def write(self, now: float, commits: int) -> tuple[float, bool]:
        """When a request's commits are done, and whether they were: in vain when the database is away too long."""
        if self.is_away(now):
            back = self.away[1]
            if back - now > GIVES_UP_S:
                return now + GIVES_UP_S, False
            now = back
        return self.station.take(now, commits * self.commit_s), True


@dataclass(slots=True)
class Waits:
    """Seconds of requests of one kind that came in the hour that is looked at: whole time, and waiting in it."""

    whole: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
