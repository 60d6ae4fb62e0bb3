"""What an event must be before it is stored: its time, its position, its size, and whose it may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

from plumbing.clock import HOUR, MINUTE, SECOND
from recommender.destinations.area import ServedArea
from recommender.destinations.places import NOWHERE_DEGREES, BadCoordinatesError, position_of
from recommender.errors import (
    EventBeforeClocks,
    EventFromFuture,
    EventIncomplete,
    EventOutsidePress,
    EventPosition,
    EventTooOld,
    UnknownItem,
    VisitTooLarge,
)
from recommender.scene import Event, KnownIds
from recommender.store.events import EventStore
from recommender.times import hour_of
from recommender.tokens import Claims

FUTURE_GRACE_US = 2 * MINUTE
"""Devices' clocks may run ahead by so much; a larger difference is a wrong clock."""

FIRST_US = 946_684_800 * SECOND
"""The year 2000. What comes from before is the wrong clock of a device, or of the till that a file comes from."""

PRESS_GRACE_US = 5 * MINUTE
"""So long before its token was made may an event of a customer lie: a PIN makes a second token for one visit."""

GUEST_HOURS = 48
"""So old may a guest's event be: a screen that was cut off sends it later."""

MOST_OF_A_VISIT: Mapping[str, int] = {"ordered": 20, "rode": 10, "redeemed": 20}
MOST_OTHER = 200
"""Events of one customer since the press, of each type: a visit is not a thousand orders."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends events: a device, or a key without one."""

    name: str = ""  # "" is a file
    site: str = ""  # the only one it may name; "" may name any of the tenant's
    in_bulk: bool = False  # it may bring guests' older events: a key that may train or administer


def size_of(events: Sequence[Event]) -> tuple[int, int]:
    """Lines, and about how many bytes the events take."""
    lines = sum(len(event.lines) for event in events)
    texts = ("event_id", "site", "region", "origin", "recommendation_id")
    size = sum(120 + sum(len(getattr(event, name).encode()) for name in texts) for event in events)
    return lines, size + sum(
        60 + len(line.item.encode()) + sum(len(one.encode()) + 3 for one in line.options)
        for event in events
        for line in event.lines
    )


def check_event(
    index: int, event: Event, now_us: int, known: Mapping[str, KnownIds], area: ServedArea | None = None
) -> None:
    """Check one event of a batch; `known` are the ids that each scene's events may name.

    Raises:
        EventFromFuture: more than two minutes ahead.
        EventIncomplete: no item, or a ride with several destinations.
        UnknownItem: about something that is not in the catalogue.
        EventPosition: a position at 0,0 or outside of the served area.
    """
    if event.time_us > now_us + FUTURE_GRACE_US:
        raise EventFromFuture(index)
    if not event.lines and event.type != "shown":
        raise EventIncomplete(index, f"an event {event.type!r} needs at least one item.")
    if event.type == "rode" and len(event.lines) != 1:
        raise EventIncomplete(index, "a ride has one destination.")
    named = known[event.scene]
    for item in (*(line.item for line in event.lines), *([event.origin] if event.origin else [])):
        if item not in named.ids:
            raise UnknownItem(index, item, named.noun)
        if item.startswith("geo:") and area is not None:
            _check_place(index, item, area)


def _check_place(index: int, item: str, area: ServedArea) -> None:
    """Raises EventPosition."""
    try:
        spot = position_of(item)
        if spot is None:
            return
        if max(map(abs, spot)) < 2 * NOWHERE_DEGREES:
            raise EventPosition("latitude 0, longitude 0 is what a receiver without a signal says.", index)
        area.check(*spot)
    except BadCoordinatesError as error:
        raise EventPosition(f"{error}.", index) from error


def at_the_site(event: Event, zone: tzinfo | None) -> Event:
    """The event by the clock of its site, where it came by UTC's: a till that sends UTC has the habits of its
    customers by the clock on the wall all the same."""
    sent = datetime.fromtimestamp(event.time_us / SECOND, UTC)
    if zone is None or (event.weekday, event.hour) != (sent.weekday(), round(hour_of(sent), 4)):
        return event
    there = sent.astimezone(zone)
    return replace(event, hour=round(hour_of(there), 4), weekday=there.weekday())


def check_year(index: int, event: Event) -> None:
    """Raises EventBeforeClocks."""
    if event.time_us < FIRST_US:
        raise EventBeforeClocks(index)


def check_time(index: int, event: Event, now_us: int, claims: Claims | None, sender: Sender) -> None:
    """An event belongs to the press that its token comes from; a guest's is of these days.

    Raises:
        EventOutsidePress, EventTooOld: it is older. EventBeforeClocks: also of a file, before the year 2000.
    """
    if claims is not None:
        if event.time_us < claims.issued_us - PRESS_GRACE_US:
            raise EventOutsidePress(index)
    elif not sender.in_bulk and event.time_us < now_us - GUEST_HOURS * HOUR:
        raise EventTooOld(index, GUEST_HOURS)
    check_year(index, event)


def check_visit(store: EventStore, tenant: str, claims: Claims) -> None:
    """After the events were stored, in the same transaction: the visit is still one visit.

    Raises:
        VisitTooLarge: more than `MOST_OF_A_VISIT` since the press; nothing is stored.
    """
    counts = store.counted_since(tenant, claims.pseudonym, claims.issued_us - PRESS_GRACE_US)
    if any(n > MOST_OF_A_VISIT.get(kind, MOST_OTHER) for kind, n in counts.items()):
        raise VisitTooLarge
