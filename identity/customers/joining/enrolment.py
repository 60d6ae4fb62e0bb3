"""Enrolment: key, row, consent and templates of a new customer in one transaction, or nothing at all."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from identity.capture.embed import Capture
from identity.config import IdentityConfig
from identity.consent.codes import new_code
from identity.consent.ledger import ConsentLedger
from identity.consent.notices import Notice, Notices
from identity.consent.receipts import ReceiptKeys
from identity.customers.accounts import digest
from identity.customers.joining.answers import KeptAnswers
from identity.customers.joining.pending import Pending
from identity.customers.joining.signed_receipts import SignedReceipts
from identity.customers.links import Links
from identity.customers.pins import Pins
from identity.errors import FramesDiffer
from identity.matching.matcher import CustomerMatch, Matchers, masked_template
from identity.matching.thresholds import Vectors
from identity.results import Device, Enrolled
from identity.store import IdentityStores
from identity.store.customers import CustomerRow
from identity.vault.vault import Holder, Vault
from identity.vectors import mean_template
from plumbing.clock import DAY, Clock
from plumbing.idempotency import Asked
from plumbing.storage.database import DatabaseBusy

RACES = 20  # how often an enrolment starts again because the gallery changed meanwhile


@dataclass(frozen=True, slots=True)
class Agreed:
    """What somebody agreed to: the purposes, under which notice, and the PIN they chose, if any."""

    purposes: tuple[str, ...]
    notice: Notice
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class EnrolmentCodes:
    """Codes of a new customer; the database has their hashes only. `secret` sets the PIN until `until_us`."""

    receipt: str
    secret: str
    until_us: int

    @classmethod
    def new(cls, until_us: int) -> EnrolmentCodes:
        """The receipt is a code of `consent.codes`, to be read from paper."""
        return cls(new_code(), secrets.token_urlsafe(16), until_us)


class Enrolments:
    """Adds customers to the gallery of bare faces and, if the pack has one, to that of masked faces."""

    def __init__(
        self,
        config: IdentityConfig,
        stores: IdentityStores,
        vault: Vault,
        matchers: Matchers,
        ledger: ConsentLedger,
        pending: Pending,
        pins: Pins,
        now_us: Clock,
    ) -> None:
        self._pin_setup_life_us = config.pin_setup_life_us
        self._stores = stores
        self._vault = vault
        self._ledger = ledger
        self._pending = pending
        self._pins = pins
        self._receipts = SignedReceipts(ReceiptKeys.of(config.state), stores, ledger, Notices.of(config))
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
        device: Device,
        captures: Sequence[Capture],
        agreed: Agreed,
        refuse_known: Callable[[CustomerMatch], None],
        asked: Asked | None = None,
        earlier: CustomerRow | None = None,
    ) -> Enrolled:
        """Store a new customer with their face. They are in force when they confirm that they have their receipt
        (`Pending`). From then on they continue the enrolment `earlier`, and if other customers look like them, all
        of these need the PIN.

        `refuse_known` gets the customer that these captures surely show (`Matcher.surely_there`) and may raise.
        The answer to the request `asked` is kept with the customer (`answers`). Raises DatabaseBusy when others
        enrol without end. Nothing is stored when it raises.
        """
        self._clear.opened(device.tenant)
        with self._newcomer(device.tenant) as (holder, codes):
            made: list[Enrolled] = []

            def stored(alike: Sequence[str]) -> None:
                made.append(self._stored(holder, codes, ("face", *agreed.purposes), agreed, asked))
                self._pending.add(holder, device.name, alike, earlier)

            self._with_face(device, holder, captures, refuse_known, stored)
            return made[-1]

    def add_without_face(self, device: Device, agreed: Agreed, asked: Asked | None = None) -> Enrolled:
        """The same without a face: no template, and no consent to one."""
        with self._newcomer(device.tenant) as (holder, codes), self._stores.customers.writing():
            made = self._stored(holder, codes, agreed.purposes, agreed, asked)
            self._pending.add(holder, device.name)
            return made

    def add_face(
        self,
        device: Device,
        row: CustomerRow,
        captures: Sequence[Capture],
        notice: Notice,
        refuse_known: Callable[[CustomerMatch], None],
    ) -> None:
        """Give a customer who has none a face, at `device`. If others look like them, all of these need the PIN
        from now on."""
        self._clear.opened(row.tenant)

        def stored(alike: Sequence[str]) -> None:
            self._ledger.give(row.holder, ("face",), notice, language=notice.language)
            if alike:
                self._stores.customers.require_second_factor(row.tenant, [*alike, row.customer_id])

        self._with_face(device, row.holder, captures, refuse_known, stored)

    @contextmanager
    def _newcomer(self, tenant: str) -> Iterator[tuple[Holder, EnrolmentCodes]]:
        """A key and codes; the key is destroyed again when what is inside raises."""
        codes = EnrolmentCodes.new(self._now_us() + self._pin_setup_life_us)
        with ExitStack() as undo:
            holder = self._vault.admit(tenant, secrets.token_hex(16))
            undo.callback(self._vault.keys.destroy, holder.slot, holder.owner)
            yield holder, codes
            undo.pop_all()

    def _stored(
        self,
        holder: Holder,
        codes: EnrolmentCodes,
        purposes: Sequence[str],
        agreed: Agreed,
        asked: Asked | None,
    ) -> Enrolled:
        """Store row, consent and the kept answer, as a part of a transaction; what the device gets."""
        self._stores.customers.add_customer(self._new_row(holder, codes, agreed.pin))
        self._ledger.give(holder, purposes, agreed.notice, language=agreed.notice.language)
        made = Enrolled(
            codes.receipt,
            agreed.purposes,
            agreed.notice.version,
            codes.secret,
            codes.until_us,
            pin_is_set=agreed.pin is not None,
            signed_receipt=self._receipts.signed(holder.tenant, codes.receipt),
        )
        self.answers.keep(asked, holder, made)
        return made

    def _with_face(
        self,
        device: Device,
        holder: Holder,
        captures: Sequence[Capture],
        refuse_known: Callable[[CustomerMatch], None],
        stored: Callable[[Sequence[str]], None],
    ) -> None:
        """Store the templates of captures in one transaction with what `stored` stores before them; it gets the
        customers who look alike."""
        tenant, vectors = holder.tenant, _vectors(captures)
        for _ in range(RACES):
            gallery = self._clear.galleries.current(tenant)
            refuse_known(self._clear.surely_there(tenant, gallery, vectors))
            alike = self._clear.alike(tenant, gallery, vectors, device.site)
            sealed = self._clear.sealed(holder, gallery, mean_template(vectors))
            with self._stores.customers.writing():
                if not self._clear.unchanged(tenant, gallery.state):
                    continue  # the gallery changed meanwhile: the same person may have enrolled
                stored(alike)
                self._clear.put(holder, sealed, device.site)
                self._clear.learn_from(tenant, holder.customer_id, gallery, vectors)
                self._add_masked(device, holder, captures)
            return
        raise DatabaseBusy

    def _add_masked(self, device: Device, holder: Holder, captures: Sequence[Capture]) -> None:
        """Store the template for masked probes, in the same transaction."""
        twins = [capture.masked for capture in captures if capture.masked is not None]
        if self._masked is None or not twins:
            return
        clear, masked = _vectors(captures), np.stack(twins)
        gallery = self._masked.opened(holder.tenant)
        sealed = self._masked.sealed(holder, gallery, masked_template(clear, masked, self._masked.pack))
        self._masked.put(holder, sealed, device.site)
        self._masked.learn_from(holder.tenant, holder.customer_id, gallery, masked)

    def _new_row(self, holder: Holder, codes: EnrolmentCodes, pin: str | None) -> CustomerRow:
        return CustomerRow(
            tenant=holder.tenant,
            customer_id=holder.customer_id,
            slot=holder.slot,
            receipt_hash=digest(codes.receipt),
            links=self._vault.seal(holder, "links", Links.new({}).packed()),
            pin=None if pin is None else self._pins.sealed(holder, pin),
            pin_setup_hash=digest(codes.secret) if pin is None else None,
            pin_setup_until_us=codes.until_us,
            pin_failures=0,
            pin_locks=0,
            pin_locked_until_us=0,
            needs_second_factor=0,
            last_day=self._now_us() // DAY,
            confirmed=False,
        )


def _vectors(captures: Sequence[Capture]) -> Vectors:
    return np.stack([capture.vector for capture in captures])
