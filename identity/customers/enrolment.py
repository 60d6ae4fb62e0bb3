"""Somebody new comes into the galleries: key, row, consent and templates in one transaction, or nothing at all."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from identity.capture.embed import Capture
from identity.consent import ConsentEvent
from identity.customers.links import Links
from identity.errors import FramesDiffer
from identity.matching.matcher import Matcher, masked_template
from identity.matching.thresholds import Vectors
from identity.store.customers import CustomerRow, Store
from identity.vault.vault import Holder, Vault
from identity.vectors import mean_template
from plumbing.clock import DAY, Clock
from plumbing.database import DatabaseBusy

RACES = 20  # how often an enrolment looks again because somebody else enrolled meanwhile


@dataclass(frozen=True, slots=True)
class EnrolmentCodes:
    """What a new customer gets as text and the database as hashes: `secret` sets the PIN until `until_us`."""

    receipt: str
    secret: str
    until_us: int

    @classmethod
    def new(cls, until_us: int) -> EnrolmentCodes:
        """The receipt is 125 random bits as five groups of five letters and digits: to be read from paper."""
        letters = base64.b32encode(secrets.token_bytes(16)).decode()[:25]
        receipt = "-".join(letters[n : n + 5] for n in range(0, 25, 5))
        return cls(receipt, secrets.token_urlsafe(16), until_us)


class Enrolments:
    """Adds customers to the clear side and, where there is one, to the masked one."""

    def __init__(self, store: Store, vault: Vault, clear: Matcher, masked: Matcher | None, now_us: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clear = clear
        self._masked = masked
        self._now_us = now_us

    def require_one_person(self, tenant: str, captures: Sequence[Capture]) -> None:
        """Every frame must look like the mean of the others. Raises FramesDiffer."""
        vectors = _vectors(captures)
        least = self._clear.thresholds.one_person(tenant)
        for n, vector in enumerate(vectors):
            if float(vector @ mean_template(np.delete(vectors, n, axis=0))) < least:
                raise FramesDiffer

    def add(
        self,
        tenant: str,
        captures: Sequence[Capture],
        links: Links,
        events: Sequence[ConsentEvent],
        codes: EnrolmentCodes,
        refuse_known: Callable[[str | None], None],
    ) -> None:
        """Keep somebody new, and ask for more than a face from now on of whoever looks like them.

        `refuse_known` is told whom these captures surely show (see `Matcher.surely_there`) and may raise. Raises
        DatabaseBusy when others enrol without end. Nothing is kept when it raises.
        """
        customer_id, vectors = secrets.token_hex(16), _vectors(captures)
        self._clear.opened(tenant)
        with ExitStack() as undo:
            holder = self._vault.admit(tenant, customer_id)
            undo.callback(self._vault.keys.destroy, holder.slot, holder.owner)
            row = self._new_row(holder, links, codes)
            for _ in range(RACES):
                gallery = self._clear.galleries.current(tenant)
                refuse_known(self._clear.surely_there(tenant, gallery, vectors))
                alike = self._clear.alike(tenant, gallery, vectors)
                sealed = self._clear.sealed(holder, gallery, mean_template(vectors))
                with self._store.writing():
                    if not self._clear.unchanged(tenant, gallery.state):
                        continue  # somebody enrolled or left meanwhile: it may have been the same person
                    flagged = replace(row, needs_second_factor=bool(alike))
                    self._store.add_customer(flagged, self._clear.pack.id, sealed, events)
                    self._store.require_second_factor(tenant, alike)
                    self._clear.learn_from(tenant, customer_id, gallery, vectors)
                    self._add_masked(holder, captures)
                undo.pop_all()
                return
            raise DatabaseBusy

    def _add_masked(self, holder: Holder, captures: Sequence[Capture]) -> None:
        """The template for masked probes, in the transaction of the other one."""
        twins = [capture.masked for capture in captures if capture.masked is not None]
        if self._masked is None or not twins:
            return
        clear, masked = _vectors(captures), np.stack(twins)
        gallery = self._masked.opened(holder.tenant)
        sealed = self._masked.sealed(holder, gallery, masked_template(clear, masked, self._masked.pack))
        self._store.put_template(holder.tenant, holder.customer_id, self._masked.pack.id, sealed)
        self._masked.learn_from(holder.tenant, holder.customer_id, gallery, masked)

    def _new_row(self, holder: Holder, links: Links, codes: EnrolmentCodes) -> CustomerRow:
        return CustomerRow(
            tenant=holder.tenant,
            customer_id=holder.customer_id,
            slot=holder.slot,
            receipt_hash=digest(codes.receipt),
            links=self._vault.seal(holder, "links", links.packed()),
            pin=None,
            pin_setup_hash=digest(codes.secret),
            pin_setup_until_us=codes.until_us,
            pin_failures=0,
            pin_locks=0,
            pin_locked_until_us=0,
            needs_second_factor=False,
            last_day=self._now_us() // DAY,
        )


def digest(code: str) -> str:
    """A receipt or secret as it is kept: both are random, so a plain hash leads back to neither."""
    return hashlib.sha256(code.encode()).hexdigest()


def _vectors(captures: Sequence[Capture]) -> Vectors:
    return np.stack([capture.vector for capture in captures])
