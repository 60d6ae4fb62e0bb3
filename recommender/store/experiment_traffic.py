"""What the log of the last weeks says about visits, for how long an experiment would take."""

from __future__ import annotations

import numpy as np

from plumbing.clock import DAY
from plumbing.storage.database import Database
from recommender.experiments.power import Traffic

DAYS = 28
MOST_EVENTS = 20_000
LEAST_CUSTOMERS = 30
_TYPE = {"orders": "ordered", "destinations": "rode", "offers": "ordered"}
ASSUMED_SHARE = {"first": 0.4, "any": 0.7, "redeemed": 0.1}
"""Of visits in which a suggestion is taken, while no experiment has measured it. Printed as an assumption."""

CLUSTERED = 1.5
"""A customer who took a suggestion once is likelier to do so again: the variance of a mean grows by about this."""


def traffic_of(database: Database, tenant: str, scene: str, metric: str, now_us: int) -> Traffic:
    """Visits a day of recognised customers, and the variance of the measure; from the latest `MOST_EVENTS` events.

    What a customer did on one day counts as one visit.
    """
    rows = database.rows(
        "SELECT e.customer AS customer, e.time_us AS time_us, (SELECT COALESCE(SUM(l.price * l.quantity), 0)"
        " FROM lines l WHERE l.tenant = e.tenant AND l.sender = e.sender AND l.event_id = e.event_id) AS value"
        " FROM events e WHERE e.tenant = ? AND e.type = ? AND e.time_us > ? AND e.time_us <= ?"
        " ORDER BY e.time_us DESC LIMIT ?",
        (tenant, _TYPE[scene], now_us - DAYS * DAY, now_us, MOST_EVENTS),
    )
    known = [row for row in rows if row["customer"]]
    if not known:
        return Traffic(0.0, 1.0, 0.0, assumed=True)
    oldest = min(row["time_us"] for row in rows)
    span = DAYS if len(rows) < MOST_EVENTS else max((now_us - oldest) / DAY, 1 / 24)
    days: dict[tuple[str, int], int] = {}
    for row in known:
        key = (row["customer"], row["time_us"] // DAY)
        days[key] = days.get(key, 0) + int(row["value"] or 0)
    per_day = len(days) / span
    if metric in ASSUMED_SHARE:
        share = ASSUMED_SHARE[metric]
        return Traffic(per_day, CLUSTERED * share * (1 - share), share, assumed=True)
    return _of_money(days, per_day)


def _of_money(days: dict[tuple[str, int], int], per_day: float) -> Traffic:
    names, who = np.unique([customer for customer, _ in days], return_inverse=True)
    value = np.array(list(days.values()), np.float64)
    visits, total = np.bincount(who).astype(float), np.bincount(who, weights=value)
    mean = float(value.mean())
    variance = float(((total - mean * visits) ** 2).sum() / visits.sum())
    return Traffic(per_day, max(variance, 1.0), mean, assumed=len(names) < LEAST_CUSTOMERS)
