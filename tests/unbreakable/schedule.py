"""Exactly one training for each due time, whatever number of processes and whichever of them is killed.

Four processes share one home, with the real schedule and real locks. Then real trainings are killed with -9 while
they fit, evaluate, write and publish: a whole version is served at every moment, no run is lost, none is double.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from bench.measure import Row
from plumbing.clock import system_clock
from recommender.assembly import RecommenderStores, open_stores, trainer_of
from recommender.config import RecommenderConfig
from recommender.scene import Event, OrderLine
from recommender.store.shelves.folder import FolderShelf
from recommender.training.run_book import RunBook
from recommender.worker import launch_process
from tests.unbreakable import scheduling
from tests.unbreakable.cluster import TENANT, prepared
from tests.unbreakable.scheduling import DAYS_FROM, Watched, schedule_at

DUE = "Four processes on one home, one of them killed with -9 at most due times"
PHASES = "A training killed with -9 while it fits, evaluates, writes or publishes"
CANCELLED = "A training process that somebody cancels"
TIMES, KILLS, EVENTS = 200, 50, 1_500
SHORT_TIMES, SHORT_KILLS, SHORT_EVENTS = 8, 4, 400
PROCESSES = 4
WHERE = ("fit", "evaluate", "write", "publish")
CHECKING = "checking and publishing"


def rows(short: bool) -> list[Row]:
    """Both parts."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.unbreakable.schedule", "recommender.orders.fit", "lightgbm"])
    return due_times(SHORT_TIMES if short else TIMES, context) + phases(short, context) + cancelled(short)


def due_times(number: int, context: Any) -> list[Row]:
    """Nights pass one after the other; a random process is killed before or after the moment, and starts again."""
    ones = overlapping = kills = 0
    chance = random.Random(15)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="usual-schedule-") as folder:
        watched = Watched.make(Path(folder), "")
        processes = [_scheduler(context, watched, place) for place in range(PROCESSES)]
        try:
            for day in range(number):
                watched.until_led()

                def strike() -> None:
                    nonlocal kills
                    leader = watched.leader()
                    victim = (
                        leader if leader is not None and chance.random() < 0.6 else chance.randrange(PROCESSES)
                    )
                    _kill(processes[victim])
                    processes[victim] = _scheduler(context, watched, victim)
                    kills += 1

                schedule_at(watched, DAYS_FROM + day, strike if chance.random() < 0.8 else lambda: None)
                found, overlapping = watched.finished(DAYS_FROM + day)
                ones += found == 1
        finally:
            for process in processes:
                _kill(process)
    return [
        Row(DUE, "due times with exactly one training", ones, "", number, "more", note=f"of {number}"),
        Row(DUE, "processes killed", kills, ""),
        Row(DUE, "trainings that ran at the same time as another", overlapping, "", 0),
        Row(DUE, "a due time took", (time.monotonic() - began) / number, "s"),
    ]


def _scheduler(context: Any, watched: Watched, place: int) -> BaseProcess:
    process: BaseProcess = context.Process(target=scheduling.main, args=(watched.folder, "", place), daemon=True)
    process.start()
    return process


def _kill(process: BaseProcess) -> None:
    if process.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    process.join()


@dataclass
class Found:
    """What went wrong, counted."""

    not_whole: int = 0
    lost: int = 0
    double: int = 0
    killed: int = 0
    left: int = 0


def phases(short: bool, context: Any) -> list[Row]:
    """Each due time: a training that is killed in one phase, then another one for the same due time."""
    found, number = Found(), SHORT_KILLS if short else KILLS
    with tempfile.TemporaryDirectory(prefix="usual-phases-") as folder:
        home = Path(folder)
        prepared(home, SHORT_EVENTS if short else EVENTS)
        _train(context, home, "first", None)
        for turn in range(number):
            key = f"schedule 2026-01-01 {turn:02}:00"
            _order(home, turn)
            found.killed += _train(context, home, key, (WHERE[turn % len(WHERE)], turn)) == -signal.SIGKILL
            _look(home, found)
            if _train(context, home, key, None):  # not begun again when the killed one had ended in time
                found.lost += 1
            _look(home, found)
            _count(home, key, found)
        found.left = sum(1 for path in (home / "runs").iterdir())
    return [
        Row(PHASES, "trainings killed", found.killed, "", 0.8 * number, "more", note=f"of {number}"),
        Row(PHASES, "looks that found no whole version", found.not_whole, "", 0),
        Row(PHASES, "due times without a training that came to its end", found.lost, "", 0),
        Row(PHASES, "due times with more than one", found.double, "", 0),
        Row(PHASES, "locks left behind", found.left, "", 0),
    ]


