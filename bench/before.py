"""One machine, SQLite: this commit beside the last one that knew no other database, turn by turn.

Visits by eight terminals, suggestions to a guest one after the other, starts of a house that is there, memory. The
house, the pictures and the load are the same; each commit serves with its own code.
"""

from __future__ import annotations

import http.client
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.measure import ROOT, Row, processor_s, resident_mb
from bench.older import house_of, tree_of
from bench.visits import load, scene_frame
from data.town.town import Town

OLDER = "0ad5676"  # the last commit before PostgreSQL, replicas and all that came with them
WORSE = 1.03
SUGGESTIONS = 200


@dataclass
class Side:
    """One commit: its server, and what was measured turn by turn."""

    url: str
    keys: list[str]
    pid: int
    frames: list[bytes]
    starts: list[float]
    visits: int = 0
    seconds: float = 0.0
    used_s: float = 0.0
    errors: int = 0
    suggested_ms: list[float] = field(default_factory=list)

    def turn(self, at: str, seconds: float) -> None:
        """Visits for `seconds`, then suggestions."""
        before = processor_s(self.pid)
        report = load(self.url, self.keys, self.frames, at, seconds)
        self.used_s += processor_s(self.pid) - before
        self.visits += len(report.ms)
        self.errors += len(report.errors)
        self.seconds += seconds
        self.suggested_ms += _suggestions(self.url, self.keys[0])


def _suggestions(url: str, key: str) -> list[float]:
    """Milliseconds of each answer to a guest, on one connection."""
    line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    taken = []
    for _ in range(SUGGESTIONS):
        began = time.perf_counter()
        line.request("GET", "/recommender/v1/suggestions/orders?site=market&n=5", headers={"X-API-Key": key})
        reply = line.getresponse()
        reply.read()
        if reply.status == http.client.OK:
            taken.append(1000 * (time.perf_counter() - began))
    line.close()
    return taken


def before(cache: Path, turns: int, seconds: float) -> list[Row]:
    """`turns` of `seconds` for each commit; no rows where the older commit is not in the history."""
    town = Town.build()
    at = town.moment(int(np.max(town.visits.day)) + 1, 12.5).isoformat()
    with tempfile.TemporaryDirectory(prefix="usual-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        older = stack.enter_context(tree_of(OLDER, folder / "older"))
        if older is None:
            return []
        sides = {}
        for who, tree in (("now", ROOT), (OLDER, older)):
            said = stack.enter_context(house_of(tree, folder / f"house-{who}", cache, "--trained"))
            frames = [scene_frame(seed, 40 + moment) for moment in range(2) for seed in said["seeds"]]
            sides[who] = Side(said["url"], said["keys"], said["pid"], frames, said["starts"])
        for side in sides.values():
            load(side.url, side.keys, side.frames, at, 3.0)  # warm
        for turn in range(turns):
            for side in list(sides.values())[:: 1 if turn % 2 else -1]:
                side.turn(at, seconds)
        memory = {who: resident_mb(side.pid) for who, side in sides.items()}
    return _rows(sides["now"], sides[OLDER], memory, turns)


def _rows(now: Side, older: Side, memory: dict[str, float], turns: int) -> list[Row]:
    section = f"one machine, SQLite, beside {OLDER}: {turns} turns, ratios of now to then"
    costs = [1000 * side.used_s / max(side.visits, 1) for side in (now, older)]
    p50, p99 = ([float(np.percentile(side.suggested_ms, at)) for side in (now, older)] for at in (50, 99))
    starts = [float(np.median(side.starts)) for side in (now, older)]
    held = [memory["now"], memory[OLDER]]
    rates = [side.visits / side.seconds for side in (now, older)]
    pairs = (
        ("processor time of one visit", costs, "ms"),
        ("a suggestion to a guest, p50", p50, "ms"),
        ("a suggestion to a guest, p99", p99, "ms"),
        ("start of a house, median", starts, "s"),
        ("memory after it", held, "MB"),
    )
    return [
        Row(section, "visits a second", rates[0] / rates[1], "", 1 / WORSE, "more", _both(rates, "/s")),
        *(
            Row(section, name, ours / theirs, "", WORSE, note=_both([ours, theirs], unit))
            for name, (ours, theirs), unit in pairs
        ),
        Row(section, "errors", now.errors, "", 0),
    ]


def _both(values: list[float], unit: str) -> str:
    return f"{values[0]:.3g} {unit} and {values[1]:.3g}"
