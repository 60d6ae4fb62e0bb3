"""Figures of some weeks, written at once: for tests of the desk's pages."""

from __future__ import annotations

from datetime import date, timedelta

from recommender.store.figures import Cell, DaySums, FigureStore

TODAY = date(2026, 11, 23)


def fill(
    store: FigureStore,
    days: int = 70,
    *,
    tenant: str = "grill",
    sites: tuple[str, ...] = ("north", "south"),
    per_day: int = 60,
) -> None:
    """So many days up to today: guests and customers at each site, at lunch and dinner, a few more on weekends."""
    for back in range(days):
        day = (TODAY - timedelta(days=back)).isoformat()
        weekend = (TODAY - timedelta(days=back)).weekday() >= 5
        counts, sums = {}, DaySums()
        for site in sites:
            for part in ("lunch", "dinner"):
                for known in (False, True):
                    n = (per_day + 10 * weekend) // (2 if known else 1)
                    cell = Cell(day, site, part, "orders", known, "0001-aaaa")
                    counts[cell] = {"visits": n, "shown": n}
                    sums.cells[cell] = {
                        "taken_any": n * (6 if known else 3) // 10,
                        "taken_first": n * (4 if known else 2) // 10,
                        "orders": n - 5,
                        "value": 980 * (n - 5),
                    }
                sums.people[site, part] = sums.people["", part] = 25
            sums.people[site, ""] = 40
        sums.people["", ""] = 75
        store.add(tenant, counts)
        store.replace(tenant, day, sums)
