"""`python -m tests.unbreakable`: every trial, its figures in one table; status 1 when a limit was missed."""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module

from bench.measure import Row, machine, table
from tests.unbreakable.installation import forget_prepared

TRIALS: tuple[str, ...] = (
    "audit_cuts",
    "full_disk",
    "overload",
    "slow_clients",
    "soak",
    "schema",
    "kills",
    "clocks",
    "erased_for_good",
    "power",
    "silence",
    "mutations",
)
"""Modules of this package, in the order in which they run."""


def main() -> int:
    """Run the trials and print."""
    reader = argparse.ArgumentParser(prog="python -m tests.unbreakable", description=__doc__)
    reader.add_argument("--short", action="store_true", help="fewer repetitions: minutes instead of an hour")
    reader.add_argument("--only", action="append", choices=TRIALS, help="one trial; repeat for several")
    options = reader.parse_args()
    rows: list[Row] = []
    try:
        for name in options.only or TRIALS:
            began = time.monotonic()
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += import_module(f"tests.unbreakable.{name}").rows(options.short)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    finally:
        forget_prepared()
    where = machine()
    print(table(rows))
    print(f"\n{where['cpus']} processors, {where['cpu']}, Python {where['python']}")
    missed = sum(row.met is False for row in rows)
    print(f"{len(rows) - missed} passed, {missed} failed")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
