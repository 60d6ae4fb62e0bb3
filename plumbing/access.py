"""Who may call: API keys with scopes, and screens that were paired with a first-run link.

A key is 256 random bits, shown once and stored as a hash. It belongs to one tenant and may belong to one
device. A browser page cannot keep a key in its code, so a screen is paired once: a one-time code in the
fragment of a link (never sent to a server log) is exchanged for a key in an HttpOnly cookie.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from flask import Request
from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.clock import DAY, Clock
from plumbing.database import Database
from plumbing.problem_json import Problem

SCOPES = ("identify", "enrol", "suggest", "event", "train", "privacy", "admin")
PAGES = {
    "kiosk": ("identify", "enrol", "suggest", "event"),
    "taxi": ("identify", "enrol", "suggest", "event"),
    "marketing": ("train",),
}
"""The pages that can be paired, and the scopes that a paired page has."""

PAGE_HEADER = "X-Usual-Page"  # a page names itself: picks its cookie, and no foreign form can send it

migrations = Migrations("access")


@migrations()
def keys_and_pairings(db: Utils) -> None:
    """Nothing in here is personal: devices, scopes and hashes of random secrets."""
    db.execute(
        "CREATE TABLE keys (tenant TEXT NOT NULL, key_id TEXT NOT NULL, secret_hash TEXT NOT NULL UNIQUE,"
        " device TEXT NOT NULL, site TEXT NOT NULL, scopes TEXT NOT NULL, created_us INTEGER NOT NULL,"
        " expires_us INTEGER NOT NULL, PRIMARY KEY (tenant, key_id))"
    )
    db.execute(
        "CREATE TABLE pairings (code_hash TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL,"
        " site TEXT NOT NULL, page TEXT NOT NULL, expires_us INTEGER NOT NULL)"
    )


class AccessError(Problem):
    """Base of what can be wrong with a caller."""


class KeyRefused(AccessError):
    """No key, an unknown one or an expired one: they look the same."""

    code = "key_refused"
    status = 401
    title = "A valid API key is needed"
    says = "Send a valid key in the header X-API-Key, or pair this screen with its first-run link."


class ScopeMissing(AccessError):
    """The key is good, for other things."""

    code = "scope_missing"
    status = 403
    title = "This key may not do that"

    def __init__(self, scope: str) -> None:
        super().__init__(f"The key lacks the scope {scope!r}.")


class PairingRefused(AccessError):
    """An unknown, used or expired pairing code."""

    code = "pairing_refused"
    status = 403
    title = "This link does not pair the screen any more"
    says = "Make a new link with `usual keys pair` and open it on the screen."


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated key: whose, on which device, for what."""

    tenant: str
    key_id: str
    device: str
    site: str
    scopes: frozenset[str]


def _hash(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()


class Access:
    """Keys and pairings in one small database that both halves read."""

    def __init__(self, database: Database, now_us: Clock) -> None:
        self._database = database
        self._now_us = now_us

    def create_key(
        self, tenant: str, scopes: Iterable[str], *, device: str = "", site: str = "", days: int = 365
    ) -> str:
        """A new key's text, shown this once.

        Raises:
            ValueError: an unknown scope.
        """
        wanted = sorted(set(scopes))
        if unknown := set(wanted) - set(SCOPES):
            raise ValueError(f"unknown scopes {sorted(unknown)}; there are {', '.join(SCOPES)}")
        secret = "usual-k1-" + secrets.token_urlsafe(32)
        now = self._now_us()
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    tenant,
                    secrets.token_hex(8),
                    _hash(secret),
                    device,
                    site,
                    " ".join(wanted),
                    now,
                    now + days * DAY,
                ),
            )
        return secret

    def revoke_key(self, tenant: str, key_id: str) -> bool:
        """End a key at once; False when there is none of that name."""
        with self._database.write() as connection:
            done = connection.execute("DELETE FROM keys WHERE tenant = ? AND key_id = ?", (tenant, key_id))
        return done.rowcount > 0

    def keys(self, tenant: str) -> list[dict[str, object]]:
        """The tenant's keys without their secrets."""
        return [
            {name: row[name] for name in ("key_id", "device", "site", "scopes", "created_us", "expires_us")}
            for row in self._database.rows("SELECT * FROM keys WHERE tenant = ? ORDER BY created_us", (tenant,))
        ]

    def create_pairing(self, tenant: str, page: str, *, device: str, site: str = "", days: int = 1) -> str:
        """A one-time code that turns a browser into `page` of `device`."""
        if page not in PAGES:
            raise ValueError(f"unknown page {page!r}; there are {', '.join(PAGES)}")
        code = secrets.token_urlsafe(16)
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO pairings VALUES (?, ?, ?, ?, ?, ?)",
                (_hash(code), tenant, device, site, page, self._now_us() + days * DAY),
            )
        return code

    def pair(self, code: str) -> tuple[str, str]:
        """Spend a pairing code; returns (page, key).

        Raises:
            PairingRefused: unknown, used or expired.
        """
        with self._database.write() as connection:
            row = connection.execute(
                "DELETE FROM pairings WHERE code_hash = ? RETURNING *", (_hash(code),)
            ).fetchone()
        if row is None or row["expires_us"] < self._now_us():
            raise PairingRefused
        key = self.create_key(row["tenant"], PAGES[row["page"]], device=row["device"], site=row["site"])
        return row["page"], key

    def authenticate(self, request: Request, *scopes: str) -> Caller:
        """The caller behind a request, who needs every one of `scopes`.

        Raises:
            KeyRefused: no valid key.
            ScopeMissing: a valid key without one of them.
        """
        page = request.headers.get(PAGE_HEADER, "")
        secret = request.headers.get("X-API-Key") or (
            request.cookies.get(f"usual_{page}") if page in PAGES else None
        )
        row = self._database.row("SELECT * FROM keys WHERE secret_hash = ?", (_hash(secret),)) if secret else None
        if row is None or row["expires_us"] < self._now_us():
            raise KeyRefused
        caller = Caller(
            tenant=row["tenant"],
            key_id=row["key_id"],
            device=row["device"],
            site=row["site"],
            scopes=frozenset(row["scopes"].split()),
        )
        for scope in scopes:
            if scope not in caller.scopes:
                raise ScopeMissing(scope)
        return caller
