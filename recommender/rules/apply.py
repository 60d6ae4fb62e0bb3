"""Carries the rules out: after the model, before the reply, the same for everybody.

The order is fixed: what cannot be had is out first (the catalogue's own filters), then what is hidden; then pins
take their places, then the one sponsored place, and at most so many of one category fill the rest. Where hiding
and limits would leave fewer than `least`, they give way. Nothing here reads who is asking.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from recommender.rules.document import Placed, Sponsored
from recommender.rules.plan import NOT_KNOWN, Plan
from recommender.scene import Answer, Context, Item, Reason, Suggestion

POOL = 60
"""Candidates behind the list that are looked at."""

MARK = "-s"
PLAIN = Reason("suggested", "one of the suggestions here")


@dataclass(frozen=True, slots=True)
class Move:
    """What a rule did to an item: pinned, sponsored, limited, gave_way, or skipped (and why). What is hidden is
    in `Ruled.hidden`."""

    rule: str
    what: str
    item_id: str
    why: str = ""
    place: int = 0  # from 1; 0: none


@dataclass(frozen=True, slots=True)
class Ruled:
    """An answer after the rules, and what they did."""

    answer: Answer
    moves: tuple[Move, ...] = ()
    mark: str = ""
    """Goes behind the id of the answer: orders of the sponsored item that name it are not learned from."""
    unknown: Collection[str] = ()
    """Ids of items of which nobody knows whether the visit may have them."""
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Item id -> the rule that hides it."""


@dataclass(slots=True)
class _Work:
    """One list while the rules are carried out."""

    plan: Plan
    answer: Answer
    items: Mapping[str, Item]
    context: Context
    n: int
    hidden: Mapping[str, str]
    ask: Callable[[int], Answer]
    own: list[Suggestion] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def rest(self) -> Iterator[Suggestion]:
        """The candidates behind the list, best first."""
        there = {one.item_id for one in self.answer.suggestions}
        found = self.ask(self.n + POOL).suggestions if self.answer.more is None else self.answer.more
        return (one for one in found if one.item_id not in self.hidden and one.item_id not in there)

    def candidate(self, item_id: str) -> Suggestion | None:
        """One candidate; None: the scene does not consider it."""
        if self.answer.more is not None:
            return self.answer.more.of(item_id)
        return next((one for one in self.rest() if one.item_id == item_id), None)

    def category(self, item_id: str) -> str:
        item = self.items.get(item_id)
        return item.category if item else ""


def wanted(plan: Plan, n: int) -> int:
    """How many suggestions a scene is asked for: places that rules give away are not its own."""
    return max(1, n - sum(rule.position <= n for rule in plan.placed)) if plan.rules else n


def carried_out(
    plan: Plan,
    answer: Answer,
    *,
    n: int,
    items: Mapping[str, Item],
    context: Context,
    hidden: Mapping[str, str],
    unknown: Collection[str] = (),
    ask: Callable[[int], Answer],
) -> Ruled:
    """The answer with the rules of `plan`; at most `n` suggestions.

    Args:
        answer: of the scene, which was asked for `wanted(plan, n)` and left `hidden` out.
        items: the tenant's catalogue by id.
        hidden: item id -> the rule that hides it.
        unknown: see `Ruled.unknown`.
        ask: gives the scene's answer of so many when nothing is hidden; asked only when too few are left.
    """
    own = [one for one in answer.suggestions if one.item_id not in hidden]
    work = _Work(plan, answer, items, context, n, hidden, ask, own)
    placed = [found for rule in plan.placed if (found := _placed(work, rule, unknown))]
    dropped = _fill(work, placed)
    shown = _joined(work, placed)
    if len(shown) < min(plan.least, n):
        shown = _at_least(work, shown, dropped, unknown)
    shown = _first_allowed(shown, answer.never_first)[:n]
    done, mark = replace(answer, suggestions=tuple(shown)), _mark(plan, shown, context)
    return Ruled(done, tuple(work.moves), mark, unknown, hidden)


def _placed(work: _Work, rule: Placed, unknown: Collection[str]) -> tuple[Placed, Suggestion] | None:
    """The suggestion that gets the rule's place; None: it cannot be had, and why is noted."""
    why = _why_not(work, rule, unknown)
    if why:
        work.moves.append(Move(rule.id, "skipped", rule.item, why))
        return None
    own = next((one for one in work.own if one.item_id == rule.item), None)
    if own is not None:
        work.own = [one for one in work.own if one is not own]
    one = own or work.candidate(rule.item) or Suggestion(rule.item, 0.0, PLAIN)
    return rule, replace(one, explored=False, propensity=1.0) if one.explored or one.propensity != 1 else one


