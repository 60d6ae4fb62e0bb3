"""Routes of offers: write, change, pause and end them; and the desk's two pages of figures."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from plumbing.access.access import Caller
from plumbing.clock import Clock
from plumbing.demands import BULK
from plumbing.door import Body, Door
from recommender.assembly import RecommenderStores
from recommender.caches import Cache
from recommender.desk.proof import portfolio_of, proof_of
from recommender.exchange.checks import check_offers
from recommender.offers.portfolio import KINDS, STATUSES, WEEKDAYS, Offer, parse_offer
from recommender.offers.settings import FIXED_ONCE_DECIDED, changed
from recommender.schemas import BASE, Id, PageQuery, RowsBody, StoredReply
from recommender.store.catalogue import CatalogueStore
from recommender.store.offers import OfferStore
from recommender.training.trainer import Trainer
from recommender.web.catalogue import READ, WRITE, check_same_id

_LIMIT = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}
_DATE = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
_LIST = {"type": "array", "items": {"type": "string"}}
_DAYS = {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"enum": list(WEEKDAYS)}]}}


def _field(default: Any, schema: Mapping[str, Any], description: str | None = None) -> Any:
    """Described here, checked by the portfolio: it names every wrong field, pydantic those of a wrong type."""

    def describe(found: dict[str, Any]) -> None:
        found.update(schema)
        if default is None and "anyOf" not in schema:
            found.pop("default")  # left out is not null

    return Field(default, description=description, json_schema_extra=describe)


class OfferModel(BaseModel):
    """An offer; every wrong field is named by the checks of the portfolio itself."""

    model_config = ConfigDict(extra="allow")
    offer_id: Any = _field(None, {"type": "string", "minLength": 1, "maxLength": 64})
    name: Any = _field(None, {"type": "string", "maxLength": 500})
    text: Any = _field("", {"type": "string", "maxLength": 500})
    kind: Any = _field("discount", {"enum": list(KINDS)})
    items: Any = _field([], _LIST, "item ids it applies to; empty: to everything")
    starts_on: Any = _field(None, _DATE)
    ends_on: Any = _field(None, _DATE)
    weekdays: Any = _field([], _DAYS, "empty: every day; 0 is Monday")
    from_hour: Any = _field(0, {"type": "integer"})
    to_hour: Any = _field(24, {"type": "integer"})
    sites: Any = _field([], _LIST, "empty: everywhere")
    budget_count: Any = _field(None, _LIMIT, "redemptions")
    budget_money: Any = _field(None, _LIMIT, "minor units given away")
    cap_count: Any = _field(None, _LIMIT, "shown to one customer ...")
    cap_days: Any = _field(None, _LIMIT, "... in so many days; null: ever")
    never_twice: Any = _field(False, {"type": "boolean"})
    redemption_cost: Any = _field(0, {"type": "integer"}, "what one redemption costs the house, minor units")
    min_spend: Any = _field(0, {"type": "integer"})
    window_hours: Any = _field(72, {"type": "integer"}, "it can be redeemed for so long after it was shown")
    status: Any = _field("active", {"enum": list(STATUSES)})


class OfferPath(BaseModel):
    offer_id: Id


class OffersReply(BaseModel):
    rows: list[OfferModel]
    next_cursor: str | None


class ProofReply(BaseModel):
    """Each question with its answer as a sentence and the figures behind it; money in minor units."""

    answer: str = Field(description="what offers earned against people who were left alone")
    difference: float | None
    low: float | None = Field(description="always-valid 95 % interval: looking every day raises no false alarms")
    high: float | None
    decided: bool
    more_visits: int | None
    history: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    ratio: dict[str, Any]
    best_single: dict[str, Any]
    exploring: dict[str, Any]
    what_if: dict[str, Any]
    whom: dict[str, Any]
    arms: list[dict[str, Any]]
    decisions: int
    open_windows: int
    version: str | None
    versions: list[dict[str, Any]]
    runs: list[dict[str, Any]]


class PortfolioReply(BaseModel):
    rows: list[dict[str, Any]] = Field(description="offers with what was shown, reserved and spent of each")
    items: list[dict[str, str]] = Field(description="what an offer may apply to")
    answer: str


class SettingsModel(BaseModel):
    """Left out: stays as it is. What is `fixed` cannot change any more: somebody was decided about."""

    model_config = ConfigDict(extra="allow")
    holdout_share: Any = _field(None, {"type": "number"}, "of customers, always left alone")
    exploration: Any = _field(None, {"type": "number"}, "of visits, try something else")
    share: Any = _field(
        None, {"anyOf": [{"type": "number"}, {"type": "null"}]}, "of visits that may carry an offer"
    )
    margin_share: Any = _field(None, {"type": "number"}, "of what is spent that is earned")
    nag_count: Any = _field(None, _LIMIT, "offers of any kind shown to one customer ...")
    nag_days: Any = _field(None, {"type": "integer"}, "... in so many days")
    window_hours: Any = _field(None, {"type": "integer"}, "after a decision whose spending counts")
    lateness_hours: Any = _field(None, {"type": "integer"}, "in which outcomes may arrive late")
    effect_scale: Any = _field(None, {"type": "number"}, "minor units a visit that intervals are made for")


def offer_routes(door: Door, offers: OfferStore, catalogue: CatalogueStore, now_us: Clock) -> None:
    """GET a page, GET one, PUT, DELETE (ends it: its decisions stay) and POST many offers."""
    _read_routes(door, offers)
    _write_routes(door, offers, catalogue, now_us)


OF_THE_DESK = ("budget_count", "budget_money", "redemption_cost", "cap_count", "cap_days", "never_twice")
"""What an offer costs and how far it goes: for keys that may train, never for a screen's."""


