"""Training on a cluster while processes are killed: the same version, to the byte, and nothing left behind."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Row, family_of
from data.demo.server import PROGRAM
from data.town.town import Town
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.scene import Event, OrderLine
from recommender.store.versions import VersionStore
from tests.conftest import ROOT

SECTION = "Training on a cluster: a worker, or all of it, is killed in the middle"
SHORT, FULL = 3_000, 60_000  # events
TENANT, GONE_S = "town", 30.0


@dataclass
class Found:
    """What went wrong, counted."""

    different: int = 0
    failed: int = 0
    left: int = 0  # files of parts
    orphans: int = 0  # processes
    kills: int = 0


def rows(short: bool) -> list[Row]:
    """Train at once, then on workers of which one is killed, then kill the training itself, then stop it."""
    found = Found()
    with tempfile.TemporaryDirectory(prefix="usual-cluster-") as name:
        first = Path(name) / "at-once"
        prepared(first, SHORT if short else FULL)
        homes = [Path(name) / f"home-{k}" for k in range(2 if short else 6)]
        for home in homes:
            shutil.copytree(first, home)
        run_to_end(first, [])
        for home in homes[1:]:
            worker_killed(home, found, files(first))
        training_ended(homes[0], found, signal.SIGKILL)
        training_ended(homes[0], found, signal.SIGINT)
    return [
        Row(SECTION, "workers killed in the middle of their work", found.kills, "", 1, "more"),
        Row(SECTION, "versions with another byte than that of one process", found.different, "", 0),
        Row(SECTION, "trainings that failed because a worker died", found.failed, "", 0),
        Row(SECTION, "files of the log left after kill -9 and a start, or after Ctrl-C", found.left, "", 0),
        Row(SECTION, "processes left after the training ended", found.orphans, "", 0),
    ]


def prepared(home: Path, events: int) -> None:
    """A state folder with the orders of a town."""
    drawn, catalogue = Town.scaled(max(events // 20, 20), 60, events, seed=7)
    stores = open_stores(RecommenderConfig(home=home, token_keys=[]))
    columns = (drawn.customer, drawn.item, drawn.time_us, drawn.hour, drawn.weekday, drawn.site)
    made = [
        Event(
            event_id=f"e{number}",
            type="ordered",
            scene="orders",
            customer=str(drawn.customers[customer]),
            time_us=time_us + number,
            hour=hour,
            weekday=weekday,
            lines=(OrderLine(str(drawn.items[item])),),
            site=str(drawn.sites[site]),
        )
        for number, (customer, item, time_us, hour, weekday, site) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        )
    ]
    stores.events.record(TENANT, made, made[-1].time_us)
    stores.catalogue.put(TENANT, "item", catalogue)
    stores.database.close()


def start(home: Path, options: list[str]) -> subprocess.Popen[bytes]:
    """`usual train orders` in a process of its own."""
    command = [*PROGRAM, "train", "orders", "--home", str(home), "--tenant", TENANT, *options]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_to_end(home: Path, options: list[str]) -> int:
    """Its status."""
    return start(home, options).wait()


def files(home: Path) -> dict[str, str]:
    """The sha256 of each file of the current version."""
    shelf = VersionStore(home / "models", TENANT, "orders")
    folder = shelf.folder / str(shelf.current())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def workers_of(pid: int) -> list[int]:
    """The worker processes of a training."""
    found = []
    for one in family_of(pid)[1:]:
        with suppress(OSError):
            if b"spawn_main" in (Path("/proc") / str(one) / "cmdline").read_bytes():
                found.append(one)
    return found


def until(there: Callable[[], bool], process: subprocess.Popen[bytes], patience_s: float = 120.0) -> bool:
    """Wait for something while a process runs; whether it came."""
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends and process.poll() is None:
        if there():
            return True
        time.sleep(0.02)
    return False


def parts(home: Path) -> list[Path]:
    """What there is of the log in parts."""
    return list((home / ".training").rglob("*.parquet"))


def worker_killed(home: Path, found: Found, expected: dict[str, str]) -> None:
    """Kill one of two workers while they work, and compare the version."""
    process = start(home, ["--cluster", "local:2"])
    if until(lambda: bool(parts(home)) and len(workers_of(process.pid)) == 2, process):
        time.sleep(random.random())
        with suppress(ProcessLookupError, IndexError):
            os.kill(workers_of(process.pid)[0], signal.SIGKILL)
            found.kills += process.poll() is None
    found.failed += process.wait() != 0
    found.different += files(home) != expected if (home / "models").exists() else 1
    found.left += len(parts(home))


def training_ended(home: Path, found: Found, how: signal.Signals) -> None:
    """End a training that has begun to work: nothing of it stays, not even a process."""
    process = start(home, ["--cluster", "local:1"])
    until(lambda: bool(parts(home)), process)
    family = family_of(process.pid)
    process.send_signal(how)
    process.wait()
    if how == signal.SIGKILL:
        open_stores(RecommenderConfig(home=home, token_keys=[])).database.close()
    found.left += len(parts(home))
    ends = time.monotonic() + GONE_S
    while (alive := [pid for pid in family if (Path("/proc") / str(pid)).exists()]) and time.monotonic() < ends:
        time.sleep(0.1)
    found.orphans += len(alive)
