"""Joining, with or without a face; and a face that comes or goes later.

Consent and PIN are settled before a picture is looked at. What looks at the pictures is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Unpack

from identity.audit.log import Audit
from identity.capture.embed import Capture
from identity.config import IdentityConfig
from identity.consent.ledger import ConsentLedger
from identity.consent.notices import DEFAULT_LANGUAGE, Notices, check_consent
from identity.customers.accounts import Accounts
from identity.customers.joining.enrolment import Agreed, Enrolments
from identity.customers.joining.pending import Pending
from identity.customers.pins import Pins, well_formed
from identity.customers.visits.day_limits import DayLimits
from identity.customers.visits.presses import Presses
from identity.errors import AlreadyEnrolled, FaceHeld, NoticeOutdated, PinNeeded, PinNotSet
from identity.matching.matcher import CustomerMatch
from identity.results import Device, Enrolled, Said
from identity.store.customers import CustomerRow
from identity.tokens import PREFIX
from plumbing.idempotency import asked_now

Look = Callable[[], list[Capture]]
"""Uses up the press, and makes of its frames what a template is made of."""


class Joining:
    """How somebody becomes a customer, and what they change about the ways in."""

    def __init__(
        self,
        config: IdentityConfig,
        accounts: Accounts,
        enrolments: Enrolments,
        pending: Pending,
        pins: Pins,
        ledger: ConsentLedger,
        presses: Presses,
        limits: DayLimits,
        audit: Audit,
    ) -> None:
        self.notices = Notices.of(config)
        self._config = config
        self._accounts = accounts
        self._enrolments = enrolments
        self._pending = pending
        self._pins = pins
        self._ledger = ledger
        self._presses = presses
        self._limits = limits
        self._audit = audit

    # --- join

    def with_face(
        self,
        device: Device,
        look: Look,
        *,
        somebody_else: bool = False,
        earlier: str | None = None,
        **said: Unpack[Said],
    ) -> Enrolled:
        """Enrol the person at the device. `earlier` is the code of an enrolment with another engine pack: the new
        one continues it (`re_enrolment`).

        Raises a ConsentError, LanguageUnknown, PinInvalid, EnrolmentUnknown; PinNeeded when nothing that was
        agreed to opens without a PIN; then what `look` raises; AlreadyEnrolled unless `somebody_else`.
        """
        asked = asked_now()
        if (answered := self._enrolments.answers.given(device.tenant, asked)) is not None:
            return answered  # it was stored, and its answer got lost
        before = None if earlier is None else self._accounts.of_receipt(device, earlier)
        agreed = self._agreed(said, with_pin=before is not None and before.pin is not None)
        captures = look()
        refuse = self._refusing(device, captures, somebody_else)
        made = self._enrolments.add(device, captures, agreed, refuse, asked, before)
        self._presses.succeeded(device.tenant, device.name)
        return made

    def without_face(self, device: Device, **said: Unpack[Said]) -> Enrolled:
        """Enrol somebody who goes by code and PIN. Raises as `with_face` does; TooManyRequests."""
        asked = asked_now()
        if (answered := self._enrolments.answers.given(device.tenant, asked)) is not None:
            return answered
        agreed = self._agreed(said, with_pin=True)
        if agreed.pin is None:
            raise PinNeeded("A code opens nothing without its PIN: send `pin`, four digits.")
        self._accounts.limit(device, "enrolments without a face")
        return self._enrolments.add_without_face(device, agreed, asked)

    def _agreed(self, said: Said, *, with_pin: bool) -> Agreed:
        """What was agreed to. `with_pin`: there is a PIN already, or it is asked for elsewhere."""
        notice = self.notices.current(said.get("language", DEFAULT_LANGUAGE), said.get("place"))
        given = check_consent(
            said["purposes"],
            notice_version=said["notice_version"],
            age_confirmed=said["age_confirmed"],
            notice=notice,
        )
        self.notices.shelf.keep_shown(notice.sha256, notice.text)
        pin = said.get("pin")
        if pin is not None:
            well_formed(pin)
        elif not with_pin and all("pin" in self._config.needs[purpose] for purpose in given):
            raise PinNeeded
        return Agreed(given, notice, pin)

    def _refusing(
        self, device: Device, captures: Sequence[Capture], somebody_else: bool
    ) -> Callable[[CustomerMatch], None]:
        return (lambda _: None) if somebody_else else partial(self._refuse_known, device, captures)

    def _refuse_known(self, device: Device, captures: Sequence[Capture], match: CustomerMatch) -> None:
        """Raise AlreadyEnrolled, with a token that opens nothing until the PIN shows whose enrolment it is."""
        if match.outcome == "unknown":
            return
        account = None if match.customer_id is None else self._accounts.find(device.tenant, match.customer_id)
        if account is not None and not self._limits.may_match(device.name, captures, [account.row]):
            return  # as if they were not enrolled: the answer would be one match more
        if account is not None and self._pending.begun_again(account.row, device.name):
            return
        raise AlreadyEnrolled(token=self._accounts.token(device, account, (), "face")[0])

    # --- a face, later

    def add_face(
        self,
        device: Device,
        code: str,
        pin: str | None,
        look: Look,
        *,
        notice_version: str | None = None,
        language: str = DEFAULT_LANGUAGE,
        somebody_else: bool = False,
    ) -> None:
        """Give a customer who has none a face; their history stays. `notice_version` is of what they read; None:
        today's.

        Raises EnrolmentUnknown, PinNeeded, a PinError, NoticeOutdated, LanguageUnknown or FaceHeld before a frame
        is looked at; then what `look` raises; AlreadyEnrolled unless `somebody_else`.
        """
        notice = self.notices.current(language)
        row = self._proven(device, code, pin)
        if notice_version not in (None, notice.version):
            raise NoticeOutdated(version=notice.version, languages=list(notice.languages))
        if self._ledger.standing(row).has_face:
            raise FaceHeld
        self.notices.shelf.keep_shown(notice.sha256, notice.text)
        captures = look()
        refuse = self._refusing(device, captures, somebody_else)
        self._enrolments.add_face(device, row, captures, notice, refuse)
        self._presses.succeeded(device.tenant, device.name)
        self._audit.note(device.tenant, "face", "added", self._accounts.links_of(row).audit)

    def drop_face(self, device: Device, code: str, pin: str | None) -> None:
        """Take the consent to the face back: its templates go at once, for good. Twice is no error.

        Raises EnrolmentUnknown, PinNeeded or a PinError.
        """
        row = self._proven(device, code, pin)
        if self._ledger.withdraw(row.holder, ("face",)):
            self._audit.note(device.tenant, "face", "dropped", self._accounts.links_of(row).audit)

    def _proven(self, device: Device, code: str, pin: str | None) -> CustomerRow:
        """The customer of a code, whose PIN this is where one is set."""
        row = self._accounts.of_receipt(device, code)
        if row.pin is not None:
            if pin is None:
                raise PinNeeded("Send `pin` too: the code alone is not enough here.")
            self._pins.check(row, pin)
        return row

    # --- PIN

    def change_pin(self, device: Device, proof: str, old: str | None, new: str) -> None:
        """Set another PIN, or a first one. `proof` is a token of this device or the code; the old PIN is needed
        when there is one, and the code when there is none.

        Raises a TokenError, EnrolmentUnknown, PinInvalid, PinNotSet, PinWrong or PinLocked.
        """
        by_token = proof.startswith(PREFIX)
        row = (
            self._accounts.of_token(device, proof)[1].row if by_token else self._accounts.of_receipt(device, proof)
        )
        if by_token and row.pin is None:
            raise PinNotSet
        self._pins.change(row, old, new)
        self._audit.note(device.tenant, "pin", "changed", self._accounts.links_of(row).audit)
