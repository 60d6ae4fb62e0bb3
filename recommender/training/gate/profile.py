"""What a log looks like as a whole: counts that a spoiled import changes and an ordinary week does not.

A profile names no customer. It is kept in the manifest of each version that was accepted, and the next training
compares its own log with it.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from plumbing.clock import DAY, MINUTE
from recommender.ranking.interactions import NO_TIME, Interactions
from recommender.ranking.people import people_of

FORMAT = 1
EARLIEST_US = 946_684_800_000_000
"""2000-01-01: no till has orders from before, but a clock that was never set says 1970."""
AHEAD_US = DAY
SOON_US, SAME_DAY_US = 30 * MINUTE, DAY
"""The same order again so soon after: a second export of it, rarely a second visit."""

MOST_SITES, MOST_ITEMS = 30, 100
LEAST_PEOPLE = 10
"""Who chose an item, before a kept mix names it: what a handful of people chose is summed up with the rest."""
OTHERS = ""
BUCKETS = 256
SKETCHES = ("lines_sketch", "times_sketch")
LEAST_SKETCHED = 500
"""Lines: of fewer no sketch is kept, because its counts would be about single orders."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The counts of one log, or of one part of it (a part has all rows of its customers)."""

    lines: int = 0
    orders: int = 0  # of customers, not of guests
    customers: int = 0
    largest: int = 0  # lines of the customer who has most
    too_early: int = 0  # lines
    too_late: int = 0
    again_soon: int = 0  # orders that repeat the customer's order before them, item for item
    again_same_day: int = 0
    known_items: int = 0  # lines with an item that the customer had in an earlier order
    first_us: int | None = None
    last_us: int | None = None
    lines_sketch: tuple[int, ...] = ()  # lines by a hash of their time, site and item: see `replaced`
    times_sketch: tuple[int, ...] = ()  # the same by their time alone
    people: Mapping[str, int] = field(default_factory=dict)  # different people of each item; never kept
    items: Mapping[str, int] = field(default_factory=dict)  # lines of each
    sites: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # of each site: lines of each item

    @classmethod
    def of(cls, seen: Interactions, now_us: int) -> Self:
        """Count the rows of whole customers. `now_us` is the present: what lies after it is out of range."""
        own = seen.customer >= 0
        per_customer = np.bincount(seen.customer[own], minlength=1)
        timed = seen.time_us[seen.time_us != NO_TIME]
        soon, same_day, orders = _again(seen.where(own))
        usual = timed[(timed >= EARLIEST_US) & (timed <= now_us + AHEAD_US)]
        return cls(
            lines=len(seen),
            orders=orders,
            customers=int(np.count_nonzero(per_customer)),
            largest=int(np.max(per_customer)),
            too_early=int(np.count_nonzero(timed < EARLIEST_US)),
            too_late=int(np.count_nonzero(timed > now_us + AHEAD_US)),
            again_soon=soon,
            again_same_day=same_day,
            known_items=_known_items(seen.where(own)),
            first_us=int(np.min(usual)) if len(usual) else None,
            last_us=int(np.max(usual)) if len(usual) else None,
            lines_sketch=_sketch(seen, (seen.items, seen.item), (seen.sites, seen.site)),
            times_sketch=_sketch(seen),
            people=_people(seen),
            items=_counts(seen.items, seen.item),
            sites=_by_site(seen),
        )

    def __add__(self, other: Profile) -> Profile:
        """Of two parts with different customers."""
        sums = (
            "lines",
            "orders",
            "customers",
            "too_early",
            "too_late",
            "again_soon",
            "again_same_day",
            "known_items",
        )
        firsts = [at for at in (self.first_us, other.first_us) if at is not None]
        lasts = [at for at in (self.last_us, other.last_us) if at is not None]
        sites = self.sites.keys() | other.sites.keys()
        return Profile(
            **{name: getattr(self, name) + getattr(other, name) for name in sums},
            largest=max(self.largest, other.largest),
            first_us=min(firsts, default=None),
            last_us=max(lasts, default=None),
            lines_sketch=_summed(self.lines_sketch, other.lines_sketch),
            times_sketch=_summed(self.times_sketch, other.times_sketch),
            people=_added(self.people, other.people),
            items=_added(self.items, other.items),
            sites={name: _added(self.sites.get(name, {}), other.sites.get(name, {})) for name in sites},
        )

    def to_json(self) -> dict[str, Any]:
        """As it is kept: the largest sites and items alone, the rest summed up."""
        largest = sorted(self.sites, key=lambda name: (-sum(self.sites[name].values()), name))[:MOST_SITES]
        shared = {name for name, n in self.people.items() if n >= LEAST_PEOPLE}
        kept = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "people"}
        return kept | {
            "v": FORMAT,
            **{name: list(getattr(self, name)) if self.lines >= LEAST_SKETCHED else [] for name in SKETCHES},
            "items": shortened(self.items, shared),
            "sites": {name: shortened(self.sites[name], shared) for name in sorted(largest)},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self | None:
        """The inverse; None for another format."""
        if stored.get("v") != FORMAT:
            return None
        found = {one.name: stored[one.name] for one in fields(cls) if one.name in stored}
        return cls(**found | {name: tuple(found.get(name, ())) for name in SKETCHES})

    @property
    def largest_share(self) -> float:
        """Of all lines, those of the customer who has most."""
        return self.largest / max(self.lines, 1)


def known_until(seen: Interactions, until_us: int) -> Interactions:
    """The rows that an earlier training could have read: up to this time. Rows without a time stay."""
    return seen.where(seen.time_us <= until_us)  # NO_TIME is the smallest number


def replaced(ours: Profile, theirs: Profile, sketch: str = "lines_sketch") -> float | None:
    """Which share of the lines of `theirs` (kept) is not in `ours` any more as it was; None without a sketch, or
    where so much was added that nobody can say. `sketch`, one of SKETCHES, says what counts as the same.

    The sum of the squares of the differences of the buckets' counts is, on average, the number of lines that went
    and that came (Alon, Matias & Szegedy 1996); 256 buckets know it to about a tenth.
    """
    now, then = getattr(ours, sketch), getattr(theirs, sketch)
    added = max(ours.lines - theirs.lines, 0)
    if len(now) != len(then) or not then or added > 0.2 * theirs.lines:
        return None
    moved = float(np.sum(np.square(np.subtract(now, then), dtype=np.float64)))
    return min(max(moved - added, 0.0) / (2 * max(theirs.lines, 1)), 1.0)


def shortened(mix: Mapping[str, int], shared: Collection[str]) -> dict[str, int]:
    """The most frequent items of those that are shared by enough people; the others as one."""
    named = {name: n for name, n in mix.items() if name in shared and name != OTHERS}
    kept = dict(sorted(sorted(named.items()), key=lambda one: -one[1])[:MOST_ITEMS])
    rest = sum(mix.values()) - sum(kept.values())
    return kept | ({OTHERS: rest} if rest else {})


def distance(ours: Mapping[str, int], theirs: Mapping[str, int]) -> float:
    """How much of one mix would have to change to be the other: 0 equal, 1 nothing in common (total variation).

    Items that `theirs` does not name count as its others.
    """
    folded: dict[str, int] = {}
    for name, n in ours.items():
        key = name if name in theirs else OTHERS
        folded[key] = folded.get(key, 0) + n
    n_ours, n_theirs = max(sum(folded.values()), 1), max(sum(theirs.values()), 1)
    names = folded.keys() | theirs.keys()
    return 0.5 * sum(abs(folded.get(name, 0) / n_ours - theirs.get(name, 0) / n_theirs) for name in names)


def _counts(names: NDArray[np.str_], codes: NDArray[np.int32]) -> dict[str, int]:
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    return {str(names[code]): int(counts[code]) for code in np.flatnonzero(counts).tolist()}


def _by_site(seen: Interactions) -> dict[str, dict[str, int]]:
    width = max(len(seen.items), 1)
    usable = (seen.site >= 0) & (seen.item >= 0)
    keys, counts = np.unique(seen.site[usable].astype(np.int64) * width + seen.item[usable], return_counts=True)
    found: dict[str, dict[str, int]] = {}
    for site, item, n in zip((keys // width).tolist(), (keys % width).tolist(), counts.tolist(), strict=True):
        found.setdefault(str(seen.sites[site]), {})[str(seen.items[item])] = n
    return found


def _people(seen: Interactions) -> dict[str, int]:
    counts = people_of(seen.item, seen.person, len(seen.items))
    return {str(seen.items[code]): int(counts[code]) for code in np.flatnonzero(counts).tolist()}


def _summed(ours: tuple[int, ...], theirs: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(ours, theirs, strict=True)) if ours and theirs else ours or theirs


def _sketch(seen: Interactions, *columns: tuple[NDArray[np.str_], NDArray[np.int32]]) -> tuple[int, ...]:
    """How many lines fall into each bucket by a hash of their time and these columns, whoever ordered."""
    number = np.zeros(len(seen), np.uint64)
    for names, codes in columns:
        words = np.array([zlib.crc32(str(name).encode()) for name in names] + [0], np.uint64)
        number = _stirred(number + words[codes])
    number = _stirred(number + seen.time_us.astype(np.uint64))
    return tuple(np.bincount((number % BUCKETS).astype(np.int64), minlength=BUCKETS).tolist())


def _stirred(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mixes the bits (the finaliser of splitmix64, Steele et al. 2014)."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))


def _added(ours: Mapping[str, int], theirs: Mapping[str, int]) -> dict[str, int]:
    return {name: ours.get(name, 0) + theirs.get(name, 0) for name in ours.keys() | theirs.keys()}


def _known_items(own: Interactions) -> int:
    """Lines with an item that is in an earlier order of the same customer."""
    by = np.lexsort((own.order, own.item, own.customer))
    who, item, order = own.customer[by], own.item[by], own.order[by]
    starts = np.flatnonzero(np.r_[True, (np.diff(who) != 0) | (np.diff(item) != 0)][: len(by)])
    first = np.repeat(order[starts], np.diff(np.r_[starts, len(by)]))
    return int(np.count_nonzero((order > first) & (item >= 0)))


def _again(own: Interactions) -> tuple[int, int, int]:
    """(orders that repeat the one before within `SOON_US`, within `SAME_DAY_US`, all orders).

    Orders with the same set of items are known by the sum of a random number for each item.
    """
    if not len(own):
        return 0, 0, 0
    new = np.r_[True, (np.diff(own.customer) != 0) | (np.diff(own.order) != 0)]
    starts = np.flatnonzero(new)
    number = np.random.default_rng(0).integers(1, 2**62, len(own.items) + 1, dtype=np.int64)
    content = np.add.reduceat(number[own.item], starts)
    at = own.time_us[starts]
    who = own.customer[starts]
    same = (np.diff(who) == 0) & (np.diff(content) == 0) & (at[1:] != NO_TIME) & (at[:-1] != NO_TIME)
    gap = np.diff(at)
    return int(np.sum(same & (gap <= SOON_US))), int(np.sum(same & (gap <= SAME_DAY_US))), len(starts)
