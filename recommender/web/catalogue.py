"""Routes of the catalogue: dishes and places, one by one or in bulk. Offers have a file of their own."""

from __future__ import annotations

from dataclasses import asdict

from plumbing.access.access import Caller
from plumbing.demands import BULK
from plumbing.door import Body, Door
from recommender.errors import CatalogueError
from recommender.exchange.checks import MODELS, check_rows
from recommender.scene import Item, Kind
from recommender.schemas import (
    BASE,
    IdPath,
    ItemModel,
    ItemsReply,
    PageQuery,
    PlaceModel,
    PlacesReply,
    RowsBody,
    StoredReply,
)
from recommender.store.catalogue import CatalogueStore

READ, WRITE = ("suggest",), ("train",)  # scopes


def item_routes(door: Door, store: CatalogueStore, kind: Kind) -> None:
    """GET a page, GET one, PUT, DELETE and POST many, of dishes or of places."""
    model = MODELS[kind]
    fields = set(model.model_fields)

    def row(item: Item) -> dict[str, object]:
        return {key: value for key, value in asdict(item).items() if key in fields}

    def page(caller: Caller, query: PageQuery) -> Body:
        items = store.page(caller.tenant, kind, query.cursor, query.n)
        following = items[-1].item_id if len(items) == query.n else None
        return {"rows": [row(item) for item in items], "next_cursor": following}

    def get(caller: Caller, path: IdPath) -> Body:
        return row(store.get(caller.tenant, kind, path.item_id))

    def put(caller: Caller, path: IdPath, body: ItemModel | PlaceModel) -> Body:
        item = body.to_item()
        check_same_id(path.item_id, item.item_id)
        store.put(caller.tenant, kind, [item])
        return row(item)

    def delete(caller: Caller, path: IdPath) -> Body:
        store.delete(caller.tenant, kind, path.item_id)
        return None

    def bulk(caller: Caller, body: RowsBody) -> Body:
        return {"stored": store.put(caller.tenant, kind, check_rows(body.rows, kind))}

    put.__annotations__["body"] = model  # the framework reads the schema from here
    for function in (page, get, put, delete, bulk):
        function.__name__ = f"{function.__name__}_{kind}"  # two kinds, two endpoints each
    many, one = f"{BASE}/{kind}s", f"{BASE}/{kind}s/<item_id>"
    rows = ItemsReply if kind == "item" else PlacesReply
    door.route("GET", many, scopes=READ, reply=rows, summary=f"{kind.title()}s, page by page")(page)
    door.route("GET", one, scopes=READ, reply=model, summary=f"One {kind}")(get)
    door.route("PUT", one, scopes=WRITE, reply=model, summary=f"Write or replace one {kind}")(put)
    door.route("DELETE", one, scopes=WRITE, status=204, reply=None, summary=f"Take one {kind} out")(delete)
    summary = f"Write or replace many {kind}s, all or none"
    door.route("POST", many, scopes=WRITE, size=BULK, reply=StoredReply, summary=summary)(bulk)


def check_same_id(path: str, body: str) -> None:
    """Raises CatalogueError when the address and the body name two things."""
    if path != body:
        raise CatalogueError(f"The address says {path!r} and the body {body!r}; nothing was stored.")
