"""What happened in a visit under an experiment, put into the sums of its customer. Called inside a transaction.

A visit begins with a suggestion that was really made and lasts while suggestions follow each other within
`VISIT_GAP_US`. What is ordered counts for the customer's latest visit, once for each event.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from plumbing.clock import HOUR, MINUTE
from plumbing.storage.database import Connection
from recommender.store.experiment_tables import SUMS
from recommender.store.recorded import marks, parts

VISIT_GAP_US = 30 * MINUTE
ORDERED_WITHIN_US = 3 * HOUR
REDEEMED_WITHIN_US = 72 * HOUR
"""An offer may be used days after it was shown."""

EARLY_US = 5 * MINUTE
"""Clocks of devices differ."""

SHOWN = 5
MOST_DONE = 60  # events of one visit that are remembered, so that none counts twice
_NAMES = tuple(name for name, _ in SUMS)


@dataclass(frozen=True, slots=True)
class Who:
    """A customer in one experiment. `hashed` is the hash of their tombstone: it is never stored with the unit."""

    tenant: str
    experiment_id: str
    unit: str
    hashed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """A suggestion that was made under an experiment; `items` are the first ones, best first."""

    who: Who
    at_us: int
    site: str
    daypart: str
    items: tuple[str, ...]
    took_ms: float


@dataclass(frozen=True, slots=True)
class Done:
    """What a customer did: ordered, rode, accepted or redeemed `items` for `value` minor units. `kind` "not_me":
    the greeting was for somebody else."""

    who: Who
    at_us: int
    kind: str
    key: str = ""
    items: tuple[str, ...] = ()
    value: int = 0


@dataclass(slots=True)
class _Visit:
    began_us: int
    seen_us: int
    site: str
    daypart: str
    shown: list[str]
    done: list[str]

    def takes(self, done: Done) -> bool:
        """Whether it counts for this visit."""
        within = REDEEMED_WITHIN_US if done.kind in ("redeemed", "accepted") else ORDERED_WITHIN_US
        return self.began_us - EARLY_US <= done.at_us <= self.seen_us + within


def count(connection: Connection, noted: Sequence[Seen | Done]) -> None:
    """Count what was noted, of customers who are not erased and of experiments that still run."""
    tenants = {one.who.tenant for one in noted}
    for tenant in sorted(tenants):
        own = [one for one in noted if one.who.tenant == tenant]
        gone = _erased(connection, tenant, {one.who.hashed for one in own})
        rows = connection.execute(
            "SELECT experiment_id FROM experiments WHERE tenant = ? AND state = 'running'", (tenant,)
        ).fetchall()
        for experiment_id in (row["experiment_id"] for row in rows):
            mine = [o for o in own if o.who.experiment_id == experiment_id and o.who.hashed not in gone]
            if mine:
                _count_one(connection, tenant, experiment_id, mine)


def _erased(connection: Connection, tenant: str, hashes: set[str]) -> set[str]:
    found: set[str] = set()
    for part in parts(sorted(hashes)):
        sql = (
            f"SELECT customer_hash FROM tombstones WHERE tenant IN (?, '') AND customer_hash IN {marks(len(part))}"  # noqa: S608
        )
        found |= {row["customer_hash"] for row in connection.execute(sql, (tenant, *part)).fetchall()}
    return found


def _count_one(connection: Connection, tenant: str, experiment_id: str, noted: Sequence[Seen | Done]) -> None:
    visits = _visits(connection, tenant, experiment_id, {one.who.unit for one in noted})
    sums: dict[tuple[str, str, str], dict[str, float]] = {}

    def add(unit: str, visit: _Visit, **more: float) -> None:
        row = sums.setdefault((unit, visit.site, visit.daypart), dict.fromkeys(_NAMES, 0))
        for name, value in more.items():
            row[name] += value

    for one in sorted(noted, key=lambda one: (one.at_us, isinstance(one, Done))):
        unit = one.who.unit
        visit = visits.get(unit)
        if isinstance(one, Seen):
            if visit is not None and one.at_us - visit.seen_us <= VISIT_GAP_US:
                visit.seen_us = max(visit.seen_us, one.at_us)
                continue
            visit = _Visit(one.at_us, one.at_us, one.site, one.daypart, list(one.items[:SHOWN]), [])
            visits[unit] = visit
            add(unit, visit, n_visits=1, answer_ms=one.took_ms)
        elif visit is not None and visit.takes(one):
            add(unit, visit, **_rewards(visit, one))
    _store(connection, tenant, experiment_id, visits, sums)


def _rewards(visit: _Visit, done: Done) -> dict[str, float]:
    """What this adds to the sums; each kind of success counts once in a visit, each event once at all."""
    if len(visit.done) >= MOST_DONE:
        return {}
    if done.key:
        mark = hashlib.sha256(done.key.encode()).hexdigest()[:8]
        if mark in visit.done:
            return {}
        visit.done.append(mark)
    more: dict[str, float] = {"value": done.value}

    def once(name: str) -> None:
        if name not in visit.done:
            visit.done.append(name)
            more[name] = 1

    if done.kind == "not_me":
        once("not_me")
        return more
    if done.kind in ("ordered", "rode"):
        once("completed")
    if done.kind == "redeemed":
        once("redeemed")
    if visit.shown and visit.shown[0] in done.items:
        once("first_taken")
    if set(visit.shown) & set(done.items):
        once("any_taken")
    return more


def _visits(connection: Connection, tenant: str, experiment_id: str, units: set[str]) -> dict[str, _Visit]:
    found: dict[str, _Visit] = {}
    for part in parts(sorted(units)):
        rows = connection.execute(
            "SELECT * FROM experiment_visits WHERE tenant = ? AND experiment_id = ?"  # noqa: S608
            f" AND unit IN {marks(len(part))}",
            (tenant, experiment_id, *part),
        ).fetchall()
        for row in rows:
            shown, done = json.loads(row["shown"]), json.loads(row["done"])
            found[row["unit"]] = _Visit(row["began_us"], row["seen_us"], row["site"], row["daypart"], shown, done)
    return found


def _store(
    connection: Connection,
    tenant: str,
    experiment_id: str,
    visits: dict[str, _Visit],
    sums: dict[tuple[str, str, str], dict[str, float]],
) -> None:
    connection.executemany(
        "INSERT INTO experiment_visits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant, experiment_id, unit) DO UPDATE SET began_us = excluded.began_us,"
        " seen_us = excluded.seen_us, site = excluded.site, daypart = excluded.daypart, shown = excluded.shown,"
        " done = excluded.done",
        [
            (
                *(tenant, experiment_id, unit, visit.began_us, visit.seen_us, visit.site, visit.daypart),
                *(json.dumps(visit.shown), json.dumps(visit.done)),
            )
            for unit, visit in sorted(visits.items())
        ],
    )
    more = ", ".join(f"{name} = experiment_units.{name} + excluded.{name}" for name in _NAMES)
    connection.executemany(
        f"INSERT INTO experiment_units VALUES ({', '.join('?' * (5 + len(_NAMES)))})"  # noqa: S608
        f" ON CONFLICT (tenant, experiment_id, unit, site, daypart) DO UPDATE SET {more}",
        _rows(tenant, experiment_id, sums),
    )


def _rows(
    tenant: str, experiment_id: str, sums: dict[tuple[str, str, str], dict[str, float]]
) -> Iterable[tuple[object, ...]]:
    for (unit, site, daypart), row in sorted(sums.items()):
        values = [row[name] if name == "answer_ms" else int(row[name]) for name in _NAMES]
        yield (tenant, experiment_id, unit, site, daypart, *values)
