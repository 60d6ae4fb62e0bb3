"""Checks plain events many at a time: each head and each line once, by the rules that hold for every event.

What is found here is only that an event is right. One that may be wrong is looked at by itself, as its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from plumbing.problem import Problem
from recommender.destinations.area import ServedArea
from recommender.exchange.event_rows import MOST_LINES
from recommender.exchange.opening import OrderTimes
from recommender.exchange.shapes import PlainEvent, Shapes
from recommender.exchange.time_columns import Times
from recommender.recording import FIRST_US, FUTURE_GRACE_US, check_event
from recommender.scene import Event, KnownIds, OrderLine
from recommender.schemas import EventModel, Id, Word


class ImportedEvent(EventModel):
    """An event with its customer's pseudonym: a file has no token."""

    customer: str = Field("", max_length=128, pattern=r"^[^\x00-\x1f]*$")
    event_id: Id
    order_id: Word = ""
    device: Word = Field("", description="that sent it, in an export; part of what makes an id unique")

    def imported(self) -> Event:
        """The same for the store. Raises EventError, TimeWithoutZone: as `to_event`."""
        return self.to_event(0, customer=self.customer, sender=self.device)


def _column(name: str) -> TypeAdapter[list[Any]]:
    known = ImportedEvent.model_fields[name]
    return TypeAdapter(list[Annotated[known.annotation, *known.metadata]])  # type: ignore[name-defined]


