"""One message to one address: over TLS, to a public host, without following anything.

The host's name is looked up once; the connection goes to the very address that was checked, so that a name that
answers differently a moment later leads nowhere else. The environment's proxies are not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from plumbing.problem import Problem

WITHIN_S = 10.0
LONGEST_URL = 500
MOST_BYTES = 64 * 1024  # of an answer; it is read and dropped

Resolve = Callable[[str, int], Collection[str]]


class AddressRefused(Problem):
    """An address that nothing is sent to."""

    code = "webhook_address_refused"
    status = 422
    title = "Nothing is sent to that address"
    what_to_do = "Name an https address whose host is public, or one that USUAL_WEBHOOK_HOSTS names."


class NotDelivered(Exception):
    """It did not arrive, or the receiver did not say that it did."""


def checked(url: str) -> tuple[str, int, str]:
    """Host, port and path of an address. Raises AddressRefused: no https, a user in it, no host."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefused(f"An address has at most {LONGEST_URL} printable characters and no blank.")
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError as error:
        raise AddressRefused("This is no address.") from error
    if parts.scheme != "https" or not parts.hostname:
        raise AddressRefused("An address begins with https:// and names a host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("An address has no user, no password and no fragment.")
    return parts.hostname, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def addresses_of(host: str, port: int) -> Collection[str]:
    """The network addresses of a host. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def public_address(host: str, port: int, allowed: Collection[str], resolve: Resolve = addresses_of) -> str:
    """An address of `host` that may be called: all of them are public, or the operator allowed the host.

    Raises AddressRefused, or OSError when there is none.
    """
    found = resolve(host, port)
    if not found:
        raise OSError("no address")
    if host not in allowed and not all(_is_public(address) for address in found):
        raise AddressRefused(f"{host} is in a network of its own. An operator allows it with USUAL_WEBHOOK_HOSTS.")
    return next(iter(found))


def _is_public(address: str) -> bool:
    said = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(said, ipaddress.IPv6Address):
        said = said.ipv4_mapped or said.sixtofour or said
        if said in ipaddress.ip_network("64:ff9b::/96") if isinstance(said, ipaddress.IPv6Address) else False:
            return False  # a translator's prefix: what is behind it is not known
    return said.is_global and not said.is_multicast


class _Pinned(http.client.HTTPSConnection):
    """A connection to one network address, with the certificate of the host's name."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=WITHIN_S, context=context)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Collection[str] = (),
    context: ssl.SSLContext | None = None,
    resolve: Resolve = addresses_of,
    within_s: float = WITHIN_S,
) -> None:
    """Post `body`. Every status of 200 to 299 says that it arrived; a redirect does not, and is not followed.

    Raises NotDelivered. AddressRefused: the host has become one that is not called.
    """
    ask(
        "POST",
        url,
        {"Content-Type": "application/json", "User-Agent": "usual", **headers},
        body,
        allowed=allowed,
        context=context,
        resolve=resolve,
        within_s=within_s,
    )


def ask(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    allowed: Collection[str] = (),
    context: ssl.SSLContext | None = None,
    resolve: Resolve = addresses_of,
    within_s: float = WITHIN_S,
    most_bytes: int = MOST_BYTES,
) -> bytes:
    """One request; the first `most_bytes` of an answer with a status of 200 to 299. No redirect is followed.

    Raises NotDelivered: any other answer, or none in time. AddressRefused: the host is none that is called.
    """
    host, port, path = checked(url)
    try:
        address = public_address(host, port, allowed, resolve)
    except OSError as error:
        raise NotDelivered("the host has no address") from error
    connection = _Pinned(host, port, address, context or ssl.create_default_context())
    ends = time.monotonic() + within_s
    # A time-out of a socket counts from byte to byte: whoever sends one now and then would hold this thread.
    ender = threading.Timer(within_s, _hang_up, [connection])
    ender.daemon = True
    ender.start()
    try:
        connection.request(method, path, body, dict(headers))
        reply = connection.getresponse()
        content = reply.read(most_bytes)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotDelivered(type(error).__name__) from error
    finally:
        ender.cancel()
        connection.close()
    if time.monotonic() > ends or not 200 <= reply.status < 300:
        raise NotDelivered(f"status {reply.status}")
    return content


def _hang_up(connection: http.client.HTTPConnection) -> None:
    with suppress(OSError, AttributeError):  # it has ended meanwhile
        connection.sock.shutdown(socket.SHUT_RDWR)
