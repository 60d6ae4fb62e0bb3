"""The access log: one JSON line for each request, and nothing in it that leads to a person.

A line has the time in whole seconds, the method, the route as it is declared (`/recommender/v1/items/<item_id>`,
never the path that was asked for), the status and the milliseconds. No address, no key, no header, no query:
whoever has the log cannot tell who asked, for whom, or from where. What belongs to no route is one route, `-`.
"""

from __future__ import annotations

import contextlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from plumbing.clock import SECOND, Clock
from plumbing.security.line_file import LineFile

VERSION = 1
FILE = "access.log"
MOST_BYTES = 10_000_000  # of the file; then it becomes FILE.1 and so on


class AccessLog:
    """Lines in a file, on a stream, in both or nowhere. Nothing that goes wrong here stops a request."""

    def __init__(
        self, path: Path | None, now_us: Clock, *, stream: TextIO | None = None, most_bytes: int = MOST_BYTES
    ) -> None:
        self._file = None if path is None else LineFile(path, most_bytes)
        self._stream, self._now_us = stream, now_us

    @classmethod
    def of(cls, home: Path, now_us: Clock, where: str) -> AccessLog:
        """The log of an installation; `where` is `file`, `stdout`, `both` or `off`."""
        path = home / FILE if where in ("file", "both") else None
        return cls(path, now_us, stream=sys.stdout if where in ("stdout", "both") else None)

    @property
    def is_on(self) -> bool:
        """Whether lines go anywhere."""
        return self._file is not None or self._stream is not None

    def note(self, method: str, route: str, status: int, ms: float) -> None:
        """Write the line of a request."""
        at = datetime.fromtimestamp(self._now_us() // SECOND, UTC).isoformat()
        about = {"v": VERSION, "at": at, "method": method, "route": route, "status": status, "ms": round(ms)}
        line = json.dumps(about, separators=(",", ":")) + "\n"
        with contextlib.suppress(OSError):  # a full disk stops no request
            if self._file is not None:
                self._file.append(line.encode())
        with contextlib.suppress(OSError, ValueError):  # ValueError: the stream was closed
            if self._stream is not None:
                self._stream.write(line)
                self._stream.flush()
