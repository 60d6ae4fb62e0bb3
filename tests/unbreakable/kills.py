"""kill -9 at random moments under mixed load: of one process of the server, or of all of them."""

from __future__ import annotations

import base64
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.measure import Row
from data.demo.client import Client, Refused
from data.demo.server import PROGRAM, Server, free_port, stop
from data.faces import people
from tests.conftest import ROOT
from tests.unbreakable.installation import Installation, installation

SECTION = "kill -9 under mixed load (enrol, order, opt-out, suggestions, training)"
KILLS, SHORT = 50, 4
NEWCOMERS = 24  # people who opt in, one after the other and again
SCOPES = ("identify", "enrol", "suggest", "event")


@dataclass
class Book:
    """What the server acknowledged."""

    events: list[str] = field(default_factory=list)
    enrolled: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    ready_s: list[float] = field(default_factory=list)
    orphans: int = 0
    refused_trainings: int = 0
    bad_metrics: int = 0
    errors: int = 0  # answers of 500


class Load:
    """Devices that order, opt in, opt out, ask and train, each on its own, until they are stopped."""

    def __init__(self, place: Installation, url: str, book: Book, frames: list[list[str]]) -> None:
        self.book, self.frames = book, frames
        self._place, self._url = place, url
        self._stop = threading.Event()
        works = {"orders": self._order, "opt-ins": self._opt_in, "asks": self._ask, "trains": self._train}
        self._threads = [threading.Thread(target=self._run, args=work, daemon=True) for work in works.items()]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self, name: str, work: Callable[[Client], None]) -> None:
        scopes = ("train",) if name == "trains" else SCOPES
        while not self._stop.is_set():
            with (
                suppress(OSError, ValueError),
                Client(self._url, self._place.key(name, *scopes), timeout=5) as device,
            ):
                while not self._stop.is_set():
                    try:
                        work(device)
                    except Refused as error:
                        self.book.errors += error.status == 500
                        time.sleep(0.05)
            time.sleep(0.05)

    def _order(self, device: Client) -> None:
        name = f"kill-{len(self.book.events)}-{random.getrandbits(60):x}"
        event = {
            "event_id": name,
            "type": "ordered",
            "occurred_at": datetime.now(UTC).isoformat(),
            "items": [{"item_id": self.item(device)}],
            "site": "market",
        }
        device.events([event], None)
        self.book.events.append(name)

    def item(self, device: Client) -> str:
        return str(device.suggestions("orders", None, {"site": "market"}, 1)["items"][0]["item_id"])

    def _opt_in(self, device: Client) -> None:
        version = device.call("GET", "/identity/v1/notice")["version"]
        consent = {"purposes": {"orders": True}, "notice_version": version, "age_confirmed": True}
        person = self.frames[len(self.book.enrolled | self.book.gone) % len(self.frames)]
        sent = {"nonce": device.press(), "frames": person, "consent": consent, "somebody_else": True}
        receipt = str(device.call("POST", "/identity/v1/enrolments", sent)["receipt"])
        device.call("PUT", f"/identity/v1/enrolments/{receipt}/confirmed")
        self.book.enrolled.add(receipt)
        if len(self.book.enrolled) > 6:
            leaves = self.book.enrolled.pop()  # whether it is done is not known until it is acknowledged
            device.call("DELETE", f"/identity/v1/enrolments/{leaves}")
            self.book.gone.add(leaves)

    def _ask(self, device: Client) -> None:
        device.suggestions("orders", None, {"site": "market"})

    def _train(self, device: Client) -> None:
        device.call("POST", "/recommender/v1/models/orders/train")
        self._stop.wait(1)


def rows(short: bool) -> list[Row]:
    """Kill, look, start again; then compare what was acknowledged with what is there."""
    kills, book = SHORT if short else KILLS, Book()
    frames = [
        [base64.b64encode(people.jpeg(people.draw_face(90_000 + who, k))).decode() for k in range(3)]
        for who in range(NEWCOMERS)
    ]
    with tempfile.TemporaryDirectory(prefix="usual-kills-") as temporary, installation() as place:
        for name in ("orders", "opt-ins", "asks"):
            place.key(name, *SCOPES)
        place.key("trains", "train")
        place.key("reads", "admin")
        chance = random.Random(7)
        server = _started(place, temporary, book)
        try:
            for _ in range(kills):
                server = _kill_one(place, server, temporary, book, frames, chance)
            lost, back = _compare(place, server, book)
        finally:
            stop(server.process)
        missing = len(book.events) - _stored(place, book.events)
        left = len(list(Path(temporary).glob("usual-metrics-*")))
    return [
        Row(SECTION, "kills", kills, "", note="half of them of the first process or of all"),
        Row(SECTION, "acknowledged", len(book.events) + len(book.enrolled) + len(book.gone), "", 1, "more"),
        Row(SECTION, "acknowledged events and enrolments lost", missing + lost, "", 0),
        Row(SECTION, "erased customers who are back", back, "", 0),
        Row(SECTION, "processes alive 2 s after the first one died", book.orphans, "", 0),
        Row(SECTION, "trainings refused after a start", book.refused_trainings, "", 0),
        Row(SECTION, "answers of 500", book.errors, "", 0),
        Row(SECTION, "/metrics that did not answer 200", book.bad_metrics, "", 0),
        Row(SECTION, "folders of counters left behind", left, "", 0),
        Row(SECTION, "ready again, median", float(np.median(book.ready_s)), "s", 4),
        Row(SECTION, "ready again, longest", max(book.ready_s), "s"),
    ]


