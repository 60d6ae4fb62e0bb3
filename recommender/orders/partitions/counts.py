"""The second look: everything about the crowd that whole numbers can say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recommender.orders.factors import counts_of_moments, daypart, distinct_pairs
from recommender.orders.partitions.facts import Frame, Ints, Limit, loaded
from recommender.orders.signals.popular import HOURS, Popular, freshness, repeats
from recommender.orders.signals.together import Baskets
from recommender.ranking.interactions import Interactions
from recommender.ranking.partitions import Part, Vocabularies, before
from recommender.ranking.people import people_of_pairs
from recommender.ranking.sparse import distinct
from recommender.ranking.tally import ExactSums, Tally

WIDE = HOURS + 1
THIRDS = HOURS // 3 + 1
"""Hours and three-hour parts of a day as a cell's last digit; the last one of each is for hours out of range."""


@dataclass(slots=True)
class Counts:
    """Counts of one state of the log. Cells are place * items + item."""

    recent: ExactSums  # (items,)
    again: Ints
    possible: Ints
    at_place: Tally  # rows of a cell
    people: Tally  # different people of a cell
    people_by_part: Tally  # of cell * THIRDS + three-hour part
    by_hour: Tally  # rows of cell * WIDE + hour
    times: Ints  # (items,) orders with the item
    n_orders: int
    same: Tally  # orders with both items
    same_people: Tally
    after_people: Tally  # people who had the second item in the order after one with the first
    moments: Ints  # (1 + 5, items)
    buyers: list[int] = field(default_factory=list)  # of each part: customers with rows
    pairs: list[int] = field(default_factory=list)  # of each part: distinct (customer, item)

    @classmethod
    def empty(cls, frame: Frame) -> Counts:
        """Of no rows."""
        n, none = len(frame.rows), np.zeros(len(frame.rows), np.int64)
        cells = len(frame.places) * n
        return cls(
            ExactSums(np.zeros(n), np.zeros(n)),
            none,
            none,
            Tally(cells),
            Tally(cells),
            Tally(cells * THIRDS),
            Tally(cells * WIDE),
            none,
            0,
            Tally(n * n),
            Tally(n * n),
            Tally(n * n),
            np.zeros((6, n), np.int64),
        )

    def include(self, seen: Interactions, frame: Frame) -> None:
        """Count the rows of one part."""
        n = len(frame.rows)
        self.recent += ExactSums.of(seen.item, freshness(seen, frame.newest_us), n)
        again, possible = repeats(seen, n)
        self.again, self.possible = self.again + again, self.possible + possible
        self._include_places(seen, frame, n)
        self._include_baskets(Baskets.of(seen, n, frame.popularity), frame, n)
        self.moments = self.moments + counts_of_moments(seen.item, daypart(seen.hour), n)
        self.buyers.append(len(distinct(seen.customer[seen.customer >= 0])))
        self.pairs.append(len(distinct_pairs(seen, n)))

    def _include_places(self, seen: Interactions, frame: Frame, n: int) -> None:
        for place in _places_of(seen, frame.places):
            rows = np.flatnonzero(place >= 0)
            cell = place[rows] * n + seen.item[rows]
            self.at_place.count(cell)
            person = seen.person[rows].astype(np.int64)
            _count_people(self.people, cell, person)
            timed = ~np.isnan(seen.hour[rows])
            hour = seen.hour[rows][timed].astype(np.int64)
            _count_people(self.people_by_part, cell[timed] * THIRDS + hour // 3, person[timed])
            self.by_hour.count(cell[timed] * WIDE + hour)

    def _include_baskets(self, baskets: Baskets, frame: Frame, n: int) -> None:
        self.times = self.times + np.bincount(baskets.with_item.indices, minlength=n)
        self.n_orders += len(baskets.orders)
        same = baskets.same().tocoo()
        self.same.add(same.row.astype(np.int64) * n + same.col, same.data.astype(np.int64))
        with_item, follows = baskets.with_item, baskets.follows
        if frame.least > 1:
            self.same_people.add(*people_of_pairs(with_item, with_item, baskets.person))
        self.after_people.add(*people_of_pairs(with_item[follows], baskets.behind, baskets.person[follows]))

    def merge(self, other: Counts) -> None:
        """Add the counts of the parts that follow."""
        self.recent += other.recent
        self.again, self.possible = self.again + other.again, self.possible + other.possible
        self.times, self.n_orders = self.times + other.times, self.n_orders + other.n_orders
        self.moments = self.moments + other.moments
        self.buyers += other.buyers
        self.pairs += other.pairs
        for name in ("at_place", "people", "people_by_part", "by_hour", "same", "same_people", "after_people"):
            getattr(self, name).merge(getattr(other, name))

    def popular(self, frame: Frame) -> Popular:
        """What is popular, from everybody's counts."""
        n = len(frame.rows)
        at_place = _enough(self.at_place, self.people, 1, frame.least)
        by_hour, hours = self.by_hour.items()
        if frame.least > 1:
            cells, people = self.people.items()
            parts, people_by_part = self.people_by_part.items()
            kept = np.isin(by_hour // WIDE, cells[people >= frame.least])
            kept &= np.isin(by_hour // WIDE * THIRDS + by_hour % WIDE // 3, parts[people_by_part >= frame.least])
            by_hour, hours = by_hour[kept], hours[kept]

        def counted(row: int) -> tuple[Ints, Ints | None]:
            keys, rows = at_place
            here = slice(*np.searchsorted(keys, [row * n, (row + 1) * n]))
            counts = np.zeros(n, np.int64)
            counts[keys[here] - row * n] = rows[here]
            if not frame.clock:
                return counts, None
            now = slice(*np.searchsorted(by_hour, [row * n * WIDE, (row + 1) * n * WIDE]))
            cell = by_hour[now] - row * n * WIDE
            grid = np.bincount(cell % WIDE % HOURS * n + cell // WIDE, hours[now], minlength=HOURS * n)
            return counts, grid.astype(np.int64).reshape(HOURS, n)

        total = self.recent.total()
        return Popular.of(frame.rows, self.again, self.possible, total, frame.places, frame.clock, counted)

    def same_table(self, least: int) -> sparse.csr_array:
        """(items, items): how many orders have both, of pairs with enough people."""
        n = len(self.times)
        keys, orders = _enough(self.same, self.same_people, 1, least)
        return sparse.csr_array((orders.astype(np.float32), (keys // n, keys % n)), shape=(n, n))

    def after_keys(self, least: int) -> Ints:
        """The pairs i * items + j of which enough people had j in the order after one with i, ascending."""
        keys, people = self.after_people.items()
        return keys[people >= least]


def counts_of(vocabularies: Vocabularies, frame: Frame, parts: Sequence[Part], limits: Sequence[Limit]) -> Counts:
    """The counts of several parts that follow each other."""
    counts = Counts.empty(frame)
    for part, limit in zip(parts, limits, strict=True):
        counts.include(frame.counted(before(loaded(part, vocabularies), limit)), frame)
    return counts


def _enough(what: Tally, people: Tally, width: int, least: int) -> tuple[Ints, Ints]:
    keys, n = what.items()
    if least <= 1:
        return keys, n
    known, different = people.items()
    kept = np.isin(keys // width, known[different >= least])
    return keys[kept], n[kept]


def _count_people(tally: Tally, cell: Ints, person: Ints) -> None:
    """Each cell of the rows, once for each different person. A person is in no other part."""
    known = person >= 0
    if known.any():
        width = int(np.max(person)) + 1
        tally.count(distinct(cell[known] * width + person[known]) // width)


def _places_of(seen: Interactions, places: NDArray[np.int64]) -> list[Ints]:
    """For each kind of place (everywhere, region, site, both): each row's place, -1 where it has none."""
    found = [np.zeros(len(seen), np.int64)]
    region, site = seen.region.astype(np.int64), seen.site.astype(np.int64)
    none = np.full(len(seen), -1, np.int64)
    width = int(max(np.max(places[:, 1]), np.max(site, initial=-1))) + 2
    keys = (places[:, 0] + 1) * width + places[:, 1] + 1
    order = np.argsort(keys, kind="stable")
    for pair, known in (
        ((region, none), region >= 0),
        ((none, site), site >= 0),
        ((region, site), (region >= 0) & (site >= 0)),
    ):
        wanted = (pair[0] + 1) * width + pair[1] + 1
        at = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
        found.append(np.where(known & (keys[order][at] == wanted), order[at], -1))
    return found
