"""Training in parts: one process beside two workers of 1 GiB, and what more machines would buy.

The log is drawn part by part and written as `usual train --cluster` writes it; drawing is not timed.
`python -m bench.cluster EVENTS WHERE` trains once and prints one line of JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure import ROOT, Row, resident_mb
from recommender.scene import Item

SIZE, FULL, QUICK = 2_000_000, 20_000_000, 100_000
PART = 100_000
MACHINES = 8
LIMIT_MB = 2_560.0
MAPPED_BY_PART = ("orders", "items", "counts", "samples")


def cluster(events: int = SIZE, turns: int = 1) -> list[Row]:
    """Both ways by turns, each in processes of its own."""
    section = f"Training orders on {events:,} events in parts: one process, and Dask on 2 workers of 1 GiB"
    found: dict[str, list[dict[str, Any]]] = {"single": [], "local:2": []}
    for turn in range(turns):
        for where in sorted(found, reverse=bool(turn % 2)):
            found[where].append(trained(events, where))
    one, two = found["single"], found["local:2"]
    ratio = float(np.median([b["seconds"] / a["seconds"] for a, b in zip(one, two, strict=True)]))
    digests = {run["sha256"] for run in [*one, *two]}
    rows = [
        Row(section, "one process", one[0]["seconds"], "s", note=f"peak {one[0]['peak_mb']:.0f} MB"),
        Row(section, "2 workers", two[0]["seconds"], "s"),
        Row(section, "wall time, 2 workers / one process", ratio, "", 1.3),
        Row(section, "peak of all processes, 2 workers", max(run["peak_mb"] for run in two), "MB", LIMIT_MB),
        Row(section, "different models (sha256) beyond one", len(digests) - 1, "", 0, note=min(digests)[:12]),
    ]
    return rows + graph(section, one[0])


def graph(section: str, run: dict[str, Any]) -> list[Row]:
    """What the graph of tasks says about more machines, from the seconds of each piece in one process."""
    stages = [(name, np.array(pieces)) for name, pieces in run["stages"]]
    mapped = float(sum(pieces.sum() for _, pieces in stages))
    parts = max(len(pieces) for name, pieces in stages if name == "items")
    speed = {
        n: mapped / sum(makespan(regrouped(name, pieces, n), MACHINES) for name, pieces in stages)
        for n in _counts(parts)
    }
    enough = min((n for n, value in speed.items() if value >= 6), default=float("nan"))
    rest = run["seconds"] - mapped
    whole = run["seconds"] / (rest + mapped / speed[parts])
    return [
        Row(section, "signals: share of the time that is mapped", mapped / run["seconds"], ""),
        Row(section, f"signals: times faster on {MACHINES} machines, {parts} parts", speed[parts], "", 6, "more"),
        Row(section, f"signals: parts that make {MACHINES} machines 6 x faster", enough, "parts"),
        Row(section, f"all, the ranker in one process too: times faster on {MACHINES} machines", whole, ""),
    ]


def _counts(parts: int) -> list[int]:
    return sorted({n for n in (1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192) if n < parts} | {parts})


def regrouped(name: str, pieces: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """The seconds of a stage's pieces if the log had `n` parts: pieces that follow each other are one."""
    if name not in MAPPED_BY_PART or n >= len(pieces):
        return pieces
    return np.array([group.sum() for group in np.array_split(pieces, n)])


def makespan(pieces: NDArray[np.float64], machines: int) -> float:
    """Seconds until the last piece is done, each one begun by the machine that is free first."""
    free = np.zeros(machines)
    for seconds in pieces:
        free[int(np.argmin(free))] += seconds
    return float(np.max(free))


def trained(events: int, where: str) -> dict[str, Any]:
    """One training; the peak is that of all its processes, pages that they share counted once."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with subprocess.Popen(
        [sys.executable, "-m", "bench.cluster", str(events), where],
        cwd=ROOT,
        env=os.environ | threads,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, resident_mb(process.pid))
            time.sleep(0.3)
        assert process.stdout is not None
        said = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"training {where} ended with status {process.returncode}")
    return {**json.loads(said.strip().splitlines()[-1]), "peak_mb": peak}


def one(events: int, where: str) -> dict[str, Any]:
    """Draw the log in parts, then train once."""
    from recommender.ranking.partitions import PartitionedLog
    from recommender.scene import TrainingInput
    from recommender.scenes.orders import ORDERS
    from recommender.training.cluster.session import Where, mapper_of

    with _drawn(events) as (folder, log, catalogue):
        began = time.perf_counter()
        with mapper_of(Where.of(where), folder) as mapper:
            parts = PartitionedLog(log.parts, log.part_sizes, log.words, mapper)
            data = TrainingInput(catalogue=tuple(catalogue))
            made = ORDERS.train_in_parts(parts, data, seed=0, progress=lambda what, share: None)
        seconds = time.perf_counter() - began
        digest = hashlib.sha256(log.cut(catalogue, data.least_people).sha256.encode())
    for name in sorted(made.arrays):
        digest.update(name.encode() + made.arrays[name].tobytes())
    for name in sorted(made.texts):
        digest.update(name.encode() + made.texts[name].encode())
    stages = [(stage.name, stage.pieces) for stage in mapper.stages]
    return {"seconds": seconds, "sha256": digest.hexdigest(), "stages": stages, "in_force": made.report.in_force}


@contextmanager
def _drawn(events: int) -> Iterator[tuple[Path, Any, Sequence[Any]]]:
    from data.town.town import Town
    from recommender.training.cluster.export import Exporter

    with tempfile.TemporaryDirectory(prefix="usual-bench-") as name:
        folder = Path(name)
        exporter = Exporter(folder, secrets.token_bytes(32))
        catalogue: Sequence[Item] = ()
        for number in range(max(1, events // PART)):
            n = min(PART, events)
            rows, items = Town.scaled(max(n // 20, 20), 500, n, seed=number)
            rows = replace(rows, customers=np.char.add(f"p{number:05d}-", rows.customers))
            exporter.add_customers(rows)
            catalogue = catalogue or items
        yield folder, exporter.done(), catalogue


if __name__ == "__main__":
    print(json.dumps(one(int(sys.argv[1]), sys.argv[2])))
