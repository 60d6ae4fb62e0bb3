"""Routes of colleagues: who may do what, invite, change, remove."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from pydantic import BaseModel, Field

from desk.common import BASE, Strict, at, put_session, where
from desk.web import WORDS
from plumbing.access import cookies
from plumbing.access.caller import Caller
from plumbing.access.record import note_change
from plumbing.access.roles import ROLES, may_give
from plumbing.door import Body, Door
from plumbing.people.people import People, User
from plumbing.people.users import LONGEST_NAME, LONGEST_SITE, MOST_SITES, may_manage
from plumbing.words import language_of

PEOPLE = ("people",)  # scopes
PATH = BASE + "/people"
DISPLAY = 100  # characters


class ChangeBody(Strict):
    roles: list[str] = Field(min_length=1, max_length=len(ROLES), description=", ".join(ROLES))
    sites: list[str] = Field(
        [], max_length=MOST_SITES, description=f"empty: all; at most {LONGEST_SITE} signs each"
    )
    display: str = Field("", max_length=DISPLAY, description="the name that colleagues see")


class InviteBody(ChangeBody):
    name: str = Field(
        min_length=1, max_length=LONGEST_NAME, description="to sign in with, such as an e-mail address"
    )


class PersonRow(BaseModel):
    user_id: str
    name: str
    display: str
    roles: list[str]
    sites: list[str] = Field(description="empty: all sites")
    state: str = Field(description="invited or active")
    code_app: bool
    link_until: str | None = Field(description="until when their one-time link is good")
    may_change: bool = Field(description="whether the caller has all their roles and sites")
    is_you: bool


class PeopleReply(BaseModel):
    answer: str
    rows: list[PersonRow]
    roles: list[str] = Field(description="that the caller may give")
    sites: list[str] = Field(description="that are known and that the caller may give")
    all_sites: bool = Field(description="whether the caller may give all sites")


class LinkReply(BaseModel):
    user_id: str
    secret: str = Field(description="of the one-time link /desk/sign-in#invitation=SECRET; shown this once")
    link: str = Field(description="the path of that link")
    until: str


class PersonPath(BaseModel):
    user_id: str = Field(min_length=1, max_length=64)


def routes(door: Door, people: People) -> None:
    """Put the routes on the door. Who has some sites sees and changes only people of these."""
    _list_route(door, people)
    _link_routes(door, people)
    _change_routes(door, people)


def _list_route(door: Door, people: People) -> None:
    @door.route("GET", PATH, scopes=PEOPLE, sites="own", reply=PeopleReply, summary="Who may do what at the desk")
    def list_people(caller: Caller) -> Body:
        """Everybody who may sign in at the desk, and who was invited and has not come yet."""
        users = [user for user in people.users(caller.tenant) if _is_seen(caller, user)]
        return PeopleReply(
            answer=WORDS.text(
                language_of(request),
                "people-answer",
                active=sum(user.state == "active" for user in users),
                waiting=sum(user.state == "invited" for user in users),
            ),
            rows=[_row(caller, user) for user in users],
            roles=[role for role in ROLES if may_give(caller.scopes, role)],
            sites=[site for site in people.sites(caller.tenant) if caller.may_see(site)],
            all_sites=not caller.sites,
        ).model_dump()


def _link_routes(door: Door, people: People) -> None:
    @door.route(
        "POST",
        PATH,
        scopes=PEOPLE,
        sites="own",
        status=201,
        reply=LinkReply,
        summary="Invite a colleague; gives a one-time link",
        errors=("role_refused", "sites_refused", "user_name_refused", "user_name_taken"),
    )
    def invite_person(caller: Caller, body: InviteBody) -> Body:
        """Nobody gives a role or a site that they do not have. The link is shown once, and works once."""
        secret = people.invite(
            caller.tenant, body.name, body.roles, display=body.display, sites=body.sites, by=caller
        )
        user = people.invited(secret)
        note_change(f"user {user.user_id}", later=_rights(user))
        return _link(user, secret)

    @door.route(
        "POST",
        PATH + "/<user_id>/link",
        scopes=PEOPLE,
        sites="own",
        reply=LinkReply,
        summary="Another one-time link for somebody who has not signed in yet",
        errors=("no_such_user", "user_not_invited", "user_not_yours"),
    )
    def renew_invitation(caller: Caller, path: PersonPath) -> Body:
        """The earlier link is void. For somebody who has a password already there is none."""
        secret = people.link(caller.tenant, path.user_id, by=caller)
        note_change(f"user {path.user_id}", later={"link": "another one"})
        return _link(people.invited(secret), secret)


def _change_routes(door: Door, people: People) -> None:
    @door.route(
        "PUT",
        PATH + "/<user_id>",
        scopes=PEOPLE,
        sites="own",
        reply=PersonRow,
        summary="Change somebody's roles and sites; they sign in again",
        errors=("last_operator", "no_such_user", "role_refused", "sites_refused", "user_not_yours"),
    )
    def change_person(caller: Caller, path: PersonPath, body: ChangeBody) -> Response:
        """Replaces roles and sites. The person signs in again with the new ones."""
        own = cookies.secret_of(request, cookies.DESK) if path.user_id == caller.user else None
        earlier = _rights(people.user(caller.tenant, path.user_id))
        user = people.change(
            caller.tenant,
            path.user_id,
            body.roles,
            sites=body.sites,
            display=body.display,
            by=caller,
            keep=own or "",
        )
        note_change(f"user {user.user_id}", earlier=earlier, later=_rights(user))
        response = jsonify(_row(caller, user).model_dump())
        if own and (fresh := people.fresh_secret(own, where().browser)):
            put_session(response, fresh)
        return response

    @door.route(
        "DELETE",
        PATH + "/<user_id>",
        scopes=PEOPLE,
        sites="own",
        status=204,
        reply=None,
        summary="Remove somebody; their sessions end at once",
        errors=("last_operator", "no_such_user", "user_not_yours"),
    )
    def remove_person(caller: Caller, path: PersonPath) -> Body:
        """Their sessions end at once. The last operator cannot be removed."""
        earlier = _rights(people.user(caller.tenant, path.user_id))
        people.remove(caller.tenant, path.user_id, by=caller)
        note_change(f"user {path.user_id}", earlier=earlier)
        return None


def _is_seen(caller: Caller, user: User) -> bool:
    """Whether the caller sees that this person is there: a person of one site sees those of that site."""
    return not caller.sites or user.user_id == caller.user or bool(caller.sites.intersection(user.sites))


def _rights(user: User) -> dict[str, Any]:
    """What the record keeps of a person: no name, for names are deleted after a removal."""
    return {"roles": list(user.roles), "sites": list(user.sites), "state": user.state}


def _row(caller: Caller, user: User) -> PersonRow:
    return PersonRow(
        user_id=user.user_id,
        name=user.name,
        display=user.display,
        roles=list(user.roles),
        sites=[site for site in user.sites if caller.may_see(site)],
        state=user.state,
        code_app=user.second_step,
        link_until=at(user.link_until_us) if user.link_until_us else None,
        may_change=may_manage(caller, user),
        is_you=user.user_id == caller.user,
    )


def _link(user: User, secret: str) -> Body:
    return LinkReply(
        user_id=user.user_id,
        secret=secret,
        link=f"/desk/sign-in#invitation={secret}",
        until=at(user.link_until_us),
    ).model_dump()
