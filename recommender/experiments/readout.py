"""What can be said about an experiment now: figures of each variant and the verdict, as plain values. Pure.

Sentences are made from it elsewhere, in the reader's language (`recommender/desk/experiments.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.experiments.assignment import points_of, variants_of
from recommender.experiments.plan import GUARDS, Experiment
from recommender.experiments.sums import LEAST_DIFFERENT, Floats, Sums, difference, half_widths, sample_ratio
from recommender.offers.learning.confidence import LEAST_CUSTOMERS

RATIO_ALARM = 0.001
"""With an always-valid p-value of the sample ratio below this there is no verdict: the assignment is broken."""

SMALL_GROUP = 10
"""Nothing is said of fewer customers."""

GUARD_SCALES: Mapping[str, float] = {"completed": 0.02, "not_me": 0.01, "answer_ms": 20.0}
WORSE_IS: Mapping[str, int] = {"completed": -1, "not_me": 1, "answer_ms": 1}
MOST_TIMES = 1_000
COLUMNS = ("first", "any", "value", "redeemed", "completed", "not_me", "answer_ms")
"""What is summed up over the visits of a customer."""


@dataclass(frozen=True)
class People:
    """The customers of an experiment: a row for each customer, site and part of the day. `units` (n,) are hashes
    that only the experiment's salt ties to anybody."""

    units: NDArray[np.str_]
    site: NDArray[np.str_]
    daypart: NDArray[np.str_]
    visits: Floats
    sums: Mapping[str, Floats]  # by COLUMNS, each (n,)

    def where(self, rows: NDArray[np.bool_]) -> People:
        """Some of the rows."""
        sums = {name: column[rows] for name, column in self.sums.items()}
        return People(self.units[rows], self.site[rows], self.daypart[rows], self.visits[rows], sums)

    def by_customer(self) -> tuple[People, NDArray[np.intp]]:
        """One row for each customer, and the customer of each row here."""
        _, first, at = np.unique(points_of(self.units.tolist()), return_index=True, return_inverse=True)
        n, none = len(first), np.full(len(first), "", np.str_)
        sums = {name: np.bincount(at, weights=column, minlength=n) for name, column in self.sums.items()}
        visits = np.bincount(at, weights=self.visits, minlength=n)
        return People(self.units[first], none, none, visits, sums), at


@dataclass(frozen=True)
class _Groups:
    """The customers of each variant, one row each."""

    people: People
    groups: Floats  # (n_variants, n_customers)

    @classmethod
    def of(cls, people: People, shares: Sequence[float]) -> _Groups:
        own, _ = people.by_customer()
        variant = variants_of(shares, own.units.tolist())
        return cls(own, (variant[None, :] == np.arange(len(shares))[:, None]).astype(np.float64))

    def sums(self, column: str, variant: int) -> Sums:
        return Sums.of(self.people.sums[column], self.people.visits, self.groups[variant])


def read_out(experiment: Experiment, people: People, now_us: int, first_us: int | None) -> dict[str, Any]:
    """The figures as JSON has them; `first_us` is when the first customer was counted.

    A variant of fewer than `SMALL_GROUP` customers shows their number alone.
    """
    groups = _Groups.of(people, experiment.shares)
    counts = [int(row.sum()) for row in groups.groups]
    p = sample_ratio(counts, experiment.shares)
    days = 0.0 if first_us is None else max((now_us - first_us) / 86_400e6, 1 / 24)
    visits = float(groups.people.visits.sum())
    alpha = 0.05 / (len(experiment.variants) - 1)
    rows = [_row(experiment, groups, at, alpha) for at in range(len(experiment.variants))]
    per_day = visits / days if days else 0.0
    broken = p < RATIO_ALARM
    return {
        "variants": rows,
        "ratio": {
            "p": p,
            "broken": broken,
            "customers": [None if 0 < count < SMALL_GROUP else count for count in counts],
            "shares": list(experiment.shares),
        },
        "visits": int(visits),
        "days": round(days, 2),
        "visits_per_day": per_day,
        "verdict": _verdict(experiment, rows, counts, broken, visits, per_day, alpha),
        "cost": _cost(experiment, groups, counts, alpha),
    }


def _row(experiment: Experiment, groups: _Groups, at: int, alpha: float) -> dict[str, Any]:
    variant = experiment.variants[at]
    own, control = groups.sums(experiment.metric, at), groups.sums(experiment.metric, 0)
    row: dict[str, Any] = {
        "name": variant.name,
        "label": variant.label,
        "share": variant.share,
        "customers": int(own.n),
        "visits": None,
        "mean": None,
        "difference": None,
        "low": None,
        "high": None,
        "error": None,
        "guards": {},
        "vanished": variant.name in experiment.vanished,
    }
    if own.n < SMALL_GROUP:
        return row | {"customers": None if own.n else 0}
    row |= {"visits": int(own.visits), "mean": float(own.mean)}
    row["guards"] = {name: _guard(name, groups, at, alpha) for name in GUARDS}
    if at:
        found = difference(own, control, scale=experiment.minimum_effect, alpha=alpha)
        if bool(found.judged):
            row |= {"difference": float(found.value), "low": float(found.low), "high": float(found.high)}
            row["error"] = float(found.error)
    return row


