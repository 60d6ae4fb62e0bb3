"""The disk is full: guests go on, nobody gets a 500, everybody can opt out, and all is back when there is room.

The state folder and the server's log lie on a small disk of their own in memory (tmpfs), which a big file fills
up. It is filled again after every few opt-outs: other programs take whatever is released.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.measure import Row
from data.demo.client import Client, Refused
from data.demo.members import Member, purposes_of
from data.demo.server import Server
from data.faces import people
from plumbing.storage import room
from tests.unbreakable.installation import Installation, installation

SECTION = "full disk"
MEGABYTES = 160
MORE = 88
"""People who opt in beside the twelve of the installation, so that a hundred can opt out."""

REFILL_EVERY = 7
WITH_TOKEN = 3
"""Every third has a token from before."""
LATE_LOOK, LATE_EVENT = "a token from before, looking", "a token from before, ordering"


@contextmanager
def small_disk(megabytes: int = MEGABYTES) -> Iterator[Path]:
    """A disk of its own. Needs the right to mount one."""
    with tempfile.TemporaryDirectory(prefix="usual-disk-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def fill(place: Path) -> None:
    """Write until not a byte is left."""
    with (place / "filler").open("ab", buffering=0) as filler, suppress(OSError):
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while filler.write(bytes(size)) == size:
                    pass


@dataclass
class Tally:
    """What the server answered, by what was asked."""

    seen: dict[str, Counter[str]] = field(default_factory=dict)

    def ask(self, what: str, call: Any) -> Any:
        """The answer of a call, or None; it is counted by its status."""
        count = self.seen.setdefault(what, Counter())
        try:
            answer = call()
        except Refused as error:
            count[f"{error.status} {error.code}"] += 1
            return None
        except OSError:
            count["no answer"] += 1
            return None
        count["2xx"] += 1
        return answer

    def taken(self, what: str) -> int:
        """How often it was carried out."""
        return self.seen.get(what, Counter())["2xx"]

    def broken(self) -> int:
        """Answers that are nobody's fault but ours."""
        return sum(
            number
            for count in self.seen.values()
            for status, number in count.items()
            if status.startswith("500") or status == "no answer"
        )


def opts_in(client: Client, number: int) -> list[Member]:
    """More customers, with what only the real way of enrolling gives: a receipt."""
    members = []
    for k in range(number):
        seed = 40_000 + k
        frames = [people.draw_face(seed, moment) for moment in range(3)]
        try:
            receipt = client.enrol(frames, purposes_of(0), None)["receipt"]
        except Refused as error:
            if error.code in ("already_enrolled", "frames_differ"):
                continue  # two drawn people look alike
            raise
        members.append(Member(f"more-{k}", seed, purposes_of(0), receipt))
    return members


def by_face(kiosk: Client, member: Member, tally: Tally) -> bool:
    """Up to three tries, as a person makes them; a lookalike needs the receipt."""
    for moment in range(10, 13):
        frames = [people.draw_face(member.person_seed, moment + 10 * k) for k in range(3)]
        if tally.ask("opting out by face", lambda frames=frames: kiosk.opt_out(frames)) == "forgotten":
            return True
    return False


def by_receipt(kiosk: Client, member: Member, tally: Tally) -> bool:
    path = f"/identity/v1/enrolments/{member.receipt}"
    gone = tally.ask("opting out by receipt", lambda: kiosk.call("DELETE", path))
    return gone is not None and bool(gone["forgotten"])


def everybody_leaves(
    place: Path, house: Installation, server: Server, members: list[Member], dish: str, tally: Tally
) -> int:
    """Opt out in turn by face and by receipt on the full disk; how many could not."""
    stayed = 0
    with house.client(server, "kiosk-guest") as guest:
        for n, member in enumerate(members):
            if n % REFILL_EVERY == 0:
                fill(place)
            kiosk = house.client(server, kiosk_of(n))
            token = token_of(kiosk, member) if n % WITH_TOKEN == 0 else None
            left = by_face(kiosk, member, tally) if n % 2 else False
            stayed += not (left or by_receipt(kiosk, member, tally))
            if token is not None:
                tally.ask(LATE_LOOK, lambda token=token, kiosk=kiosk: kiosk.suggestions("orders", token, {}))
                late = order(10_000 + n, dish)
                tally.ask(LATE_EVENT, lambda token=token, kiosk=kiosk, late=late: kiosk.events([late], token))
            for scene in ("orders", "offers"):
                tally.ask(f"{scene} for a guest", lambda scene=scene: guest.suggestions(scene, None, {}))
            tally.ask("a visit", lambda: guest.visit([people.draw_face(90_000, 1)], "orders", {}))
            tally.ask("an order", lambda n=n: guest.events([order(n, dish)], None))
            kiosk.close()
    return stayed


