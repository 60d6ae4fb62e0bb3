"""Ten minutes of mixed requests: does memory grow, are descriptors, threads and write-ahead logs kept?

Guests' suggestions, orders, presses, health and a visit now and then, on kept connections and on new ones.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.measure import Row, family_of, resident_mb
from tests.unbreakable.installation import Installation, descriptors, installation
from tests.unbreakable.load import Lines, Visits, frames_of
from tests.unbreakable.overload import SUGGESTIONS

TERMINALS, KIOSKS = 6, 64
SAMPLE_S = 2.0
WARM = 0.3  # the share of the run in which memory may still settle
MB = 2**20


@dataclass
class Sample:
    """What the server held after so many requests."""

    requests: int
    memory_mb: float
    descriptors: int
    threads: int
    wal_mb: float


@dataclass
class Soak:
    """One run."""

    place: Installation
    pid: int
    visits: Visits
    dish: str = ""
    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)

    def kinds(self) -> Iterator[str]:
        """Which request comes next: the order repeats."""
        return itertools.cycle(["suggest"] * 12 + ["event"] * 4 + ["press"] * 3 + ["health"] + ["visit"])

    async def terminal(self, until: float, number: int) -> None:
        """Request after request, every fiftieth on a connection of its own."""
        lines = self.visits.lines
        for turn, kind in enumerate(self.kinds()):
            if time.monotonic() > until:
                return
            key = self.visits.keys[(turn * TERMINALS + number) % len(self.visits.keys)]
            if kind == "visit":
                visit = await self.visits.make()
                self.statuses[200 if visit.outcome == "answered" else int(visit.outcome == "shed") or -1] += 1
                self.requests += 2
                continue
            request = {
                "suggest": lambda key=key: lines.request("GET", SUGGESTIONS, key),
                "event": lambda key=key: lines.request("POST", "/recommender/v1/events", key, self.order()),
                "press": lambda key=key: lines.request("POST", "/identity/v1/presses", key, b"{}"),
                "health": lambda key=key: lines.request("GET", "/health/ready", key),
            }[kind]()
            own = Lines(f"http://{lines.address}") if turn % 50 == 49 else lines
            answer = await own.ask(request)
            if own is not lines:
                own.close()
            self.statuses[answer.status] += 1
            self.requests += 1

    def order(self) -> bytes:
        """One order of the dish, as a guest's."""
        event = {
            "event_id": secrets.token_hex(12),
            "type": "ordered",
            "occurred_at": datetime.now(UTC).isoformat(),
            "items": [{"item_id": self.dish}],
        }
        return json.dumps({"events": [event]}).encode()

    async def watch(self, until: float) -> None:
        """A sample every other second."""
        while time.monotonic() < until:
            self.samples.append(await asyncio.to_thread(self.sample))
            await asyncio.sleep(SAMPLE_S)

    def sample(self) -> Sample:
        """What the server holds now."""
        family = [pid for pid in family_of(self.pid) if Path(f"/proc/{pid}").exists()]
        logs = [path.stat().st_size for path in self.place.setting.home.glob("*-wal")]
        return Sample(
            self.requests,
            resident_mb(self.pid),
            sum(descriptors(pid) for pid in family),
            sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in family),
            max(logs, default=0) / MB,
        )


def rows(short: bool) -> list[Row]:
    """Ten minutes, or forty seconds."""
    with installation() as place, place.served() as server:
        keys = [place.key(f"kiosk-{n}") for n in range(KIOSKS)]
        visits = Visits(Lines(server.url), keys, frames_of(place.members))
        return asyncio.run(_run(Soak(place, server.process.pid, visits), 40.0 if short else 600.0, short))


async def _run(soak: Soak, seconds: float, short: bool) -> list[Row]:
    lines = soak.visits.lines
    menu = await lines.ask(lines.request("GET", "/recommender/v1/items?n=1", soak.visits.keys[0]))
    soak.dish = json.loads(menu.body)["rows"][0]["item_id"]
    until = time.monotonic() + seconds
    await asyncio.gather(soak.watch(until), *(soak.terminal(until, n) for n in range(TERMINALS)))
    soak.visits.lines.close()
    await asyncio.sleep(1)
    soak.samples.append(soak.sample())
    return _rows(soak, seconds, short)


def _rows(soak: Soak, seconds: float, short: bool) -> list[Row]:
    section = f"Soak: {soak.requests:,} requests in {seconds:.0f} s"
    settled = [one for one in soak.samples if one.requests >= WARM * soak.requests]
    slope, _ = np.polyfit([s.requests for s in settled], [s.memory_mb for s in settled], 1)
    first, last = settled[0], soak.samples[-1]
    wrong = {status: count for status, count in soak.statuses.items() if status not in (200, 201, 1)}
    return [
        Row(section, "requests", soak.requests, "", None if short else 50_000, "more"),
        # A short run says little: what settles in it weighs as much as what leaks.
        Row(section, "memory slope, for 10,000 requests", 10_000 * float(slope), "MB", 20 if short else 1),
        Row(section, "descriptors more than after warming", last.descriptors - first.descriptors, "", 8),
        Row(section, "threads more than after warming", last.threads - first.threads, "", 4),
        Row(section, "largest write-ahead log", max(s.wal_mb for s in soak.samples), "MB", 16),
        Row(section, "refused for overload", soak.statuses[1], ""),
        Row(section, "failed", sum(wrong.values()), "", 0, note=str(wrong) if wrong else ""),
    ]
