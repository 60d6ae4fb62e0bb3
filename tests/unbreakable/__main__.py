"""`python -m tests.unbreakable`: every trial, its figures in one table; status 1 when a limit was missed.

In the short form a trial that missed something runs once more, and both are shown (decision 168).
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from importlib import import_module

from bench.measure import Row, machine, table
from tests.unbreakable.installation import forget_prepared

TRIALS: tuple[str, ...] = (
    "audit_cuts",
    "full_disk",
    "overload",
    "slow_clients",
    "equal_answers",
    "soak",
    "schema",
    "kills",
    "restart",
    "schedule",
    "clocks",
    "erased_for_good",
    "large_history",
    "large_import",
    "experiments",
    "gate",
    "cluster",
    "backups",
    "opt_outs",
    "power",
    "silence",
    "versions_apart",
    "proxy",
    "replicas",
    "postgres",
    "line_cut",
    "screen_line",
    "screen_looks",
    "moves",
    "mutations",
)
"""Modules of this package, in the order in which they run."""

LONG = frozenset({"cluster", "replicas", "screen_looks", "silence", "soak", "overload"})
"""They take minutes in their short form too: the whole form alone runs them, or `--only`."""

MEASURING = frozenset({"overload", "slow_clients", "equal_answers"})
UNITS = frozenset({"ms", "s", "MB", "/s"})
"""What depends on how busy the machine is: the short form shows it, and does not fail for it."""


def run(name: str, short: bool) -> tuple[list[Row], list[str]]:
    """One trial: its rows, and what it missed."""
    began = time.monotonic()
    print(f"{name} ...", file=sys.stderr, flush=True)
    try:
        found = import_module(f"tests.unbreakable.{name}").rows(short)
    except Exception as error:  # the other trials still run, and their figures are shown
        traceback.print_exc()
        return [], [f"{name} did not end: {type(error).__name__}"]
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    missed = [
        f"{row.section}: {row.name}{f' ({row.note})' if row.note else ''}"
        for row in found
        if row.met is False and not (short and (name in MEASURING or row.unit in UNITS))
    ]
    return found, missed


def main() -> int:
    """Run the trials and print."""
    reader = argparse.ArgumentParser(prog="python -m tests.unbreakable", description=__doc__)
    reader.add_argument("--short", action="store_true", help="fewer repetitions: minutes instead of an hour")
    reader.add_argument("--only", action="append", choices=TRIALS, help="one trial; repeat for several")
    options = reader.parse_args()
    rows: list[Row] = []
    missed: list[str] = []
    once: list[str] = []
    try:
        chosen = [name for name in TRIALS if not (options.short and name in LONG)]
        for name in options.only or chosen:
            found, lines = run(name, options.short)
            if lines and options.short:
                once += lines
                found, lines = run(name, options.short)
            rows += found
            missed += lines
    finally:
        forget_prepared()
    where = machine()
    print(table(rows))
    print(f"\n{where['cpus']} processors, {where['cpu']}, Python {where['python']}")
    for line in once:
        print(f"MISSED AT FIRST, and run once more: {line}")
    for line in missed:
        print(f"MISSED: {line}")
    print(f"{len(rows) - len(missed)} passed, {len(missed)} failed")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
