"""A log of rides in a small town: all riders commute, and go to a place by the day of the week."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

HEADER = ("rider", "utc_time", "local_time", "place", "lat", "lon", "chain", "split", "target")
START = datetime(2026, 3, 2, 5, tzinfo=UTC)  # a Monday
OFFSET = timedelta(hours=5)
Row = dict[str, str]


def town_log(riders: int = 8, days: int = 49, seed: int = 0) -> list[Row]:
    """Visits in order of time. In the last quarter of the days each visit but a day's first is a target."""
    rng = np.random.default_rng(seed)
    spots = {f"p{i:02d}": (41.25 + 0.05 * rng.random(), 69.2 + 0.05 * rng.random()) for i in range(3 * riders + 6)}
    names = list(spots)
    visits: list[tuple[datetime, Row]] = []
    for i in range(riders):
        home, work, gym = names[3 * i : 3 * i + 3]
        for day in range(days):
            date = START + timedelta(days=day, minutes=int(rng.integers(0, 40)))
            bar = names[3 * riders + (i + day % 7) % 6]
            stops = [(3, work), (10, bar if day % 7 in (1, 3) else gym), (13, home)]
            for number, (hours, place) in enumerate(stops if day % 7 < 5 else stops[1:]):
                moment = date + timedelta(hours=hours)
                lat, lon = spots[place]
                row = {
                    "rider": f"r{i:02d}",
                    "utc_time": f"{moment:%Y-%m-%dT%H:%MZ}",
                    "local_time": f"{moment + OFFSET:%Y-%m-%dT%H:%M}",
                    "place": place,
                    "lat": f"{lat:.5f}",
                    "lon": f"{lon:.5f}",
                    "chain": f"{i}-{day}",
                    "split": "train" if day < days * 3 // 4 else "val",
                    "target": str(int(number > 0 and day >= days * 3 // 4)),
                }
                visits.append((moment, row))
    return [row for _, row in sorted(visits, key=lambda pair: pair[0])]


def split_time(rows: Sequence[Row]) -> str:
    """The time of the last row of the train part."""
    return max(row["utc_time"] for row in rows if row["split"] == "train")


def write_log(path: Path, rows: Sequence[Mapping[str, str]], header: Sequence[str] = HEADER) -> Path:
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as file:
        writer = csv.DictWriter(file, header, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path
