"""Routes of the customer's own page: what is held here, correct it, tie the shop's own account.

A token for the page is bound to no device (`OWN_PAGE`) and names the purpose `own_data`; it comes as a Bearer
token, and no API key is needed. Only the shop's own system asks with its key, for a link code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flask import request

from plumbing.access.access import Caller
from plumbing.bearer import bearer_of
from plumbing.clock import SECOND, Clock
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.steady import closed_before
from plumbing.storage.tenants import narrow
from recommender.errors import Erased, PurposeNotGiven, TokenError
from recommender.in_flight import OWN_DATA
from recommender.scene import Context
from recommender.schemas import BASE, SceneName
from recommender.service import RecommenderService, SuggestRequest
from recommender.store.ties import ACCOUNT
from recommender.tokens import Claims, open_token
from recommender.web.me_schemas import (
    AccountPath,
    CorrectionReply,
    EventPath,
    LinkCodeReply,
    OwnHistoryReply,
    OwnWhy,
    TieBody,
    TieReply,
)

OWN_PAGE = "me"
"""The device that a token for the customer's own page is bound to."""

LOOKS = Limit("own data", 60)
CHANGES = Limit("changes on one's own page", 60)
TIES = Limit("link codes tried", 10)
"""In a minute, of one network address."""

SCENES: tuple[SceneName, ...] = ("orders", "destinations")
"""Offers are left out: they log what they show, and here nothing is shown."""

SUGGESTED = 5  # suggestions of each scene whose reasons are shown


@dataclass(frozen=True)
class OwnPageTools:
    """What these routes work with."""

    service: RecommenderService
    now_us: Clock

    def claims(self, token: str, purpose: str = OWN_DATA) -> Claims:
        """What a token for the page says. Raises a TokenError."""
        claims = open_token(
            self.service.config.token_keys,
            token,
            tenant=None,
            device=OWN_PAGE,
            purpose=OWN_DATA,
            now_us=self.now_us(),
            not_before_us=closed_before(self.now_us),
        )
        narrow(claims.tenant)
        if purpose not in claims.purposes:
            raise PurposeNotGiven(purpose)
        # The page goes on when a purpose is taken back; the purpose does not.
        own = purpose == OWN_DATA
        self.service.in_flight.require(claims if own else replace(claims, purposes=(purpose,)))
        self.service.stores.erased.keep_erased()
        if self.service.events.is_erased(claims.tenant, claims.pseudonym):
            raise Erased
        return claims

    def held(self, token: str) -> dict[str, Any]:
        """What is held about the customer of a token, as OwnHistoryReply has it. Raises a TokenError."""
        claims = self.claims(token)
        parts = self.service.own_data(claims)
        purposes = sorted(set(claims.purposes) - {OWN_DATA})
        return OwnHistoryReply(**parts, purposes=purposes, why=self._why(claims, token)).model_dump()

    def _why(self, claims: Claims, token: str) -> list[OwnWhy]:
        """What would be suggested now, and why."""
        found = []
        for name in SCENES:
            if name not in claims.purposes:
                continue
            try:
                query = SuggestRequest(claims.tenant, OWN_PAGE, name, token, Context(), SUGGESTED)
                reply = self.service.suggest(query)
            except TokenError:  # rides without the PIN
                continue
            found += [_reason(name, reply.model_version, item) for item in reply.items]
        return found


def _reason(scene: SceneName, version: str | None, item: Mapping[str, Any]) -> OwnWhy:
    return OwnWhy(
        scene=scene,
        item_id=item["item_id"],
        name=item["name"],
        reason=item["reason"]["text"],
        reason_code=item["reason"]["code"],
        model_version=version,
    )


def routes(door: Door, tools: OwnPageTools) -> None:
    """Put the routes on the door."""
    _own_routes(door, tools)
    _account_routes(door, tools)


def _own_routes(door: Door, tools: OwnPageTools) -> None:
    @door.route(
        "GET",
        BASE + "/me",
        scopes=PUBLIC,
        token=True,
        limit=LOOKS,
        lane="own_page",
        reply=OwnHistoryReply,
        summary="What is held here about the customer of the token (purpose own_data)",
    )
    def get_own_history() -> Body:
        """What the recommender holds about the customer: events, ties, and why it would suggest what it would."""
        return tools.held(bearer_of(request))

    @door.route(
        "DELETE",
        BASE + "/me/events/<event_id>",
        scopes=PUBLIC,
        token=True,
        limit=CHANGES,
        lane="own_page",
        reply=CorrectionReply,
        summary="That was not my order: out of the history, and of every model that holds it",
        errors=("event_ambiguous", "no_such_event", "not_found"),
    )
    def delete_own_event(path: EventPath) -> Body:
        """The event goes from the history at once, and from each model with its next version."""
        tools.service.correct(tools.claims(bearer_of(request)), path.event_id)
        return {"removed": True}


def _account_routes(door: Door, tools: OwnPageTools) -> None:
    @door.route(
        "POST",
        BASE + "/me/account",
        scopes=PUBLIC,
        token=True,
        limit=TIES,
        lane="own_page",
        reply=TieReply,
        summary="Tie the shop's own account to what is held here (purpose account)",
        errors=("account_unusable", "link_code_wrong"),
    )
    def tie_own_account(body: TieBody) -> Body:
        """With the code that the shop's system showed (`create_account_code`): the account's history becomes the
        customer's.
        """
        claims = tools.claims(bearer_of(request), ACCOUNT)
        return {"account": tools.service.tie_account(claims, body.link_code)}

    @door.route(
        "DELETE",
        BASE + "/me/account",
        scopes=PUBLIC,
        token=True,
        status=204,
        limit=CHANGES,
        lane="own_page",
        reply=None,
        summary="Untie the shop's own account, at once",
    )
    def untie_own_account() -> Body:
        """The shop's account is a stranger's again."""
        tools.service.untie(tools.claims(bearer_of(request)))
        return None

    @door.route(
        "POST",
        BASE + "/accounts/<account>/link-codes",
        scopes=("event",),
        status=201,
        reply=LinkCodeReply,
        summary="A one-time code with which a customer may tie this account of the shop, for ten minutes",
        errors=("account_unusable", "too_many_link_codes"),
    )
    def create_account_code(caller: Caller, path: AccountPath) -> Body:
        """For the shop's own system: it shows the code to the account's owner, who types it on their own page."""
        made = tools.service.new_link_code(caller.tenant, path.account)
        moment = datetime.fromtimestamp(made.expires_us / SECOND, UTC)
        return {"link_code": made.code, "expires_at": moment.isoformat(timespec="seconds")}
