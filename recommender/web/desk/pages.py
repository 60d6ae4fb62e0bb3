"""Routes of the desk: the overview, suggestions, data, wrong rows of imports, zones to choose from."""

from __future__ import annotations

from typing import Any

from flask import request
from pydantic import BaseModel, Field

from plumbing.access.access import Caller
from plumbing.door import Body, Door
from plumbing.query import Query
from plumbing.words import language_of
from recommender.desk.data import data_of
from recommender.desk.kept import KeptReports
from recommender.desk.overview import DeskTools, overview_of
from recommender.desk.period import Period
from recommender.desk.suggestions import suggestions_of
from recommender.schemas import BASE, Id
from recommender.service import RecommenderService
from recommender.store.tenant_settings import currencies, zones
from recommender.training.trainer import Trainer
from recommender.web.codes import PERIOD

VIEW = ("view",)  # scopes
DESK = BASE + "/desk"


class PeriodQuery(Query):
    since: str = Field("", alias="from", max_length=10, description="first day, 2026-11-29; default: 28 days")
    to: str = Field("", max_length=10, description="last day; default: today")
    site: str = Field("", max_length=64)
    daypart: str = Field("", max_length=20)


class PeriodReply(BaseModel):
    since: str = Field(alias="from")
    to: str
    today: str = Field(description="the tenant's local date")
    sites: list[str] = Field(description="that the caller may see")
    answer: str = Field(description="the answer to the page's question, in the language of the request")
    least_people: int = Field(description="figures of fewer people are null")


class OverviewReply(PeriodReply):
    currency: str
    value_is: str = Field(description="revenue or margin")
    totals: dict[str, Any]
    before: dict[str, Any] = Field(description="the same weekdays before")
    days: list[dict[str, Any]]
    holdout: dict[str, Any] = Field(description="what offers earned per visit against the holdout, minor units")
    attention: list[dict[str, Any]]


class SuggestionsPageReply(PeriodReply):
    scenes: list[dict[str, Any]]


class DataReply(PeriodReply):
    next_steps: list[str]
    events: list[dict[str, Any]]
    freshness: list[dict[str, Any]]
    gaps: list[dict[str, Any]]
    weekdays: list[dict[str, Any]]
    drift: list[str]
    history: dict[str, Any]
    catalogue: dict[str, Any]
    imports: list[dict[str, Any]]
    imports_note: str = Field("", description="why imports are not shown to who may see some sites")


class ImportPath(BaseModel):
    import_id: Id


class RowsQuery(Query):
    after: int = Field(-1, ge=-1, description="`next` of the page before")
    n: int = Field(500, ge=1, le=5_000)


class WrongRowsReply(BaseModel):
    rows: list[dict[str, Any]]
    next: int | None


class TenantChoicesReply(BaseModel):
    timezones: list[str]
    currencies: list[str]
    sites: list[str] = Field(description="of settings, keys and orders")


def routes(door: Door, service: RecommenderService, trainer: Trainer) -> DeskTools:
    """Put the routes on the door; what they work with."""
    stores = service.stores
    tools = DeskTools(stores, trainer, service.figures, KeptReports(stores.kept_reports, trainer.now_us))
    _page_routes(door, tools, service)
    _import_route(door, tools)
    return tools


def _page_routes(door: Door, tools: DeskTools, service: RecommenderService) -> None:

    def period(caller: Caller, query: PeriodQuery) -> Period:
        today = tools.figures.today(caller.tenant)
        return Period.of(caller, today, query.since, query.to, query.site, query.daypart)

    @door.route(
        "GET", DESK + "/overview", scopes=VIEW, reply=OverviewReply, summary="How it is going", errors=PERIOD
    )
    def get_overview(caller: Caller, query: PeriodQuery) -> Body:
        """The first page of the desk: figures of the period beside those of the one before, and what needs
        attention.
        """
        return overview_of(tools, caller, period(caller, query), language_of(request))

    @door.route(
        "GET",
        DESK + "/suggestions",
        scopes=VIEW,
        reply=SuggestionsPageReply,
        summary="How good the suggestions are",
        errors=PERIOD,
    )
    def get_suggestion_quality(caller: Caller, query: PeriodQuery) -> Body:
        """How often a suggestion was taken, by scene, part of the day and version."""
        return suggestions_of(tools, service, caller, period(caller, query), language_of(request))

    @door.route(
        "GET",
        DESK + "/data",
        scopes=VIEW,
        reply=DataReply,
        summary="Whether the data are good enough",
        errors=PERIOD,
    )
    def get_data_quality(caller: Caller, query: PeriodQuery) -> Body:
        """Imports and their wrong rows, gaps in the history, what the catalogue lacks."""
        return data_of(tools, caller, period(caller, query), language_of(request))

    @door.route(
        "GET",
        DESK + "/choices",
        scopes=VIEW,
        reply=TenantChoicesReply,
        summary="Zones, currencies and sites to choose from",
    )
    def list_choices(caller: Caller) -> Body:
        """Time zones, currencies and sites for the forms of the desk."""
        sites = sorted(service.sites(caller.tenant))
        return {"timezones": zones(), "currencies": sorted(currencies()), "sites": sites}


def _import_route(door: Door, tools: DeskTools) -> None:
    @door.route(
        "GET",
        DESK + "/imports/<import_id>",
        scopes=VIEW,
        reply=WrongRowsReply,
        summary="The wrong rows of an import, page by page; none has personal data",
        errors=("not_found",),
    )
    def list_wrong_rows(caller: Caller, path: ImportPath, query: RowsQuery) -> Body:
        """The rows of an import that were refused, each with its line and reason; none has personal data."""
        found = tools.stores.import_log.wrong_rows(caller.tenant, path.import_id, query.after, query.n)
        return {
            "rows": [
                {"row": one.number, "field": one.field, "value": one.value, "message": one.message}
                for _, one in found
            ],
            "next": found[-1][0] if len(found) == query.n else None,
        }
