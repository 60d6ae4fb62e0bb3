"""Pages of other hosts that may call this server from a browser: the origins of `USUAL_ORIGINS`, none by default.

A browser lets a page of another host read a reply only where the reply names the page's origin (the CORS protocol
of the Fetch standard). Nothing is opened by it alone: such a page needs a key as everybody does. No cookie counts
for it, and nothing but what a screen does is open to it, whatever its key may do: see `Demand.from_pages`.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect

from plumbing.demands import demand_of

KEPT = "usual_origins"  # where an application keeps its own
METHODS = "GET, POST, PUT, DELETE"
HEADERS = "Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Usual-Clock"
READABLE = "Date, ETag, Retry-After"
KEPT_S = 600  # how long a browser need not ask again what it may send

OPEN_FILES = frozenset({"clients.file", "recommender.image_file"})
"""Endpoints without a door that every page may read: the clients, and the pictures of dishes."""


@dataclass(frozen=True, slots=True)
class Origins:
    """Which origins may call, and the headers that say so."""

    allowed: frozenset[str]

    def mark(self, response: Response, app: Flask, origin: str | None, method: str, path: str) -> Response:
        """Name the origin in a reply to one of these pages; `method` is the one that a preflight asks for."""
        if not self.allowed or not _is_open(app, method, path):
            return response
        response.vary.add("Origin")
        if origin is not None and origin.lower() in self.allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = READABLE
        return response


def register(app: Flask, origins: Origins) -> None:
    """Answer the pages of `origins`, and what their browsers ask before a request."""
    app.extensions[KEPT] = origins

    @app.after_request
    def mark(response: Response) -> Response:
        asked = request.headers.get("Access-Control-Request-Method") if request.method == "OPTIONS" else None
        origins.mark(response, app, request.headers.get("Origin"), asked or request.method, request.path)
        if asked and "Access-Control-Allow-Origin" in response.headers:
            response.headers["Access-Control-Allow-Methods"] = METHODS
            response.headers["Access-Control-Allow-Headers"] = HEADERS
            response.headers["Access-Control-Max-Age"] = str(KEPT_S)
        return response


def of(app: Flask) -> Origins:
    """Those that were registered; of an application without the setting nobody."""
    found: Origins = app.extensions.get(KEPT, Origins(frozenset()))
    return found


def _is_open(app: Flask, method: str, path: str) -> bool:
    """Whether pages of other hosts have business there."""
    addresses: MapAdapter = app.url_map.bind("origins")
    try:
        endpoint, _ = addresses.match(path, method=method)
    except (HTTPException, RequestRedirect):
        return False
    demand = demand_of(app, endpoint)
    return endpoint in OPEN_FILES if demand is None else demand.from_pages
