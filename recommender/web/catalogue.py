"""Routes of the catalogue: dishes and places, one by one or in bulk. Offers have a file of their own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from flask import Response

from plumbing.access.access import Caller
from plumbing.access.record import note_change
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged, unchanged
from recommender.errors import CatalogueError
from recommender.exchange.checks import MODELS, check_image_hosts, check_rows
from recommender.scene import Item, Kind
from recommender.schemas import BASE
from recommender.schemas.catalogue import (
    FormerModel,
    FormerReply,
    IdPath,
    ItemModel,
    ItemRowsBody,
    ItemsReply,
    MergeBody,
    PageQuery,
    PlaceModel,
    PlaceRowsBody,
    PlacesReply,
    RowsBody,
    StoredReply,
)
from recommender.store.catalogue import CatalogueStore
from recommender.store.former_items import FormerItem
from recommender.web.sizes import CATALOGUE

READ, WRITE = ("suggest",), ("train",)  # scopes
CHANGED = ("changed_meanwhile", "image_host_unknown", "item_merged")


def item_routes(door: Door, store: CatalogueStore, kind: Kind, hosts: Collection[str]) -> None:
    """GET a page, GET one, PUT, DELETE and POST many, of dishes or of places.

    `hosts` are those from which pictures may come."""
    model = MODELS[kind]
    fields = set(model.model_fields)

    def row(item: Item) -> dict[str, object]:
        return {key: value for key, value in asdict(item).items() if key in fields}

    def page(caller: Caller, query: PageQuery) -> Body | Response:
        generation = store.generation(caller.tenant)  # before the rows: a change meanwhile is read again
        items = store.page(caller.tenant, kind, query.cursor, query.n)
        following = items[-1].item_id if len(items) == query.n else None
        found = {"rows": [row(item) for item in items], "next_cursor": following, "generation": generation}
        return unchanged(found) or found

    def there(tenant: str, ids: Collection[str]) -> list[dict[str, object]]:
        return [row(item) for item in store.all(tenant, kind) if item.item_id in ids]

    def get(caller: Caller, path: IdPath) -> Body:
        found = row(store.get(caller.tenant, kind, path.item_id))
        note_tag(found)
        return found

    def put(caller: Caller, path: IdPath, body: ItemModel | PlaceModel) -> Body:
        item = body.to_item()
        check_same_id(path.item_id, item.item_id)
        check_image_hosts([item], hosts)
        earlier = next(iter(there(caller.tenant, {item.item_id})), None)
        require_unchanged(earlier)
        note_change(f"{kind} {item.item_id}", earlier=earlier, later=row(item))
        store.put(caller.tenant, kind, [item])
        note_tag(row(item))
        return row(item)

    def delete(caller: Caller, path: IdPath) -> Body:
        earlier = next(iter(there(caller.tenant, {path.item_id})), None)
        note_change(f"{kind} {path.item_id}", earlier=earlier)
        store.delete(caller.tenant, kind, path.item_id)
        return None

    def bulk(caller: Caller, body: RowsBody) -> Body:
        rows = check_rows(body.rows, kind)
        check_image_hosts(rows, hosts)
        earlier = there(caller.tenant, {item.item_id for item in rows})
        note_change(f"{kind}s", earlier=earlier, later=[row(item) for item in rows])
        return {"stored": store.put(caller.tenant, kind, rows)}

    put.__annotations__["body"] = model  # the framework reads the schema from here
    bulk.__annotations__["body"] = ItemRowsBody if kind == "item" else PlaceRowsBody
    for function, name, says in (  # two kinds, two operations each
        (page, f"list_{kind}s", f"All {kind}s, in the order of their ids; for a screen that keeps them."),
        (get, f"get_{kind}", "The reply has an `ETag` for `If-Match`."),
        (put, f"put_{kind}", "`If-Match` refuses a change of what somebody else changed meanwhile."),
        (delete, f"delete_{kind}", f"The {kind} is suggested no more; the history keeps what happened."),
        (bulk, f"put_{kind}s", "Up to 10,000 rows, all stored or none; the reply names every wrong row."),
    ):
        function.__name__, function.__doc__ = name, says
    many = f"{BASE}/{kind}s"
    one = f"{many}/<path:item_id>"  # ids with a slash may be stored from before they were refused
    rows = ItemsReply if kind == "item" else PlacesReply
    summary = f"{kind.title()}s, page by page; 304 where the page is the one in If-None-Match"
    door.route("GET", many, scopes=READ, reply=rows, other_replies={304: None}, summary=summary)(page)
    door.route("GET", one, scopes=READ, reply=model, summary=f"One {kind}", errors=("not_found",))(get)
    door.route(
        "PUT",
        one,
        scopes=WRITE,
        reply=model,
        summary=f"Write or replace one {kind}",
        errors=(*CHANGED, "catalogue_error"),
    )(put)
    door.route(
        "DELETE", one, scopes=WRITE, status=204, reply=None, summary=f"Take one {kind} out", errors=("not_found",)
    )(delete)
    summary = f"Write or replace many {kind}s, all or none"
    door.route(
        "POST",
        many,
        scopes=WRITE,
        size=CATALOGUE,
        reply=StoredReply,
        summary=summary,
        errors=("bad_rows", "image_host_unknown", "item_merged"),
    )(bulk)


def former_routes(door: Door, store: CatalogueStore, kind: Kind) -> None:
    """GET what is not in the catalogue any more, PUT an id as an earlier one of another, DELETE that again."""

    def row(one: FormerItem) -> dict[str, object]:
        return {"item_id": one.item_id, "name": one.name, "merged_into": one.merged_into or None}

    def former(caller: Caller) -> Body:
        return {"rows": [row(one) for one in store.former(caller.tenant, kind)]}

    def there(tenant: str, item_id: str) -> dict[str, object] | None:
        return next((row(one) for one in store.former(tenant, kind) if one.item_id == item_id), None)

    def merge(caller: Caller, path: IdPath, body: MergeBody) -> Body:
        later = {"item_id": path.item_id, "merged_into": body.merged_into}
        note_change(f"{kind} {path.item_id}", earlier=there(caller.tenant, path.item_id), later=later)
        return row(store.merge(caller.tenant, kind, path.item_id, body.merged_into))

    def unmerge(caller: Caller, path: IdPath) -> Body:
        note_change(f"{kind} {path.item_id}", earlier=there(caller.tenant, path.item_id))
        store.unmerge(caller.tenant, kind, path.item_id)
        return None

    for function, name, says in (  # two kinds, two operations each
        (former, f"list_former_{kind}s", "`merged_into` is null where one was deleted and not merged."),
        (
            merge,
            f"merge_{kind}",
            f"What was recorded of the earlier id counts for the present {kind} from now on.",
        ),
        (unmerge, f"unmerge_{kind}", "Each id counts for itself again, with what was recorded of it."),
    ):
        function.__name__, function.__doc__ = name, says
    many, one = f"{BASE}/former-{kind}s", f"{BASE}/former-{kind}s/<item_id>"
    summary = f"{kind.title()}s that were deleted, and earlier ids of {kind}s"
    door.route("GET", many, scopes=READ, reply=FormerReply, summary=summary)(former)
    summary = f"Merge an earlier id of a {kind} into the present one: histories count both as one"
    door.route("PUT", one, scopes=WRITE, reply=FormerModel, summary=summary, errors=("cannot_merge", "not_found"))(
        merge
    )
    summary = f"Take a merge of two {kind}s back"
    door.route("DELETE", one, scopes=WRITE, status=204, reply=None, summary=summary, errors=("not_found",))(
        unmerge
    )


def check_same_id(path: str, body: str) -> None:
    """Raises CatalogueError when the address and the body name two things."""
    if path != body:
        raise CatalogueError(f"The address says {path!r} and the body {body!r}; nothing was stored.")
