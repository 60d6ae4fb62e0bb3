"""Changes that a page of another site sends: refused, before anybody looks at a cookie or a password.

The cookies are `SameSite=Strict` and each page names itself in a header of its own; this is the third wall, and
the only one before there is a cookie (a sign-in that a foreign page sends, so that somebody works under its name).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Request

from plumbing.access.errors import ForeignPage

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_foreign(request: Request, *, by_origin: bool = True) -> None:
    """Raises ForeignPage for a change that a browser sends for another site.

    A browser says so in `Sec-Fetch-Site` (over TLS and on this machine) or names the page in `Origin`; what sends
    neither is no browser of these years, and no foreign page can leave them out. Without `by_origin` the first
    alone counts: behind a proxy without TLS that changes `Host` a screen has to go on taking orders.
    """
    if request.method in SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site != "same-origin":
            raise ForeignPage
        return
    origin = request.headers.get("Origin")
    if by_origin and origin is not None and urlsplit(origin).netloc != request.host:
        raise ForeignPage