def cancelled(short: bool) -> list[Row]:
    """A real training process is cancelled at a random moment: how long until it has gone."""
    number, took, whole = 1 if short else 10, [], 0
    with tempfile.TemporaryDirectory(prefix="usual-cancelled-") as folder:
        home = Path(folder)
        prepared(home, 20_000)
        config = RecommenderConfig(home=home, token_keys=[])
        stores = open_stores(config)
        models = stores.models
        for turn in range(number):
            run_id = models.begin(TENANT, "orders", system_clock())
            launch_process(config, models, system_clock)(TENANT, "orders", run_id)
            while models.run(TENANT, "orders", run_id).share < 0.05 + 0.05 * turn:
                time.sleep(0.02)
            began = time.monotonic()
            models.cancel(TENANT, "orders", run_id, "trial")
            while models.run(TENANT, "orders", run_id).state == "running" or _lives(run_id):
                time.sleep(0.01)
            took.append(time.monotonic() - began)
            whole += models.run(TENANT, "orders", run_id).state == "cancelled"
            for thread in threading.enumerate():
                if thread.name.startswith("training"):  # it waits for the process
                    thread.join()
        drafts = sum(1 for path in home.rglob("*") if "models" in path.parts and path.is_file())
        stores.close()
    return [
        Row(CANCELLED, "state cancelled, with who", whole, "", number, "more", note=f"of {number}"),
        Row(CANCELLED, "until its process has gone, longest", max(took), "s", 2.0),
        Row(CANCELLED, "files of versions left behind", drafts, "", 0),
    ]


def _lives(run_id: str) -> bool:
    """Whether a process works on the run: its id is in the command."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            command = place.read_bytes().split(b"\0")
            if b"recommender.worker" in command and run_id.encode() in command:
                return True
    return False


def _train(context: Any, home: Path, key: str, armed: tuple[str, int] | None) -> int:
    """One process that trains for `key`; its status."""
    process = context.Process(target=work, args=(str(home), key, armed))
    process.start()
    process.join()
    return int(process.exitcode)


def work(home: str, key: str, armed: tuple[str, int] | None) -> None:
    """In the process: as the schedule does it, once for a key."""
    config = RecommenderConfig(home=Path(home), token_keys=[])
    stores = open_stores(config)
    stores.models.close_lost(system_clock())
    if stores.models.begun(TENANT, "orders", key):
        return
    run_id = stores.models.begin(TENANT, "orders", system_clock(), key)
    if armed is not None:
        arm(*armed)
    trainer_of(stores, config, system_clock).run(TENANT, "orders", run_id, seed=0)
    stores.close()


def arm(phase: str, turn: int) -> None:
    """From now on this process kills itself with -9 at a random step of a phase."""
    chance = random.Random(turn)
    if phase in ("fit", "evaluate"):
        _die_at_note(range(2, 8) if phase == "fit" else range(12, 30), chance)
        return
    name = "add" if phase == "write" else "point_at"
    plain: Callable[..., Any] = getattr(FolderShelf, name)

    def deadly(shelf: FolderShelf, *arguments: Any) -> Any:
        _die_at_fsync(chance)
        return plain(shelf, *arguments)

    setattr(FolderShelf, name, deadly)


def _die_at_note(calls: range, chance: random.Random) -> None:
    last, plain, seen = chance.choice(calls), RunBook.note, 0

    def note(book: RunBook, what: str, share: float) -> None:
        nonlocal seen
        seen += 1
        plain(book, what, share)
        if seen >= last or what == CHECKING:
            _die()

    RunBook.note = note  # type: ignore[method-assign, assignment]  # in this process alone


def _die_at_fsync(chance: random.Random) -> None:
    last, plain, seen = chance.randrange(6), os.fsync, 0

    def fsync(handle: Any) -> None:
        nonlocal seen
        if seen >= last:
            _die()
        seen += 1
        plain(handle)

    os.fsync = fsync  # type: ignore[assignment]  # in this process alone


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _opened(home: Path) -> RecommenderStores:
    return open_stores(RecommenderConfig(home=home, token_keys=[]))


def _order(home: Path, turn: int) -> None:
    """Something new to learn from, so that the next training has a version to publish."""
    stores = _opened(home)
    at = system_clock() + turn
    line = OrderLine(stores.catalogue.all(TENANT, "item")[turn % 5].item_id)
    stores.events.record(
        TENANT,
        [Event(f"new-{turn}", "ordered", "orders", f"new-{turn % 7}", at, 12.0, 1, (line,), site="north")],
        at,
    )
    stores.close()


def _look(home: Path, found: Found) -> None:
    """What a server would serve now, checked against its hashes."""
    stores = _opened(home)
    shelf = stores.rows.shelf(TENANT, "orders")
    current = shelf.current()
    try:
        if current is None:
            raise ValueError("nothing is served")
        shelf.read(current)
    except Exception:  # whatever it is, it is no whole version
        found.not_whole += 1
    stores.close()


def _count(home: Path, key: str, found: Found) -> None:
    stores = _opened(home)
    rows = stores.database.rows(
        "SELECT state FROM runs WHERE tenant = ? AND run_key = ? AND state <> 'lost'", (TENANT, key)
    )
    ended = [row["state"] for row in rows if row["state"] in ("published", "unchanged", "refused")]
    found.lost += not ended
    found.double += len(ended) > 1
    stores.close()
