"""Twice and four times as many visits as the server can do: what is answered in time, what becomes of the rest.

Capacity is measured first in the same run, by eight terminals that wait for each answer. Then people press at
random moments, however slow the answers are, and guests ask for suggestions beside them.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from bench.measure import Row
from tests.unbreakable.installation import installation
from tests.unbreakable.load import (
    Answer,
    Lines,
    Visit,
    Visits,
    closed_loop,
    failures,
    frames_of,
    open_loop,
    percentile,
)

IN_TIME_MS = 300.0
TERMINALS = 8
KIOSKS = 32  # or strangers among the drawn people would make one of them pause
GUESTS_RATE = 10.0
SUGGESTIONS = "/recommender/v1/suggestions/orders?site=market&n=5"


@dataclass
class Figures:
    """What one load gave."""

    seconds: float
    visits: list[Visit] = field(default_factory=list)
    guests: list[Answer] = field(default_factory=list)
    back_s: float = 0.0

    @property
    def in_time(self) -> float:
        """Visits a second that were answered in time."""
        return sum(v.outcome == "answered" and v.ms <= IN_TIME_MS for v in self.visits) / self.seconds

    @property
    def shed_ms(self) -> list[float]:
        return [visit.shed_ms for visit in self.visits if visit.outcome == "shed"]


def rows(short: bool) -> list[Row]:
    """Capacity, then twice and four times as much."""
    with installation() as place, place.served() as server:
        kiosks = [place.key(f"kiosk-{n}") for n in range(KIOSKS)]
        guest = place.key("kiosk-guests", "suggest")
        return asyncio.run(_trial(server.url, kiosks, guest, frames_of(place.members), short))


async def _trial(url: str, kiosks: list[str], guest: str, frames: list[bytes], short: bool) -> list[Row]:
    lines = Lines(url)
    visits = Visits(lines, kiosks, frames)
    await closed_loop(visits, TERMINALS, 3.0)
    seconds = 6.0 if short else 20.0
    began = time.perf_counter()
    done = sum(visit.outcome == "answered" for visit in await closed_loop(visits, TERMINALS, seconds))
    capacity = done / (time.perf_counter() - began)
    section = "Overload: press, a JPEG of 1280x960, five suggestions; load generator on the same processors"
    found = [Row(section, "capacity, eight terminals", capacity, "/s")]
    for times, least in ((2, 0.85), (4, 0.80)):
        length = (15.0 if times == 2 else 8.0) if short else (60.0 if times == 2 else 30.0)
        figures = await _load(visits, guest, times * capacity, length)
        found += _rows(section, times, least, capacity, figures)
        await asyncio.sleep(1)
    lines.close()
    return found


async def _load(visits: Visits, guest: str, rate: float, seconds: float) -> Figures:
    figures = Figures(seconds)
    ask = visits.lines.request("GET", SUGGESTIONS, guest)

    async def visit(due: float) -> None:
        figures.visits.append(await visits.make(due))

    async def suggestion(due: float) -> None:
        answer = await visits.lines.ask(ask)
        figures.guests.append(Answer(answer.status, b"", 1000 * (time.perf_counter() - due)))

    await asyncio.gather(open_loop(visit, rate, seconds, 1), open_loop(suggestion, GUESTS_RATE, seconds, 2))
    figures.back_s = await _back(visits)
    return figures


async def _back(visits: Visits) -> float:
    """Seconds until five visits in a row are answered in time."""
    began, row = time.perf_counter(), 0
    while row < 5 and time.perf_counter() - began < 30:
        visit = await visits.make()
        row = row + 1 if visit.outcome == "answered" and visit.ms <= IN_TIME_MS else 0
    return time.perf_counter() - began


def _rows(section: str, times: int, least: float, capacity: float, figures: Figures) -> list[Row]:
    answered = [visit.ms for visit in figures.visits if visit.outcome == "answered"]
    failed = sum(visit.outcome.startswith("failed") for visit in figures.visits)
    guests = [answer.ms for answer in figures.guests]
    refused = sum(answer.status != 200 for answer in figures.guests)
    shed = figures.shed_ms
    name = f"{times}x: "
    offered = f"{len(figures.visits)} visits offered, {len(answered)} answered, {len(shed)} shed"
    return [
        Row(
            section,
            name + "visits within 300 ms / capacity",
            figures.in_time / capacity,
            "",
            least,
            "more",
            offered,
        ),
        Row(section, name + "visits answered, p95", percentile(answered, 95), "ms"),
        Row(section, name + "guests' suggestions, p99", percentile(guests, 99), "ms", 100),
        Row(section, name + "guests refused", refused, "", 0),
        Row(section, name + "shed answers, p99", percentile(shed, 99), "ms", 50),
        Row(section, name + "visits failed", failed, "", 0, note=failures(figures.visits)),
        Row(section, name + "back after", figures.back_s, "s", 5),
    ]
