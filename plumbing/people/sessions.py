"""Sessions of people at the desk: they end by time, by signing out, and by what others change."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from plumbing.access.kept_secret import hashed
from plumbing.clock import HOUR, MINUTE, SECOND, Clock
from plumbing.people.errors import NoSuchSession
from plumbing.storage.database import Connection, Database, Row

IDLE_US = 2 * HOUR
"""A session ends after so long without a request."""

ABSOLUTE_US = 12 * HOUR
"""A session ends so long after its sign-in."""

APART_US = 2 * SECOND
"""So far two replicas' clocks may be apart (`server_clock.TOLERATED` of each): who signs in at one is known
at the other at once."""

SEEN_EVERY_US = MINUTE  # so often at most a session's last request is written

REMOVED, RIGHTS, ELSEWHERE = "removed", "rights", "elsewhere"
"""Why a session was ended by somebody: the person was removed, their rights changed, they (or a new link) signed
them out everywhere. Kept until the session would have ended anyway, so that its browser can say so."""

_FIND = (
    "SELECT s.created_us AS began_us, s.seen_us, s.ended, u.* FROM sessions s JOIN users u"
    " ON u.tenant = s.tenant AND u.user_id = s.user_id WHERE s.secret_hash = ?"
)
_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrom", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a person; `browser` such as "Firefox, Windows", `current` the one that asks."""

    session_id: str
    began_us: int
    seen_us: int
    browser: str
    current: bool


class Sessions:
    """The table `sessions`. A secret is 256 random bits and stored as its SHA-256."""

    def __init__(self, database: Database, now_us: Clock) -> None:
        self._database = database
        self._now_us = now_us

    def begin(self, connection: Connection, tenant: str, user_id: str, browser: str = "") -> str:
        """A new session; returns its secret, shown to its browser alone."""
        secret, now = secrets.token_urlsafe(32), self._now_us()
        connection.execute(
            "INSERT INTO sessions (secret_hash, tenant, user_id, created_us, seen_us, browser)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (hashed(secret), tenant, user_id, now, now, browser),
        )
        return secret

    def found(self, secret: str) -> Row | None:
        """The user of a valid session; None when it has ended. Notes that it was used."""
        now, secret_hash = self._now_us(), hashed(secret)
        row: Row | None = self._database.row(_FIND, (secret_hash,))
        # A time in the future was written under a clock that was ahead; such a session ends.
        if row is None or row["ended"] or row["state"] != "active":
            return None
        since_us, idle_us = now - row["began_us"], now - row["seen_us"]
        if not (-APART_US <= since_us <= ABSOLUTE_US and -APART_US <= idle_us <= IDLE_US):
            return None
        if now - row["seen_us"] > SEEN_EVERY_US:
            self._database.try_change("UPDATE sessions SET seen_us = ? WHERE secret_hash = ?", (now, secret_hash))
        return row

    def why_ended(self, secret: str) -> str:
        """Why somebody ended this session: REMOVED, RIGHTS or ELSEWHERE; empty when nobody did."""
        row = self._database.row(_FIND, (hashed(secret),))
        if row is None:
            return ""
        return REMOVED if row["state"] == "removed" else str(row["ended"])

    def end(self, secret: str) -> list[tuple[str, str]]:
        """Sign out here; returns (tenant, user id) of the session, nothing when there is none."""
        rows = self._database.change(
            "DELETE FROM sessions WHERE secret_hash = ? RETURNING tenant, user_id", (hashed(secret),)
        )
        return [(row["tenant"], row["user_id"]) for row in rows]

    def end_all(self, connection: Connection, tenant: str, user_id: str, why: str, *, but: str = "") -> None:
        """End all sessions of a person, but the one with the secret `but`."""
        connection.execute(
            "UPDATE sessions SET ended = ? WHERE tenant = ? AND user_id = ? AND secret_hash <> ? AND ended = ''",
            (why, tenant, user_id, hashed(but) if but else ""),
        )

    def rotate(self, connection: Connection, secret: str, *, browser: str = "") -> str | None:
        """The same session under a new secret; the earlier one is worth nothing then. None: it has ended."""
        row = self.found(secret)
        if row is None:
            return None
        connection.execute("DELETE FROM sessions WHERE secret_hash = ?", (hashed(secret),))
        fresh = secrets.token_urlsafe(32)
        connection.execute(
            "INSERT INTO sessions (secret_hash, tenant, user_id, created_us, seen_us, browser)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (hashed(fresh), row["tenant"], row["user_id"], row["began_us"], self._now_us(), browser),
        )
        return fresh

    def of_user(self, tenant: str, user_id: str, current: str = "") -> list[Session]:
        """The sessions of a person that have not ended, the latest first; `current` is the secret of one."""
        now, mine = self._now_us(), hashed(current) if current else ""
        rows = self._database.rows(
            "SELECT * FROM sessions WHERE tenant = ? AND user_id = ? AND ended = ''"
            " AND created_us > ? AND seen_us > ? ORDER BY seen_us DESC",
            (tenant, user_id, now - ABSOLUTE_US, now - IDLE_US),
        )
        return [
            Session(
                row["secret_hash"][:16],
                row["created_us"],
                row["seen_us"],
                row["browser"],
                row["secret_hash"] == mine,
            )
            for row in rows
        ]

    def end_one(self, tenant: str, user_id: str, session_id: str) -> None:
        """End one session of a person by its id. Raises NoSuchSession."""
        with self._database.write() as connection:
            rows = connection.execute(
                "SELECT secret_hash FROM sessions WHERE tenant = ? AND user_id = ? AND ended = ''",
                (tenant, user_id),
            ).fetchall()
            found = [row["secret_hash"] for row in rows if row["secret_hash"][:16] == session_id]
            if not found:
                raise NoSuchSession
            for secret_hash in found:
                connection.execute("UPDATE sessions SET ended = ? WHERE secret_hash = ?", (ELSEWHERE, secret_hash))

    def sweep(self, connection: Connection) -> None:
        """Delete sessions that have ended by time, whatever ended them before."""
        now = self._now_us()
        connection.execute(
            "DELETE FROM sessions WHERE created_us NOT BETWEEN ? AND ?"
            " OR (ended = '' AND seen_us NOT BETWEEN ? AND ?)",
            (now - ABSOLUTE_US, now + MINUTE, now - IDLE_US, now + MINUTE),
        )


def browser_of(user_agent: str) -> str:
    """A browser and its system in two words, so that people know their own sessions; nothing finer is kept."""
    named = [next((name for sign, name in kinds if sign in user_agent), "") for kinds in (_BROWSERS, _SYSTEMS)]
    return ", ".join(name for name in named if name)
