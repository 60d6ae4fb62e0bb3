"""Reads an order at Square: its notifications say that an order changed, and not what is in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from plumbing.dialect_peers import Peer
from plumbing.json_limits import read
from plumbing.problem import Problem
from plumbing.webhooks.sending import AddressRefused, NotDelivered, ask

HOST, SANDBOX = "connect.squareup.com", "connect.squareupsandbox.com"
VERSION = "2025-01-23"
"""Of Square's API, as our fixtures have it."""

WITHIN_S = 4.0
"""Square waits for an answer to its notification; without one it notifies again, for a day."""

MOST_BYTES = 2 * 2**20

Fetch = Callable[[Peer, str], Mapping[str, Any]]
"""The order of this id. Raises SquareSilent."""


class SquareSilent(Problem):
    """Square does not show the order now; it notifies again."""

    code = "square_silent"
    status = 503
    title = "Square does not show this order now"
    says = "Square notifies again by itself. Does the access token count, and may it read orders (ORDERS_READ)?"


def fetch(peer: Peer, order_id: str) -> Mapping[str, Any]:
    """See `Fetch`. The only thing that is sent is the order's id, with the tenant's own access token."""
    host = SANDBOX if peer.sandbox else HOST
    headers = {
        "Authorization": f"Bearer {peer.access_token}",
        "Square-Version": VERSION,
        "Accept": "application/json",
        "User-Agent": "usual",
    }
    url = f"https://{host}/v2/orders/{quote(order_id, safe='')}"
    try:
        found = read(ask("GET", url, headers, within_s=WITHIN_S, most_bytes=MOST_BYTES))["order"]
    except (NotDelivered, AddressRefused, ValueError, KeyError, TypeError) as error:
        raise SquareSilent from error
    if not isinstance(found, dict) or found.get("id") != order_id:
        raise SquareSilent
    return found
