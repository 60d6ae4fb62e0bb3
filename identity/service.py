"""What a device can do with the identity half: press, recognise, enrol, raise a token, forget.

A frame comes in as bytes and is never stored; what goes out is a decision and an opaque token.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from identity.audit.log import NOBODY, Audit
from identity.capture.attempt import Attempt, capture_frames, liveness_of
from identity.capture.challenge import State, Step, challenge
from identity.capture.embed import Capture
from identity.capture.hints import hint_of
from identity.capture.passive_liveness import PassiveLiveness
from identity.config import IdentityConfig
from identity.consent import notices
from identity.customers.accounts import Account, Accounts
from identity.customers.enrolment import Enrolments
from identity.customers.erasure import Erasures
from identity.customers.pins import Pins
from identity.customers.presses import Presses
from identity.customers.template_update import TemplateUpdates
from identity.engines.protocol import FaceEngine
from identity.errors import AlreadyEnrolled, CaptureError, TooFewFrames
from identity.frames.decode import Decode
from identity.matching.matcher import CustomerMatch, Matchers
from identity.matching.thresholds import TEMPLATE_FRAMES
from identity.metrics import IdentityMetrics
from identity.results import Device, Enrolled, Recognition
from plumbing.idempotency import asked_now
from plumbing.problem import Problem

log = structlog.get_logger(__name__)
__all__ = ["Device", "Enrolled", "IdentityService", "Recognition"]

HEALTH = "health"  # the device of presses that only try whether one is possible; no tenant has it
LOOKS = 2  # presses whose pictures are decoded at once: one at the engine, one on the way; more only fill memory


@dataclass(frozen=True)
class Camera:
    """What one look at a face needs. `passive` is the passive liveness model, if one is plugged in; `decode` makes
    pixels of a file, in a process of its own."""

    engine: FaceEngine
    decode: Decode
    presses: Presses
    passive: PassiveLiveness | None
    challenge_key: bytes


@dataclass(frozen=True)
class Customers:
    """What can happen to a customer, a part for each."""

    accounts: Accounts
    enrolments: Enrolments
    updates: TemplateUpdates
    pins: Pins
    erasures: Erasures


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
        self.notice = notices.notice_of(config)
        self.engine = camera.engine
        self.decode = camera.decode
        self.passive = camera.passive
        self._presses = camera.presses
        self.matchers = matchers
        self.customers = customers
        self._audit = audit
        self._metrics = metrics
        self._challenge_key = camera.challenge_key
        self._looking = threading.BoundedSemaphore(LOOKS)
        self.erasures = customers.erasures
        """For the thread that finishes erasures and ends retention."""

    def warm(self) -> None:
        """Read every tenant's templates into memory: of a large gallery that takes a while."""
        for matcher in self.matchers:
            matcher.galleries.warm()

    # --- press

    def challenge(self, nonce: str) -> tuple[Step, ...]:
        """The moves that prove a living head for this press."""
        return challenge(self._challenge_key, nonce)

    def press(self, device: Device) -> tuple[str, int]:
        """A nonce for one look at one face, and when it expires. Raises TooManyFailures."""
        nonce, expires = self._presses.open(device.tenant, device.name)
        self._metrics.presses.inc()
        try:
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
                attempt = capture_frames(
                    self.engine,
                    frames,
                    self._metrics,
                    least=least,
                    enrolling=enrolling,
                    decode=self.decode,
                )
            except CaptureError:
                self._presses.unjudged(device.tenant, device.name)
                raise
            live: State = "not_run" if moves is None else self._live(device.tenant, nonce, attempt, moves)
            return attempt.captures, live

    # --- recognise

    def recognise(
        self, device: Device, nonce: str, frames: Sequence[bytes], moves: Sequence[bytes] = ()
    ) -> Recognition:
        """Who pressed, as a token; a stranger, a doubtful match and a customer of another tenant are all nobody.

        `frames` are one to three pictures as bytes. `moves` are the frames of the challenge, one for each step,
        when it was run. Raises a PressError before anything is decoded, a FrameError or CaptureError when no frame
        is usable.
        """
        captures, live = self._look(device, nonce, frames, moves)
        decision, account = self._who(device.tenant, captures)
        # The token is minted for nobody too, so that both answers take the same work.
        purposes = () if account is None or decision == "ambiguous" else account.purposes
        opens = self.config.opened(purposes, live=live == "passed", pin=False)
        token, expires = self.customers.accounts.token(device, account, opens, "face")
        hint = hint_of(decision, [capture.quality for capture in captures], with_token=account is not None)
        if account is None:
            self._audit.note(device.tenant, "recognise", "nobody", NOBODY)
            self._metrics.recognitions.labels(outcome=decision).inc()
            return Recognition(decision, liveness=live, hint=hint)
        self._presses.succeeded(device.tenant, device.name)
        self.customers.accounts.visited(account.row)
        self.customers.updates.saw(account.row, captures)
        self._audit.note(device.tenant, "recognise", decision, account.links.audit)
        self._metrics.recognitions.labels(outcome=decision).inc()
        return Recognition(decision, token, expires, opens, live, hint)

    def _live(self, tenant: str, nonce: str, attempt: Attempt, moves: Sequence[bytes]) -> State:
        """What the challenge shows, and the passive model where one is plugged in."""
        if not moves and self.passive is None:
            return "not_run"
        state: State = "not_run"
        if moves:
            least = self.matchers.clear.thresholds.one_person(tenant)
            steps = self.challenge(nonce)
            state = liveness_of(self.engine, steps, attempt, moves, least, decode=self.decode)
        if self.passive is not None:
            state = self.passive.with_challenge(self.passive.judge(attempt.detections), state)
        self._metrics.liveness.labels(state=state).inc()
        return state

    def _who(self, tenant: str, captures: Sequence[Capture]) -> tuple[str, Account | None]:
        """(decision, account). "ambiguous" has an account when the customer needs more than a face, else none.

        When more frames are masked than not, the masked ones are judged, by the matcher for masks. A covered face
        that matches nobody is "low_quality".
        """
        masked = [capture for capture in captures if capture.quality.cover == "mask"]
        clear = [capture for capture in captures if capture.quality.cover != "mask"]
        matcher, seen = self.matchers.clear, clear or captures
        if self.matchers.masked is not None and len(masked) > len(clear):
            matcher, seen = self.matchers.masked, masked
        match = matcher.judge(tenant, [capture.vector for capture in seen])
        if match.customer_id is None:
            covered = match.outcome == "unknown" and any(capture.quality.cover != "none" for capture in seen)
            return "low_quality" if covered else match.outcome, None
        account = self.customers.accounts.find(tenant, match.customer_id)
        if account is None or not account.purposes:
            return "unknown", None
        return ("ambiguous" if account.row.needs_second_factor else "matched"), account

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
        enrolment with another engine pack: the new one continues it (`re_enrolment`).

        Raises a ConsentError before a frame is looked at, then as `recognise` does; TooFewFrames, FramesIdentical,
        FramesDiffer; AlreadyEnrolled unless `somebody_else`; EnrolmentUnknown. Nothing is stored when it raises.
        """
        accounts, enrolments, asked = self.customers.accounts, self.customers.enrolments, asked_now()
        if (answered := enrolments.answers.given(device.tenant, asked)) is not None:
            return answered  # it was stored, and its answer got lost
        before = None if earlier is None else accounts.of_receipt(device, earlier)
        given = notices.check_consent(
            purposes, notice_version=notice_version, age_confirmed=age_confirmed, notice=self.notice
        )
        if len(frames) < TEMPLATE_FRAMES:
            raise TooFewFrames
        captures, _ = self._look(device, nonce, frames, least=TEMPLATE_FRAMES, enrolling=True)
        enrolments.require_one_person(device.tenant, captures)
        refuse_known = (lambda _: None) if somebody_else else partial(self._refuse_known, device)
        links, codes = enrolments.add(device.tenant, captures, given, refuse_known, asked)
        if before is not None:
            links = enrolments.continue_as(before, codes.receipt, links)
        self._presses.succeeded(device.tenant, device.name)
        self._noted(device.tenant, "enrol", "enrolled", links.audit, sync=True)
        self._metrics.enrolments.inc()
        return enrolments.answer(given, codes)

    def _noted(self, tenant: str, event: str, outcome: str, subject: str = NOBODY, *, sync: bool = False) -> None:
        """An audit line about what is done already, or about nobody: a full disk must not undo it or stop it."""
        try:
            self._audit.note(tenant, event, outcome, subject, sync=sync)
        except OSError as error:
            log.warning("audit_not_written", error=type(error).__name__)

    def _refuse_known(self, device: Device, match: CustomerMatch) -> None:
        """Raise AlreadyEnrolled, with a token that opens nothing until the PIN shows whose enrolment it is."""
        if match.outcome == "unknown":
            return
        accounts = self.customers.accounts
        account = None if match.customer_id is None else accounts.find(device.tenant, match.customer_id)
        raise AlreadyEnrolled(token=accounts.token(device, account, (), "face")[0])

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
        raised, expires = self.customers.accounts.token(device, account, opens, "second_factor")
        self._audit.note(device.tenant, "raise", "raised", account.links.audit)
        return Recognition("matched", raised, expires, opens)

    def not_me(self, device: Device, token: str) -> None:
        """The person greeted says "not me". Counts as a false match; from now on the face alone opens nothing of
        that customer. Raises a TokenError."""
        _, account = self.customers.accounts.of_token(device, token)
        self.customers.accounts.require_second_factor(account.row)
        self.customers.updates.dismiss(account.row)
        self._metrics.not_me.inc()
        self._audit.note(device.tenant, "not_me", "flagged", account.links.audit)

    # --- forget

    def forget(self, device: Device, receipt: str) -> bool:
        """Opt out by receipt; True when every place has confirmed. Raises EnrolmentUnknown."""
        return self.erasures.erase(self.customers.accounts.of_receipt(device, receipt), "receipt")

    def forget_face(self, device: Device, nonce: str, frames: Sequence[bytes]) -> bool:
        """Opt out by face: whether somebody was found and erased. A customer who looks like another one needs the
        receipt."""
        captures, _ = self._look(device, nonce, frames)
        decision, account = self._who(device.tenant, captures)
        if account is None or decision != "matched":
            self._noted(device.tenant, "forget", "nobody")
            return False
        self._presses.succeeded(device.tenant, device.name)
        self.erasures.erase(account.row, "face")
        return True
