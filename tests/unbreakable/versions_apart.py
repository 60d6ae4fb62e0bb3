"""Versions in object storage while publishers are killed: real processes against the stand-in for S3.

Publishers write versions as fast as they can, another process takes rows out of them, and each is killed (SIGKILL)
at a random moment and started again. What a publisher noted after `publish` returned was acknowledged: it must be
there and whole afterwards, and no two acknowledged versions may have taken the place of the same one.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from bench.measure import Row
from bench.standin import StandIn, stand_in
from recommender.errors import ArtifactError, TrainingError
from recommender.scene import DataCut, Report, Trained
from recommender.store.shelves import objects
from recommender.store.shelves.errors import VersionsUnreachable
from recommender.store.version_places import open_place
from recommender.store.versions import VersionStore

SECTION = "versions apart"
CUT = DataCut(lines=10, customers=2, until_us=5, sha256="0" * 64)
HOUSE = "a" * 32
KEEP = 10_000  # nothing is pruned: everything that was acknowledged has to be there
PUBLISHERS = 3


def rows(short: bool) -> list[Row]:
    """The figures of the trial."""
    with tempfile.TemporaryDirectory() as folder, stand_in() as s3:
        url = s3.bucket()
        kills = _kill_again_and_again(url, Path(folder), 20.0 if short else 300.0)
        found = _look(url, Path(folder))
        away = _away(s3, url, Path(folder), 2.0 if short else 10.0)
    stale = sum(left > 1 for left in found["sharing a predecessor"])
    return [
        Row(SECTION, "processes killed while they published or took rows out", kills, "", 1, "more"),
        Row(SECTION, "publications acknowledged", found["acknowledged"][0], "", 2, "more"),
        Row(SECTION, "acknowledged ones that are missing or broken", found["lost"][0], "", 0),
        Row(SECTION, "versions published over one that was not current any more", stale, "", 0),
        Row(SECTION, "objects left over after clearing up", found["left over"][0], "", 0),
        Row(SECTION, "requests not answered by the served version while the bucket was silent", away, "", 0),
    ]


def _start(kind: str, url: str, folder: Path, seed: int) -> subprocess.Popen[bytes]:
    given = [sys.executable, "-m", "tests.unbreakable.versions_apart", kind, url, str(folder), str(seed)]
    return subprocess.Popen(given)


def _kill_again_and_again(url: str, folder: Path, span_s: float) -> int:
    """How many processes were killed while they were at work."""
    chance, kills, seed = random.Random(7), 0, 0
    place = open_place(folder, url, HOUSE)
    _publish(place.store("grill", "orders"), 0)
    kinds = ["publish"] * PUBLISHERS + ["rewrite"]
    running: dict[int, subprocess.Popen[bytes]] = {}
    until = time.monotonic() + span_s
    try:
        while time.monotonic() < until:
            while len(running) < len(kinds):
                seed += 1
                running[seed] = _start(kinds[seed % len(kinds)], url, folder, seed)
            time.sleep(chance.uniform(1.0, 3.0))
            at_work = [number for number in running if (folder / f"noted-{number}").exists()]
            if at_work:
                victim = running.pop(chance.choice(at_work))
                victim.send_signal(signal.SIGKILL)
                kills += victim.wait() == -signal.SIGKILL
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return kills


def _look(url: str, folder: Path) -> dict[str, list[int]]:
    """What is there in the end, against what was acknowledged."""
    on = open_place(folder, url, HOUSE).store("grill", "orders")
    abandoned, objects.ABANDONED_S = objects.ABANDONED_S, -60.0
    try:
        for name in on.names():
            on.settle(on.load(name))
        on.tidy()
    finally:
        objects.ABANDONED_S = abandoned
    lost, followers = 0, dict[str, int]()
    noted = [json.loads(line) for path in folder.glob("noted-*") for line in path.read_text().splitlines()]
    for name, parent in noted:
        followers[parent] = followers.get(parent, 0) + 1
        try:
            on.load(name)
        except ArtifactError:
            lost += 1
    names = on.names()
    shelf = on.shelf
    assert isinstance(shelf, objects.ObjectShelf)
    n_objects = sum(len(entries) for entries in shelf.entries().values())
    return {
        "acknowledged": [len(noted)],
        "lost": [lost],
        "sharing a predecessor": list(followers.values()),
        "left over": [n_objects - 3 * len(names)],
    }


def _away(s3: StandIn, url: str, folder: Path, span_s: float) -> int:
    """Requests that a server answered otherwise than by the version that it had."""
    server, wrong = open_place(folder / "server", url, HOUSE), 0
    first = server.served("grill", "orders").candidates()[0]
    s3.silent = True
    until = time.monotonic() + span_s
    while time.monotonic() < until:
        served = server.served("grill", "orders")
        try:
            wrong += served.load(served.candidates()[0]).name != first
        except (ArtifactError, IndexError):
            wrong += 1
        time.sleep(0.01)
    s3.silent = False
    server.close()
    return wrong


def _publish(on: VersionStore, number: int) -> tuple[str, str | None]:
    """Raises CurrentChanged when another one was first."""
    seen = on.pointed()
    report = Report("counting", "it counts", "ndcg@10", 1.0, 0.1, (0.0, 0.2), (), 1, 1)
    made = Trained({"number": np.array([number]), "much": np.full(20_000, float(number))}, {}, report)
    name = on.publish(made, seed=0, cut=CUT, parent=seen.name, keep=KEEP, expected=seen)
    return name, seen.name


def _work(kind: str, url: str, folder: Path, seed: int) -> None:
    """Until it is killed."""
    on = open_place(folder, url, HOUSE).store("grill", "orders")
    number = seed * 1_000_000
    with (folder / f"noted-{seed}").open("a") as noted:
        while True:
            number += 1
            try:
                if kind == "publish":
                    noted.write(json.dumps(_publish(on, number)) + "\n")
                    noted.flush()
                else:
                    _rewrite(on, number)
                    time.sleep(0.2)
            except (TrainingError, VersionsUnreachable, OSError):
                continue  # another one was first


def _rewrite(on: VersionStore, number: int) -> None:
    for name in on.names()[-3:]:
        with suppress(ArtifactError):  # it is being dropped
            version = on.load(name)
            if on.settle(version):
                version = on.load(name)
            on.rewrite(version, {**version.arrays, "much": np.full(10, float(number))})


if __name__ == "__main__":
    _work(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
