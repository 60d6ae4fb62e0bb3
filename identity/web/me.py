"""Routes of the customer's own page: sign in, see what is held, change it, leave.

None needs an API key: a phone has none. Signing in is limited for each network address and for each code; then a
token comes with every request as a Bearer token, and no other site can make a browser send it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request

from identity.customers.accounts import Account
from identity.customers.own_page.affairs import OwnAffairs
from identity.customers.own_page.page import OwnPage, Session
from identity.errors import TwoWaysIn
from identity.results import Device
from identity.web.codes import BY_CODE, CONSENT, PIN, TOKEN
from identity.web.me_schemas import (
    NewPinBody,
    OwnDataReply,
    OwnErasureReply,
    OwnNoticeQuery,
    OwnNoticeReply,
    PauseReply,
    PurposesBody,
    SessionBody,
    SessionReply,
)
from identity.web.times import iso
from plumbing.access.access import Access
from plumbing.bearer import bearer_of
from plumbing.door import PUBLIC, Body, Door, Limit

SIGN_INS = Limit("sign-ins", 20)
LOOKS = Limit("looks at one's own page", 60)
CHANGES = Limit("changes on one's own page", 60)
"""In a minute, of one network address: a shop's guests may share one."""


@dataclass(frozen=True)
class OwnPageTools:
    """What these routes work with."""

    page: OwnPage
    affairs: OwnAffairs
    access: Access

    def held(self, token: str) -> dict[str, Any]:
        """What is held about the customer of a token (OwnDataReply). Raises a TokenError, CustomerLeft."""
        return self.held_by(self.page.opened(token)[1])

    def held_by(self, account: Account) -> dict[str, Any]:
        """The same of a customer who was found. Raises CustomerLeft."""
        return OwnDataReply.model_validate(self.affairs.held(account)).model_dump()


def routes(door: Door, tools: OwnPageTools) -> None:
    """Put the routes on the door."""
    _session_routes(door, tools)
    _looking_routes(door, tools)
    _pause_routes(door, tools)
    _changing_routes(door, tools)
    _leaving_route(door, tools)


def _session_reply(session: Session) -> Body:
    return {
        "token": session.token,
        "expires_at": iso(session.expires_us),
        "level": session.level,
        "purposes": list(session.purposes),
    }


def _session_routes(door: Door, tools: OwnPageTools) -> None:
    @door.route(
        "POST",
        "/me/sessions",
        scopes=PUBLIC,
        limit=SIGN_INS,
        lane="own_page",
        reply=SessionReply,
        summary="Sign in on one's own page: by code and PIN, or with a token of this device after the PIN",
        errors=(*BY_CODE, *TOKEN, "key_refused", "second_factor_required", "two_ways_in", "too_many_requests"),
    )
    def open_own_page(body: SessionBody) -> Body:
        """A customer signs in on their own page, with code and PIN or with the token of a device after the PIN.
        The reply is a token for the page.
        """
        if (body.receipt is None) == (body.token is None) or (body.token and body.pin):
            raise TwoWaysIn
        if body.token is not None:
            caller = tools.access.authenticate(request)  # the device itself: its key or its cookie
            session = tools.page.hand_over(Device(caller.tenant, caller.device), body.token)
        else:
            session = tools.page.sign_in(body.receipt or "", body.pin)
        tools.affairs.opened(session.account, "at_device" if body.token else "by_code")
        return _session_reply(session)


def _looking_routes(door: Door, tools: OwnPageTools) -> None:
    @door.route(
        "GET",
        "/me",
        scopes=PUBLIC,
        token=True,
        limit=LOOKS,
        lane="own_page",
        reply=OwnDataReply,
        summary="What is held here about the customer of the token (purpose own_data)",
    )
    def get_own_identity_data() -> Body:
        """What the identity half holds about the customer: consents, when they were looked up, whether there is
        a face. No picture is ever kept.
        """
        return tools.held(bearer_of(request))

    @door.route(
        "GET",
        "/me/notice",
        scopes=PUBLIC,
        token=True,
        limit=LOOKS,
        lane="own_page",
        reply=OwnNoticeReply,
        summary="The notice, to be read before agreeing to one more purpose",
        errors=("language_unknown", "notice_altered"),
    )
    def get_own_notice(query: OwnNoticeQuery) -> Body:
        """The notice that they read before they agree to one more purpose, and which one they agreed to."""
        tools.page.opened(bearer_of(request))
        return tools.affairs.notice(query.language)


