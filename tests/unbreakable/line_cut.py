"""A store box whose line to the centre is cut under load: what is lost or doubled, and how soon both meet again.

A real centre (`usual serve`, `usual edge hub`), a real box (`usual edge run`), and between them a line of our own
that hangs up and takes nobody. Till and orders are at the box. Compressed: a cut lasts 2 s (short) or 12 s (full,
fifty of them are ten minutes) with orders all the time; USUAL_LINE_CUT_S=600 USUAL_LINE_CUTS=6 cuts six times for
real ten minutes each.
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import Row
from data.demo import stage
from data.demo.client import Client, Refused
from data.demo.members import Member
from data.demo.server import PROGRAM, command, free_port, stop
from data.demo.setting import TENANT
from data.faces.people import draw_face
from plumbing.cli import open_access
from tests.unbreakable.installation import Installation, installation

SECTION = "line to a store box cut under load"
SITE = "market"
MEET_S = 5.0
EVERY_S = 0.15  # between two requests of
ORDERS = 3  # orders each: 20 a second
PATIENCE_S = 60.0


@dataclass
class Cuttable:
    """A line that can be cut: whoever is connected is hung up on, and nobody gets through."""

    target: int
    whole: bool = True
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def opened(self) -> Iterator[Cuttable]:
        door = socket.create_server(("127.0.0.1", 0))
        door.settimeout(0.1)
        self.port = door.getsockname()[1]
        thread = threading.Thread(target=self._serve, args=(door,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self.cut()
            thread.join(5)
            door.close()

    def cut(self) -> None:
        self.whole = False
        with self._lock:
            several, self._open = self._open, set()
        for one in several:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.whole = True

    def _serve(self, door: socket.socket) -> None:
        while not self.ended.is_set():
            with suppress(TimeoutError):
                near, _ = door.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, suppress(OSError):
            if not self.whole:
                return
            with socket.create_connection(("127.0.0.1", self.target), timeout=10) as far:
                far.settimeout(None)
                with self._lock:
                    self._open |= {near, far}
                back = threading.Thread(target=_pump, args=(far, near), daemon=True)
                back.start()
                _pump(near, far)
                back.join()
                with self._lock:
                    self._open -= {near, far}


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(1 << 16):
            sink.sendall(content)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def _process(words: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*PROGRAM, *words],
            env=environment,
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process, 30.0)


@dataclass
class World:
    """Centre, box and the two lines between them."""

    house: Installation
    box_home: Path
    centre_url: str
    box_url: str
    lines: tuple[Cuttable, Cuttable]
    memory: Path
    key: str

    def cut(self) -> None:
        for line in self.lines:
            line.cut()

    def mend(self) -> None:
        for line in self.lines:
            line.mend()

    def customers_at_box(self) -> int:
        """How many the box knows."""
        return _customers(next(self.memory.glob("usual-edge-*")) / "identity.db")

    def customers_at_centre(self) -> int:
        """How many the centre knows."""
        return _customers(self.house.setting.home / "identity.db")

    def till(self) -> Client:
        return Client(self.box_url, self.key, timeout=20)

    def kept(self) -> list[str]:
        """The ids of the box's events as the centre has them, each as often as it is there."""
        with closing(sqlite3.connect(self.house.setting.home / "recommender.db", timeout=30)) as database:
            found = database.execute("SELECT event_id FROM events WHERE sender LIKE 'box:%'").fetchall()
        return [str(one) for (one,) in found]


@contextmanager
def world() -> Iterator[World]:
    """All of it, ready: the box has the site's customers."""
    with ExitStack() as stack:
        house = stack.enter_context(installation())
        setting = house.setting
        folder = setting.folder
        server = stack.enter_context(house.served())
        hub_port = free_port(0)
        to_centre = stack.enter_context(Cuttable(int(server.url.rpartition(":")[2])).opened())
        to_hub = stack.enter_context(Cuttable(hub_port).opened())
        hub = ["edge", "hub", "--listen", f"127.0.0.1:{hub_port}"]
        stack.enter_context(_process(hub, setting.environment(), folder / "hub.log"))
        code = command(setting, "edge", "pair", "--site", SITE, "--name", "market-box").strip()
        box_home, port = folder / "box", free_port(0)
        memory = stack.enter_context(tempfile.TemporaryDirectory(prefix="usual-line-cut-", dir="/dev/shm"))
        words = ["edge", "run", "--home", str(box_home), "--centre", f"http://127.0.0.1:{to_centre.port}"]
        words += ["--code", code, "--line", f"nats-leaf://127.0.0.1:{to_hub.port}", "--port", str(port)]
        words += ["--memory", memory]
        stack.enter_context(_process(words, setting.environment(), folder / "box.log"))
        box_url = f"http://127.0.0.1:{port}"
        _until(lambda: (box_home / "pairing.json").exists(), "the box is paired", folder / "box.log")
        key = open_access(box_home).create_key(TENANT, stage.KIOSK, device="till-1", site=SITE)
        found = World(house, box_home, server.url, box_url, (to_centre, to_hub), Path(memory), key)
        _until(lambda: _is_ready(box_url), "the box answers", folder / "box.log")
        yield found


