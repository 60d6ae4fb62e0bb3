"""Opt-outs that a member of staff ends: the face shows one of several, and neither PIN nor code says which.

All of them are paused at once: nobody is greeted, and nothing is forgotten yet. A customer whose pause ended, on
its own or because they resumed it, is held no longer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from identity.audit.log import Audit
from identity.customers.accounts import Account, Accounts
from identity.customers.leaving.erasure import Erasures
from identity.customers.pins import Pins
from identity.errors import CodeOrPinWrong, HeldOfSeveral, HeldUnknown, PinWrong
from identity.store import IdentityStores
from identity.store.customers import CustomerRow
from identity.store.held import HeldRow

SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # pragma: allowlist secret - none is taken for another one read aloud
LENGTH = 8
log = structlog.get_logger(__name__)


class Pauses(Protocol):
    """Pausing customers, as the consent ledger does it."""

    def pause(self, row: CustomerRow) -> object:
        """Greet this customer no longer, for 30 days. Twice is no error."""

    def resume(self, row: CustomerRow) -> object:
        """Greet this customer again."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One held opt-out: how many customers it may be, and whether one of them has a PIN."""

    tenant: str
    reference: str
    customers: int
    with_pin: bool


class Held:
    """Holds opt-outs, lists them, ends them. What two operators do at once is done once."""

    def __init__(
        self,
        stores: IdentityStores,
        accounts: Accounts,
        pauses: Pauses,
        pins: Pins,
        erasures: Erasures,
        audit: Audit,
    ) -> None:
        self._stores = stores
        self._store = stores.held
        self._accounts = accounts
        self._pauses = pauses
        self._pins = pins
        self._erasures = erasures
        self._audit = audit
        self.on_hold: Callable[[str, Sequence[str], str], None] = lambda tenant, customer_ids, reference: None
        """Gets tenant, customer ids and reference after people were paused: a store box says it on."""

    def hold(self, accounts: Sequence[Account], wanted: str | None = None) -> str:
        """Pause all of them, and the reference that a member of staff types; the same people get the same one.
        `wanted` is the one that a store box has given them."""
        tenant, ids = accounts[0].row.tenant, sorted(account.row.customer_id for account in accounts)
        with self._store.database.erasing(), self._store.writing():
            reference = self._same(tenant, ids)
            for account in accounts:
                self._pauses.pause(account.row)
            if reference is None:
                reference = wanted or "".join(secrets.choice(SIGNS) for _ in range(LENGTH))
                self._store.add(tenant, reference, ids)
        self._note("paused", accounts)
        self.on_hold(tenant, ids, reference)
        return spaced(reference)

    def waiting(self) -> list[Waiting]:
        """The opt-outs that somebody waits for."""
        found: dict[tuple[str, str], list[Account | None]] = {}
        for row in self._store.all():
            account = self._held_still(row)
            if account is not None or row.erasing:
                found.setdefault((row.tenant, row.reference), []).append(account)
        return [
            Waiting(tenant, spaced(name), len(some), any(one and one.row.pin for one in some))
            for (tenant, name), some in found.items()
        ]

    def resume(self, reference: str) -> int:
        """Nobody wanted to leave: all of them are greeted as before; how many. Raises HeldUnknown."""
        with self._store.writing():
            rows = self._rows(reference)
            if any(row.erasing for row, _ in rows):
                raise HeldUnknown
            self._let_go([row for row, _ in rows])
        self._note("resumed", [account for _, account in rows])
        return len(rows)

    def erase(self, reference: str, proof: str | None = None, *, everybody: bool = False) -> int:
        """Erase the person who asked; how many enrolments were. The others under the reference are greeted again.

        Of several, `proof` (the code or the PIN) says which it is; `everybody` erases all of them. Raises
        HeldUnknown, HeldOfSeveral without either, PinWrong, PinLocked or CodeOrPinWrong.
        """
        rows = self._rows(reference)
        begun = [account for row, account in rows if row.erasing]
        if begun:
            chosen = begun  # decided before, and interrupted
        elif len(rows) == 1 or everybody:
            chosen = [account for _, account in rows]
        elif proof is None:
            raise HeldOfSeveral(len(rows))
        else:
            chosen = self._proven([account for _, account in rows], proof)
        ids = {account.row.customer_id for account in chosen}
        with self._store.database.erasing(), self._store.writing():
            rows = self._rows(reference)  # another operator may have been first
            if not ids & {row.customer_id for row, _ in rows}:
                raise HeldUnknown
            for row, _ in rows:
                if row.customer_id in ids:
                    self._store.mark_erasing(row)
            self._let_go([row for row, _ in rows if row.customer_id not in ids])
        for account in chosen:
            self._erasures.erase(account.row, "staff")
        return len(chosen)

    def _proven(self, accounts: Sequence[Account], proof: str) -> list[Account]:
        """Whose code or PIN `proof` is."""
        if len(proof) == 4:
            right = {row.customer_id for row in self._pins.right_of([account.row for account in accounts], proof)}
            if not right:
                raise PinWrong
        else:
            row = self._accounts.row_of_code(accounts[0].row.tenant, proof)
            right = set() if row is None else {row.customer_id}
        chosen = [account for account in accounts if account.row.customer_id in right]
        if not chosen:
            raise CodeOrPinWrong
        return chosen

    def _note(self, outcome: str, accounts: Sequence[Account]) -> None:
        """Audit lines about what is done already: a full disk does not undo it."""
        try:
            for account in accounts:
                self._audit.note(account.row.tenant, "forget", outcome, account.links.audit)
        except OSError as error:
            log.warning("audit_not_written", error=type(error).__name__)

    def _let_go(self, rows: Sequence[HeldRow]) -> None:
        for row in rows:
            account = self._accounts.find(row.tenant, row.customer_id)
            if account is not None:
                self._pauses.resume(account.row)
            self._store.release(row)

    def _rows(self, reference: str) -> list[tuple[HeldRow, Account]]:
        """Who is still held under a reference. Raises HeldUnknown."""
        name = "".join(reference.upper().replace("-", "").split())
        rows = [(row, self._held_still(row)) for row in self._store.of_reference(name)]
        still = [(row, account) for row, account in rows if account is not None]
        if not still:
            raise HeldUnknown
        return still

    def _held_still(self, row: HeldRow) -> Account | None:
        """The customer, unless they are gone or their pause has ended."""
        account = self._accounts.find(row.tenant, row.customer_id)
        return account if account is not None and (row.erasing or account.is_paused) else None

    def _same(self, tenant: str, ids: list[str]) -> str | None:
        """A reference under which exactly these customers are held already."""
        for name in self._store.references(tenant, ids[0]):
            if sorted(row.customer_id for row in self._store.of_reference(name)) == ids:
                return name
        return None


def spaced(reference: str) -> str:
    """As it is read and typed: two groups of four."""
    return f"{reference[:4]}-{reference[4:]}"
