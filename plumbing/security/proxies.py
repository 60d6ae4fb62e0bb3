"""The address and the scheme of a request that came through proxies which the operator named.

Without the setting nobody is believed: `X-Forwarded-For` and its relatives are the caller's word.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MOST_HOPS = 10
SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """How many proxies stand in front, or from which addresses they speak."""

    hops: int = 0
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """`text` is a number of proxies ("1"), or their addresses and networks ("10.0.0.7,10.1.0.0/16").

        Raises:
            ValueError: neither.
        """
        if not text or not text.strip():
            return cls()
        if text.strip().isdecimal():
            hops = int(text)
            if hops > MOST_HOPS:
                raise ValueError(f"at most {MOST_HOPS} proxies, not {hops}")
            return cls(hops=hops)
        try:
            networks = tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(","))
        except ValueError as error:
            raise ValueError(f"a number of proxies, or a list of their addresses: {error}") from error
        return cls(networks=networks)

    @property
    def any(self) -> bool:
        """Whether there is a proxy at all."""
        return bool(self.hops or self.networks)

    def client_of(self, peer: str, forwarded: Iterable[str]) -> tuple[str, bool]:
        """The client's address, and whether the peer is believed at all.

        `forwarded` are the addresses of `X-Forwarded-For`, the nearest proxy's entry last.
        """
        way = [*forwarded, peer]
        if self.hops:
            place = max(0, len(way) - 1 - self.hops)
            believed = True
        else:
            place = len(way) - 1
            believed = self._knows(peer)
            while believed and place > 0 and self._knows(way[place]):
                place -= 1
        found = way[place]
        return (found if _is_address(found) else peer), believed

    def _knows(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def counted_as(address: str) -> str:
    """The address under which a client is counted: of IPv6 the network of 64 bits, of which one client has all
    addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))


def behind(app: WSGIApplication, trusted: TrustedProxies) -> WSGIApplication:
    """`app`, for which the client's address and scheme are those that a trusted proxy reports."""

    def forwarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        names = [name.strip() for name in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if name.strip()]
        address, believed = trusted.client_of(environ.get("REMOTE_ADDR", ""), names)
        if believed:
            environ["REMOTE_ADDR"] = address
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").split(",")[-1].strip().lower()
            if scheme in SCHEMES:
                environ["wsgi.url_scheme"] = scheme
        return app(environ, start_response)

    return forwarded
