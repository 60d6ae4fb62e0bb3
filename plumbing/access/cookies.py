"""The cookie of a paired screen: it holds the screen's key, and no script can read it."""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

from flask import Request, Response

from plumbing.clock import DAY, SECOND

DESK = "desk"
"""The page of people who sign in: its cookie holds the secret of a session, not a key."""

PAIRED_DAYS = 30
"""A screen that was not used for so long is not paired any more; every day of use begins the time again."""


def secret_of(request: Request, page: str) -> str | None:
    """The key in the cookie of `page`; None when the request has none."""
    return request.cookies.get(_name(page, secure=True)) or request.cookies.get(_name(page, secure=False))


def put(response: Response, request: Request, page: str, secret: str, *, life_us: int = PAIRED_DAYS * DAY) -> None:
    """Set the cookie. Over TLS a browser sends it over TLS alone, and to this host alone (`__Host-`)."""
    secure = request.is_secure
    # Strict: no other site can make the browser send it, so there is nothing to forge.
    response.set_cookie(
        _name(page, secure=secure),
        secret,
        max_age=life_us // SECOND,
        httponly=True,
        samesite="Strict",
        secure=secure,
        path="/",
    )
    if secure:  # of the time before the server knew of the TLS in front of it
        response.delete_cookie(_name(page, secure=False), path="/")


def clear(response: Response, request: Request, page: str) -> None:
    """Take the cookie away."""
    for secure in (True, False):
        response.delete_cookie(
            _name(page, secure=secure), path="/", secure=secure, httponly=True, samesite="Strict"
        )


def as_sent(page: str, secret: str) -> str:
    """The header `Cookie` of a program that stands in a browser's place."""
    return f"{_name(page, secure=False)}={secret}"


def as_received(page: str, lines: Iterable[str]) -> str:
    """The secret that the headers `Set-Cookie` of a reply give to such a program; "" when they give none."""
    for line in lines:
        try:
            found = SimpleCookie(line)
        except CookieError:
            continue
        for secure in (True, False):
            if (one := found.get(_name(page, secure=secure))) is not None and one.value:
                return one.value
    return ""


def _name(page: str, *, secure: bool) -> str:
    return f"__Host-usual_{page}" if secure else f"usual_{page}"