def _pause_routes(door: Door, tools: OwnPageTools) -> None:
    @door.route(
        "PUT",
        "/me/pause",
        scopes=PUBLIC,
        token=True,
        limit=CHANGES,
        lane="privacy",
        reply=PauseReply,
        summary="Pause for 30 days: nobody is greeted, nothing is forgotten",
    )
    def pause_recognition() -> Body:
        """Nobody is greeted for 30 days, and nothing is forgotten."""
        _, account = tools.page.opened(bearer_of(request))
        return {"paused_until": tools.affairs.pause(account)}

    @door.route(
        "DELETE",
        "/me/pause",
        scopes=PUBLIC,
        token=True,
        status=204,
        limit=CHANGES,
        lane="own_page",
        reply=None,
        summary="End the pause",
    )
    def end_pause() -> Body:
        """From now on they are greeted again."""
        _, account = tools.page.opened(bearer_of(request))
        tools.affairs.resume(account)
        return None


def _changing_routes(door: Door, tools: OwnPageTools) -> None:
    _agreeing_routes(door, tools)
    _face_routes(door, tools)


def _agreeing_routes(door: Door, tools: OwnPageTools) -> None:
    @door.route(
        "PUT",
        "/me/purposes",
        scopes=PUBLIC,
        token=True,
        limit=CHANGES,
        lane="own_page",
        reply=SessionReply,
        summary="Agree to a purpose, or take that back; the token is replaced, since it names the purposes",
        errors=(*CONSENT, "language_unknown", "pin_needed"),
    )
    def set_own_purposes(body: PurposesBody) -> Body:
        """Each purpose is agreed to or taken back by itself. The reply has a new token, since a token names its
        purposes.
        """
        claims, account = tools.page.opened(bearer_of(request))
        wanted = {str(name): agreed for name, agreed in body.purposes.items()}
        changed = tools.affairs.agree(account, wanted, body.notice_version, body.language)
        return _session_reply(tools.page.session(changed, claims.level))

    @door.route(
        "PUT",
        "/me/pin",
        scopes=PUBLIC,
        token=True,
        status=204,
        limit=CHANGES,
        lane="own_page",
        reply=None,
        summary="Set the PIN, or change it with the present one",
        errors=(*PIN, "pin_invalid"),
    )
    def set_own_pin(body: NewPinBody) -> Body:
        """The first PIN, or another one with the present one."""
        _, account = tools.page.opened(bearer_of(request))
        tools.affairs.change_pin(account, body.pin, body.new_pin)
        return None


def _face_routes(door: Door, tools: OwnPageTools) -> None:
    @door.route(
        "DELETE",
        "/me/face",
        scopes=PUBLIC,
        token=True,
        status=204,
        limit=CHANGES,
        lane="privacy",
        reply=None,
        summary="Erase what was made from the face; history and code stay",
        errors=("enrolment_unknown",),
    )
    def erase_own_face() -> Body:
        """The template is erased at once, in backups too; history and code stay."""
        _, account = tools.page.opened(bearer_of(request))
        tools.affairs.drop_face(account)
        return None

    @door.route(
        "DELETE",
        "/me/not-me",
        scopes=PUBLIC,
        token=True,
        status=204,
        limit=CHANGES,
        lane="own_page",
        reply=None,
        summary='Take back a permanent "Not me", after the PIN',
        errors=("second_factor_required",),
    )
    def end_own_not_me() -> Body:
        """The face is greeted again after a permanent "Not me"."""
        token = bearer_of(request)
        tools.affairs.take_back_not_me(tools.page.opened(token)[0], token)
        return None


def _leaving_route(door: Door, tools: OwnPageTools) -> None:
    @door.route(
        "DELETE",
        "/me",
        scopes=PUBLIC,
        token=True,
        limit=CHANGES,
        lane="privacy",
        reply=OwnErasureReply,
        summary="Opt out: everything is erased, at once and for good",
        errors=("recommender_unreachable",),
    )
    def erase_own_data() -> Body:
        """Everything is erased, in both halves and in backups. The reply is a receipt that names every store."""
        _, account = tools.page.opened(bearer_of(request))
        return tools.affairs.erase(account)
