"""The house that this device belongs to: pairing, and requests with the device's key."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from doorway.kiosk_helper.errors import HelperError, HouseAway
from doorway.kiosk_helper.folder import Device, KioskFolder
from doorway.kiosk_helper.line import WITHIN_S, Answer, Line, Send, address_of, readable
from identity.device_vectors.sealing import public_key_of
from plumbing.access import cookies
from plumbing.clock import MINUTE, SECOND, Clock, system_clock

PAGES = ("kiosk", "taxi")
CLOCK_OFF_US = 5 * MINUTE
REVOKED = "The house does not know this device any more: pair it again."
Say = Callable[[str], object]


def parts_of_link(text: str) -> tuple[str, str]:
    """(server, code) of what `usual keys pair` prints, a link with the code; ("", code) of a code alone."""
    address, mark, code = text.strip().partition("#pair=")
    return (address_of(address), code.partition("&")[0]) if mark else ("", address)


class Notices:
    """Says what is wrong, once while it lasts."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._now: dict[str, str] = {}

    def about(self, topic: str, what: str, *, over: str = "") -> None:
        """What is wrong about a topic now; "" for nothing any more, which `over` says."""
        before = self._now.get(topic, "")
        self._now[topic] = what
        if what != before and (what or over):
            self._say(what or over)


class House:
    """The line to the house, with the device's key. Safe with threads. `send` takes a line's place in tests."""

    def __init__(
        self, folder: KioskFolder, say: Say, *, send: Send | None = None, now_us: Clock = system_clock
    ) -> None:
        self._folder = folder
        self.notices = Notices(say)
        self._say = say
        self._given = send
        self._now_us = now_us
        self._lines: dict[str, Line] = {}
        self._device: Device | None = None
        self._lock = threading.Lock()

    @property
    def device(self) -> Device:
        """This device. Raises HelperNotPaired, HelperFileUnusable."""
        with self._lock:
            if self._device is None:
                self._device = self._folder.device()
            return self._device

    def pair(self, server: str, code: str) -> Device:
        """Use a code: this is another device from now on, with new keys; what it was before is forgotten.

        Raises HouseAddressRefused; HelperFileUnusable: the folder cannot be written to; HelperError with what the
        house says, or of a code for another page; HouseAway.
        Then the earlier pairing is as it was.
        """
        server = address_of(server)
        self._folder.prepare()  # or the code were used up, and its key lost
        signing = generate_private_key(SECP256R1())
        public = base64.urlsafe_b64encode(public_key_of(signing)).rstrip(b"=").decode()
        body = {"code": code.strip(), "public_key": public}
        sent = {"Content-Type": "application/json", "Accept": "application/json"}
        answer = self._send(server)("POST", "/v1/pairings", sent, json.dumps(body).encode(), WITHIN_S)
        said = json_of(answer)
        page = str(said.get("page", ""))
        if answer.status != 200:
            why = readable(str(said.get("detail", f"Status {answer.status}.")))
            raise HelperError(
                f"The house does not pair this kiosk: is the code mistyped, used already or too old? {why}"
            )
        key = cookies.as_received(page, answer.all("Set-Cookie"))
        if page not in PAGES or not key:
            raise HelperError(f"This code was for the page {page!r}, and is used up. Make one for kiosk or taxi.")
        device = Device(server, page, key, signing)
        self._folder.keep(device)
        with self._lock:
            self._device = device
        return device

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        within_s: float = WITHIN_S,
    ) -> Answer:
        """One request as this device. Raises HouseAway, HouseNotTrusted, HelperNotPaired, HelperFileUnusable."""
        device = self.device
        own = {"Cookie": cookies.as_sent(device.page, device.key), "X-Usual-Page": device.page}
        try:
            answer = self._send(device.server)(method, target, {**(headers or {}), **own}, body, within_s)
        except HouseAway as error:
            self.notices.about("house", f"{error.title}: {error.detail} Guests are served, and orders wait.")
            raise
        refused = answer.status == 401 and json_of(answer).get("code") == "key_refused"
        self.notices.about("house", REVOKED if refused else "", over="The house answers again.")
        return answer

    def look_at_clock(self, answer: Answer) -> None:
        """Say when this machine's clock is far from the house's. Nothing of a message depends on it."""
        try:
            theirs = int(parsedate_to_datetime(answer.header("Date")).timestamp()) * SECOND
        except (ValueError, TypeError):
            return
        off = self._now_us() - theirs
        if abs(off) > CLOCK_OFF_US:
            way = "ahead of" if off > 0 else "behind"
            self._say(f"This machine's clock is {abs(off) // MINUTE} minutes {way} the house's: set it.")

    def close(self) -> None:
        """End every connection."""
        for line in self._lines.values():
            line.close()

    def _send(self, server: str) -> Send:
        if self._given is not None:
            return self._given
        with self._lock:
            return self._lines.setdefault(server, Line(server)).send


def json_of(answer: Answer) -> dict[str, Any]:
    """The JSON object of a reply; empty when it is none."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
