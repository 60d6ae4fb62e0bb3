"""Routes of the catalogue: dishes and places, one by one or in bulk. Offers have a file of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import Response
from flask_openapi3 import APIBlueprint

from plumbing.access import Caller
from recommender.errors import CatalogueError
from recommender.exchange.checks import MODELS, check_rows
from recommender.scene import Item
from recommender.schemas import (
    BASE,
    IdPath,
    ItemsReply,
    PageQuery,
    PlacesReply,
    RowsBody,
    StoredReply,
)
from recommender.store.catalogue import CatalogueStore, Kind

Answer = Callable[[str, Callable[[Caller], tuple[int, Any]]], Response]
"""Authenticate for a scope, do the work, answer its status and body; under an Idempotency-Key if there is one."""


def item_routes(api: APIBlueprint, answer: Answer, store: CatalogueStore, kind: Kind) -> None:
    """GET list, GET, PUT, DELETE and bulk POST of dishes or of places."""
    model = MODELS[kind]
    reply = ItemsReply if kind == "item" else PlacesReply
    fields = set(model.model_fields)

    def told(item: Item) -> dict[str, Any]:
        return {key: value for key, value in asdict(item).items() if key in fields}

    def page(query: PageQuery) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            items = store.page(caller.tenant, kind, query.cursor, query.n)
            following = items[-1].item_id if len(items) == query.n else None
            return 200, {"rows": [told(item) for item in items], "next_cursor": following}

        return answer("suggest", work)

    def get(path: IdPath) -> Response:
        return answer("suggest", lambda caller: (200, told(store.get(caller.tenant, kind, path.item_id))))

    def put(path: IdPath, body: Any) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            item = body.to_item()
            same_id(path.item_id, item.item_id)
            store.put(caller.tenant, kind, [item])
            return 200, told(item)

        return answer("train", work)

    def delete(path: IdPath) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            store.delete(caller.tenant, kind, path.item_id)
            return 204, None

        return answer("train", work)

    def bulk(body: RowsBody) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            return 200, {"stored": store.put(caller.tenant, kind, check_rows(body.rows, kind))}

        return answer("train", work)

    put.__annotations__["body"] = model  # the framework reads the schema from here
    for function in (page, get, put, delete, bulk):
        function.__name__ = f"{function.__name__}_{kind}"  # two kinds, two endpoints each
    many, one = f"{BASE}/{kind}s", f"{BASE}/{kind}s/<item_id>"
    api.get(many, responses={"200": reply}, summary=f"{kind.title()}s, page by page")(page)
    api.get(one, responses={"200": model}, summary=f"One {kind}")(get)
    api.put(one, responses={"200": model}, summary=f"Write or replace a {kind}")(put)
    api.delete(one, responses={"204": None}, summary=f"Take a {kind} out")(delete)
    api.post(many, responses={"200": StoredReply}, summary=f"Write or replace many {kind}s, all or none")(bulk)


def same_id(path: str, body: str) -> None:
    """Raises CatalogueError when the address and the body name two things."""
    if path != body:
        raise CatalogueError(f"The address says {path!r} and the body {body!r}; nothing was stored.")