_IDS, _CUSTOMERS = _column("event_id"), _column("customer")
_SOME = {"event_id": "e", "occurred_at": "2026-11-23T12:30:00+01:00"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What events may name at this moment."""

    there: Mapping[str, KnownIds]  # what the catalogue has, by scene
    known: Mapping[str, KnownIds]  # and what it had once
    area: ServedArea | None
    now_us: int


@dataclass(frozen=True)
class PlainChecks:
    """Checks the plain events of one file."""

    shapes: Shapes
    _heads: dict[int, Event | None] = field(default_factory=dict)
    _lines: dict[int, OrderLine | None] = field(default_factory=dict)
    _right: set[object] = field(default_factory=set)  # heads, and lines of a type and scene, that fit
    _scope: list[object] = field(default_factory=list)  # where they do

    def heads(self, part: Sequence[PlainEvent]) -> list[Event]:
        """One event for each different head of these, of those that are right."""
        return [head for place in {event.head for event in part} if (head := self._head(place)) is not None]

    def split(
        self, part: Sequence[PlainEvent], scope: Scope, erased: Callable[[Collection[str]], Collection[str]]
    ) -> tuple[list[PlainEvent], list[PlainEvent]]:
        """The events that are right, and those that have to be looked at one by one.

        `erased` are those of some customers who were erased.
        """
        wrong = self._wrong({(event.head, line) for event in part for line in event.lines}, scope)
        gone = erased({event.customer for event in part if event.customer})
        odd = _refused(_IDS, [event.event_id for event in part])
        odd |= _refused(_CUSTOMERS, [event.customer for event in part])
        latest = scope.now_us + FUTURE_GRACE_US
        odd |= {at for at, event in enumerate(part) if not FIRST_US <= event.time_us <= latest}
        odd |= {
            at
            for at, event in enumerate(part)
            if not 0 < len(event.lines) < MOST_LINES or (len(event.lines) > 1 and self._is_ride(event.head))
        }
        if wrong or gone:
            odd |= {
                at
                for at, event in enumerate(part)
                if event.customer in gone or any((event.head, line) in wrong for line in event.lines)
            }
        right = [event for at, event in enumerate(part) if at not in odd] if odd else list(part)
        return right, [part[at] for at in sorted(odd)]

    def events(self, part: Sequence[PlainEvent]) -> list[Event]:
        """Events that are right as they are stored."""
        times = clock_of(part)
        return [
            self._event(event, hour, weekday)
            for event, hour, weekday in zip(part, times.hour.tolist(), times.weekday.tolist(), strict=True)
        ]

    def orders(self, part: Sequence[PlainEvent]) -> dict[str, NDArray[np.int64]]:
        """The seconds of the week, by the clock on the wall, of those that are orders; by site."""
        times = clock_of(part)
        second = times.weekday * 86_400 + times.second
        heads = np.array([event.head for event in part], np.int64)
        return {
            head.site: np.concatenate([second[heads == place] for place in places])
            for head, places in self._by_site(heads)
        }

    def _by_site(self, heads: NDArray[np.int64]) -> list[tuple[Event, list[int]]]:
        found: dict[str, tuple[Event, list[int]]] = {}
        for place in np.unique(heads).tolist():
            head = self._head(place)
            if head is not None and head.type == "ordered":
                found.setdefault(head.site, (head, []))[1].append(place)
        return list(found.values())

    def _event(self, event: PlainEvent, hour: float, weekday: int) -> Event:
        head = self._head(event.head)
        lines = tuple([line for place in event.lines if (line := self._line(place)) is not None])
        assert head is not None  # only events that are right come here
        return Event(
            event.event_id,
            head.type,
            head.scene,
            event.customer,
            event.time_us,
            hour,
            weekday,
            lines,
            head.site,
            head.region,
            head.origin,
            head.recommendation_id,
            head.sender,
            head.order_id,
            head.order_sender,
        )

    def _head(self, place: int) -> Event | None:
        """An event with this head and without lines; None: it is not right."""
        if place not in self._heads:
            self._heads[place] = _read(self.shapes.heads[place])
        return self._heads[place]

    def _line(self, place: int) -> OrderLine | None:
        """None: it is not right."""
        if place not in self._lines:
            line = {
                name: value for name, value in self.shapes.lines[place].items() if name not in ("line", "retired")
            }
            event = _read({"type": "ordered", "items": [line]})
            self._lines[place] = event.lines[0] if event else None
        return self._lines[place]

    def _is_ride(self, place: int) -> bool:
        return self.shapes.heads[place].get("type") == "rode"

    def _wrong(self, pairs: Collection[tuple[int, int]], scope: Scope) -> set[tuple[int, int]]:
        """Those of some heads and lines that do not go together.

        What holds for a line holds with every head of the same type and scene, and for a head with every line:
        each is tried once in a file. Where one fails, all are tried.
        """
        kind = {
            place: (head.type, head.scene) if (head := self._head(place)) else ("", "")
            for place in {head for head, _ in pairs}
        }
        heads = {head: (head, line) for head, line in pairs}
        lines = {(kind[head], line): (head, line) for head, line in pairs}
        right = self._right_in(scope)
        if all(self._fits(*pair, scope) for key, pair in (*heads.items(), *lines.items()) if key not in right):
            right.update(heads, lines)
            return set()
        return {(head, line) for head, line in pairs if not self._fits(head, line, scope)}

    def _right_in(self, scope: Scope) -> set[object]:
        """What was found to be right, as long as events may name the very same things."""
        now = [*(known.ids for known in scope.there.values()), scope.area]
        if len(now) != len(self._scope) or any(
            one is not other for one, other in zip(now, self._scope, strict=True)
        ):
            self._scope[:] = now
            self._right.clear()
        return self._right

    def _fits(self, head_place: int, line_place: int, scope: Scope) -> bool:
        """Whether an event with this head may have this line."""
        head, line = self._head(head_place), self._line(line_place)
        if head is None or line is None or self.shapes.lines[line_place].get("retired"):
            return False
        if head.scene not in scope.there or line.item not in scope.there[head.scene].ids:
            return False
        try:
            check_event(0, replace(head, lines=(line,), time_us=FIRST_US), scope.now_us, scope.known, scope.area)
        except Problem:
            return False
        return True


@dataclass(frozen=True, slots=True)
class RightEvents:
    """Events that are right: plain ones, and others with the numbers of their first rows."""

    plain: Sequence[PlainEvent]
    others: Sequence[tuple[int, Event]]

    def __len__(self) -> int:
        return len(self.plain) + len(self.others)

    def count_orders(self, times: OrderTimes, checks: PlainChecks) -> None:
        """Note when their orders were."""
        for site, seconds in checks.orders(self.plain).items():
            times.add_all(site, seconds)
        for _, event in self.others:
            times.add(event)

    def numbered(self, checks: PlainChecks) -> list[tuple[int, Event]]:
        """All of them."""
        events = checks.events(self.plain)
        return [*zip((one.first for one in self.plain), events, strict=True), *self.others]


def clock_of(part: Sequence[PlainEvent]) -> Times:
    """The times of some events as columns."""
    return Times(
        np.array([event.time_us for event in part], np.int64), np.array([event.offset for event in part], np.int64)
    )


def _read(row: Mapping[str, Any]) -> Event | None:
    try:
        return ImportedEvent.model_validate(_SOME | dict(row)).imported()
    except (ValidationError, Problem):
        return None


def _refused(column: TypeAdapter[list[Any]], values: list[str]) -> set[int]:
    """The places of the values that a field does not take."""
    try:
        column.validate_python(values)
    except ValidationError as error:
        return {int(one["loc"][0]) for one in error.errors(include_url=False, include_context=False)}
    return set()
