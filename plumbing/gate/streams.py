"""Replies that come piece by piece for as long as the client listens (server-sent events). None takes a thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Protocol

from plumbing.gate.patience import Patience
from plumbing.problem import Problem

Head = list[tuple[str, str]]
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""Of a stream; the second one tells nginx to pass on each piece at once."""
LONGEST_S = 600.0
"""After that a stream ends and its client comes back: so that replicas that were added get some of them."""


class Transport(Protocol):
    """The way of one reply to its client, as granian has it (RSGI)."""

    async def send_bytes(self, data: bytes) -> None:
        """Send a piece. Raises RuntimeError: the client has gone."""


class Streaming(Protocol):
    """A request that can be answered piece by piece (RSGI)."""

    def response_stream(self, status: int, headers: Head) -> Transport:
        """Begin the reply."""


async def send(
    exchange: Streaming,
    headers: Head,
    pieces: AsyncGenerator[bytes, None],
    still_allowed: Callable[[], Awaitable[object]],
    patience: Patience,
    longest_s: float = LONGEST_S,
) -> None:
    """Send `pieces` until they end, the client has gone, its key is refused, or the server stops.

    `still_allowed` raises a Problem when the key is not valid any more; it is asked before every piece.
    """
    transport = exchange.response_stream(200, headers)
    loop = asyncio.get_running_loop()
    until = loop.time() + longest_s
    async with aclosing(pieces):
        with suppress(Problem, RuntimeError):
            while loop.time() < until:
                piece = await patience.wait(_next(pieces), b"")
                if not piece:
                    return
                await still_allowed()
                await transport.send_bytes(piece)


async def _next(pieces: AsyncGenerator[bytes, None]) -> bytes:
    """The next piece; empty after the last one."""
    return await anext(pieces, b"")
