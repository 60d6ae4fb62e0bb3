"""The head of a request: refused where two servers could read it in two ways, else as WSGI says it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Protocol

from plumbing.gate.problems import HeadRefused, LengthRequired

Environ = dict[str, object]

MOST_HEADERS = 100
MOST_HEADER_BYTES = 64 * 1024
MOST_PATH = 8 * 1024
ONCE = ("host", "content-length", "content-type", "authorization", "x-api-key", "idempotency-key", "x-usual-page")
"""Headers that may stand in a head once: of two, two servers may take different ones."""

_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_LENGTH = re.compile(r"[0-9]{1,15}")


class Headers(Protocol):
    """The headers as the server has read them, names in small letters."""

    def items(self) -> list[tuple[str, str]]:
        """All of them, repeated ones too."""


class Scope(Protocol):
    """The head of a request as granian hands it over (RSGI)."""

    proto: str
    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str

    @property
    def headers(self) -> Headers: ...


def check(scope: Scope) -> dict[str, str]:
    """The headers by name in small letters, repeated ones joined.

    Raises:
        HeadRefused: a header that imitates one of ours, that stands twice, or that asks for another protocol; a
            host that is none; a size that nobody needs.
        LengthRequired: a body in chunks. The server in front of this reads its length from the chunks and leaves
            out a Content-Length beside it, so such a request cannot be distinguished from smuggling.
    """
    if len(scope.path) + len(scope.query_string) > MOST_PATH:
        raise HeadRefused(f"The address is longer than {MOST_PATH} letters.")
    rows = scope.headers.items()
    if len(rows) > MOST_HEADERS or sum(len(name) + len(value) for name, value in rows) > MOST_HEADER_BYTES:
        raise HeadRefused(f"At most {MOST_HEADERS} headers with {MOST_HEADER_BYTES} bytes are read.")
    found = _joined(rows)
    if "transfer-encoding" in found:
        raise LengthRequired
    if "upgrade" in found or "http2-settings" in found:
        raise HeadRefused("Only HTTP/1.1 is spoken here: leave out Upgrade.")
    if not _HOST.fullmatch(found.get("host", "")) and (scope.http_version != "1.0" or "host" in found):
        raise HeadRefused("Send one Host header with the name that the request is for.")
    if "content-length" in found and not _LENGTH.fullmatch(found["content-length"]):
        raise HeadRefused("Content-Length is a number.")
    return found


def length_of(scope: Scope) -> int:
    """How long the body is by the head, checked or not; 0 when the head does not say it well."""
    length = next((value for name, value in scope.headers.items() if name == "content-length"), "")
    return int(length) if _LENGTH.fullmatch(length) else 0


def _joined(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in rows:
        if "_" in name:
            # WSGI knows no difference between X_API_Key and X-API-Key; nobody may write the one for the other.
            if _is_ours(name):
                raise HeadRefused("A header has an underscore in its name where a hyphen belongs.")
            continue
        if name in found:
            if name in ONCE:
                raise HeadRefused(f"The header {name} stands in the request twice.")
            found[name] += ("; " if name == "cookie" else ",") + value
        else:
            found[name] = value
    return found


def _is_ours(name: str) -> bool:
    plain = name.replace("_", "-")
    return plain in ONCE or plain.startswith("x-forwarded-") or plain == "transfer-encoding"


def environ_of(scope: Scope, headers: dict[str, str]) -> Environ:
    """The request as WSGI says it, without its body."""
    client, _, port = scope.client.rpartition(":")
    server, _, server_port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": server.strip("[]"),
        "SERVER_PORT": server_port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": client.strip("[]"),
        "REMOTE_PORT": port,
        "wsgi.url_scheme": scope.scheme,
        "wsgi.version": (1, 0),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if name in ("content-type", "content-length") else f"HTTP_{key}"] = value
    return environ
