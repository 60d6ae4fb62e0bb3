"""`usual move` of many events, killed in the middle: it goes on, and there and back the exports are the same."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import tempfile
import time
from pathlib import Path

from bench.measure import Row
from data.demo.server import PROGRAM
from plumbing.access import access
from plumbing.clock import system_clock
from plumbing.init_cli import begin
from plumbing.people import people
from plumbing.storage.state import State
from recommender.store import open_database
from tests import postgres
from tests.unbreakable.many import database_server

SECTION = "usual move"
TENANT = "mill"


def rows(short: bool) -> list[Row]:
    """20,000 events and 2 kills, or a million and 5. Raises RuntimeError: PostgreSQL is not installed."""
    events, kills = (20_000, 2) if short else (1_000_000, 5)
    with (
        tempfile.TemporaryDirectory(prefix="usual-move-") as folder,
        database_server() as server,
        postgres.database(server.url) as state,
        postgres.database(server.url) as keys,
    ):
        return _moved(Path(folder), state, keys, events, kills)


def _moved(folder: Path, state: str, keys: str, events: int, kills: int) -> list[Row]:
    home, names = folder / "state", {"USUAL_DATABASE": state, "USUAL_KEYS_DATABASE": keys}
    _fill(home, events)
    here, there = (f"sqlite:{home}", "env"), ("env", f"sqlite:{home}")
    before = _export(home, folder, {})
    killed = sum(_killed(home, names, here, number) for number in range(kills))
    began = time.monotonic()
    _move(home, names, here)
    took = time.monotonic() - began
    on_server = _export(home, folder, names)
    killed += sum(_killed(home, names, there, number) for number in range(kills))
    _move(home, names, there)
    after = _export(home, folder, {})
    return [
        Row(SECTION, "events", events, ""),
        Row(SECTION, "moves killed (SIGKILL)", killed, "", 1, "more", f"of {2 * kills} tried; some had ended"),
        Row(SECTION, "exports that differ on PostgreSQL", int(before != on_server), "", 0),
        Row(SECTION, "exports that differ there and back", int(before != after), "", 0),
        Row(SECTION, "the last try took", took, "s", note="rows that are there already are only compared"),
    ]


def _fill(home: Path, events: int) -> None:
    begin(home)
    database = open_database(State(home))
    with database.write() as write:
        for n in range(events):
            order = (TENANT, "pos", f"e{n:08d}", "ordered", "orders", f"p{n % 5_000}", 10**15 + n * 1_000_003)
            rest = (12.5, n % 7, "market", "", "", "", f"print {n}", 10**15 + n, "")
            write.execute(f"INSERT INTO events VALUES ({', '.join('?' * 18)})", (*order, *rest, "", ""))
            line = (TENANT, "pos", f"e{n:08d}", 0, f"café {n % 90}", 1 + n % 3, 380)
            write.execute("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, 0, '', NULL)", line)
    database.close()
    keyring = State(home).database("access", access.migrations, people.migrations)
    access.Access(keyring, system_clock).create_key(TENANT, ["suggest"])
    keyring.close()


def _usual(home: Path, names: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    command = [*PROGRAM, *words, "--home", str(home)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("USUAL_")}
    return subprocess.Popen(command, env=clean | names, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _move(home: Path, names: dict[str, str], ends: tuple[str, str]) -> None:
    source, target = ends
    words = ["move", "--from", source, "--to", target, "--keys", "env", "--delete-source"]
    process = _usual(home, names, *words)
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the move did not end: {said.decode()[-300:]}")


def _killed(home: Path, names: dict[str, str], ends: tuple[str, str], number: int) -> bool:
    """Kill a move somewhere; whether it was still running."""
    process = _usual(home, names, "move", "--from", ends[0], "--to", ends[1], "--keys", "env")
    time.sleep(0.8 + random.Random(number).uniform(0.0, 1.0))
    running = process.poll() is None
    process.kill()
    process.communicate()
    return running


def _export(home: Path, folder: Path, names: dict[str, str]) -> str:
    file = folder / "events.csv"
    process = _usual(home, names, "export", "events", str(file), "--tenant", TENANT)
    said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the export did not end: {said.decode()[-300:]}")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    file.unlink()
    return found
