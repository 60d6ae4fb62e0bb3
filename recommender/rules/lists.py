"""Rules on ranked lists that were made in bulk, without a server: names in, names out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from recommender.ranking.dayparts import daypart_name
from recommender.rules.apply import PLAIN, POOL, carried_out, wanted
from recommender.rules.document import RulesDocument, When
from recommender.rules.plan import Plan
from recommender.scene import Answer, Context, Item, Suggestion

SPARE = POOL
"""So many more than are wanted a list should hold, to fill up what rules take out."""


@dataclass(frozen=True, slots=True)
class Asked:
    """When and where a list is for; what is not known makes the rules that ask for it hold not."""

    hour: float = math.nan  # local
    weekday: int = -1  # 0 is Monday
    day: date | None = None
    site: str = ""

    def meets(self, when: When) -> bool:
        """Whether a rule holds."""
        part = "" if math.isnan(self.hour) else daypart_name(int(self.hour) % 24)
        return (
            (not when.dayparts or part in when.dayparts)
            and (not when.weekdays or self.weekday in when.weekdays)
            and (not when.sites or self.site in when.sites)
            and (when.on(self.day) if self.day else when.from_date is None and when.until_date is None)
        )


def asked_at(time_us: int | None, hour: float, weekday: int, site: str) -> Asked:
    """From what a request's row has; `time_us` in microseconds UTC, None where it has no time."""
    day = None if time_us is None else datetime.fromtimestamp(time_us / 1e6, UTC).date()
    return Asked(hour, weekday, day, site)


def ruled_list(
    document: RulesDocument, scene: str, names: Sequence[str], top: int, asked: Asked, items: Mapping[str, Item]
) -> list[tuple[str, str]]:
    """(item, who pays for its place) of a ranked list after the rules, at most `top`.

    Args:
        names: best first, `SPARE` more than `top` where there are so many.
        items: what the rules may place, by id.
    """
    holding = tuple(r for r in document.rules if r.active and r.scene == scene and asked.meets(r.when))
    plan = Plan(holding, document.least)
    hidden = plan.hidden
    ranked = tuple(Suggestion(name, 0.0, PLAIN) for name in names)
    left = [one for one in ranked if one.item_id not in hidden]
    n = wanted(plan, top)
    found = carried_out(
        plan,
        Answer(tuple(left[:n])),
        n=top,
        items=items,
        context=Context(site=asked.site),
        hidden=hidden,
        ask=lambda _: Answer(ranked),
    )
    return [(one.item_id, one.sponsor) for one in found.answer.suggestions]
