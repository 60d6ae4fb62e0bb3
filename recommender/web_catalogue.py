"""Routes of the catalogue: dishes, places and offers, one by one or in bulk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flask import Response, request
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from plumbing.access import Caller
from plumbing.clock import Clock
from recommender.errors import BadRows, CatalogueError, RowError
from recommender.offers.errors import InvalidOffer
from recommender.offers.portfolio import Offer, parse_offer
from recommender.scenes.base import Item
from recommender.store.catalogue import CatalogueStore, Kind
from recommender.store.offers import OfferStore
from recommender.web_models import (
    BASE,
    Id,
    IdPath,
    ItemModel,
    ItemsReply,
    PageQuery,
    PlaceModel,
    PlacesReply,
    RowsBody,
    StoredReply,
)

Answer = Callable[[str, Callable[[Caller], tuple[int, Any]]], Response]
"""Authenticate for a scope, do the work, answer its status and body; under an Idempotency-Key if there is one."""

MODELS: Mapping[Kind, type[ItemModel] | type[PlaceModel]] = {"item": ItemModel, "place": PlaceModel}


def check_rows(rows: Sequence[Mapping[str, Any]], kind: Kind, numbers: Sequence[int] | None = None) -> list[Item]:
    """Rows as items or places.

    Raises:
        BadRows: names every wrong row by its number (default: 0, 1, ...), and every id that is there twice.
    """
    items: list[Item] = []
    wrong: list[RowError] = []
    seen: dict[str, int] = {}
    for number, row in zip(numbers or range(len(rows)), rows, strict=True):
        try:
            item = MODELS[kind].model_validate(row).to_item()
        except ValidationError as error:
            wrong.append(RowError(number, said(error)))
            continue
        if item.item_id in seen:
            wrong.append(RowError(number, f"item_id {item.item_id!r} is in row {seen[item.item_id]} too"))
        seen.setdefault(item.item_id, number)
        items.append(item)
    if wrong:
        raise BadRows(wrong)
    return items


def said(error: ValidationError) -> str:
    """What pydantic found, in one line."""
    parts = error.errors(include_url=False, include_input=False, include_context=False)
    return ", ".join(f"{'.'.join(map(str, part['loc'])) or 'row'}: {part['msg']}" for part in parts)


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


# --- offers ------------------------------------------------------------------------------------------


class OfferModel(BaseModel):
    """An offer; every wrong field is named by the checks of the portfolio itself."""

    model_config = ConfigDict(extra="allow")
    offer_id: Id
    name: str = Field(max_length=500)
    text: str = ""
    kind: str = "discount"
    items: list[str] | str = Field(default_factory=list)
    starts_on: str | None = None
    ends_on: str | None = None
    weekdays: list[int | str] | str = Field(default_factory=list)
    from_hour: int = 0
    to_hour: int = 24
    sites: list[str] | str = Field(default_factory=list)
    budget_count: int | None = None
    budget_money: int | None = None
    cap_count: int | None = None
    cap_days: int | None = None
    never_twice: bool = False
    redemption_cost: int = 0
    min_spend: int = 0
    window_hours: int = 72
    status: str = "active"


class OfferPath(BaseModel):
    offer_id: Id


class OffersReply(BaseModel):
    rows: list[OfferModel]
    next_cursor: str | None


def check_offers(
    rows: Sequence[Mapping[str, Any]], known: set[str], numbers: Sequence[int] | None = None
) -> list[Offer]:
    """Rows as offers; `known` are the item ids that they may name.

    Raises:
        BadRows: names every wrong row, by its number (default: 0, 1, ...), and field.
    """
    offers: dict[str, Offer] = {}
    wrong: list[RowError] = []
    for number, row in zip(numbers or range(len(rows)), rows, strict=True):
        try:
            offer = parse_offer(row, items=known)
        except InvalidOffer as error:
            wrong.append(RowError(number, "; ".join(f"{name} {message}" for name, message in error.fields)))
            continue
        if offer.offer_id in offers:
            wrong.append(RowError(number, f"offer_id {offer.offer_id!r} appears twice"))
        offers[offer.offer_id] = offer
    if wrong:
        raise BadRows(wrong)
    return list(offers.values())


def offer_routes(
    api: APIBlueprint, answer: Answer, offers: OfferStore, catalogue: CatalogueStore, now_us: Clock
) -> None:
    """GET list, GET, PUT, DELETE (ends it: its decisions stay) and bulk POST of offers."""

    def known(tenant: str) -> set[str]:
        return {item.item_id for item in catalogue.all(tenant, "item")}

    @api.get(BASE + "/offers", responses={"200": OffersReply}, summary="Offers, page by page")
    def page_offer(query: PageQuery) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            after = [one for one in offers.offers(caller.tenant) if one.offer_id > query.cursor]
            rows = [asdict(one) for one in after[: query.n]]
            return 200, {
                "rows": rows,
                "next_cursor": rows[-1]["offer_id"] if len(after) > query.n else None,
            }

        return answer("suggest", work)

    @api.get(BASE + "/offers/<offer_id>", responses={"200": OfferModel}, summary="One offer")
    def get_offer(path: OfferPath) -> Response:
        return answer("suggest", lambda caller: (200, asdict(offers.offer(caller.tenant, path.offer_id))))

    @api.put(
        BASE + "/offers/<offer_id>", responses={"200": OfferModel}, summary="Write, change, pause or end an offer"
    )
    def put_offer(path: OfferPath, body: OfferModel) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            given = request.get_json()
            offer = parse_offer(given, items=known(caller.tenant))
            same_id(path.offer_id, offer.offer_id)
            offers.save_offers(caller.tenant, [offer], now_us())
            return 200, asdict(offer)

        return answer("train", work)

    @api.delete(BASE + "/offers/<offer_id>", responses={"204": None}, summary="End an offer")
    def delete_offer(path: OfferPath) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            ended = asdict(offers.offer(caller.tenant, path.offer_id)) | {"status": "ended"}
            offers.save_offers(caller.tenant, [Offer(**ended)], now_us())
            return 204, None

        return answer("train", work)

    @api.post(
        BASE + "/offers", responses={"200": StoredReply}, summary="Write or replace many offers, all or none"
    )
    def bulk_offer(body: RowsBody) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            rows = check_offers(body.rows, known(caller.tenant))
            offers.save_offers(caller.tenant, rows, now_us())
            return 200, {"stored": len(rows)}

        return answer("train", work)
