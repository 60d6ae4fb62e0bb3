"""The routes of Gorse's REST API, under /api."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from doorway.dialects.gorse import schemas
from doorway.dialects.gorse.feedback import event_of, feedback_of, meaning
from doorway.dialects.gorse.items import as_gorse, changed, dish_of
from doorway.dialects.gorse.problems import (
    ListsNobody,
    NoDelay,
    NoProfiles,
    NotForDevices,
    TypeUnknown,
    UserDeleted,
)
from doorway.dialects.users import account_of
from plumbing.access.caller import NO_DEVICE, Caller
from plumbing.access.dialects import Dialects
from plumbing.access.record import note_change
from plumbing.clock import SECOND, Clock
from plumbing.demands import BATCH
from plumbing.door import Body, Door, Limit
from plumbing.idempotency import KeyUnusable
from plumbing.shared import Shared
from recommender.errors import Erased
from recommender.item import Item
from recommender.recording import Sender
from recommender.replies import SuggestRequest
from recommender.scene import Context, Event
from recommender.service import RecommenderService
from recommender.web.codes import EVENT
from recommender.web.similar import similar_to

NAME = "gorse"
A_MINUTE = 600
OF_DIALECT = ("dialect_off", NotForDevices.code)
OF_ITEM = (*OF_DIALECT, "not_found")
OF_USER = (*OF_DIALECT, UserDeleted.code)
SUGGESTED = (*OF_USER, NoDelay.code, TypeUnknown.code)


@dataclass(frozen=True)
class Gorse:
    """What the routes work with."""

    service: RecommenderService
    dialects: Dialects
    now_us: Clock

    def account(self, caller: Caller, user_id: str) -> str:
        """Under what a user is kept. Raises UserDeleted."""
        account = account_of(self.service.stores.key("accounts"), caller.tenant, user_id)
        if self.service.events.is_erased(caller.tenant, account):
            raise UserDeleted
        return account

    def require(self, caller: Caller) -> None:
        """Raises DialectOff, NotForDevices."""
        self.dialects.require(caller.tenant, NAME)
        if not caller.device.startswith(NO_DEVICE):
            raise NotForDevices

    def context(self, caller: Caller, basket: tuple[str, ...] = ()) -> Context:
        """Now, on the tenant's clock: clients of Gorse do not say when or where. Repeats are allowed."""
        zone = self.service.stores.tenants.get(caller.tenant).zone
        return Context(
            site=caller.site, local_time=datetime.fromtimestamp(self.now_us() / SECOND, zone), basket=basket
        )

    def record(self, caller: Caller, rows: list[schemas.Feedback]) -> int:
        """Store feedback, of each user apart; returns how many were new. Raises any problem of an event."""
        zone = self.service.stores.tenants.get(caller.tenant).zone
        by_account: dict[str, list[Event]] = {}
        for one in rows:
            account = self.account(caller, one.UserId)
            event = event_of(one, account, caller.site, zone, self.now_us())
            by_account.setdefault(account, []).append(event)
        sender, new = Sender(caller.device, caller.site, in_bulk=True), 0
        try:
            with self.service.database.write(shared=True):
                for account, events in sorted(by_account.items()):
                    new += self.service.take_of_account(caller.tenant, account, events, sender).new
        except Erased as error:
            raise UserDeleted from error
        return new

    def suggest(self, caller: Caller, context: Context, n: int, account: str = "") -> list[dict[str, Any]]:
        """The best `n` dishes, with scores."""
        asked = SuggestRequest(
            caller.tenant, caller.device, "orders", None, context, n, sender=caller.device, account=account
        )
        return [{"Id": row["item_id"], "Score": row["score"]} for row in self.service.suggest(asked).items]


def gorse(shared: Shared, service: RecommenderService) -> APIBlueprint:
    """All routes of the dialect."""
    tag = Tag(name="gorse", description="The API of Gorse, for its clients; off until a tenant switches it on")
    api = APIBlueprint("gorse", __name__, abp_tags=[tag])
    door = Door(api, access=shared.access, limits=shared.limits, once=shared.once)
    tools = Gorse(service, shared.dialects, shared.now_us)
    _feedback_routes(door, tools)
    _recommend_routes(door, tools)
    _item_routes(door, tools)
    _more_item_routes(door, tools)
    _user_routes(door, tools)
    return api


def _done(n: int) -> dict[str, object]:
    return {"RowAffected": n}


def _list(rows: list[Any]) -> Response:
    """Gorse answers lists; the door makes JSON of objects alone."""
    return Response(json.dumps(rows, separators=(",", ":")), mimetype="application/json")


