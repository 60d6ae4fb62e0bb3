"""The desk's routes about offers: what they earn, the list, the reach of one, and how offers are decided."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Any

from flask import request
from pydantic import BaseModel, ConfigDict, Field

from plumbing.access.access import Caller
from plumbing.access.record import note_change
from plumbing.door import Body, Door
from plumbing.etags import note_tag, require_unchanged
from plumbing.query import Query
from plumbing.words import language_of
from recommender.desk.offer_list import House, offers_of
from recommender.desk.proof import proof_of, reports_of
from recommender.desk.reach import ReachEstimates
from recommender.desk.reports import SMALL
from recommender.offers.portfolio import parse_offer
from recommender.offers.settings import FIXED_ONCE_DECIDED, OfferSettings, changed
from recommender.offers.wording import terms
from recommender.schemas import BASE
from recommender.store.offers import OfferStore
from recommender.training.trainer import Trainer
from recommender.web.catalogue import WRITE
from recommender.web.codes import PERIOD
from recommender.web.offers import OfferPath, OfferTools, described

VIEW = ("view",)
_LIMIT = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}


class ProofReply(BaseModel):
    """Each question with its answer as a sentence in the language of the request, and its figures; money in minor
    units of `currency`. `counting`: a large log is being counted, newer figures follow."""

    model_config = ConfigDict(extra="allow")

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
    model_config = ConfigDict(extra="allow")
    rows: list[dict[str, Any]] = Field(description="offers with what was shown, reserved and spent of each")
    items: list[dict[str, str]] = Field(description="what an offer may apply to")
    answer: str


class SettingsModel(BaseModel):
    """Left out: stays as it is. What is `fixed` cannot change any more: somebody was decided about."""

    model_config = ConfigDict(extra="allow")
    holdout_share: Any = described(None, {"type": "number"}, "of customers, always left alone")
    exploration: Any = described(None, {"type": "number"}, "of visits, try something else")
    share: Any = described(
        None, {"anyOf": [{"type": "number"}, {"type": "null"}]}, "of visits that may carry an offer"
    )
    margin_share: Any = described(
        None,
        {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "of what is spent that is earned; the tenant's settings come first",
    )
    nag_count: Any = described(None, _LIMIT, "offers of any kind shown to one customer ...")
    nag_days: Any = described(None, {"type": "integer"}, "... in so many days")
    window_hours: Any = described(None, {"type": "integer"}, "after a decision whose spending counts")
    lateness_hours: Any = described(None, {"type": "integer"}, "in which outcomes may arrive late")
    effect_scale: Any = described(None, {"type": "number"}, "minor units a visit that intervals are made for")


def desk_routes(door: Door, tools: OfferTools, trainer: Trainer) -> None:
    """Figures about offers, for those who may read figures."""
    stores = tools.stores
    _settings_routes(door, stores.offers)
    _reach_routes(door, tools)
    reports = reports_of(stores, trainer)

    @door.route(
        "GET",
        BASE + "/desk/offers",
        scopes=VIEW,
        reply=ProofReply,
        summary="What the offers earned, with proof",
        errors=PERIOD,
    )
    def get_offers_proof(caller: Caller) -> Body:
        """What the offers earned against customers who were shown none, with intervals."""
        return proof_of(stores, trainer, caller.tenant, reports, language_of(request))

    @door.route(
        "GET",
        BASE + "/desk/portfolio",
        scopes=VIEW,
        reply=PortfolioReply,
        summary="Every offer with its state and what it has used up",
    )
    def list_portfolio(caller: Caller) -> Body:
        """Every offer with its state, and how much of its budget is used up."""
        house = tools.house(caller.tenant)
        report = reports.get(caller.tenant, trainer.shelf(caller.tenant, "offers").current())
        counted = report.get("decided", 0) > SMALL or report.get("counting")
        shown = report.get("shown", {}) if counted else stores.offers.times_shown(caller.tenant)
        return offers_of(stores, caller.tenant, house, shown, language_of(request))


class ReachReply(BaseModel):
    """Of the last four weeks, rounded; null where fewer than ten customers stand behind it or nothing is known."""

    answer: str
    days: int
    visits: int | None
    customers: int | None
    redemptions: list[int] | None = Field(description="between how many and how many")
    as_shown: dict[str, str] = Field(description="the terms, by language")


class ReachQuery(Query):
    """The fields of an offer that is not stored yet; lists with `|` between their parts."""

    model_config = ConfigDict(extra="allow")


def _reach_routes(door: Door, tools: OfferTools) -> None:
    estimates = ReachEstimates(tools.offers, tools.now_us)

    @door.route(
        "GET",
        BASE + "/desk/offers/<offer_id>/reach",
        scopes=VIEW,
        reply=ReachReply,
        summary="How many customers an offer would have met",
        errors=(*PERIOD, "unknown_offer"),
    )
    def get_offer_reach(caller: Caller, path: OfferPath) -> Body:
        """How many customers of the last weeks an offer would have met, and what kept it from the others."""
        offer = tools.offers.offer(caller.tenant, path.offer_id)
        house: House = tools.house(caller.tenant)
        shown = terms(offer, house.tenant.currency, house.names)
        return estimates.of(caller.tenant, offer, language_of(request)) | {"as_shown": shown}

    @door.route(
        "GET",
        BASE + "/desk/reach",
        scopes=VIEW,
        reply=ReachReply,
        summary="How many customers an offer with these fields would have met",
        errors=(*PERIOD, "invalid_offer"),
    )
    def estimate_reach(caller: Caller, query: ReachQuery) -> Body:
        """The same for an offer that is not stored yet, from its fields."""
        house: House = tools.house(caller.tenant)
        given = {"offer_id": "estimate", "name": "estimate"} | dict(request.args)
        given.pop("language", None)
        offer = parse_offer(given, known=house.known())
        shown = terms(offer, house.tenant.currency, house.names)
        return estimates.of(caller.tenant, offer, language_of(request)) | {"as_shown": shown}


def _settings_routes(door: Door, offers: OfferStore) -> None:
    """How offers are decided. The holdout's salt is neither shown nor taken."""

    @door.route("GET", BASE + "/desk/settings", scopes=VIEW, reply=SettingsModel, summary="How offers are decided")
    def get_offer_settings(caller: Caller) -> Body:
        """How offers are chosen: share of customers without offers, exploration, limits."""
        shown = _settings_reply(offers, caller.tenant)
        note_tag(shown)
        return shown

    @door.route(
        "PUT",
        BASE + "/desk/settings",
        scopes=WRITE,
        reply=SettingsModel,
        approval="settings",
        summary="Change how offers are decided",
        errors=("changed_meanwhile", "invalid_settings"),
    )
    def set_offer_settings(caller: Caller, body: SettingsModel) -> Body:
        """Replaces how offers are chosen; it holds from the next suggestion on."""
        with offers.transaction():
            require_unchanged(_settings_reply(offers, caller.tenant))
            now, _ = offers.settings(caller.tenant, secrets.token_hex(16))
            fixed = FIXED_ONCE_DECIDED if offers.decided(caller.tenant) else ()
            later = changed(now, request.get_json(), fixed)
            note_change("settings offers", earlier=_shown(now), later=_shown(later))
            offers.save_settings(caller.tenant, later)
        reply = _settings_reply(offers, caller.tenant)
        note_tag(reply)
        return reply


def _settings_reply(offers: OfferStore, tenant: str) -> dict[str, object]:
    return _shown(offers.settings_as_read(tenant)) | {
        "fixed": list(FIXED_ONCE_DECIDED) if offers.decided(tenant) else []
    }


def _shown(settings: OfferSettings) -> dict[str, object]:
    return {name: value for name, value in asdict(settings).items() if name != "salt"}
