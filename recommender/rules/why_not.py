"""Why an item is not in a list, or is where it is: the plainest reason first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.rules.apply import Ruled
from recommender.rules.plan import NOT_KNOWN
from recommender.scene import Item, Suggestion

FILTERS = frozenset({"unavailable", "site", "daypart", "allergen", "price", "basket", "repeat", "here"})
LITTLE = frozenset({"on_the_menu", "on_the_map"})
"""Reasons of an item of which too few different people's choices may be counted."""


@dataclass(frozen=True, slots=True)
class WhyNot:
    """`code` names the sentence; `rule` is the id of the rule that did it, "" for none; places count from 1."""

    code: str
    rule: str = ""
    place: int = 0
    place_before: int = 0
    reason: str = ""


def why_not(
    item_id: str, before: Ruled, after: Ruled, ranked: Sequence[Suggestion], items: Mapping[str, Item], n: int
) -> WhyNot:
    """About one item that somebody asks about.

    Args:
        before, after: the answers without and with the rules.
        ranked: all candidates of the scene, without rules, best first.
    """
    if item_id not in items and all(one.item_id != item_id for one in ranked):
        return WhyNot("not-in-catalogue")
    place = _place(item_id, after.answer.suggestions)
    found = next((one for one in ranked if one.item_id == item_id), None)
    place_before = _place(item_id, ranked)
    reason = found.reason.code if found else ""
    moves = [move for move in after.moves if move.item_id == item_id]
    if place:
        rule = next((move.rule for move in moves if move.what in ("pinned", "sponsored", "gave_way")), "")
        return WhyNot("shown-by-rule" if rule else "shown", rule, place, place_before, reason)
    filtered = (before.answer.excluded.get(item_id) or "").replace("not_available", "unavailable")
    if not filtered and item_id in items and not items[item_id].available:
        filtered = "unavailable"
    if filtered and filtered in FILTERS:
        return WhyNot(f"filter-{filtered}")
    if hider := after.hidden.get(item_id):
        return WhyNot(NOT_KNOWN.replace("_", "-") if item_id in after.unknown else "hidden", hider)
    for move in moves:
        if move.what == "skipped":
            return WhyNot(f"skipped-{move.why.replace('_', '-')}", move.rule, 0, place_before)
    limited = next((move.rule for move in moves if move.what == "limited"), "")
    if limited:
        return WhyNot("limited", limited, 0, place_before)
    if 0 < place_before <= n:
        return WhyNot("pushed-out", "", 0, place_before, reason)
    if not place_before:
        return WhyNot("no-candidate")
    return WhyNot("too-few-people" if reason in LITTLE else "ranked", "", 0, place_before, reason)


def _place(item_id: str, suggestions: Sequence[Suggestion]) -> int:
    return next((place for place, one in enumerate(suggestions, 1) if one.item_id == item_id), 0)
