"""An attacker with both databases and no key: tries whatever joins a customer of identity with a pseudonym.

A store is a set of tables; a table has columns and rows, in the order in which they lie there. The attacker may
compare any column of one store with any column of the other: equal values, also hashed or spelled otherwise; times
near one another; the order of the rows, as they lie and as each column sorts them; numbers by their size.

Whether a comparison says anything is judged against the same comparison with customers and pseudonyms dealt anew:
what the best of all comparisons reaches by chance is the limit (a permutation test, corrected for their number).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

DEALS = 300  # permutations; the limit is above what the best comparison reached in any of them
LEAST_CUSTOMERS = 8  # a comparison of fewer says nothing
LEAST_BYTES = 8  # of a value that is the same on both sides by more than chance
Value = str | bytes | int | float | None
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """`rows` as the attacker finds them. `owners` says whose each row is (a number, -1 nobody's): the judge knows,
    the attacker does not."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    owners: Sequence[int]


@dataclass
class Features:
    """What the columns of a table say: `ranks` of each customer, NaN where nothing; `near`, the numbers of single
    rows with their owners; `values`, what may stand elsewhere too."""

    names: list[str] = field(default_factory=list)
    ranks: list[Floats] = field(default_factory=list)
    near: list[tuple[str, Floats, NDArray[np.int64]]] = field(default_factory=list)
    values: dict[str, set[bytes]] = field(default_factory=dict)


def features(table: Table, customers: int) -> Features:
    """Order and size of every column, by customer: the first and the last of their rows."""
    found, owners = Features(), np.asarray(table.owners, np.int64)
    columns = {"order of the rows": list(range(len(table.rows)))} | {
        name: [row[place] for row in table.rows] for place, name in enumerate(table.columns)
    }
    for name, values in columns.items():
        numbers = np.array([_number(value) for value in values], np.float64)
        if np.isfinite(numbers).any():
            if name != "order of the rows":
                here = np.isfinite(numbers) & (owners >= 0)
                found.near.append((f"{table.name}.{name}", numbers[here], owners[here]))
            sizes = numbers
        else:
            known = sorted({_bytes(value) for value in values})
            sizes = np.array([known.index(_bytes(value)) for value in values], np.float64)
            found.values[f"{table.name}.{name}"] = {v for v in known if len(v) >= LEAST_BYTES}
        for what, pick in (("first", np.fmin), ("last", np.fmax)):
            said = np.full(customers, np.nan)
            for owner, size in zip(owners, sizes, strict=True):
                if owner >= 0:
                    said[owner] = pick(said[owner], size)
            if len(np.unique(said[np.isfinite(said)])) > 1:
                found.names.append(f"{table.name}.{name} ({what})")
                found.ranks.append(said)
    return found


class Deals:
    """So many customers dealt anew, DEALS times: shape (DEALS + 1, n), the first row as they are."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._of: dict[int, NDArray[np.int64]] = {}

    def of(self, n: int) -> NDArray[np.int64]:
        """The same deals for every comparison of `n` customers."""
        if n not in self._of:
            self._of[n] = np.vstack([np.arange(n), *(self._rng.permutation(n) for _ in range(DEALS))])
        return self._of[n]


def joined(ours: Iterable[Table], theirs: Iterable[Table], customers: int, seed: int = 13) -> dict[str, str]:
    """Every comparison that joins customers with pseudonyms above chance: (what with what) -> why."""
    left = [features(table, customers) for table in ours]
    right = [features(table, customers) for table in theirs]
    deals, found = Deals(seed), _equal(left, right)
    for what, strength, by_chance in (*_by_rank(left, right, deals), *_by_nearness(left, right, deals)):
        limit = float(np.max(by_chance))
        for pair, value in zip(what, strength, strict=True):
            if value > limit:
                found.setdefault(pair, f"{value:.1f}, by chance at most {limit:.1f}")
    return found


def _equal(left: Sequence[Features], right: Sequence[Features]) -> dict[str, str]:
    """The same value on both sides, plain or under a hash or another spelling."""
    found = {}
    spelled = [
        (name, {way for value in values for way in _spellings(value)})
        for one in left
        for name, values in one.values.items()
    ]
    for other in right:
        for name, values in other.values.items():
            for mine, ways in spelled:
                if len(same := ways & values) > 1:
                    found[f"{mine} = {name}"] = f"{len(same)} equal values"
    return found


Judged = tuple[list[str], Floats, Floats]


def _by_rank(left: Sequence[Features], right: Sequence[Features], deals: Deals) -> Iterable[Judged]:
    """The order in which customers come on one side against that of pseudonyms on the other."""
    a = [(name, one) for part in left for name, one in zip(part.names, part.ranks, strict=True)]
    b = [(name, one) for part in right for name, one in zip(part.names, part.ranks, strict=True)]
    names, strengths, chance = list[str](), list[float](), list[Floats]()
    for mine, first in a:
        for other, second in b:
            value = _correlated(first, second, deals)
            if value is not None:
                names.append(f"{mine} ~ {other}")
                strengths.append(value[0])
                chance.append(value[1:])
    if names:
        yield names, np.array(strengths), np.max(np.array(chance), axis=0)


def _correlated(first: Floats, second: Floats, deals: Deals) -> Floats | None:
    """Rank correlation as a t value, as it is and dealt anew; None when too few customers have both."""
    here = np.isfinite(first) & np.isfinite(second)
    n = int(here.sum())
    if n < LEAST_CUSTOMERS:
        return None
    x, y = _ranked(first[here]), _ranked(second[here])
    spread = float(np.sqrt((x**2).sum() * (y**2).sum()))
    if spread == 0:
        return None
    r = np.minimum(np.abs(y[deals.of(n)] @ x) / spread, 1 - 1e-9)
    return np.asarray(r * np.sqrt((n - 2) / (1 - r * r)), np.float64)


def _ranked(values: Floats) -> Floats:
    _, place = np.unique(values, return_inverse=True)
    counts = np.bincount(place)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return np.asarray(ranks - ranks.mean(), np.float64)


def _by_nearness(left: Sequence[Features], right: Sequence[Features], deals: Deals) -> Iterable[Judged]:
    """For each number of ours the nearest of theirs: how often it is the same person's."""
    names, strengths, chance = list[str](), list[float](), list[Floats]()
    for mine, ours, owners in (near for part in left for near in part.near):
        for other, theirs, people in (near for part in right for near in part.near):
            both = np.intersect1d(owners, people)
            if len(both) < LEAST_CUSTOMERS:
                continue
            here, there = np.isin(owners, both), np.isin(people, both)
            guessed = np.searchsorted(both, people[there][_nearest(ours[here], theirs[there])])
            truth = deals.of(len(both))[:, np.searchsorted(both, owners[here])]
            hits = (guessed[None, :] == truth).mean(axis=1)
            spread = max(float(hits[1:].std()), 1 / len(guessed))
            scaled = (hits - hits[1:].mean()) / spread
            names.append(f"{mine} is near {other}")
            strengths.append(float(scaled[0]))
            chance.append(scaled[1:])
    if names:
        yield names, np.array(strengths), np.max(np.array(chance), axis=0)


def _nearest(ours: Floats, theirs: Floats) -> NDArray[np.int64]:
    """The place of the nearest of theirs for each of ours; among several that are equally near, any."""
    order = np.argsort(theirs, kind="stable")
    places = np.clip(np.searchsorted(theirs[order], ours), 1, len(theirs) - 1)
    before, after = order[places - 1], order[places]
    return np.where(np.abs(theirs[before] - ours) <= np.abs(theirs[after] - ours), before, after)


def _number(value: Value) -> float:
    if isinstance(value, bool) or value is None or isinstance(value, bytes):
        return float("nan")
    if isinstance(value, str):
        return float(value) if value.isdecimal() and len(value) < 20 else float("nan")
    return float(value)


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _spellings(value: bytes) -> set[bytes]:
    """A value as it is, and as somebody may have written it elsewhere."""
    raws = {value}
    text = value.decode("ascii", "ignore")
    for decode in (bytes.fromhex, lambda one: base64.urlsafe_b64decode(one + "=" * (-len(one) % 4))):
        try:
            raws.add(decode(text))
        except ValueError:
            continue
    hashes = (hashlib.sha256, hashlib.sha1, hashlib.md5, hashlib.sha512, hashlib.blake2b)
    raws |= {make(raw).digest() for raw in list(raws) for make in hashes}
    ways = set(raws)
    for raw in raws:
        ways |= {
            raw.hex().encode(),
            raw.hex().upper().encode(),
            base64.b64encode(raw),
            base64.urlsafe_b64encode(raw),
        }
        ways.add(base64.urlsafe_b64encode(raw).rstrip(b"="))
    return {way for way in ways if len(way) >= LEAST_BYTES}


def values_by_owner(tables: Mapping[str, Table]) -> dict[str, int]:
    """How many rows of each table are somebody's: a drill on empty tables shows nothing."""
    return {name: sum(owner >= 0 for owner in table.owners) for name, table in tables.items()}
