"""What the desk's routes share: their base, the browser that asks, the cookie of a session, times."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, request
from pydantic import BaseModel, ConfigDict

from plumbing.access import cookies
from plumbing.clock import SECOND
from plumbing.people.people import ABSOLUTE_US, Where
from plumbing.people.sessions import browser_of
from plumbing.security.proxies import counted_as

BASE = "/desk/v1"
KNOWN = "known"
"""The cookie of a browser in which somebody signed in before."""


class Strict(BaseModel):
    """A request without fields that nobody knows."""

    model_config = ConfigDict(extra="forbid")


def where() -> Where:
    """Where the sender of this request is, as far as signing in needs it."""
    return Where(
        address=counted_as(request.remote_addr or ""),
        browser=browser_of(request.headers.get("User-Agent", "")),
        mark=cookies.secret_of(request, KNOWN) or "",
    )


def put_session(response: Response, secret: str) -> None:
    """Give the browser this session."""
    cookies.put(response, request, cookies.DESK, secret, life_us=ABSOLUTE_US)


def at(time_us: int) -> str:
    """A time as replies say it: ISO 8601 in UTC."""
    return datetime.fromtimestamp(time_us // SECOND, UTC).isoformat()
