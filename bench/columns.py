"""A file of events is imported while a terminal orders, and then a training reads them: by the real commands.

The orders go over HTTP to a real server on the same state. Beside it, a tenth of the file is imported by an older
commit and by this one, each into a house of its own.
"""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from bench.beside import recommender_alone, tokens_of
from bench.measure import ROOT, Row, peak_mb
from bench.older import tree_of
from data.demo import stage
from data.demo.client import Client, Refused
from data.demo.server import PROGRAM, free_port, serving
from data.demo.setting import TENANT, Setting
from data.town.town import Town
from plumbing.clock import system_clock
from recommender.assembly import open_stores
from recommender.config import RecommenderConfig
from recommender.ranking.interactions import Interactions
from recommender.scene import Item

EVENTS, QUICK = 600_000, 12_000
OLDER = "4c12011"  # the last commit that read a file row by row
DEVICE = "kiosk-bench"
EVERY_S = 0.1
"""Between two visits: a suggestion and an order."""

BEFORE_S = 10.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def columns(events: int) -> list[Row]:
    """An import of so many events, and a training on them."""
    section = f"A file of {events:,} events, imported while a terminal orders"
    with tempfile.TemporaryDirectory(prefix="usual-columns-") as name:
        folder = Path(name)
        file, tenth = folder / "events.csv", folder / "tenth.csv"
        customers = written(file, events)
        tenth.write_text("".join(file.read_text().splitlines(keepends=True)[: events // 10 + 1]))
        setting = _setting(folder / "house", events)
        access, database = stage.access_of(setting)
        key = access.create_key(TENANT, stage.KIOSK, device=DEVICE, site="site-0")
        database.close()
        visits = Visits(tokens_of(setting.home, customers))
        with (
            recommender_alone(),
            serving(setting, free_port(0), workers=1) as server,
            visits.going_on(server.url, key),
        ):
            time.sleep(BEFORE_S if events > QUICK else 1.0)
            visits.kind = "import"
            imported = Command.run(setting, ROOT, "import", "events", str(file))
        trained = Command.run(setting, ROOT, "train", "orders")
        now, older = _beside(folder, tenth, events)
    quiet, busy = visits.ms["before"], visits.ms["import"]
    ratio = older.processor_s / now.processor_s
    return [
        Row(section, "from start to end of the command", imported.seconds, "s", 30),
        Row(section, "its processor time", imported.processor_s, "s"),
        Row(section, "its peak memory", imported.peak_mb, "MB"),
        Row(section, "an order before it, p99", float(np.percentile(quiet, 99)), "ms"),
        Row(section, f"an order beside it, p99 of {len(busy)}", float(np.percentile(busy, 99)), "ms", 200),
        Row(section, "orders that were refused", visits.refused, "", 0),
        Row(section, f"a tenth of it, processor time of {OLDER} : now", ratio, "x", note=_both(older, now)),
        Row(section, "training on them: from start to end", trained.seconds, "s", 60),
        Row(section, "training on them: processor time", trained.processor_s, "s"),
        Row(section, "training on them: peak memory", trained.peak_mb, "MB", 1024),
    ]


def written(path: Path, events: int) -> list[str]:
    """Write a town's orders as a till exports them, by the time of day; some of the customers."""
    drawn, _ = _town(events)
    at = np.argsort(drawn.time_us, kind="stable")
    zone = timezone(timedelta(hours=1))
    with path.open("w", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(("event_id", "type", "occurred_at", "customer", "item_id", "quantity", "site"))
        for number, k in enumerate(at.tolist()):
            when = (_EPOCH + timedelta(microseconds=int(drawn.time_us[k]))).astimezone(zone).isoformat()
            who, item, site = (
                drawn.customers[drawn.customer[k]],
                drawn.items[drawn.item[k]],
                drawn.sites[drawn.site[k]],
            )
            rows.writerow((f"visit-{number:07}", "ordered", when, who, item, 1, site))
    return [str(one) for one in drawn.customers[:200]]


def _town(events: int) -> tuple[Interactions, list[Item]]:
    return Town.scaled(max(events // 20, 50), 500, events, seed=5)


def _setting(folder: Path, events: int) -> Setting:
    """A house with the menu of the town."""
    setting = Setting(folder, "dlib", None, folder / "cache", system_clock)
    stores = open_stores(RecommenderConfig(home=setting.home, token_keys=[]))
    stores.catalogue.put(TENANT, "item", _town(events)[1])
    stores.close()
    return setting


def _beside(folder: Path, file: Path, events: int) -> tuple[Command, Command]:
    """The same file by this commit and by the older one."""
    nothing = Command(0.0, float("nan"), 0.0)
    with tree_of(OLDER, folder / "older") as tree:
        if tree is None:
            return nothing, nothing
        made = [
            Command.run(_setting(folder / f"house-{who}", events), where, "import", "events", str(file))
            for who, where in (("now", ROOT), ("older", tree))
        ]
    return made[0], made[1]


def _both(older: Command, now: Command) -> str:
    return f"{older.processor_s:.3g} s and {now.processor_s:.3g} s"


@dataclass(frozen=True, slots=True)
class Command:
    """What a command took."""

    seconds: float
    processor_s: float
    peak_mb: float

    @classmethod
    def run(cls, setting: Setting, tree: Path, *arguments: str) -> Command:
        """Run `usual ...` of a tree on this state. Raises RuntimeError: it failed."""
        before, began, peak = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic(), 0.0
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                [*PROGRAM, *arguments],
                env=setting.environment() | {"PYTHONPATH": str(tree)},
                cwd=tree,
                stdout=said,
                stderr=said,
            )
            while process.poll() is None:
                with suppress(OSError, StopIteration):
                    peak = max(peak, peak_mb(process.pid))
                time.sleep(0.02)
            seconds = time.monotonic() - began
            if process.returncode:
                said.seek(0)
                raise RuntimeError(f"usual {arguments[0]} ended with {process.returncode}: {said.read()[-600:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cls(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak)


@dataclass
class Visits:
    """A terminal that asks for suggestions and orders, ten times a second."""

    tokens: Sequence[str]
    kind: str = "before"
    ms: dict[str, list[float]] = field(default_factory=lambda: {"before": [], "import": []})
    refused: int = 0

    @contextmanager
    def going_on(self, url: str, key: str) -> Iterator[None]:
        """Inside, it does so."""
        done = threading.Event()

        def visits() -> None:
            with Client(url, key) as kiosk:
                number = 0
                while not done.wait(EVERY_S):
                    self._visit(kiosk, number)
                    number += 1

        thread = threading.Thread(target=visits)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _visit(self, kiosk: Client, number: int) -> None:
        order = {
            "event_id": f"order-{number}",
            "type": "ordered",
            "occurred_at": datetime.now(UTC).isoformat(),
            "items": [{"item_id": f"item-{number % 500:06}", "quantity": 1}],
        }
        try:
            kiosk.suggestions("orders", self.tokens[number % len(self.tokens)], {})
            kind, began = self.kind, time.perf_counter()
            kiosk.events([order], None)
            self.ms[kind].append(1000 * (time.perf_counter() - began))
        except Refused as refused:
            print(refused, file=sys.stderr)
            self.refused += 1
