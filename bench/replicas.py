"""Visits a second of two replicas on PostgreSQL beside one server on SQLite, turn by turn on the same processors.

The load, the engine pack, the customers and the pictures are the same. PostgreSQL has its usual settings: every
commit is on the disk before it is acknowledged. Its own processes are part of the cost.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psycopg

from bench.measure import Row, processor_s
from bench.served import installed
from bench.visits import FRAMES_OF_EACH, TERMINALS, LoadReport, load, scene_frame, terminal_keys
from data.demo.server import free_port, serving
from data.demo.setting import Setting
from plumbing.clock import system_clock
from tests import postgres

REPLICAS = 2
TARGET = 0.75


@dataclass
class Side:
    """One of the two: its servers, and what was measured turn by turn."""

    name: str
    urls: list[str]
    keys: list[str]
    frames: list[bytes]
    at: str
    pids: list[int]
    done: int = 0
    seconds: float = 0.0
    used_s: float = 0.0
    ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def turn(self, seconds: float) -> None:
        """All terminals for `seconds`, each at one of the servers."""
        before = sum(_used(pid) for pid in self.pids)
        report = self._load(seconds)
        self.used_s += sum(_used(pid) for pid in self.pids) - before
        self.done += len(report.ms)
        self.seconds += seconds
        self.ms += report.ms
        self.errors += report.errors

    def _load(self, seconds: float) -> LoadReport:
        if len(self.urls) == 1:
            return load(self.urls[0], self.keys, self.frames, self.at, seconds)
        share, reports = len(self.keys) // len(self.urls), []

        def part(place: int, url: str) -> None:
            keys = self.keys[place * share : (place + 1) * share]
            reports.append(load(url, keys, self.frames, self.at, seconds))

        threads = [threading.Thread(target=part, args=found) for found in enumerate(self.urls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return LoadReport(
            [ms for one in reports for ms in one.ms],
            [decision for one in reports for decision in one.decisions],
            [error for one in reports for error in one.errors],
        )

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    @property
    def cost_ms(self) -> float:
        """Processor time of all servers for one visit."""
        return 1000 * self.used_s / max(self.done, 1)


def _used(pid: int) -> float:
    with suppress(OSError):
        return processor_s(pid)
    return 0.0


def replicas(pack: str, models: Path | None, cache: Path, turns: int, seconds: float) -> list[Row]:
    """`turns` of each, `seconds` long. Nothing is measured where PostgreSQL is not installed."""
    if postgres.binaries() is None:
        return []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="usual-bench-")))
        server = stack.enter_context(_postgres(folder / "pg"))
        plain = Setting(folder / "sqlite", pack, models, cache, system_clock)
        names = [server.url.replace("/postgres?", f"/{name}?") for name in ("usual", "usual_keys")]
        shared = Setting(folder / "postgres", pack, models, cache, system_clock, *names)
        sides = [stack.enter_context(_side("SQLite", plain, 1, []))]
        first = int((server.data / "postmaster.pid").read_text().split()[0])
        sides.append(stack.enter_context(_side("PostgreSQL", shared, REPLICAS, [first])))
        for side in sides:
            side.turn(2.0)
            side.__dict__.update(done=0, seconds=0.0, used_s=0.0, ms=[], errors=[])
        for turn in range(turns):
            for side in sides if turn % 2 else reversed(sides):
                side.turn(seconds)
    return _rows(sides[0], sides[1], pack)


@contextmanager
def _postgres(folder: Path) -> Iterator[postgres.Server]:
    server = postgres.Server(folder)
    server.start()
    try:
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute("CREATE DATABASE usual")
            admin.execute("CREATE DATABASE usual_keys")
        yield server
    finally:
        server.stop()


@contextmanager
def _side(name: str, setting: Setting, servers: int, also: list[int]) -> Iterator[Side]:
    """A small installation, moved in and trained, served by so many servers; `also` works for it, too."""
    setting.folder.mkdir()
    with installed(setting) as (_, town, members):
        at = town.moment(int(np.max(town.visits.day)) + 1, 12.5).isoformat()
        frames = [scene_frame(m.person_seed, 40 + k) for k in range(FRAMES_OF_EACH) for m in members]
    keys = terminal_keys(setting)
    with ExitStack() as stack:
        running = []
        for place in range(servers):
            own = setting if servers == 1 else replace(setting, folder=setting.folder / f"replica-{place}")
            if servers > 1:
                own.folder.mkdir()
                shutil.copytree(setting.home, own.home)
            running.append(stack.enter_context(serving(own, free_port(0), workers=2 if servers == 1 else 1)))
        pids = [one.process.pid for one in running]
        yield Side(name, [one.url for one in running], keys, frames, at, [*pids, *also])


def _rows(plain: Side, shared: Side, pack: str) -> list[Row]:
    section = (
        f"{REPLICAS} replicas on PostgreSQL beside SQLite, {pack}, {TERMINALS} terminals,"
        f" {plain.seconds:.0f} s each, turn by turn"
    )
    rows = [
        Row(section, "visits a second / SQLite's", shared.rate / max(plain.rate, 1e-9), "", TARGET, "more"),
        Row(section, "processor time of one visit / SQLite's", shared.cost_ms / max(plain.cost_ms, 1e-9), ""),
    ]
    for side in (plain, shared):
        p50 = float(np.percentile(side.ms, 50)) if side.ms else float("nan")
        first = side.errors[0] if side.errors else ""
        rows += [
            Row(section, f"{side.name}: visits a second", side.rate, "/s"),
            Row(section, f"{side.name}: p50", p50, "ms"),
            Row(section, f"{side.name}: processor time of the servers for one visit", side.cost_ms, "ms"),
            Row(section, f"{side.name}: errors", len(side.errors), "", 0, note=first),
        ]
    return rows
