"""Whether a log can be right at all, and whether it is still the log that the last accepted training read.

What an earlier training read is compared with what can be read of it now: up to the same moment, hardly anything
changes by itself. So the limits are tight there, however much has happened since. Each limit has its reason; a
person may accept a change knowingly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from plumbing.clock import DAY, SECOND
from plumbing.words import Message
from recommender.ranking.interactions import NO_TIME, Interactions
from recommender.training.gate.profile import EARLIEST_US, Profile, distance, known_until, replaced

LEAST_LINES, LEAST_CUSTOMERS = 50, 20
"""Of the earlier log, before shares of it mean anything."""

TOO_EARLY = 0.005
"""Clocks that were never set date a few orders to 1970; more come from a wrong export."""
TOO_LATE = 0.0005
"""The routes refuse orders from the future; those that are there came from somewhere else."""
AGAIN_SOON, MORE_AGAIN_SOON = 0.25, 0.05
"""A second beer is the same order twice in half an hour; not in every fourth order."""
MORE_AGAIN_SAME_DAY = 0.10
LARGEST, MORE_LARGEST = 0.20, 0.10
"""No customer of twenty or more has a fifth of all lines; a test account or a till does."""
LOST = 0.25
"""Erasures are subtracted; what is deleted by age goes a day at a time."""
FEWER_PEOPLE, MORE_PEOPLE = 0.75, 1.30
"""Customers up to the same moment, for the lines that are there: fewer were merged, more were split."""
OLDER_US = 30 * DAY
OLDER_PART = 0.05
MIX, SITE_MIX = 0.20, 0.25
"""How much of what was ordered may be something else, beyond chance: a dish that is renamed is less."""
HABITS = 0.04
"""The share of lines with something known, of all lines up to the same moment: it stays unless they change."""
SITE_SHARE = 0.05
"""A site with less of the lines may close."""
ONE_ITEM = 0.5
"""Of what came since, more than this beyond its share before is one item: no season does that."""
KNOWN_SWAPPED, SWAPPED = 0.05, 0.12
"""Beyond its distance to its own earlier mix: what was there already is the same, what came since is a sample."""
OTHER_LINES, SAME_TIMES = 0.40, 0.15
"""Corrections touch single lines; the sketches know a share to about a tenth of it."""
REWRITTEN = 0.20
"""From here on the history counts as rewritten: the figures are then compared more strictly."""


ABOUT_DATA = frozenset(
    f"gate-{name}"
    for name in (
        *("shrunk", "lost", "fewer-customers", "more-customers", "site-gone", "too-early", "too-late", "older"),
        *("moved", "twice", "giant", "one-item", "other-items", "other-sites", "swapped", "harder", "easier"),
        *("spending", "habits"),
    )
)
"""Refusals that a person may overrule who knows why the log changed."""


@dataclass(frozen=True, slots=True)
class Looks:
    """One log: all of it, what an earlier training could have read of it, and the lines that lie before that
    one's first."""

    whole: Profile
    known: Profile | None = None
    n_older: int = 0

    def __add__(self, other: Looks) -> Looks:
        known = self.known + other.known if self.known is not None and other.known is not None else None
        return Looks(self.whole + other.whole, known, self.n_older + other.n_older)


def looks_of(seen: Interactions, earlier: Profile | None, now_us: int) -> Looks:
    """The looks of the rows of whole customers."""
    whole = Profile.of(seen, now_us)
    if earlier is None or earlier.last_us is None:
        return Looks(whole)
    known = Profile.of(known_until(seen, earlier.last_us), now_us)
    before = 0
    if earlier.first_us is not None:
        timed = (seen.time_us != NO_TIME) & (seen.time_us >= EARLIEST_US)
        before = int(np.count_nonzero(timed & (seen.time_us < earlier.first_us - DAY)))
    return Looks(whole, known, before)


