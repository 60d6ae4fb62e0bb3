"""Enrolment: key, row, consent and templates of a new customer in one transaction, or nothing at all."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from identity.capture.embed import Capture
from identity.config import IdentityConfig
from identity.consent.ledger import give
from identity.consent.notices import notice_of
from identity.customers.accounts import digest
from identity.customers.answers import KeptAnswers
from identity.customers.links import Links
from identity.customers.re_enrolment import continue_as
from identity.errors import EnrolmentUnknown, FramesDiffer
from identity.matching.matcher import CustomerMatch, Matchers, masked_template
from identity.matching.thresholds import Vectors
from identity.results import Enrolled
from identity.store import IdentityStores
from identity.store.customers import CustomerRow
from identity.vault.vault import Holder, Vault
from identity.vectors import mean_template
from plumbing.clock import DAY, Clock
from plumbing.idempotency import Asked
from plumbing.storage.database import DatabaseBusy

RACES = 20  # how often an enrolment starts again because the gallery changed meanwhile


@dataclass(frozen=True, slots=True)
class EnrolmentCodes:
    """Codes of a new customer; the database has their hashes only. `secret` sets the PIN until `until_us`."""

    receipt: str
    secret: str
    until_us: int

    @classmethod
    def new(cls, until_us: int) -> EnrolmentCodes:
        """The receipt is 125 random bits as five groups of five letters and digits, to be read from paper."""
        letters = base64.b32encode(secrets.token_bytes(16)).decode()[:25]
        receipt = "-".join(letters[n : n + 5] for n in range(0, 25, 5))
        return cls(receipt, secrets.token_urlsafe(16), until_us)


class Enrolments:
    """Adds customers to the gallery of bare faces and, if the pack has one, to that of masked faces."""

    def __init__(
        self, config: IdentityConfig, stores: IdentityStores, vault: Vault, matchers: Matchers, now_us: Clock
    ) -> None:
        self._notice = notice_of(config)
        self._pin_setup_life_us = config.pin_setup_life_us
        self._stores = stores
        self._vault = vault
        self._clear = matchers.clear
        self._masked = matchers.masked
        self._now_us = now_us
        self.answers = KeptAnswers(stores.answers, vault, now_us)

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
        purposes: Sequence[str],
        refuse_known: Callable[[CustomerMatch], None],
        asked: Asked | None = None,
    ) -> tuple[Links, EnrolmentCodes]:
        """Store a new customer, who agreed to `purposes`; their links and codes. If other customers look like
        them, all of these need the PIN from now on.

        `refuse_known` gets the customer that these captures surely show (`Matcher.surely_there`) and may raise.
        The answer to the request `asked` is kept with the customer (`answers`). Raises DatabaseBusy when others
        enrol without end. Nothing is stored when it raises.
        """
        events = give(purposes, self._notice, self._now_us())
        links = Links.new({event.purpose: event.record_id for event in events})
        codes = EnrolmentCodes.new(self._now_us() + self._pin_setup_life_us)
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
                with self._stores.customers.writing():
                    if not self._clear.unchanged(tenant, gallery.state):
                        continue  # the gallery changed meanwhile: the same person may have enrolled
                    flagged = replace(row, needs_second_factor=bool(alike))
                    self._stores.customers.add_customer(flagged, self._clear.pack.id, sealed, events)
                    self._stores.customers.require_second_factor(tenant, alike)
                    self._clear.learn_from(tenant, customer_id, gallery, vectors)
                    self._add_masked(holder, captures)
                    self.answers.keep(asked, holder, self.answer(purposes, codes))
                undo.pop_all()
                return links, codes
            raise DatabaseBusy

    def answer(self, purposes: Sequence[str], codes: EnrolmentCodes) -> Enrolled:
        """What the device gets."""
        return Enrolled(codes.receipt, tuple(purposes), self._notice.version, codes.secret, codes.until_us)

    def continue_as(self, earlier: CustomerRow, receipt: str, links: Links) -> Links:
        """Hand the pseudonym, history and PIN of `earlier` to the customer who has `receipt`; their links from now
        on. `links` stay those of the new customer when either has opted out meanwhile."""
        later = self._stores.customers.customer_of_receipt(earlier.tenant, digest(receipt))
        if later is None:
            return links
        try:
            return continue_as(self._stores.customers, self._vault, earlier, later, self._now_us())
        except EnrolmentUnknown:
            return links

    def _add_masked(self, holder: Holder, captures: Sequence[Capture]) -> None:
        """Store the template for masked probes, in the same transaction."""
        twins = [capture.masked for capture in captures if capture.masked is not None]
        if self._masked is None or not twins:
            return
        clear, masked = _vectors(captures), np.stack(twins)
        gallery = self._masked.opened(holder.tenant)
        sealed = self._masked.sealed(holder, gallery, masked_template(clear, masked, self._masked.pack))
        self._stores.galleries.put_template(holder.tenant, holder.customer_id, self._masked.pack.id, sealed)
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


def _vectors(captures: Sequence[Capture]) -> Vectors:
    return np.stack([capture.vector for capture in captures])