def _why_not(work: _Work, rule: Placed, unknown: Collection[str]) -> str:
    item = work.items.get(rule.item)
    if item is None:
        return "not_in_catalogue"
    if rule.item in work.answer.excluded or rule.item in work.hidden:
        return work.answer.excluded.get(rule.item, "rule")
    if not item.available:
        return "unavailable"
    if rule.item in work.answer.never_first:
        return "here"
    if rule.position > work.n:
        return "behind_the_list"
    if rule.item in unknown and isinstance(rule, Sponsored):
        return NOT_KNOWN  # nobody pays for a place with something that the visit may not have
    if any(one.item_id == rule.item and one.bundle for one in work.own):
        return "in_usual_basket"
    return ""


def _fill(work: _Work, placed: Sequence[tuple[Placed, Suggestion]]) -> list[Suggestion]:
    """Take what is over a limit out of the model's own list and fill it up; returns what was taken out."""
    limits = work.plan.limits
    there = Counter(work.category(one.item_id) for _, one in placed) if limits else Counter[str]()
    taken = {one.item_id for _, one in placed}
    room, kept, dropped = work.n - len(placed), list[Suggestion](), list[Suggestion]()

    def take(one: Suggestion) -> None:
        if one.item_id in taken:
            return
        category = work.category(one.item_id) if limits else ""
        limit = limits.get(category)
        if limit is not None and there[category] >= limit.most:
            work.moves.append(Move(limit.id, "limited", one.item_id))
            dropped.append(one)
            return
        there[category] += 1
        taken.add(one.item_id)
        kept.append(one)

    for one in work.own:
        take(one)
    if len(kept) < room:
        for one in work.rest():
            if len(kept) >= room:
                break
            take(one)
    work.own = kept
    return dropped


def _joined(work: _Work, placed: Sequence[tuple[Placed, Suggestion]]) -> list[Suggestion]:
    """The model's list with the placed ones in it. A sponsored one comes last and is never the first."""
    shown = work.own[: max(0, work.n - len(placed))]
    for rule, one in placed:
        if not isinstance(rule, Sponsored):
            at = min(rule.position - 1, len(shown))
            shown.insert(at, one)
        elif shown:
            at = min(rule.position - 1, len(shown))
            shown.insert(at, replace(one, sponsor=rule.sponsor))
        else:
            work.moves.append(Move(rule.id, "skipped", rule.item, "never_first"))
    for rule, one in placed:
        at = next((place for place, other in enumerate(shown, 1) if other.item_id == one.item_id), 0)
        if at:
            work.moves.append(
                Move(rule.id, "sponsored" if isinstance(rule, Sponsored) else "pinned", rule.item, place=at)
            )
    return shown


def _at_least(
    work: _Work,
    shown: list[Suggestion],
    dropped: Sequence[Suggestion],
    unknown: Collection[str],
) -> list[Suggestion]:
    """Fill up to `least`: first with what was over a limit, then with what rules hide. What a visit may not have
    stays out, whatever the rules say."""
    hidden = {item: rule for item, rule in work.hidden.items() if item not in unknown}
    least, rules = min(work.plan.least, work.n), {one.item_id: _limit(work, one) for one in dropped} | hidden
    asked = work.ask(work.n + POOL).suggestions if hidden else ()
    back = [*dropped, *(one for one in asked if one.item_id in hidden)]
    there = {one.item_id for one in shown}
    for one in back:
        if len(shown) >= least:
            break
        if one.item_id not in there:
            there.add(one.item_id)
            shown.append(replace(one, explored=False, propensity=1.0))
            work.moves.append(Move(rules[one.item_id], "gave_way", one.item_id, place=len(shown)))
    return shown


def _limit(work: _Work, one: Suggestion) -> str:
    return work.plan.limits[work.category(one.item_id)].id


def _first_allowed(shown: list[Suggestion], never_first: Collection[str]) -> list[Suggestion]:
    """The best that may stand first comes first: never the place where the rider is, never a paid one."""
    first = next((at for at, one in enumerate(shown) if one.item_id not in never_first and not one.sponsor), None)
    if first is None:
        return []
    return [shown[first], *shown[:first], *shown[first + 1 :]]


def _mark(plan: Plan, shown: Sequence[Suggestion], context: Context) -> str:
    """Also while the sponsored item is in the basket: it was put there from its place, as far as anybody knows."""
    paid = [rule.item for rule in plan.placed if isinstance(rule, Sponsored) and rule.item in context.basket]
    paid += [one.item_id for one in shown if one.sponsor]
    return MARK + marked(paid[0]) if paid else ""


def marked(item_id: str) -> str:
    """How the id of an answer names its sponsored item: 8 hexadecimal digits."""
    return hashlib.blake2b(item_id.encode(), digest_size=4).hexdigest()


def is_sponsored(recommendation_id: str, item_id: str) -> bool:
    """Whether the answer of this id showed the item in its sponsored place."""
    _, mark, named = recommendation_id.rpartition(MARK)
    return bool(mark) and named == marked(item_id)
