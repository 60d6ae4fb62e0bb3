"""API keys as the database said last, for the moments in which it does not answer.

Every request asks the database, so a revoked key is refused at once. Another process may hold a lock on the file
(a backup, a repair by hand); then a key that was good within the last minute stays good. What only an operator
does is not served from memory. `docs/decisions/0068-keys-while-the-database-is-locked.md` says why.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from plumbing.access.roles import ADMINISTRATION
from plumbing.storage.database import Database, DatabaseBusy, Row

STALE_S = 60.0
"""How long a key is good without the database."""

MOST_KEYS = 10_000


FIND = (
    "SELECT k.*, d.pairings, d.page FROM keys k LEFT JOIN devices d ON d.tenant = k.tenant AND d.name = k.device"
    " WHERE k.secret_hash = ?"
)


class KnownKeys:
    """Rows of the table `keys` by the hash of the key. One for each process; safe with threads."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._rows: OrderedDict[str, tuple[float, Row]] = OrderedDict()
        self._lock = threading.Lock()

    def row(self, secret_hash: str, scopes: tuple[str, ...]) -> Row | None:
        """The key's row, None when there is none.

        Raises:
            DatabaseBusy: the database does not answer, and memory may not: the key was not seen within a minute,
                or the request needs an operator's scope.
        """
        try:
            with self._database.hurried():
                row: Row | None = self._database.row(FIND, (secret_hash,))
        except DatabaseBusy:
            remembered = self._rows.get(secret_hash)
            late = remembered is None or self._monotonic() - remembered[0] > STALE_S
            if remembered is None or late or ADMINISTRATION & set(scopes):
                raise
            return remembered[1]
        with self._lock:
            self._rows.pop(secret_hash, None)
            if row is not None:
                self._rows[secret_hash] = self._monotonic(), row
                if len(self._rows) > MOST_KEYS:
                    self._rows.popitem(last=False)
        return row
