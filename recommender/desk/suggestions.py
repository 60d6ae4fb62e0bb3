"""The page of suggestions: how good they are, how often they are taken, which versions there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from plumbing.access.caller import Caller
from plumbing.clock import DAY, HOUR
from recommender.desk import quality
from recommender.desk.crowd import Counted, Group, counted, together
from recommender.desk.models import scene_row, sentence
from recommender.desk.overview import SUGGESTED, DeskTools, seen_sites
from recommender.desk.period import Period
from recommender.desk.shares import Share
from recommender.desk.words import WORDS
from recommender.figures.marks import taken
from recommender.service import RecommenderService
from recommender.store.figures import Filter

BY_HISTORY = "taken by length of history"
HISTORY_DAYS = 90
OLD_US = 6 * HOUR
STEPS = ((1, "1"), (2, "2"), (3, "3-5"), (6, "6-10"), (11, "11-20"), (21, "21-"))
"""Orders of a customer up to and with this one: where each group begins, and its name."""


def suggestions_of(
    tools: DeskTools, service: RecommenderService, caller: Caller, period: Period, language: str
) -> dict[str, Any]:
    """The body of GET /recommender/v1/desk/suggestions."""
    tools.figures.refresh(caller.tenant, most=3)
    scenes = [
        _scene(tools, service, caller, period, name, language)
        for name in SUGGESTED
        if name in tools.trainer.scenes and _is_used(tools, caller.tenant, name)
    ]
    return {
        **period.to_dict(),
        "sites": seen_sites(tools, caller),
        "answer": " ".join(scene["sentence"] for scene in scenes) or WORDS.text(language, "suggestions-nothing"),
        "scenes": scenes,
        "least_people": tools.least(caller.tenant),
    }


def _is_used(tools: DeskTools, tenant: str, scene: str) -> bool:
    """A restaurant has no rides, and its page does not speak of them."""
    kind = tools.trainer.scenes[scene].kind
    if tools.trainer.catalogue.counts(tenant).get(kind, 0):
        return True
    return tools.trainer.shelf(tenant, scene).current() is not None


def _scene(
    tools: DeskTools, service: RecommenderService, caller: Caller, period: Period, name: str, language: str
) -> dict[str, Any]:
    tenant, scene = caller.tenant, tools.trainer.scenes[name]
    base = scene_row(service, tools.trainer, tenant, name, language)
    manifest = tools.trainer.shelf(tenant, name).manifest(base["version"]) if base["version"] else None
    report = (manifest or {}).get("report", {})
    method = quality.method_of(report)
    return base | {
        "sentence": sentence(name, report, scene.baseline, language),
        "missing": None if quality.beats_baseline(report) else base["missing"],
        "method": method,
        "method_name": WORDS.say(language, quality.method_name(method)) if report else "",
        "beats_baseline": quality.beats_baseline(report),
        "baseline": WORDS.text(language, f"baseline-{scene.baseline}"),
        "measured": _measured(report, language),
        "metric": str(report.get("metric", "")),
        "live": live(tools, tenant, period.filter, name),
        "by_history": by_history(tools, tenant, name) if not caller.sites else None,
        "versions": [_version(row, language) for row in base["versions"]],
    }


def _version(row: dict[str, Any], language: str) -> dict[str, Any]:
    """A version with its method in plain words; what the gate says of it comes as it is."""
    name = str(row.get("method") or row["in_force"])
    return row | {"method_name": WORDS.say(language, quality.method_name(name))}


def _measured(report: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """Each method on the orders that were kept aside: its name in plain words, how often its first suggestion was
    right, and the gate's own figure."""
    metric, used = str(report.get("metric", "")), quality.method_of(dict(report))
    rows = []
    for row in report.get("rows", []):
        if not isinstance(row, dict) or not isinstance(row.get("method"), str):
            continue
        right = next((row[one] for one in quality.FIRST if isinstance(row.get(one), int | float)), None)
        rows.append(
            {
                "method": row["method"],
                "name": WORDS.say(language, quality.method_name(row["method"])),
                "used": row["method"] == used,
                "right": right,
                "value": row.get(metric) if isinstance(row.get(metric), int | float) else None,
            }
        )
    return sorted(rows, key=lambda row: -(row["value"] or 0.0))


