"""The rows of the record of changes: begun, closed, chained, read, checked, removed when they are old.

A row stands here before its change is made. After it the row holds how it ended, and is closed: it gets its number
and its place in a chain of keyed hashes (`chain.py`), and nobody changes it any more.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from plumbing.access.chain import COLUMNS, Head, Link, faults, linked
from plumbing.access.redaction import kept
from plumbing.clock import DAY, HOUR, MINUTE, Clock
from plumbing.storage.database import Connection, Database, DatabaseBusy, Row
from plumbing.storage.room import DiskFull

KEEP_DAYS = 400
NOBODY = ""
"""The tenant of what belongs to no tenant, such as a wrong key: operators see it."""

CHANGE, SIGN_IN, REFUSAL, COMMAND, APPROVAL = "change", "sign_in", "refusal", "command", "approval"
KINDS = (CHANGE, SIGN_IN, REFUSAL, COMMAND, APPROVAL)
STATES = ("begun", "done", "refused", "failed", "waiting", "unknown")

LOST_US = HOUR
"""A request that has not ended after so long was killed with its server; how it ended is not known."""

LOST_COMMAND_US = 7 * DAY
TIDY_EVERY_US = 10 * MINUTE
READ_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """One row. `who` is "user:ID", "key:ID" or "command:USER of the machine"; `second` who approved it.

    `state` is begun, done, refused, failed, waiting (for a second person) or unknown (the server stopped in the
    middle). `times`: of a refusal, how often it happened within its minute. `number` 0: not closed yet.
    """

    change_id: str
    at_us: int
    kind: str
    who: str
    second: str
    scopes: tuple[str, ...]
    """The rights of the route: who lacks them does not see `earlier` and `later`."""
    route: str
    subject: str
    state: str
    why: str
    earlier: Any
    later: Any
    times: int
    number: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are asked for; times in microseconds UTC, from `since_us` on and before `until_us`."""

    who: str = ""
    kind: str = ""
    subject: str = ""
    since_us: int = 0
    until_us: int = 2**62


