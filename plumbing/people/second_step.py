"""The second step of signing in: the codes of an app (TOTP, RFC 6238), and recovery codes for a lost phone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import pyotp

from plumbing.clock import MINUTE, SECOND, Clock
from plumbing.people.errors import CodeNeeded, NotProven, SecondStepRefused, SignInRefused
from plumbing.people.sealing import Sealing
from plumbing.storage.database import Connection, Row

ISSUER = "Usual"
STEP_S = 30
EITHER_SIDE = 1  # steps that a phone's clock may be off
OFFER_US = 10 * MINUTE
RECOVERY_CODES = 10
APP, OFFER = "code app", "offer of a code app"  # uses of the seal


@dataclass(frozen=True, slots=True)
class Offer:
    """A code app that is not switched on yet: `sealed` comes back with its first code, `address` is for its QR."""

    sealed: str
    secret: str
    address: str


class SecondStep:
    """Codes of apps and recovery codes. A code is taken once."""

    def __init__(self, sealing: Sealing, now_us: Clock) -> None:
        self._sealing = sealing
        self._now_us = now_us

    def offer(self, row: Row) -> Offer:
        """A new secret for the user of `row`. Raises SecondStepRefused: they have an app."""
        if row["totp"]:
            raise SecondStepRefused("You have a code app already; switch it off first.")
        secret = pyotp.random_base32()
        address = pyotp.TOTP(secret).provisioning_uri(name=row["name"], issuer_name=ISSUER)
        return Offer(self._sealing.seal(OFFER, _whose(row), secret), secret, address)

    def switch_on(self, connection: Connection, row: Row, sealed: str, code: str) -> list[str]:
        """Use an offer with its first code; returns the recovery codes, shown this once.

        Raises:
            SecondStepRefused: the offer has ended, or there is an app. NotProven: a wrong code.
        """
        secret = self._sealing.open(OFFER, _whose(row), sealed, life_us=OFFER_US)
        if row["totp"] or secret is None:
            raise SecondStepRefused
        connection.execute("DELETE FROM code_uses WHERE tenant = ? AND user_id = ?", _whose(row))
        if not self._takes(connection, row, secret, _plain(code)):
            raise NotProven
        connection.execute(
            "UPDATE users SET totp = ? WHERE tenant = ? AND user_id = ?",
            (self._sealing.seal(APP, _whose(row), secret), *_whose(row)),
        )
        return self.new_recovery_codes(connection, row)

    def check(self, connection: Connection, row: Row, code: str) -> None:
        """Use a code of the user of `row`; without an app there is nothing to check.

        Raises:
            CodeNeeded: there is an app and no code. SignInRefused: a wrong one, or one that was used before.
        """
        if not row["totp"]:
            return
        plain = _plain(code)
        if not plain:
            raise CodeNeeded
        secret = self._sealing.open(
            APP, _whose(row), row["totp"]
        )  # None: the key was lost, recovery codes still work
        if secret is not None and self._takes(connection, row, secret, plain):
            return
        used = connection.execute(
            "DELETE FROM recovery_codes WHERE tenant = ? AND user_id = ? AND code_hash = ?",
            (*_whose(row), _hash(row, plain)),
        )
        if used.rowcount != 1:
            raise SignInRefused

    def new_recovery_codes(self, connection: Connection, row: Row) -> list[str]:
        """Ten codes of 80 random bits in place of the earlier ones; only their hashes are kept."""
        connection.execute("DELETE FROM recovery_codes WHERE tenant = ? AND user_id = ?", _whose(row))
        codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
        for code in codes:
            connection.execute("INSERT INTO recovery_codes VALUES (?, ?, ?)", (*_whose(row), _hash(row, code)))
        return ["-".join(code[place : place + 4] for place in range(0, 16, 4)) for code in codes]

    def _takes(self, connection: Connection, row: Row, secret: str, code: str) -> bool:
        """Whether this is a code of the app that was not used; then it is used."""
        app, now = pyotp.TOTP(secret), self._now_us() // SECOND // STEP_S
        steps = range(now - EITHER_SIDE, now + EITHER_SIDE + 1)
        step = next(
            (one for one in steps if hmac.compare_digest(app.generate_otp(one).encode(), code.encode())), None
        )
        if step is None:
            return False
        # A step beyond what any code has now was used under a clock that was ahead: it locks nobody out.
        done = connection.execute(
            "INSERT INTO code_uses VALUES (?, ?, ?) ON CONFLICT (tenant, user_id) DO UPDATE"
            " SET step = excluded.step WHERE code_uses.step < excluded.step OR code_uses.step > ? RETURNING step",
            (*_whose(row), step, now + EITHER_SIDE),
        ).fetchall()
        return bool(done)


def _whose(row: Row) -> tuple[str, str]:
    return row["tenant"], row["user_id"]


def _plain(code: str) -> str:
    return "".join(sign for sign in code.casefold() if sign.isalnum())


def _hash(row: Row, code: str) -> str:
    return hashlib.sha256(f"{row['tenant']}\n{row['user_id']}\n{code}".encode()).hexdigest()
