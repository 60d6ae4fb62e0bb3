"""Whether the process that left a mark still runs. Its number alone does not say: numbers are used again."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


def mark() -> str:
    """This process: the start of the machine, the numbering in which it has its number, the number, its start."""
    return _mark_of(os.getpid())


def may_run(mark: str) -> bool:
    """False when the process that left `mark` has surely ended.

    A process of another container has numbers that mean nothing here: it may run.
    """
    here = _numbering()
    parts = mark.split(" ")
    if len(parts) != 4 or not here:
        return True
    boot, space, number, started = parts
    boot_here, _, space_here = here.partition(" ")
    if boot != boot_here:
        return False  # the machine was started again
    if space != space_here or not number.isdecimal():
        return True
    return _started(int(number)) == started


@cache
def _mark_of(number: int) -> str:
    return f"{_numbering()} {number} {_started(number) or ''}"


@cache
def _numbering() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return ""


def _started(number: int) -> str | None:
    """When a process started, in ticks since the machine did; None when there is none, or when it has ended."""
    try:
        state, *rest = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else rest[18]
