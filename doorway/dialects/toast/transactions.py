"""What each transaction of Toast does here: inquire, redeem, accrue, reverse. Each counts once, by its GUID."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from flask import Response

from doorway.dialects.menu import TillMenu
from doorway.dialects.tills import OfferRefused, Redeemed, TillOrder, Tills, short
from doorway.dialects.toast.answers import Refused, accepted, refused
from doorway.dialects.toast.checks import Check, read_check
from doorway.dialects.toast.offers import OnCheck, judged, on_check
from doorway.dialects.users import account_of
from plumbing.clock import SECOND, Clock
from recommender.errors import Erased, TimeWithoutZone
from recommender.replies import SuggestRequest
from recommender.scene import Context
from recommender.service import RecommenderService
from recommender.store.till_orders import Transaction

NAME = "toast"
INQUIRE, REDEEM, ACCRUE, REVERSE = (f"LOYALTY_{one}" for one in ("INQUIRE", "REDEEM", "ACCRUE", "REVERSE"))
LIVE, REVERSED, NOTHING, EARLY = "live", "reversed", "nothing", "early"
"""States of a transaction. nothing: no offer of it held. early: it was reversed before it came."""

UNREADABLE = (TypeError, KeyError, ValueError, AttributeError, ArithmeticError, TimeWithoutZone)
PERSONAL = re.compile(r"@|^\+\d|^\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}$")
"""Identifiers that are an e-mail address or a telephone number: Toast's own rules forbid them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A transaction as it came; `site` is ours."""

    tenant: str
    site: str
    guid: str
    kind: str
    body: Mapping[str, Any]
    no_offer: str = ""  # why its offer cannot be redeemed, found out by trying


