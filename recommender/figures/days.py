"""Local days of a tenant, and the sums of one of them from the log of events."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from plumbing.clock import SECOND
from recommender.figures.marks import Taken, taken
from recommender.ranking.dayparts import DAYPARTS
from recommender.scene import Item
from recommender.store.figures import Cell, DayLine, DaySums

DAYPART_NAMES = tuple(name for _, name in DAYPARTS)
OFFERS = "offers"


def day_of(time_us: int, zone: tzinfo) -> str:
    """The local date of a moment, "2026-11-29"."""
    return datetime.fromtimestamp(time_us / SECOND, UTC).astimezone(zone).date().isoformat()


def bounds_us(day: str, zone: tzinfo) -> tuple[int, int]:
    """When a local day begins, and when the next one does, microseconds UTC."""
    at = date.fromisoformat(day)
    begins, ends = (datetime.combine(one, time(), zone) for one in (at, at + timedelta(days=1)))
    return int(begins.timestamp()) * SECOND, int(ends.timestamp()) * SECOND


def days_between(first: str, last: str) -> list[str]:
    """All days from `first` to `last`, both included."""
    begin, n = date.fromisoformat(first), (date.fromisoformat(last) - date.fromisoformat(first)).days
    return [(begin + timedelta(days=at)).isoformat() for at in range(n + 1)]


def daypart_of(hour: float) -> str:
    """The part of the day of a local hour."""
    if not math.isfinite(hour):
        return DAYPART_NAMES[-1]
    return next((name for start, name in reversed(DAYPARTS) if hour >= start), DAYPART_NAMES[-1])


def sums_of(
    lines: Iterable[DayLine], day: str, items: Mapping[str, Item], version_of: Callable[[str], str]
) -> DaySums:
    """What the lines of one day add up to.

    Args:
        items: the tenant's dishes by id, for the price of a line that has none.
        version_of: gives the version that has a mark (`marks.version_mark`), "" for none that is known.
    """
    events: dict[tuple[str, str], list[DayLine]] = defaultdict(list)
    for line in lines:
        events[line.event].append(line)
    cells: dict[Cell, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    people: dict[tuple[str, str], set[str]] = defaultdict(set)
    for own in events.values():
        head = own[0]
        part, redeemed = daypart_of(head.hour), head.type == "redeemed"
        found = Taken("", True, True) if redeemed else taken(head.recommendation_id, (line.item for line in own))
        version = version_of(found.version_mark) if found and found.version_mark else ""
        scene = OFFERS if redeemed else head.scene
        sums = cells[Cell(day, head.site, part, scene, bool(head.customer), version)]
        sums["taken_first"] += bool(found and found.first)
        sums["taken_any"] += bool(found and found.any)
        if redeemed:
            continue
        sums["orders"] += 1
        sums["value"] += sum(_price(line, items) * line.quantity for line in own)
        if head.customer:
            for group in {(site, at) for site in ("", head.site) for at in ("", part)}:
                people[group].add(head.customer)
    return DaySums(dict(cells), {group: len(names) for group, names in people.items()})


def _price(line: DayLine, items: Mapping[str, Item]) -> int:
    if line.price is not None:
        return line.price
    item = items.get(line.item)
    return (item.price or 0) if item else 0
