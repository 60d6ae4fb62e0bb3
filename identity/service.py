"""What the identity half does, each told top to bottom: press, recognise, enrol, raise, forget.

A frame comes in as bytes and leaves as nothing; what goes out is a decision and an opaque token.
"""

from __future__ import annotations

import hmac
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
import structlog

from identity import consent, tokens
from identity.audit.log import NOBODY, Audit
from identity.capture.attempt import Attempt, capture_frames, liveness_of, usable_captures
from identity.capture.challenge import State, Step, challenge
from identity.capture.embed import Capture
from identity.capture.hints import hint_of
from identity.capture.passive_liveness import PassiveLiveness
from identity.config import IdentityConfig
from identity.customers.enrolment import EnrolmentCodes, Enrolments, digest
from identity.customers.erasure import Erasures
from identity.customers.links import Links
from identity.customers.pins import Pins
from identity.customers.presses import Presses
from identity.customers.re_enrolment import succeed
from identity.customers.template_update import TemplateUpdates
from identity.engines.protocol import FaceEngine
from identity.errors import (
    AlreadyEnrolled,
    CaptureError,
    EnrolmentUnknown,
    KeyDestroyed,
    PinSetupRefused,
    TokenExpired,
    TooFewFrames,
)
from identity.evaluation.curve import Scored, cohort_scores
from identity.matching.matcher import Matcher, masked_template
from identity.matching.thresholds import TEMPLATE_FRAMES, Vectors
from identity.metrics import IdentityMetrics
from identity.results import Device, Enrolled, Recognition
from identity.store.customers import CustomerRow, Store
from identity.vault.vault import Holder, Vault
from plumbing.clock import DAY, MINUTE, Clock
from plumbing.limits import Limits

__all__ = ["Device", "Enrolled", "IdentityService", "Recognition"]
log = structlog.get_logger(__name__)

LOOKS = 2  # presses whose pictures are decoded at once: one at the engine, one on the way; more only fill memory


@dataclass(frozen=True, slots=True)
class _Known:
    """A customer who was found, with what their key opened."""

    row: CustomerRow
    links: Links
    purposes: tuple[str, ...]


