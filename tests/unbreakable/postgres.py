"""PostgreSQL is killed and started again under load: what was acknowledged is there, who left does not come back,
and guests are served meanwhile."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bench.measure import Row
from data.demo.client import Client, Refused
from data.demo.members import Member
from data.faces.people import draw_face
from tests import postgres
from tests.unbreakable.many import CONTEXT, House, Replica, at_once, enrolled, house, kill
from tests.unbreakable.traffic import Book, Terminal

SECTION = "PostgreSQL killed (SIGKILL) and started again under load"
AWAY_S = 1.5
BACK_S, GUEST_S = 5.0, 2.0
WRITERS = 4


@dataclass
class Log:
    """What happened meanwhile."""

    book: Book = field(default_factory=Book)
    guests: int = 0
    guests_failed: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    gone: list[Member] = field(default_factory=list)  # their opt-out was acknowledged
    newcomers: list[Member] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)


def rows(short: bool) -> list[Row]:
    """Two replicas; a kill every few seconds. Raises RuntimeError: PostgreSQL is not installed."""
    kills = 2 if short else 10
    with house(customers=2 * kills + 2) as place, place.replicas(2) as replicas:
        log, lasts = Log(), place.members.pop()
        with Client(replicas[0].url, place.key("first")) as kiosk:
            item = str(kiosk.suggestions("orders", None, CONTEXT, 1)["items"][0]["item_id"])
        works = [_guest(place, replica, log) for replica in replicas]
        works += [_orders(place, replicas[n % 2], f"writer-{n}", item, log.book) for n in range(WRITERS)]
        works += [_leaves(place, replicas[0], log), _joins(place, replicas[1], log)]
        with at_once(*works):
            for number in range(kills):
                time.sleep(random.Random(number).uniform(1.0, 3.0))
                kill(place.server)
                time.sleep(AWAY_S)
                _start_again(place.server)
                log.back_s.append(max(_until_recognised(place, replica, lasts) for replica in replicas))
        return _rows(place, replicas[1], log, kills)


def _start_again(server: postgres.Server) -> None:
    """A process of before may still hold the shared memory for a moment."""
    until = time.monotonic() + 10
    while True:
        try:
            server.start()
            return
        except subprocess.CalledProcessError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _rows(place: House, replica: Replica, log: Log, kills: int) -> list[Row]:
    stored = {name for (name,) in place.rows("SELECT event_id FROM usual_recommender.events")}
    with Client(replica.url, place.key("compares")) as kiosk:
        back = sum(_is_there(kiosk, member) for member in log.gone)
        lost = sum(not _is_there(kiosk, member) for member in log.newcomers)
    events = log.book.events
    failed = "; ".join(sorted(set(log.guests_failed)))[:80]
    return [
        Row(SECTION, "kills", kills, "", note="of all its processes, fsync on"),
        Row(SECTION, "acknowledged events", len(events), "", 1, "more"),
        Row(SECTION, "acknowledged events lost", len(set(events) - stored), "", 0),
        Row(SECTION, f"acknowledged opt-ins lost, of {len(log.newcomers)}", lost, "people", 0),
        Row(SECTION, f"erased customers who are back, of {len(log.gone)}", back, "people", 0),
        Row(SECTION, f"guests without suggestions, of {log.guests}", len(log.guests_failed), "", 0, note=failed),
        Row(SECTION, "longest wait of a guest", log.longest_s, "s", GUEST_S),
        Row(SECTION, "customers recognised again after the server is back, longest", max(log.back_s), "s", BACK_S),
    ]


def _guest(place: House, replica: Replica, log: Log) -> Callable[[threading.Event], None]:
    key = place.key(f"guest-{replica.port}")

    def run(ended: threading.Event) -> None:
        with Client(replica.url, key, timeout=15) as screen:
            while not ended.wait(0.1):
                began = time.monotonic()
                try:
                    items = screen.suggestions("orders", None, CONTEXT)["items"]
                    log.guests_failed += [] if items else ["no items"]
                except (Refused, OSError) as error:
                    log.guests_failed.append(str(error))
                    screen.close()
                log.guests += 1
                log.longest_s = max(log.longest_s, time.monotonic() - began)

    return run


def _orders(place: House, replica: Replica, name: str, item: str, book: Book) -> Callable[[threading.Event], None]:
    key = place.key(name)

    def run(ended: threading.Event) -> None:
        terminal = Terminal(replica.url, key, book)
        while not ended.wait(0.02):
            terminal.order(item)

    return run


def _leaves(place: House, replica: Replica, log: Log) -> Callable[[threading.Event], None]:
    """Customers opt out by their receipt, again and again until it is acknowledged."""
    key, waiting = place.key("leaves"), list(place.members)

    def run(ended: threading.Event) -> None:
        with Client(replica.url, key, timeout=15) as kiosk:
            while waiting and not ended.wait(0.5):
                member = waiting[-1]
                try:
                    kiosk.call("DELETE", f"/identity/v1/enrolments/{member.receipt}")
                except Refused as error:
                    if error.status == 429 or error.status >= 500:  # 404: an answer was lost, they are out
                        continue
                except OSError:
                    kiosk.close()
                    continue
                log.gone.append(waiting.pop())

    return run


def _joins(place: House, replica: Replica, log: Log) -> Callable[[threading.Event], None]:
    key = place.key("joins")

    def run(ended: threading.Event) -> None:
        seed = 80_000
        while not ended.wait(0.3):
            seed += 40
            with suppress(Refused, OSError), Client(replica.url, key, timeout=15) as kiosk:
                log.newcomers += enrolled(kiosk, 1, seed)

    return run


def _until_recognised(place: House, replica: Replica, member: Member) -> float:
    """Seconds until a customer is recognised again: that needs all databases."""
    began, frames = time.monotonic(), [draw_face(member.person_seed, 90 + k) for k in range(3)]
    while time.monotonic() - began < 60:
        with suppress(Refused, OSError), Client(replica.url, place.key("looks"), timeout=15) as kiosk:
            if kiosk.recognise(frames)["token"] is not None:
                break
        time.sleep(0.05)
    return time.monotonic() - began


def _is_there(kiosk: Client, member: Member) -> bool:
    """Whether the receipt is one of a customer; they are out afterwards. A device may try ten a minute."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            kiosk.call("DELETE", f"/identity/v1/enrolments/{member.receipt}")
        except Refused as error:
            if error.status != 429 and error.status < 500:
                return False
            time.sleep(1.0)
            continue
        return True
    raise RuntimeError(f"{member.receipt} cannot be asked about")
