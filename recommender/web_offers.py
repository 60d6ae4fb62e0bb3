"""Routes of offers: write, change, pause and end them; and the desk's two pages of figures."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flask import Response, request
from flask_openapi3 import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from plumbing.access import Caller
from plumbing.clock import MINUTE, Clock
from recommender.errors import BadRows, RowError
from recommender.live import Cache
from recommender.moments import from_us
from recommender.offers.errors import InvalidOffer
from recommender.offers.house import FIXED_ONCE_DECIDED, changed
from recommender.offers.portfolio import KINDS, STATUSES, WEEKDAYS, Offer, parse_offer
from recommender.opening import Stores
from recommender.overview import run_row, version_row
from recommender.scenes import offers as offer_scene
from recommender.store.catalogue import CatalogueStore
from recommender.store.offers import OfferStore
from recommender.training import OFFERS, Trainer
from recommender.web_catalogue import Answer, same_id
from recommender.web_models import BASE, Id, PageQuery, RowsBody, StoredReply

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


def proof_of(stores: Stores, trainer: Trainer, tenant: str, held: Cache | None = None) -> dict[str, Any]:
    """The body of GET /recommender/v1/desk/offers; `held` keeps what was read of the log for a minute."""
    shelf, now_us = trainer.shelf(tenant, OFFERS), trainer.now_us()
    current = shelf.current()
    report = ((shelf.manifest(current) if current else None) or {}).get("report")
    stamp = (current, now_us // MINUTE, stores.offers.size(tenant), stores.offers.settings_as_read(tenant))
    told = dict(
        (held or Cache()).get(tenant, stamp, lambda: offer_scene.desk(stores.offers, tenant, now_us, report))
    )
    for history in (told["history"], told["best_single"].get("history", [])):
        for row in history:
            row["until"] = from_us(row["until_us"])
    runs = trainer.models.runs(tenant, OFFERS)
    published = {run.version: run.ended_us for run in runs if run.state == "published" and run.ended_us}
    rows = [version_row(shelf, name, name == current, published.get(name)) for name in reversed(shelf.names())]
    return told | {
        "version": current,
        "versions": [row for row in rows if row],
        "runs": [run_row(run) for run in runs],
    }


def _portfolio(stores: Stores, tenant: str) -> dict[str, Any]:
    usage, shown = stores.offers.all_usage(tenant), stores.offers.times_shown(tenant)
    rows = [
        asdict(offer) | asdict(usage[offer.offer_id]) | {"shown": shown.get(offer.offer_id, 0)}
        for offer in stores.offers.offers(tenant)
    ]
    items = [{"item_id": item.item_id, "name": item.name} for item in stores.catalogue.all(tenant, "item")]
    counts = {state: sum(row["status"] == state for row in rows) for state in STATUSES}
    spent = sum(row["spent_money"] for row in rows)
    told = "There is no offer yet. Write the first one below, or take in a file."
    if rows:
        one = counts["active"] == 1
        others = [f"{counts[state]} {state}" for state in STATUSES[1:] if counts[state]]
        active = f"{counts['active']} {'offer is' if one else 'offers are'} active"
        told = (
            f"{', '.join([active, *others])}; "
            f"{sum(row['spent_count'] for row in rows):,} redemptions have cost {spent / 100:,.2f} so far."
        )
    return {"rows": rows, "items": items, "answer": told}