class ChangeRecord:
    """The changes of all tenants. `key` is the secret of the chain; `keep_days` how long a closed row stays."""

    def __init__(self, database: Database, now_us: Clock, key: bytes = b"", keep_days: int = KEEP_DAYS) -> None:
        self._database = database
        self._now_us = now_us
        self.key = key
        self.keep_days = keep_days
        self.before_reading: Callable[[], None] = lambda: None
        """Writes what is only counted so far (`Refusals.flush`)."""
        self._tidied: dict[str, int] = {}
        self._lock = threading.Lock()

    # --- writing

    def begin(
        self,
        tenant: str,
        who: str,
        route: str,
        subject: str = "",
        *,
        kind: str = CHANGE,
        second: str = "",
        scopes: Sequence[str] = (),
    ) -> str:
        """Note that a change begins; returns its id. Raises DatabaseBusy or DiskFull: then it must not begin."""
        change_id, now = secrets.token_hex(8), self._now_us()
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'begun', '', 'null', 'null', 1, 0, '')",
                (tenant, change_id, now, kind, who, second, " ".join(sorted(scopes)), route, subject),
            )
            self._tidy(connection, tenant, now)
        return change_id

    def end(
        self,
        tenant: str,
        change_id: str,
        state: str,
        why: str = "",
        *,
        subject: str = "",
        earlier: Any = None,
        later: Any = None,
    ) -> None:
        """Note how it ended: `state` is one of STATES, `why` the code of a refusal. The row is closed."""
        # Where it cannot be written: the change is made, and its row stays at "begun".
        with suppress(DatabaseBusy, DiskFull), self._database.write() as connection:
            connection.execute(
                "UPDATE changes SET state = ?, why = ?, earlier = ?, later = ?,"
                " subject = CASE WHEN ? = '' THEN subject ELSE ? END"
                " WHERE tenant = ? AND change_id = ? AND number = 0",
                (state, why, kept(earlier), kept(later), subject, subject, tenant, change_id),
            )
            self._close(connection, tenant, change_id)

    def add(
        self,
        tenant: str,
        who: str,
        route: str,
        *,
        kind: str = CHANGE,
        subject: str = "",
        state: str = "done",
        why: str = "",
        scopes: Sequence[str] = (),
        earlier: Any = None,
        later: Any = None,
    ) -> None:
        """A row of something that has happened, closed at once. Raises DatabaseBusy or DiskFull."""
        change_id = secrets.token_hex(8)
        row = (
            tenant,
            change_id,
            self._now_us(),
            kind,
            who,
            "",
            " ".join(sorted(scopes)),
            route,
            subject,
            state,
            why,
        )
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, '')",
                (*row, kept(earlier), kept(later)),
            )
            self._close(connection, tenant, change_id)

    def count(self, tenant: str, row_id: str, minute_us: int, more: int, **row: str) -> None:
        """Count a refusal `more` times in the open row of its minute, which is made when it is not there."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO changes VALUES"
                " (?, ?, ?, ?, ?, '', 'people', ?, ?, 'refused', ?, 'null', 'null', ?, 0, '')"
                " ON CONFLICT (tenant, change_id) DO UPDATE SET times = changes.times + excluded.times"
                " WHERE changes.number = 0",
                (tenant, row_id, minute_us, REFUSAL, row["who"], row["route"], row["subject"], row["why"], more),
            )
            self._close_minutes(connection, tenant, self._now_us())

    # --- reading

    def latest(
        self, tenant: str, n: int = 100, wanted: Wanted | None = None, *, nobodys: bool = False
    ) -> list[Change]:
        """The latest changes, newest first; with `nobodys` those that belong to no tenant as well."""
        asked = wanted or Wanted()
        self.before_reading()
        conditions = ["tenant IN (?, ?)", "at_us >= ?", "at_us < ?"]
        values: list[Any] = [tenant, NOBODY if nobodys else tenant, asked.since_us, asked.until_us]
        for column, value in (("kind", asked.kind), ("subject", asked.subject)):
            if value:
                conditions.append(f"{column} = ?")
                values.append(value)
        if asked.who:
            conditions.append("(who = ? OR second = ?)")
            values += [asked.who, asked.who]
        rows = self._database.rows(
            f"SELECT * FROM changes WHERE {' AND '.join(conditions)}"  # noqa: S608 - constants
            " ORDER BY at_us DESC, change_id LIMIT ?",
            (*values, n),
        )
        return [_as_change(row) for row in rows]

    def tenants(self) -> list[str]:
        """Every tenant with rows, and "" for rows of none."""
        rows = self._database.rows("SELECT DISTINCT tenant FROM changes UNION SELECT tenant FROM change_heads")
        return sorted(row["tenant"] for row in rows)

    def check(self, tenant: str, kept_head: tuple[int, str] | None = None) -> tuple[list[str], Head]:
        """What is wrong with the closed rows of a tenant (nothing: an empty list), and the head to keep
        elsewhere."""
        self.before_reading()
        with self._database.reading():
            row = self._database.row("SELECT * FROM change_heads WHERE tenant = ?", (tenant,))
            rows = self._database.rows(
                "SELECT * FROM changes WHERE tenant = ? AND number > 0 ORDER BY number LIMIT ?",
                (tenant, READ_ROWS),
            )
        head = None if row is None else _as_head(row)
        links = (Link(one["number"], [one[name] for name in COLUMNS], one["hash"]) for one in rows)
        return faults(self.key, links, head, "" if row is None else row["mac"], kept_head), head or Head(tenant)

    # --- the chain

    def _close(self, connection: Connection, tenant: str, change_id: str) -> None:
        """Give an open row its number and its hash."""
        row = connection.execute(
            "SELECT * FROM changes WHERE tenant = ? AND change_id = ? AND number = 0", (tenant, change_id)
        ).fetchone()
        if row is None:
            return
        head = self._head(connection, tenant)
        number = head.last + 1
        hashed = linked(self.key, head.last_hash, number, [row[name] for name in COLUMNS])
        connection.execute(
            "UPDATE changes SET number = ?, hash = ? WHERE tenant = ? AND change_id = ? AND number = 0",
            (number, hashed, tenant, change_id),
        )
        self._set_head(connection, Head(tenant, number, hashed, head.first, head.first_hash))

    def _head(self, connection: Connection, tenant: str) -> Head:
        row = connection.execute("SELECT * FROM change_heads WHERE tenant = ?", (tenant,)).fetchone()
        return Head(tenant) if row is None else _as_head(row)

    def _set_head(self, connection: Connection, head: Head) -> None:
        connection.execute(
            "INSERT INTO change_heads VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant) DO UPDATE SET"
            " last = excluded.last, last_hash = excluded.last_hash, first = excluded.first,"
            " first_hash = excluded.first_hash, mac = excluded.mac",
            (head.tenant, head.last, head.last_hash, head.first, head.first_hash, head.mac(self.key)),
        )

    def tidy(self, tenant: str) -> None:
        """Close what nobody ends any more, and remove rows that are too old. Raises DatabaseBusy."""
        with self._database.write() as connection:
            self._tidied.pop(tenant, None)
            self._tidy(connection, tenant, self._now_us())

    def _tidy(self, connection: Connection, tenant: str, now: int) -> None:
        with self._lock:
            if 0 <= now - self._tidied.get(tenant, -TIDY_EVERY_US) < TIDY_EVERY_US:
                return
            self._tidied[tenant] = now
        lost = connection.execute(
            "SELECT change_id FROM changes WHERE tenant = ? AND number = 0 AND state = 'begun'"
            " AND at_us < CASE WHEN kind = ? THEN CAST(? AS BIGINT) ELSE CAST(? AS BIGINT) END ORDER BY at_us",
            (tenant, COMMAND, now - LOST_COMMAND_US, now - LOST_US),
        ).fetchall()
        for row in lost:
            connection.execute(
                "UPDATE changes SET state = 'unknown' WHERE tenant = ? AND change_id = ? AND number = 0",
                (tenant, row["change_id"]),
            )
            self._close(connection, tenant, row["change_id"])
        self._close_minutes(connection, tenant, now)
        self._remove_old(connection, tenant, now - self.keep_days * DAY)

    def _close_minutes(self, connection: Connection, tenant: str, now: int) -> None:
        """Close the counts of minutes that are over."""
        over = connection.execute(
            "SELECT change_id FROM changes WHERE tenant = ? AND number = 0 AND kind = ? AND at_us < ?"
            " ORDER BY at_us",
            (tenant, REFUSAL, now - 2 * MINUTE),
        ).fetchall()
        for row in over:
            self._close(connection, tenant, row["change_id"])

    def _remove_old(self, connection: Connection, tenant: str, before_us: int) -> None:
        """Remove the oldest rows, as far as all of them are old; the head says where the chain begins now."""
        head = self._head(connection, tenant)
        young = connection.execute(
            "SELECT MIN(number) AS number FROM changes WHERE tenant = ? AND number > 0 AND at_us >= ?",
            (tenant, before_us),
        ).fetchone()["number"]
        last = head.last if young is None else young - 1
        if last <= head.first:
            return
        end = connection.execute(
            "SELECT hash FROM changes WHERE tenant = ? AND number = ?", (tenant, last)
        ).fetchone()
        if end is None:  # somebody has removed it: the check shall find that
            return
        connection.execute("DELETE FROM changes WHERE tenant = ? AND number > 0 AND number <= ?", (tenant, last))
        self._set_head(connection, Head(tenant, head.last, head.last_hash, last, end["hash"]))


def _as_head(row: Row) -> Head:
    return Head(row["tenant"], row["last"], row["last_hash"], row["first"], row["first_hash"])


def _as_change(row: Row) -> Change:
    return Change(
        change_id=row["change_id"],
        at_us=row["at_us"],
        kind=row["kind"],
        who=row["who"],
        second=row["second"],
        scopes=tuple(row["scopes"].split()),
        route=row["route"],
        subject=row["subject"],
        state=row["state"],
        why=row["why"],
        earlier=json.loads(row["earlier"]),
        later=json.loads(row["later"]),
        times=row["times"],
        number=row["number"],
    )
