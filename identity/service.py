"""What a device can do with the identity half: press, recognise, enrol, raise a token, forget.

A frame comes in as bytes and is never stored; what goes out is a decision and an opaque token.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Unpack

import structlog

from identity.audit.log import NOBODY, Audit
from identity.capture.challenge import Step
from identity.capture.embed import Capture
from identity.capture.hints import GO_ON, PAUSED, hint_of
from identity.config import IdentityConfig
from identity.consent import notices
from identity.customers.accounts import Account, Accounts
from identity.customers.joining.enrolment import Enrolments
from identity.customers.joining.joining import Joining
from identity.customers.joining.pending import Pending
from identity.customers.leaving.erasure import Erasures
from identity.customers.leaving.erasure_receipts import ErasureReceipt
from identity.customers.leaving.held import Held
from identity.customers.leaving.opt_out import OptOuts
from identity.customers.pins import Pins, well_formed
from identity.customers.standing import Standings
from identity.customers.visits.by_code import Codes
from identity.customers.visits.faces import Faces
from identity.customers.visits.looks import Camera, Looks, Sent
from identity.customers.visits.news import news_for
from identity.customers.visits.not_me import NotMe
from identity.customers.visits.template_update import TemplateUpdates
from identity.device_vectors.message import Purpose
from identity.device_vectors.opening import SealedVectors
from identity.engines.manifests import masked_pack
from identity.engines.protocol import FaceEngine
from identity.errors import EnrolmentUnknown, TooFewFrames
from identity.matching.matcher import Matchers
from identity.matching.thresholds import TEMPLATE_FRAMES
from identity.metrics import IdentityMetrics
from identity.results import Device, Enrolled, OfFace, OptedOut, Recognition, Said, Seal
from plumbing import pace
from plumbing.problem import Problem
from plumbing.storage.database import DatabaseBusy
from plumbing.storage.tenants import of_all

log = structlog.get_logger(__name__)
__all__ = ["Device", "Enrolled", "IdentityService", "OptedOut", "Recognition"]

HEALTH = "health"  # the device of presses that only try whether one is possible; no tenant has it


@dataclass(frozen=True)
class Customers:
    """What can happen to a customer, a part for each."""

    accounts: Accounts
    faces: Faces
    enrolments: Enrolments
    joining: Joining
    updates: TemplateUpdates
    pins: Pins
    codes: Codes
    not_me: NotMe
    opt_outs: OptOuts
    held: Held
    erasures: Erasures
    pending: Pending
    standings: Standings


class IdentityService:
    """What a device can do. One engine pack, any number of tenants.

    Safe with threads and with several processes on one state folder.
    """

    def __init__(
        self,
        *,
        config: IdentityConfig,
        camera: Camera,
        matchers: Matchers,
        customers: Customers,
        audit: Audit,
        metrics: IdentityMetrics,
    ) -> None:
        self.config = config
        self.decode = camera.decode
        self.passive = camera.passive
        self._presses = camera.presses
        self.matchers = matchers
        self.customers = customers
        self._audit = audit
        self._metrics = metrics
        self._limits = camera.limits
        self._modes = camera.modes
        self._opener = camera.opener
        self._looks = Looks(camera, matchers.clear.thresholds, metrics)
        self.erasures = customers.erasures
        """For the thread that finishes erasures and ends retention."""

    @property
    def engine(self) -> FaceEngine:
        """The engine pack."""
        return self._looks.engine

    @engine.setter
    def engine(self, engine: FaceEngine) -> None:
        self._looks.engine = engine

    @property
    def notice(self) -> notices.Notice:
        """What a customer reads in English before they decide, as it is published now."""
        return self.customers.joining.notices.current()

    def warm(self) -> None:
        """Read every tenant's templates into memory: of a large gallery that takes a while."""
        for matcher in self.matchers:
            matcher.galleries.warm()

    # --- press

    def challenge(self, nonce: str) -> tuple[Step, ...]:
        """The moves that prove a living head for this press."""
        return self._looks.challenge(nonce)

    def seal_for(self, device: Device) -> Seal | None:
        """What a device needs to seal vectors for a press; None for a device that sends pictures.

        Raises SealKeysDamaged.
        """
        if self._modes.of(device.tenant, device.name).mode != "vectors":
            return None
        pack, pair = self._opener.pack, self._opener.keys.current(device.tenant)
        return Seal(pair.public, pair.key_id, device.name, pack.id, pack.size, masked_pack(pack) is not None)

    def press(self, device: Device) -> tuple[str, int]:
        """A nonce for one look at one face, and when it expires. Raises TooManyFailures."""
        nonce, expires = self._presses.open(device.tenant, device.name)
        self._metrics.presses.inc()
        try:
            with of_all():  # whoever is due, of all tenants
                self.erasures.due()
                self.customers.enrolments.answers.sweep()
        except (Problem, sqlite3.Error, OSError) as error:  # work of every minute: whoever presses is not stopped
            log.warning("not_done_yet", why=str(error))
        return nonce, expires

    def try_press(self) -> None:
        """A press of nobody, used up at once, for readiness. Raises what a press raises."""
        nonce, _ = self._presses.open("", HEALTH)
        self._presses.claim("", HEALTH, nonce)
        self._presses.succeeded("", HEALTH)

    # --- recognise

    def recognise(self, device: Device, nonce: str, frames: Sent, moves: Sequence[bytes] = ()) -> Recognition:
        """Who pressed, as a token; a stranger, a doubtful match and a customer of another tenant are all nobody.

        `frames` are one to three pictures as bytes, or a message with vectors. `moves` are the frames of the
        challenge, one for each step, when it was run. Raises a PressError before anything is decoded or opened, a
        FrameError, CaptureError or DeviceVectorsError when no frame is usable.
        """
        look = self._looks.look(device, nonce, frames, "recognise", moves)
        captures, live = look.captures, look.live
        pace.begin()
        with self._metrics.timed("match"):
            decision, account = self.customers.faces.who(device, captures)
        # The token is minted for nobody too, so that both answers take the same work.
        purposes = () if account is None or decision == "ambiguous" else account.purposes
        opens = self.config.opened(purposes, live=live == "passed", pin=False)
        token, expires = self.customers.accounts.token(device, account, opens, "face")
        pin = account is not None and account.row.pin is not None
        hint = hint_of(decision, [one.quality for one in captures], known=account is not None, with_pin=pin)
        if account is None:
            self._audit.note(device.tenant, "recognise", "nobody", NOBODY, device=device.name)
            self._metrics.recognitions.labels(outcome=decision).inc()
            return Recognition(decision, liveness=live, hint=hint)
        self._succeeded(device, frames)
        self.customers.accounts.visited(account.row)
        if look.seen:
            self.customers.updates.saw(account.row, captures)
        secret = account.links.audit
        self._audit.note(device.tenant, "recognise", decision, secret, device=device.name, purposes=opens)
        self._metrics.recognitions.labels(outcome=decision).inc()
        if decision == "ambiguous" and not pin:  # nobody is asked for a PIN that they do not have
            return Recognition(decision, liveness=live, hint=hint)
        news = self._news(account) if decision == "matched" else ()
        return Recognition(decision, token, expires, opens, live, hint, news)

    def _succeeded(self, device: Device, sent: Sent) -> None:
        self._presses.succeeded(device.tenant, device.name)
        if isinstance(sent, SealedVectors):
            self._limits.greeted(device.tenant, device.name)

    def recognise_by_code(self, device: Device, code: str, pin: str) -> Recognition:
        """Who has this code and PIN, as a token of the higher level: all that they agreed to is open.

        Raises PinInvalid, TooManyCodes or CodeOrPinWrong.
        """
        account = self.customers.codes.account(device, code, pin)
        if not account.purposes:
            return Recognition("unknown", hint=PAUSED if account.is_paused else GO_ON)
        token, expires = self.customers.accounts.token(device, account, account.purposes, "second_factor")
        self.customers.accounts.visited(account.row)
        secret, opens = account.links.audit, account.purposes
        self._audit.note(device.tenant, "recognise", "by_code", secret, device=device.name, purposes=opens)
        self._metrics.recognitions.labels(outcome="by_code").inc()
        return Recognition("matched", token, expires, account.purposes, news=self._news(account))

    def _news(self, account: Account) -> tuple[str, ...]:
        return news_for(account.standing, self.customers.joining.notices)

    # --- enrol

    def enrol(
        self,
        device: Device,
        nonce: str,
        frames: Sent,
        *,
        somebody_else: bool = False,
        earlier: str | None = None,
        **said: Unpack[Said],
    ) -> Enrolled:
        """Enrol the person at the device, for the purposes they agreed to. They are in force after `confirm`.

        Raises as `Joining.with_face` does before a frame is looked at, then as `recognise` does; TooFewFrames,
        FramesIdentical, FramesDiffer. Nothing is stored when it raises.
        """
        look = partial(self._template_of, device, nonce, frames, "enrol")
        return self.customers.joining.with_face(device, look, somebody_else=somebody_else, earlier=earlier, **said)

    def add_face(
        self,
        device: Device,
        code: str,
        pin: str | None,
        nonce: str,
        frames: Sent,
        **said: Unpack[OfFace],
    ) -> None:
        """Give a customer who goes by code a face. Raises as `Joining.add_face` does before a frame is looked at,
        then as `enrol` does."""
        look = partial(self._template_of, device, nonce, frames, "add_face")
        self.customers.joining.add_face(device, code, pin, look, **said)

    def _template_of(self, device: Device, nonce: str, frames: Sent, purpose: Purpose) -> list[Capture]:
        """The captures of frames that a template is made of."""
        if not isinstance(frames, SealedVectors) and len(frames) < TEMPLATE_FRAMES:
            raise TooFewFrames
        captures = self._looks.look(device, nonce, frames, purpose).captures
        self.customers.enrolments.require_one_person(device.tenant, captures)
        return captures

    def confirm(self, device: Device, receipt: str) -> None:
        """The receipt was shown and confirmed: the customer is in force. Any number of times.

        Raises EnrolmentUnknown: no such receipt, or the time was over and nothing of the enrolment is left.
        """
        try:
            links = self.customers.pending.confirm(device.tenant, receipt)
        except EnrolmentUnknown:
            self.customers.accounts.of_receipt(device, receipt)  # counts the try, and raises the same
            raise
        if links is not None:
            self._noted(device.tenant, "enrol", "enrolled", links.audit, device=device.name, sync=True)
            self._metrics.enrolments.inc()

    def _noted(
        self,
        tenant: str,
        event: str,
        outcome: str,
        subject: str = NOBODY,
        *,
        device: str = "",
        sync: bool = False,
    ) -> None:
        """An audit line about what is done already, or about nobody: a full disk must not undo it or stop it."""
        try:
            self._audit.note(tenant, event, outcome, subject, device=device, sync=sync)
        except (OSError, DatabaseBusy) as error:
            log.warning("audit_not_written", error=type(error).__name__)

    # --- second factor

    def set_pin(self, device: Device, receipt: str, secret: str, pin: str) -> None:
        """Set the PIN with the secret given at enrolment. Raises PinInvalid, EnrolmentUnknown, PinSetupRefused."""
        self.customers.pins.set_up(self.customers.accounts.of_receipt(device, receipt), secret, pin)

    def raise_level(self, device: Device, token: str, pin: str) -> Recognition:
        """A token that opens what needs a second factor. Raises a TokenError or PinError.

        The PIN confirms the match: the template may move a little towards the face seen (`template_update`).
        """
        claims, account = self.customers.accounts.of_token(device, token)
        self.customers.pins.check(account.row, pin)
        self.customers.updates.confirmed(account.row)
        # What needs a living face is in the token already, or was not shown.
        opens = self.config.opened(account.purposes, live=False, pin=True)
        opens += tuple(p for p in account.purposes if p in claims.purposes and p not in opens)
        raised, expires = self.customers.accounts.token(device, account, opens, "second_factor", claims)
        secret = account.links.audit
        self._audit.note(device.tenant, "raise", "raised", secret, device=device.name, purposes=opens)
        return Recognition("matched", raised, expires, opens, news=self._news(account))

    # --- forget

    def opt_out(self, device: Device, receipt: str) -> ErasureReceipt:
        """Opt out by receipt; what was done, place by place. Raises EnrolmentUnknown."""
        return self.erasures.erase(self.customers.accounts.of_receipt(device, receipt), "receipt")

    def forget(self, device: Device, receipt: str) -> bool:
        """`opt_out`; True when every place has confirmed. Raises EnrolmentUnknown."""
        return self.opt_out(device, receipt).everywhere

    def forget_face(self, device: Device, nonce: str, frames: Sent, pin: str | None = None) -> OptedOut:
        """Opt out by face. `pin` says which of several who look alike it is; "" means that they have none.

        Raises as `recognise` does; PinInvalid, PinWrong or PinLocked.
        """
        if pin:
            well_formed(pin)
        captures = self._looks.look(device, nonce, frames, "opt_out").captures
        candidates = self.customers.faces.candidates(device, captures)
        unsure = len(candidates) > 1 or any(one.row.needs_second_factor for one in candidates)
        if pin is None and unsure:
            # The answer "the PIN is needed" erases nobody, so it counts as a match; all of them or nobody.
            allowed = self._limits.may_match(device.name, captures, [one.row for one in candidates])
            candidates = candidates if allowed else []
        if candidates:
            self._presses.succeeded(device.tenant, device.name)
        else:
            self._noted(device.tenant, "forget", "nobody", device=device.name)
        return self.customers.opt_outs.by_face(candidates, pin)
