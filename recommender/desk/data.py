"""The page of data: is there enough, is it fresh, what is wrong with it, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from plumbing.access.caller import Caller
from plumbing.clock import HOUR
from plumbing.words import Message
from recommender.desk.attention import latest_orders
from recommender.desk.crowd import by_days
from recommender.desk.overview import SUGGESTED, DeskTools, seen_sites
from recommender.desk.period import Period
from recommender.desk.words import WORDS
from recommender.figures.days import days_between
from recommender.scene import Item
from recommender.store.figures import Filter
from recommender.store.import_log import ImportEntry
from recommender.times import from_us

HISTORY = "how much history customers have"
OLD_US = 6 * HOUR
STEPS = ((1, "1"), (2, "2"), (3, "3-5"), (6, "6-10"), (11, "11-20"), (21, "21-"))
LOYAL = 3
"""Customers with so many visits have habits that can be learned."""

ENOUGH_ORDERS = 300
"""Orders of such customers from which a gain over counting can usually be proven."""

GAP_LEAST_DAYS = 4
"""A weekday counts as open at a site that had orders on so many of its last eight."""

EARLIER = timedelta(weeks=8)
"""So long before a period is looked at, to know what is usual."""

DailyOrders = Mapping[str, Mapping[str, int]]
"""Orders of a site, by day ("2026-11-29") and site."""

DRIFT = 0.05
"""A weekday whose share of the orders moved by so much is named."""


def data_of(tools: DeskTools, caller: Caller, period: Period, language: str) -> dict[str, Any]:
    """The body of GET /recommender/v1/desk/data."""
    tenant = caller.tenant
    tools.figures.refresh(tenant, most=3)
    events = tools.stores.figures.last_of_each_type(tenant)
    scenes = () if caller.sites else [name for name in SUGGESTED if name in tools.trainer.scenes]
    history = {name: history_of(tools, tenant, name) for name in scenes}  # a total of the tenant
    catalogue = catalogue_of(tools, tenant)
    nexts = list(next_steps(history, catalogue, events))
    known = daily_orders(tools, tenant, period)
    days = {day: found for day, found in known.items() if day >= period.first.isoformat()}
    fresh = freshness(tools, caller)
    return {
        **period.to_dict(),
        "sites": seen_sites(tools, caller),
        "answer": WORDS.say(language, _answer(events, fresh, nexts)),
        "next_steps": [WORDS.say(language, one) for one in nexts],
        "events": [{"type": kind, "latest": from_us(at)} for kind, at in sorted(events.items())],
        "freshness": fresh,
        "gaps": gaps(known, period),
        "weekdays": _shown(weekdays(days), tools, tenant, period.filter),
        "drift": [WORDS.say(language, one) for one in drift(known, period)],
        "history": history,
        "catalogue": catalogue,
        "imports": [] if caller.sites else [import_row(one) for one in tools.stores.import_log.latest(tenant)],
        "imports_note": WORDS.say(language, Message.of("data-imports-of-all-sites")) if caller.sites else "",
        "least_people": tools.least(tenant),
    }


def history_of(tools: DeskTools, tenant: str, scene: str) -> dict[str, Any]:
    """How many customers have how many orders: groups of at least 10 people, smaller ones without a number."""
    kind = tools.trainer.scenes[scene].learns_from or ""

    def make() -> dict[str, Any]:
        counts = tools.stores.figures.orders_of_customers(tenant, kind)
        rows = [
            {"orders": name, "customers": sum(n for orders, n in counts.items() if start <= orders < end)}
            for (start, name), end in zip(STEPS, (*[one for one, _ in STEPS[1:]], 10**9), strict=True)
        ]
        loyal = sum(orders * n for orders, n in counts.items() if orders >= LOYAL)
        loyal_customers = sum(n for orders, n in counts.items() if orders >= LOYAL)
        return {"rows": rows, "loyal_orders": loyal, "loyal_customers": loyal_customers}

    made_us, body = tools.kept.get(tenant, f"{HISTORY} {scene}", make, OLD_US)
    least = tools.least(tenant)
    rows = [
        row | {"customers": row["customers"] if row["customers"] >= least or not row["customers"] else None}
        for row in body["rows"]
    ]
    hidden = {} if body["loyal_customers"] >= least else {"loyal_orders": None, "loyal_customers": None}
    return body | {"rows": rows, "as_of": from_us(made_us)} | hidden


def catalogue_of(tools: DeskTools, tenant: str) -> dict[str, Any]:
    """How many dishes have a price, a category, allergens; the ids of those that lack one, the first hundred."""
    items = tools.stores.catalogue.all(tenant, "item")
    lacks: Mapping[str, Sequence[str]] = {
        "price": [one.item_id for one in items if one.price is None],
        "category": [one.item_id for one in items if not one.category],
        "allergens": [one.item_id for one in items if not _says_allergens(one)],
    }
    return {
        "items": len(items),
        "places": len(tools.stores.catalogue.all(tenant, "place")),
        "lacks": {name: {"n": len(ids), "items": list(ids[:100])} for name, ids in lacks.items()},
    }


def _says_allergens(item: Item) -> bool:
    return bool(item.allergens)


def next_steps(
    history: Mapping[str, Mapping[str, Any]], catalogue: Mapping[str, Any], events: Mapping[str, int]
) -> Iterable[Message]:
    """What is missing and how much more of it, the most useful first."""
    if not catalogue["items"] and not catalogue["places"]:
        yield Message.of("data-next-catalogue")
        return
    if not events:
        yield Message.of("data-next-events")
        return
    for scene, found in history.items():
        kinds = {"orders": catalogue["items"], "destinations": catalogue["places"]}
        loyal = found["loyal_orders"] or 0  # of few people the number is not shown
        if kinds[scene] and loyal < ENOUGH_ORDERS:
            more = ENOUGH_ORDERS - loyal
            yield Message.of("data-next-orders", scene=scene, more=more, least=LOYAL)
    for name in ("price", "category", "allergens"):
        lacking = catalogue["lacks"][name]["n"]
        if lacking:
            yield Message.of(f"data-next-{name}", n=lacking)


def freshness(tools: DeskTools, caller: Caller) -> list[dict[str, Any]]:
    """The latest order of each site of the last 90 days, the longest ago first."""
    now_us = tools.trainer.now_us()
    latest = latest_orders(tools.stores, caller.tenant, now_us, 90)
    return [
        {"site": site, "latest": from_us(at), "hours": round((now_us - at) / HOUR, 1)}
        for site, at in sorted(latest.items(), key=lambda one: one[1])
        if caller.may_see(site)
    ]


def daily_orders(tools: DeskTools, tenant: str, period: Period) -> DailyOrders:
    """Orders by day and site, of the period and the eight weeks before it."""
    first = (period.first - EARLIER).isoformat()
    days: dict[str, dict[str, int]] = {}
    for day, site, orders in tools.stores.figures.daily_orders(tenant, replace(period.filter, first=first)):
        days.setdefault(day, {})[site] = orders
    return days


def gaps(known: DailyOrders, period: Period) -> list[dict[str, Any]]:
    """Days on which a site that is usually open had no order at all. Today is not over, and is left out."""
    last = min(period.last, period.today - timedelta(days=1))
    sites = sorted({site for found in known.values() for site in found})
    missing = []
    for site in sites:
        opened = min(day for day, found in known.items() if site in found)
        for day in days_between(period.first.isoformat(), last.isoformat()) if period.first <= last else ():
            if day <= opened or site in known.get(day, {}):
                continue
            before = [(date.fromisoformat(day) - timedelta(days=7 * week)).isoformat() for week in range(1, 9)]
            if sum(site in known.get(one, {}) for one in before) >= GAP_LEAST_DAYS:
                missing.append({"site": site, "day": day})
    return missing[:500]


def weekdays(days: DailyOrders) -> list[dict[str, Any]]:
    """Orders by weekday, Monday first: all of the period, and how many such days there were."""
    rows = [{"weekday": number, "orders": 0, "days": 0} for number in range(7)]
    for day, found in days.items():
        row = rows[date.fromisoformat(day).weekday()]
        row["orders"] += sum(found.values())
        row["days"] += 1
    return rows


def _shown(rows: list[dict[str, Any]], tools: DeskTools, tenant: str, wanted: Filter) -> list[dict[str, Any]]:
    """The weekdays, without the orders of those that too few people stand behind."""
    most = [0] * 7
    for day, found in by_days(tools.stores.figures, tenant, wanted).items():
        number = date.fromisoformat(day).weekday()
        most[number] = max(most[number], found.crowd.orders)
    least = tools.least(tenant)
    return [
        row | {"orders": row["orders"] if most[row["weekday"]] >= least or not row["orders"] else None}
        for row in rows
    ]


def drift(known: DailyOrders, period: Period) -> Iterable[Message]:
    """Weekdays whose share of the orders is another one than in the eight weeks before the period."""
    first = period.first.isoformat()
    now = weekdays({day: found for day, found in known.items() if day >= first})
    before = weekdays({day: found for day, found in known.items() if day < first})
    totals = [sum(row["orders"] for row in rows) for rows in (now, before)]
    if min(totals) < 200 or period.days < 7:
        return
    for present, past in zip(now, before, strict=True):
        share, was = present["orders"] / totals[0], past["orders"] / totals[1]
        if abs(share - was) >= DRIFT:
            values: dict[str, str | int | float] = {"weekday": present["weekday"]}
            yield Message("data-drift", values | {"share": round(100 * share), "was": round(100 * was)})


def import_row(entry: ImportEntry) -> dict[str, Any]:
    """An import as JSON."""
    return {
        "import_id": entry.import_id,
        "what": entry.what,
        "file": entry.file,
        "began_at": from_us(entry.began_us),
        "ended_at": from_us(entry.ended_us) if entry.ended_us is not None else None,
        "state": entry.state,
        "rows_read": entry.rows_read,
        "stored": entry.stored,
        "wrong": entry.wrong,
        "why": entry.why,
    }


def _answer(events: Mapping[str, int], fresh: Sequence[Mapping[str, Any]], nexts: Sequence[Message]) -> Message:
    """The first line of the page."""
    if not events:
        return Message.of("data-nothing")
    hours = min((float(row["hours"]) for row in fresh), default=-1.0)
    return Message.of("data-answer", hours=round(hours), steps=len(nexts))
