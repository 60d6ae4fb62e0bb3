"""How many different people stand behind a figure, at least: whether it may be shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import reduce
from operator import or_

from recommender.store.figures import MEASURES, FigureStore, Filter

COUNTED = ("visits", "shown", "orders")
PLACES = ("site", "daypart")
"""What different people are counted by, beside the day."""

Group = tuple[str, ...]


@dataclass(slots=True)
class Crowd:
    """At least so many different people stand behind what is counted."""

    visits: int = 0
    shown: int = 0
    orders: int = 0
    customers: int = 0
    """Recognised ones, of the visits."""

    def widen(self, guests: Mapping[str, int], known: Mapping[str, int], people: int) -> None:
        """Take another day into account; of the days, the one with the most people counts."""
        of = {name: guests[name] + min(known[name], people) for name in COUNTED}
        self.visits = max(self.visits, of["visits"])
        self.shown = max(self.shown, of["shown"])
        self.orders = max(self.orders, of["orders"])
        self.customers = max(self.customers, min(known["visits"], people))


@dataclass(slots=True)
class Counted:
    """The figures of one group, and who stands behind them."""

    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MEASURES, 0))
    recognised: int = 0
    """Visits of recognised customers, of all visits."""

    crowd: Crowd = field(default_factory=Crowd)

    def __or__(self, other: Counted) -> Counted:
        """Two groups of different days as one: what is counted adds up, of the crowds the largest counts."""
        sums = {name: self.sums[name] + other.sums[name] for name in MEASURES}
        names = [one.name for one in fields(Crowd)]
        crowd = Crowd(**{name: max(getattr(self.crowd, name), getattr(other.crowd, name)) for name in names})
        return Counted(sums, self.recognised + other.recognised, crowd)


def counted(
    store: FigureStore, tenant: str, wanted: Filter, groups: Sequence[Sequence[str]]
) -> list[dict[Group, Counted]]:
    """For each of `groups`, columns of the figures as in `FigureStore.sums`: each group's figures and its crowd.

    The figures are read once, however many groups are asked for. Each answer is sorted by its columns.
    """
    needed = dict.fromkeys(("day", *(name for by in groups for name in by), "scene", "recognised"))
    rows = store.sums(tenant, replace(wanted, scenes=()), list(needed))
    return [_counted(rows, store, tenant, wanted, by) for by in groups]


def _counted(
    rows: Sequence[Mapping[str, int | str]], store: FigureStore, tenant: str, wanted: Filter, by: Sequence[str]
) -> dict[Group, Counted]:
    """The rows by the columns `by`.

    Nobody knows how many people two days have in common, so the largest single day counts. On a day a guest's
    visits, suggestions and orders are taken for one person each. Customers are counted by site and part of the
    day; who of them stands behind one scene or version is not, so those are taken off who may have ordered
    elsewhere: one for each order.
    """
    places = [name for name in by if name in PLACES]
    people = store.people(tenant, wanted, ("day", *places))
    guests: dict[tuple[Group, Group], dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTED, 0))
    known: dict[tuple[Group, Group], dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTED, 0))
    ordered: dict[Group, int] = defaultdict(int)
    found: dict[Group, Counted] = defaultdict(Counted)
    for row in rows:
        where = (str(row["day"]), *(str(row[name]) for name in places))
        if row["recognised"]:
            ordered[where] += int(row["orders"])
        if not wanted.scenes or row["scene"] in wanted.scenes:
            group = tuple(str(row[name]) for name in by)
            sums = (known if row["recognised"] else guests)[group, where]
            for name in COUNTED:
                sums[name] += int(row[name])
            for name in MEASURES:
                found[group].sums[name] += int(row[name])
            found[group].recognised += int(row["visits"]) if row["recognised"] else 0
    for group, where in {*guests, *known}:
        own = known[group, where]
        elsewhere = ordered[where] - own["orders"]
        found[group].crowd.widen(guests[group, where], own, max(people.get(where, 0) - elsewhere, 0))
    return dict(sorted(found.items()))


def together(days: Iterable[Counted]) -> Counted:
    """The figures of several days as one group."""
    return reduce(or_, days, Counted())


def by_days(store: FigureStore, tenant: str, wanted: Filter) -> dict[str, Counted]:
    """By day, the days with figures alone."""
    [days] = counted(store, tenant, wanted, [("day",)])
    return {day: one for (day,), one in days.items()}
