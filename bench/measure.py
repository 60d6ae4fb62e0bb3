"""Stopwatch, memory and the table of figures."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure. `target` is the limit, `better` which side of it is good."""

    section: str
    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["less", "more"] = "less"
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None or math.isnan(self.value):
            return None
        return self.value <= self.target if self.better == "less" else self.value >= self.target


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of repeated runs, shape (n,), and this process's processor time for one of them."""

    ms: np.ndarray
    processor_ms: float = float("nan")

    @property
    def p50(self) -> float:
        return float(np.percentile(self.ms, 50))

    @property
    def p99(self) -> float:
        return float(np.percentile(self.ms, 99))

    @property
    def per_second(self) -> float:
        return 1000 * len(self.ms) / float(self.ms.sum())


def shared() -> Path:
    """Where the evaluation data is looked for: beside the project, unless USUAL_SHARED says otherwise."""
    return Path(os.environ.get("USUAL_SHARED", ROOT.parent / "shared"))


def timed(run: Callable[[int], object], n: int, warm: int = 3) -> Times:
    """Run `run(k)` for k = 0..n-1 after `warm` unmeasured runs."""
    for k in range(warm):
        run(k)
    taken = np.empty(n)
    used = time.process_time()
    for k in range(n):
        began = time.perf_counter()
        run(k)
        taken[k] = 1000 * (time.perf_counter() - began)
    return Times(taken, 1000 * (time.process_time() - used) / n)


def in_turn(
    runs: Sequence[Callable[[int], object]], n: int, warm: int = 3, clock: Callable[[], float] = time.perf_counter
) -> list[Times]:
    """Several ways of doing the same, turn by turn: what else the machine does hits them alike.

    `clock` may be time.thread_time for work of one thread: then a busy machine does not count at all.
    """
    for k in range(warm):
        for run in runs:
            run(k)
    taken = np.empty((len(runs), n))
    for k in range(n):
        for way, run in enumerate(runs):
            began = clock()
            run(k)
            taken[way, k] = 1000 * (clock() - began)
    return [Times(row) for row in taken]


def run_in_own_process(module: str, *arguments: str) -> dict[str, float]:
    """Run a measurement in a process of its own, so that its peak memory is its own; it prints one line of JSON.

    Raises:
        RuntimeError: it ended with another status than 0.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=os.environ | threads,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} ended with {done.returncode}: {done.stderr.strip()[-800:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def family_of(pid: int) -> list[int]:
    """A process and all that it started and are still there."""
    family = [pid]
    for one in family:
        for children in (Path("/proc") / str(one)).glob("task/*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                family += [int(child) for child in children.read_text().split()]
    return family


def resident_mb(pid: int) -> float:
    """Memory of a process and all it started, MB; pages that they share count once (PSS of /proc)."""
    total = 0.0
    for one in family_of(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            rollup = (Path("/proc") / str(one) / "smaps_rollup").read_text().splitlines()
            total += sum(float(line.split()[1]) for line in rollup if line.startswith("Pss:")) / 1024
    return total


def peak_mb(pid: int | str = "self") -> float:
    """The most memory that a process ever used, MB. Raises OSError, StopIteration: it has ended.

    Not getrusage's ru_maxrss: that survives exec, and a child would report the peak of its parent.
    """
    status = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    return float(next(line for line in status if line.startswith("VmHWM:")).split()[1]) / 1024


def processor_s(pid: int) -> float:
    """Processor seconds that a process and all it started have used: other work on the machine does not count."""
    ticks = 0
    for one in family_of(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            after_name = (Path("/proc") / str(one) / "stat").read_text().rpartition(")")[2].split()
            ticks += int(after_name[11]) + int(after_name[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def table(rows: Sequence[Row]) -> str:
    """Rows as text, one section after the other."""
    lines, section = [], ""
    for row in rows:
        if row.section != section:
            section = row.section
            lines += ["", section]
        target = "" if row.target is None else f"{'<=' if row.better == 'less' else '>='} {row.target:g}"
        verdict = {True: "yes", False: "NO", None: ""}[row.met]
        lines.append(
            f"  {row.name:<52}{row.value:>10.4g} {row.unit:<7}{target:>9} {verdict:<4}{row.note}".rstrip()
        )
    return "\n".join(lines)


def as_json(rows: Sequence[Row], machine: dict[str, Any]) -> str:
    """The same for a machine to read; a figure that could not be measured is null."""
    printed = [
        asdict(row) | {"met": row.met, "value": None if math.isnan(row.value) else row.value} for row in rows
    ]
    return json.dumps({"machine": machine, "rows": printed}, indent=2, default=_plain)


def _plain(value: Any) -> Any:
    """A number of numpy as one of Python."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no figure")


def machine() -> dict[str, Any]:
    """Where it was measured: figures of two machines do not compare, ratios do."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "python": sys.version.split()[0],
        "cpus": os.cpu_count(),
        "cpu": model[0].partition(":")[2].strip() if model else "",
        "load_before": os.getloadavg()[0],
    }
