"""What is held about one customer, as they see it themselves, and what they change about it on their own page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from identity.audit.log import Audit
from identity.config import LEDGER_PURPOSES
from identity.consent.notices import Notice
from identity.customers.accounts import OWN_PAGE, Account, Accounts
from identity.customers.leaving.erasure import Erasures
from identity.customers.pins import Pins
from identity.customers.standing import Standings
from identity.customers.visits.not_me import NotMe
from identity.errors import CustomerLeft, NoticeError, NoticeOutdated, PinNeededHere
from identity.results import Device
from identity.store.customers import CONFIRMED_NOT_ME, LOOKALIKE
from identity.store.own_page import OwnPageStore
from identity.tokens import Claims
from plumbing.clock import DAY, SECOND

log = structlog.get_logger(__name__)
MASKED = "-masked"  # in the id of a pack's part for faces with a mask


class OwnAffairs:
    """A customer's own affairs. Whoever calls it has opened their token (`OwnPage.opened`)."""

    def __init__(
        self,
        accounts: Accounts,
        standings: Standings,
        pins: Pins,
        not_me: NotMe,
        erasures: Erasures,
        store: OwnPageStore,
        audit: Audit,
        notice_in: Callable[[str], Notice],
    ) -> None:
        """`notice_in` gives the newest notice in a language. Raises what it raises."""
        self._accounts = accounts
        self._standings = standings
        self._pins = pins
        self._not_me = not_me
        self._erasures = erasures
        self._store = store
        self._audit = audit
        self._notice_in = notice_in

    # --- look

    def held(self, account: Account) -> dict[str, Any]:
        """What is held here, in the fields of `OwnDataReply`.

        Raises CustomerLeft: they are being erased while this is put together. Nothing is given out then.
        """
        row, standing = account.row, account.standing
        held = {
            "state": "paused" if standing.paused else "active",
            "paused_until": _day_of(standing.paused_until_us // DAY) if standing.paused else None,
            "purposes": {name: name in standing.given for name in LEDGER_PURPOSES},
            "notice": {"agreed": standing.notice_version, "newest": self._newest(standing.notice_version)},
            "last_visit": _day_of(row.last_day),
            "kept_until": _day_of(standing.expires_day),
            "ends_soon": standing.reminder,
            "pin_set": row.pin is not None,
            "face": {
                "held": standing.has_face,
                "kept": [_kind_of(pack) for pack in self._store.packs_of(row.tenant, row.customer_id)],
                "site": self._accounts.home_of(row) or None,
            },
            "face_needs_pin": _why_a_pin(standing.needs_second_factor),
            "consent_records": self._standings.ledger.records(row.holder),
            "lookups": self.lookups(account),
        }
        if self._accounts.find(row.tenant, row.customer_id) is None:
            raise CustomerLeft
        return held | {"in_words": in_words(held)}

    def _newest(self, otherwise: str) -> str:
        """The newest version of the notice; `otherwise` while none can be read."""
        try:
            return self._notice_in("en").version
        except NoticeError as error:
            log.warning("notice_not_read", why=error.detail)
            return otherwise

    def lookups(self, account: Account) -> list[dict[str, Any]]:
        """Who asked for this customer: day, device, what, for which purposes; the latest first."""
        return [
            {
                "day": line.day,
                "device": line.device,
                "event": line.event,
                "purposes": list(line.purposes),
                "outcome": line.outcome,
            }
            for line in reversed(self._audit.lines_of(account.links.audit))
        ]

    def notice(self, language: str) -> dict[str, Any]:
        """The newest notice in a language, to be read before agreeing to more."""
        now = self._notice_in(language)
        return {
            "version": now.version,
            "language": now.language,
            "sha256": now.sha256,
            "text": now.text,
        }

    # --- change

    def pause(self, account: Account) -> str:
        """Pause for 30 days; until which day. Raises CustomerLeft."""
        until_us = self._standings.pause(account.row)
        self._noted(account, "pause", "paused")
        return _day_of(until_us // DAY)

    def resume(self, account: Account) -> None:
        """End the pause; without one nothing happens. Raises CustomerLeft."""
        if self._standings.resume(account.row):
            self._noted(account, "pause", "resumed")

    def agree(self, account: Account, purposes: Mapping[str, bool], notice_version: str, language: str) -> Account:
        """Agree to purposes, or take them back; the customer as they stand then. Taking back needs no notice: it
        works also while none can be read.

        Raises NoticeOutdated when something is given and another notice was read, and what reading it raises;
        UnknownPurpose, CustomerLeft.
        """
        notice = self._notice_in(language) if any(purposes.values()) else None
        if notice is not None and notice_version != notice.version:
            raise NoticeOutdated
        row = account.row
        self._standings.change_purposes(row, purposes, notice, language=language)
        self._noted(account, "consent", "changed")
        changed = self._accounts.find(row.tenant, row.customer_id)
        if changed is None:
            raise CustomerLeft
        return changed

    def change_pin(self, account: Account, pin: str | None, new_pin: str) -> None:
        """Set the first PIN, or another one with the present one. Raises a PinError."""
        self._pins.change(account.row, pin, new_pin)
        self._noted(account, "pin", "changed")

    def drop_face(self, account: Account) -> None:
        """Erase everything that was made from the face. The code stays, and the history. Raises CustomerLeft."""
        if self._standings.ledger.withdraw(account.row.holder, ("face",)):
            self._noted(account, "face", "dropped")

    def take_back_not_me(self, claims: Claims, token: str) -> None:
        """End a permanent "Not me". Raises PinNeededHere, a TokenError."""
        if claims.level != "second_factor":
            raise PinNeededHere
        self._not_me.take_back(Device(claims.tenant, OWN_PAGE), token)

    def erase(self, account: Account) -> dict[str, Any]:
        """Opt out; the reply in the fields of `OwnErasureReply`."""
        receipt = self._erasures.erase(account.row, "page")
        given = self._erasures.receipts.given(receipt)
        return {"forgotten": True, "everywhere": receipt.everywhere, "erasure": given}

    def opened(self, account: Account, way: str) -> None:
        """Note that the page was opened: the customer sees it there, also when it was somebody else."""
        self._noted(account, "me", way)

    def _noted(self, account: Account, event: str, outcome: str) -> None:
        self._audit.note(account.row.tenant, event, outcome, account.links.audit)


def in_words(held: Mapping[str, Any]) -> list[str]:
    """What is held in a few English sentences; the page has them in the reader's language."""
    given = [name for name, agreed in held["purposes"].items() if agreed]
    face = held["face"]["held"]
    return [
        f"You are paused until {held['paused_until']}: nobody recognises you, nothing is forgotten."
        if held["state"] == "paused"
        else "You are recognised when you ask for it, and only then.",
        f"You agreed to: {', '.join(given) or 'nothing at present'}.",
        "A template of your face is held: a list of numbers, encrypted under a key of your own. No picture."
        if face
        else "Nothing of your face is held.",
        *([f"It was enrolled at {held['face']['site']}. No other site is kept."] if held["face"]["site"] else []),
        "A PIN is set." if held["pin_set"] else "No PIN is set.",
        f"Your last visit was on {held['last_visit']}. Without another one everything is erased on"
        f" {held['kept_until']}.",
    ]


def _kind_of(pack: str) -> str:
    return f"{pack}, face with a mask" if MASKED in pack else f"{pack}, bare face"


def _why_a_pin(why: int) -> str:
    return {CONFIRMED_NOT_ME: "by_choice", LOOKALIKE: "lookalike"}.get(why, "never")


def _day_of(day: int) -> str:
    """Days since 1970 as a date."""
    return datetime.fromtimestamp(day * DAY // SECOND, UTC).date().isoformat()
