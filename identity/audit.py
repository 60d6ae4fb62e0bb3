"""What was done, in lines of one size, each chained to the one before by its hash.

A line names a customer by a pseudonym of its own that only what is sealed under the customer's key leads to:
erasing unlinks the lines without breaking the chain. A stranger's line differs from another stranger's in nothing
but number and time. The signed head that shows a cut-off end belongs to the full audit.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from pathlib import Path

from plumbing.clock import Clock

NOBODY = "-" * 32
BEGIN = "0" * 64
WIDTH = 12 + 1 + 17 + 1 + 16 + 1 + 10 + 1 + 12 + 1 + 32 + 1 + 64 + 1


class Audit:
    """An append-only file. Safe with threads and processes; written through before an erasure is answered."""

    def __init__(self, path: Path, now_us: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._now_us = now_us
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()

    def note(self, tenant: str, event: str, outcome: str, subject: str = NOBODY, *, sync: bool = False) -> None:
        """Append a line: `event` has up to 10 letters, `outcome` up to 12, `subject` 32."""
        place = _place(tenant)
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                # A line that a full disk cut short is overwritten by the next one.
                count = os.fstat(self._file).st_size // WIDTH
                last = os.pread(self._file, WIDTH, (count - 1) * WIDTH).decode() if count else ""
                said = f"{count:012d} {self._now_us():017d} {place} {event:<10} {outcome:<12} {subject} "
                line = said + chained(last[-65:-1] or BEGIN, said) + "\n"
                assert len(line) == WIDTH, line
                os.pwrite(self._file, line.encode(), count * WIDTH)
                if sync:
                    os.fsync(self._file)
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def count(self, tenant: str, event: str, outcome: str) -> int:
        """How many lines of a tenant say that an event had an outcome. Counts; names nobody."""
        said = f"{_place(tenant)} {event:<10} {outcome:<12} ".encode()
        with self.path.open("rb") as file:
            return sum(line[31 : 31 + len(said)] == said for line in iter(lambda: file.read(WIDTH), b""))

    def first_fault(self) -> int | None:
        """The number of the first line that does not follow from the one before; None when all do."""
        before = BEGIN
        with self.path.open("rb") as file:
            number = 0
            while line := file.read(WIDTH):
                text = line.decode("ascii", "replace")
                said, mark = text[:-65], text[-65:-1]
                if len(line) != WIDTH or not said.startswith(f"{number:012d} ") or mark != chained(before, said):
                    return number
                before, number = mark, number + 1
        return None

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def _place(tenant: str) -> str:
    return hashlib.sha256(tenant.encode()).hexdigest()[:16]


def chained(before: str, said: str) -> str:
    """The hash that ends a line."""
    return hashlib.sha256((before + said).encode()).hexdigest()
