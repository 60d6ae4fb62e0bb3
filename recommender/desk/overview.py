"""The overview: how it is going, in figures of some days, compared with the same weekdays before."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from babel.numbers import format_currency

from plumbing.access.caller import Caller
from plumbing.words import Message
from recommender.assembly import RecommenderStores
from recommender.desk.attention import Asked, Item, Others, attention, nothing
from recommender.desk.crowd import Counted, by_days, together
from recommender.desk.kept import KeptReports
from recommender.desk.period import LEAST_PEOPLE, Period
from recommender.desk.shares import Share, direction
from recommender.desk.words import WORDS
from recommender.figures.days import days_between
from recommender.figures.figures import Figures
from recommender.scene import Report
from recommender.scenes.registry import OFFERS
from recommender.store.tenant_settings import TenantSettings
from recommender.times import from_us
from recommender.training.trainer import Trainer

Row = Mapping[str, Any]
SUGGESTED = ("orders", "destinations")
"""Scenes whose suggestions are taken by an order or a ride; what offers earn is compared with the holdout."""

VERDICT = ("difference", "low", "high", "decided", "more_visits")
NOT_YOURS: Row = {"difference": None, "decisions": 0, "history": [], "as_of": None}
"""What offers earned, for people of some sites: it is a total of the tenant."""

HOLDOUT = "value against the holdout"
"""Name of the kept report."""


@dataclass
class DeskTools:
    """What the pages are made with."""

    stores: RecommenderStores
    trainer: Trainer
    figures: Figures
    kept: KeptReports
    others: Others = nothing
    """What the doorway knows besides: it sets this when it wires the halves."""

    def asked(self, tenant: str) -> Asked:
        """What `attention` needs."""
        return Asked(tenant, self.stores, self.trainer, self.trainer.now_us, self.others)

    def least(self, tenant: str) -> int:
        """Figures of fewer people are hidden."""
        return max(LEAST_PEOPLE, self.stores.sharing.least_people(tenant))


def overview_of(tools: DeskTools, caller: Caller, period: Period, language: str) -> dict[str, Any]:
    """The body of GET /recommender/v1/desk/overview."""
    tenant = caller.tenant
    tools.figures.refresh(tenant, most=3)
    settings, least = tools.stores.tenants.get(tenant), tools.least(tenant)
    days, days_before = (
        by_days(tools.stores.figures, tenant, replace(one.filter, scenes=SUGGESTED))
        for one in (period, period.before)
    )
    now, before = (totals(together(found.values()), least) for found in (days, days_before))
    items = [one for one in attention(tools.asked(tenant)) if not one.site or caller.may_see(one.site)]
    holdout = NOT_YOURS if caller.sites else against_holdout(tools, tenant, settings)
    worth = Message.of("holdout-all-sites") if caller.sites else _holdout_sentence(holdout, settings, language)
    return {
        **period.to_dict(),
        "sites": seen_sites(tools, caller),
        "currency": settings.currency,
        "value_is": settings.value_is,
        "answer": WORDS.say(language, _answer(now, before, len([one for one in items if one.level == "act"]))),
        "totals": now,
        "before": before,
        "days": by_day(tools, tenant, period, days, least),
        "holdout": {**holdout, "text": WORDS.say(language, worth)},
        "attention": [item_row(item, language) for item in items],
        "least_people": least,
    }


def totals(found: Counted, least: int) -> dict[str, Any]:
    """Sums of a period, with shares; what too few people stand behind is null, and `hidden` says so."""
    visits, shown, orders, value = (found.sums[name] for name in ("visits", "shown", "orders", "value"))
    crowd, recognised = found.crowd, found.recognised
    seen, bought = crowd.visits >= least, crowd.orders >= least
    known = seen and (crowd.customers >= least or not recognised)
    return {
        "visits": visits if seen or not visits else None,
        "orders": orders if bought or not orders else None,
        "recognised": Share(recognised, visits).to_dict() if known else None,
        "taken_any": Share(found.sums["taken_any"], shown).to_dict() if crowd.shown >= least else None,
        "taken_first": Share(found.sums["taken_first"], shown).to_dict() if crowd.shown >= least else None,
        "value": value if bought else None,
        "value_per_order": value / orders if bought else None,
        "hidden": not seen if visits else bool(orders) and not bought,
    }


def by_day(
    tools: DeskTools, tenant: str, period: Period, found: Mapping[str, Counted], least: int
) -> list[dict[str, Any]]:
    """One row for each day, also for those without anything."""
    people = tools.stores.figures.people(tenant, period.filter, ("day",))
    days = days_between(period.filter.first, period.filter.last)
    return [_day(day, found.get(day, Counted()), people.get((day,), 0), least) for day in days]


def _day(day: str, found: Counted, people: int, least: int) -> dict[str, Any]:
    """A day; what too few people stand behind is null."""
    visits, shown, orders = (found.sums[name] for name in ("visits", "shown", "orders"))
    crowd = found.crowd
    known = crowd.visits >= least and crowd.customers >= least
    return {
        "day": day,
        "visits": visits if crowd.visits >= least or not visits else None,
        "orders": orders if crowd.orders >= least or not orders else None,
        "recognised": found.recognised if known else None,
        "people": people if people >= least else None,
        "taken_any": Share(found.sums["taken_any"], shown).to_dict() if crowd.shown >= least else None,
        "value": found.sums["value"] if crowd.orders >= least else None,
    }


def seen_sites(tools: DeskTools, caller: Caller) -> list[str]:
    """The sites with figures that the caller may see."""
    return [site for site in tools.stores.figures.sites(caller.tenant) if caller.may_see(site)]


def item_row(item: Item, language: str) -> dict[str, Any]:
    """An item as JSON, in a language."""
    since = None if item.since_us is None else from_us(item.since_us)
    text = WORDS.say(language, item.message)
    return {"name": item.name, "text": text, "href": item.href, "level": item.level, "since": since}


def against_holdout(tools: DeskTools, tenant: str, settings: TenantSettings) -> dict[str, Any]:
    """What offers earned per visit against the customers who never see one; of the last minutes."""

    def make() -> dict[str, Any]:
        shelf = tools.trainer.shelf(tenant, OFFERS)
        current = shelf.current()
        manifest = shelf.manifest(current) if current else None
        published = Report.from_dict(manifest["report"]) if manifest else None
        found = tools.trainer.scenes[OFFERS].report(tenant, tools.trainer.now_us(), published)
        return {
            name: _finite(found.get(name)) for name in ("difference", "low", "high", "decided", "more_visits")
        } | {
            "decisions": found.get("decisions", 0),
            "history": [
                {name: row[name] for name in ("until_us", "difference", "low", "high")}
                for row in found.get("history", [])
            ],
        }

    if OFFERS not in tools.trainer.scenes:
        return {"difference": None, "decisions": 0, "history": [], "as_of": None}
    made_us, body = tools.kept.get(tenant, HOLDOUT, make)
    history = [row | {"until": from_us(row["until_us"])} for row in body.get("history", [])]
    return body | {"as_of": from_us(made_us), "value_is": settings.value_is, "history": history}


def _money(minor: float, settings: TenantSettings, language: str) -> str:
    """Minor units as people write the money: 1234 -> "€12.34"."""
    return str(format_currency(minor / 10**settings.digits, settings.currency, locale=language))


def _holdout_sentence(found: Row, settings: TenantSettings, language: str) -> Message:
    difference, low, high = (found.get(name) for name in ("difference", "low", "high"))
    if not found.get("decisions"):
        return Message.of("holdout-nothing")
    if difference is None or low is None or high is None:
        return Message.of("holdout-few")
    values: dict[str, str | int | float] = {
        "value": settings.value_is,
        "difference": _money(abs(difference), settings, language),
        "low": _money(low, settings, language),
        "high": _money(high, settings, language),
        "sign": "more" if difference >= 0 else "less",
    }
    if found.get("decided"):
        return Message("holdout-certain", values)
    more = found.get("more_visits")
    return Message("holdout-open", values | {"visits": -1 if more is None else int(more)})


def _answer(now: Row, before: Row, act: int) -> Message:
    """The first line of the page."""
    if now["hidden"]:
        return Message.of("overview-few", act=act)
    if not now["visits"]:
        kind = "overview-only-orders" if now["orders"] else "overview-nothing"
        return Message.of(kind, orders=now["orders"] or 0, act=act)
    values: dict[str, str | int | float] = {"visits": now["visits"], "act": act}
    recognised, taken = now["recognised"], now["taken_any"]
    values["recognised"], values["recognised_of"] = _counted(recognised, nothing=0)
    values["taken"], values["taken_of"] = _counted(taken, nothing=-1)
    values["than"] = "unknown"
    if taken and before["taken_any"]:
        turned = direction(
            *(Share(round(one["value"] * one["of"]), one["of"]) for one in (taken, before["taken_any"]))
        )
        values["than"] = {1: "more", 0: "same", -1: "less"}[turned]
    return Message("overview-answer", values)


def _counted(share: Row | None, nothing: int) -> tuple[int, int]:
    """How many of how many: of 100, or of all where they are fewer. -1: not known; `nothing`: of none."""
    if not share:
        return -1, 0
    of = min(share["of"], 100)
    return (nothing if share["value"] is None else round(share["value"] * of)), of


def _as_share(row: Row) -> Share:
    return Share(round(row["value"] * row["of"]), row["of"])


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
