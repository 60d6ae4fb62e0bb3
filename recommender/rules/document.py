"""The document of a tenant's rules: what stands in it, and what makes two of its rules meet.

It is replaced as a whole. A rule holds where and while its `when` says; what is left out there means always.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from recommender.ranking.dayparts import daypart_name
from recommender.rules.errors import RulesUnreadable

MOST_RULES = 100
LAST_PLACE = 50
"""Of a list: nobody asks for more suggestions."""

Daypart = Literal["breakfast", "lunch", "afternoon", "dinner", "night"]
RuledScene = Literal["orders", "destinations"]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")]
Note = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Strict):
    """Where and while a rule holds. An empty list means everywhere and always; dates are the tenant's own days."""

    dayparts: tuple[Daypart, ...] = ()
    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(default=(), description="0 is Monday")
    sites: tuple[Id, ...] = Field(default=(), max_length=500)
    from_date: date | None = None
    until_date: date | None = Field(default=None, description="the last day on which it holds")

    @model_validator(mode="after")
    def in_order(self) -> When:
        """The last day is not before the first."""
        if self.from_date and self.until_date and self.until_date < self.from_date:
            raise ValueError("until_date is before from_date")
        return self

    def holds(self, moment: datetime, site: str) -> bool:
        """Whether it holds at a local moment and a site ("": not known, then a rule of some sites does not)."""
        return (
            (not self.dayparts or daypart_name(moment.hour) in self.dayparts)
            and (not self.weekdays or moment.weekday() in self.weekdays)
            and (not self.sites or site in self.sites)
            and self.on(moment.date())
        )

    def on(self, day: date) -> bool:
        """Whether the day lies between its dates."""
        return not (
            (self.from_date is not None and day < self.from_date)
            or (self.until_date is not None and day > self.until_date)
        )

    def on_weekday(self, day: date) -> bool:
        """Whether the day is one of its weekdays."""
        return not self.weekdays or day.weekday() in self.weekdays

    def meets(self, other: When) -> bool:
        """Whether there is a moment and a site at which both hold."""
        pairs: tuple[tuple[Sequence[Any], Sequence[Any]], ...] = (
            (self.dayparts, other.dayparts),
            (self.weekdays, other.weekdays),
            (self.sites, other.sites),
        )
        apart = any(one and two and not set(one) & set(two) for one, two in pairs)
        first = max(self.from_date or date.min, other.from_date or date.min)
        last = min(self.until_date or date.max, other.until_date or date.max)
        return not apart and first <= last


class _Rule(_Strict):
    id: Id
    scene: RuledScene = "orders"
    when: When = When()
    note: Note = Field(default="", description="for colleagues; customers never see it")
    active: bool = Field(default=True, description="false: kept, and without effect")


class Pin(_Rule):
    """An item has a place of its own."""

    kind: Literal["pin"] = "pin"
    item: Id
    position: Annotated[int, Field(ge=1, le=LAST_PLACE)]


class Hide(_Rule):
    """An item is not suggested. It stays on the menu, and whoever orders it gets it."""

    kind: Literal["hide"] = "hide"
    item: Id


class LimitRule(_Rule):
    """At most so many suggestions are of one category."""

    kind: Literal["limit"] = "limit"
    category: Id
    most: Annotated[int, Field(ge=1, le=LAST_PLACE)]


class Allergens(_Rule):
    """What happens to items of which nobody said what is in them, when a visit excludes allergens."""

    kind: Literal["allergens"] = "allergens"
    scene: Literal["orders"] = "orders"
    unknown: Literal["say", "leave_out"] = "leave_out"


class Sponsored(_Rule):
    """A place that somebody pays for. It is labelled, and never the first one."""

    kind: Literal["sponsored"] = "sponsored"
    item: Id
    position: Annotated[int, Field(ge=2, le=LAST_PLACE, description="never the first place")]
    sponsor: Name


Rule = Annotated[Pin | Hide | LimitRule | Allergens | Sponsored, Field(discriminator="kind")]
Placed = Pin | Sponsored
FIELDS: Mapping[str, Collection[str]] = {
    kind.model_fields["kind"].default: kind.model_fields for kind in (Pin, Hide, LimitRule, Allergens, Sponsored)
}
"""The fields of each kind of rule."""


class RulesDocument(_Strict):
    """All rules of a tenant. It holds from `effective_from` until `expires_on`, both days included."""

    format: Literal[1] = 1
    effective_from: date | None = None
    expires_on: date | None = None
    least: Annotated[int, Field(ge=0, le=10)] = 1
    """So many suggestions stay: hiding gives way before fewer are shown."""
    rules: tuple[Rule, ...] = Field(default=(), max_length=MOST_RULES)

    @model_validator(mode="after")
    def in_order(self) -> RulesDocument:
        """Dates in their order, and no id twice."""
        if self.effective_from and self.expires_on and self.expires_on < self.effective_from:
            raise ValueError("expires_on is before effective_from")
        ids = [rule.id for rule in self.rules]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"two rules have the id {twice[0]!r}")
        return self

    def on(self, day: date) -> bool:
        """Whether it holds on this day of the tenant."""
        return When(from_date=self.effective_from, until_date=self.expires_on).on(day)

    def to_json(self) -> dict[str, Any]:
        """As JSON, complete: `RulesDocument.read` gives the same document."""
        return self.model_dump(mode="json")

    @classmethod
    def read(cls, stored: object) -> RulesDocument:
        """The inverse of `to_json`.

        Raises:
            RulesUnreadable: not a document of rules, or one of a newer release.
        """
        try:
            return cls.model_validate(stored)
        except ValidationError as error:
            raise RulesUnreadable from error


def label_of(rule: Rule) -> str:
    """What a rule is about: its item or category, "" where it is about neither."""
    return getattr(rule, "item", "") or getattr(rule, "category", "")
