"""A scene's answer to one request, with the house's rules; and its suggestions as they go out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from recommender.rules.apply import Ruled, carried_out, wanted
from recommender.rules.plan import NO_PLAN, LiveRules, Plan, unknown_of
from recommender.scene import Answer, AnyScene, Item, Request


def answer_of(rules: LiveRules, scene: AnyScene, model: Any, request: Request, items: Mapping[str, Item]) -> Ruled:
    """What the scene suggests, after the rules that hold now. `items` is the request's catalogue by id.

    Raises what `scene.suggest` raises.
    """
    if not (rules.documents or request.context.without_allergens) or scene.learns_from is None:
        return Ruled(scene.suggest(model, request))
    moment = request.context.local_time or datetime.fromtimestamp(request.now_us / 1e6, rules.zone or UTC)
    return ruled(rules.plan(scene.name, moment, request.context.site), scene, model, request, items)


def ruled(plan: Plan, scene: AnyScene, model: Any, request: Request, items: Mapping[str, Item]) -> Ruled:
    """What the scene suggests, after the rules of a plan."""
    unknown = unknown_of(request.catalogue, request.context) if scene.kind == "item" else set()
    if plan is NO_PLAN:
        return Ruled(scene.suggest(model, request), unknown=unknown)
    strict = plan.leaves_out_unknown if unknown else ""
    hidden = {**plan.hidden, **dict.fromkeys(unknown, strict)} if strict else plan.hidden

    def ask(n: int) -> Answer:
        return scene.suggest(model, replace(request, n=n, hidden=()))

    answer = scene.suggest(model, replace(request, n=wanted(plan, request.n), hidden=hidden))
    return carried_out(
        plan, answer, n=request.n, items=items, context=request.context, hidden=hidden, unknown=unknown, ask=ask
    )


def rows_of(found: Ruled, by_id: Mapping[str, Item]) -> Iterator[dict[str, Any]]:
    """The suggestions as JSON; names and prices are the catalogue's, unless a suggestion has a label."""
    for suggestion in found.answer.suggestions:
        item = None if suggestion.label else by_id.get(suggestion.item_id)
        row: dict[str, Any] = {
            "item_id": suggestion.item_id,
            "name": item.name if item else suggestion.item_id,
            "price": item.price if item else None,
            "score": round(float(suggestion.score), 6),
            "reason": {"code": suggestion.reason.code, "text": suggestion.reason.text},
        }
        if suggestion.bundle:
            row["bundle"] = [
                {"item_id": i, "name": by_id[i].name if i in by_id else i, "quantity": q}
                for i, q in suggestion.bundle
            ]
        if suggestion.explored:
            row["explored"] = True
            row["propensity"] = suggestion.propensity
        if suggestion.sponsor:  # nothing was drawn: whoever asks here and now gets it
            row["sponsored"], row["propensity"] = suggestion.sponsor, 1.0
        if suggestion.item_id in found.unknown or any(i in found.unknown for i, _ in suggestion.bundle):
            row["allergens_unknown"] = True
        if suggestion.label:
            row["name"] = suggestion.label.name
            if suggestion.label.text is not None:
                row["text"] = suggestion.label.text
            if suggestion.label.offer is not None:
                row["offer"] = suggestion.label.offer
        yield row
