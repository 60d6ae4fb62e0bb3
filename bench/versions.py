"""Versions in a folder of the home, in a folder that machines share, and in a stand-in for object storage.

The stand-in is a mock in this process: its times show what the product adds, not what a real store takes. A line
to one is imitated by letting each request take 20 ms.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.measure import Row
from bench.standin import StandIn, stand_in
from recommender.scene import DataCut, Report, Trained
from recommender.store.version_places import Place, open_place
from recommender.store.versions import VersionStore

SECTION = "versions"
CUT = DataCut(lines=10, customers=2, until_us=5, sha256="0" * 64)
FLOATS = 250_000  # 2 MB of arrays, as a model of orders of a chain has
LINE_S = 0.02
ASKED = 2_000
PLACES = ("folder", "shared folder", "stand-in", "stand-in, 20 ms a request")


def versions(n: int) -> list[Row]:
    """`n` publications in each place, in turn; each noticed by another machine that is busy with requests."""
    published: dict[str, list[float]] = {name: [] for name in PLACES}
    noticed: dict[str, list[float]] = {name: [] for name in PLACES}
    with tempfile.TemporaryDirectory() as folder, stand_in() as s3, opened(Path(folder), s3) as pairs:
        requests = 0
        for turn in range(n):
            for name, (trainer, server) in pairs.items():
                s3.wait_s = LINE_S if "20 ms" in name else 0.0
                before = len(s3.seen)
                published[name].append(_publish(trainer.store("chain", "orders"), turn))
                if name == "stand-in" and turn == n - 1:
                    requests = len(s3.seen) - before
                noticed[name].append(_noticed(server, turn))
        s3.wait_s = 0.0
        asked = _asked(pairs)
    return _rows(published, noticed, asked, requests)


@contextmanager
def opened(folder: Path, s3: StandIn) -> Iterator[dict[str, tuple[Place, Place]]]:
    """For each place a machine that trains and one that serves."""
    (folder / "shared").mkdir()
    urls = (None, (folder / "shared").as_uri(), s3.bucket(), s3.bucket())
    pairs: dict[str, tuple[Place, Place]] = {}
    for number, (name, url) in enumerate(zip(PLACES, urls, strict=True)):
        homes = [folder / f"{number}-{machine}" for machine in ("trains", "serves" if url else "trains")]
        for home in homes:
            home.mkdir(exist_ok=True)
        trainer, server = (open_place(home, url, "a" * 32) for home in homes)
        trainer.check()
        pairs[name] = trainer, server
    try:
        yield pairs
    finally:
        for pair in pairs.values():
            for place in pair:
                place.close()


def _publish(on: VersionStore, turn: int) -> float:
    """Milliseconds."""
    report = Report("counting", "it counts", "ndcg@10", 1.0, 0.1, (0.0, 0.2), (), 1, 1)
    made = Trained({"turn": np.array([turn]), "factors": np.random.default_rng(turn).random(FLOATS)}, {}, report)
    began = time.perf_counter()
    on.publish(made, seed=0, cut=CUT, parent=on.current())
    return 1e3 * (time.perf_counter() - began)


def _noticed(server: Place, turn: int) -> float:
    """Milliseconds until a server that asks all the time has the version of this turn loaded."""
    began, stamp = time.perf_counter(), None
    while True:
        served = server.served("chain", "orders")
        now = served.stamp()
        if now != stamp and (names := served.candidates()):
            stamp = now
            if served.load(names[0]).arrays["turn"][0] == turn:
                return 1e3 * (time.perf_counter() - began)
        time.sleep(0.001)


def _asked(pairs: dict[str, tuple[Place, Place]]) -> dict[str, float]:
    """Microseconds that each request pays to know what is current, in turn."""
    ask: dict[str, Callable[[], object]] = {
        name: lambda place=server: place.served("chain", "orders").stamp()  # type: ignore[misc]
        for name, (_, server) in pairs.items()
    }
    taken: dict[str, list[float]] = {name: [] for name in ask}
    for _ in range(ASKED):
        for name, run in ask.items():
            began = time.perf_counter()
            run()
            taken[name].append(1e6 * (time.perf_counter() - began))
    return {name: float(np.median(times)) for name, times in taken.items()}


def _rows(
    published: dict[str, list[float]], noticed: dict[str, list[float]], asked: dict[str, float], requests: int
) -> list[Row]:
    rows = []
    for name in PLACES:
        target = None if name == "folder" else 1_000.0
        times = np.array(published[name])
        rows.append(Row(SECTION, f"publish, {name}", float(np.median(times)), "ms", note=f"{len(times)}, 2 MB"))
        late = float(np.percentile(noticed[name], 95))
        rows.append(Row(SECTION, f"noticed and loaded elsewhere, p95, {name}", late, "ms", target))
    ratio = float(np.median(np.array(published["stand-in"]) / np.array(published["folder"])))
    rows.append(Row(SECTION, "publish, stand-in / folder", ratio, "x", note="median of pairs"))
    rows.append(Row(SECTION, "requests of one publication", requests, "", note="with a server's looks"))
    for name in ("folder", "stand-in"):
        rows.append(Row(SECTION, f"what is current, for each request, {name}", asked[name], "us"))
    share = asked["stand-in"] / asked["folder"]
    return [
        *rows,
        Row(SECTION, "the same, stand-in / folder", share, "x", 1.0, note="no request waits for a bucket"),
    ]
