"""Routes of sessions: sign in, use a one-time link, who is signed in, sign out."""

from __future__ import annotations

from flask import Response, jsonify, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from desk import own
from desk import people as colleagues
from desk.common import BASE, KNOWN, Strict, put_session, where
from desk.sites import FOR_EVERY_SITE
from plumbing.access import cookies
from plumbing.access.caller import Caller
from plumbing.access.errors import SessionEnded
from plumbing.access.foreign import refuse_foreign
from plumbing.describing.later import Api
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.people.people import MARK_US, People
from plumbing.shared import Shared

ATTEMPTS = Limit(
    "attempts to sign in", 60
)  # a minute and network address; `plumbing/people/throttle.py` counts on


class SignInBody(Strict):
    name: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=1000)
    code: str = Field("", max_length=40, description="of the code app, or a recovery code, where there is an app")


class LinkBody(Strict):
    secret: str = Field(min_length=8, max_length=64, description="from the fragment of the link")


class AcceptBody(LinkBody):
    password: str = Field(min_length=1, max_length=1000)
    code: str = Field("", max_length=40, description="of the code app, where there is one")


class InvitationReply(BaseModel):
    name: str = Field(description="the sign-in name that the link is for")
    display: str
    is_new: bool = Field(description="whether this is the first password")
    code_app: bool = Field(description="whether a code is asked for as well")


class SignedInReply(BaseModel):
    user_id: str
    name: str
    display: str
    roles: list[str]
    scopes: list[str]
    sites: list[str] = Field(description="empty: all sites")


def routes(shared: Shared) -> APIBlueprint:
    """The desk's own routes."""
    api = Api("desk-api", __name__, abp_tags=[Tag(name="desk", description="People who sign in")])
    api.before_request(
        lambda: refuse_foreign(request)
    )  # a sign-in of a foreign page as well: it has no cookie yet
    shared.access.for_every_site = frozenset(FOR_EVERY_SITE)
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    _sign_in_routes(door, shared.people)
    _session_routes(door, shared.people)
    own.routes(door, shared.people)
    colleagues.routes(door, shared.people)
    return api


def _sign_in_routes(door: Door, people: People) -> None:
    @door.route(
        "POST",
        BASE + "/sessions",
        scopes=PUBLIC,
        limit=ATTEMPTS,
        reply=SignedInReply,
        summary="Sign in at the desk",
        errors=("code_needed", "foreign_page", "passwords_off", "sign_in_paused", "sign_in_refused"),
    )
    def sign_in(body: SignInBody) -> Response:
        """With name and password, and the code of the code app where one is switched on. The session is a
        cookie.
        """
        return _signed_in(people, people.sign_in(body.name, body.password, body.code, where()))

    @door.route(
        "POST",
        BASE + "/invitations/look",
        scopes=PUBLIC,
        limit=ATTEMPTS,
        reply=InvitationReply,
        summary="Whose one-time link this is; it is not used",
        errors=("invitation_refused", "sign_in_paused"),
    )
    def look_at_invitation(body: LinkBody) -> Body:
        """Whose invitation a link is, before it is used."""
        user = people.invited(body.secret)
        return InvitationReply(
            name=user.name, display=user.display, is_new=user.state == "invited", code_app=user.second_step
        ).model_dump()

    @door.route(
        "POST",
        BASE + "/invitations/accept",
        scopes=PUBLIC,
        limit=ATTEMPTS,
        reply=SignedInReply,
        summary="Use a one-time link: set a password and sign in",
        errors=(
            "code_needed",
            "invitation_refused",
            "password_refused",
            "passwords_off",
            "sign_in_paused",
            "sign_in_refused",
        ),
    )
    def accept_invitation(body: AcceptBody) -> Response:
        """Sets the password of the invited person and signs them in. The link works once."""
        return _signed_in(people, people.accept(body.secret, body.password, body.code, where()))


def _session_routes(door: Door, people: People) -> None:
    @door.route(
        "GET",
        BASE + "/sessions/current",
        scopes=("view",),
        sites="none",
        reply=SignedInReply,
        summary="Who is signed in",
    )
    def get_current_session(caller: Caller) -> Body:
        """Who is signed in, with roles and sites: what a page shows is decided by it."""
        return described(people, caller)

    @door.route("DELETE", BASE + "/sessions/current", scopes=PUBLIC, status=204, reply=None, summary="Sign out")
    def sign_out() -> Response:
        """Ends this session; answers the same when there was none."""
        secret = cookies.secret_of(request, cookies.DESK)
        if secret:
            people.sign_out(secret)
        response = Response(status=204)
        cookies.clear(response, request, cookies.DESK)
        return response


def _signed_in(people: People, secret: str) -> Response:
    """The reply that begins a session. What this browser had before ends: nobody is given a session they know."""
    caller = people.caller(secret)
    if caller is None:
        raise SessionEnded
    earlier = cookies.secret_of(request, cookies.DESK)
    if earlier:
        people.sign_out(earlier)
    response = jsonify(described(people, caller))
    put_session(response, secret)
    cookies.put(response, request, KNOWN, people.mark_of(caller), life_us=MARK_US)
    return response


def described(people: People, caller: Caller) -> Body:
    """Who the caller is and what they may do, as the pages need it."""
    if not caller.user:  # a key
        return SignedInReply(
            user_id="", name=caller.key_id, display="", roles=[], scopes=sorted(caller.scopes), sites=[]
        ).model_dump()
    user = people.user(caller.tenant, caller.user)
    return SignedInReply(
        user_id=user.user_id,
        name=user.name,
        display=user.display,
        roles=list(user.roles),
        scopes=sorted(caller.scopes),
        sites=list(user.sites),
    ).model_dump()