def token_of(kiosk: Client, member: Member) -> str | None:
    """A token from before the opt-out."""
    with suppress(Refused, OSError):
        seen = kiosk.recognise([people.draw_face(member.person_seed, 20 + k) for k in range(3)])
        return None if seen["decision"] != "matched" else str(seen["token"])
    return None


def kiosk_of(n: int) -> str:
    """A device takes few receipts a minute: each of these takes eight people."""
    return f"kiosk-{n // 8}"


def order(n: int, dish: str) -> dict[str, Any]:
    """An order of a guest."""
    return {
        "event_id": f"full-{n}-{os.getpid()}",
        "type": "ordered",
        "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()),
        "items": [{"item_id": dish, "quantity": 1}],
    }


def readiness(server: Server) -> int:
    with Client(server.url, "", timeout=10) as anybody:
        try:
            anybody.call("GET", "/health/ready")
        except Refused as error:
            return error.status
        return 200


def back_after(server: Server, client: Client, dish: str) -> float:
    """Seconds until the server is ready and takes an order."""
    began = time.monotonic()
    while time.monotonic() - began < 20:
        with suppress(Refused, OSError):
            if readiness(server) == 200 and client.events([order(time.monotonic_ns(), dish)], None) == 1:
                return time.monotonic() - began
        time.sleep(0.2)
    return float("inf")


def rows(short: bool) -> list[Row]:
    """The figures; without the right to mount a disk, a row that says so and fails."""
    try:
        with small_disk() as place, installation(place=place) as house, house.served() as server:
            return _rows(short, place, house, server)
    except subprocess.CalledProcessError as error:
        return [Row(SECTION, "a small disk could be mounted", 0, "", 1, "more", note=str(error))]


def _rows(short: bool, place: Path, house: Installation, server: Server) -> list[Row]:
    tally = Tally()
    with house.client(server, "kiosk-market") as kiosk:
        more = [] if short else opts_in(kiosk, MORE)
        everybody = (house.members + more)[: 10 if short else 100]
        dish = str(kiosk.suggestions("orders", None, {})["items"][0]["item_id"])
        for name in ("kiosk-guest", *(kiosk_of(n) for n in range(len(everybody)))):
            house.key(name)
        fill(place)
        time.sleep(1.1)
        full = readiness(server)
        stayed = everybody_leaves(place, house, server, everybody, dish, tally)
        tally.ask("opting in", lambda: opts_in(kiosk, 1))
        (place / "filler").unlink()
        again = back_after(server, kiosk, dish)
        whole = (house.setting.home / room.NAME).stat().st_size
    note = "; ".join(f"{what}: {dict(count)}" for what, count in tally.seen.items())
    guests = sum(count["2xx"] for what, count in tally.seen.items() if "guest" in what)
    asked = sum(sum(count.values()) for what, count in tally.seen.items() if "guest" in what)
    return [
        Row(SECTION, f"could not opt out, of {len(everybody)}", stayed, "people", 0, note=note),
        Row(SECTION, "tokens from before that open something", tally.taken(LATE_LOOK), "tokens", 0),
        Row(SECTION, "late events that were stored", tally.taken(LATE_EVENT), "events", 0),
        Row(SECTION, "suggestions to guests", guests / max(asked, 1), "share", 1, "more"),
        Row(SECTION, "answers of 500, or none", tally.broken(), "answers", 0),
        Row(SECTION, "readiness on a full disk", full, "status", 503, "more"),
        Row(SECTION, "back when there is room", again, "s", 5),
        Row(SECTION, "the reserve is whole again", whole / room.SIZE, "share", 1, "more"),
    ]
