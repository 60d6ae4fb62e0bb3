"""Destinations: one request among 100,000 places; the fit on real check-ins beside LightFM and implicit ALS."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np

from bench.measure import Row, shared, timed
from recommender.ranking.interactions import Interactions
from recommender.scene import Context, Item, Request, TrainingInput
from recommender.scenes.destinations import DESTINATIONS

PLACES, RIDERS, DAYS = 100_000, 1_000, 60
NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)


def commuters(places: int, riders: int, days: int) -> tuple[Interactions, tuple[Item, ...]]:
    """Riders between their own home, work and four other places, one or two rides a day; and the catalogue."""
    rng = np.random.default_rng(0)
    lat, lon = 41 + 0.4 * rng.random(places), 69 + 0.4 * rng.random(places)
    ids = np.array([f"p{k:06d}" for k in range(places)])
    own = rng.integers(0, places, (riders, 6))
    rider, day = (grid.ravel() for grid in np.meshgrid(np.arange(riders), np.arange(days), indexing="ij"))
    away = np.where(rng.random(len(rider)) < 0.7, 1, rng.integers(2, 6, len(rider)))
    there, home = own[rider, away], own[rider, 0]
    hour = np.r_[8 + rng.random(len(rider)), 17 + 2 * rng.random(len(rider))]
    start = round((NOW - timedelta(days=days)).timestamp()) // 86_400 * 86_400
    days_twice = np.r_[day, day]
    rides = Interactions.from_columns(
        {
            "customer": np.char.add("c", np.r_[rider, rider].astype(str)),
            "item": ids[np.r_[there, home]],
            "origin": ids[np.r_[home, there]],
            "time_us": ((start + days_twice * 86_400 + hour * 3_600) * 1e6).astype(np.int64),
            "hour": hour,
            "weekday": (start // 86_400 + days_twice + 3) % 7,
        }
    )
    items = zip(ids.tolist(), lat.tolist(), lon.tolist(), strict=True)
    return rides, tuple(Item(place, place, lat=a, lon=b) for place, a, b in items)


def request_time(n: int, places: int = PLACES, riders: int = RIDERS) -> list[Row]:
    """The scene `destinations` in this process: one rider's live rides in, three places with reasons out."""
    rides, catalogue = commuters(places, riders, DAYS)
    trained = DESTINATIONS.train(TrainingInput(rides, tuple(catalogue)), seed=0, progress=lambda what, share: None)
    model = DESTINATIONS.load(trained.arrays, trained.texts)
    rng = np.random.default_rng(1)
    histories = [rides.where(rides.customer == c) for c in rng.choice(riders, min(n, 300), replace=False)]
    now_us = round(NOW.timestamp()) * 1_000_000

    def ask(k: int) -> object:
        at = catalogue[int(rng.integers(0, places))]
        context = Context(lat=at.lat, lon=at.lon, local_time=NOW)
        request = Request(histories[k % len(histories)], context, catalogue, 3, now_us, np.random.default_rng(k))
        answer = DESTINATIONS.suggest(model, request)
        if not answer.suggestions:
            raise RuntimeError("no suggestion was made: there is nothing to measure")
        return answer

    times = timed(ask, n, warm=20)
    section = f"Destinations, {places:,} places, one process ({trained.report.in_force})"
    return [
        Row(section, "p50", times.p50, "ms"),
        Row(section, "p99", times.p99, "ms", 20),
        Row(section, "processor time for one", times.processor_ms, "ms"),
    ]


def fit_time() -> list[Row]:
    """The fit on the check-ins beside the project, and how far ahead of factor models it is; [] without them."""
    from recommender.destinations.evaluation import evaluate_rides

    path = shared() / "datasets" / "destinations" / "nyc_rides_dev.csv.gz"
    if not path.is_file():
        return []
    report = evaluate_rides(path, seed=0, progress=lambda what, share: None, cpu=time.process_time)
    section = f"Destinations, fitted and asked on {path.name}"
    return [
        Row(
            section,
            line["figure"],
            line["found"],
            "",
            line["asked"],
            "less" if "seconds" in line["figure"] else "more",
        )
        for line in report["reach"]
    ]
