"""A shop's own account, tied to a pseudonym by the customer: never by the shop alone.

The shop's system knows an account and asks for a one-time code for it; the customer types the code on a screen
where they are recognised. So both have to agree, and the shop does not learn which pseudonym it is. The account's
events stay the account's: nothing of them is written under the pseudonym, and nothing else under the account.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from plumbing.clock import MINUTE
from plumbing.storage.database import Database
from recommender.errors import AccountUnusable, LinkCodeWrong, TooManyLinkCodes

ACCOUNT = "account"
"""The purpose that a token names while its customer agrees to the tie; without it none counts."""

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # pragma: allowlist secret - an alphabet
LENGTH = 10
"""49 random bits: ten minutes and five tries are no time to guess one."""

LIFE_US = 10 * MINUTE
MOST_OPEN = 5
"""Codes of one account that are open at a time."""

MOST_WRONG = 5
"""Wrong codes of one customer in ten minutes."""

PSEUDONYM = re.compile(r"^[A-Za-z0-9_-]{22}$")

STAYS = (
    "The shop's own account and what the shop's system recorded under it stay with the shop, which keeps them for"
    " reasons of its own. They are not tied to anybody any more; ask the shop to delete them."
)
"""What an erasure receipt says of a tied account."""


@dataclass(frozen=True, slots=True)
class LinkCode:
    """A code to tie an account with; valid once, until `expires_us` (microseconds UTC)."""

    code: str
    expires_us: int


class AccountTies:
    """Ties and codes of all tenants. `key` hashes codes, `customer_hash` pseudonyms."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._database = database
        self._key = key

    def account(self, tenant: str, pseudonym: str) -> str | None:
        """The account that is tied to a customer. One indexed lookup, with every answer for a customer."""
        row = self._database.row(
            "SELECT account FROM account_ties WHERE tenant = ? AND pseudonym = ?", (tenant, pseudonym)
        )
        return row["account"] if row else None

    def new_code(self, tenant: str, account: str, now_us: int) -> LinkCode:
        """A one-time code for an account of the shop, which its system shows to whoever the account belongs to.

        Raises:
            AccountUnusable: it is no account of an import, but looks like a customer of this house.
            TooManyLinkCodes: this account has `MOST_OPEN` codes that are not used yet.
        """
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        with self._database.write() as connection:
            if self._is_ours(tenant, account):
                raise AccountUnusable
            connection.execute(
                "DELETE FROM link_codes WHERE expires_us <= ? OR expires_us > ?", (now_us, now_us + LIFE_US)
            )
            open_now = connection.execute(
                "SELECT COUNT(*) FROM link_codes WHERE tenant = ? AND account = ?", (tenant, account)
            ).fetchone()[0]
            if open_now >= MOST_OPEN:
                raise TooManyLinkCodes
            connection.execute(
                "INSERT INTO link_codes VALUES (?, ?, ?, ?)",
                (tenant, self._hash(tenant, "code", code), account, now_us + LIFE_US),
            )
        return LinkCode(f"{code[:5]}-{code[5:]}", now_us + LIFE_US)

    def _is_ours(self, tenant: str, account: str) -> bool:
        """Whether this may be a pseudonym: a code for one would open a stranger's history."""
        if not account or PSEUDONYM.match(account):
            return True
        found = self._database.row(
            "SELECT EXISTS (SELECT 1 FROM events WHERE tenant = ? AND customer = ? AND sender <> '')"
            " OR EXISTS (SELECT 1 FROM offer_decisions WHERE tenant = ? AND pseudonym = ?)"
            " OR EXISTS (SELECT 1 FROM account_ties WHERE tenant = ? AND pseudonym = ?) AS found",
            (tenant, account) * 3,
        )
        return bool(found and found["found"])

    def tie(
        self, tenant: str, pseudonym: str, code: str, now_us: int, *, check: Callable[[], None] = lambda: None
    ) -> str:
        """Tie the account of a code to a customer, in the place of one that was tied before; returns the account.

        `check` is called first, in the same transaction: what it raises is raised, and nothing is stored.

        Raises:
            LinkCodeWrong: unknown, used, expired, of another tenant, or too many wrong ones lately: one answer.
        """
        typed = re.sub(r"[\s-]", "", code.upper())
        who = self._hash(tenant, "customer", pseudonym)
        account: str | None = None
        with self._database.write() as connection:
            check()
            row = connection.execute(
                "SELECT n, until_us FROM link_failures WHERE tenant = ? AND customer_hash = ?", (tenant, who)
            ).fetchone()
            failed = row["n"] if row and now_us < row["until_us"] <= now_us + LIFE_US else 0
            if failed < MOST_WRONG:
                found = connection.execute(
                    "DELETE FROM link_codes WHERE tenant = ? AND code_hash = ? RETURNING account, expires_us",
                    (tenant, self._hash(tenant, "code", typed)),
                ).fetchone()
                if found and now_us < found["expires_us"] <= now_us + LIFE_US:
                    account = found["account"]
            if account is None:
                connection.execute(
                    "INSERT INTO link_failures VALUES (?, ?, ?, ?) ON CONFLICT (tenant, customer_hash)"
                    " DO UPDATE SET n = excluded.n, until_us = excluded.until_us",
                    (tenant, who, failed + 1, row["until_us"] if failed else now_us + LIFE_US),
                )
            else:
                connection.execute(
                    "INSERT INTO account_ties VALUES (?, ?, ?) ON CONFLICT (tenant, pseudonym)"
                    " DO UPDATE SET account = excluded.account",
                    (tenant, pseudonym, account),
                )
        if account is None:
            raise LinkCodeWrong
        return account

    def untie(self, tenant: str, pseudonym: str) -> bool:
        """End the tie at once; whether there was one."""
        gone = self._database.change(
            "DELETE FROM account_ties WHERE tenant = ? AND pseudonym = ? RETURNING account", (tenant, pseudonym)
        )
        return bool(gone)

    def _hash(self, tenant: str, what: str, text: str) -> str:
        return hmac.new(self._key, f"{what}\n{tenant}\n{text}".encode(), hashlib.sha256).hexdigest()
