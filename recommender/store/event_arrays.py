"""Rows of events and their lines as arrays, many rows at a time: a training reads millions."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from plumbing.clock import DAY
from plumbing.storage.database import Row
from recommender.ranking.frames import Texts
from recommender.ranking.interactions import Interactions
from recommender.scene import no_interactions

BLOCK = 5_000
"""Rows that are taken together."""

MOST_OF_A_DISH = 20
"""So many of one dish count at most, of one order: one order makes no dish popular."""

Name = tuple[str, str]  # sender, event_id


def person_of(customer: str, sender: str, kind: str, counted_us: int, item: str) -> str:
    """Whom a row counts as where different people are counted; "" is nobody.

    A guest has no name: at a kiosk all guests of one day count as one person, so that one device alone makes
    nothing popular in a day. `counted_us` lies in the day on which the device sent them, whatever time it gave.
    In a taxi they count as one person for all days, because one guest may ride home daily; and a ride to a
    position that is no place of the catalogue says nothing about guests at all.
    """
    if customer:
        return customer
    if kind != "rode":
        return f"\x1f{sender}\x1f{counted_us // DAY}"
    return "" if item.startswith("geo:") else f"\x1f{sender}"


def as_interactions(
    rows: Iterable[Row],
    kind: str,
    *,
    everybody: str | None = None,
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Interactions:
    """Rows of `COLUMNS` as arrays. Two orders in the same microsecond remain two orders.

    `everybody` makes all of them this customer's, "" a guest's; different people can still be counted.
    A dish on several lines of one order, whose rows follow each other, is one row of at most `MOST_OF_A_DISH`.
    `renamed` gives the present ids of merged ones. The orders of one customer and moment follow each other, too.
    Each block of rows is let go when its columns are taken.
    """
    columns, left = _Columns(), iter(rows)
    while block := list(islice(left, BLOCK)):
        columns.take(block, kind, everybody, renamed)
    return columns.interactions() if columns.times else no_interactions()


def _texts() -> Texts:
    return Texts()


@dataclass
class _Columns:
    """The columns that were read so far."""

    customers: Texts = field(default_factory=_texts)
    people: Texts = field(default_factory=_texts)
    sites: Texts = field(default_factory=_texts)
    regions: Texts = field(default_factory=_texts)
    origins: Texts = field(default_factory=_texts)
    items: Texts = field(default_factory=_texts)
    times: array[int] = field(default_factory=lambda: array("q"))
    hours: array[float] = field(default_factory=lambda: array("d"))
    weekdays: array[int] = field(default_factory=lambda: array("b"))
    quantities: array[int] = field(default_factory=lambda: array("q"))
    orders: array[int] = field(default_factory=lambda: array("q"))  # numbered as they come
    _names: dict[int, Name] = field(default_factory=dict)  # of orders of one customer and moment
    _last: tuple[Name | None, tuple[str, int] | None] = (None, None)  # the latest order, and whose and when it was
    _order: int = -1

    def take(self, block: Sequence[Row], kind: str, everybody: str | None, renamed: Mapping[str, str]) -> None:
        """Add rows."""
        who, senders, events, times, hours, weekdays, sites, regions, origins, items, quantities, counted = zip(
            *block, strict=True
        )
        if renamed:
            items, origins = (tuple(renamed.get(one, one) for one in column) for column in (items, origins))
        customers = who if everybody is None else [everybody] * len(block)
        self.customers.extend(customers)
        self.people.extend(
            [
                customer or person_of("", sender, kind, us, item)
                for customer, sender, us, item in zip(who, senders, counted, items, strict=True)
            ]
        )
        for column, texts in (
            (self.sites, sites),
            (self.regions, regions),
            (self.origins, origins),
            (self.items, items),
        ):
            column.extend(texts)
        self.times.extend(times)
        self.hours.extend(hours)
        self.weekdays.extend(weekdays)
        self.quantities.extend(quantities)
        self.orders.extend(self._numbered(zip(senders, events, strict=True), zip(customers, times, strict=True)))

    def _numbered(self, names: Iterable[Name], moments: Iterable[tuple[str, int]]) -> Iterator[int]:
        """The number of each row's order; of those of one customer and moment the names are kept."""
        last, when = self._last
        for name, moment in zip(names, moments, strict=True):
            if name != last:
                if moment == when and last is not None:
                    self._names[self._order] = last
                    self._names[self._order + 1] = name
                self._order += 1
                last, when = name, moment
            yield self._order
        self._last = last, when

    def interactions(self) -> Interactions:
        """All of them."""
        orders, items = np.frombuffer(self.orders, np.int64), self.items.codes
        quantities = np.minimum(np.frombuffer(self.quantities, np.int64), MOST_OF_A_DISH)
        _, first, place = np.unique(
            orders * (int(np.max(items)) + 1) + items, return_index=True, return_inverse=True
        )
        keep = np.sort(first)
        if len(first) < len(orders):  # the same dish on several lines
            merged = np.bincount(place, quantities).astype(np.int64)
            quantities = np.minimum(merged, MOST_OF_A_DISH)[place]
        time_us = np.frombuffer(self.times, np.int64)
        return Interactions.from_columns(
            {
                "customer": self.customers.at(keep),
                "order": self._sequence(orders, time_us)[keep],
                "time_us": time_us[keep],
                "hour": np.frombuffer(self.hours)[keep],
                "weekday": np.frombuffer(self.weekdays, np.int8)[keep],
                "site": self.sites.at(keep),
                "region": self.regions.at(keep),
                "origin": self.origins.at(keep),
                "item": self.items.at(keep),
                "quantity": quantities[keep],
                "person": self.people.at(keep),
            }
        )

    def _sequence(self, orders: NDArray[np.int64], time_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,): sorts the orders of each customer by time, those of one moment by their names."""
        rank = np.zeros(int(np.max(orders)) + 1, np.int64)
        named = sorted(self._names, key=lambda order: "\x1f".join(self._names[order]))
        rank[named] = np.arange(1, len(named) + 1)
        _, place = np.unique(time_us, return_inverse=True)
        return place * (len(named) + 1) + rank[orders]
