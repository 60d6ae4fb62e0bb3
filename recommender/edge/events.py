"""Events as a store box sends them, and how the centre keeps each of them once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import structlog

from plumbing.clock import Clock
from recommender.errors import Erased, EventConflict
from recommender.scene import Event, OrderLine, RecordedEvents
from recommender.service import RecommenderService
from recommender.store.copies import SENDER, sender_at

FORMAT = 1
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that a box stored together: all of one customer, or all of guests."""

    events: tuple[Event, ...]
    purposes: tuple[str, ...]

    def to_json(self, box: str) -> dict[str, Any]:
        """As it is sent; the senders are those of the box `box`."""
        rows = [as_json(_as_sent(event, box)) for event in self.events]
        return {"format": FORMAT, "events": rows, "purposes": list(self.purposes)}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Batch:
        """The inverse of `to_json`. Raises ValueError: no events of a box, or of another version."""
        try:
            if said["format"] != FORMAT:
                raise ValueError(f"events of a box have the format {FORMAT}")
            made = cls(tuple(event_of(row) for row in said["events"]), tuple(map(str, said["purposes"])))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("these are no events of a box") from error
        if not all(event.sender.startswith(SENDER) for event in made.events):
            raise ValueError("a sender that is no box")
        return made


@dataclass
class Taken:
    """What became of events: new ones, those that were there, and those of customers who left meanwhile."""

    new: int = 0
    known: int = 0
    of_the_erased: int = 0
    refused: int = 0


def take(service: RecommenderService, tenant: str, site: str, batches: Sequence[Batch], now_us: Clock) -> Taken:
    """Keep the events of a box at `site`, each once however often it comes; committed when this returns.

    They were checked at the box when they happened: an item that left the catalogue since is no reason to lose an
    order. An event of another site is refused. Raises DatabaseBusy or DiskFull: it comes again then.
    """
    taken = Taken()
    mine = []
    for batch in batches:
        if {event.site for event in batch.events} <= {"", site}:
            mine.append(batch)
        else:
            taken.refused += len(batch.events)
            log.warning("events_of_another_site_refused", n=len(batch.events))
    try:
        with service.database.write():
            fresh = [_stored(service, tenant, batch, now_us()) for batch in mine]
        for batch, new in zip(mine, fresh, strict=True):
            _count(service, tenant, batch, new, taken)
    except (Erased, EventConflict):
        for batch in mine:
            _one_by_one(service, tenant, batch, now_us(), taken)
    return taken


def _one_by_one(service: RecommenderService, tenant: str, batch: Batch, now_us: int, taken: Taken) -> None:
    """One of several cannot be kept: the others are."""
    for event in batch.events:
        try:
            alone = replace(batch, events=(event,))
            _count(service, tenant, alone, _stored(service, tenant, alone, now_us), taken)
        except Erased:
            taken.of_the_erased += 1
        except EventConflict:
            taken.refused += 1
            log.warning("event_of_a_box_refused", code=EventConflict.code)


def _count(service: RecommenderService, tenant: str, batch: Batch, new: int, taken: Taken) -> None:
    """Count what is committed, and let those know who want to: also of what came before, which they know again, as
    whoever was stopped between the two would never hear of it."""
    taken.new, taken.known = taken.new + new, taken.known + len(batch.events) - new
    service.on_recorded(tenant, batch.events, batch.purposes)


def _stored(service: RecommenderService, tenant: str, batch: Batch, now_us: int) -> int:
    with service.database.write():
        events = service.stores.own.without_taken_back(tenant, batch.events)
        new, reduced = service.events.record_and_settle(tenant, events, now_us)
        items = service.caches.menu(tenant, "item").by_id
        recorded = RecordedEvents(tenant, events, now_us, batch.purposes, items, reduced)
        for scene in service.scenes.values():
            scene.record(recorded)
        service.figures.counters.recorded(tenant, {order.time_us for order in reduced})
    return new


def _as_sent(event: Event, box: str) -> Event:
    """With the names of senders that the centre has for them; an order of elsewhere keeps its own."""
    other = event.order_sender
    if other and not other.startswith(SENDER):
        other = sender_at(box, other)
    return replace(event, sender=sender_at(box, event.sender), order_sender=other)


def as_json(event: Event) -> dict[str, Any]:
    """An event as JSON has it."""
    return asdict(event)


LATER: Mapping[str, Any] = {"order_id": "", "sent_print": "", "order_sender": ""}
"""Fields that an older release does not send."""


def event_of(row: Mapping[str, Any]) -> Event:
    """The inverse of `as_json`. Raises KeyError, TypeError or ValueError."""
    kinds = {"hour": float, "time_us": int, "weekday": int}
    row = {**LATER, **row}
    values = {one.name: kinds.get(one.name, str)(row[one.name]) for one in fields(Event) if one.name != "lines"}
    lines = tuple(
        OrderLine(
            str(line["item"]),
            int(line["quantity"]),
            None if line["price"] is None else int(line["price"]),
            tuple(map(str, line.get("options", ()))),
            None if line.get("listed") is None else int(line["listed"]),
        )
        for line in row["lines"]
    )
    return Event(**values, lines=lines)
