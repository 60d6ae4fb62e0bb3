"""The box's side: keeps copies of customers, under keys of the box's own, in its folder in memory."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from identity.config import LEDGER_PURPOSES, IdentityConfig
from identity.customers.accounts import Accounts
from identity.customers.leaving.erasure import Erasures
from identity.customers.links import ID_BYTES, Links
from identity.edge.people import FORMAT
from identity.errors import KeyDestroyed
from identity.matching.matcher import Matchers
from identity.store import IdentityStores
from identity.store.consents import ConsentDetails, ConsentLine
from identity.store.customers import CustomerRow
from identity.store.thresholds import TailKind
from identity.vault.vault import Holder, Vault
from plumbing.clock import Clock

KINDS: tuple[TailKind, ...] = ("single", "top")


class Replica:
    """The copies of one tenant's customers. Only the process that talks to the centre writes them."""

    def __init__(
        self,
        config: IdentityConfig,
        stores: IdentityStores,
        vault: Vault,
        matchers: Matchers,
        accounts: Accounts,
        erasures: Erasures,
        now_us: Clock,
    ) -> None:
        self._config = config
        self._stores = stores
        self._vault = vault
        self._matchers = matchers
        self._accounts = accounts
        self._erasures = erasures
        self._now_us = now_us

    def put(self, tenant: str, copy: Mapping[str, Any]) -> bool:
        """Keep a copy, or replace it; False for somebody who left here meanwhile.

        Raises ValueError: it is no copy that this version reads; nothing was kept.
        """
        try:
            if copy["format"] != FORMAT:
                raise ValueError(f"a copy of a customer has the format {FORMAT}")
            tag, links = _id(copy["tag"]), Links(str(copy["pseudonym"]), secrets.token_hex(ID_BYTES), {})
            templates = {str(pack): _vector(text) for pack, text in copy["templates"].items()}
            given = [name for name in LEDGER_PURPOSES if name in copy["given"]]
            times = {name: int(copy[name]) for name in ("paused_until_us", "last_day", "months")}
        except (KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise ValueError("this is no copy of a customer") from error
        before = self._stores.customers.customer(tenant, tag)
        if before is None and self._erasures.has_left(tenant, tag):
            return False
        if before is not None:
            self._close_tokens(before, given)
            times["paused_until_us"] = max(times["paused_until_us"], before.paused_until_us)
        row = self._row(tenant, tag, links, copy, times)
        for matcher in self._matchers:
            matcher.opened(tenant)
        with self._stores.customers.writing():
            if before is not None:
                self._stores.customers.delete_customer(tenant, tag, ended=None)
            self._stores.customers.add_customer(row)
            self._agree(row.holder, given, str(copy["notice"]), times["months"])
            if "face" in given:
                self._add_templates(row.holder, templates)
        if before is not None:
            self._end_key(before)
        return True

    def put_figures(self, tenant: str, figures: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over the tails of the tenant's cohort, and set the thresholds for the gallery of this box."""
        for matcher in self._matchers:
            for kind in KINDS:
                tail = figures.get(matcher.pack.id, {}).get(kind)
                if tail is not None and tail != self._stores.thresholds.tail(tenant, matcher.pack.id, kind):
                    self._stores.thresholds.keep_tail(
                        tenant, matcher.pack.id, kind, tail, people=0, now_us=self._now_us()
                    )
                    size = matcher.opened(tenant).size
                    matcher.thresholds.renew(tenant, size, always=True)
        self._matchers.keep_thresholds()

    def remove(self, tenant: str, tags: Iterable[str]) -> None:
        """Erase customers who left elsewhere: as if they had left here. Twice is no error."""
        for tag in tags:
            row = self._stores.customers.customer(tenant, _id(tag))
            if row is not None:
                self._erasures.erase(row, "elsewhere")

    def count(self) -> int:
        """How many customers the box knows."""
        return self._stores.customers.count()

    def _row(
        self, tenant: str, tag: str, links: Links, copy: Mapping[str, Any], times: Mapping[str, int]
    ) -> CustomerRow:
        holder = self._vault.admit(tenant, tag)
        return CustomerRow(
            tenant=tenant,
            customer_id=tag,
            slot=holder.slot,
            receipt_hash=str(copy["code"]),
            links=self._vault.seal(holder, "links", links.packed()),
            pin=None,
            pin_setup_hash=None,
            pin_setup_until_us=0,
            pin_failures=0,
            pin_locks=0,
            pin_locked_until_us=0,
            needs_second_factor=int(copy["needs_second_factor"]),
            last_day=times["last_day"],
            confirmed=True,
            paused_until_us=times["paused_until_us"],
            retention_months=times["months"],
        )

    def _agree(self, holder: Holder, given: Iterable[str], notice: str, months: int) -> None:
        """What they agreed to at the centre, as records of the box: it answers with no paper about them."""
        details = ConsentDetails(self._now_us(), notice, retention_months=months)
        lines = [
            details.line(self._vault, holder, ConsentLine(secrets.token_hex(ID_BYTES), 0, "given", name, b""))
            for name in given
        ]
        self._stores.consents.append(holder.tenant, holder.customer_id, lines)

    def _add_templates(self, holder: Holder, templates: Mapping[str, Any]) -> None:
        for matcher in self._matchers:
            vector = templates.get(matcher.pack.id)
            if vector is None or vector.shape != (matcher.pack.size,):
                continue
            gallery = matcher.galleries.current(holder.tenant)
            sealed = matcher.sealed(holder, gallery, vector)
            self._stores.galleries.put_template(holder.tenant, holder.customer_id, matcher.pack.id, sealed)

    def _close_tokens(self, row: CustomerRow, given: Iterable[str]) -> None:
        """When something was taken back, tokens in flight are closed: the next press opens what holds."""
        account = self._accounts.find(row.tenant, row.customer_id)
        if account is not None and set(account.standing.given) - set(given):
            self._accounts.close_tokens_of(row)

    def _end_key(self, row: CustomerRow) -> None:
        try:
            self._vault.keys.destroy(row.slot, row.holder.owner)
        except KeyDestroyed:
            return


def _id(text: object) -> str:
    name = str(text)
    if len(bytes.fromhex(name)) != ID_BYTES or name != name.lower():
        raise ValueError("a copy's name has 32 hexadecimal digits")
    return name


def _vector(text: object) -> Any:
    vector = np.frombuffer(base64.b64decode(str(text), validate=True), "<f4")
    if not np.isfinite(vector).all():
        raise ValueError("a template has numbers that are none")
    return vector
