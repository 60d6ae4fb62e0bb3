"""Requests that wait for something to happen end at once when the server stops, not only when their time is up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

Found = TypeVar("Found")


class Patience:
    """Of one process. Used in the thread of the event loop."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Task[Any]] = set()
        self.is_over = False

    async def wait(self, for_what: Coroutine[Any, Any, Found], otherwise: Found) -> Found:
        """What `for_what` gives; `otherwise` when the server stops first."""
        if self.is_over:
            for_what.close()
            return otherwise
        task = asyncio.ensure_future(for_what)
        self._waiting.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if not self.is_over:
                task.cancel()
                raise
            return otherwise
        finally:
            self._waiting.discard(task)

    def end(self) -> None:
        """Nobody waits any more."""
        self.is_over = True
        for task in tuple(self._waiting):
            task.cancel()

    def end_with(self, loop: asyncio.AbstractEventLoop) -> None:
        """End when the process is told to stop. In its main thread.

        The server has its own handlers at the event loop, which learns of a signal through a file descriptor: they
        run as well.
        """

        def stop(number: int, frame: object) -> None:
            loop.call_soon_threadsafe(self.end)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
            signal.siginterrupt(number, False)
