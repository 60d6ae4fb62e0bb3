"""Whether the process that left a mark still runs. Its number alone does not say: numbers are used again."""

from __future__ import annotations

import hashlib
import os
import socket
from functools import cache
from pathlib import Path


def mark() -> str:
    """This process: its machine's start and name, the numbering in which it has its number, that, its start."""
    return _mark_of(os.getpid())


def may_run(mark: str) -> bool:
    """False when the process that left `mark` has surely ended.

    A process of another container has numbers that mean nothing here: it may run. So may one of another machine.
    """
    here = _numbering()
    parts = mark.split(" ")
    if len(parts) != 4 or not here:
        return True
    boot, space, number, started = parts
    boot_here, _, space_here = here.partition(" ")
    if boot != boot_here:
        return not is_here(mark)  # else the machine was started again
    if space != space_here or not number.isdecimal():
        return True
    return _started(int(number)) == started


def is_here(mark: str) -> bool:
    """False when another machine left `mark`: nobody can know here whether its process still runs."""
    machine = mark.partition(" ")[0].partition("@")[2]
    return machine in ("", _machine())  # a version before machines were named worked with files of its own


@cache
def _machine() -> str:
    try:
        name = Path("/etc/machine-id").read_text()
    except OSError:
        name = ""
    return hashlib.sha256(f"{name}{socket.gethostname()}".encode()).hexdigest()[:16]


@cache
def _mark_of(number: int) -> str:
    return f"{_numbering()} {number} {_started(number) or ''}"


@cache
def _numbering() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}@{_machine()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return ""


def _started(number: int) -> str | None:
    """When a process started, in ticks since the machine did; None when there is none, or when it has ended."""
    try:
        state, *rest = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else rest[18]
