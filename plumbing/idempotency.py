"""A POST sent twice with one `Idempotency-Key` happens once and is answered twice."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.fernet import Fernet
from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.access import Caller
from plumbing.clock import DAY, SECOND, Clock
from plumbing.database import Database
from plumbing.problem_json import Problem

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


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers: a status and a JSON body."""

    status: int
    body: Mapping[str, object]


class Idempotency:
    """Remembers replies for a while, under (tenant, API key, Idempotency-Key)."""

    def __init__(self, database: Database, key: bytes, now_us: Clock, *, keep_us: int = DAY) -> None:
        self._database = database
        self._key = key
        self._fernet = Fernet(key)
        self._now_us = now_us
        self._keep_us = keep_us
        self._swept: dict[str, int] = {}

    def run(
        self,
        caller: Caller,
        name: str | None,
        fingerprint: str,
        work: Callable[[], Reply],
        *,
        one_transaction: bool = False,
    ) -> Reply:
        """The reply of `work`, or the reply that it gave earlier under the same key.

        `fingerprint` stands for the request (route and body) and is stored as a keyed hash; it must not be derived
        from a frame.
        With `one_transaction` the key and all that `work` writes to the same database are one transaction. Without
        it slow work does not keep others from writing, and a crash in the middle frees the key after a day.

        Raises:
            IdempotencyConflict: the key was used with another fingerprint.
            StillRunning: the first request has not ended.
        """
        if name is None:
            return work()
        fingerprint = hmac.digest(self._key, fingerprint.encode(), hashlib.sha256).hex()
        if one_transaction:
            with self._database.write():
                return self._claim(caller, name, fingerprint) or self._finish(caller, name, work())
        earlier = self._claim(caller, name, fingerprint)
        if earlier is not None:
            return earlier
        try:
            reply = work()
        except BaseException:
            self._delete(caller, name)
            raise
        return self._finish(caller, name, reply)

    def _claim(self, caller: Caller, name: str, fingerprint: str) -> Reply | None:
        now = self._now_us()
        self._sweep(caller.tenant, now)
        asked = (caller.tenant, caller.key_id, name)
        claimed = self._database.change(
            "INSERT INTO replies VALUES (?, ?, ?, ?, ?, NULL) ON CONFLICT (tenant, key_id, name) DO UPDATE SET"
            " fingerprint = excluded.fingerprint, made_us = excluded.made_us, reply = NULL"
            " WHERE made_us < ? RETURNING 1",
            (*asked, fingerprint, now, now - self._keep_us),
        )
        if claimed:
            return None
        row = self._database.row(
            "SELECT fingerprint, reply FROM replies WHERE tenant = ? AND key_id = ? AND name = ?", asked
        )
        if row is None:  # the first request failed just now, and nothing was done
            raise StillRunning
        if row["fingerprint"] != fingerprint:
            raise IdempotencyConflict
        if row["reply"] is None:
            raise StillRunning
        return Reply(**json.loads(self._fernet.decrypt(row["reply"])))

    def _sweep(self, tenant: str, now: int) -> None:
        """Delete what is too old to be asked for again, once a second at most."""
        if not 0 <= now - self._swept.get(tenant, -SECOND) < SECOND:
            self._swept[tenant] = now
            self._database.change(
                "DELETE FROM replies WHERE tenant = ? AND made_us < ?", (tenant, now - self._keep_us)
            )

    def _finish(self, caller: Caller, name: str, reply: Reply) -> Reply:
        sealed = self._fernet.encrypt(json.dumps({"status": reply.status, "body": reply.body}).encode())
        self._database.change(
            "UPDATE replies SET reply = ? WHERE tenant = ? AND key_id = ? AND name = ?",
            (sealed, caller.tenant, caller.key_id, name),
        )
        return reply

    def _delete(self, caller: Caller, name: str) -> None:
        self._database.change(
            "DELETE FROM replies WHERE tenant = ? AND key_id = ? AND name = ?",
            (caller.tenant, caller.key_id, name),
        )
