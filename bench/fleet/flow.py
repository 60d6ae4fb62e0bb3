"""Discrete events: every visit of a day, from the press to the order, through the parts of the fleet."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from bench.fleet.costs import KINDS, Cost, Costs
from bench.fleet.fleet import DAY_S, Fleet, Visits
from bench.fleet.parts import Replica, Request, Store, Waits

CAMERA_S = 0.4  # from the press to the picture
AGAIN_S = 1.5  # "come closer", and the next press
RETRY_S = 5.0  # a screen sends an order again that was not acknowledged (screens/static/js)
SPREAD = 4096


@dataclass
class Day:
    """What came of a simulated day or a part of it."""

    seconds: float
    visits: int = 0
    outcome: Counter[str] = field(default_factory=Counter)  # personal, guest, turned_guest, at_the_box, refused
    waiting: int = 0  # visits that have no suggestions yet
    orders: int = 0  # that customers placed
    recorded: int = 0
    doubled: int = 0  # orders sent again after they had been recorded, answered as duplicates
    requests: Counter[str] = field(default_factory=Counter)
    shed: Counter[str] = field(default_factory=Counter)  # refused by a lane, by kind
    lost: Counter[str] = field(default_factory=Counter)  # in flight on a replica that was lost, by kind
    unwritten: Counter[str] = field(default_factory=Counter)  # refused because the database was away
    again: int = 0  # orders that were sent again
    waits: dict[str, Waits] = field(default_factory=lambda: {kind: Waits() for kind in KINDS})
    replicas: list[list[float]] = field(default_factory=list)  # busy seconds of processors, by hour
    store: list[float] = field(default_factory=list)
    engine_s: float = 0.0
    most_unsent: int = 0  # orders that waited on screens at the same time
    in_boxes: int = 0  # orders in all outboxes when the line came back
    most_in_a_box: int = 0
    boxes_empty_at: float = 0.0

    @property
    def answered(self) -> int:
        """Visits that saw suggestions."""
        return (
            self.outcome["personal"]
            + self.outcome["guest"]
            + self.outcome["turned_guest"]
            + self.outcome["at_the_box"]
        )

    @property
    def balances(self) -> bool:
        """Conservation: nobody and no order vanishes or appears."""
        visits = self.visits == self.answered + self.outcome["refused"] + self.waiting
        return visits and self.orders == self.recorded + self.unsent

    @property
    def unsent(self) -> int:
        """Orders that no server has acknowledged."""
        return self.orders - self.recorded


class Simulation:
    """One run. `looked_at` is the span (seconds) whose waits are kept."""

    def __init__(
        self, fleet: Fleet, costs: Costs, visits: Visits, looked_at: tuple[float, float] = (0.0, DAY_S)
    ) -> None:
        self._fleet, self._costs = fleet, costs
        self._now = 0.0
        self._heap: list[tuple[float, int, Callable[[Request], None], Request]] = []
        self._number = itertools.count()
        self.replicas = [Replica(fleet, lambda: self._now) for _ in range(fleet.replicas)]
        self.store = Store(costs)
        self._turn = 0
        self._at, self._pictures, self._think = visits.at_s, visits.pictures, visits.think_s
        self._left = visits.pictures.tolist()  # pictures that are still to be taken, by visit
        self._recorded = bytearray(len(visits))
        self._looked_at = looked_at
        self._unsent = 0
        self._site = visits.terminal // max(1, fleet.terminals // fleet.sites)
        self._cut: dict[int, list[int]] = {}  # orders in the outbox of a site's box
        self._cut_until = 0.0
        rng = np.random.default_rng([15, fleet.seed])
        # A request's work varies by a third around its mean.
        self._spread = itertools.cycle(rng.gamma(9.0, 1 / 9.0, SPREAD).tolist())
        self._jitter = itertools.cycle((RETRY_S * (0.5 + rng.random(SPREAD))).tolist())
        self._server = {kind: costs.requests[kind].server_ms / 1000 for kind in KINDS}
        self._server["visit"] += costs.scan(fleet.faces * fleet.searched) / 1000
        self._waiting_s = {kind: _waits_of(cost, costs) for kind, cost in costs.requests.items()}
        self.day = Day(0.0, visits=len(visits))

    # --- the clock

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Something that happens to the fleet at a moment."""
        self._push(when, lambda _: do(), Request("", -1, when))

    def cut(self, sites: range, from_s: float, until_s: float) -> None:
        """The line of these sites is cut: their boxes answer, and send their orders when it is back."""

        def begin() -> None:
            self._cut, self._cut_until = {site: [] for site in sites}, until_s

        def end() -> None:
            self.day.most_in_a_box = max(map(len, self._cut.values()), default=0)
            self.day.in_boxes = sum(map(len, self._cut.values()))
            for site in sites:
                self._next_of_box(site)

        self.at(from_s, begin)
        self.at(until_s, end)

    def _next_of_box(self, site: int) -> None:
        """A box sends one order after the other, each when the one before was acknowledged."""
        if self._cut[site]:
            self._send("event", self._cut[site].pop(0))
            self.day.boxes_empty_at = self._now

    def _push(self, when: float, step: Callable[[Request], None], request: Request) -> None:
        heapq.heappush(self._heap, (when, next(self._number), step, request))

    def run(self, until_s: float = DAY_S + 3600.0) -> Day:
        """Let every visit come, and everything happen until `until_s`."""
        heap, pop, first = self._heap, heapq.heappop, self._first
        for begin in range(0, len(self._at), 100_000):
            for number, when in enumerate(self._at[begin : begin + 100_000].tolist(), begin):
                while heap and heap[0][0] <= when:
                    self._now, _, step, request = pop(heap)
                    step(request)
                self._now = when
                first(number)
        while heap and heap[0][0] <= until_s:
            self._now, _, step, request = pop(heap)
            step(request)
        return self._closed()

    def _closed(self) -> Day:
        day = self.day
        day.seconds = self._now - float(self._at[0]) if len(self._at) else 0.0
        day.waiting = day.visits - day.answered - day.outcome["refused"]
        day.replicas = [replica.processors.busy_s for replica in self.replicas]
        day.store = self.store.station.busy_s
        return day

    # --- a visit

    def _first(self, visit: int) -> None:
        if self._cut and self._now < self._cut_until and int(self._site[visit]) in self._cut:
            self._shown("at_the_box", visit)
            return
        self._send("press" if self._left[visit] else "suggestion", visit)

    def _send(self, kind: str, visit: int) -> None:
        """A request comes to the proxy, which gives it to the next replica that is up."""
        self.day.requests[kind] += 1
        request = Request(kind, visit, self._now)
        replica = self._next_replica()
        if replica is None:
            self._refused(request)
            return
        turns, busy = replica.lane(kind)
        request.replica, request.epoch, request.turns = replica, replica.epoch, turns
        if busy:
            turns.refused()
            self.day.shed[kind] += 1
            self._refused(request)
        elif turns.begin():
            self._begin(request)
        else:
            turns.wait(request)

    def _next_replica(self) -> Replica | None:
        for _ in self.replicas:
            self._turn = (self._turn + 1) % len(self.replicas)
            if self.replicas[self._turn].up:
                return self.replicas[self._turn]
        return None

    # --- a request

    def _begin(self, request: Request) -> None:
        kind, replica = request.kind, request.replica
        assert replica is not None
        request.began = self._now
        if request.epoch != replica.epoch:
            self._gone(request)
            return
        work = self._server[kind] * next(self._spread)
        request.work_s += work
        if kind == "visit":
            self._push(replica.processors.take(self._now, work), self._look, request)
        else:
            self._push(replica.processors.slip_in(self._now, work), self._written, request)

    def _look(self, request: Request) -> None:
        """The engine's process looks at the picture."""
        replica = request.replica
        assert replica is not None
        if request.epoch != replica.epoch:
            self._gone(request)
            return
        work = self._costs.requests["visit"].engine_ms / 1000 * next(self._spread)
        request.work_s += work
        self.day.engine_s += work
        self._push(replica.processors.take(self._now, work), self._written, request)

    def _written(self, request: Request) -> None:
        """What is to be kept goes to the database, and small questions and marks to it and back."""
        replica = request.replica
        assert replica is not None
        if request.epoch != replica.epoch:
            self._gone(request)
            return
        waited = self._waiting_s[request.kind]
        commits = self._costs.requests[request.kind].commits
        request.work_s += waited + commits * self.store.commit_s
        if commits or (request.kind != "suggestion" and self.store.is_away(self._now)):
            done, kept = self.store.write(self._now, commits)
            self._push(done + waited, self._done if kept else self._failed, request)
        elif waited:
            self._push(self._now + waited, self._done, request)
        else:
            self._done(request)

    def _done(self, request: Request) -> None:
        if self._ended(request):
            self._answered(request)

    def _failed(self, request: Request) -> None:
        if self._ended(request):
            self.day.unwritten[request.kind] += 1
            self._refused(request)

    def _ended(self, request: Request) -> bool:
        """The request leaves its lane, and who waited there begins; False when its replica was lost meanwhile."""
        replica = request.replica
        assert replica is not None
        if request.epoch != replica.epoch:
            self._gone(request)
            return False
        self._leave(request)
        return True

    def _leave(self, request: Request) -> None:
        turns = request.turns
        assert turns is not None
        turns.took(self._now - request.began)
        turns.end()
        for other, in_time in turns.called(_never):
            if in_time:
                self._begin(other)
            else:
                turns.refused()
                self.day.shed[other.kind] += 1
                self._refused(other)

    def _gone(self, request: Request) -> None:
        """The connection broke before an answer. An order may have been recorded: it is sent again."""
        self.day.lost[request.kind] += 1
        self._refused(request)
        self._leave(request)  # who waited there finds the same

    # --- what a screen does next

    def _answered(self, request: Request) -> None:
        kind, visit, now = request.kind, request.visit, self._now
        if self._looked_at[0] <= request.came < self._looked_at[1]:
            waits = self.day.waits[kind]
            waits.whole.append(now - request.came)
            waits.waited.append(now - request.came - request.work_s)
        if kind == "event":
            self._record(visit)
        elif kind == "press":
            self._push(now + CAMERA_S, lambda r: self._send("visit", r.visit), request)
        elif kind == "visit" and self._left[visit] > 1:
            self._left[visit] -= 1
            self._push(now + AGAIN_S, lambda r: self._send("press", r.visit), request)
        else:
            guest = "guest" if self._pictures[visit] == 0 else "turned_guest"
            self._shown("personal" if kind == "visit" else guest, visit)

    def _shown(self, outcome: str, visit: int) -> None:
        """Suggestions, or the plain menu: the customer chooses, and the screen sends the order."""
        self.day.outcome[outcome] += 1
        self._push(self._now + float(self._think[visit]), self._order, Request("event", visit, self._now))

    def _order(self, request: Request) -> None:
        self.day.orders += 1
        self._unsent += 1
        self.day.most_unsent = max(self.day.most_unsent, self._unsent)
        site = int(self._site[request.visit])
        if self._cut and self._now < self._cut_until and site in self._cut:
            self._cut[site].append(request.visit)
            return
        self._send("event", request.visit)

    def _record(self, visit: int) -> None:
        if self._recorded[visit]:
            self.day.doubled += 1
            return
        self._recorded[visit] = 1
        self._unsent -= 1
        self.day.recorded += 1
        if self._cut and self._now >= self._cut_until and int(self._site[visit]) in self._cut:
            self._next_of_box(int(self._site[visit]))

    def _refused(self, request: Request) -> None:
        """A press or a recognition in vain: on as a guest. An order stays in the screen's queue."""
        kind, visit = request.kind, request.visit
        if kind == "event":
            self.day.again += 1
            self._push(self._now + next(self._jitter), lambda r: self._send("event", r.visit), request)
        elif kind == "suggestion":
            self._shown("refused", visit)
        else:
            self._send("suggestion", visit)


def _never(request: Request) -> bool:
    return False


def _waits_of(cost: Cost, costs: Costs) -> float:
    """Seconds that a request waits for small answers of the database; on SQLite they are processor time."""
    if costs.state == "sqlite":
        return 0.0
    return (cost.marks * costs.mark_ms + cost.reads * costs.read_ms) / 1000
