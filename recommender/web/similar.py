"""More like this: dishes of the menu that are like one of them. No token is needed; everybody gets the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.clock import SECOND, Clock
from plumbing.door import Body, Door, Limit
from plumbing.query import Query
from recommender.caches import CatalogueSnapshot
from recommender.errors import NotInCatalogue
from recommender.item import Item
from recommender.orders.menu import Menu
from recommender.orders.signals.neighbours import Neighbours
from recommender.orders.similar import Similar, similar
from recommender.scene import Context
from recommender.scenes.orders import ServedOrders
from recommender.schemas import BASE, ContextModel
from recommender.schemas.catalogue import IdPath
from recommender.service import RecommenderService
from recommender.web.codes import MOMENT


class SimilarQuery(Query, ContextModel):
    """Context and how many."""

    n: int = Field(4, ge=1, le=20)


class SimilarItem(BaseModel):
    item_id: str
    name: str
    price: int | None = Field(None, description="minor units")
    score: float
    reason: str = Field(description="same_taste: the same people order it; same_kind: category, tags and price")


class SimilarReply(BaseModel):
    items: list[SimilarItem]
    model_version: str | None
    generation: int = Field(description="of the catalogue")


def similar_routes(door: Door, service: RecommenderService, now_us: Clock, requests_per_minute: int) -> None:
    """Put the route on the door."""

    @door.route(
        "GET",
        BASE + "/items/<item_id>/similar",
        scopes=("suggest",),
        limit=Limit("suggestions", requests_per_minute),
        lane="suggestions",
        reply=SimilarReply,
        summary="Dishes like this one that can be had here and now; the same for everybody",
        errors=(*MOMENT, "not_found"),
    )
    def list_similar_items(caller: Caller, path: IdPath, query: SimilarQuery) -> Body:
        """What a screen shows when a dish is sold out. Nobody's history is used."""
        context = query.to_context(caller.site)
        found, menu, version = similar_to(service, caller.tenant, path.item_id, context, query.n, now_us)
        rows = [
            {
                "item_id": one.item_id,
                "name": menu.by_id[one.item_id].name,
                "price": menu.by_id[one.item_id].price,
                "score": one.score,
                "reason": one.reason,
            }
            for one in found
        ]
        return {"items": rows, "model_version": version, "generation": menu.generation}


def similar_to(
    service: RecommenderService, tenant: str, item_id: str, context: Context, n: int, now_us: Clock
) -> tuple[Sequence[Similar], CatalogueSnapshot, str | None]:
    """The dishes that are like one, best first, with the menu and the version that they are from.

    Raises:
        NotInCatalogue, SiteUnknown.
    """
    with service.caches.request(tenant):
        menu = service.caches.menu(tenant, "item")
        item = menu.by_id.get(item_id)
        if item is None:
            raise NotInCatalogue("item", item_id)
        if context.site:
            service.check_site(tenant, context.site)
        loaded = service.caches.model(tenant, "orders")
        table, neighbours = _table(loaded.model, menu.items)
        found = similar(
            table,
            neighbours,
            item,
            context,
            n=n,
            hidden=_hidden(service, tenant, context, now_us),
            least_people=service.caches.least_people(tenant),
        )
    return found, menu, loaded.version


def _table(model: object, items: tuple[Item, ...]) -> tuple[Menu, Neighbours | None]:
    """The menu in the codes of the model, and its reference customers."""
    served = model if isinstance(model, ServedOrders) else ServedOrders.empty()
    menu, crowd = served.menu(items)
    return menu, crowd.neighbours if isinstance(model, ServedOrders) else None


def _hidden(service: RecommenderService, tenant: str, context: Context, now_us: Clock) -> dict[str, str]:
    """What the house's rules leave out of suggestions of dishes now."""
    rules = service.caches.rules(tenant)
    moment = context.local_time or datetime.fromtimestamp(now_us() / SECOND, rules.zone or UTC)
    return dict(rules.plan("orders", moment, context.site).hidden)
