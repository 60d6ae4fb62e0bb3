"""What of the security log belongs in the record of changes too: sign-ins, sign-outs, and what was refused.

Keys and people note to the security log what happens; `Listened` passes it on and writes the rows. A refusal costs
its request no write: it is counted in memory, by minute, source and kind, and a thread beside the requests
writes the counts, so that a flood is one row with a number. A source is a keyed hash of the address that is
another one each day: whoever reads the record sees that it was one source, and not whose. What was typed is
never kept.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass

from flask import g, has_request_context, request

from plumbing.access.changes import SIGN_IN, ChangeRecord
from plumbing.clock import DAY, MINUTE, Clock
from plumbing.problem import Problem
from plumbing.security.log import Fact, SecurityLog
from plumbing.security.proxies import counted_as
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.room import DiskFull
from plumbing.storage.tenants import of_all

REFUSED: Mapping[str, str] = {
    "key_refused": "a key",
    "scope_missing": "a right",
    "sign_in_refused": "a sign-in",
    "invitation_refused": "an invitation",
    "pairing_refused": "a pairing",
    "code_refused": "a code",
    "request_from_elsewhere": "a request from another site",
}
"""Events that are counted, and what was refused."""

HAPPENED: Mapping[str, str] = {
    "signed_in": "sign-in",
    "signed_out": "sign-out",
    "signed_out_everywhere": "sign-out everywhere",
    "link_used": "one-time link used",
    "password_changed": "password changed",
    "code_app_on": "code app set up",
    "code_app_off": "code app removed",
    "paired": "screen paired",
    "box_paired": "store box paired",
    "key_revoked": "key ended",
}
"""Events that get a row each, unless they happen inside a route that has one."""

WRITE_AFTER_S = 0.5
MOST_SOURCES = 100
"""Rows of a minute and process; further sources share one."""

OTHERS = "others"

address: ContextVar[str] = ContextVar("address", default="")
"""The network address of the request that is authenticated now, where there is no request of Flask's yet."""


@dataclass(frozen=True, slots=True)
class _Row:
    tenant: str
    minute_us: int
    who: str
    route: str
    subject: str
    why: str


class Refusals:
    """Counts what was refused, and writes it down a moment later. Safe with threads."""

    def __init__(self, record: ChangeRecord, now_us: Clock) -> None:
        self._record = record
        self._now_us = now_us
        self._counts: dict[_Row, int] = {}
        self._lock = threading.Lock()
        self._writer: ThreadPoolExecutor | None = None  # one thread, and so one connection
        self._due = False
        self._closed = False
        self._seen: tuple[int, set[str]] = (0, set())

    def count(self, tenant: str, who: str, route: str, why: str, source: str) -> None:
        """Count one more."""
        minute = self._now_us() // MINUTE * MINUTE
        with self._lock:
            if self._closed:
                return
            if self._seen[0] != minute:
                self._seen = (minute, set())
            sources = self._seen[1]
            source = source if source in sources or len(sources) < MOST_SOURCES else OTHERS
            sources.add(source)
            row = _Row(tenant, minute, who if source != OTHERS else "", route, f"source {source}", why)
            self._counts[row] = self._counts.get(row, 0) + 1
            if not (self._due or self._closed):
                self._writer = self._writer or ThreadPoolExecutor(1, thread_name_prefix="refusals")
                with suppress(RuntimeError):  # the interpreter ends: `flush` at the end writes it
                    self._writer.submit(self._write_soon)
                    self._due = True

    def _write_soon(self) -> None:
        time.sleep(WRITE_AFTER_S)
        # The folder may be gone by now, and nobody waits for this thread: there is nobody to tell.
        with suppress(Problem, sqlite3.Error, OSError):
            self.flush()

    def close(self) -> None:
        """Write what is left; from now on nothing is counted."""
        with self._lock:
            self._closed = True
        with suppress(Problem, sqlite3.Error, OSError):
            self.flush()
        if self._writer is not None:
            self._writer.shutdown(wait=True, cancel_futures=True)

    def flush(self) -> None:
        """Write what was counted; what cannot be written now is tried again with the next."""
        with self._lock:
            counts, self._counts, self._due = self._counts, {}, False
        for row, count in counts.items():
            try:
                with of_all():
                    self._record.count(
                        row.tenant, self._id(row), row.minute_us, count,
                        who=row.who, route=row.route, subject=row.subject, why=row.why,
                    )  # fmt: skip
            except (DatabaseBusy, DiskFull):
                with self._lock:
                    self._counts[row] = self._counts.get(row, 0) + count

    def source(self) -> str:
        """What stands for the address of this request on this day."""
        here = (request.remote_addr or "") if has_request_context() else address.get()
        if not here:
            return "unknown"
        text = f"usual record source {self._now_us() // DAY} {counted_as(here)}"
        return hmac.digest(self._record.key, text.encode(), hashlib.sha256).hex()[:8]

    def _id(self, row: _Row) -> str:
        """The same row of all processes within a minute."""
        text = "\n".join((row.tenant, str(row.minute_us), row.who, row.route, row.subject, row.why))
        return "r" + hmac.digest(self._record.key, text.encode(), hashlib.sha256).hex()[:23]


class Listened(SecurityLog):
    """A security log that writes rows into the record of changes as well."""

    def __init__(self, inner: SecurityLog, now_us: Clock) -> None:
        super().__init__(inner.path, now_us)
        self._inner = inner
        self.refusals: Refusals | None = None
        self._record: ChangeRecord | None = None

    def listen(self, record: ChangeRecord, now_us: Clock) -> None:
        """From now on rows are written."""
        self._record = record
        self.refusals = Refusals(record, now_us)
        record.before_reading = self.refusals.flush

    def note(self, event: str, *, tenant: str = "", key_id: str = "", route: str = "", **facts: Fact) -> None:
        """Write a line, and what belongs there into the record. Never raises."""
        self._inner.note(event, tenant=tenant, key_id=key_id, route=route, **facts)
        if self._record is None or self.refusals is None:
            return
        user = str(facts.get("user", "")).removeprefix("user:") or (
            key_id.removeprefix("user:") if key_id.startswith("user:") else ""
        )
        who = f"user:{user}" if user else f"key:{key_id}" if key_id else ""
        if event in REFUSED:
            self.refusals.count(tenant, who, route or _route(), event, self.refusals.source())
        elif event in HAPPENED and not (has_request_context() and g.get("recording")):
            # A sign-in is no change: a record that cannot be written keeps nobody out.
            with suppress(DatabaseBusy, DiskFull), of_all():
                self._record.add(tenant, who, HAPPENED[event], kind=SIGN_IN, subject=event, scopes=("people",))

    def flush(self) -> None:
        """Write what was only counted so far, in the log and in the record."""
        self._inner.flush()
        if self.refusals is not None:
            self.refusals.flush()

    def close(self) -> None:
        """Before the database is closed."""
        if self.refusals is not None:
            self.refusals.close()


def _route() -> str:
    if not has_request_context() or request.url_rule is None:
        return ""
    return f"{request.method} {request.url_rule.rule}"
