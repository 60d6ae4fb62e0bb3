"""A server that ends soon says so on every reply (`Connection: close`): its callers connect to the next one then.

A connection that is closed without a word may be closed while the next request is on its way. A client may send
that one again only if it is harmless (RFC 9112, 9.3.1 and 9.6).
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

LEAVES = signal.SIGUSR1
"""Tells a server, and a worker process of it, that it ends soon."""

LEAVE_S = 5.0
"""From that on until it ends: who asks at least so often is warned in time."""

Head = list[tuple[str, str]]


class Leaving:
    """Whether the server of this process ends soon."""

    def __init__(self) -> None:
        self.is_near = False

    def hear(self) -> None:
        """Notice the signal. In the process's main thread."""

        def near(number: int, frame: object) -> None:
            self.is_near = True

        signal.signal(LEAVES, near)
        signal.siginterrupt(LEAVES, False)

    def warned(self, headers: Head) -> Head:
        """The headers of a reply."""
        return [*headers, ("Connection", "close")] if self.is_near else headers


def wait(given_up: Callable[[], bool], seconds: float = LEAVE_S) -> None:
    """Let those who ask be warned; at once over when the server is to stop now."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not given_up():
        time.sleep(0.05)
