"""A restart under load: `kill -HUP` while fifty requests a second come in, each on a connection of its own or on
one that is kept open; none may fail, and the server that answers afterwards is another one.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from bench.measure import Row
from data.demo import stage
from data.demo.server import free_port, serving
from data.demo.setting import TENANT, Setting
from plumbing.clock import system_clock
from plumbing.init_cli import begin
from tests.unbreakable.installation import PACKS

RATE = 50.0
KEPT_OPEN = 10  # of the requests in a second
PATH = "/recommender/v1/suggestions/orders?site=market&n=5"
PATIENCE_S = 90.0
SECTION = "Restart (SIGHUP) under 50 requests a second"


@dataclass
class Seen:
    """What the callers saw."""

    ms: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    warned: int = 0  # that the connection, which was to be kept open, ends with this reply
    ended: threading.Event = field(default_factory=threading.Event)


def rows(short: bool) -> list[Row]:
    """One restart in the short form, three in the whole one."""
    with empty_house() as (setting, key), serving(setting, free_port(0)) as server:
        seen, first = Seen(), process_of(setting.home)
        callers = [
            threading.Thread(target=call, args=(server.url, key, 1 / KEPT_OPEN, True, seen)),
            *(
                threading.Thread(target=call, args=(server.url, key, 4 / (RATE - KEPT_OPEN), False, seen))
                for _ in range(4)
            ),
        ]
        for caller in callers:
            caller.start()
        try:
            time.sleep(2)
            restarts = sum(restarted(server.process.pid, setting.home) for _ in range(1 if short else 3))
            time.sleep(2)
        finally:
            seen.ended.set()
            for caller in callers:
                caller.join()
        same = server.running() and process_of(setting.home) != first
    return [
        Row(SECTION, "requests", len(seen.ms), ""),
        Row(SECTION, "failed", len(seen.failed), "", 0, note="; ".join(sorted(set(seen.failed))[:3])),
        Row(SECTION, "kept connections warned to close", seen.warned, "", restarts, "more"),
        Row(SECTION, "restarts", restarts, "", 1 if short else 3, "more"),
        Row(SECTION, "first process is still there", float(same), "", 1, "more"),
        Row(SECTION, "slowest request", max(seen.ms), "ms"),
    ]


@contextmanager
def empty_house() -> Iterator[tuple[Setting, str]]:
    """A state folder in which nobody is enrolled, and a key for guests."""
    with TemporaryDirectory(prefix="usual-restart-") as folder:
        setting = Setting(Path(folder), "dlib", None, PACKS, system_clock)
        begin(setting.home)
        access, database = stage.access_of(setting)
        try:
            yield setting, access.create_key(TENANT, ("suggest",), device="guests", site="market")
        finally:
            database.close()


def restarted(pid: int, home: Path) -> bool:
    """Send the signal; whether another server has the home afterwards, and the one before has ended."""
    before, theirs, until = process_of(home), children_of(pid), time.monotonic() + PATIENCE_S
    os.kill(pid, signal.SIGHUP)
    while time.monotonic() < until:
        if process_of(home) != before and not theirs & children_of(pid):
            return True
        time.sleep(0.1)
    return False


def children_of(pid: int) -> set[int]:
    """The processes that a process started."""
    return {int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def process_of(home: Path) -> int:
    """The first process of the server that has recognition of this home."""
    return int(json.loads((home / "server-identity.json").read_bytes())["process"])


def call(url: str, key: str, pause_s: float, kept_open: bool, seen: Seen) -> None:
    """Ask every `pause_s` seconds until it ends."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    following = time.monotonic()
    while not seen.ended.is_set():
        began = time.monotonic()
        try:
            connection.request("GET", PATH, headers={"X-API-Key": key})
            reply = connection.getresponse()
            reply.read()
            seen.warned += kept_open and reply.getheader("Connection") == "close"
            if reply.status != http.client.OK:
                seen.failed.append(str(reply.status))
        except (OSError, http.client.HTTPException) as error:
            seen.failed.append(f"{'kept open' if kept_open else 'new'}: {type(error).__name__}")
            connection.close()
        seen.ms.append(1000 * (time.monotonic() - began))
        if not kept_open:
            connection.close()
        following += pause_s
        time.sleep(max(0.0, following - time.monotonic()))
    connection.close()