def impossible(log: Profile) -> Iterator[Message]:
    """What no log of a restaurant or of taxis looks like, whatever was there before."""
    lines = max(log.lines, 1)
    if log.too_early > TOO_EARLY * lines:
        yield Message.of("gate-too-early", n=log.too_early, lines=log.lines)
    if log.too_late > TOO_LATE * lines:
        yield Message.of("gate-too-late", n=log.too_late, lines=log.lines)
    if log.orders >= 100 and log.again_soon > AGAIN_SOON * log.orders:
        yield Message.of("gate-twice", percent=_percent(log.again_soon / log.orders))
    if log.customers >= LEAST_CUSTOMERS and log.largest_share > LARGEST:
        yield Message.of("gate-giant", percent=_percent(log.largest_share))
    if len(log.items) == 1 and log.lines >= LEAST_LINES and log.customers >= LEAST_CUSTOMERS:
        yield Message.of("gate-one-item")


def changed(looks: Looks, earlier: Profile, erased: int = 0) -> Iterator[Message]:
    """What differs from the log of the last accepted training; `erased` lines were erased since."""
    whole, known = looks.whole, looks.known or looks.whole
    if earlier.lines < LEAST_LINES:
        return
    if earlier.last_us is not None and whole.last_us is not None and whole.last_us < earlier.last_us - OLDER_US:
        yield Message.of("gate-older", now=_day(whole.last_us), then=_day(earlier.last_us))
    if looks.n_older > OLDER_PART * known.lines and known.lines < 1.1 * earlier.lines:
        yield Message.of("gate-moved", percent=_percent(looks.n_older / max(known.lines, 1)))
    yield from _people(known, earlier, erased)
    yield from _lost(known, earlier, erased)
    yield from _again(whole, earlier)
    yield from _habits(known, earlier)
    share = whole.largest_share
    if max(whole.customers, earlier.customers) >= LEAST_CUSTOMERS and share > earlier.largest_share + MORE_LARGEST:
        yield Message.of("gate-giant", percent=_percent(share))
    yield from _one_item_lately(looks, earlier)
    yield from _swapped(looks, earlier)
    yield from _mixes(known, earlier)
    yield from _rewritten(known, earlier)


def _rewritten(known: Profile, earlier: Profile) -> Iterator[Message]:
    """The same moments, and something else was ordered at them."""
    lines, times = replaced(known, earlier), replaced(known, earlier, "times_sketch")
    if lines is not None and times is not None and lines > OTHER_LINES and times < SAME_TIMES:
        yield Message.of("gate-other-items", percent=_percent(lines))


def is_rewritten(looks: Looks, earlier: Profile) -> bool:
    """Whether a good part of what the last training read has gone or reads differently now."""
    share = replaced(looks.known or looks.whole, earlier)
    return share is not None and share > REWRITTEN


def _people(known: Profile, earlier: Profile, erased: int) -> Iterator[Message]:
    if earlier.customers < LEAST_CUSTOMERS:
        return
    left = known.lines / max(earlier.lines - erased, 1)
    people = known.customers / earlier.customers
    numbers = {"now": known.customers, "then": earlier.customers}
    if people < FEWER_PEOPLE * min(left, 1.0):
        yield Message.of("gate-fewer-customers", **numbers)
    elif people > MORE_PEOPLE * max(left, 1.0):
        yield Message.of("gate-more-customers", **numbers)


def _lost(known: Profile, earlier: Profile, erased: int) -> Iterator[Message]:
    gone = [
        name or "-"
        for name, mix in sorted(earlier.sites.items())
        if sum(mix.values()) >= max(SITE_SHARE * earlier.lines, LEAST_LINES)
        and sum(known.sites.get(name, {}).values()) < 0.2 * sum(mix.values())
    ]
    if gone:
        yield Message.of("gate-site-gone", sites=", ".join(gone[:3]), n=len(gone))
    if known.lines < (1 - LOST) * (earlier.lines - erased):
        yield Message.of("gate-lost", now=known.lines, then=earlier.lines)


