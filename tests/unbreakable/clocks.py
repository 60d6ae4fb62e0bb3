"""The real server under a clock that is wrong: ahead, back again, and behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from bench.measure import Row
from data.demo.client import Client, Refused
from data.demo.server import Server, free_port, stop
from data.faces import people
from tests.conftest import ROOT
from tests.unbreakable.installation import Installation, installation

SECTION = "A clock that is wrong"
DAY_NS = 86_400 * 10**9
SHIFTED = """
import time
real = time.time_ns
time.time_ns = lambda: real() + {shift}
time.time = lambda: time.time_ns() / 1e9
from app import main
main()
"""


def rows(short: bool) -> list[Row]:
    """Start 380 days ahead, then right, then 90 days behind, then right again; what is left of the customers."""
    seconds = 6 if short else 150
    with installation() as place:
        device, before = place.key("clock", "identify", "suggest"), _customers(place)
        with _served(place, 0):
            time.sleep(2)
        with _served(place, 380) as ahead:
            time.sleep(seconds)
            said, left = _ready(ahead), _customers(place)
        with _served(place, -90) as behind:
            guests = _guest(behind, device)
            time.sleep(2)
        with _served(place, 0) as right:
            _until_whole(right)
            with Client(right.url, device) as kiosk:
                seen = [kiosk.recognise([people.draw_face(member.person_seed, 70)]) for member in place.members]
        in_the_end = _customers(place)
        greeted = sum(answer["decision"] == "matched" for answer in seen)
    return [
        Row(SECTION, f"customers destroyed in {seconds} s, 380 days ahead", before - left, "", 0),
        Row(SECTION, "readiness names the jump", float("days ahead" in str(said)), "", 1, "more"),
        Row(SECTION, "guests are served 90 days behind", float(guests), "", 1, "more"),
        Row(SECTION, "customers recognised when it is right again", greeted / len(seen), "", 0.75, "more"),
        Row(SECTION, "customers lost in the end", before - in_the_end, "", 0),
    ]


@contextmanager
def _served(place: Installation, days: int) -> Iterator[Server]:
    port, log = free_port(0), place.setting.folder / "server.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", SHIFTED.format(shift=days * DAY_NS), "serve", "--port", str(port)],
            env=place.setting.environment(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        _ready(server)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
            process.wait(15)
        stop(process)


def _ready(server: Server) -> dict[str, Any]:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.running():
        with suppress(Refused, OSError), Client(server.url, "", timeout=2) as client:
            return dict(client.call("GET", "/health/ready")["parts"])
        time.sleep(0.1)
    raise RuntimeError(f"The server was not ready.\n{server.tail()}")


def _until_whole(server: Server) -> None:
    until = time.monotonic() + 60
    while "being loaded" in str(_ready(server)) and time.monotonic() < until:
        time.sleep(0.1)


def _guest(server: Server, key: str) -> bool:
    with Client(server.url, key) as kiosk:
        return bool(kiosk.suggestions("orders", None, {"site": "market"})["items"])


def _customers(place: Installation) -> int:
    with closing(sqlite3.connect(place.setting.home / "identity.db")) as database:
        return int(database.execute("SELECT count(*) FROM customers").fetchone()[0])
