"""The machine: clock, disk, port, versions, time zones."""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
from collections.abc import Iterator
from http.client import HTTPException
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from packaging.markers import Marker

from plumbing.address import Running
from plumbing.clock import SECOND, system_clock
from plumbing.doctor.finding import Finding, remark, well, wrong
from plumbing.problem import Problem
from plumbing.serving import listener
from plumbing.settings import Config, listening_at, origins_of
from plumbing.steady import MARK, Mark
from plumbing.storage.room import SIZE, free_bytes

LOCK = Path(__file__).resolve().parents[2] / "locks" / "runtime.txt"
LOW = 1 << 30  # bytes free on the disk below which somebody should know
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: *; *([^\\\n]+))?", re.MULTILINE)
ZONES = ("Europe/Berlin", "Asia/Tokyo", "America/New_York")
NOT_BEFORE_US = 1_760_000_000 * SECOND  # this release was made later
UNSYNCHRONISED = 5  # what adjtimex(2) returns while no time service sets the clock
TIMEX_BYTES = 256  # more than struct timex of any machine


def look(config: Config) -> Iterator[Finding]:
    """Every finding about the machine."""
    yield clock(config.home)
    yield disk(config.home)
    yield port(config)
    yield pages(config)
    yield python()
    yield packages(LOCK)
    yield zones()


def clock(home: Path) -> Finding:
    """Whether the time can be right, and whether a time service sets it."""
    now, mark = system_clock(), Mark.read(home / MARK)
    if now < NOT_BEFORE_US:
        return wrong("clock", "it shows a time before this release was made", "Set it, and start a time service.")
    if mark is not None and mark.latest_us - now > 2 * SECOND:
        behind = (mark.latest_us - now) // SECOND
        return wrong(
            "clock",
            f"it is {behind} s behind the latest time that a server of this folder saw",
            "Set it; if it was ahead before and is right now: usual identity confirm-clock",
        )
    if _unsynchronised():
        return remark("clock", "no time service sets it", "Start one, such as systemd-timesyncd or chrony.")
    return well("clock", "right, as far as can be seen from here")


def _unsynchronised() -> bool:
    try:
        return bool(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES)) == UNSYNCHRONISED)
    except (AttributeError, OSError):
        return False


def disk(home: Path) -> Finding:
    """Whether there is room for what customers do next."""
    folder = home
    while not folder.exists():
        folder = folder.parent
    free = free_bytes(folder)
    says = f"{free / 1e9:.1f} GB free"
    if free < 3 * SIZE:
        return wrong("disk", says, "Make room: nothing is stored any more when it is full, but opt-outs.")
    if free < LOW:
        return remark("disk", says, "Make room soon: 1 GB is little for a database that grows.")
    return well("disk", says)


def port(config: Config) -> Finding:
    """Whether a server of this folder answers; else whether one could listen."""
    if (running := Running.of(config.home)) is not None:
        return _answers(running)
    host, number = listening_at(config.listen)
    try:
        with listener.listening(host, number, patience_s=0):
            return well("port", f"{config.listen} is free; no server of this folder runs")
    except Problem as error:
        return wrong(
            "port", error.detail, "Set `listen` (USUAL_LISTEN) to another address, or stop what is there."
        )


def _answers(running: Running) -> Finding:
    process, host, number = running
    try:
        os.kill(process, 0)
        connection = running.asked(5)
        connection.request("GET", "/health/ready")
        reply = connection.getresponse()
        parts = json.loads(reply.read())["parts"]
    except PermissionError:
        return remark("port", f"process {process} of another user serves", "Run this as the user of the server.")
    except ProcessLookupError:
        return remark("port", f"process {process} was killed", "Start the server again.")
    except (OSError, HTTPException, ValueError, KeyError) as error:
        why = f"process {process} does not answer: {type(error).__name__}"
        return wrong("port", why, "Look into the server's log, and start it again.")
    unwell = [f"{name}: {said}" for name, said in parts.items() if said != "ok"]
    if reply.status != 200:
        return wrong("port", f"process {process} answers, and is not well: {'; '.join(unwell)}", "Mend that part.")
    return well(
        "port", f"process {process} answers on {host}:{number}" + (f"; {'; '.join(unwell)}" if unwell else "")
    )


def pages(config: Config) -> Finding:
    """Which pages of one's own the settings let in."""
    let_in = ", ".join(origins_of(config.origins))
    return well("pages of your own", f"let in from {let_in}" if let_in else "none is let in (USUAL_ORIGINS)")


def python() -> Finding:
    """The interpreter."""
    says = f"Python {sys.version.split()[0]}, Usual {metadata.version('usual')}"
    if (3, 11) <= sys.version_info < (3, 14):
        return well("versions", says)
    return wrong("versions", says, "Use Python 3.11, 3.12 or 3.13.")


def packages(lock: Path) -> Finding:
    """Whether what is installed is what was tested."""
    if not lock.is_file():
        return well("packages", "there is no lock file beside this installation to compare with")
    other = []
    for name, wanted, marker in PIN.findall(lock.read_text("utf-8")):
        if marker and not Marker(marker).evaluate():
            continue  # of another Python or system: what this one has stands in a line of its own
        try:
            have = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # left out on purpose; what is missing fails at its import
        if have != wanted:
            other.append(f"{name} {have} in place of {wanted}")
    if other:
        return remark("packages", ", ".join(other), "Install what was tested: scripts/setup.sh runtime")
    return well("packages", "as locks/runtime.txt says")


def zones() -> Finding:
    """Whether the time zone data is there: opening hours and the schedule need it."""
    try:
        for name in ZONES:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):
        return wrong("time zones", f"there is no data for {name}", "Install it: pip install tzdata")
    return well("time zones", "there")
