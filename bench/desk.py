"""The desk's pages with a year of a chain: a million events, fifty thousand customers, fifty sites.

The time to content is that of all API calls of a page, one after the other, in this process: the server's side.
The first call makes the reports that are kept; it is measured by itself.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from app import create_app
from bench.measure import Row
from plumbing.clock import DAY, SECOND
from plumbing.settings import Config
from recommender.figures.days import daypart_of, days_between
from recommender.figures.marks import marked
from recommender.scene import Item
from recommender.store.figures import Cell

TENANT = "chain"
SITES = tuple(f"site-{n:02d}" for n in range(50))
ITEMS = tuple(f"dish-{n:03d}" for n in range(120))
DAYS = 365
TARGET_MS = 300.0
NOW_US = 1_795_435_200_000_000  # 2026-11-23T12:00:00Z
VERSIONS = ("0001-aaaaaaaaaaaa", "0002-bbbbbbbbbbbb")
PAGES: Mapping[str, tuple[str, ...]] = {
    "overview": ("/recommender/v1/desk/overview",),
    "suggestions": ("/recommender/v1/desk/suggestions",),
    "data": ("/recommender/v1/desk/data",),
    "settings": ("/recommender/v1/desk/tenant", "/recommender/v1/desk/choices", "/recommender/v1/desk/sharing"),
}


def desk(n_events: int = 1_000_000, n_customers: int = 50_000, times: int = 40) -> list[Row]:
    """Median and 95th percentile of each page, over 28 days and over a year; and how long a day takes to sum."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Config(home=Path(folder) / "state", only="recommender"), now_us=lambda: NOW_US)
        half = app.extensions["usual"]["recommender"]
        fill(half, n_events, n_customers)
        began = time.perf_counter()
        days = half.service.figures.rebuild(TENANT)
        rows = [_row("summing one day of the log", 1000 * (time.perf_counter() - began) / days, "ms")]
        key = app.extensions["usual"]["access"].create_key(TENANT, ["train"])
        client = app.test_client()
        for name, calls in PAGES.items():
            rows += _page(client, key, name, calls, times)
        for part in app.extensions["usual_open"]:
            part.close()
    return rows


def _page(client: Any, key: str, name: str, calls: tuple[str, ...], times: int) -> list[Row]:
    def once(days: int) -> float:
        began = time.perf_counter()
        for call in calls:
            asked = {"from": _day(days - 1), "to": _day(0)} if "/desk/" in call and name != "settings" else {}
            reply = client.get(call, query_string=asked, headers={"X-API-Key": key})
            assert reply.status_code == 200, reply.json
        return 1000 * (time.perf_counter() - began)

    first = once(28)
    month, year = np.empty(times), np.empty(times)
    for at in range(times):
        month[at], year[at] = once(28), once(DAYS)
    return [
        _row(f"{name}, 28 days, median", float(np.median(month)), "ms", TARGET_MS),
        _row(f"{name}, 28 days, 95th percentile", float(np.percentile(month, 95)), "ms"),
        _row(f"{name}, a year, median", float(np.median(year)), "ms"),
        _row(f"{name}, first call, which makes what is kept", first, "ms"),
    ]


def _row(name: str, value: float, unit: str, target: float | None = None) -> Row:
    return Row("desk", name, value, unit, target)


def _day(back: int) -> str:
    return str(np.datetime64("2026-11-23") - np.timedelta64(back, "D"))


def fill(half: Any, n_events: int, n_customers: int) -> None:
    """A year of orders, some of them after a suggestion, and as many visits as there are orders."""
    stores = half.service.stores
    items = [Item(one, one, "dish", 500 + 10 * at, allergens=("gluten",)) for at, one in enumerate(ITEMS)]
    stores.catalogue.put(TENANT, "item", items)
    rng = np.random.default_rng(1)
    for size in _parts(n_events):
        events, lines = _orders(rng, size, n_customers)
        with stores.database.write() as connection:
            marks = ", ".join("?" * 16)
            connection.executemany(f"INSERT INTO events VALUES ({marks}, '', '')", events)
            connection.executemany(
                "INSERT INTO lines (tenant, sender, event_id, position, item, quantity, price)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                lines,
            )
    per_cell = max(n_events // (DAYS * len(SITES) * 5 * 2), 1)
    for day in days_between(_day(DAYS - 1), _day(0)):
        counts = {
            Cell(day, site, daypart_of(hour), "orders", known, version): {"visits": per_cell, "shown": per_cell}
            for site in SITES
            for hour in (7, 12, 16, 19, 23)
            for known in (False, True)
            for version in VERSIONS[:1]
        }
        stores.figures.add(TENANT, counts)


def _parts(n: int, size: int = 50_000) -> Iterator[int]:
    for start in range(0, n, size):
        yield min(size, n - start)


def _orders(
    rng: np.random.Generator, n: int, n_customers: int
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    when = NOW_US - (rng.random(n) * DAYS * DAY).astype(np.int64)
    who = rng.integers(0, n_customers, n)
    events, lines = [], []
    for at in range(n):
        name, item = rng.bytes(8).hex(), ITEMS[int(rng.integers(len(ITEMS)))]
        hour = float(when[at] // (3600 * SECOND) % 24)
        weekday = int((when[at] // DAY + 3) % 7)
        customer = f"customer-{who[at]:06d}" if at % 3 else ""
        listed = [item, *ITEMS[:4]] if at % 2 else list(ITEMS[:5])
        recommendation = marked(rng.bytes(12).hex(), VERSIONS[at % 2], listed) if at % 4 else ""
        site = SITES[int(rng.integers(len(SITES)))]
        head = (TENANT, "till", name, "ordered", "orders", customer, int(when[at]), hour, weekday, site)
        events.append((*head, "", "", recommendation, name, int(when[at]), ""))
        lines.append((TENANT, "till", name, 0, item, 1, None))
    return events, lines
