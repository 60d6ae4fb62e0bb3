"""Gorse's routes of items and recommendations."""

from __future__ import annotations

from flask import Response, request

from doorway.dialects.gorse import schemas
from doorway.dialects.gorse.feedback import meaning
from doorway.dialects.gorse.items import as_gorse, changed, dish_of
from doorway.dialects.gorse.problems import NoDelay
from doorway.dialects.gorse.tools import A_MINUTE, OF_DIALECT, OF_ITEM, SUGGESTED, Gorse, as_list, done
from plumbing.access.caller import Caller
from plumbing.access.record import note_change
from plumbing.demands import BATCH
from plumbing.door import Body, Door, Limit
from plumbing.idempotency import KeyUnusable
from recommender.item import Item
from recommender.web.similar import similar_to


def recommend_routes(door: Door, tools: Gorse) -> None:
    """What a user, or somebody unknown, most likely wants."""
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
        return as_list(rows if scored else [row["Id"] for row in rows])

    @door.route(
        "GET",
        "/api/recommend/<user_id>",
        scopes=("suggest",),
        limit=limit,
        lane="suggestions",
        reply=schemas.RecommendedIds,
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
        reply=schemas.RecommendedIds,
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
        reply=schemas.RecommendedIds,
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
        reply=schemas.RecommendedItems,
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
        return as_list(rows[query.offset :])


def item_routes(door: Door, tools: Gorse) -> None:
    """Write items, and list them."""
    catalogue = tools.service.stores.catalogue

    def put(caller: Caller, rows: list[schemas.GorseItem]) -> dict[str, object]:
        tools.require(caller)
        there = {item.item_id: item for item in catalogue.all(caller.tenant, "item")}
        dishes = [dish_of(one, there) for one in rows]
        earlier = [as_gorse(there[one.item_id]) for one in dishes if one.item_id in there]
        note_change("items", earlier=earlier, later=[as_gorse(one) for one in dishes])
        return done(catalogue.put(caller.tenant, "item", dishes))

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
        reply=schemas.GorseItemPage,
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


def more_item_routes(door: Door, tools: Gorse) -> None:
    """One item: read, change, take out, and what is like it."""
    catalogue = tools.service.stores.catalogue

    def there(caller: Caller, item_id: str) -> Item:
        tools.require(caller)
        return catalogue.get(caller.tenant, "item", item_id)

    @door.route(
        "GET",
        "/api/item/<item_id>",
        scopes=("suggest",),
        reply=schemas.GorseItemRow,
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
        return done(catalogue.put(caller.tenant, "item", [later]))

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
        return done(1)

    @door.route(
        "GET",
        "/api/item/<item_id>/neighbors",
        scopes=("suggest",),
        lane="suggestions",
        reply=schemas.RecommendedItems,
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
        return as_list([{"Id": one.item_id, "Score": one.score} for one in found[query.offset :]])
