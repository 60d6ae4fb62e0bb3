"""Routes of OpenID Connect: begin, and come back from the provider.

The desk's session cookie is `SameSite=Strict`: a browser does not send it with a navigation that another site has
begun, such as the way back from the provider. So the way back ends on a page of ours that goes on by itself: that
step begins here. What has to survive the way (state, nonce, verifier) lies sealed in a cookie of its own, `Lax`,
for ten minutes; it signs nobody in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken
from flask import Response, current_app, jsonify, render_template, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ConfigDict, Field

from desk.web import WORDS, page_language
from plumbing.access import cookies
from plumbing.describing.later import Api
from plumbing.door import PUBLIC, Body, Door, Limit
from plumbing.people.linked import LinkedPeople
from plumbing.people.people import ABSOLUTE_US
from plumbing.people.provider_errors import PasswordsOff, ProviderMissing, ProviderRefused
from plumbing.problem import Problem
from plumbing.query import Query
from plumbing.security.headers import page_headers
from plumbing.settings import Config
from plumbing.shared import Shared

if TYPE_CHECKING:
    from plumbing.people.oidc import Begun, Provider

BASE = "/desk/v1/oidc"
CALLBACK = BASE + "/callback"
ON_ITS_WAY = Limit("sign-ins with the provider", 20)  # a minute and network address
COOKIE = "usual_oidc"
BY_PROVIDER = "by_provider"
"""Of a cookie that says that the provider has signed this browser in; it says nothing else."""

LIFE_S = 600
BY_PASSWORD = frozenset({"/desk/v1/sessions", "/desk/v1/invitations/accept"})


class BeginBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    invitation: str = Field(
        "", max_length=64, description="secret of an invitation, from the fragment of its link"
    )
    back: str = Field("/desk", max_length=2_000, description="the page of the desk to go to afterwards")


class BeginReply(BaseModel):
    address: str = Field(description="where the browser goes now")


class EndReply(BaseModel):
    address: str = Field(description="where the browser goes now; empty: there is nothing to end")


class ProviderReply(BaseModel):
    available: bool
    name: str
    passwords: bool = Field(description="whether people may sign in with a password")


class CallbackQuery(Query):
    code: str = Field("", max_length=4_000)
    state: str = Field("", max_length=200)
    error: str = Field("", max_length=200)


def routes(shared: Shared, config: Config) -> APIBlueprint:
    """The routes; the library of OpenID Connect is imported when a provider is set up."""
    api = Api("desk-oidc", __name__, abp_tags=[Tag(name="desk", description="People who sign in")])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    provider = _provider(shared, config)
    with_passwords = config.passwords == "on" or provider is None

    @api.before_app_request
    def no_passwords() -> None:
        if not with_passwords and request.method == "POST" and request.path in BY_PASSWORD:
            raise PasswordsOff

    @door.route("GET", BASE, scopes=PUBLIC, reply=ProviderReply, summary="Whether a provider signs people in")
    def get_sign_in_provider() -> Body:
        """What the sign-in page shows: whether the house has a sign-in service of its own, and whether passwords
        are taken.
        """
        name = "" if provider is None else provider.name
        return {"available": provider is not None, "name": name, "passwords": with_passwords}

    _way_there(door, shared, config, provider)
    _way_out(door, config, provider)
    return api


def _provider(shared: Shared, config: Config) -> Provider | None:
    if not config.oidc_issuer:
        return None
    from plumbing.people.oidc import Provider

    return Provider(config, shared.now_us)


def _way_there(door: Door, shared: Shared, config: Config, provider: Provider | None) -> None:
    access = shared.access
    linked = LinkedPeople(shared.databases[0], shared.people, shared.now_us, access.log, access.record)
    key = hmac.digest(shared.access.record.key, b"usual way to the provider", hashlib.sha256)
    seal = Fernet(base64.urlsafe_b64encode(key))

    @door.route(
        "POST",
        BASE + "/begin",
        scopes=PUBLIC,
        limit=ON_ITS_WAY,
        lane="privacy",
        reply=BeginReply,
        summary="Begin to sign in with the provider of the house",
        errors=("provider_away", "provider_missing"),
    )
    def begin_provider_sign_in(body: BeginBody) -> Response:
        """Gives the address of the sign-in service that the browser goes to next."""
        if provider is None:
            raise ProviderMissing
        begun = provider.begin(_back_to(config))
        response = jsonify(BeginReply(address=begun.address).model_dump())
        said = [begun.state, begun.nonce, begun.verifier, body.invitation, _page_of(body.back)]
        _set(response, seal.encrypt(json.dumps(said).encode()).decode())
        return response

    @door.route(
        "GET",
        CALLBACK,
        scopes=PUBLIC,
        limit=ON_ITS_WAY,
        lane="privacy",
        reply=None,
        summary="The way back from the provider",
        errors=("not_invited", "provider_away", "provider_missing", "provider_refused"),
    )
    def finish_provider_sign_in(query: CallbackQuery) -> Response:
        """The sign-in service sends the browser back to here; it is signed in and led to the desk."""
        try:
            if provider is None:
                raise ProviderMissing
            begun, invitation, page = _opened(seal, query)
            known = provider.finish(query.code, begun, _back_to(config))
            whose = (known.issuer, known.subject, known.roles)
            secret = linked.accept(invitation, *whose) if invitation else linked.sign_in(*whose)
        except Problem as error:
            if error.security_event:
                shared.access.log.note(error.security_event, code=error.code)
            return _page("", error)
        response = _page(page, None)
        cookies.put(response, request, cookies.DESK, secret, life_us=ABSOLUTE_US)
        cookies.put(response, request, BY_PROVIDER, "1", life_us=ABSOLUTE_US)
        return response


def _way_out(door: Door, config: Config, provider: Provider | None) -> None:
    @door.route(
        "POST",
        BASE + "/end",
        scopes=PUBLIC,
        limit=ON_ITS_WAY,
        lane="privacy",
        reply=EndReply,
        summary="Where a browser that has signed out ends its session with the provider as well",
        errors=("provider_away", "provider_missing"),
    )
    def end_provider_session() -> Response:
        """Gives the address at which the sign-in service ends its own session."""
        by_provider = cookies.secret_of(request, BY_PROVIDER) is not None
        asked = provider is not None and by_provider and config.oidc_sign_out == "on"
        address = provider.ends_at(_here(config) + "/desk/sign-in") if provider and asked else ""
        response = jsonify(EndReply(address=address).model_dump())
        cookies.clear(response, request, BY_PROVIDER)
        return response


def _opened(seal: Fernet, query: CallbackQuery) -> tuple[Begun, str, str]:
    """What was kept at the beginning, the invitation, and the page to go to. Raises ProviderRefused."""
    from plumbing.people.oidc import Begun

    try:
        said = json.loads(seal.decrypt(request.cookies.get(COOKIE, "").encode(), ttl=LIFE_S))
    except InvalidToken as error:
        raise ProviderRefused(
            "This sign-in has taken too long, or began in another browser. Begin again."
        ) from error
    state, nonce, verifier, invitation, page = (str(one) for one in said)
    if query.error or not query.code or not hmac.compare_digest(state.encode(), query.state.encode()):
        raise ProviderRefused
    return Begun("", state, nonce, verifier), invitation, page


def _back_to(config: Config) -> str:
    """The address of the way back, as the provider has it on its list."""
    return _here(config) + CALLBACK


def _here(config: Config) -> str:
    """Where browsers reach the desk."""
    return (config.oidc_return or request.host_url).rstrip("/")


def _page_of(wanted: str) -> str:
    """Only a page of the desk: an address from elsewhere is not followed."""
    return (
        wanted if re.fullmatch(r"/desk(?:[/?][A-Za-z0-9/?&=%._~-]*)?", wanted) and "//" not in wanted else "/desk"
    )


def _page(page: str, error: Problem | None) -> Response:
    """The page of ours on which the way back ends: it goes on to `page`, or says what went wrong."""
    language = page_language()
    says = "" if error is None else _says(language, error)
    html = render_template(
        "desk/provider.html", t=lambda name: WORDS.text(language, name), language=language, page=page, says=says
    )
    response: Response = current_app.make_response(html)
    response.status_code = 200 if error is None else error.status
    response.headers.update(page_headers(camera=False))
    response.delete_cookie(COOKIE, path=BASE, samesite="Lax", httponly=True)
    return response


def _says(language: str, error: Problem) -> str:
    try:
        return WORDS.text(language, f"provider-{error.code.replace('_', '-')}")
    except KeyError:
        return error.detail


def _set(response: Response, sealed: str) -> None:
    response.set_cookie(
        COOKIE, sealed, max_age=LIFE_S, httponly=True, samesite="Lax", secure=request.is_secure, path=BASE
    )
