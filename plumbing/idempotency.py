"""A POST sent twice with one `Idempotency-Key` happens once and is answered twice."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.access.access import Caller
from plumbing.clock import DAY, MINUTE, SECOND, Clock
from plumbing.problem_json import Problem
from plumbing.storage import alive
from plumbing.storage.database import Database, DatabaseBusy
from plumbing.storage.room import DiskFull

LONGEST_KEY = 64
MOST_ROWS = 5_000
"""Kept replies of one API key; the oldest go first."""

MOST_BYTES = 4 * 1024 * 1024
"""Bytes of the kept replies of one API key; the oldest go first."""

LARGEST_REPLY = 256 * 1024
"""A larger reply is not kept: the request is carried out again when it is sent again."""

LONGEST_US = 2 * MINUTE
"""No request takes so long: one of another machine that has not ended then was killed with it."""

TRIM_EVERY = 100  # requests of one API key: so many rows may be kept beyond the budget for a moment

migrations = Migrations("idempotency")


@migrations()
def replies(db: Utils) -> None:
    """`reply` is encrypted: it may hold a receipt or a token."""
    db.execute(
        "CREATE TABLE replies (tenant TEXT NOT NULL, key_id TEXT NOT NULL, name TEXT NOT NULL,"
        " fingerprint TEXT NOT NULL, made_us INTEGER NOT NULL, reply BLOB,"
        " PRIMARY KEY (tenant, key_id, name))"
    )
    db.execute("CREATE INDEX replies_made ON replies (tenant, made_us)")


@migrations()
def holders(db: Utils) -> None:
    """`holder` is the process that carries out the request, so that a killed one holds no key."""
    db.execute("ALTER TABLE replies ADD COLUMN holder TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX replies_of_key ON replies (tenant, key_id, made_us)")


class IdempotencyConflict(Problem):
    """The key was used before for something else."""

    code = "idempotency_conflict"
    status = 409
    title = "This Idempotency-Key belongs to another request"
    says = "Use a new Idempotency-Key for a new request; nothing was stored."


class StillRunning(Problem):
    """The first request with this key has not been answered yet."""

    code = "request_in_progress"
    status = 409
    title = "The first request with this Idempotency-Key is still running"
    retry_after = 1
    says = "Send it again in a second to get its answer."


class KeyUnusable(Problem):
    """Not an Idempotency-Key."""

    code = "idempotency_key_unusable"
    status = 400
    title = "The Idempotency-Key cannot be used"
    says = f"An Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII characters, such as a random UUID."


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers: a status and a JSON body."""

    status: int
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that is being carried out: `name` stands for its API key and Idempotency-Key, `fingerprint` for
    what it asks. Both are keyed hashes. For work that keeps its answer where it keeps its result."""

    name: str
    fingerprint: str


_asked: ContextVar[Asked | None] = ContextVar("asked", default=None)


def asked_now() -> Asked | None:
    """The request with an Idempotency-Key that this thread carries out; None outside of one."""
    return _asked.get()


class Idempotency:
    """Remembers replies for a while, under (tenant, API key, Idempotency-Key).

    A reply may hold a token or a receipt. It is sealed with the caller's own secret and the Idempotency-Key, which
    are nowhere on the disk: who has all files of an installation reads none of them. `is_current` looks at a reply
    before it is given again, and answers False when it must not be: the request is then carried out again.
    """

    def __init__(
        self,
        database: Database,
        key: bytes,
        now_us: Clock,
        *,
        keep_us: int = DAY,
        is_current: Callable[[Mapping[str, object]], bool] = lambda body: True,
    ) -> None:
        self._database = database
        self._key = key
        self.is_current = is_current
        self._now_us = now_us
        self._keep_us = keep_us
        self._swept: dict[str, int] = {}
        self._since_trim: dict[tuple[str, str], int] = {}

    def run(
        self,
        caller: Caller,
        name: str | None,
        fingerprint: str,
        work: Callable[[], Reply],
        *,
        one_transaction: bool = False,
        secret: str = "",
    ) -> Reply:
        """The reply of `work`, or the reply that it gave earlier under the same key.

        `fingerprint` stands for the request (who asks for what) and is stored as a keyed hash; it must not be
        derived from a frame. `secret` is what the caller shows as their API key: the reply is sealed with it.
        With `one_transaction` the key and all that `work` writes to the same database are one transaction, beside
        others like it (`shared` of `Database.write`): its statements are right whatever those do. Without it slow
        work does not keep others from writing. The key of a process that was killed is free at once.

        Raises:
            KeyUnusable: not 1 to 64 visible ASCII characters.
            IdempotencyConflict: the key was used with another fingerprint.
            StillRunning: the first request has not ended.
        """
        if name is None:
            return work()
        if re.fullmatch(rf"[!-~]{{1,{LONGEST_KEY}}}", name) is None:
            raise KeyUnusable
        fingerprint = self._digest(fingerprint)
        kept = _Kept(caller, *self._names(caller, name, secret), name)
        if one_transaction:
            with self._database.write(shared=True):
                return self._claim(kept, fingerprint) or self._finish(kept, work())
        try:
            earlier = self._claim(kept, fingerprint)
        except (DatabaseBusy, DiskFull):  # what only remembers fails no request
            return work()
        if earlier is not None:
            return earlier
        token = _asked.set(Asked(kept.name, fingerprint))
        try:
            reply = work()
        except BaseException:
            with suppress(DatabaseBusy, DiskFull):
                self._delete(kept)
            raise
        finally:
            _asked.reset(token)
        with suppress(DatabaseBusy, DiskFull):  # it is done: not remembering the reply must not undo it
            self._finish(kept, reply)
        return reply

    def _names(self, caller: Caller, name: str, secret: str) -> tuple[str, bytes]:
        """Under which name a reply is kept, and the key that it is sealed with."""
        whose = f"{caller.tenant}\n{caller.key_id}\n{name}"
        return self._digest(whose), hmac.digest(self._key, f"seal\n{secret}\n{whose}".encode(), hashlib.sha256)

    def forget(self, tenant: str) -> None:
        """Drop every kept reply of a tenant: after an opt-out none may greet somebody. Raises DatabaseBusy."""
        self._database.change("DELETE FROM replies WHERE tenant = ?", (tenant,))

    def _digest(self, text: str) -> str:
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()

    def _claim(self, kept: _Kept, fingerprint: str) -> Reply | None:
        now, asked = self._now_us(), kept.row
        self._sweep(kept.caller.tenant, now)
        self._trim(kept.caller)
        if (before := self._of_older_format(kept, fingerprint)) is not None:
            return before
        for _ in range(2):
            claimed = self._database.change(
                "INSERT INTO replies (tenant, key_id, name, fingerprint, made_us, holder)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, key_id, name)"
                " DO UPDATE SET fingerprint = excluded.fingerprint,"
                " made_us = excluded.made_us, reply = NULL, holder = excluded.holder"
                " WHERE replies.made_us < ? RETURNING 1",
                (*asked, fingerprint, now, alive.mark(), now - self._keep_us),
            )
            if claimed:
                return None
            row = self._database.row(
                "SELECT fingerprint, reply, holder, made_us FROM replies"
                " WHERE tenant = ? AND key_id = ? AND name = ?",
                asked,
            )
            if row is None:  # the first request failed just now, and nothing was done
                raise StillRunning
            if row["fingerprint"] != fingerprint:
                raise IdempotencyConflict
            if row["reply"] is None and self._may_run(str(row["holder"]), now - row["made_us"]):
                raise StillRunning
            earlier = None if row["reply"] is None else kept.opened(row["reply"])
            if earlier is not None and self.is_current(earlier.body):
                return earlier
            # Of a process that was killed, of somebody who left, or no reply of ours: whoever deletes it first may
            # claim it.
            self._database.change(
                "DELETE FROM replies WHERE tenant = ? AND key_id = ? AND name = ? AND holder = ?",
                (*asked, row["holder"]),
            )
        raise StillRunning

    @staticmethod
    def _may_run(holder: str, for_us: int) -> bool:
        """Whether the first request may still be carried out; of another machine only its time says it."""
        return alive.may_run(holder) and (alive.is_here(holder) or for_us < LONGEST_US)

    def _of_older_format(self, kept: _Kept, fingerprint: str) -> Reply | None:
        """A reply from before an update: kept for a day under the caller's own name, sealed with our key alone.

        Raises IdempotencyConflict.
        """
        row = self._database.row(
            "SELECT fingerprint, reply FROM replies WHERE tenant = ? AND key_id = ? AND name = ? AND made_us >= ?",
            (kept.caller.tenant, kept.caller.key_id, kept.plain_name, self._now_us() - self._keep_us),
        )
        if row is None or row["reply"] is None:
            return None
        if row["fingerprint"] != fingerprint:
            raise IdempotencyConflict
        try:
            reply = Reply(**json.loads(Fernet(self._key).decrypt(row["reply"])))
        except (InvalidToken, TypeError, ValueError):
            return None
        return reply if self.is_current(reply.body) else None

    def _sweep(self, tenant: str, now: int) -> None:
        """Delete what is too old to be asked for again, once a second at most."""
        if not 0 <= now - self._swept.get(tenant, -SECOND) < SECOND:
            self._swept[tenant] = now
            self._database.change(
                "DELETE FROM replies WHERE tenant = ? AND made_us < ?", (tenant, now - self._keep_us)
            )

    def _trim(self, caller: Caller) -> None:
        """Delete the oldest replies of one API key beyond its budget, now and then."""
        whose = (caller.tenant, caller.key_id)
        count = self._since_trim.get(whose, 0) + 1
        self._since_trim[whose] = count % TRIM_EVERY
        if count < TRIM_EVERY:
            return
        self._database.change(
            "DELETE FROM replies WHERE tenant = ? AND key_id = ? AND reply IS NOT NULL AND name IN"
            " (SELECT name FROM (SELECT name, ROW_NUMBER() OVER newest AS place,"
            " SUM(LENGTH(reply)) OVER newest AS bytes FROM replies"
            " WHERE tenant = ? AND key_id = ? WINDOW newest AS (ORDER BY made_us DESC, name)) AS ranked"
            " WHERE place > ? OR bytes > ?)",
            (*whose, *whose, MOST_ROWS, MOST_BYTES),
        )

    def _finish(self, kept: _Kept, reply: Reply) -> Reply:
        sealed = kept.sealed(reply)
        if len(sealed) > LARGEST_REPLY:
            self._delete(kept)
            return reply
        self._database.change(
            "UPDATE replies SET reply = ? WHERE tenant = ? AND key_id = ? AND name = ?", (sealed, *kept.row)
        )
        return reply

    def _delete(self, kept: _Kept) -> None:
        self._database.change("DELETE FROM replies WHERE tenant = ? AND key_id = ? AND name = ?", kept.row)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where one reply is kept, and its key."""

    caller: Caller
    name: str
    key: bytes = field(repr=False)
    plain_name: str  # as the caller chose it

    @property
    def row(self) -> tuple[str, str, str]:
        return self.caller.tenant, self.caller.key_id, self.name

    def sealed(self, reply: Reply) -> bytes:
        nonce = secrets.token_bytes(12)
        content = json.dumps({"status": reply.status, "body": reply.body}).encode()
        return nonce + AESGCM(self.key).encrypt(nonce, content, self.name.encode())

    def opened(self, sealed: bytes) -> Reply | None:
        """A kept reply; None when it was damaged, or is of another format."""
        try:
            return Reply(**json.loads(AESGCM(self.key).decrypt(sealed[:12], sealed[12:], self.name.encode())))
        except (InvalidTag, TypeError, ValueError):
            return None
