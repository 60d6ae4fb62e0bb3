"""The security log: who was refused, what an operator did. JSON lines that can be shipped to another machine.

A line names an event, the tenant, the id of an API key (never its secret) and the route as it is declared (never
the path that was asked for, which may hold a receipt). It holds no address and nothing about a person.

Nothing that goes wrong here stops a request. A flood of one event costs a few lines: what comes on top of
`LINES_A_MINUTE` is counted, and the count is one line of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import sys
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.security.line_file import LineFile

VERSION = 1
FILE = "security.log"
LINES_A_MINUTE = 20  # of each event and process
MOST_BYTES = 1_000_000  # of the file; then it becomes FILE.1, FILE.1 becomes FILE.2 and so on
PLACES = ("file", "stdout", "both", "off")
"""Where the lines go, as the setting USUAL_SECURITY_LOG says it."""

Fact = str | int | bool


@dataclass(slots=True)
class _Window:
    """How often an event happened in the present minute."""

    opened_us: int
    lines: int = 0
    more: int = 0


class SecurityLog:
    """Lines in a file, on a stream, in both or nowhere. Safe with threads and processes; never raises."""

    def __init__(
        self,
        path: Path | None,
        now_us: Clock,
        *,
        stream: TextIO | None = None,
        most_bytes: int = MOST_BYTES,
        lines_a_minute: int = LINES_A_MINUTE,
    ) -> None:
        """`path` None: no file. `stream` None: no stream."""
        self.path = path
        self._now_us = now_us
        self._stream = stream
        self._most_bytes = most_bytes
        self._most_lines = lines_a_minute
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    @classmethod
    def of(cls, home: Path, now_us: Clock, where: str = "file") -> SecurityLog:
        """The log of an installation; `where` is one of PLACES. Raises ValueError."""
        if where not in PLACES:
            raise ValueError(f"the security log goes to one of {', '.join(PLACES)}, not to {where!r}")
        path = home / FILE if where in ("file", "both") else None
        made = cls(path, now_us, stream=sys.stdout if where in ("stdout", "both") else None)
        atexit.register(made.flush)
        return made

    def note(self, event: str, *, tenant: str = "", key_id: str = "", route: str = "", **facts: Fact) -> None:
        """Write a line, or count it when this minute had many of this event."""
        if self.path is None and self._stream is None:
            return
        now = self._now_us()
        with self._lock:
            self._end_windows(now)
            window = self._windows.setdefault(event, _Window(now))
            if window.lines >= self._most_lines:
                window.more += 1
                self._flush_later()
                return
            window.lines += 1
            named = {"tenant": tenant, "key": key_id, "route": route}
            self._write(event, now, {**{name: value for name, value in named.items() if value}, **facts})

    def flush(self) -> None:
        """Write what was only counted so far."""
        with self._lock:
            self._timer = None
            self._end_windows(None)

    def _flush_later(self) -> None:
        """So that a flood that has ended is reported too, without another event."""
        if self._timer is None:
            self._timer = threading.Timer(MINUTE / SECOND, self.flush)
            self._timer.daemon = True
            self._timer.start()

    def _end_windows(self, now: int | None) -> None:
        """Write the counts of windows that have ended (all of them without a time), and forget these windows."""
        for event, window in list(self._windows.items()):
            if now is not None and window.opened_us <= now < window.opened_us + MINUTE:
                continue
            del self._windows[event]
            if window.more:
                self._write(event, self._now_us(), {"more": window.more, "since": _iso(window.opened_us)})

    def _write(self, event: str, now: int, facts: dict[str, Fact]) -> None:
        line = json.dumps({"v": VERSION, "at": _iso(now), "event": event} | facts, separators=(",", ":")) + "\n"
        if self.path is not None:
            with contextlib.suppress(OSError):  # a full disk stops no request
                LineFile(self.path, self._most_bytes).append(line.encode())
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):  # ValueError: the stream was closed
                self._stream.write(line)
                self._stream.flush()


def _iso(time_us: int) -> str:
    try:
        return datetime.fromtimestamp(time_us / SECOND, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):  # a clock that no calendar knows
        return str(time_us)


SILENT = SecurityLog(None, lambda: 0)
"""Notes nothing: for tests and for parts that are used alone."""
