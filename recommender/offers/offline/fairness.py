"""Fairness audit: who was shown offers and what it gained, by groups that no policy knows. Pure.

The table of groups is the auditor's and is joined on pseudonyms to finished policies. Nothing of it is stored, and
nothing is returned about single customers; `uplift.refuse_sensitive` refuses such columns as an input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbing.columns import DatasetError, read_columns
from recommender.offers.errors import UnusableLog
from recommender.offers.learning.confidence import group_mean

Floats = NDArray[np.float64]

LEAST_IN_GROUP = 20
"""Customers. Smaller groups are merged under `TOO_FEW`."""
TOO_FEW = "too few to show"


@dataclass(frozen=True, slots=True)
class GroupReport:
    """One group: its size, the share of its visits with an offer, and reward per visit with 95 % interval."""

    group: str
    customers: int
    visits: int
    exposure: float
    exposure_low: float
    exposure_high: float
    gain: float
    gain_low: float
    gain_high: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def group_reports(
    customers: Sequence[str], customer: NDArray[np.int64], exposed: Floats, gain: Floats, groups: Mapping[str, str]
) -> list[GroupReport]:
    """Exposure and gain by group.

    `customers` (n_customers,) pseudonyms; `customer` (n,) codes; `exposed` (n,) probability of an offer on that
    visit; `gain` (n,) doubly robust gain over showing nothing; `groups` pseudonym -> group, else 'not known'.
    """
    named = np.array([groups.get(one) or "not known" for one in customers], dtype=object)
    sizes = {name: int((named == name).sum()) for name in set(named)}
    named = np.array([one if sizes[one] >= LEAST_IN_GROUP else TOO_FEW for one in named], dtype=object)
    n = len(customers)
    visits = np.bincount(customer, minlength=n).astype(float)
    shown = np.bincount(customer, weights=exposed, minlength=n)
    gained = np.bincount(customer, weights=gain, minlength=n)
    reports = []
    for name in sorted(set(named)):
        mine = (named == name) & (visits > 0)
        if mine.sum() < 2:
            continue
        exposure, exposure_error = group_mean(shown[mine], visits[mine])
        value, error = group_mean(gained[mine], visits[mine])
        reports.append(
            GroupReport(
                str(name),
                int(mine.sum()),
                int(visits[mine].sum()),
                exposure,
                exposure - 1.96 * exposure_error,
                exposure + 1.96 * exposure_error,
                value,
                value - 1.96 * error,
                value + 1.96 * error,
            )
        )
    return reports


def read_groups(path: Path, columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """column -> customer -> group, from a CSV file with a column `customer`; numbers become four bands.

    Raises:
        UnusableLog: the file lacks a column, or has a customer twice.
    """
    try:
        read = read_columns(path, ("customer", *columns))
    except DatasetError as error:
        raise UnusableLog(f"{error}.") from error
    names = read["customer"]
    if len(set(names)) != len(names):
        raise UnusableLog(f"{path.name} has a customer twice.")
    return {column: _grouped(dict(zip(names, read[column], strict=True))) for column in columns}


def _grouped(values: Mapping[str, str]) -> dict[str, str]:
    try:
        numbers = {one: float(text) for one, text in values.items() if text}
    except ValueError:
        return dict(values)
    edges = {float(edge) for edge in np.quantile(list(numbers.values()), [0.25, 0.5, 0.75])} if numbers else set()
    return bands(numbers, sorted(edges))


def bands(values: Mapping[str, float], edges: Sequence[float]) -> dict[str, str]:
    """Numbers as groups such as '40-50', for tables with ages or incomes; `edges` ascend."""
    cuts = np.asarray(edges, dtype=float)
    named = {}
    for one, value in values.items():
        at = int(np.searchsorted(cuts, value, side="right"))
        low = f"{cuts[at - 1]:g}" if at else ""
        high = f"{cuts[at]:g}" if at < len(cuts) else ""
        named[one] = f"{low}-{high}" if low and high else f"under {high}" if high else f"{low} and over"
    return named
