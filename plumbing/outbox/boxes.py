"""The store boxes of an installation, as the centre knows them (edge.db), and what each of them holds.

Of a customer's copy only a tag is kept, made with the centre's key for that box alone: who has the database learns
neither who is at which box, nor that one person is at two. The file is made when the first box is invited.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.clock import DAY, MINUTE, Clock
from plumbing.outbox.errors import BoxCodeRefused, BoxNameTaken, BoxUnknown, EdgeError
from plumbing.outbox.seals import PrivateKeys, PublicKeys
from plumbing.storage.database import Database, Row
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.storage.state import State

FILE, KEY = "edge.db", "edge.key"
LEASE_US = DAY
"""A box that has not heard from the centre for so long forgets everything; the centre refuses it then, too."""
EMPTY_US = LEASE_US + 5 * MINUTE
"""A box that was not heard for so long is empty by its own rule."""
INVITED, PAIRED, REVOKED = "invited", "paired", "revoked"
CODE = "usual-b1-"
LONGEST_NAME = 64
migrations = Migrations("edge")


@migrations()
def boxes_and_copies(db: Utils) -> None:
    """`gone` is the number of the receipt of an erasure that the box has not confirmed; "" without one."""
    db.execute(
        "CREATE TABLE boxes (tenant TEXT NOT NULL, box_id TEXT NOT NULL, name TEXT NOT NULL, site TEXT NOT NULL,"
        " state TEXT NOT NULL, code_hash TEXT NOT NULL, code_until_us BIGINT NOT NULL, public_keys BLOB NOT NULL,"
        " counter BIGINT NOT NULL, sent BIGINT NOT NULL, replica TEXT NOT NULL, seen_us BIGINT NOT NULL,"
        " waiting BIGINT NOT NULL, PRIMARY KEY (tenant, box_id))"
    )
    db.execute("CREATE UNIQUE INDEX one_box_of_a_name ON boxes (tenant, name) WHERE state <> 'revoked'")
    db.execute(
        "CREATE TABLE copies (tenant TEXT NOT NULL, box_id TEXT NOT NULL, tag TEXT NOT NULL, person TEXT NOT NULL,"
        " history TEXT NOT NULL, sent BIGINT NOT NULL, gone TEXT NOT NULL, PRIMARY KEY (tenant, box_id, tag))"
    )


@dataclass(frozen=True, slots=True)
class Box:
    """A box as it is stored. `sent` numbers the bundles; `waiting` is what its outbox held when it was heard."""

    tenant: str
    box_id: str
    name: str
    site: str
    state: str
    public_keys: bytes
    counter: int
    sent: int
    replica: str
    seen_us: int
    waiting: int

    @property
    def keys(self) -> PublicKeys:
        """What seals for this box alone, and checks its signatures."""
        return PublicKeys(self.public_keys)

    def is_silent(self, now_us: int) -> bool:
        """Whether it was not heard for a day: it has forgotten its keys."""
        return now_us - self.seen_us > LEASE_US


@dataclass(frozen=True, slots=True)
class Copy:
    """What a box holds of one customer: stamps of person and history, and the bundle that brought them."""

    tag: str
    person: str
    history: str
    sent: int
    gone: str = ""


class Boxes:
    """Boxes and copies of one installation. Safe with threads and with several processes."""

    def __init__(self, state: State, now_us: Clock) -> None:
        self._state = state
        self._now_us = now_us
        self._lock = threading.Lock()
        self._open: tuple[Database, PrivateKeys] | None = None

    @property
    def any(self) -> bool:
        """Whether a box was ever invited; costs one look at the folder. Replicas always ask."""
        return self._state.is_shared or self._open is not None or (self._state.home / FILE).exists()

    @property
    def keys(self) -> PrivateKeys:
        """The centre's keys."""
        return self._opened()[1]

    @property
    def database(self) -> Database:
        """edge.db, made when it is not there."""
        return self._opened()[0]

    def close(self) -> None:
        """Close the file."""
        if self._open is not None:
            self._open[0].close()

    # --- who is there

    def invite(self, tenant: str, name: str, site: str, *, replace: bool = False) -> str:
        """A one-time code for a box, good for a day. It also says by which keys the box will know the centre.

        Raises BoxNameTaken; EdgeError: no box can be called that.
        """
        if not name or not name.isprintable() or set(name) & set(":~/ ") or len(name.encode()) > LONGEST_NAME:
            raise EdgeError(
                f"A box's name has 1 to {LONGEST_NAME} letters, digits or '-', without blanks and ':'."
            )
        if not site:
            raise EdgeError("Say at which site the box stands: --site.")
        code = secrets.token_urlsafe(16)
        with self.database.write() as connection:
            there = self._named(tenant, name)
            if there is not None and not replace:
                raise BoxNameTaken(name)
            connection.execute("UPDATE boxes SET state = ? WHERE tenant = ? AND name = ?", (REVOKED, tenant, name))
            values = (tenant, secrets.token_hex(8), name, site, INVITED, _hash(code), self._now_us() + DAY, b"")
            connection.execute("INSERT INTO boxes VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', 0, 0)", values)
        return f"{CODE}{code}.{self.keys.public.fingerprint}"

    def pair(self, code: str, public: PublicKeys) -> Box:
        """Use a code. Raises BoxCodeRefused: unknown, used or too old."""
        word = code.removeprefix(CODE).partition(".")[0]
        now = self._now_us()
        with self.database.write() as connection:
            row = connection.execute(
                "UPDATE boxes SET state = ?, code_hash = '', public_keys = ?, seen_us = ?"
                " WHERE code_hash = ? AND state = ? AND code_until_us BETWEEN ? AND ? RETURNING *",
                (PAIRED, public.raw, now, _hash(word), INVITED, now, now + DAY),
            ).fetchone()
        if row is None:
            raise BoxCodeRefused
        return _box(row)

    def of_id(self, box_id: str) -> Box | None:
        """A box, also one that was revoked; None when there is none."""
        row = self.database.row("SELECT * FROM boxes WHERE box_id = ?", (box_id,)) if self.any else None
        return None if row is None else _box(row)

    def all(self, tenant: str | None = None) -> list[Box]:
        """The boxes that were not revoked, by name."""
        if not self.any:
            return []
        rows = self.database.rows("SELECT * FROM boxes WHERE state <> ? ORDER BY tenant, name", (REVOKED,))
        return [box for box in map(_box, rows) if tenant in (None, box.tenant)]

    def revoke(self, tenant: str, name: str) -> None:
        """From now on the box gets nothing, and is empty as soon as it hears of it. Raises BoxUnknown."""
        with self.database.write() as connection:
            done = connection.execute(
                "UPDATE boxes SET state = ?, code_hash = '' WHERE tenant = ? AND name = ? AND state <> ?",
                (REVOKED, tenant, name, REVOKED),
            )
        if done.rowcount < 1:
            raise BoxUnknown

    def heard(self, box: Box, counter: int, *, replica: str, waiting: int) -> Box | None:
        """Note that a box asked, and how it stands. A new `replica` is an empty one: all is sent again.

        None: an earlier question once more, or the box was revoked meanwhile.
        """
        with self.database.write() as connection:
            row = connection.execute(
                "UPDATE boxes SET counter = ?, replica = ?, seen_us = ?, waiting = ?"
                " WHERE tenant = ? AND box_id = ? AND state = ? AND counter < ? RETURNING *",
                (counter, replica, self._now_us(), waiting, box.tenant, box.box_id, PAIRED, counter),
            ).fetchone()
            if row is None:
                return None
            if box.replica != replica:
                connection.execute("DELETE FROM copies WHERE tenant = ? AND box_id = ?", (box.tenant, box.box_id))
        return _box(row)

    # --- what it holds

    def tag(self, box: Box, customer_id: str) -> str:
        """The name that a customer has at this box, and nowhere else: 32 hexadecimal digits."""
        return self.keys.derive("copies", box.tenant, box.box_id, customer_id)[:16].hex()

    def copies(self, box: Box) -> dict[str, Copy]:
        """What a box holds, by tag."""
        rows = self.database.rows(
            "SELECT tag, person, history, sent, gone FROM copies WHERE tenant = ? AND box_id = ?",
            (box.tenant, box.box_id),
        )
        return {row["tag"]: Copy(*row) for row in rows}

    def put(self, box: Box, copies: Sequence[Copy]) -> int:
        """Note what the next bundle brings; its number."""
        with self.database.write() as connection:
            key = (box.tenant, box.box_id)
            number = int(
                connection.execute(
                    "UPDATE boxes SET sent = sent + 1 WHERE tenant = ? AND box_id = ? RETURNING sent", key
                ).fetchone()[0]
            )
            connection.executemany(
                "INSERT INTO copies VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, box_id, tag) DO UPDATE SET"
                " person = excluded.person, history = excluded.history, sent = excluded.sent,"
                " gone = CASE WHEN copies.gone <> '' THEN copies.gone ELSE excluded.gone END",
                [(*key, one.tag, one.person, one.history, number, one.gone) for one in copies],
            )
        return number

    def confirm(self, box: Box, number: int) -> None:
        """The box has done what the bundles up to `number` said: who left is gone there."""
        self.database.change(
            "DELETE FROM copies WHERE tenant = ? AND box_id = ? AND gone <> '' AND sent > 0 AND sent <= ?",
            (box.tenant, box.box_id, number),
        )

    # --- who left

    def note_left(self, tenant: str, customer_id: str, number: str) -> bool:
        """A customer was erased, by the receipt `number`; whether a box still has to be reached."""
        if not self.any:
            return False
        for box in self._with_copies(tenant):
            self.database.change(
                "UPDATE copies SET gone = ?, sent = 0 WHERE tenant = ? AND box_id = ? AND tag = ?",
                (number, tenant, box.box_id, self.tag(box, customer_id)),
            )
        return self.still(number)

    def still(self, number: str) -> bool:
        """Whether a box has not confirmed yet that it erased whom this receipt is about."""
        return self.any and any(number in self.pending(box) for box in self._with_copies())

    def pending(self, box: Box) -> list[str]:
        """The receipts that a box has not confirmed; none any more when it is empty by its own rule."""
        if self._now_us() - box.seen_us > EMPTY_US:
            self.database.change(
                "DELETE FROM copies WHERE tenant = ? AND box_id = ? RETURNING 1", (box.tenant, box.box_id)
            )
            return []
        rows = self.database.rows(
            "SELECT gone FROM copies WHERE tenant = ? AND box_id = ? AND gone <> ''", (box.tenant, box.box_id)
        )
        return [str(row["gone"]) for row in rows]

    def remark(self) -> str | None:
        """A sentence for readiness about erasures that boxes have not confirmed; None without any."""
        if not self.any:
            return None
        counts = [n for n in (len(self.pending(box)) for box in self._with_copies()) if n]
        if not counts:
            return None
        boxes = "1 store box has" if len(counts) == 1 else f"{len(counts)} store boxes have"
        erasures = "1 erasure" if sum(counts) == 1 else f"{sum(counts)} erasures"
        return f"{boxes} not confirmed {erasures} yet: `usual edge list` shows which"

    def _with_copies(self, tenant: str | None = None) -> list[Box]:
        """The boxes that may hold somebody, also those that were revoked."""
        rows = self.database.rows(
            "SELECT * FROM boxes b WHERE EXISTS (SELECT 1 FROM copies c WHERE c.tenant = b.tenant"
            " AND c.box_id = b.box_id)"
        )
        return [box for box in map(_box, rows) if tenant in (None, box.tenant)]

    def _named(self, tenant: str, name: str) -> Row | None:
        found: Row | None = self.database.row(
            "SELECT * FROM boxes WHERE tenant = ? AND name = ? AND state <> ?", (tenant, name, REVOKED)
        )
        return found

    def _opened(self) -> tuple[Database, PrivateKeys]:
        with self._lock:
            if self._open is None:
                keys = PrivateKeys.load(self._state.home / KEY)
                self._open = _database(self._state), keys
            return self._open


def _box(row: Row) -> Box:
    return Box(**{name: row[name] for name in Box.__slots__})


def _database(state: State) -> Database:
    """The tables: a file of its own in a home, a part of its own on a server that replicas share."""
    return (
        state.database("access-edge", migrations)
        if state.is_shared
        else SQLiteDatabase(state.home / FILE, migrations)
    )


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