class IdentityService:
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
        clear: Matcher,
        masked: Matcher | None,
        passive: PassiveLiveness | None,
        pins: Pins,
        erasures: Erasures,
        audit: Audit,
        metrics: IdentityMetrics,
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
        self._clear = clear
        self._masked = masked
        self.passive = passive
        self._pins = pins
        self._audit = audit
        self._metrics = metrics
        self._now_us = now_us
        self._token_ids = vault.keys.derive("token ids")
        self._challenges = vault.keys.derive("challenges")
        self._following = TemplateUpdates(store, vault, clear, now_us)
        self._looking = threading.BoundedSemaphore(LOOKS)
        self._newcomers = Enrolments(store, vault, clear, masked, now_us)

    def warm(self) -> None:
        """Open every tenant's galleries: of a large one the templates take a while."""
        for side in (self._clear, self._masked):
            for tenant, pack, _ in self.store.galleries():
                if side is not None and pack == side.pack.id:
                    side.galleries.current(tenant)

    # --- press

    def challenge(self, nonce: str) -> tuple[Step, ...]:
        """The moves that prove a living head for this press."""
        return challenge(self._challenges, nonce)

    def press(self, device: Device) -> tuple[str, int]:
        """A nonce for one look at one face, and when it expires. Raises TooManyFailures."""
        nonce, expires = self._presses.open(device.tenant, device.name)
        self._metrics.presses.inc()
        self.erasures.due()
        return nonce, expires

    def _look(
        self,
        device: Device,
        nonce: str,
        frames: Sequence[bytes],
        moves: Sequence[bytes] | None = None,
        *,
        least: int = 1,
        enrolling: bool = False,
    ) -> tuple[list[Capture], State]:
        """Use up the press; the captures of its frames, and their liveness unless `moves` is None.

        Raises a PressError before anything is decoded.
        """
        self._presses.claim(device.tenant, device.name, nonce)
        with self._looking:
            try:
                attempt = capture_frames(self.engine, frames, self._metrics, least=least, enrolling=enrolling)
            except CaptureError:
                self._presses.unjudged(device.tenant, device.name)
                raise
            live: State = "not_run" if moves is None else self._live(device.tenant, nonce, attempt, moves)
            return attempt.captures, live

    # --- recognise

    def recognise(
        self, device: Device, nonce: str, frames: Sequence[bytes], moves: Sequence[bytes] = ()
    ) -> Recognition:
        """Who pressed, as a token; a stranger, a doubtful match and a customer of somebody else are all nobody.

        `moves` are the frames of the challenge, one for each step, when it was run. Raises a PressError before
        anything is decoded, a FrameError or CaptureError when no frame is usable.
        """
        captures, live = self._look(device, nonce, frames, moves)
        decision, known = self._who(device.tenant, captures)
        # The token is minted for nobody too, so that both answers take the same work.
        purposes = () if known is None or decision == "ambiguous" else known.purposes
        opens = self.config.opened(purposes, live=live == "passed", pin=False)
        token, expires = self._token(device, known, opens, "face")
        hint = hint_of(decision, [capture.quality for capture in captures], with_token=known is not None)
        if known is None:
            self._audit.note(device.tenant, "recognise", "nobody", NOBODY)
            self._metrics.recognitions.labels(outcome=decision).inc()
            return Recognition(decision, liveness=live, hint=hint)
        self._presses.succeeded(device.tenant, device.name)
        self._visited(known.row)
        self._following.saw(known.row, captures)
        self._audit.note(device.tenant, "recognise", decision, known.links.audit)
        self._metrics.recognitions.labels(outcome=decision).inc()
        return Recognition(decision, token, expires, opens, live, hint)

    def _live(self, tenant: str, nonce: str, attempt: Attempt, moves: Sequence[bytes]) -> State:
        """What the challenge shows, and the passive model where one is plugged in."""
        if not moves and self.passive is None:
            return "not_run"
        state: State = "not_run"
        if moves:
            least = self._clear.thresholds.one_person(tenant)
            state = liveness_of(self.engine, self.challenge(nonce), attempt, moves, least)
        if self.passive is not None:
            state = self.passive.with_challenge(self.passive.judge(attempt.detections), state)
        self._metrics.liveness.labels(state=state).inc()
        return state

    def _who(self, tenant: str, captures: Sequence[Capture]) -> tuple[str, _Known | None]:
        """(decision, customer): a customer who may not be greeted by face alone is "ambiguous" with a customer.

        Masked frames are judged as such, when there are more of them than of others; a covered face that nobody is
        recognised by is "low_quality".
        """
        masked = [capture for capture in captures if capture.quality.cover == "mask"]
        clear = [capture for capture in captures if capture.quality.cover != "mask"]
        side, seen = self._clear, clear or captures
        if self._masked is not None and len(masked) > len(clear):
            side, seen = self._masked, masked
        outcome, customer_id = side.judge(tenant, [capture.vector for capture in seen])
        if customer_id is None:
            covered = outcome == "unknown" and any(capture.quality.cover != "none" for capture in seen)
            return "low_quality" if covered else outcome, None
        known = self._known(tenant, customer_id)
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
        captures, _ = self._look(device, nonce, frames, least=TEMPLATE_FRAMES, enrolling=True)
        self._newcomers.require_one_person(device.tenant, captures)
        events = consent.give(given, self.notice, self._now_us())
        links = Links.new({event.purpose: event.record_id for event in events})
        codes = EnrolmentCodes.new(self._now_us() + self.config.pin_setup_life_us)
        known = (lambda _: None) if somebody_else else partial(self._refuse_known, device)
        self._newcomers.add(device.tenant, captures, links, events, codes, known)
        if before is not None and (row := self.store.customer_of_receipt(device.tenant, digest(codes.receipt))):
            with suppress(EnrolmentUnknown):  # opted out meanwhile: then they are a new customer
                links = succeed(self.store, self._vault, before, row, self._now_us())
        self._presses.succeeded(device.tenant, device.name)
        self._audit.note(device.tenant, "enrol", "enrolled", links.audit, sync=True)
        self._metrics.enrolments.inc()
        return Enrolled(codes.receipt, given, self.notice.version, codes.secret, codes.until_us)

    def _refuse_known(self, device: Device, customer_id: str | None) -> None:
        """Raise AlreadyEnrolled, with a token that opens nothing until the PIN shows whose enrolment it is."""
        if customer_id is None:
            return
        known = self._known(device.tenant, customer_id) if customer_id else None
        raise AlreadyEnrolled(token=self._token(device, known, (), "face")[0])

    # --- second factor

    def set_pin(self, device: Device, receipt: str, secret: str, pin: str) -> None:
        """Set the PIN with the secret given at enrolment. Raises PinInvalid, EnrolmentUnknown, PinSetupRefused."""
        row = self._holder_of(device, receipt)
        right = row.pin_setup_hash is not None and hmac.compare_digest(row.pin_setup_hash, digest(secret))
        if not right or row.pin_setup_until_us <= self._now_us():
            raise PinSetupRefused
        self._pins.set(row, pin)

    def raise_level(self, device: Device, token: str, pin: str) -> Recognition:
        """A token that opens what needs a second factor. Raises a TokenError or PinError.

        Who gave it was recognised rightly: their template may follow the face a little (`following.py`).
        """
        claims, known = self._holder_of_token(device, token)
        self._pins.check(known.row, pin)
        self._following.confirmed(known.row)
        # What needs a living face is in the token already, or was not shown.
        opens = self.config.opened(known.purposes, live=False, pin=True)
        opens += tuple(p for p in known.purposes if p in claims.purposes and p not in opens)
        raised, expires = self._token(device, known, opens, "second_factor")
        self._audit.note(device.tenant, "raise", "raised", known.links.audit)
        return Recognition("matched", raised, expires, opens)

    def _holder_of_token(self, device: Device, token: str) -> tuple[tokens.Claims, _Known]:
        claims = tokens.open_own(
            self.config.token_keys, token, tenant=device.tenant, device=device.name, now_us=self._now_us()
        )
        known = self._known(device.tenant, tokens.customer_of(self._token_ids, claims.token_id))
        if known is None or known.links.pseudonym != claims.pseudonym:
            raise TokenExpired
        return claims, known

    def not_me(self, device: Device, token: str) -> None:
        """The person greeted says it is somebody else. Counted as a false match; that customer is not greeted by a
        face alone again, by whoever looks like them. Raises a TokenError."""
        _, known = self._holder_of_token(device, token)
        self.store.require_second_factor(device.tenant, [known.row.customer_id])
        self._following.dismiss(known.row)
        self._metrics.not_me.inc()
        self._audit.note(device.tenant, "not_me", "flagged", known.links.audit)

    # --- forget

    def forget(self, device: Device, receipt: str) -> bool:
        """Opt out by receipt; True when every place has confirmed. Raises EnrolmentUnknown."""
        return self.erasures.erase(self._holder_of(device, receipt), "receipt")

    def forget_face(self, device: Device, nonce: str, frames: Sequence[bytes]) -> bool:
        """Opt out by face: whether somebody was found and forgotten. Who looks like another needs the receipt."""
        captures, _ = self._look(device, nonce, frames)
        decision, known = self._who(device.tenant, captures)
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
        row = self.store.customer_of_receipt(device.tenant, digest(receipt.strip().upper()))
        if row is None:
            raise EnrolmentUnknown
        return row

    # --- calibrate

    def calibrate(self, tenant: str, people: Iterable[Vectors]) -> float | None:
        """Measure a tenant's threshold on a cohort of strangers: (k, d) vectors of each, k >= 3 frames.

        Only numbers made from scores are kept. Returns the threshold in force. Raises ValueError.
        """
        self._clear.thresholds.learn(tenant, people, max(1, self._clear.galleries.current(tenant).size))
        return self.threshold(tenant)

    def calibrate_on_pictures(self, tenant: str, people: Iterable[Sequence[bytes]]) -> Scored:
        """The same on pictures of each person, for masked faces as well where the pack has figures for them. Who
        has fewer than three usable ones is left out. On no route. Returns the cohort's scores, for the curve."""
        captured = (usable_captures(self.engine, pictures) for pictures in people)
        cohort = [captures for captures in captured if len(captures) >= TEMPLATE_FRAMES]
        vectors = [np.stack([capture.vector for capture in seen]) for seen in cohort]
        self.calibrate(tenant, vectors)
        if self._masked is not None:
            twins = [np.stack([c.masked for c in seen if c.masked is not None]) for seen in cohort]
            templates = [masked_template(*pair, self._masked.pack) for pair in zip(vectors, twins, strict=True)]
            size = max(1, self._masked.galleries.current(tenant).size)
            self._masked.thresholds.learn(tenant, twins, size, np.stack(templates))
        return cohort_scores(vectors, self._clear.thresholds.scoring)

    def threshold(self, tenant: str) -> float | None:
        """The one in force; None: everybody is a guest."""
        made = self._clear.thresholds.current(tenant, max(1, self._clear.galleries.current(tenant).size))
        return None if made is None else made.threshold

    def own_scores(self, tenant: str) -> Scored | None:
        """Make the threshold anew from what the tenant's own enrolments scored among each other; these scores, or
        None when there are none yet."""
        size = self._clear.galleries.current(tenant).size
        self._clear.thresholds.renew(tenant, size, always=True)
        tops = self._clear.thresholds.own(tenant, size)
        return Scored(tops, np.zeros(0), size) if len(tops) else None


def _holder(row: CustomerRow) -> Holder:
    return Holder(row.tenant, row.customer_id, row.slot)
