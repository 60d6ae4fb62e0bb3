"""Messages between replicas: PostgreSQL's LISTEN and NOTIFY, on a connection of its own.

A message only says that something changed and that it is worth looking. One that is lost delays the look.
"""

from __future__ import annotations

import atexit
import threading
from collections import Counter

import psycopg
import structlog

from plumbing.storage.database import Database

CHANNEL = "usual"
NAME = "usual listening"
"""Of the connection, as an operator sees it."""

LOOK_S = 1.0  # how often the thread looks whether it is to end
AGAIN_S = 0.5  # between two tries to connect

log = structlog.get_logger(__name__)


class Listener:
    """One for each server and process."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.hears = False
        """Whether the connection stands: while it does not, nobody may wait for a message."""
        self._about: Counter[str] = Counter()
        self._connected = 0
        self._ended = threading.Event()
        self._raw: psycopg.Connection | None = None
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def tell(self, database: Database, topic: str, what: str = "") -> None:
        """Inside a write transaction: a message when it ends."""
        database.rows("SELECT pg_notify(?, ?)", (CHANNEL, f"{topic} {what}"))

    def heard(self, what: str) -> tuple[int, int]:
        """Another pair after every message about `what`, and after every gap in which one may have been lost."""
        return self._connected, self._about[what]

    def close(self) -> None:
        """End the thread."""
        atexit.unregister(self.close)
        self._ended.set()
        raw = self._raw
        if raw is not None:
            raw.close()
        self._thread.join(2 * LOOK_S)

    def _run(self) -> None:
        deaf = False
        while not self._ended.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=3, application_name=NAME) as raw:
                    self._raw = raw
                    raw.execute(f"LISTEN {CHANNEL}".encode())
                    self._connected += 1  # what was said while nobody listened is not known
                    self.hears, deaf = True, False
                    while not self._ended.is_set():
                        messages = list(raw.notifies(timeout=LOOK_S, stop_after=1))
                        for message in messages:
                            self._about[message.payload.partition(" ")[2]] += 1
                        if not messages:
                            raw.execute(b"SELECT 1")  # a server that is gone without a word is noticed
            except (psycopg.Error, OSError) as error:
                if not self._ended.is_set() and not deaf:
                    deaf = True  # once for each time that the server is away
                    log.warning("not_listening", why=type(error).__name__)
            self.hears, self._raw = False, None
            self._ended.wait(AGAIN_S)
