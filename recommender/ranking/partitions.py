"""A log that is too large for one memory: divided by customers, and worked on part by part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recommender.ranking.interactions import Interactions

NEVER = int(np.iinfo(np.int32).max)
"""The limit of a customer of whom nothing is cut off."""

Work = Callable[..., Any]
"""A pure function of a module: another process imports it."""

Tick = Callable[[float], None]


@dataclass(slots=True)
class Stage:
    """What was done at once: the seconds of each piece of work, and those of putting the results together."""

    name: str
    pieces: list[float] = field(default_factory=list)
    wall: float = 0.0


class Mapper(Protocol):
    """Does independent pieces of work, here or elsewhere."""

    stages: list[Stage]

    def map(
        self,
        work: Work,
        arguments: Sequence[tuple[Any, ...]],
        *,
        shared: tuple[Any, ...] = (),
        name: str = "",
        tick: Tick = lambda share: None,
    ) -> Iterator[Any]:
        """`work(*shared, *one)` for each of `arguments`; results in their order, few of them in memory."""
        ...


class InTurn:
    """One piece after the other, in this process."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    def map(
        self,
        work: Work,
        arguments: Sequence[tuple[Any, ...]],
        *,
        shared: tuple[Any, ...] = (),
        name: str = "",
        tick: Tick = lambda share: None,
    ) -> Iterator[Any]:
        """See `Mapper`."""
        stage = Stage(name or work.__name__)
        self.stages.append(stage)
        began = time.perf_counter()
        for number, one in enumerate(arguments, start=1):
            start = time.perf_counter()
            result = work(*shared, *one)
            stage.pieces.append(time.perf_counter() - start)
            yield result
            tick(number / len(arguments))
        stage.wall = time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Vocabularies:
    """What the codes of all parts mean. `repeats`: an order somewhere has an item twice (`merge_repeats`)."""

    items: NDArray[np.str_]
    sites: NDArray[np.str_]
    regions: NDArray[np.str_]
    repeats: bool = False


class Part(Protocol):
    """All rows of some customers, or of some guests; nobody is in two parts."""

    def load(self, vocabularies: Vocabularies) -> Interactions:
        """The rows, sorted by customer and order. `customer` counts from 0 in each part; a guest's order counts
        in all parts."""
        ...

    def names(self) -> NDArray[np.str_]:
        """The customers, in the order of their codes."""
        ...


@dataclass(frozen=True)
class MemoryPart:
    """A part that is in memory."""

    rows: Interactions

    def load(self, vocabularies: Vocabularies) -> Interactions:
        """See `Part`."""
        return self.rows

    def names(self) -> NDArray[np.str_]:
        """See `Part`."""
        return self.rows.customers


@dataclass(frozen=True)
class PartitionedLog:
    """Parts in the order of their customers' names: guests first, as in one table of everything."""

    parts: Sequence[Part]
    sizes: NDArray[np.int64]  # (parts,) customers of each
    vocabularies: Vocabularies
    mapper: Mapper
    first: NDArray[np.int64] = field(init=False)  # (parts + 1,) the code of each part's first customer

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", np.r_[0, np.cumsum(self.sizes)].astype(np.int64))

    @property
    def n_customers(self) -> int:
        return int(self.first[-1])

    def sliced(self, values: NDArray[Any] | None) -> list[NDArray[Any] | None]:
        """Values of all customers (customers,), part by part."""
        if values is None:
            return [None] * len(self.parts)
        return [values[start:stop] for start, stop in pairwise(self.first)]

    def located(self, codes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Ascending codes of customers, part by part, as codes of the part."""
        return split_at(codes, self.first)

    def names(self, codes: NDArray[np.int64]) -> list[str]:
        """The names of customers by ascending code."""
        found: list[str] = []
        for part, local in zip(self.parts, self.located(codes), strict=True):
            if len(local):
                found += part.names()[local].tolist()
        return found


def split_at(numbers: NDArray[np.int64], first: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Ascending numbers, cut where a block begins (`first`, ending with the total), counted within their block."""
    at = np.searchsorted(numbers, first)
    return [numbers[a:b] - start for a, b, start in zip(at[:-1], at[1:], first[:-1], strict=True)]


def before(rows: Interactions, limit: NDArray[np.int32] | None) -> Interactions:
    """The rows of orders below each customer's limit (customers,); all of guests."""
    if limit is None:
        return rows
    return rows.where(rows.order < np.append(limit, NEVER)[rows.customer])


def in_memory(seen: Interactions, mapper: Mapper, parts: int) -> PartitionedLog:
    """A log that is in memory, divided into about equal parts."""
    guests = int(np.searchsorted(seen.customer, 0))
    starts = np.searchsorted(seen.customer, np.arange(len(seen.customers) + 1))
    wanted = np.linspace(guests, len(seen), parts + 1)[1:-1]
    cuts = np.unique(np.r_[0, np.searchsorted(starts, wanted), len(seen.customers)])
    found, sizes = [], []
    if guests:
        found.append(MemoryPart(replace(seen.where(slice(0, guests)), customers=seen.customers[:0])))
        sizes.append(0)
    for begin, end in pairwise(cuts):
        rows = seen.where(slice(int(starts[begin]), int(starts[end])))
        found.append(
            MemoryPart(
                replace(
                    rows, customer=(rows.customer - begin).astype(np.int32), customers=seen.customers[begin:end]
                )
            )
        )
        sizes.append(int(end - begin))
    vocabularies = Vocabularies(seen.items, seen.sites, seen.regions)
    return PartitionedLog(tuple(found), np.array(sizes, np.int64), vocabularies, mapper)


def nameless(rows: Interactions) -> Interactions:
    """The rows without vocabularies: what is sent from process to process."""
    none = np.zeros(0, np.str_)
    return replace(rows, customers=none, items=none, sites=none, regions=none)


def joined(parts: Sequence[Interactions], like: Vocabularies, n_customers: int) -> Interactions:
    """Rows one after another, under common vocabularies; their customers are numbers below `n_customers`."""
    coded = ("customers", "items", "sites", "regions")
    columns = {
        one.name: np.concatenate([getattr(part, one.name) for part in parts])
        for one in fields(Interactions)
        if one.name not in coded
    }
    return Interactions(
        **columns,
        customers=np.zeros(n_customers, "U1"),
        items=like.items,
        sites=like.sites,
        regions=like.regions,
    )
