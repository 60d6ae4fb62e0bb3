"""What somebody would see: a list before and after the rules, for a person who does not exist.

Nothing of a preview is stored, counted or learned from, and no customer's history can be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from recommender.desk.rule_words import RuleWords
from recommender.offers.eligibility import Moment, screen
from recommender.rules.apply import Move, Ruled
from recommender.rules.document import RulesDocument
from recommender.rules.people import PastOrder, drawn_people, history_of, hour_of_daypart
from recommender.rules.plan import NO_PLAN, Plan, plan_of
from recommender.rules.serving import rows_of, ruled
from recommender.rules.why_not import why_not
from recommender.scene import AnyScene, Context, Item, Request, Suggestion
from recommender.service import RecommenderService
from recommender.times import to_us

RANKED = 200
"""Candidates that are ranked for "why not"."""

MOST_OFFERS = 5
_STILL = 0  # a seed whose first draws explore nothing


@dataclass(frozen=True, slots=True)
class Asked:
    """A preview as it was asked for. `document` None: the published rules of the day. `orders` None: a guest."""

    scene: str
    moment: datetime  # local
    site: str = ""
    basket: tuple[str, ...] = ()
    without_allergens: tuple[str, ...] = ()
    pickup: str = ""
    orders: tuple[PastOrder, ...] | None = None
    document: RulesDocument | None = None
    n: int = 5
    about: tuple[str, ...] = ()
    offer: bool = False


def preview(service: RecommenderService, tenant: str, asked: Asked, words: RuleWords) -> dict[str, Any]:
    """The body of POST /recommender/v1/desk/preview.

    Raises:
        SiteUnknown: the site is none of the tenant's. PlaceError: a pick-up that cannot be.
    """
    scene = service.scenes[asked.scene]
    with service.caches.request(tenant):
        if asked.site:
            service.check_site(tenant, asked.site)
        items = service.caches.menu(tenant, scene.kind).by_id
        request, model, version = _request(service, tenant, scene, asked)
        plan = _plan(service, tenant, asked)
        ranked = scene.suggest(model, replace(request, n=RANKED)).suggestions
        before = ruled(NO_PLAN, scene, model, request, items)
        after = ruled(plan, scene, model, request, items)
    rules = {rule.id: words.sentence(rule) for rule in plan.rules}
    about = [_about(one, before, after, ranked, items, asked, words, rules) for one in asked.about]
    return {
        "scene": asked.scene,
        "model_version": version,
        "moment": asked.moment.isoformat(timespec="minutes"),
        "before": _list(before, before, ranked, items, words, {}),
        "after": _list(after, before, ranked, items, words, rules),
        "moves": [_move(one, items, words, rules) for one in _moves(after, before)],
        "about": about,
        "offers": _offers(service, tenant, asked) if asked.offer else [],
        "answer": _answer(before, after, words),
    }


def moment_of(day: date, weekday: int | None, hour: int | None, daypart: str, zone: Any) -> datetime:
    """A local moment: the next day from `day` on with this weekday, in the middle of a part of the day."""
    ahead = 0 if weekday is None else (weekday - day.weekday()) % 7
    at = hour if hour is not None else hour_of_daypart(daypart)
    there = day + timedelta(days=ahead)
    return datetime(there.year, there.month, there.day, at, tzinfo=zone or UTC)


def people(service: RecommenderService, tenant: str, words: RuleWords) -> dict[str, list[dict[str, Any]]]:
    """The people who can be chosen, by scene: none of them exists."""
    found: dict[str, list[dict[str, Any]]] = {}
    for scene in ("orders", "destinations"):
        items = service.caches.menu(tenant, service.scenes[scene].kind).items
        drawn = drawn_people(items, together=scene == "orders")
        found[scene] = [
            {"name": one.name, "text": words.say(f"drawn-{one.name}"), "orders": len(one.orders)} for one in drawn
        ]
    return found


def _request(
    service: RecommenderService, tenant: str, scene: AnyScene, asked: Asked
) -> tuple[Request, Any, str | None]:
    loaded = service.caches.model(tenant, scene.name)
    menu = service.caches.menu(tenant, scene.kind)
    history = None if asked.orders is None else history_of(asked.orders, asked.moment)
    context = Context(
        site=asked.site,
        local_time=asked.moment,
        basket=asked.basket,
        pickup=asked.pickup,
        without_allergens=asked.without_allergens,
    )
    request = Request(
        history,
        context,
        menu.items,
        asked.n,
        to_us(asked.moment),
        np.random.default_rng(_STILL),
        tenant=tenant,
        least_people=service.caches.least_people(tenant),
    )
    if loaded.model is None and scene.learns_from is not None:
        request = replace(request, recent=service.caches.popular(tenant, scene.learns_from))
    return request, loaded.model, loaded.version


def _plan(service: RecommenderService, tenant: str, asked: Asked) -> Plan:
    if asked.document is None:
        return service.caches.rules(tenant).plan(asked.scene, asked.moment, asked.site)
    return plan_of(asked.document, asked.scene, asked.moment, asked.site)


def _list(
    shown: Ruled,
    before: Ruled,
    ranked: Sequence[Suggestion],
    items: Mapping[str, Item],
    words: RuleWords,
    rules: Mapping[str, str],
) -> list[dict[str, Any]]:
    """The rows of one list: each with its reason, its place, and the rule that put it there."""
    places = {one.item_id: place for place, one in enumerate(ranked, 1)}
    places |= {one.item_id: place for place, one in enumerate(before.answer.suggestions, 1)}
    moved = {move.item_id: move for move in shown.moves if move.what in ("pinned", "sponsored", "gave_way")}
    rows = []
    for place, row in enumerate(rows_of(shown, items), 1):
        move, was = moved.get(row["item_id"]), places.get(row["item_id"])
        reason = words.reason(row["reason"]["code"], row["reason"]["text"])
        rule = {"id": move.rule, "what": move.what, "sentence": rules.get(move.rule, "")} if move else None
        kept = {"place": place, "place_before": was, "reason_text": reason, "rule": rule}
        rows.append({key: row[key] for key in row if key not in ("score", "propensity")} | kept)
    return rows


def _moves(after: Ruled, before: Ruled) -> list[Move]:
    """What rules did to this list: also what they hid of it."""
    was = [one.item_id for one in before.answer.suggestions]
    hidden = [Move(after.hidden[item], "hidden", item) for item in was if item in after.hidden]
    return [*hidden, *(one for one in after.moves if one.what != "limited")]


def _move(move: Move, items: Mapping[str, Item], words: RuleWords, rules: Mapping[str, str]) -> dict[str, Any]:
    """What a rule did, as a sentence."""
    item = items.get(move.item_id)
    values: dict[str, str | int] = {
        "item": item.name if item else move.item_id,
        "place": move.place,
        "rule": rules.get(move.rule, ""),
    }
    code = (
        f"why-skipped-{move.why.replace('_', '-')}"
        if move.what == "skipped"
        else f"move-{move.what.replace('_', '-')}"
    )
    return {"rule": move.rule, "what": move.what, "item_id": move.item_id, "text": words.say(code, **values)}


def _about(
    item_id: str,
    before: Ruled,
    after: Ruled,
    ranked: Sequence[Suggestion],
    items: Mapping[str, Item],
    asked: Asked,
    words: RuleWords,
    rules: Mapping[str, str],
) -> dict[str, Any]:
    """Why an item is not there, or is where it is."""
    found, item = why_not(item_id, before, after, ranked, items, asked.n), items.get(item_id)
    parts = [words.say(f"daypart-{part}") for part in item.dayparts] if item else []
    reason = words.reason(found.reason, "") if found.reason else ""
    text = words.say(
        f"why-{found.code}",
        item=item.name if item else item_id,
        place=found.place,
        before=found.place_before,
        rule=rules.get(found.rule, ""),
        reason=reason,
        dayparts=words.list(parts),
        n=asked.n,
    )
    return {"item_id": item_id, "code": found.code, "rule": found.rule, "place": found.place or None, "text": text}


def _answer(before: Ruled, after: Ruled, words: RuleWords) -> str:
    """How many places of the list the rules change."""
    was, now = ([one.item_id for one in found.answer.suggestions] for found in (before, after))
    changed = sum(one != two for one, two in zip(was, now, strict=False)) + abs(len(was) - len(now))
    paid = any(one.sponsor for one in after.answer.suggestions)
    if not changed and not paid:
        return words.say("preview-same")
    return words.say("preview-changed", n=max(changed, 1), of=max(len(was), len(now)))


def _offers(service: RecommenderService, tenant: str, asked: Asked) -> list[dict[str, Any]]:
    """The offers that could be shown at this moment. Which of them, or none, is decided in a visit alone: a
    decision would be logged."""
    site = asked.site
    here = [
        item
        for item in service.caches.menu(tenant, "item").items
        if item.available and (not item.sites or site in item.sites)
    ]
    store = service.stores.offers
    moment = Moment(to_us(asked.moment), asked.moment, site, {}, {item.item_id for item in here} or None)
    could, _ = screen(store.offers(tenant), store.all_usage(tenant), moment)
    return [{"offer_id": one.offer_id, "name": one.name, "text": one.text} for one in could[:MOST_OFFERS]]
