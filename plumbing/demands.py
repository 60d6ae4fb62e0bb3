"""What a route demands of a request before its body is read: scopes, size of the body, lane."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.sansio.app import App

from plumbing.problem_json import BodyTooLarge

KNOWN = "usual_demands"  # where an application keeps them, by endpoint
KIB, MIB = 2**10, 2**20


@dataclass(frozen=True, slots=True)
class BodySize:
    """The largest body of a route: in bytes, and in parts (members of JSON objects and arrays).

    Reading JSON costs time and memory for each part: 16 MB of pictures have twenty, 16 MB of nonsense millions.
    """

    most_bytes: int
    most_parts: int
    instead: str = "Send less in one request."  # what whoever has more can do


SMALL = BodySize(64 * KIB, 20_000)
PICTURES = BodySize(16 * MIB, 1_000)  # five frames of 2 MB as base64
BATCH = BodySize(2 * MIB, 200_000)  # a thousand events
BULK = BodySize(16 * MIB, 500_000)  # ten thousand rows of a catalogue


def too_large(size: BodySize, *, parts: bool = False) -> BodyTooLarge:
    """The error that names the limit of a route, and what to do instead; of its bytes, or of its values."""
    most = f"{size.most_parts} values" if parts else f"{size.most_bytes} bytes"
    return BodyTooLarge(f"At most {most} are taken here. {size.instead} Nothing was stored.")


Hold = Callable[[Any, str], Coroutine[Any, Any, bool]]
"""Waits for a request of a `Caller` with this query, without a thread; False: there is nothing to answer."""


Stream = Callable[[Any, Mapping[str, object]], AsyncGenerator[bytes, None] | None]
"""The pieces of the reply to a `Caller` whose request has this head (WSGI); None: no more streams are taken."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one route declared at its door. `scopes` is None where no key is needed.

    `prepares` names a lane: a request that says `?for=` that lane is refused when that one is full. `bearer`: a
    route without a key that needs a customer's token. `records`: what it changes stands in the record of changes.
    `approval`: the kind of change that may need a second person. `work`: its function. `holds`: what a request
    waits for before it takes a thread. `streams`: its reply comes piece by piece, without a thread.
    """

    scopes: tuple[str, ...] | None
    size: BodySize
    lane: str
    prepares: str | None = None
    bearer: bool = False
    records: bool = False
    approval: str = ""
    work: Callable[..., object] | None = None
    holds: Hold | None = None
    streams: Stream | None = None


def remember(app: App, endpoint: str, demand: Demand) -> None:
    """Note the demand of an endpoint of `app`."""
    app.extensions.setdefault(KNOWN, {})[endpoint] = demand


def demand_of(app: Flask, endpoint: str | None) -> Demand | None:
    """The demand of an endpoint; None for a page, a file or an address that does not exist."""
    found: Demand | None = app.extensions.get(KNOWN, {}).get(endpoint)
    return found