def visible(caller: Caller, offer: Offer) -> dict[str, Any]:
    """An offer as this caller may read it."""
    row = asdict(offer)
    return row if "train" in caller.scopes else {name: row[name] for name in row if name not in OF_THE_DESK}


def _read_routes(door: Door, offers: OfferStore) -> None:
    @door.route("GET", BASE + "/offers", scopes=READ, reply=OffersReply, summary="Offers, page by page")
    def page_offer(caller: Caller, query: PageQuery) -> Body:
        after = [one for one in offers.offers(caller.tenant) if one.offer_id > query.cursor]
        rows = [visible(caller, one) for one in after[: query.n]]
        return {"rows": rows, "next_cursor": rows[-1]["offer_id"] if len(after) > query.n else None}

    @door.route("GET", BASE + "/offers/<offer_id>", scopes=READ, reply=OfferModel, summary="One offer")
    def get_offer(caller: Caller, path: OfferPath) -> Body:
        return visible(caller, offers.offer(caller.tenant, path.offer_id))


def _write_routes(door: Door, offers: OfferStore, catalogue: CatalogueStore, now_us: Clock) -> None:
    def known(tenant: str) -> set[str]:
        return {item.item_id for item in catalogue.all(tenant, "item")}

    @door.route(
        "PUT",
        BASE + "/offers/<offer_id>",
        scopes=WRITE,
        reply=OfferModel,
        summary="Write, change, pause or end an offer",
    )
    def put_offer(caller: Caller, path: OfferPath, body: OfferModel) -> Body:
        # As it was sent, not `body`: the portfolio's own checks name every wrong field.
        offer = parse_offer(request.get_json(), items=known(caller.tenant))
        check_same_id(path.offer_id, offer.offer_id)
        offers.save_offers(caller.tenant, [offer], now_us())
        return asdict(offer)

    @door.route(
        "DELETE", BASE + "/offers/<offer_id>", scopes=WRITE, status=204, reply=None, summary="End an offer"
    )
    def delete_offer(caller: Caller, path: OfferPath) -> Body:
        ended = replace(offers.offer(caller.tenant, path.offer_id), status="ended")
        offers.save_offers(caller.tenant, [ended], now_us())
        return None

    @door.route(
        "POST",
        BASE + "/offers",
        scopes=WRITE,
        size=BULK,
        reply=StoredReply,
        summary="Write or replace many offers, all or none",
    )
    def bulk_offer(caller: Caller, body: RowsBody) -> Body:
        rows = check_offers(body.rows, known(caller.tenant))
        offers.save_offers(caller.tenant, rows, now_us())
        return {"stored": len(rows)}


def desk_routes(door: Door, stores: RecommenderStores, trainer: Trainer) -> None:
    """The marketing page's figures about offers; for a key that may train, like the rest of that page."""
    _settings_routes(door, stores.offers)
    cache: Cache[dict[str, Any]] = Cache()  # the log is read whole: once a minute is enough while nothing is added

    @door.route(
        "GET",
        BASE + "/desk/offers",
        scopes=WRITE,
        reply=ProofReply,
        summary="What the offers earned, with proof",
    )
    def proof(caller: Caller) -> Body:
        return proof_of(stores, trainer, caller.tenant, cache)

    @door.route(
        "GET",
        BASE + "/desk/portfolio",
        scopes=WRITE,
        reply=PortfolioReply,
        summary="Every offer and what it has used up",
    )
    def portfolio(caller: Caller) -> Body:
        return portfolio_of(stores, caller.tenant)


def _settings_routes(door: Door, offers: OfferStore) -> None:
    """How offers are decided. The holdout's salt is neither shown nor taken."""

    @door.route(
        "GET", BASE + "/desk/settings", scopes=WRITE, reply=SettingsModel, summary="How offers are decided"
    )
    def settings(caller: Caller) -> Body:
        return _settings_reply(offers, caller.tenant)

    @door.route(
        "PUT",
        BASE + "/desk/settings",
        scopes=WRITE,
        reply=SettingsModel,
        summary="Change how offers are decided",
    )
    def change_settings(caller: Caller, body: SettingsModel) -> Body:
        with offers.transaction():
            now, _ = offers.settings(caller.tenant, secrets.token_hex(16))
            fixed = FIXED_ONCE_DECIDED if offers.decided(caller.tenant) else ()
            offers.save_settings(caller.tenant, changed(now, request.get_json(), fixed))
        return _settings_reply(offers, caller.tenant)


def _settings_reply(offers: OfferStore, tenant: str) -> dict[str, object]:
    shown = asdict(offers.settings_as_read(tenant))
    del shown["salt"]
    return shown | {"fixed": list(FIXED_ONCE_DECIDED) if offers.decided(tenant) else []}
