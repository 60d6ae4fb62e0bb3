"""A file of lines that several processes write to, and that becomes an older one when it is full.

It is opened anew for each line, so who moves it away (logrotate) needs no signal: the next line begins a new one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

KEPT = 4  # older files


class LineFile:
    """Safe with threads and processes. Raises OSError only from `append`, and leaves no half line."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        """Past `most_bytes` it becomes NAME.1, NAME.1 becomes NAME.2 and so on."""
        self.path, self._most_bytes = path, most_bytes

    def append(self, line: bytes) -> None:
        """Add a line, with its line feed."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with contextlib.suppress(OSError):  # another process is writing: appending needs no lock
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = os.fstat(file).st_size
            if os.write(file, line) < len(line):  # the disk is full: half a line would spoil the next one
                os.ftruncate(file, size)
            elif size + len(line) > self._most_bytes:
                self._rotate(file)
        finally:
            os.close(file)

    def _rotate(self, file: int) -> None:
        if os.fstat(file).st_ino != self.path.stat().st_ino:
            return  # another process was first
        for number in range(KEPT - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._older(number).replace(self._older(number + 1))
        self.path.replace(self._older(1))

    def _older(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