def _started(place: Installation, temporary: str, book: Book) -> Server:
    """The real server, ready: guests are served. Its log is appended to."""
    port, began = free_port(0), time.monotonic()
    log = place.setting.folder / "server.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [*PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(port)],
            env=place.setting.environment() | {"TMPDIR": temporary},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    book.ready_s.append(_until_ready(server, began))
    return server


def _until_ready(server: Server, began: float, *, whole: bool = False) -> float:
    """Seconds until the server is ready; `whole`: until it recognises customers too."""
    while time.monotonic() < began + 60:
        if not server.running():
            raise RuntimeError(f"The server did not start.\n{server.tail()}")
        with suppress(Refused, OSError), Client(server.url, "", timeout=2) as client:
            parts = client.call("GET", "/health/ready")["parts"]
            if not whole or parts["identity"] == "ok":
                return time.monotonic() - began
        time.sleep(0.02)
    raise RuntimeError(f"The server was not ready after a minute.\n{server.tail()}")


def _kill_one(
    place: Installation, server: Server, temporary: str, book: Book, frames: list[list[str]], chance: random.Random
) -> Server:
    """Load, kill, and what an operator sees afterwards; the server that runs then."""
    _until_ready(server, time.monotonic(), whole=True)
    load = Load(place, server.url, book, frames)
    time.sleep(chance.uniform(0.3, 3.0))
    first, others = server.process.pid, [pid for pid in session(server.process.pid) if pid != server.process.pid]
    victim = chance.choice(("first", "all", "other", "other"))
    if victim == "other" and others:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(others), signal.SIGKILL)
        time.sleep(0.5)
        _until_ready(server, time.monotonic())
        load.stop()
        _look(place, server, book)
        return server
    if victim == "all":
        os.killpg(first, signal.SIGKILL)
    else:
        os.kill(first, signal.SIGKILL)
    server.process.wait()
    load.stop()
    until = time.monotonic() + 2
    while session(first) and time.monotonic() < until:
        time.sleep(0.02)
    book.orphans += len(session(first))
    server = _started(place, temporary, book)
    with place.client(server, "trains", "train") as office:
        try:
            office.call("POST", "/recommender/v1/models/orders/train")
        except Refused as error:  # 60 trainings an hour are the limit
            book.refused_trainings += error.status != 429
    _look(place, server, book)
    return server


def _look(place: Installation, server: Server, book: Book) -> None:
    with place.client(server, "reads", "admin", timeout=10) as reader:
        try:
            reader.call("GET", "/metrics")
        except (Refused, OSError):
            book.bad_metrics += 1


def session(leader: int) -> list[int]:
    """The processes that a server started, itself among them."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError):
                state = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(state[3]) == leader and state[0] != "Z":
                    found.append(int(folder.name))
    return found


def _compare(place: Installation, server: Server, book: Book) -> tuple[int, int]:
    """Acknowledged enrolments that are not there, and erased ones that are."""
    lost = back = 0
    with place.client(server, "compares", *SCOPES) as device:
        for receipt, expected in [(one, True) for one in book.enrolled] + [(one, False) for one in book.gone]:
            there = _opts_out(device, receipt)
            lost += expected and not there
            back += there and not expected
    return lost, back


def _opts_out(device: Client, receipt: str) -> bool:
    """Whether a receipt was that of a customer, who is erased now. A device may try ten a minute."""
    while True:
        try:
            device.call("DELETE", f"/identity/v1/enrolments/{receipt}")
        except Refused as error:
            if error.status == 429:
                time.sleep(2)
                continue
            return False
        return True


def _stored(place: Installation, names: list[str]) -> int:
    with closing(sqlite3.connect(place.setting.home / "recommender.db")) as database:
        there = {row[0] for row in database.execute("SELECT event_id FROM events")}
    return len(there & set(names))
