"""Figures by day for the desk: sums by site, part of the day, scene and version, of guests and of customers.

No pseudonym is in them. Visits and what was shown are added up as they happen; what was taken, ordered and spent
is summed from the log of events, a day at a time: an event that comes late, twice or from a file counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from plumbing.storage.database import Database
from recommender.scene import TAKES_BACK
from recommender.store.recorded import SEEN

COUNTED = ("visits", "shown")
SUMMED = ("taken_first", "taken_any", "orders", "value")
"""Columns that are summed from the log of events, and can be summed again."""

MEASURES = (*COUNTED, *SUMMED)
GROUPS = ("day", "site", "daypart", "scene", "recognised", "version")
KEY = ("tenant", *GROUPS)
_TYPES = ("ordered", "rode", "redeemed")


@dataclass(frozen=True, slots=True)
class Cell:
    """Which row of the table. `day` is the tenant's local date, "2026-11-29"."""

    day: str
    site: str
    daypart: str
    scene: str
    recognised: bool
    version: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are summed: days from `first` to `last`, both included."""

    first: str
    last: str
    sites: Sequence[str] | None = None
    """The only sites; None: all. An empty list finds nothing."""
    daypart: str = ""
    scenes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class DayLine:
    """One line of one event of a day."""

    type: str
    scene: str
    site: str
    hour: float
    customer: str
    event: tuple[str, str]
    recommendation_id: str
    item: str
    quantity: int
    price: int | None


@dataclass(slots=True)
class DaySums:
    """What the log says of one day: sums by cell, and how many different people came by (site, daypart)."""

    cells: dict[Cell, dict[str, int]] = field(default_factory=dict)
    people: dict[tuple[str, str], int] = field(default_factory=dict)


class FigureStore:
    """The figures of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant: str, counts: Mapping[Cell, Mapping[str, int]]) -> None:
        """Add visits and what was shown: one transaction for all of them."""
        rows = [(tenant, *_values(cell), n.get("visits", 0), n.get("shown", 0)) for cell, n in counts.items()]
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO daily_figures (tenant, day, site, daypart, scene, recognised, version, visits, shown)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (tenant, day, site, daypart, scene, recognised, version) DO UPDATE SET"
                " visits = daily_figures.visits + excluded.visits, shown = daily_figures.shown + excluded.shown",
                sorted(rows),
            )

    def replace(self, tenant: str, day: str, sums: DaySums) -> None:
        """Put what the log says of a day in place of what stood there; visits and what was shown stay."""
        rows = [(tenant, *_values(cell), *(n.get(name, 0) for name in SUMMED)) for cell, n in sums.cells.items()]
        with self._database.write() as connection:
            connection.execute(
                "UPDATE daily_figures SET taken_first = 0, taken_any = 0, orders = 0, value = 0"
                " WHERE tenant = ? AND day = ?",
                (tenant, day),
            )
            connection.executemany(
                "INSERT INTO daily_figures (tenant, day, site, daypart, scene, recognised, version,"
                " taken_first, taken_any, orders, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (tenant, day, site, daypart, scene, recognised, version) DO UPDATE SET"
                " taken_first = excluded.taken_first, taken_any = excluded.taken_any,"
                " orders = excluded.orders, value = excluded.value",
                rows,
            )
            connection.execute("DELETE FROM daily_people WHERE tenant = ? AND day = ?", (tenant, day))
            connection.executemany(
                "INSERT INTO daily_people VALUES (?, ?, ?, ?, ?)",
                [(tenant, day, site, part, people) for (site, part), people in sums.people.items()],
            )
            connection.execute("DELETE FROM figures_due WHERE tenant = ? AND day = ?", (tenant, day))

    def mark_due(self, tenant: str, days: Iterable[str]) -> None:
        """These days are to be summed again."""
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO figures_due VALUES (?, ?) ON CONFLICT (tenant, day) DO NOTHING",
                [(tenant, day) for day in sorted(set(days))],
            )

    def due(self, tenant: str | None = None) -> list[tuple[str, str]]:
        """(tenant, day) that are to be summed again, the latest day first."""
        rows = self._database.rows("SELECT tenant, day FROM figures_due ORDER BY day DESC, tenant")
        rows = [row for row in rows if tenant in (None, row["tenant"])]
        return [(row["tenant"], row["day"]) for row in rows]

    def lines_of(self, tenant: str, from_us: int, until_us: int) -> Iterable[DayLine]:
        """The lines of orders, rides and redemptions from `from_us` to before `until_us`."""
        for kind in _TYPES:
            rows = self._database.rows(
                "SELECT e.type, e.scene, e.site, e.hour, e.customer, e.sender, e.event_id, e.recommendation_id,"  # noqa: S608
                " l.item, l.quantity, l.price FROM events e CROSS JOIN lines l WHERE l.tenant = e.tenant"
                f" AND l.sender = e.sender AND l.event_id = e.event_id AND {SEEN}"
                " AND e.tenant = ? AND e.type = ? AND e.time_us >= ? AND e.time_us < ?",
                (tenant, kind, from_us, until_us),
            )
            for row in rows:
                yield DayLine(
                    type=row["type"],
                    scene=row["scene"],
                    site=row["site"],
                    hour=row["hour"],
                    customer=row["customer"],
                    event=(row["sender"], row["event_id"]),
                    recommendation_id=row["recommendation_id"],
                    item=row["item"],
                    quantity=row["quantity"],
                    price=row["price"],
                )

    def sums(self, tenant: str, wanted: Filter, by: Sequence[str] = ()) -> list[dict[str, int | str]]:
        """Sums of all measures, one row for each combination of the columns `by` (of `GROUPS`), sorted by them."""
        if unknown := set(by) - set(GROUPS):
            raise ValueError(f"no columns to group by: {sorted(unknown)}")
        where, values = _where(tenant, wanted)
        names = ", ".join(by)
        sums = ", ".join(f"COALESCE(SUM({name}), 0) AS {name}" for name in MEASURES)
        rows = self._database.rows(
            f"SELECT {names + ', ' if by else ''}{sums} FROM daily_figures WHERE {where}"  # noqa: S608 constant names
            + (f" GROUP BY {names} ORDER BY {names}" if by else ""),
            values,
        )
        return [{name: row[name] for name in by} | {name: int(row[name]) for name in MEASURES} for row in rows]

    def daily_orders(self, tenant: str, wanted: Filter) -> list[tuple[str, str, int]]:
        """(day, site, orders) wherever there were orders."""
        where, values = _where(tenant, wanted)
        rows = self._database.rows(
            f"SELECT day, site, SUM(orders) AS orders FROM daily_figures WHERE {where}"  # noqa: S608 constant names
            " AND orders > 0 GROUP BY day, site",
            values,
        )
        return [(row["day"], row["site"], int(row["orders"])) for row in rows]

    def people(self, tenant: str, wanted: Filter, by: Sequence[str] = ()) -> dict[tuple[str, ...], int]:
        """By the columns `by` (of day, site, daypart): the most different people of any one day in it.

        So many different people stand behind the group at least: the days of a group share an unknown number.
        """
        where, values = _where(tenant, replace(wanted, scenes=()))
        if wanted.sites is None:
            where += " AND site <> ''" if "site" in by else " AND site = ''"
        if not wanted.daypart:
            where += " AND daypart <> ''" if "daypart" in by else " AND daypart = ''"
        names = ", ".join(by)
        rows = self._database.rows(
            f"SELECT {names + ', ' if by else ''}MAX(people) AS people FROM daily_people WHERE {where}"  # noqa: S608
            + (f" GROUP BY {names}" if by else ""),
            values,
        )
        return {tuple(str(row[name]) for name in by): int(row["people"] or 0) for row in rows}

    def sites(self, tenant: str) -> list[str]:
        """The sites with figures, sorted. From one to the next through an index: a year of figures is not read."""
        following = "SELECT MIN(site) FROM daily_figures WHERE tenant = ? AND site >"
        rows = self._database.rows(
            f"WITH RECURSIVE found (site) AS (SELECT ({following} '') UNION ALL"  # noqa: S608 constant parts
            f" SELECT ({following} found.site) FROM found WHERE found.site IS NOT NULL)"
            " SELECT site FROM found WHERE site IS NOT NULL ORDER BY site",
            (tenant, tenant),
        )
        return [row["site"] for row in rows]

    def first_day(self, tenant: str) -> str | None:
        """The first day with figures."""
        row = self._database.row("SELECT MIN(day) AS day FROM daily_figures WHERE tenant = ?", (tenant,))
        return row["day"] if row else None

    def span_us(self, tenant: str) -> tuple[int, int] | None:
        """The times of the first and of the last event that is summed; None: there is none."""
        found: list[tuple[int, int]] = []
        for kind in _TYPES:
            row = self._database.row(
                "SELECT MIN(time_us) AS first, MAX(time_us) AS last FROM events WHERE tenant = ? AND type = ?",
                (tenant, kind),
            )
            if row and row["first"] is not None:
                found.append((row["first"], row["last"]))
        return (min(first for first, _ in found), max(last for _, last in found)) if found else None

    def latest_by_site(self, tenant: str, since_us: int) -> dict[str, int]:
        """The time of the latest order or ride of each site, of those since a moment."""
        latest: dict[str, int] = {}
        for kind in ("ordered", "rode"):
            rows = self._database.rows(
                f"SELECT e.site, MAX(e.time_us) AS at FROM events e WHERE e.tenant = ? AND e.type = ?"  # noqa: S608
                f" AND e.time_us >= ? AND {SEEN} GROUP BY e.site",
                (tenant, kind, since_us),
            )
            for row in rows:
                latest[row["site"]] = max(row["at"], latest.get(row["site"], 0))
        return latest

    def last_days(self, tenant: str, since: str) -> dict[str, str]:
        """The latest day with an order or a ride of each site, of those since a day."""
        rows = self._database.rows(
            "SELECT site, MAX(day) AS day FROM daily_figures WHERE tenant = ? AND day >= ? AND orders > 0"
            " GROUP BY site",
            (tenant, since),
        )
        return {row["site"]: row["day"] for row in rows}

    def orders_of_customers(self, tenant: str, kind: str) -> dict[int, int]:
        """How many customers have how many events of a type: events -> customers."""
        rows = self._database.rows(
            "SELECT n, COUNT(*) AS customers FROM (SELECT COUNT(*) AS n FROM events e WHERE e.tenant = ?"  # noqa: S608
            f" AND e.customer <> '' AND e.type = ? AND {SEEN} GROUP BY e.customer) AS counted GROUP BY n",
            (tenant, kind),
        )
        return {row["n"]: row["customers"] for row in rows}

    def numbered_orders(self, tenant: str, kind: str, since_us: int) -> Iterable[dict[str, Any]]:
        """The lines of customers' events of a type since a moment that name a recommendation.

        Each has customer, recommendation_id, item, and `number`: 1 for a customer's first event, 2 for the second.
        """
        sql = (
            "SELECT e.customer, e.recommendation_id, e.number, l.item FROM (SELECT customer, sender,"  # noqa: S608
            " event_id, recommendation_id, time_us, ROW_NUMBER() OVER (PARTITION BY customer"
            " ORDER BY time_us, event_id) AS number FROM events e WHERE e.tenant = ? AND e.customer <> ''"
            f" AND e.type = ? AND {SEEN}) AS e CROSS JOIN lines l WHERE l.tenant = ? AND l.sender = e.sender"
            " AND l.event_id = e.event_id AND e.time_us >= ? AND e.recommendation_id <> ''"
        )
        return (dict(row) for row in self._database.each(sql, (tenant, kind, tenant, since_us)))

    def last_of_each_type(self, tenant: str) -> dict[str, int]:
        """When the latest event of each type happened, microseconds UTC."""
        found: dict[str, int] = {}
        for kind in ("ordered", "rode", "shown", "accepted", "dismissed", "redeemed", *TAKES_BACK):
            row = self._database.row(
                "SELECT MAX(time_us) AS at FROM events WHERE tenant = ? AND type = ?", (tenant, kind)
            )
            if row is not None and row["at"] is not None:
                found[kind] = row["at"]
        return found


def _values(cell: Cell) -> tuple[str, str, str, str, int, str]:
    return cell.day, cell.site, cell.daypart, cell.scene, int(cell.recognised), cell.version


def _where(tenant: str, wanted: Filter) -> tuple[str, list[str]]:
    parts, values = ["tenant = ?", "day >= ?", "day <= ?"], [tenant, wanted.first, wanted.last]
    if wanted.sites is not None:
        parts.append(f"site IN ({', '.join('?' * len(wanted.sites))})" if wanted.sites else "1 = 0")
        values += wanted.sites
    if wanted.daypart:
        parts.append("daypart = ?")
        values.append(wanted.daypart)
    if wanted.scenes:
        parts.append(f"scene IN ({', '.join('?' * len(wanted.scenes))})")
        values += wanted.scenes
    return " AND ".join(parts), values
