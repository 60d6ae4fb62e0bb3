"""Routes of what is one's own: password, code app, recovery codes, sessions."""

from __future__ import annotations

import segno
from flask import Response, jsonify, request
from pydantic import BaseModel, Field

from desk.common import BASE, Strict, at, put_session, where
from plumbing.access import cookies
from plumbing.access.caller import Caller
from plumbing.access.record import note_change
from plumbing.door import Body, Door
from plumbing.people.errors import PersonNeeded
from plumbing.people.people import People

VIEW = ("view",)  # scopes
OWN = BASE + "/own"


class SessionRow(BaseModel):
    session_id: str
    began_at: str
    seen_at: str
    browser: str = Field(description='such as "Firefox, Windows"; empty when it is not known')
    current: bool


class OwnReply(BaseModel):
    user_id: str
    name: str
    display: str
    roles: list[str]
    sites: list[str]
    code_app: bool
    recovery_codes_left: int
    sessions: list[SessionRow]


class PasswordBody(Strict):
    password: str = Field(min_length=1, max_length=1000, description="the present one")


class NewPasswordBody(PasswordBody):
    new_password: str = Field(min_length=1, max_length=1000)


class CodeBody(PasswordBody):
    code: str = Field(min_length=1, max_length=40, description="of the app, or a recovery code")


class OfferReply(BaseModel):
    sealed: str = Field(description="goes back with the first code")
    secret: str = Field(description="to be typed into the app where no camera reads the QR code")
    address: str = Field(description="otpauth:// address")
    qr: str = Field(description="the same as a picture, a data: address")


class SwitchOnBody(Strict):
    sealed: str = Field(min_length=1, max_length=2000)
    code: str = Field(min_length=1, max_length=40)


class CodesReply(BaseModel):
    recovery_codes: list[str] = Field(description="each is good once; they are shown this once")


class SessionPath(BaseModel):
    session_id: str = Field(min_length=1, max_length=64)


def routes(door: Door, people: People) -> None:
    """Put the routes on the door. None of them asks for more than `view`: everybody may, for themselves."""
    _password_routes(door, people)
    _code_routes(door, people)
    _session_routes(door, people)


def _password_routes(door: Door, people: People) -> None:
    @door.route(
        "GET",
        OWN,
        scopes=VIEW,
        sites="none",
        reply=OwnReply,
        summary="Who I am, and where I am signed in",
        errors=("person_needed",),
    )
    def get_own_account(caller: Caller) -> Body:
        """Name, roles, sites and sessions of the person who is signed in."""
        user = people.user(caller.tenant, _person(caller))
        rows = [
            SessionRow(
                session_id=one.session_id,
                began_at=at(one.began_us),
                seen_at=at(one.seen_us),
                browser=one.browser,
                current=one.current,
            )
            for one in people.sessions(caller, cookies.secret_of(request, cookies.DESK) or "")
        ]
        return OwnReply(
            user_id=user.user_id,
            name=user.name,
            display=user.display,
            roles=list(user.roles),
            sites=list(user.sites),
            code_app=user.second_step,
            recovery_codes_left=people.recovery_codes_left(caller),
            sessions=rows,
        ).model_dump()

    @door.route(
        "PUT",
        OWN + "/password",
        scopes=VIEW,
        sites="none",
        status=204,
        reply=None,
        summary="Change one's own password; all other sessions end",
        errors=(
            "not_proven",
            "password_refused",
            "passwords_off",
            "person_needed",
            "sign_in_paused",
            "code_needed",
        ),
    )
    def change_own_password(caller: Caller, body: NewPasswordBody) -> Response:
        """Needs the present password. All other sessions of this person end."""
        _person(caller)
        response = Response(status=204)
        put_session(response, people.change_password(caller, body.password, body.new_password, where()))
        return response


def _code_routes(door: Door, people: People) -> None:
    path = OWN + "/code-app"

    @door.route(
        "POST",
        path,
        scopes=VIEW,
        sites="none",
        reply=OfferReply,
        summary="What a code app is set up with",
        errors=("not_proven", "person_needed", "second_step_refused", "sign_in_paused"),
    )
    def offer_code_app(caller: Caller, body: PasswordBody) -> Body:
        """Gives a secret for a code app; it holds once the first code was typed (`switch_on_code_app`)."""
        _person(caller)
        offer = people.offer_code_app(caller, body.password, where())
        picture = segno.make(offer.address, error="m", micro=False).svg_data_uri(scale=5, light="#fff")
        return {"sealed": offer.sealed, "secret": offer.secret, "address": offer.address, "qr": picture}

    @door.route(
        "PUT",
        path,
        scopes=VIEW,
        sites="none",
        reply=CodesReply,
        summary="Switch the code app on with its first code; all other sessions end",
        errors=("not_proven", "person_needed", "second_step_refused", "sign_in_paused"),
    )
    def switch_on_code_app(caller: Caller, body: SwitchOnBody) -> Response:
        """The first code of the app switches it on. The reply has the recovery codes, shown once."""
        _person(caller)
        codes, secret = people.switch_on_code_app(caller, body.sealed, body.code, where())
        response = jsonify({"recovery_codes": codes})
        put_session(response, secret)
        return response

    @door.route(
        "POST",
        path + "/off",
        scopes=VIEW,
        sites="none",
        status=204,
        reply=None,
        summary="Switch the code app off",
        errors=("not_proven", "person_needed", "second_step_refused", "sign_in_paused"),
    )
    def switch_off_code_app(caller: Caller, body: CodeBody) -> Body:
        """Needs the password and a code of the app, or a recovery code."""
        _person(caller)
        people.switch_off_code_app(caller, body.password, body.code, where())
        return None

    @door.route(
        "POST",
        OWN + "/recovery-codes",
        scopes=VIEW,
        sites="none",
        reply=CodesReply,
        records=True,
        summary="Ten recovery codes in place of the earlier ones",
        errors=("not_proven", "person_needed", "second_step_refused", "sign_in_paused"),
    )
    def renew_recovery_codes(caller: Caller, body: CodeBody) -> Body:
        """The earlier recovery codes are void. The new ones are shown once."""
        note_change(f"recovery-codes {_person(caller)}")
        return {"recovery_codes": people.new_recovery_codes(caller, body.password, body.code, where())}


def _session_routes(door: Door, people: People) -> None:
    path = OWN + "/sessions"

    @door.route(
        "DELETE",
        path,
        scopes=VIEW,
        sites="none",
        status=204,
        reply=None,
        summary="Sign out everywhere, here too",
        errors=("person_needed",),
    )
    def sign_out_everywhere(caller: Caller) -> Response:
        """Ends all sessions of this person, this one too."""
        _person(caller)
        people.sign_out_everywhere(caller)
        response = Response(status=204)
        cookies.clear(response, request, cookies.DESK)
        return response

    @door.route(
        "DELETE",
        path + "/<session_id>",
        scopes=VIEW,
        sites="none",
        status=204,
        reply=None,
        summary="Sign out of one of one's own sessions",
        errors=("no_such_session", "person_needed"),
    )
    def end_own_session(caller: Caller, path: SessionPath) -> Body:
        """Ends one of the sessions that `get_own_account` lists."""
        _person(caller)
        people.sign_out_of(caller, path.session_id)
        return None


def _person(caller: Caller) -> str:
    """The user id of the caller. Raises PersonNeeded."""
    if not caller.user:
        raise PersonNeeded
    return caller.user
