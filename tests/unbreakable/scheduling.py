"""A process that does nothing but lead: real locks, the real schedule, a training that only waits.

`python -m tests.unbreakable.scheduling FOLDER URL PLACE`; of a replica with a server's URL, of one machine with an
empty one. The time is in a file of the folder: a day passes when the trial says so.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from plumbing.clock import DAY, HOUR, SECOND
from plumbing.storage.state import State
from recommender.config import RecommenderConfig
from recommender.store import open_database, run_locks
from recommender.store.runs import ModelStore
from recommender.training.schedule import Scheduler, entry_of
from recommender.training.timetable.moments import run_key

DAYS_FROM = 20_000  # since 1970
TAKES_S = 0.15
LOOK_S = 0.02
AGAIN_S = 0.3
"""In place of the product's 10 s, so that fifty killed leaders take minutes and not a quarter of an hour."""
PATIENCE_S = 60.0
ENTRY = entry_of("orders", "every night at 03:00", "UTC")


@dataclass
class Watched:
    """What the trial and its processes share: a folder, and a database."""

    folder: Path
    url: str

    @classmethod
    def make(cls, folder: Path, url: str) -> Watched:
        """With a schedule of every day, saved before the first one."""
        made = cls(folder, url)
        made.set_time((DAYS_FROM - 1) * DAY)
        models = made.models()
        models.schedules.replace("demo", [ENTRY], (DAYS_FROM - 2) * DAY)
        # The day before is done: only what becomes due from here on counts.
        run_id = models.begin("demo", "orders", made.now_us(), key_of(DAYS_FROM - 2))
        models.end("demo", run_id, "published", "", made.now_us())
        run_id = models.begin("demo", "orders", made.now_us(), key_of(DAYS_FROM - 1))
        models.end("demo", run_id, "published", "", made.now_us())
        models.close()
        return made

    def state(self) -> State:
        return State(self.folder, self.url or None)

    def home(self, place: int) -> Path:
        """Of one process: replicas have homes of their own, the processes of one machine share theirs."""
        return self.folder / f"home-{place}" if self.url else self.folder

    def models(self) -> ModelStore:
        return ModelStore(open_database(self.state()), run_locks.run_locks(self.state()))

    def now_us(self) -> int:
        return int((self.folder / "now").read_text() or 0)

    def set_time(self, now_us: int) -> None:
        draft = self.folder / f".now-{os.getpid()}"
        draft.write_text(str(now_us))
        draft.replace(self.folder / "now")

    def leader(self) -> int | None:
        """The place of the process that led last; None when nobody did."""
        with suppress(OSError, ValueError):
            return int((self.folder / "leader").read_text())
        return None

    def until_led(self) -> None:
        """Wait until somebody leads."""
        until = time.monotonic() + PATIENCE_S
        (self.folder / "leader").unlink(missing_ok=True)
        while self.leader() is None:
            if time.monotonic() > until:
                raise RuntimeError("nobody leads")
            time.sleep(0.01)

    def finished(self, due: int) -> tuple[int, int]:
        """How many trainings of a day came to their end, and how many pairs of them overlapped."""
        until = time.monotonic() + PATIENCE_S
        database = open_database(self.state())

        def published() -> int:
            sql = "SELECT COUNT(*) AS n FROM runs WHERE tenant = 'demo' AND run_key = ? AND state = 'published'"
            return int(database.row(sql, (key_of(due),))["n"])

        while not published() and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(2 * AGAIN_S if self.url else 3 * LOOK_S)  # a second one would begin now
        found = published()
        database.close()
        lines = (self.folder / "trained").read_text().splitlines() if (self.folder / "trained").exists() else []
        return found, _overlaps(lines)


def _overlaps(lines: list[str]) -> int:
    """Of lines "begin RUN" and "end RUN" by several processes: ends of one run inside of another that ended."""
    spans: dict[str, list[int]] = {}
    for place, line in enumerate(lines):
        spans.setdefault(line.split()[1], []).append(place)
    whole = sorted(span for span in spans.values() if len(span) > 1)
    return sum(later[0] < earlier[1] for earlier, later in pairwise(whole))


def key_of(day: int) -> str:
    """The key of the training of a day since 1970."""
    return run_key(datetime(1970, 1, 1, 3) + timedelta(days=day))


def schedule_at(watched: Watched, due: int, strike: Callable[[], None]) -> None:
    """The moment comes at which the training of a day is due, and `strike` a little before or after it."""
    chance = random.Random(due)
    before = chance.random() < 0.3
    if before:
        strike()
    watched.set_time(due * DAY + 3 * HOUR + SECOND)
    if not before:
        time.sleep(chance.uniform(0.0, 2 * TAKES_S))
        strike()


def main(folder: Path, url: str, place: int) -> None:
    """Lead when nobody else does, until killed."""
    watched = Watched(folder, url)
    run_locks.AGAIN_S = AGAIN_S
    models = watched.models()
    writing = threading.Lock()

    def note(what: str) -> None:
        with writing, (folder / "trained").open("a") as out:
            out.write(what + "\n")

    def train(tenant: str, scene: str, run_id: str) -> None:
        def work() -> None:
            note(f"begin {run_id}")
            time.sleep(TAKES_S)
            if models.end(tenant, run_id, "published", "", watched.now_us()):
                note(f"end {run_id}")

        threading.Thread(target=work, daemon=True).start()

    config = RecommenderConfig(home=watched.home(place), token_keys=(), database=url or None)
    watched.home(place).mkdir(exist_ok=True)
    scheduler = Scheduler(config, models, train, watched.now_us)
    while True:
        if scheduler.look():
            (folder / "leader").write_text(str(place))
        time.sleep(LOOK_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
