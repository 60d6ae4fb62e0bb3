"""What the identity half does, each told top to bottom: press, recognise, enrol, raise, forget.

A frame comes in as bytes and leaves as nothing; what goes out is a decision and an opaque token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

import numpy as np
import structlog

from identity import consent, tokens
from identity.audit import NOBODY, Audit
from identity.capture import Capture
from identity.captures import captures_of, usable_vectors
from identity.config import LONGEST_NAME, IdentityConfig
from identity.engines import FaceEngine
from identity.erasures import Erasures
from identity.errors import (
    AlreadyEnrolled,
    CaptureError,
    EnrolmentUnknown,
    FramesDiffer,
    KeyDestroyed,
    NameTooLong,
    PinSetupRefused,
    TokenExpired,
    TooFewFrames,
)
from identity.gallery import SHORTLIST, Galleries, Snapshot, sealed_template
from identity.links import Links
from identity.matching import decide, mean_template, top_scores
from identity.metrics import Metrics
from identity.pins import Pins
from identity.presses import Presses
from identity.store import CustomerRow, Store
from identity.succession import succeed
from identity.thresholds import TEMPLATE_FRAMES, Thresholds, Vectors
from identity.vault import Holder, Vault, new_salt
from plumbing.clock import DAY, MINUTE, Clock
from plumbing.database import DatabaseBusy
from plumbing.limits import Limits

__all__ = ["Device", "Enrolled", "Recognition", "Service"]
log = structlog.get_logger(__name__)
RACES = 20  # how often an enrolment looks again because somebody else enrolled meanwhile


@dataclass(frozen=True, slots=True)
class Device:
    """Where a press is made. A token is good on this device alone."""

    tenant: str
    name: str

    def __post_init__(self) -> None:
        for text in (self.tenant, self.name):
            if len(text.encode()) > LONGEST_NAME or "\0" in text:
                raise NameTooLong


@dataclass(frozen=True, slots=True)
class Recognition:
    """`token` is None unless the decision is "matched", or "ambiguous" for somebody whose PIN can settle it."""

    decision: str
    token: str | None = None
    expires_us: int | None = None
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a new customer gets. `pin_secret` sets the PIN, once, until `pin_until_us`."""

    receipt: str
    purposes: tuple[str, ...]
    notice_version: str
    pin_secret: str
    pin_until_us: int


@dataclass(frozen=True, slots=True)
class _Known:
    """A customer who was found, with what their key opened."""

    row: CustomerRow
    links: Links
    purposes: tuple[str, ...]


