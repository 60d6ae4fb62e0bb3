"""People who do not exist, for previews: drawn from the catalogue, or imagined by whoever asks.

Nothing of a customer is in them. The same catalogue gives the same people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recommender.ranking.dayparts import DAYPARTS
from recommender.ranking.interactions import Interactions
from recommender.scene import Item, no_interactions

MOST_ORDERS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOURS: Mapping[str, int] = {"breakfast": 8, "lunch": 12, "afternoon": 16, "dinner": 19, "night": 23}


@dataclass(frozen=True, slots=True)
class PastOrder:
    """One order of an imaginary person: item ids (one with several pieces stands there several times)."""

    items: tuple[str, ...]
    days_ago: int
    hour: int | None = None  # of the local clock
    site: str = ""


@dataclass(frozen=True, slots=True)
class DrawnPerson:
    """One of the people of the demo town: `name` names its sentence (`drawn-NAME`)."""

    name: str
    orders: tuple[PastOrder, ...]


def history_of(orders: Sequence[PastOrder], now: datetime) -> Interactions:
    """The orders as a scene reads a history; `now` is the local moment of the visit."""
    rows = [(number, order, item) for number, order in enumerate(orders) for item in order.items]
    if not rows:
        return no_interactions()
    moments = [_moment(order, now, number) for number, order in enumerate(orders)]
    return Interactions.from_columns(
        {
            "customer": ["somebody"] * len(rows),
            "order": [moments[number].timestamp() for number, _, _ in rows],
            "item": [item for _, _, item in rows],
            "time_us": [(moments[number] - _EPOCH) // timedelta(microseconds=1) for number, _, _ in rows],
            "hour": [moments[number].hour + moments[number].minute / 60 for number, _, _ in rows],
            "weekday": [moments[number].weekday() for number, _, _ in rows],
            "site": [order.site for _, order, _ in rows],
        }
    )


def _moment(order: PastOrder, now: datetime, number: int) -> datetime:
    """Two orders of one day and hour lie a second apart: they remain two."""
    at = now - timedelta(days=order.days_ago)
    if order.hour is not None:
        at = at.replace(hour=order.hour, minute=0, second=0, microsecond=0)
    return min(at, now) - timedelta(seconds=number + 1)


def drawn_people(items: Sequence[Item], *, together: bool) -> list[DrawnPerson]:
    """A newcomer, a regular of the morning, one at noon who changes, one of the evening.

    `together`: whether one order holds several items, as at a kiosk and not in a taxi.
    """
    can = [item for item in items if item.available and not item.sensitive]
    people = [DrawnPerson("newcomer", ())]
    morning, noon, evening = (_served(can, part) for part in ("breakfast", "lunch", "dinner"))
    if morning:
        usual = tuple(item.item_id for item in _different(morning, 2 if together else 1))
        people.append(DrawnPerson("morning", tuple(PastOrder(usual, 2 * k + 1, 8) for k in range(10))))
    if noon:
        people.append(
            DrawnPerson("noon", tuple(PastOrder((noon[k % len(noon)].item_id,), 3 * k + 1, 12) for k in range(9)))
        )
    if evening:
        usual = tuple(item.item_id for item in _different(evening[::-1], 3 if together else 1))
        people.append(DrawnPerson("evening", tuple(PastOrder(usual, 7 * k + 2, 19) for k in range(6))))
    return people


def _served(items: Sequence[Item], part: str) -> list[Item]:
    return [item for item in items if not item.dayparts or part in item.dayparts]


def _different(items: Sequence[Item], n: int) -> list[Item]:
    """The first of each category, up to n."""
    found: dict[str, Item] = {}
    for item in items:
        found.setdefault(item.category, item)
    return list(found.values())[:n]


def hour_of_daypart(name: str) -> int:
    """An hour in the middle of a part of the day."""
    return HOURS.get(name, DAYPARTS[1][0] + 1)
