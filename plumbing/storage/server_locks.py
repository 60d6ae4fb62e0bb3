"""Locks that replicas share: PostgreSQL's advisory locks, on a connection of their own.

The server releases them when the process ends or its connection breaks. After a broken connection the locks are
taken again, unless somebody else was faster; so who holds one calls `take` again now and then.
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress

import psycopg
import structlog

log = structlog.get_logger(__name__)


class ServerLocks:
    """One for each process. Safe with threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._raw: psycopg.Connection | None = None
        self._mine: set[str] = set()
        self._lock = threading.Lock()

    def take(self, name: str) -> bool:
        """Take a lock if it is free; True when this process has it now. False too while the server is away."""
        with self._lock:
            raw = self._connected()
            if raw is None:
                return False
            if name in self._mine:
                return True
            if self._tried(raw, name):
                self._mine.add(name)
                return True
            return False

    def is_free(self, name: str) -> bool:
        """Whether nobody has it. False too while the server is away: then nobody knows."""
        with self._lock:
            raw = self._connected()
            if raw is None or name in self._mine or not self._tried(raw, name):
                return False
            self._unlock(raw, name)
            return True

    def release(self, name: str) -> None:
        """Give a lock up."""
        with self._lock:
            if name in self._mine:
                self._mine.discard(name)
                raw = self._connected()
                if raw is not None:
                    self._unlock(raw, name)

    def close(self) -> None:
        """Give all of them up."""
        with self._lock:
            self._mine.clear()
            if self._raw is not None:
                self._raw.close()
                self._raw = None

    @staticmethod
    def _tried(raw: psycopg.Connection, name: str) -> bool:
        """False too when the connection breaks at this moment: the next look makes another one."""
        try:
            found = raw.execute(b"SELECT pg_try_advisory_lock(%s)", (_key(name),)).fetchone()
        except psycopg.Error:
            return False
        return found is not None and bool(found[0])

    @staticmethod
    def _unlock(raw: psycopg.Connection, name: str) -> None:
        with suppress(psycopg.Error):  # with the connection the lock is gone, too
            raw.execute(b"SELECT pg_advisory_unlock(%s)", (_key(name),))

    def _connected(self) -> psycopg.Connection | None:
        """The connection, made again when it broke; None while the server is away."""
        try:
            if self._raw is not None:
                self._raw.execute(b"SELECT 1")
                return self._raw
        except psycopg.Error:
            self._raw = None
        try:
            raw = psycopg.connect(self._url, autocommit=True, connect_timeout=2, tcp_user_timeout=5_000)
        except psycopg.Error as error:
            log.warning("locks_away", why=type(error).__name__)
            self._mine.clear()
            return None
        lost = {name for name in self._mine if not self._tried(raw, name)}
        if lost:
            log.warning("locks_lost", locks=sorted(lost))
        self._mine -= lost
        self._raw = raw
        return raw


def _key(name: str) -> int:
    """The number that stands for a name, in 64 bits with a sign."""
    return int.from_bytes(hashlib.sha256(f"usual {name}".encode()).digest()[:8], "big", signed=True)