def _guard(name: str, groups: _Groups, at: int, alpha: float) -> dict[str, Any]:
    """A guard of one variant: its mean, and whether it is certainly worse than the control's."""
    own = groups.sums(name, at)
    found = difference(own, groups.sums(name, 0), scale=GUARD_SCALES[name], alpha=alpha)
    side = found.low if WORSE_IS[name] > 0 else -found.high
    return {"mean": float(own.mean), "worse": bool(at and found.judged and side > 0)}


def _verdict(
    experiment: Experiment,
    rows: Sequence[Mapping[str, Any]],
    counts: Sequence[int],
    broken: bool,
    visits: float,
    per_day: float,
    alpha: float,
) -> dict[str, Any]:
    """kind: ratio, empty, few_customers, few_rewards, better, worse, same, or open."""
    if broken:
        return {"kind": "ratio"}
    if not any(counts):
        return {"kind": "empty"}
    least = min(range(len(counts)), key=counts.__getitem__)
    if counts[least] < LEAST_CUSTOMERS:
        wanted = LEAST_CUSTOMERS - counts[least] if counts[least] >= SMALL_GROUP else LEAST_CUSTOMERS
        return {"kind": "few_customers", "variant": rows[least]["name"], "missing": wanted}
    judged = [row for row in rows[1:] if row["difference"] is not None]
    if not judged:
        return {"kind": "few_rewards", "missing": LEAST_DIFFERENT}
    better = [row for row in judged if row["low"] > 0]
    if better:
        return _said("better", max(better, key=lambda row: float(row["difference"])))
    if len(judged) == len(rows) - 1 and all(row["high"] < 0 for row in judged):
        return _said("worse", max(judged, key=lambda row: float(row["difference"])))
    effect = experiment.minimum_effect
    if len(judged) == len(rows) - 1 and all(row["high"] < effect and row["low"] > -effect for row in judged):
        return _said("same", max(judged, key=lambda row: abs(float(row["difference"]))))
    leader = max(judged, key=lambda row: float(row["difference"]))
    more = more_visits(leader["difference"], leader["error"], visits, effect, alpha)
    days = None if more is None or not per_day else math.ceil(more / per_day)
    return _said("open", leader) | {"more_visits": more, "more_days": days}


def _said(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": kind, "variant": row["name"], **{name: row[name] for name in ("difference", "low", "high")}}


def more_visits(value: float, error: float, visits: float, effect: float, alpha: float) -> int | None:
    """Visits until there is a verdict if the difference stays: it is certain, or certainly smaller than `effect`.

    None: more than a thousand times as many as so far.
    """
    factors = np.geomspace(1.0, MOST_TIMES, 361)
    widths = half_widths(error / np.sqrt(factors), effect, alpha)
    enough = (widths < abs(value)) | (abs(value) + widths < effect)
    if not enough.any():
        return None
    return math.ceil(visits * (float(factors[int(np.argmax(enough))]) - 1))


def _cost(experiment: Experiment, groups: _Groups, counts: Sequence[int], alpha: float) -> dict[str, Any] | None:
    """What was missed so far because not everybody had the variant that looks best, with its interval."""
    if min(counts) < LEAST_CUSTOMERS:
        return None
    sums = [groups.sums(experiment.metric, at) for at in range(len(counts))]
    best = max(range(len(sums)), key=lambda at: float(sums[at].mean))
    cost = low = high = 0.0
    for at, other in enumerate(sums):
        if at == best:
            continue
        found = difference(sums[best], other, scale=experiment.minimum_effect, alpha=alpha)
        if not bool(found.judged):
            return None
        visits = float(other.visits)
        cost, low = cost + visits * float(found.value), low + visits * float(found.low)
        high += visits * float(found.high)
    return {"best": experiment.variants[best].name, "value": cost, "low": max(low, 0.0), "high": high}


def explored(experiment: Experiment, people: People, by: str) -> list[dict[str, Any]]:
    """The means by site or by part of the day: to look at, and no verdict. Of small groups nothing is shown."""
    names, group = np.unique(people.site if by == "site" else people.daypart, return_inverse=True)
    own, customer = people.by_customer()
    n, k = len(names), len(experiment.variants)
    cell = group * k + variants_of(experiment.shares, own.units.tolist())[customer]
    each = np.unique(cell.astype(np.int64) * max(len(own.units), 1) + customer) // max(len(own.units), 1)
    customers = np.bincount(each, minlength=n * k)
    visits = np.bincount(cell, weights=people.visits, minlength=n * k)
    reward = np.bincount(cell, weights=people.sums[experiment.metric], minlength=n * k)
    rows: list[dict[str, Any]] = []
    for at in range(n * k):
        row = {"group": str(names[at // k]), "variant": experiment.variants[at % k].name}
        enough = customers[at] >= SMALL_GROUP
        mean = float(reward[at] / visits[at]) if enough else None
        rows.append({**row, "customers": int(customers[at]) if enough else None, "mean": mean})
    return rows
