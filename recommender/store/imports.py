"""Events in bulk: all of a file or none, in parts, so that an order never waits for the whole file.

Each part is a transaction of its own. Its events name the import, and no query sees an event of an import that has
not ended; the last step deletes the import's row, and all its events count at once. What a killed process left is
deleted by the next import, or when the recommender is opened.

From that step on nothing is deleted any more. Where the import takes back more orders than one transaction can
hold, a row of another name says so until all of them are done: by the import, the next one, or the next start.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice

from plumbing.storage import alive
from plumbing.storage.database import Database, DatabaseBusy
from plumbing.storage.room import DiskFull
from plumbing.storage.tenants import of_all, of_tenant
from recommender.errors import Erased
from recommender.scene import Event, Reduced
from recommender.store.events import EventStore
from recommender.store.living import Living
from recommender.store.recorded import OF_AN_EVENT, Batch, Name
from recommender.store.taken_back import TakenBack, orders_of_import

PART = 500
"""Events of one transaction, at least: much of its time is the sync at its end. The next ones are as large as fits
into PART_S."""

MOST = 5_000
PART_S = 0.05
"""How long a part may hold the lock. Others try for it every 100 ms at least; between two parts it is free as long
as the part took, or longer."""

SETTLES = "settles"
"""The state of a row about an import that counts, and takes back orders that are not in line yet."""

_AFTER = ":after"  # behind the import's own id: no event has that one

FOUND = "SELECT sender, event_id FROM events WHERE tenant = ? AND import_id = ? LIMIT ?"
"""Without an order: to sort all that is left, for every part, takes hours where there are millions."""


def record_in_parts(
    database: Database,
    store: EventStore,
    tenant: str,
    events: Iterable[Event],
    now_us: int,
    *,
    pause: Callable[[float], None] = time.sleep,
    settled: Callable[[Sequence[Reduced]], object] = lambda orders: None,
    living: Living | None = None,
) -> int:
    """Store events; returns how many were new. All or none. So many as one part has are in memory at a time.

    Args:
        settled: gets the orders of which something was taken back, inside the transaction that does it.
        living: the customers of this tenant who are known not to be erased.

    Raises:
        Erased: a customer among them was erased. EventConflict: another event has this event_id.
        DatabaseBusy, DiskFull: nothing was stored.
    """
    remove_abandoned(database, pause=pause)
    import_id = secrets.token_hex(8)
    database.change("INSERT INTO imports VALUES (?, ?, ?, 'running')", (tenant, import_id, alive.mark()))
    try:
        one = _Import(database, tenant, import_id, now_us, living or Living(store, tenant))
        with database.bulk() as write_back:
            new = one.written(events, pause, write_back)
        names = sorted(orders_of_import(database, tenant, import_id))
        for part in _parts(names):  # what is taken back inside the import: nobody sees it yet
            with database.write():
                settled(store.taken_back.settle(tenant, part, import_id=import_id))
        with database.write() as connection:
            # Who was erased meanwhile lost the events of earlier parts, too, and a later part refused them.
            connection.execute("DELETE FROM imports WHERE tenant = ? AND import_id = ?", (tenant, import_id))
            settled(store.taken_back.settle(tenant, names[:MOST]))
            if len(names) > MOST:
                left = (tenant, f"{import_id}{_AFTER}", alive.mark(), SETTLES)
                connection.execute("INSERT INTO imports VALUES (?, ?, ?, ?)", left)
    except BaseException:
        with suppress(DatabaseBusy, DiskFull):  # nobody sees what is left, and the next start removes it
            _remove(database, tenant, import_id, pause)
        raise
    if len(names) > MOST:
        with suppress(DatabaseBusy, DiskFull):  # the events are stored: the next import or start goes on
            _settle(database, store.taken_back, (tenant, f"{import_id}{_AFTER}"), names[MOST:], settled)
    return new


def settle_rest(
    database: Database, taken_back: TakenBack, settled: Callable[[str, Sequence[Reduced]], object]
) -> int:
    """Bring orders in line that imports take back whose process ended too early; returns how many imports.

    Twice, or while the import does it itself, is the same as once.

    Args:
        settled: gets the tenant and its orders of which something was taken back, inside the transaction.

    Raises:
        DatabaseBusy, DiskFull: some are left.
    """
    with of_all():
        rows = database.rows("SELECT tenant, import_id FROM imports WHERE state = ?", (SETTLES,))
    for row in rows:
        tenant, name = str(row["tenant"]), str(row["import_id"])
        with of_tenant(tenant):
            names = sorted(orders_of_import(database, tenant, name.removesuffix(_AFTER)))
            _settle(database, taken_back, (tenant, name), names, partial(settled, tenant))
    return len(rows)


def _settle(
    database: Database,
    taken_back: TakenBack,
    row: tuple[str, str],
    names: Sequence[Name],
    settled: Callable[[Sequence[Reduced]], object],
) -> None:
    """Bring orders in line in parts, then delete the row (tenant, import_id) that says that it is to be done."""
    for part in _parts(names):
        with database.write():
            settled(taken_back.settle(row[0], part))
    database.change("DELETE FROM imports WHERE tenant = ? AND import_id = ?", row)


@dataclass(frozen=True, slots=True)
class _Import:
    """An import that goes on."""

    database: Database
    tenant: str
    import_id: str
    now_us: int
    living: Living

    def written(
        self, events: Iterable[Event], pause: Callable[[float], None], write_back: Callable[[], None]
    ) -> int:
        """Store the events in parts; returns how many were new.

        The next part is made ready while others may write, so that there is less to wait for.
        """
        new, start, size = 0, 0, PART
        left = iter(events)
        took, freed = 0.0, time.monotonic()
        while part := list(islice(left, size)):
            batch = Batch.of(self.tenant, part, self.now_us, self.import_id)
            if start:
                pause(max(0.0, took - (time.monotonic() - freed)))
            began = time.monotonic()
            with self.database.write(shared=True):
                new += self._stored(batch, start)
            freed = time.monotonic()
            took = freed - began
            write_back()
            start += len(part)
            size = max(PART, min(MOST, int(size * min(2.0, PART_S / max(took, 0.001)))))
        return new

    def _stored(self, batch: Batch, start: int) -> int:
        if self.living.erased_among({event.customer for event in batch.events if event.customer}):
            raise Erased
        return batch.stored(self.database, self.tenant, self.now_us, self.import_id, first=start)


def _parts(names: Sequence[Name]) -> Iterator[Sequence[Name]]:
    return (names[at : at + PART] for at in range(0, len(names), PART))


def remove_abandoned(database: Database, *, pause: Callable[[float], None] = time.sleep) -> int:
    """Delete what imports left whose process has ended; returns how many imports."""
    with of_all():
        rows = database.rows("SELECT tenant, import_id, holder FROM imports WHERE state <> ?", (SETTLES,))
        ended = [row for row in rows if not alive.may_run(row["holder"])]
        for row in ended:
            _remove(database, row["tenant"], row["import_id"], pause)
    return len(ended)


def _remove(database: Database, tenant: str, import_id: str, pause: Callable[[float], None]) -> None:
    """Delete an import's events in parts, then its row: a crash in between leaves them unseen."""
    whose = (tenant, import_id)
    while True:
        began = time.monotonic()
        with database.write() as connection:
            found = connection.execute(FOUND, (*whose, PART)).fetchall()
            names = sorted((tenant, row["sender"], row["event_id"]) for row in found)
            for table in OF_AN_EVENT:
                connection.executemany(
                    f"DELETE FROM {table} WHERE tenant = ? AND sender = ? AND event_id = ?",  # noqa: S608 names of ours
                    names,
                )
            if not names:
                connection.execute("DELETE FROM imports WHERE tenant = ? AND import_id = ?", whose)
                return
        pause(time.monotonic() - began)
