"""The body of a request: read in whole, in time, and only if it is wanted. Waiting for it costs no thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Protocol

from plumbing.gate.problems import BodyTooSlow, Overloaded

FIRST_S = 5.0  # for any body
LEAST_RATE = 128 * 1024  # bytes a second of a long one
MOST_HELD = 128 * 2**20  # bytes of bodies that one process holds at a time
MOST_OF_ONE = 40 * 2**20  # of them, of one key: so that no single screen takes the room of all
DRAIN_S, DRAIN_AT_ONCE, DRAIN_BYTES = 0.3, 512 * 1024, 32 * 2**20


class Sender(Protocol):
    """The body as granian hands it over (RSGI): in whole, or piece by piece."""

    async def __call__(self) -> bytes: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Bodies:
    """Reads bodies, and knows how much of them is in memory."""

    def __init__(
        self, *, first_s: float = FIRST_S, most_held: int = MOST_HELD, most_of_one: int = MOST_OF_ONE
    ) -> None:
        self._first_s, self._most_held, self._most_of_one = first_s, most_held, most_of_one
        self._held: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def read(self, sender: Sender, length: int, owner: str = "") -> AsyncIterator[bytes]:
        """The body, of `length` bytes as its head says; inside, it counts as held by `owner`.

        Raises:
            BodyTooSlow: it did not arrive in time.
            Overloaded: too much is held already, by all or by this one.
        """
        if self._held[owner] + length > self._most_of_one or self._held.total() + length > self._most_held:
            raise Overloaded
        self._held[owner] += length
        try:
            try:
                async with asyncio.timeout(self._first_s + length / LEAST_RATE):
                    content = await sender()
            except TimeoutError:
                raise BodyTooSlow from None
            yield content
        finally:
            self._held[owner] -= length
            if not self._held[owner]:
                del self._held[owner]


async def drain(sender: Sender, length: int, *, at_once: bool = False) -> None:
    """Take in what a refused client is just sending, and forget it, so that it reads the refusal.

    For a moment only: who sends slowly or without end loses the connection instead. `at_once`, for known callers,
    keeps a body of usual size in memory meanwhile, so that the event loop is not woken for every piece.
    """
    if not length:
        return
    with contextlib.suppress(TimeoutError, RuntimeError):  # RuntimeError: the client has gone
        async with asyncio.timeout(DRAIN_S):
            if at_once and length <= DRAIN_AT_ONCE:
                await sender()
                return
            seen = 0
            async for piece in sender:
                seen += len(piece)
                if seen > DRAIN_BYTES:
                    return
