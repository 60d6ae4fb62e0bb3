"""Which rules hold at one moment, and what they ask of a scene before it ranks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import cached_property
from typing import TypeVar

from recommender.allergens import EU_ALLERGENS, compared, says_too_little
from recommender.ranking.dayparts import daypart_name
from recommender.rules.document import Allergens, Hide, LimitRule, Pin, Placed, Rule, RulesDocument, Sponsored
from recommender.scene import Context, Item

NOT_KNOWN = "allergens_not_known"
MOST_PLANS = 2_000
"""That are kept until the rules change."""

R = TypeVar("R", bound=Rule)


@dataclass(frozen=True)
class Plan:
    """The rules of one scene that hold at one moment."""

    rules: tuple[Rule, ...] = ()
    least: int = 0

    @cached_property
    def placed(self) -> tuple[Placed, ...]:
        """Rules that give an item a place, in the order in which they are carried out: pins, then who pays."""
        return (*sorted(self._of(Pin), key=lambda rule: rule.position), *self._of(Sponsored)[:1])

    @cached_property
    def limits(self) -> Mapping[str, LimitRule]:
        """The strictest limit of each category."""
        return {rule.category: rule for rule in sorted(self._of(LimitRule), key=lambda rule: -rule.most)}

    @cached_property
    def hidden(self) -> Mapping[str, str]:
        """Item id -> the rule that hides it."""
        return {rule.item: rule.id for rule in reversed(self._of(Hide))}

    @cached_property
    def leaves_out_unknown(self) -> str:
        """The rule that leaves out items of which nobody said what is in them; "" where none does."""
        return next((rule.id for rule in self._of(Allergens) if rule.unknown == "leave_out"), "")

    def _of(self, kind: type[R]) -> list[R]:
        return [rule for rule in self.rules if isinstance(rule, kind)]


NO_PLAN = Plan()


@dataclass(frozen=True, slots=True)
class LiveRules:
    """The published documents of a tenant, the newest first; of those whose days it is, the newest one holds."""

    documents: Sequence[tuple[int, RulesDocument]] = ()
    trouble: str = ""
    """Why one of them cannot be read; "" when all can."""
    zone: tzinfo | None = None
    """The tenant's, for requests without a local time."""
    _plans: dict[tuple[str, str, str, date], Plan] = field(default_factory=dict, compare=False, repr=False)

    def on(self, day: date) -> tuple[int, RulesDocument] | None:
        """Number and document of this day."""
        return next((one for one in self.documents if one[1].on(day)), None)

    def plan(self, scene: str, moment: datetime, site: str) -> Plan:
        """The rules that hold at a moment of the tenant's clock, or of the request's own."""
        day = moment.date()
        key = (scene, site, daypart_name(moment.hour), day)
        plan = self._plans.get(key)
        if plan is None:
            found = self.on(day) if self.documents else None
            plan = NO_PLAN if found is None else plan_of(found[1], scene, moment, site)
            if len(self._plans) >= MOST_PLANS:  # sites times parts of the day, and yesterday's
                self._plans.clear()
            self._plans[key] = plan
        return plan


NO_RULES = LiveRules()


def plan_of(document: RulesDocument, scene: str, moment: datetime, site: str) -> Plan:
    """The rules of a document that hold at a moment, whatever the dates of the document itself."""
    rules = tuple(
        rule for rule in document.rules if rule.active and rule.scene == scene and rule.when.holds(moment, site)
    )
    return Plan(rules, document.least) if rules else NO_PLAN


def unknown_of(items: Iterable[Item], context: Context) -> set[str]:
    """Ids of items of which nobody can say whether they have one of the allergens that the visit excludes.

    That is an item of which nothing is said, or too little (`says_too_little`); and every item, where an
    allergen's name is one that neither the catalogue nor the law uses: it may be misspelt.
    """
    asked = compared(context.without_allergens)
    if not asked:
        return set()
    there = list(items)
    stated = {item.item_id: compared(item.allergens) for item in there}
    strange = bool(asked - frozenset().union(*stated.values()) - EU_ALLERGENS)
    nothing = {item.item_id for item in there if strange or item.allergens is None}
    return nothing | {item_id for item_id, names in stated.items() if says_too_little(names, asked)}
