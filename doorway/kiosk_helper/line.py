"""Requests to the house, over connections that stay open. Redirects and the environment's proxies are ignored."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from doorway.kiosk_helper.errors import HouseAddressRefused, HouseAway, HouseNotTrusted
from plumbing.wrong_scheme import in_words

WITHIN_S = 12.0
LONGEST_S = 60.0
"""Until which a reply has to be there whole once it has begun: one that drips would keep a thread for ever."""
PIECE = 256 * 1024
MOST_BYTES = 16 * 1024 * 1024
"""Of a reply: a catalogue comes in pages, a picture of a dish is smaller by far."""
MOST_LETTERS = 300
CLOCK_CODES = (9, 10)
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""
OF_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply of the house."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The first header of this name; "" without one."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Every header of this name."""
        return [value for one, value in self.headers if one.lower() == name.lower()]


Send = Callable[[str, str, Mapping[str, str], bytes | None, float], Answer]
"""(method, path with query, headers, body, seconds to wait) -> the reply. Raises HouseAway, HouseNotTrusted."""


def address_of(server: str) -> str:
    """An address as it is kept: https://HOST[:PORT], or http:// of this machine. Raises HouseAddressRefused."""
    parts = urlsplit(server.strip())
    with suppress(ValueError):
        plain = parts.scheme == "http" and parts.hostname in OF_THIS_MACHINE
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = "" if parts.port is None else f":{parts.port}"
        if host and (plain or parts.scheme == "https"):
            return f"{parts.scheme}://{host}{port}"
    raise HouseAddressRefused(server)


def readable(text: str) -> str:
    """What another machine has written, as part of a sentence: no line ends, no commands to a terminal."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text[:MOST_LETTERS]).split())


class Line:
    """The line to one house. Safe with threads: each request has a connection of its own while it lasts."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._parts = urlsplit(server)
        self._trust = ssl.create_default_context() if self._parts.scheme == "https" else None
        self._idle: list[http.client.HTTPConnection] = []
        self._busy: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, within_s: float = WITHIN_S
    ) -> Answer:
        """See `Send`. A connection that the house has closed meanwhile is opened again, once."""
        for kept in (True, False):
            line, used = self._taken(within_s, kept=kept)
            try:
                answer = self._asked(line, method, target, headers, body)
            except Exception as error:
                self._gone(line)
                if not isinstance(error, http.client.HTTPException | OSError):
                    raise
                if used and isinstance(error, ConnectionError):
                    continue
                raise self._why(error) from error
            self._given_back(line)
            return answer
        raise AssertionError("a new connection was not used before")

    def close(self) -> None:
        """End every connection, also those that wait for a reply."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()
            for line in self._busy:
                if line.sock is not None:
                    with suppress(OSError):
                        line.sock.shutdown(socket.SHUT_RDWR)  # its own thread closes it

    def _taken(self, within_s: float, *, kept: bool) -> tuple[http.client.HTTPConnection, bool]:
        host, port = self._parts.hostname or "", self._parts.port
        with self._lock:
            used = kept and bool(self._idle)
            if used:
                line = self._idle.pop()
            elif self._trust is not None:
                line = http.client.HTTPSConnection(host, port, context=self._trust)
            else:
                line = http.client.HTTPConnection(host, port)
            self._busy.add(line)
        line.timeout = within_s
        if line.sock is not None:
            line.sock.settimeout(within_s)
        return line, used

    @staticmethod
    def _asked(
        line: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        line.request(method, target, body, dict(headers))
        with line.getresponse() as reply:
            if reply.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
                raise http.client.HTTPException("a reply that is packed, though nobody asked for that")
            return Answer(reply.status, tuple(reply.headers.items()), _whole(reply))

    def _given_back(self, line: http.client.HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(line)
            if line.sock is not None:
                self._idle.append(line)

    def _gone(self, line: http.client.HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(line)
        line.close()

    def _why(self, error: Exception) -> HouseAway:
        if isinstance(error, ssl.SSLCertVerificationError):
            why = error.verify_message
            if error.verify_code in CLOCK_CODES:
                why += "; is this machine's clock right?"
            return HouseNotTrusted(f"{self.server} shows no certificate that holds: {why}.")
        if wrong := in_words(error, self._parts.scheme):
            return HouseAway(f"{self.server} does not answer: {wrong}")
        return HouseAway(f"{self.server} does not answer: {readable(str(error)) or type(error).__name__}.")


def _whole(reply: http.client.HTTPResponse) -> bytes:
    """The body of a reply. Raises HTTPException: it is too large, too slow, or cut short."""
    until, content = time.monotonic() + LONGEST_S, bytearray()
    while piece := reply.read1(PIECE):
        content += piece
        if len(content) > MOST_BYTES:
            raise http.client.HTTPException("a reply that is too large")
        if time.monotonic() > until:
            raise http.client.HTTPException("a reply that does not end")
    if reply.length:
        raise http.client.HTTPException("a reply that is cut short")
    return bytes(content)