def _feedback_routes(door: Door, tools: Gorse) -> None:
    limit = Limit("events", A_MINUTE)

    def insert(caller: Caller, body: schemas.Feedbacks) -> Body:
        tools.require(caller)
        return _done(tools.record(caller, body.root))

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
        reply=None,
        summary="What one user did, of one type",
        errors=OF_USER,
    )
    def gorse_feedback_of_user(caller: Caller, path: schemas.FeedbackPath) -> Response:
        """In the words of Gorse, whatever way it came; of no other type."""
        tools.require(caller)
        zone = tools.service.stores.tenants.get(caller.tenant).zone
        own = tools.service.stores.own.of(caller.tenant, tools.account(caller, path.user_id))
        rows = [row for event in own for row in feedback_of(event, path.user_id, zone)]
        return _list([row for row in rows if row["FeedbackType"] == path.feedback_type])

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
        return _done(len(gone))


def _named(work: Any, name: str) -> Any:
    """The same function under another name: one for each endpoint."""

    def named(caller: Caller, body: schemas.Feedbacks) -> Body:
        done: Body = work(caller, body)
        return done

    named.__name__ = name
    named.__doc__ = "What users did, as events; a type of feedback that has no meaning here is refused."
    return named


def _recommend_routes(door: Door, tools: Gorse) -> None:
    limit = Limit("suggestions", A_MINUTE)

    def answered(caller: Caller, user_id: str, category: str, query: schemas.GorseQuery) -> Response:
        tools.require(caller)
        if query.write_back_delay:
            raise NoDelay
        account, context = tools.account(caller, user_id), tools.context(caller)
        menu = tools.service.caches.menu(caller.tenant, "item").by_id
        most = len(menu) if category else query.offset + query.n
        rows = tools.suggest(caller, context, max(1, most), account)
        rows = [row for row in rows if not category or menu[row["Id"]].category == category]
        rows = rows[query.offset : query.offset + query.n]
        if query.write_back_type and rows:
            meaning(query.write_back_type)
            kind = query.write_back_type
            said = ({"FeedbackType": kind, "UserId": user_id, "ItemId": row["Id"]} for row in rows)
            shown = [schemas.Feedback.model_validate(one) for one in said]
            tools.record(caller, shown)
        scored = request.headers.get("X-API-Version") == "2"
        return _list(rows if scored else [row["Id"] for row in rows])

    @door.route(
        "GET",
        "/api/recommend/<user_id>",
        scopes=("suggest",),
        limit=limit,
        lane="suggestions",
        reply=None,
        summary="What a user most likely wants now, from the whole menu",
        errors=SUGGESTED,
    )
    def gorse_recommend(caller: Caller, path: schemas.UserPath, query: schemas.GorseQuery) -> Response:
        """Ids, best first; with the header `X-API-Version: 2` each with its score. Repeats are possible."""
        return answered(caller, path.user_id, "", query)

    @door.route(
        "GET",
        "/api/recommend/<user_id>/",
        scopes=("suggest",),
        limit=limit,
        lane="suggestions",
        reply=None,
        summary="The same, as clients ask who name no category",
        errors=SUGGESTED,
    )
    def gorse_recommend_all(caller: Caller, path: schemas.UserPath, query: schemas.GorseQuery) -> Response:
        """The same as `gorse_recommend`, which also says what is answered."""
        return answered(caller, path.user_id, "", query)

    @door.route(
        "GET",
        "/api/recommend/<user_id>/<category>",
        scopes=("suggest",),
        limit=limit,
        lane="suggestions",
        reply=None,
        summary="What a user most likely wants now, of one category",
        errors=SUGGESTED,
    )
    def gorse_recommend_category(
        caller: Caller, path: schemas.RecommendPath, query: schemas.GorseQuery
    ) -> Response:
        """As `gorse_recommend` answers, of the items of this category alone."""
        return answered(caller, path.user_id, path.category, query)

    @door.route(
        "POST",
        "/api/session/recommend",
        scopes=("suggest",),
        limit=limit,
        lane="suggestions",
        reply=None,
        summary="What goes with the items of a session, for somebody unknown; nothing is stored",
        errors=(*OF_DIALECT, "unknown_item"),
    )
    def gorse_session_recommend(
        caller: Caller, query: schemas.GorseQuery, body: schemas.SessionFeedbacks
    ) -> Response:
        """The items of the session are the basket; ids and scores, best first. No `Idempotency-Key` is taken."""
        tools.require(caller)
        if "Idempotency-Key" in request.headers:
            raise KeyUnusable("Nothing is stored here: ask again without an Idempotency-Key.")
        basket = tuple(dict.fromkeys(one.ItemId for one in body.root))
        rows = tools.suggest(caller, tools.context(caller, basket), query.offset + query.n)
        return _list(rows[query.offset :])


