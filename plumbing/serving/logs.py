"""The log of a server: a line that cannot be written is lost, and nothing else is."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, TextIO

import structlog


class _Lossy:
    """A stream that drops what it cannot take: the log may lie on the disk that is full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def never_raise() -> None:
    """From here on no line of a log fails the request that it is about, whoever prints it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _Lossy):
            setattr(sys, name, _Lossy(stream))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(), cache_logger_on_first_use=False)
