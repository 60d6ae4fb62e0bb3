"""A large file of events through the command: memory, time, all or nothing.

Memory does not grow with the file, the time does: USUAL_IMPORT_BYTES=1000000000 takes hours.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from bench.measure import ROOT, Row, peak_mb
from plumbing.init_cli import begin

WHOLE_BYTES, SHORT_BYTES = int(os.environ.get("USUAL_IMPORT_BYTES", 100_000_000)), 4_000_000
MOST_MB = 500
HEAD = "event_id,type,occurred_at,customer,item_id,quantity,price,site\n"
ITEMS = "item_id,name,price\n" + "".join(f"dish-{n},Dish {n},{500 + 10 * n}\n" for n in range(60))
CUSTOMERS, SITES = 50_000, 50


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    said: str
    seconds: float
    peak_mb: float


def write(path: Path, size: int, last: str = "") -> int:
    """Orders of a chain, one a line, until the file has so many bytes; how many."""
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=300)
    with path.open("w", buffering=2**20) as file:
        written = file.write(HEAD)
        for number in count():
            if written >= size:
                file.write(last)
                return number
            at = (start + timedelta(seconds=2 * number % (290 * 86_400))).isoformat()
            who, dish = f"card-{number * 7919 % CUSTOMERS}", number % 60
            written += file.write(
                f"{number:09},ordered,{at},{who},dish-{dish},1,{500 + 10 * dish},site-{number % SITES}\n"
            )
    raise AssertionError("a count ends nowhere")


def usual(home: Path, arguments: Sequence[str], stop_after: float | None = None) -> Ended:
    """Run a command to its end; with `stop_after` it gets Ctrl-C after so many seconds."""
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("usual")), *arguments, "--home", str(home)],
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        peak, stopped = 0.0, False
        while process.poll() is None:
            with suppress(OSError, StopIteration):  # it ends just now
                peak = max(peak, peak_mb(process.pid))
            if stop_after is not None and not stopped and time.monotonic() - began > stop_after:
                process.send_signal(signal.SIGINT)
                stopped = True
            time.sleep(0.02)
        said.seek(0)
        return Ended(process.returncode, said.read(), time.monotonic() - began, peak)


def stored(home: Path) -> int:
    """How many events the installation holds, those that nobody sees yet included."""
    with closing(sqlite3.connect(home / "recommender.db")) as database:
        return int(database.execute("SELECT COUNT(*) FROM events").fetchone()[0])


def rows(short: bool) -> list[Row]:
    """A file that is wrong at its end, one that is stopped with Ctrl-C, and the same once more to its end."""
    size = SHORT_BYTES if short else WHOLE_BYTES
    section = f"`usual import events` of {size / 1e6:,.0f} MB"
    with tempfile.TemporaryDirectory(prefix="usual-import-") as folder:
        home, file, menu = Path(folder) / "home", Path(folder) / "events.csv", Path(folder) / "items.csv"
        menu.write_text(ITEMS)
        begin(home)
        made = usual(home, ["import", "items", str(menu)])
        if made.status:
            raise RuntimeError(made.said)
        number = write(file, size, last="last,ordered\n")
        refused = usual(home, ["import", "events", str(file)])
        after_refused = stored(home)
        write(file, size)
        stopped = usual(home, ["import", "events", str(file)], stop_after=refused.seconds / 2 + 1)
        after_stopped = stored(home) if stopped.status else 0
        taken = usual(home, ["import", "events", str(file)])
        held = stored(home)
    return [
        Row(section, "a wrong last row: not refused", float(refused.status != 1), "", 0),
        Row(section, "a wrong last row: not named", float(str(number + 2) not in refused.said), "", 0),
        Row(section, "events stored of a refused file", after_refused, "", 0),
        Row(section, "events stored after Ctrl-C", after_stopped, "", 0, note=f"status {stopped.status}"),
        Row(section, "events of the whole file not stored", number - held, "", 0, note=f"of {number:,}"),
        Row(section, "time to take it in", taken.seconds, "s"),
        Row(section, "memory at most", max(refused.peak_mb, taken.peak_mb), "MB", MOST_MB),
    ]
