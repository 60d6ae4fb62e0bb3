"""Routes of offers: write, change, pause and end them; and the desk's two pages of figures."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Response, request
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from plumbing.access import Caller
from plumbing.clock import Clock
from recommender.assembly import Stores
from recommender.caches import Cache
from recommender.desk.proof import _portfolio, proof_of
from recommender.exchange.checks import check_offers
from recommender.offers.portfolio import KINDS, STATUSES, WEEKDAYS, Offer, parse_offer
from recommender.offers.settings import FIXED_ONCE_DECIDED, changed
from recommender.schemas import BASE, Id, PageQuery, RowsBody, StoredReply
from recommender.store.catalogue import CatalogueStore
from recommender.store.offers import OfferStore
from recommender.training.trainer import Trainer
from recommender.web.catalogue import Answer, same_id

_LIMIT = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}
_DATE = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
_LIST = {"type": "array", "items": {"type": "string"}}
_DAYS = {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"enum": list(WEEKDAYS)}]}}


def _field(default: Any, schema: Mapping[str, Any], description: str | None = None) -> Any:
    """Described here, checked by the portfolio: it names every wrong field, pydantic those of a wrong type."""

    def say(found: dict[str, Any]) -> None:
        found.update(schema)
        if default is None and "anyOf" not in schema:
            found.pop("default")  # left out is not null

    return Field(default, description=description, json_schema_extra=say)


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


def desk_routes(api: APIBlueprint, answer: Answer, stores: Stores, trainer: Trainer) -> None:
    """What the marketing page asks about offers; for whoever may train, like the rest of that page."""
    _settings_routes(api, answer, stores.offers)
    held = Cache()  # the log is read whole: once a minute is enough while nothing is added

    @api.get(BASE + "/desk/offers", responses={"200": ProofReply}, summary="What the offers earned, with proof")
    def proof() -> Response:
        return answer("train", lambda caller: (200, proof_of(stores, trainer, caller.tenant, held)))

    @api.get(
        BASE + "/desk/portfolio",
        responses={"200": PortfolioReply},
        summary="Every offer and what it has used up",
    )
    def portfolio() -> Response:
        return answer("train", lambda caller: (200, _portfolio(stores, caller.tenant)))


def _settings_routes(api: APIBlueprint, answer: Answer, offers: OfferStore) -> None:
    """How the house decides. The holdout's salt is neither shown nor taken."""

    @api.get(BASE + "/desk/settings", responses={"200": SettingsModel}, summary="How offers are decided")
    def settings() -> Response:
        return answer("train", lambda caller: (200, _plain(offers, caller.tenant)))

    @api.put(BASE + "/desk/settings", responses={"200": SettingsModel}, summary="Change how offers are decided")
    def change_settings(body: SettingsModel) -> Response:
        def work(caller: Caller) -> tuple[int, Any]:
            with offers.transaction():
                now, _ = offers.settings(caller.tenant, secrets.token_hex(16))
                fixed = FIXED_ONCE_DECIDED if offers.decided(caller.tenant) else ()
                offers.save_settings(caller.tenant, changed(now, request.get_json(), fixed))
            return 200, _plain(offers, caller.tenant)

        return answer("train", work)


def _plain(offers: OfferStore, tenant: str) -> dict[str, Any]:
    told = asdict(offers.settings_as_read(tenant))
    del told["salt"]
    return told | {"fixed": list(FIXED_ONCE_DECIDED) if offers.decided(tenant) else []}