def live(tools: DeskTools, tenant: str, wanted: Filter, scene: str) -> dict[str, Any]:
    """How often suggestions were taken: of all, by day, part of the day, site and version."""
    own = Filter(wanted.first, wanted.last, wanted.sites, wanted.daypart, (scene,))
    least, store = tools.least(tenant), tools.stores.figures

    def rows(groups: Mapping[Group, Counted], name: str) -> list[dict[str, Any]]:
        return [
            {name: group} | _taken(one.sums, one.crowd.shown >= least)
            for (group,), one in groups.items()
            if one.sums["shown"]
        ]

    days, dayparts, versions = counted(store, tenant, own, [("day",), ("daypart",), ("version",)])
    [sites] = counted(store, tenant, own, [("site",)])  # alone: with the others it would be read finer than needed
    total = together(days.values())
    enough = total.crowd.shown >= least
    shown, shares = total.sums["shown"], _taken(total.sums, enough)
    return {
        "shown": shown if enough or not shown else None,
        "any": shares["any"],
        "first": shares["first"],
        "by_day": rows(days, "day"),
        "by_daypart": rows(dayparts, "daypart"),
        "by_site": rows(sites, "site"),
        "by_version": rows(versions, "version"),
    }


def _taken(row: Mapping[str, int], enough: bool) -> dict[str, Any]:
    """How often suggestions were taken, null where not `enough` people stand behind it."""
    shown = row["shown"]
    return {
        "any": Share(row["taken_any"], shown).to_dict() if enough else None,
        "first": Share(row["taken_first"], shown).to_dict() if enough else None,
    }


def by_history(tools: DeskTools, tenant: str, scene: str) -> list[dict[str, Any]]:
    """How often customers with so many orders took a suggestion, as of some hours ago; groups of enough people."""
    kind = tools.trainer.scenes[scene].learns_from or ""

    def make() -> dict[str, Any]:
        since_us = tools.trainer.now_us() - HISTORY_DAYS * DAY
        orders: dict[tuple[str, int], tuple[bool, bool]] = {}
        for row in tools.stores.figures.numbered_orders(tenant, kind, since_us):
            found = taken(row["recommendation_id"], [row["item"]])
            if found is not None:
                was = orders.get((row["customer"], row["number"]), (False, False))
                orders[row["customer"], row["number"]] = was[0] or found.any, was[1] or found.first
        return {"rows": _grouped(orders, tools.least(tenant))}

    _, body = tools.kept.get(tenant, f"{BY_HISTORY} {scene}", make, OLD_US)
    return [
        {
            "orders": row["orders"],
            "any": Share(row["any"], row["n"]).to_dict(),
            "first": Share(row["first"], row["n"]).to_dict(),
        }
        for row in body["rows"]
    ]


def _grouped(orders: Mapping[tuple[str, int], tuple[bool, bool]], least: int) -> list[dict[str, Any]]:
    """(customer, how many orders with this one) -> (took one, took the first), by groups of enough customers."""
    groups: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for (customer, number), (any_taken, first_taken) in orders.items():
        group = next(name for start, name in reversed(STEPS) if number >= start)
        groups[group].append((customer, int(any_taken), int(first_taken)))
    rows = []
    for _, name in STEPS:
        own = groups[name]
        if len({customer for customer, _, _ in own}) >= least:
            taken_any, taken_first = sum(one for _, one, _ in own), sum(one for _, _, one in own)
            rows.append({"orders": name, "n": len(own), "any": taken_any, "first": taken_first})
    return rows