def _customers(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        return int(database.execute("SELECT count(*) FROM customers").fetchone()[0])


def _is_ready(url: str) -> bool:
    with suppress(Refused, OSError), Client(url, "", timeout=2) as anybody:
        parts = anybody.call("GET", "/health/ready")["parts"]
        return not any("being loaded" in said for said in parts.values())
    return False


def _until(good: Callable[[], bool], what: str, log: Path | None = None, within_s: float = PATIENCE_S) -> float:
    """Wait for something; the seconds that it took."""
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        with suppress(OSError, Refused, sqlite3.Error):
            if good():
                return time.monotonic() - began
        time.sleep(0.02)
    tail = "" if log is None else log.read_text(errors="replace")[-2000:]
    raise TimeoutError(f"not within {within_s:.0f} s: {what}\n{tail}")


@dataclass
class Load:
    """Orders of guests at the box, one request after the other; `taken` are the ids that were acknowledged."""

    world: World
    taken: list[str] = field(default_factory=list)
    refused: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[Load]:
        thread = threading.Thread(target=self._order, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            thread.join(30)

    def _order(self) -> None:
        with self.world.till() as till:
            dishes = [item["item_id"] for item in till.suggestions("orders", None, {"site": SITE}, 5)["items"]]
            while not self.ended.is_set():
                events = [order(dishes[n % len(dishes)]) for n in range(ORDERS)]
                try:
                    till.events(events, None)
                    self.taken += [str(event["event_id"]) for event in events]
                except (Refused, OSError):
                    self.refused += 1
                self.ended.wait(EVERY_S)


def order(dish: str) -> dict[str, object]:
    """An order of one dish, now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    items = [{"item_id": dish}]
    return {"event_id": secrets.token_hex(8), "type": "ordered", "occurred_at": now, "items": items}


@dataclass
class Seen:
    """What the cuts showed."""

    visits: int = 0
    personal: int = 0
    met_s: list[float] = field(default_factory=list)
    served_at_once: int = 0
    pending_shown: int = 0
    opted_out: int = 0


def visit(world: World, member: Member, moment: int) -> tuple[str, str | None]:
    """A member at the box: the decision, and why the suggestions are not personal (None: they are)."""
    with world.till() as till:
        frames = [draw_face(member.person_seed, moment + k) for k in range(2)]
        seen = till.visit(frames, "orders", {"site": SITE})
        return str(seen["decision"]), seen["suggestions"]["fallback"]


def one_cut(world: World, seen: Seen, members: list[Member], cut_s: float, number: int) -> None:
    """Cut, visit, opt out on both sides, mend, and wait until both sides know."""
    world.cut()
    began = time.monotonic()
    leaving = [members.pop() for _ in range(2)] if len(members) > 4 else []
    centre, box = world.customers_at_centre(), world.customers_at_box()
    if leaving:
        with world.till() as till:
            till.call("DELETE", f"/identity/v1/enrolments/{leaving[0].receipt}")
        seen.served_at_once += visit(world, leaving[0], 300)[0] != "matched"
        with Client(world.centre_url, world.house.key("kiosk-edge"), timeout=20) as kiosk:
            kiosk.call("DELETE", f"/identity/v1/enrolments/{leaving[1].receipt}")
        with Client(world.centre_url, "", timeout=5) as anybody:
            said = str(anybody.call("GET", "/health/ready")["parts"].get("identity", ""))
            seen.pending_shown += "not confirmed" in said
        seen.opted_out += 2
    while True:
        decision, fallback = visit(world, members[number % len(members)], 400 + 10 * number)
        seen.visits += 1
        seen.personal += decision == "matched" and fallback is None
        if time.monotonic() - began >= cut_s:
            break
        time.sleep(min(2.0, max(0.0, cut_s - (time.monotonic() - began))))
    world.mend()
    if leaving:
        both = centre - 2, box - 2
        seen.met_s.append(
            _until(lambda: (world.customers_at_centre(), world.customers_at_box()) == both, "both sides know")
        )


def rows(short: bool) -> list[Row]:
    """Three cuts of 2 s, or fifty of 12 s, unless the environment says otherwise."""
    cuts = int(os.environ.get("USUAL_LINE_CUTS", 3 if short else 50))
    cut_s = float(os.environ.get("USUAL_LINE_CUT_S", 2 if short else 12))
    seen = Seen()
    with world() as found:
        _until(lambda: found.customers_at_box() > 0, "the box has its customers")
        time.sleep(3.0)
        members = [one for one in found.house.members if visit(found, one, 200) == ("matched", None)]
        with Load(found).running() as load:
            for number in range(cuts):
                one_cut(found, seen, members, cut_s, number)
                time.sleep(1.0)
        _until(lambda: set(load.taken) <= set(found.kept()), "all events are at the centre", within_s=120)
        kept = found.kept()
    lost, doubled = len(set(load.taken) - set(kept)), len(kept) - len(set(kept))
    note = f"{cuts} cuts of {cut_s:g} s, {len(load.taken)} orders acknowledged, {load.refused} requests refused"
    return [
        Row(SECTION, "events lost", lost, "", 0, note=note),
        Row(SECTION, "events doubled", doubled, "", 0),
        Row(
            SECTION,
            "visits in a cut without a personal answer",
            seen.visits - seen.personal,
            "",
            0,
            note=f"of {seen.visits}",
        ),
        Row(
            SECTION,
            "who opted out at the box and was greeted there",
            seen.opted_out // 2 - seen.served_at_once,
            "",
            0,
        ),
        Row(
            SECTION,
            "opt-outs at the centre that it did not call pending",
            seen.opted_out // 2 - seen.pending_shown,
            "",
            0,
        ),
        Row(
            SECTION,
            "both sides know after the line is back, slowest",
            max(seen.met_s, default=float("nan")),
            "s",
            MEET_S,
            note=f"{len(seen.met_s)} times, two opt-outs each",
        ),
    ]
