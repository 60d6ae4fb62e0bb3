"""The routes of Gorse's REST API, under /api: of users and feedback here, of the menu in a file of their own."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from doorway.dialects.gorse import schemas
from doorway.dialects.gorse.feedback import feedback_of
from doorway.dialects.gorse.menu_routes import item_routes, more_item_routes, recommend_routes
from doorway.dialects.gorse.problems import ListsNobody, NoProfiles, TypeUnknown
from doorway.dialects.gorse.tools import A_MINUTE, OF_DIALECT, OF_USER, Gorse, as_list, done
from doorway.dialects.users import account_of
from plumbing.access.caller import Caller
from plumbing.access.record import note_change
from plumbing.demands import BATCH
from plumbing.describing.later import Api
from plumbing.door import Body, Door, Limit
from plumbing.shared import Shared
from recommender.service import RecommenderService
from recommender.web.codes import EVENT


def gorse(shared: Shared, service: RecommenderService) -> APIBlueprint:
    """All routes of the dialect."""
    tag = Tag(name="gorse", description="The API of Gorse, for its clients; off until a tenant switches it on")
    api = Api("gorse", __name__, abp_tags=[tag])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    tools = Gorse(service, shared.dialects, shared.now_us)
    _feedback_routes(door, tools)
    recommend_routes(door, tools)
    item_routes(door, tools)
    more_item_routes(door, tools)
    _user_routes(door, tools)
    return api


def _feedback_routes(door: Door, tools: Gorse) -> None:
    limit = Limit("events", A_MINUTE)

    def insert(caller: Caller, body: schemas.Feedbacks) -> Body:
        tools.require(caller)
        return done(tools.record(caller, body.root))

    for method, name in (("POST", "gorse_insert_feedback"), ("PUT", "gorse_put_feedback")):
        door.route(
            method,
            "/api/feedback",
            scopes=("event",),
            limit=limit,
            size=BATCH,
            lane="events",
            reply=schemas.Done,
            summary="Feedback of users, all or none; the same again is one",
            errors=(*OF_USER, TypeUnknown.code, *EVENT, "time_without_zone"),
        )(_named(insert, name))

    @door.route(
        "GET",
        "/api/feedback",
        scopes=("event",),
        reply=None,
        summary="Refused: nobody is listed",
        errors=(*OF_DIALECT, ListsNobody.code),
    )
    def gorse_list_feedback(caller: Caller) -> Body:
        """Ids of users are not kept, so what all of them did cannot be listed; ask for one user."""
        tools.require(caller)
        raise ListsNobody

    @door.route(
        "GET",
        "/api/user/<user_id>/feedback/<feedback_type>",
        scopes=("event",),
        reply=schemas.FeedbackRows,
        summary="What one user did, of one type",
        errors=OF_USER,
    )
    def gorse_feedback_of_user(caller: Caller, path: schemas.FeedbackPath) -> Response:
        """In the words of Gorse, whatever way it came; of no other type."""
        tools.require(caller)
        zone = tools.service.stores.tenants.get(caller.tenant).zone
        own = tools.service.stores.own.of(caller.tenant, tools.account(caller, path.user_id))
        rows = [row for event in own for row in feedback_of(event, path.user_id, zone)]
        return as_list([row for row in rows if row["FeedbackType"] == path.feedback_type])

    @door.route(
        "DELETE",
        "/api/feedback/<user_id>/<item_id>",
        scopes=("event",),
        reply=schemas.Done,
        summary="Forget what a user did with an item; sent again it stays away",
        errors=OF_USER,
    )
    def gorse_delete_feedback(caller: Caller, path: schemas.UserItemPath) -> Body:
        """Everything that this user did with this item; `RowAffected` says how many it was."""
        tools.require(caller)
        account, service = tools.account(caller, path.user_id), tools.service
        own = service.stores.own.of(caller.tenant, account)
        gone = [event for event in own if path.item_id in [line[0] for line in event.lines]]
        for event in gone:
            service.forget_event(caller.tenant, account, event.reference)
        return done(len(gone))


def _named(work: Any, name: str) -> Any:
    """The same function under another name: one for each endpoint."""

    def named(caller: Caller, body: schemas.Feedbacks) -> Body:
        answer: Body = work(caller, body)
        return answer

    named.__name__ = name
    named.__doc__ = "What users did, as events; a type of feedback that has no meaning here is refused."
    return named


def _user_routes(door: Door, tools: Gorse) -> None:
    def welcome(caller: Caller, users: list[schemas.GorseUser]) -> dict[str, object]:
        tools.require(caller)
        for one in users:
            if one.Labels or one.Subscribe or one.Comment:
                raise NoProfiles
            tools.account(caller, one.UserId)
        return done(len(users))

    @door.route(
        "POST",
        "/api/user",
        scopes=("event",),
        reply=schemas.Done,
        summary="A user: nothing is stored before they did something",
        errors=(*OF_USER, NoProfiles.code),
    )
    def gorse_insert_user(caller: Caller, body: schemas.GorseUser) -> Body:
        """`Labels`, `Subscribe` and `Comment` have to be empty: nothing is kept about a user."""
        return welcome(caller, [body])

    @door.route(
        "POST",
        "/api/users",
        scopes=("event",),
        reply=schemas.Done,
        summary="The same of many",
        errors=(*OF_USER, NoProfiles.code),
    )
    def gorse_insert_users(caller: Caller, body: schemas.GorseUsers) -> Body:
        """Up to 1,000 users, as `gorse_insert_user` takes one."""
        return welcome(caller, body.root)

    @door.route(
        "GET",
        "/api/users",
        scopes=("event",),
        reply=None,
        summary="Refused: nobody is listed",
        errors=(*OF_DIALECT, ListsNobody.code),
    )
    def gorse_list_users(caller: Caller) -> Body:
        """Ids of users are not kept, only keyed hashes of them: there is no list to show."""
        tools.require(caller)
        raise ListsNobody

    @door.route(
        "GET",
        "/api/user/<user_id>",
        scopes=("event",),
        reply=schemas.GorseUserRow,
        summary="A user who was not deleted",
        errors=OF_USER,
    )
    def gorse_get_user(caller: Caller, path: schemas.UserPath) -> Body:
        """The id that was asked for; whether they did something is not said."""
        tools.require(caller)
        tools.account(caller, path.user_id)
        return {"UserId": path.user_id, "Labels": None, "Subscribe": None, "Comment": ""}

    @door.route(
        "DELETE",
        "/api/user/<user_id>",
        scopes=("privacy",),
        lane="privacy",
        reply=schemas.Done,
        summary="Erase all that is held of a user, for good",
        errors=OF_DIALECT,
    )
    def gorse_delete_user(caller: Caller, path: schemas.UserPath) -> Body:
        """A user who was deleted stays so: what comes of them later is refused."""
        tools.require(caller)
        note_change("user")  # whose erasure it is stands nowhere
        account = account_of(tools.service.stores.key("accounts"), caller.tenant, path.user_id)
        tools.service.erase_customer(caller.tenant, account)
        return done(1)
