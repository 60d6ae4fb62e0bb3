"""Opting out by each way, in a house and between two processes whose line is up, slow, down or lies.

A token was given before. Counted are the seconds from the answer to the opt-out until that token opens nothing
personal any more: it is refused, or the answer is a guest's.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.measure import Row
from data.demo.client import Client, Refused
from data.demo.members import PIN, Member
from data.demo.server import PROGRAM, command, free_port, stop
from data.demo.setting import TENANT, Setting
from data.faces.people import draw_face
from tests.unbreakable.full_disk import opts_in
from tests.unbreakable.installation import Installation, found_again, installation, unconfirmed

SECTION = "opt-outs"
LINES = ("up", "slow", "down", "lying")
SLOW_S = 3.0
LONGEST_S = 1.0
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
CONTEXT = {"site": "market"}


@dataclass
class Line:
    """What stands between the two processes: passes on, waits, hangs up or answers a page."""

    target: int
    state: str = "up"
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @contextmanager
    def open(self) -> Iterator[Line]:
        door = socket.create_server(("127.0.0.1", 0))
        door.settimeout(0.1)
        self.port = door.getsockname()[1]
        thread = threading.Thread(target=self._serve, args=(door,))
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            thread.join()
            door.close()

    def _serve(self, door: socket.socket) -> None:
        while not self.ended.is_set():
            with suppress(TimeoutError):
                near, _ = door.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, suppress(OSError):
            near.settimeout(10)
            if self.state == "down":
                return
            if self.state == "lying":
                near.recv(1 << 16)
                near.sendall(PAGE)
                return
            if self.state == "slow":
                time.sleep(SLOW_S)
            with socket.create_connection(("127.0.0.1", self.target), timeout=10) as far:
                back = threading.Thread(target=_pump, args=(far, near), daemon=True)
                back.start()
                _pump(near, far)
                back.join(10)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(1 << 16):
            sink.sendall(content)
        sink.shutdown(socket.SHUT_WR)


@dataclass
class Place:
    """Where a kiosk asks for recognition, and where for suggestions."""

    setting: Setting
    identity: str
    recommender: str
    lines: tuple[Line, ...] = ()
    also: tuple[Path, ...] = ()  # the other process's state folder

    def put_line(self, state: str) -> None:
        for line in self.lines:
            line.state = state
        if state == "up" and self.lines:
            time.sleep(1.5)  # a sign of life


@contextmanager
def served(setting: Setting, only: str | None, port: int, **more: str) -> Iterator[str]:
    """`usual serve` of a half, or of both; its address."""
    words = [*PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(port), *(("--only", only) if only else ())]
    with (setting.folder / f"{only or 'house'}.log").open("wb") as out:
        process = subprocess.Popen(
            words,
            env=setting.environment() | more,
            cwd=Path(__file__).resolve().parents[2],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _ready(url)
        yield url
    finally:
        stop(process)


def _ready(url: str) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with suppress(Refused, OSError), Client(url, "", timeout=2) as anybody:
            parts = anybody.call("GET", "/health/ready")["parts"]
            if not any("being loaded" in said for said in parts.values()):
                return
        time.sleep(0.2)
    raise TimeoutError(url)


@contextmanager
def in_house(house: Installation) -> Iterator[Place]:
    with house.served() as server:
        yield Place(house.setting, server.url, server.url)


@contextmanager
def apart(house: Installation) -> Iterator[Place]:
    """Two processes with a state folder each; only the keys of tokens and of devices are the same."""
    privacy = house.key("privacy", "privacy")
    other = Setting(house.setting.folder / "other", "dlib", None, house.setting.cache, house.setting.now_us)
    shutil.copytree(house.setting.home, other.home)
    for name in ("identity.db", "identity-keys", "master.key"):
        (other.home / name).unlink()
    shutil.rmtree(house.setting.home / "models")
    for path in house.setting.home.glob("recommender*"):
        path.unlink()
    with ExitStack() as stack:
        ports = [free_port(0), free_port(0)]
        to_identity, to_recommender = (stack.enter_context(Line(port).open()) for port in ports)
        addresses = {
            "USUAL_RECOMMENDER_URL": f"http://127.0.0.1:{to_recommender.port}",
            "USUAL_RECOMMENDER_KEY": privacy,
        }
        asks = {"USUAL_IDENTITY_URL": f"http://127.0.0.1:{to_identity.port}"}
        recommender = stack.enter_context(served(other, "recommender", ports[1], **asks))
        identity = stack.enter_context(served(house.setting, "identity", ports[0], **addresses))
        os.environ.update(addresses)  # for the command line
        stack.callback(lambda: [os.environ.pop(name) for name in addresses])
        yield Place(house.setting, identity, recommender, (to_identity, to_recommender), (other.home,))


@dataclass
class Tally:
    """Of one kind of line: how long each took, how many could not opt out, and what else was answered."""

    took: list[float] = field(default_factory=list)
    stayed: int = 0
    broken: int = 0
    unseen: int = 0


def by_receipt(place: Place, kiosk: Client, member: Member) -> bool:
    return bool(kiosk.call("DELETE", f"/identity/v1/enrolments/{member.receipt}")["forgotten"])


def by_face(place: Place, kiosk: Client, member: Member) -> bool:
    for moment in (70, 74, 78):
        frames = [draw_face(member.person_seed, moment + k) for k in range(3)]
        if kiosk.opt_out(frames) == "forgotten":
            return True
    return by_receipt(place, kiosk, member)  # a lookalike needs it


def by_command(place: Place, kiosk: Client, member: Member) -> bool:
    return "Forgotten" in command(place.setting, "identity", "forget", member.receipt)


def by_phone(place: Place, kiosk: Client, member: Member) -> bool:
    """On the customer's own page, by code and PIN; by code alone after 20 sign-ins from here in a minute."""
    known = {"receipt": member.receipt} | ({"pin": PIN} if "destinations" in member.purposes else {})
    try:
        token = kiosk.call("POST", "/identity/v1/me/sessions", known)["token"]
    except Refused as error:
        if error.status != 429:
            raise
        return by_receipt(place, kiosk, member)
    return bool(kiosk.call("DELETE", "/identity/v1/me", token=token))