def _again(whole: Profile, earlier: Profile) -> Iterator[Message]:
    if min(whole.orders, earlier.orders) < 100:
        return
    for name, most in (("again_soon", MORE_AGAIN_SOON), ("again_same_day", MORE_AGAIN_SAME_DAY)):
        share = getattr(whole, name) / whole.orders
        if share > getattr(earlier, name) / earlier.orders + most:
            yield Message.of("gate-twice", percent=_percent(share))
            return


def _habits(known: Profile, earlier: Profile) -> Iterator[Message]:
    """Customers come back to what they had: less so where their orders, or the dishes, were mixed up."""
    now, then = (one.known_items / max(one.lines, 1) for one in (known, earlier))
    if abs(now - then) > HABITS + 2 / math.sqrt(max(min(known.lines, earlier.lines), 1)):
        yield Message.of("gate-habits", now=_percent(now), then=_percent(then))


def _mixes(known: Profile, earlier: Profile) -> Iterator[Message]:
    moved = distance(known.items, earlier.items)
    if moved > MIX + _by_chance(known.items, earlier.items):
        yield Message.of("gate-other-items", percent=_percent(moved))
    strange, lines = 0, 0
    for site, mix in earlier.sites.items():
        ours = known.sites.get(site, {})
        n = sum(mix.values())
        if min(n, sum(ours.values())) >= 2 * LEAST_LINES:
            lines += n
            strange += n if distance(ours, mix) > SITE_MIX + _by_chance(ours, mix) else 0
    if strange > 0.1 * max(lines, 1):
        yield Message.of("gate-other-sites", percent=_percent(strange / lines))


def _one_item_lately(looks: Looks, earlier: Profile) -> Iterator[Message]:
    known = looks.known.items if looks.known is not None else {}
    fresh = {name: n - known.get(name, 0) for name, n in looks.whole.items.items() if n > known.get(name, 0)}
    lines = sum(fresh.values())
    usual = max((n for name, n in earlier.items.items() if name), default=0) / max(earlier.lines, 1)
    if lines >= 2 * LEAST_LINES and max(fresh.values()) / lines > usual + ONE_ITEM:
        yield Message.of("gate-one-item")


def _swapped(looks: Looks, earlier: Profile) -> Iterator[Message]:
    """What comes from one site looks like another one: two tills changed places. For what was there before, and
    for what came since."""
    known = looks.known
    if known is None:
        return
    for site in earlier.sites:
        before = known.sites.get(site, {})
        after = looks.whole.sites.get(site, {})
        fresh = {name: n - before.get(name, 0) for name, n in after.items() if n > before.get(name, 0)}
        other = _likest(before, site, earlier, KNOWN_SWAPPED) or _likest(fresh, site, earlier, SWAPPED)
        if other is not None:
            yield Message.of("gate-swapped", site=site, other=other)
            return


def _likest(mix: Mapping[str, int], site: str, earlier: Profile, margin: float) -> str | None:
    """The other site whose earlier mix this one is like, by so much more than its own; None without one."""
    if sum(mix.values()) < 2 * LEAST_LINES:
        return None
    own = distance(mix, earlier.sites[site])
    others = [name for name, its in earlier.sites.items() if name != site and sum(its.values()) >= 2 * LEAST_LINES]
    near = min(others, key=lambda name: distance(mix, earlier.sites[name]), default=None)
    return near if near is not None and own > distance(mix, earlier.sites[near]) + margin else None


def _by_chance(ours: Mapping[str, int], theirs: Mapping[str, int]) -> float:
    """How far two samples of one mix lie apart: sqrt(items / lines), twice the mean of the distance."""
    n = max(min(sum(ours.values()), sum(theirs.values())), 1)
    return math.sqrt(len(theirs) / n)


def _percent(share: float) -> int:
    return round(100 * share)


def _day(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / SECOND, UTC).date().isoformat()