class Loyalty:
    """What the route works with."""

    def __init__(self, service: RecommenderService, now_us: Clock) -> None:
        self.service, self._now_us = service, now_us
        self.tills = Tills(service, NAME, now_us)
        self._work = {INQUIRE: self._inquire, REDEEM: self._redeem, ACCRUE: self._accrue, REVERSE: self._reverse}

    def answer(self, asked: Asked) -> Response:
        """Raises Refused, and any problem of the database."""
        try:
            try:
                return self._carried_out(asked)
            except OfferRefused as error:  # a till beside this one was faster, or the terms changed
                return self._carried_out(replace(asked, no_offer=str(error)))
        except UNREADABLE as error:
            raise Refused(
                "ERROR_INVALID_INPUT_PROPERTIES", "The body is not as Toast's reference has it."
            ) from error
        except Erased as error:
            raise Refused("ERROR_ACCOUNT_INVALID", "This account was erased, and stays so.") from error

    def _carried_out(self, asked: Asked) -> Response:
        with self.service.database.write():
            return self._work[asked.kind](asked)

    # --- the four transactions

    def _inquire(self, asked: Asked) -> Response:
        """The offer of the house for this check, and which of those that are on it hold. Nothing is redeemed."""
        sent_check, identifier, _ = self._about(asked, needs_account=True)
        check = self._check(asked, sent_check)
        found = self._offer(asked, check, decide=True)
        if found is not None and self._before(asked.tenant, asked.guid) is None:
            self._note(asked, check.guid, "done")
            decided = self._decided(asked, check, found)
            self.tills.shown(asked.tenant, f"{short(asked.guid)}.shown", decided, asked.site)
        return accepted(self._as_check(asked, sent_check, identifier, found))

    def _redeem(self, asked: Asked) -> Response:
        """Redeem the offer that is on the check, with the check as its order; what does not hold is rejected."""
        sent_check, identifier, account = self._about(asked, needs_account=True)
        check, before = self._check(asked, sent_check), self._before(asked.tenant, asked.guid)
        found = self._offer(asked, check, decide=False)
        digits, sent = self._digits(asked.tenant), _redemptions(sent_check)
        if before is not None and before.state != EARLY:
            held = before.state in (LIVE, REVERSED)
            return accepted(self._replied(identifier, sent if held else [], [] if held else sent, before.why))
        applied, rejected = judged(sent, found, digits)
        if before is not None:  # it was reversed before it came
            self._note(asked, check.guid, REVERSED)
            return accepted(self._replied(identifier, sent, [], ""))
        if asked.no_offer:
            rejected += [{"redemption": dict(one), "message": asked.no_offer} for one in applied]
            applied = []
        if applied and found is not None:
            order = self._order(asked, check, account, self._now_us())
            self.tills.keep(asked.tenant, order, self._decided(asked, check, found))
        self._note(asked, check.guid, LIVE if applied else NOTHING, rejected[0]["message"] if rejected else "")
        return accepted(
            self._account(identifier) | {"appliedRedemptions": applied, "rejectedRedemptions": rejected}
        )

    def _accrue(self, asked: Asked) -> Response:
        """The check is an order of the account, or a guest's; one check is one order, however often it is paid."""
        sent_check, _, account = self._about(asked, needs_account=False)
        check, before = self._check(asked, sent_check), self._before(asked.tenant, asked.guid)
        if before is not None:
            if before.state == EARLY:
                self._note(asked, check.guid, REVERSED)
            return accepted()
        order = self._order(asked, check, account, check.paid_us or self._now_us())
        redeemed = None if asked.no_offer else self._redeemed(asked.tenant, check.guid)
        self.tills.keep(asked.tenant, order, redeemed)
        self._note(asked, check.guid, LIVE)
        if check.unlisted:
            log.warning("toast_lines_unlisted", lines=check.unlisted)
        return accepted()

    def _reverse(self, asked: Asked) -> Response:
        """Undo a redemption or an accrual; one that has not come yet is undone when it comes."""
        reversed_one = asked.body["reverseTransactionInformation"]
        name = _guid(reversed_one["transactionId"])
        if self._before(asked.tenant, asked.guid) is not None:
            return accepted()
        there = self._before(asked.tenant, name)
        if there is None or there.state == EARLY:
            early = Transaction(name, "", "", EARLY)
            self.service.stores.tills.put_transaction(asked.tenant, NAME, early, self._now_us())
            return refused(Refused("ERROR_TRANSACTION_DOES_NOT_EXIST", "It is undone when it comes."))
        if there.kind not in (REDEEM, ACCRUE) or there.state == REVERSED:
            raise Refused("ERROR_TRANSACTION_CANNOT_BE_REVERSED", "Only what was redeemed or accrued, and once.")
        self.service.stores.tills.put_transaction(
            asked.tenant, NAME, replace(there, state=REVERSED), self._now_us()
        )
        self._settle(asked.tenant, there)
        self._note(asked, there.order_ref, "done")
        return accepted()

    def _settle(self, tenant: str, gone: Transaction) -> None:
        """Bring the order in line with the transactions that are left of its check."""
        left = self.service.stores.tills.live_transactions(tenant, NAME, gone.order_ref)
        if not left:
            self.tills.drop(tenant, gone.order_ref)
        elif gone.kind == REDEEM and gone.state == LIVE:
            order = self.tills.recorded(tenant, gone.order_ref)
            if order is not None:
                self.tills.keep(tenant, order)

    # --- what they are made of

    def _about(self, asked: Asked, *, needs_account: bool) -> tuple[Mapping[str, Any], str, str]:
        """What the body says of a check, the account's identifier, and under what the account is kept."""
        sent_check = asked.body["checkTransactionInformation"]
        identifier = sent_check.get("loyaltyIdentifier")
        if identifier is None and not needs_account:
            return sent_check, "", ""
        if not isinstance(identifier, str) or not 0 < len(identifier) <= 128:
            raise Refused("ERROR_ACCOUNT_INVALID", "A loyaltyIdentifier has 1 to 128 characters.")
        if PERSONAL.search(identifier):
            raise Refused("ERROR_ACCOUNT_INVALID", "An e-mail address or a telephone number is no identifier.")
        account = account_of(self.service.stores.key("accounts"), asked.tenant, identifier)
        if self.service.events.is_erased(asked.tenant, account):
            raise Erased
        return sent_check, identifier, account

    def _check(self, asked: Asked, sent_check: Mapping[str, Any]) -> Check:
        menu = TillMenu(self.service.caches.menu(asked.tenant, "item").by_id.values())
        return read_check(sent_check["check"], menu, self._digits(asked.tenant))

    def _digits(self, tenant: str) -> int:
        return self.service.stores.tenants.get(tenant).digits

    def _order(self, asked: Asked, check: Check, account: str, time_us: int) -> TillOrder:
        return TillOrder(check.guid, min(time_us, self._now_us()), asked.site, check.lines, account)

    def _before(self, tenant: str, guid: str) -> Transaction | None:
        return self.service.stores.tills.transaction(tenant, NAME, _guid(guid))

    def _note(self, asked: Asked, check: str, state: str, why: str = "") -> None:
        one = Transaction(_guid(asked.guid), asked.kind, short(check), state, why)
        self.service.stores.tills.put_transaction(asked.tenant, NAME, one, self._now_us())

    # --- offers

    def _offer(self, asked: Asked, check: Check, *, decide: bool) -> OnCheck | None:
        """The offer that was decided on for this check; `decide`: decide where none was, or it is over.

        The same as for every guest: whose account it is does not matter.
        """
        tenant, store = asked.tenant, self.service.stores.offers
        row = self.service.stores.tills.hold(tenant, NAME, short(check.guid), self._now_us())
        decision = None
        if row.decision:
            decision = store.decision(tenant, row.decision)
            if decide and decision["redeem_end_us"] <= self._now_us():
                decision = None
        if decision is None and decide:
            context = Context(site=asked.site, local_time=self._local(asked))
            query = SuggestRequest(tenant, "", "offers", None, context, 1, sender=self.tills.sender)
            reply = self.service.suggest(query)
            if reply.items:
                self.service.stores.tills.keep(tenant, NAME, replace(row, decision=reply.recommendation_id))
                decision = store.decision(tenant, reply.recommendation_id)
        if decision is None:
            return None
        categories = {one.item_id: one.category for one in self.service.caches.menu(tenant, "item").items}
        offer = store.offer(tenant, decision["arm"])
        return on_check(offer, check, asked.site, self._local(asked), categories, self._digits(tenant))

    def _decided(self, asked: Asked, check: Check, found: OnCheck) -> Redeemed:
        row = self.service.stores.tills.hold(asked.tenant, NAME, short(check.guid), self._now_us())
        return Redeemed(row.decision, found.offer.offer_id)

    def _redeemed(self, tenant: str, check: str) -> Redeemed | None:
        """The offer that is redeemed with this check."""
        live = self.service.stores.tills.live_transactions(tenant, NAME, short(check))
        if not any(one.kind == REDEEM for one in live):
            return None
        row = self.service.stores.tills.hold(tenant, NAME, short(check), self._now_us())
        return Redeemed(row.decision, str(self.service.stores.offers.decision(tenant, row.decision)["arm"]))

    def _local(self, asked: Asked) -> datetime:
        return datetime.fromtimestamp(self._now_us() / SECOND, self.tills.zone(asked.tenant, asked.site))

    # --- answers

    @staticmethod
    def _account(identifier: str) -> dict[str, Any]:
        """No name, telephone number or address: none is known here."""
        return {"accountInfo": {"identifier": identifier}}

    def _as_check(
        self, asked: Asked, sent_check: Mapping[str, Any], identifier: str, found: OnCheck | None
    ) -> dict[str, Any]:
        applied, rejected = judged(_redemptions(sent_check), found, self._digits(asked.tenant))
        offers = [found.shown] if found is not None else []
        lists = {"offers": offers, "appliedRedemptions": applied, "rejectedRedemptions": rejected}
        return self._account(identifier) | lists

    def _replied(
        self, identifier: str, applied: Sequence[Mapping[str, Any]], gone: Sequence[Mapping[str, Any]], why: str
    ) -> dict[str, Any]:
        """What was answered before."""
        rejected = [{"redemption": dict(one), "message": why} for one in gone]
        lists = {"appliedRedemptions": list(applied), "rejectedRedemptions": rejected}
        return self._account(identifier) | lists


def _redemptions(sent_check: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Raises TypeError."""
    found = sent_check.get("redemptions") or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise TypeError("redemptions are a list of objects")
    return found


def _guid(given: object) -> str:
    """Raises ValueError."""
    if not isinstance(given, str) or not re.fullmatch(r"[!-~]{1,64}", given):
        raise ValueError("a GUID has 1 to 64 printable characters")
    return given