WAYS: dict[str, Callable[[Place, Client, Member], bool]] = {
    "receipt": by_receipt,
    "face": by_face,
    "command": by_command,
    "phone": by_phone,
}


def leaves(place: Place, house: Installation, member: Member, way: str, line: str, tally: Tally) -> None:
    """One customer is greeted, opts out while the line is as `line`, and asks with the token from before."""
    number = next(_numbers)
    key = house.keys[f"kiosk-{number % 8}"]
    with Client(place.identity, key) as kiosk, Client(place.recommender, key) as screen:
        place.put_line("up")
        token = _token(kiosk, member)
        if token is None or not _personal(screen, token, tally):
            tally.unseen += 1
            return
        place.put_line(line)
        try:
            left = WAYS[way](place, kiosk, member)
        except Refused as error:
            left = False
            tally.broken += error.status >= 500
        tally.stayed += not left
        began = time.monotonic()
        while _personal(screen, token, tally) and time.monotonic() - began < 15:
            time.sleep(0.01)
        tally.took.append(time.monotonic() - began)


_numbers = itertools.count()


def _token(kiosk: Client, member: Member) -> str | None:
    for first in (90, 93, 96):  # a customer may be missed once
        seen = kiosk.recognise([draw_face(member.person_seed, first + number) for number in range(3)])
        if seen["token"] is not None and seen["decision"] == "matched":
            return str(seen["token"])
    return None


def _personal(screen: Client, token: str, tally: Tally) -> bool:
    """Whether the token still opens what is somebody's."""
    try:
        said = screen.suggestions("orders", token, CONTEXT)
    except Refused as error:
        tally.broken += error.status >= 500
        return False
    return said["fallback"] not in ("identity_silent", "no_token")


def rows(short: bool) -> list[Row]:
    """Opt-outs in force, by layout and by what the line does."""
    found: list[Row] = []
    for layout, lines in ((in_house, ("up",)), (apart, LINES)):
        with installation() as house:
            for number in range(8):
                house.key(f"kiosk-{number}", "identify", "enrol", "suggest", "event")
            with layout(house) as place:
                members = [member for member in house.members if "orders" in member.purposes]
                if not short:
                    with Client(place.identity, house.keys["kiosk-0"]) as kiosk:
                        members += opts_in(kiosk, 100 * len(lines) + 10)
                each = 4 if short else 100
                waiting = iter(members[: each * len(lines)] if not short else members)
                for line in lines:
                    tally = Tally()
                    for n in range(each if not short or line == "up" else 2):
                        member = next(waiting, None)
                        if member is not None:
                            way = list(WAYS)[(n + lines.index(line)) % len(WAYS)]
                            leaves(place, house, member, way, line, tally)
                    found += _rows(layout.__name__.replace("_", " "), line, tally)
                place.put_line("up")
                found += _everywhere(layout.__name__.replace("_", " "), place)
    return found


def _rows(layout: str, line: str, tally: Tally) -> list[Row]:
    where = layout if layout == "in house" else f"two processes, line {line}"
    seen = f"{tally.unseen} not seen"
    late = sum(took > LONGEST_S for took in tally.took)
    return [
        Row(SECTION, f"{where}: longest until in force", max(tally.took, default=0.0), "s", LONGEST_S),
        Row(SECTION, f"{where}: later than 1 s, of {len(tally.took)}", late, "", 0, note=seen),
        Row(SECTION, f"{where}: could not opt out", tally.stayed, "people", 0),
        Row(SECTION, f"{where}: answers of 500", tally.broken, "answers", 0),
    ]


def _everywhere(layout: str, place: Place) -> list[Row]:
    """After the line is up again every erasure is confirmed, and nothing that was theirs is found."""
    waiting = unconfirmed(place.setting)
    listed = command(place.setting, "erasures", "list").splitlines()
    numbers = [line.split()[0] for line in listed if f" {TENANT} " in line]
    found = [said for number in numbers[:5] if (said := found_again(place.setting, number, *place.also))]
    return [
        Row(SECTION, f"{layout}: erasures unconfirmed when the line is up", len(waiting), "", 0),
        Row(
            SECTION,
            f"{layout}: of {len(numbers[:5])} searched, found again",
            len(found),
            "people",
            0,
            note="; ".join(found),
        ),
    ]
