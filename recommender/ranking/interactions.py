"""Events as arrays: the one shape of data that signals, rankers and evaluations work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.frames import NO_TIME, Columns, Texts, clock_columns, columns_of

__all__ = ["NO_TIME", "Interactions", "codes_in"]

_CODED = {"customer": "customers", "item": "items", "site": "sites", "region": "regions"}


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Interactions:
    """One row for each item of each order (or ride), sorted by customer, then order.

    All columns have shape (n,). Codes index the vocabulary of the same name; -1 means unknown.
    `customer` -1 is a guest: counted in what is popular, never in anybody's history.
    """

    customer: NDArray[np.int32]
    order: NDArray[np.int32]  # position of the order in its customer's history, 0 first
    item: NDArray[np.int32]
    quantity: NDArray[np.float32]
    time_us: NDArray[np.int64]  # microseconds UTC, or NO_TIME
    hour: NDArray[np.float32]  # local clock, 0 <= hour < 24, NaN unknown
    weekday: NDArray[np.int8]  # local, 0 is Monday, -1 unknown
    site: NDArray[np.int32]
    region: NDArray[np.int32]
    origin: NDArray[np.int32]  # the pick-up place of a ride, a code into `items`
    person: NDArray[np.int32]  # whom the row counts as where different people are counted, -1 nobody
    customers: NDArray[np.str_]
    items: NDArray[np.str_]
    sites: NDArray[np.str_]
    regions: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.item)

    def where(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Interactions:
        """The chosen rows under the same vocabularies."""
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name not in _CODED.values()}
        return replace(self, **columns)

    @classmethod
    def from_columns(cls, columns: Columns) -> Interactions:
        """Arrays from columns of plain values: a mapping of arrays, or a frame of pandas or polars.

        `customer` and `item` are required (text; "" is a guest); `order` (any sortable number; by default the
        time, else the row) decides the sequence, `quantity`, `time_us`, `hour`, `weekday`, `site`, `region`,
        `origin`, `person` are optional. `person` says whom a row counts as where different people are counted
        (default: its customer; a guest is nobody). `time` (datetimes or ISO 8601) gives `time_us`, `hour` and
        `weekday` where these are not given. Rows of one customer with the same `order` form one order. Orders are
        renumbered 0, 1, ...

        Example:
            >>> seen = Interactions.from_columns({"customer": ["ann", "ann"], "item": ["tea", "cake"]})
            >>> len(seen), seen.items.tolist()
            (2, ['cake', 'tea'])

        Raises:
            MissingColumns: there is no `customer` or no `item`; it is a ValueError.
            ValueError: the columns differ in length, or a time cannot be read.
            TypeError: `columns` is neither a mapping nor a frame.
        """
        given = columns_of(columns, ("item", "customer"))
        if "time" in given:
            given = {**clock_columns(given["time"]), **given}
        n = len(given["item"])

        def column(name: str, dtype: Any, default: Any) -> NDArray[Any]:
            return given[name].astype(dtype) if name in given else np.full(n, default, dtype)

        def texts(name: str) -> NDArray[np.str_] | Texts:
            found = given.get(name)
            return found if isinstance(found, Texts) else column(name, np.str_, "")

        customers, customer = _codes(texts("customer"))
        items, both = _codes(texts("item"), texts("origin"))
        sites, site = _codes(texts("site"))
        regions, region = _codes(texts("region"))
        time_us = column("time_us", np.int64, NO_TIME)
        raw_order = given.get("order", time_us if "time_us" in given else np.arange(n))
        person = _codes(texts("person"))[1] if "person" in given else customer
        rows = np.lexsort((raw_order, customer))
        return cls(
            customer=customer[rows],
            order=_renumber(customer[rows], np.asarray(raw_order)[rows]),
            item=both[:n][rows],
            quantity=column("quantity", np.float32, 1.0)[rows],
            time_us=time_us[rows],
            hour=column("hour", np.float32, np.nan)[rows],
            weekday=column("weekday", np.int8, -1)[rows],
            site=site[rows],
            region=region[rows],
            origin=both[n:][rows],
            person=person[rows],
            customers=customers,
            items=items,
            sites=sites,
            regions=regions,
        )

    def of_customer(self, customer: str) -> Interactions:
        """The rows of one customer, none where the id is not known; same vocabularies."""
        code = int(codes_in(self.customers, [customer])[0])
        return self.where(self.customer == code if code >= 0 else np.zeros(len(self), np.bool_))


def _codes(*columns: NDArray[np.str_] | Texts) -> tuple[NDArray[np.str_], NDArray[np.int32]]:
    """Sorted vocabulary without the empty text, and each value's code in it (-1 for the empty text).

    Of several columns one after the other.
    """
    texts: list[NDArray[np.str_]] = []
    codes: list[NDArray[np.int32] | NDArray[np.intp]] = []
    for column in columns:
        start = sum(map(len, texts))
        different = np.array(column.different, np.str_) if isinstance(column, Texts) else column
        codes.append(start + (column.codes if isinstance(column, Texts) else np.arange(len(column))))
        texts.append(different)
    vocabulary, inverse = np.unique(np.concatenate(texts), return_inverse=True)
    code = inverse.astype(np.int32)[np.concatenate(codes)]
    if len(vocabulary) and vocabulary[0] == "":
        return vocabulary[1:], code - 1
    return vocabulary, code


def _renumber(customer: NDArray[np.int32], order: NDArray[Any]) -> NDArray[np.int32]:
    """0, 1, 2, ... for each customer's distinct orders; rows must be sorted by (customer, order)."""
    if not len(customer):
        return np.zeros(0, np.int32)
    new_customer = np.r_[True, customer[1:] != customer[:-1]]
    new_order = new_customer | np.r_[True, order[1:] != order[:-1]]
    running = np.cumsum(new_order) - 1
    first = np.maximum.accumulate(np.where(new_customer, running, 0))
    return (running - first).astype(np.int32)


def codes_in(vocabulary: NDArray[np.str_], values: Sequence[str] | NDArray[np.str_]) -> NDArray[np.int32]:
    """Each value's position in a sorted vocabulary, -1 where it is not in it."""
    text = np.asarray(values, dtype=np.str_)
    if not len(vocabulary):
        return np.full(len(text), -1, np.int32)
    at = np.minimum(np.searchsorted(vocabulary, text), len(vocabulary) - 1)
    return np.where(vocabulary[at] == text, at, -1).astype(np.int32)