class Service:
    """One engine pack, any number of tenants. Safe with threads and with several processes on one state folder."""

    def __init__(
        self,
        *,
        config: IdentityConfig,
        engine: FaceEngine,
        store: Store,
        vault: Vault,
        presses: Presses,
        limits: Limits,
        galleries: Galleries,
        thresholds: Thresholds,
        pins: Pins,
        erasures: Erasures,
        audit: Audit,
        metrics: Metrics,
        now_us: Clock,
    ) -> None:
        self.config = config
        self.notice = consent.notice_of(config)
        self.engine = engine
        self.store = store
        self.erasures = erasures
        self._vault = vault
        self._presses = presses
        self._limits = limits
        self._galleries = galleries
        self._thresholds = thresholds
        self._pins = pins
        self._audit = audit
        self._metrics = metrics
        self._now_us = now_us
        self._token_ids = vault.keys.derive("token ids")

    # --- press

    def press(self, device: Device) -> tuple[str, int]:
        """A nonce for one look at one face, and when it expires. Raises TooManyFailures."""
        nonce, expires = self._presses.open(device.tenant, device.name)
        self._metrics.presses.inc()
        self.erasures.due()
        return nonce, expires

    def _look(self, device: Device, nonce: str, frames: Sequence[bytes], *, least: int = 1) -> list[Capture]:
        """Use up the press, then look. Raises a PressError before anything is decoded."""
        self._presses.claim(device.tenant, device.name, nonce)
        try:
            return captures_of(self.engine, frames, self._metrics, least=least)
        except CaptureError:
            self._presses.unjudged(device.tenant, device.name)
            raise

    # --- recognise

    def recognise(self, device: Device, nonce: str, frames: Sequence[bytes]) -> Recognition:
        """Who pressed, as a token; a stranger, a doubtful match and a customer of somebody else are all nobody.

        Raises a PressError before anything is decoded, a FrameError or CaptureError when no frame is usable.
        """
        captures = self._look(device, nonce, frames)
        decision, known = self._who(device.tenant, captures)
        # The token is minted for nobody too, so that both answers take the same work.
        opens = () if known is None or decision == "ambiguous" else known.purposes
        token, expires = self._token(device, known, opens, "face")
        if known is None:
            self._audit.note(device.tenant, "recognise", "nobody", NOBODY)
            self._metrics.recognitions.labels(outcome=decision).inc()
            return Recognition(decision)
        self._presses.succeeded(device.tenant, device.name)
        self._visited(known.row)
        self._audit.note(device.tenant, "recognise", decision, known.links.audit)
        self._metrics.recognitions.labels(outcome=decision).inc()
        return Recognition(decision, token, expires, opens)

    def _who(self, tenant: str, captures: Sequence[Capture]) -> tuple[str, _Known | None]:
        """(decision, customer): a customer who may not be greeted by face alone is "ambiguous" with a customer."""
        gallery = self._galleries.current(tenant)
        calibration = self._thresholds.current(tenant, gallery.size, len(captures))
        if calibration is None:
            return "unknown", None
        probes = gallery.turned(np.stack([capture.vector for capture in captures[: calibration.frames]]))
        near = gallery.near(probes)
        decision = decide(probes, near.matrix, calibration, size=near.size)
        if decision.index is None:
            return decision.outcome, None
        known = self._known(tenant, near.ids[decision.index])
        if known is None or not known.purposes:
            return "unknown", None
        return ("ambiguous" if known.row.needs_second_factor else "matched"), known

    def _known(self, tenant: str, customer_id: str) -> _Known | None:
        """A customer as the database and the key file have them now: an opt-out anywhere is in force here."""
        row = self.store.customer(tenant, customer_id)
        if row is None:
            return None
        try:
            links = Links.unpacked(self._vault.open(_holder(row), "links", row.links))
        except KeyDestroyed:
            return None
        events = self.store.consents(tenant, tuple(links.consents.values()))
        return _Known(row, links, consent.in_force(events))

    def _token(self, device: Device, known: _Known | None, purposes: Sequence[str], level: str) -> tuple[str, int]:
        now = self._now_us()
        customer_id = secrets.token_hex(16) if known is None else known.row.customer_id
        claims = tokens.Claims(
            pseudonym=secrets.token_urlsafe(16) if known is None else known.links.pseudonym,
            tenant=device.tenant,
            device=device.name,
            purposes=tuple(purposes),
            level=level,
            issued_us=now,
            expires_us=now + self.config.token_life_us,
            token_id=tokens.token_id_for(self._token_ids, customer_id),
        )
        return tokens.mint(self.config.token_keys, claims), claims.expires_us

    def _visited(self, row: CustomerRow) -> None:
        today = self._now_us() // DAY
        if row.last_day < today:
            self.store.visited(row.tenant, row.customer_id, today)

    # --- enrol

    def enrol(
        self,
        device: Device,
        nonce: str,
        frames: Sequence[bytes],
        *,
        purposes: Mapping[str, bool],
        notice_version: str,
        age_confirmed: bool,
        somebody_else: bool = False,
        earlier: str | None = None,
    ) -> Enrolled:
        """Enrol the person at the device, for the purposes they agreed to. `earlier` is the receipt of an
        enrolment with another engine pack that they go on from: history and PIN stay theirs (`succession`).

        Raises a ConsentError before a frame is looked at, then as `recognise` does; TooFewFrames, FramesIdentical,
        FramesDiffer; AlreadyEnrolled unless `somebody_else`; EnrolmentUnknown. Nothing is kept when it raises.
        """
        before = None if earlier is None else self._holder_of(device, earlier)
        given = consent.check(
            purposes, notice_version=notice_version, age_confirmed=age_confirmed, notice=self.notice
        )
        if len(frames) < TEMPLATE_FRAMES:
            raise TooFewFrames
        captures = self._look(device, nonce, frames, least=TEMPLATE_FRAMES)
        vectors = np.stack([capture.vector for capture in captures])
        self._require_one_person(device.tenant, vectors)
        events = consent.give(given, self.notice, self._now_us())
        links = Links.new({event.purpose: event.record_id for event in events})
        receipt, secret = _receipt(), secrets.token_urlsafe(16)
        until = self._now_us() + self.config.pin_setup_life_us
        self._add(device.tenant, vectors, links, events, (receipt, secret, until), somebody_else)
        if before is not None and (row := self.store.customer_of_receipt(device.tenant, _digest(receipt))):
            with suppress(EnrolmentUnknown):  # opted out meanwhile: then they are a new customer
                links = succeed(self.store, self._vault, before, row, self._now_us())
        self._presses.succeeded(device.tenant, device.name)
        self._audit.note(device.tenant, "enrol", "enrolled", links.audit, sync=True)
        self._metrics.enrolments.inc()
        return Enrolled(receipt, given, self.notice.version, secret, until)

    def _add(
        self,
        tenant: str,
        vectors: Vectors,
        links: Links,
        events: Sequence[consent.ConsentEvent],
        codes: tuple[str, str, int],
        somebody_else: bool,
    ) -> None:
        pack, customer_id = self.engine.pack.id, secrets.token_hex(16)
        self.store.open_gallery(tenant, pack, new_salt())
        with ExitStack() as undo:
            holder = self._vault.admit(tenant, customer_id)
            undo.callback(self._vault.keys.destroy, holder.slot, holder.owner)
            row = self._new_row(holder, links, codes)
            for _ in range(RACES):
                gallery = self._galleries.current(tenant)
                alike = self._alike(tenant, gallery, vectors, somebody_else)
                turned = gallery.turned(mean_template(vectors))
                sealed = sealed_template(self._vault, holder, pack, gallery.state.salt, turned)
                with self.store.writing():
                    if self.store.gallery(tenant, pack) != gallery.state:
                        continue  # somebody enrolled or left meanwhile: it may have been the same person
                    self.store.add_customer(replace(row, needs_second_factor=bool(alike)), pack, sealed, events)
                    self.store.require_second_factor(tenant, alike)
                    self._keep_tops(tenant, customer_id, gallery, vectors)
                    self._thresholds.renew(tenant, gallery.size + 1)
                undo.pop_all()
                return
            raise DatabaseBusy

    def _new_row(self, holder: Holder, links: Links, codes: tuple[str, str, int]) -> CustomerRow:
        receipt, secret, until = codes
        return CustomerRow(
            tenant=holder.tenant,
            customer_id=holder.customer_id,
            slot=holder.slot,
            receipt_hash=_digest(receipt),
            links=self._vault.seal(holder, "links", links.packed()),
            pin=None,
            pin_setup_hash=_digest(secret),
            pin_setup_until_us=until,
            pin_failures=0,
            pin_locks=0,
            pin_locked_until_us=0,
            needs_second_factor=False,
            last_day=self._now_us() // DAY,
        )

    def _alike(self, tenant: str, gallery: Snapshot, vectors: Vectors, somebody_else: bool) -> list[str]:
        """Customers whom a picture of the new one would be taken for. Raises AlreadyEnrolled for a sure match."""
        if not gallery.ids:
            return []
        together = self._thresholds.sure(tenant, gallery.size, TEMPLATE_FRAMES)
        alone = self._thresholds.current(tenant, gallery.size, 1)
        if together is not None and not somebody_else:
            probes = gallery.turned(vectors[: together.frames])
            near = gallery.near(probes)
            if decide(probes, near.matrix, together, size=near.size).outcome != "unknown":
                raise AlreadyEnrolled
        if alone is None:
            return []
        probes = gallery.turned(vectors)
        near = gallery.near(probes, 4 * SHORTLIST)
        cosines = probes @ near.matrix.T
        cohort = cosines.max(axis=1) - top_scores(probes, near.matrix, alone.scoring, near.size)[1]
        found = np.flatnonzero((cosines - cohort[:, None]).max(axis=0) >= alone.threshold)
        return [near.ids[n] for n in found]

    def _keep_tops(self, tenant: str, customer_id: str, gallery: Snapshot, vectors: Vectors) -> None:
        """What an impostor scores here: kept as scores only, from them a threshold is made (`thresholds`)."""
        if not gallery.ids:
            return
        for frames in (1, 2, 3):
            starts = range(0, len(vectors) - frames + 1, frames)
            probes = np.stack([mean_template(vectors[n : n + frames]) for n in starts])
            turned = gallery.turned(probes)
            near = gallery.near(turned)
            tops = top_scores(turned, near.matrix, self._thresholds.scoring, near.size)[1]
            self.store.keep_tops(
                tenant, self.engine.pack.id, customer_id, frames, tops.tolist(), size=gallery.size
            )

    def _require_one_person(self, tenant: str, vectors: Vectors) -> None:
        """Every frame must look like the mean of the others."""
        least = self._thresholds.one_person(tenant)
        for n, vector in enumerate(vectors):
            if float(vector @ mean_template(np.delete(vectors, n, axis=0))) < least:
                raise FramesDiffer

    # --- second factor

    def set_pin(self, device: Device, receipt: str, secret: str, pin: str) -> None:
        """Set the PIN with the secret given at enrolment. Raises PinInvalid, EnrolmentUnknown, PinSetupRefused."""
        row = self._holder_of(device, receipt)
        right = row.pin_setup_hash is not None and hmac.compare_digest(row.pin_setup_hash, _digest(secret))
        if not right or row.pin_setup_until_us <= self._now_us():
            raise PinSetupRefused
        self._pins.set(row, pin)

    def raise_level(self, device: Device, token: str, pin: str) -> Recognition:
        """A token that opens what needs a second factor. Raises a TokenError or PinError."""
        claims = tokens.open_own(
            self.config.token_keys, token, tenant=device.tenant, device=device.name, now_us=self._now_us()
        )
        known = self._known(device.tenant, tokens.customer_of(self._token_ids, claims.token_id))
        if known is None or known.links.pseudonym != claims.pseudonym:
            raise TokenExpired
        self._pins.check(known.row, pin)
        raised, expires = self._token(device, known, known.purposes, "second_factor")
        self._audit.note(device.tenant, "raise", "raised", known.links.audit)
        return Recognition("matched", raised, expires, known.purposes)

    # --- forget

    def forget(self, device: Device, receipt: str) -> bool:
        """Opt out by receipt; True when every place has confirmed. Raises EnrolmentUnknown."""
        return self.erasures.erase(self._holder_of(device, receipt), "receipt")

    def forget_face(self, device: Device, nonce: str, frames: Sequence[bytes]) -> bool:
        """Opt out by face: whether somebody was found and forgotten. Who looks like another needs the receipt."""
        decision, known = self._who(device.tenant, self._look(device, nonce, frames))
        if known is None or decision != "matched":
            self._audit.note(device.tenant, "forget", "nobody", NOBODY)
            return False
        self._presses.succeeded(device.tenant, device.name)
        self.erasures.erase(known.row, "face")
        return True

    def _holder_of(self, device: Device, receipt: str) -> CustomerRow:
        try:
            most, name = self.config.receipts_a_minute, f"receipts of {device.name}"
            self._limits.allow(device.tenant, name, most=most, window_us=MINUTE)
        except sqlite3.OperationalError:  # a full disk stops nobody from opting out; no receipt can be guessed
            log.warning("limit_not_counted")
        row = self.store.customer_of_receipt(device.tenant, _digest(receipt.strip().upper()))
        if row is None:
            raise EnrolmentUnknown
        return row

    # --- calibrate, renew

    def calibrate(self, tenant: str, people: Iterable[Vectors]) -> dict[int, float]:
        """Measure a tenant's thresholds on a cohort of strangers: (k, d) vectors of each, k >= 3 frames.

        Only numbers made from scores are kept. Returns the thresholds by number of frames. Raises ValueError.
        """
        size = max(1, self._galleries.current(tenant).size)
        made = self._thresholds.learn(tenant, people, size)
        return {frames: calibration.threshold for frames, calibration in made.items()}

    def calibrate_on_pictures(self, tenant: str, people: Iterable[Sequence[bytes]]) -> dict[int, float]:
        """The same on pictures of each person. Who has fewer than three usable ones is left out. On no route."""

        def cohort() -> Iterator[Vectors]:
            for pictures in people:
                vectors = usable_vectors(self.engine, pictures)
                if len(vectors) >= TEMPLATE_FRAMES:
                    yield np.stack(vectors)

        return self.calibrate(tenant, cohort())


def _holder(row: CustomerRow) -> Holder:
    return Holder(row.tenant, row.customer_id, row.slot)


def _receipt() -> str:
    """125 random bits as five groups of five letters and digits: to be read from paper."""
    letters = base64.b32encode(secrets.token_bytes(16)).decode()[:25]
    return "-".join(letters[n : n + 5] for n in range(0, 25, 5))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
