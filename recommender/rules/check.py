"""What is wrong with a document of rules, and what its author should know: each with the rules it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations, product

from recommender.ranking.dayparts import DAYPARTS
from recommender.rules.document import Hide, LimitRule, Pin, Rule, RulesDocument, Sponsored, label_of
from recommender.scene import Item

Catalogues = Mapping[str, Mapping[str, Item]]
"""The items that each scene suggests from, by id."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say: `code` names the sentence, `values` fill it in, `rules` are the ids it is about."""

    code: str
    rules: tuple[str, ...]
    values: Mapping[str, str] = field(default_factory=dict)


def conflicts(document: RulesDocument, catalogues: Catalogues, unknown_sites: frozenset[str]) -> list[Finding]:
    """Why the document is refused: rules that name what is not there, and rules that contradict each other."""
    active = [rule for rule in document.rules if rule.active]
    found = [finding for rule in active for finding in _of_one(rule, catalogues, unknown_sites)]
    for one, two in combinations(active, 2):
        if one.scene == two.scene and one.when.meets(two.when) and (code := _of_two(one, two)):
            found.append(Finding(code, (one.id, two.id), {"item": label_of(one), "other": label_of(two)}))
    return found


def _of_one(rule: Rule, catalogues: Catalogues, unknown_sites: frozenset[str]) -> Iterator[Finding]:
    known = catalogues[rule.scene]
    if isinstance(rule, LimitRule):
        if rule.category not in {item.category for item in known.values()}:
            yield Finding("no-such-category", (rule.id,), {"item": rule.category})
    elif isinstance(rule, Pin | Hide | Sponsored):
        item = known.get(rule.item)
        if item is None:
            yield Finding("no-such-item", (rule.id,), {"item": rule.item})
        elif item.sensitive and not isinstance(rule, Hide):
            yield Finding("sensitive", (rule.id,), {"item": rule.item})
    for site in sorted(set(rule.when.sites) & unknown_sites):
        yield Finding("no-such-site", (rule.id,), {"item": site})


def _of_two(one: Rule, two: Rule) -> str:
    """Why two rules of one scene that meet cannot hold together; "" where they can."""
    kinds = (type(one), type(two))
    if Sponsored in kinds and kinds[0] is kinds[1]:
        return "two-sponsored"
    placed = isinstance(one, Pin | Sponsored) and isinstance(two, Pin | Sponsored)
    if placed and getattr(one, "position", 0) == getattr(two, "position", 0):
        return "same-place"
    if placed and label_of(one) == label_of(two):
        return "two-places"
    if Hide in kinds and kinds[0] is not kinds[1] and label_of(one) == label_of(two):
        return "placed-and-hidden" if Pin in kinds or Sponsored in kinds else ""
    return ""


def remarks(document: RulesDocument, catalogues: Catalogues, today: date) -> list[Finding]:
    """What the author should know; none of it keeps the document from holding."""
    found: list[Finding] = []
    for rule in document.rules:
        item = catalogues[rule.scene].get(label_of(rule))
        if not rule.active:
            continue
        if rule.when.until_date and rule.when.until_date < today:
            found.append(Finding("ended", (rule.id,), {"item": label_of(rule)}))
        elif item is not None and isinstance(rule, Pin | Sponsored):
            if not item.available:
                found.append(Finding("not-available", (rule.id,), {"item": rule.item}))
            elif _never_served(rule, item):
                found.append(Finding("never-served", (rule.id,), {"item": rule.item}))
    return [*found, *_too_few(document, catalogues)]


def _never_served(rule: Rule, item: Item) -> bool:
    """Whether the item is never on offer where and when the rule holds."""
    when = rule.when
    return bool(
        (when.dayparts and item.dayparts and not set(when.dayparts) & set(item.dayparts))
        or (when.sites and item.sites and not set(when.sites) & set(item.sites))
    )


def _too_few(document: RulesDocument, catalogues: Catalogues) -> list[Finding]:
    """Where hiding leaves fewer items than `least`, though there are more: then hiding gives way."""
    for scene, items in catalogues.items():
        hides = [rule for rule in document.rules if isinstance(rule, Hide) and rule.active and rule.scene == scene]
        sites = sorted({site for rule in hides for site in rule.when.sites}) or [""]
        for (_, part), site in product(DAYPARTS, sites):
            served = {
                item.item_id
                for item in items.values()
                if item.available
                and (not item.dayparts or part in item.dayparts)
                and (not site or not item.sites or site in item.sites)
            }
            holding = [
                rule
                for rule in hides
                if (not rule.when.dayparts or part in rule.when.dayparts)
                and (not rule.when.sites or site in rule.when.sites)
            ]
            left = served - {rule.item for rule in holding}
            if len(left) < min(document.least, len(served)):
                values = {"daypart": part, "item": site, "left": str(len(left)), "least": str(document.least)}
                return [Finding("too-few", tuple(rule.id for rule in holding), values)]
    return []