def _item_routes(door: Door, tools: Gorse) -> None:
    catalogue = tools.service.stores.catalogue

    def put(caller: Caller, rows: list[schemas.GorseItem]) -> dict[str, object]:
        tools.require(caller)
        there = {item.item_id: item for item in catalogue.all(caller.tenant, "item")}
        dishes = [dish_of(one, there) for one in rows]
        earlier = [as_gorse(there[one.item_id]) for one in dishes if one.item_id in there]
        note_change("items", earlier=earlier, later=[as_gorse(one) for one in dishes])
        return _done(catalogue.put(caller.tenant, "item", dishes))

    @door.route(
        "POST",
        "/api/item",
        scopes=("train",),
        reply=schemas.Done,
        summary="Write an item; its price stays",
        errors=(*OF_DIALECT, "item_merged"),
    )
    def gorse_insert_item(caller: Caller, body: schemas.GorseItem) -> Body:
        """`Comment` is the name, the first category is the category, and labels are tags."""
        return put(caller, [body])

    @door.route(
        "POST",
        "/api/items",
        scopes=("train",),
        size=BATCH,
        reply=schemas.Done,
        summary="Write items, all or none",
        errors=(*OF_DIALECT, "item_merged"),
    )
    def gorse_insert_items(caller: Caller, body: schemas.GorseItems) -> Body:
        """Up to 1,000 items, as `gorse_insert_item` takes one."""
        return put(caller, body.root)

    @door.route(
        "GET",
        "/api/items",
        scopes=("suggest",),
        reply=None,
        summary="Items, page by page, or by a word",
        errors=OF_DIALECT,
    )
    def gorse_list_items(caller: Caller, query: schemas.Page) -> Body:
        """`next_cursor` is called `Cursor` here, empty at the end; `q` finds by a word, in one page."""
        tools.require(caller)
        if query.q:
            word = query.q.casefold()
            every = catalogue.all(caller.tenant, "item")
            found = [one for one in every if word in f"{one.item_id} {one.name} {one.category}".casefold()]
            return {"Cursor": "", "Items": [as_gorse(one) for one in found[: query.n]]}
        page = catalogue.page(caller.tenant, "item", query.cursor, query.n)
        cursor = page[-1].item_id if len(page) == query.n else ""
        return {"Cursor": cursor, "Items": [as_gorse(one) for one in page]}


def _more_item_routes(door: Door, tools: Gorse) -> None:
    catalogue = tools.service.stores.catalogue

    def there(caller: Caller, item_id: str) -> Item:
        tools.require(caller)
        return catalogue.get(caller.tenant, "item", item_id)

    @door.route(
        "GET",
        "/api/item/<item_id>",
        scopes=("suggest",),
        reply=None,
        summary="One item",
        errors=OF_ITEM,
    )
    def gorse_get_item(caller: Caller, path: schemas.ItemPath) -> Body:
        """A dish in the words of Gorse: its price and its allergens have none, and are left out."""
        return as_gorse(there(caller, path.item_id))

    @door.route(
        "PATCH",
        "/api/item/<item_id>",
        scopes=("train",),
        reply=schemas.Done,
        summary="Change an item in part",
        errors=(*OF_ITEM, "item_merged"),
    )
    def gorse_update_item(caller: Caller, path: schemas.ItemPath, body: schemas.ItemChange) -> Body:
        """What is left out stays as it is; an empty list takes all away."""
        earlier = there(caller, path.item_id)
        later = changed(earlier, body)
        note_change(f"item {path.item_id}", earlier=as_gorse(earlier), later=as_gorse(later))
        return _done(catalogue.put(caller.tenant, "item", [later]))

    @door.route(
        "DELETE",
        "/api/item/<item_id>",
        scopes=("train",),
        reply=schemas.Done,
        summary="Take an item out",
        errors=OF_ITEM,
    )
    def gorse_delete_item(caller: Caller, path: schemas.ItemPath) -> Body:
        """It is suggested no more; the history keeps what happened."""
        note_change(f"item {path.item_id}", earlier=as_gorse(there(caller, path.item_id)))
        catalogue.delete(caller.tenant, "item", path.item_id)
        return _done(1)

    @door.route(
        "GET",
        "/api/item/<item_id>/neighbors",
        scopes=("suggest",),
        lane="suggestions",
        reply=None,
        summary="Items like one; the same for everybody",
        errors=OF_ITEM,
    )
    def gorse_neighbors(caller: Caller, path: schemas.ItemPath, query: schemas.GorseQuery) -> Response:
        """Ids and scores, the most similar first; nothing of a user is asked or used."""
        tools.require(caller)
        most = query.offset + query.n
        found, _, _ = similar_to(
            tools.service, caller.tenant, path.item_id, tools.context(caller), most, tools.now_us
        )
        return _list([{"Id": one.item_id, "Score": one.score} for one in found[query.offset :]])


def _user_routes(door: Door, tools: Gorse) -> None:
    def welcome(caller: Caller, users: list[schemas.GorseUser]) -> dict[str, object]:
        tools.require(caller)
        for one in users:
            if one.Labels or one.Subscribe or one.Comment:
                raise NoProfiles
            tools.account(caller, one.UserId)
        return _done(len(users))

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
        reply=None,
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
        return _done(1)
