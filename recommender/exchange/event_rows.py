"""The rows of one event: in CSV it has one row for each of its items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from recommender.errors import RowProblem
from recommender.exchange.problems import Problems
from recommender.exchange.shapes import LINE_COLUMNS, NO_LINE, PlainEvent, PlainRow, Shapes
from recommender.exchange.sorted_rows import Key
from recommender.exchange.understood import Row

MOST_LINES = 201
"""Of one event that are read: one more than an event may have, so that it is refused."""


@dataclass(slots=True)
class EventRows:
    """The rows of one event."""

    sender: str
    event_id: str  # of a row without one a name that no other has
    first: int  # number of its first row
    readable: bool  # whether all of that row could be read
    fields: Row  # what its rows have in common
    lines: list[Row] | None  # its items, one of each row; None: the row is a whole event
    items: set[str] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)  # the row of each of `lines`
    _last: int = 0  # the number of its latest row
    retired: set[str] = field(default_factory=set)  # items that the file says are in no catalogue any more

    def as_row(self) -> Row:
        """The event as one row, as JSON lines have it."""
        if self.lines is None:
            return self.fields
        return self.fields | {"items": [_without_number(line) for line in self.lines]}

    def take(self, number: int, row: Row) -> bool:
        """Add the row of another line; whether it is one of this event's.

        The same dish again is another line of the receipt where the rows stand together. Elsewhere in the file it
        is the same row for the second time.
        """
        line, fields = _apart(row)
        item = _named(row)
        again = item in self.items and number != self._last + 1
        if "items" in row or self.lines is None or self.fields != fields or again:
            return False
        self._last = number
        if len(self.lines) < MOST_LINES:
            self.add(number, line, item)
        return True

    def add(self, number: int, line: Row, item: str) -> None:
        """Add a line of the event that stands in this row."""
        self._note(line)
        if self.lines is not None:
            self.lines.append(line)
        self.items.add(item)
        self.numbers.append(number)

    def _note(self, line: Row) -> None:
        """Take out of a line what the file says of its item and its pick-up alone."""
        if line.pop("retired", False):
            self.retired |= {str(line.get("item_id", "")), str(self.fields.get("pickup", ""))} - {""}


def each_event(
    rows: Iterable[tuple[Key, Any]], problems: Problems, shapes: Shapes
) -> Iterator[EventRows | PlainEvent]:
    """The events of rows that are sorted by their names: those of one name are its items, if they have no `items`.

    A row is plain, or comes with whether all of it could be read. Events are plain where all of their rows are,
    and stand together. A row that is no other event's and not this one's either goes into `problems`.
    """
    event: EventRows | PlainEvent | None = None
    for (sender, name, number), row in rows:
        if event is None or event.event_id != name or event.sender != sender:
            if event is not None:
                yield event
            event = _plain(sender, name, number, row) if len(row) > 2 else _begun(sender, name, number, *row)
            continue
        if isinstance(event, PlainEvent):
            if _goes_on(event, number, row):
                event.lines.append(row[4])
                continue
            event = in_rows(event, shapes)
        full, readable = (shapes.rows_of(_plain(sender, name, number, row))[0], True) if len(row) > 2 else row
        if not event.take(number, full) and readable:
            problems.add(RowProblem(number, f"event_id {name!r} is in row {event.first} too"))
    if event is not None:
        yield event


def _plain(sender: str, name: str, number: int, row: PlainRow) -> PlainEvent:
    time_us, offset, customer, head, line = row
    return PlainEvent(sender, name, number, time_us, offset, customer, head, [] if line == NO_LINE else [line])


def _goes_on(event: PlainEvent, number: int, row: Any) -> bool:
    """Whether a row is the next line of a plain event."""
    return (
        len(row) > 2
        and number == event.first + len(event.lines)
        and len(event.lines) < MOST_LINES
        and row[4] != NO_LINE
        and bool(event.lines)
        and (event.time_us, event.offset, event.customer, event.head) == (row[0], row[1], row[2], row[3])
    )


def in_rows(event: PlainEvent, shapes: Shapes) -> EventRows:
    """A plain event as its rows, each to be checked by itself."""
    first, *others = shapes.rows_of(event)
    rows = _begun(event.sender, event.event_id, event.first, first, readable=True)
    for number, row in enumerate(others, start=event.first + 1):
        rows.take(number, row)
    return rows


def _begun(sender: str, name: str, number: int, row: Row, readable: bool) -> EventRows:
    line, fields = _apart(row)
    if "items" in row:
        return EventRows(sender, name, number, readable, fields, None)
    event = EventRows(sender, name, number, readable, fields, [], _last=number)
    if line:
        event.add(number, line, _named(row))
    return event


def _apart(row: Row) -> tuple[Row, Row]:
    """What is about the item of a row, and the rest."""
    line = {} if "items" in row else {key: row[key] for key in LINE_COLUMNS if key in row}
    return line, {key: value for key, value in row.items() if key not in line}


def _without_number(line: Row) -> Row:
    return {key: value for key, value in line.items() if key != "line"}


def _named(row: Row) -> str:
    """The same dish with the same choices is one line, if lines have no numbers."""
    return repr((row.get("item_id"), row.get("options"), row.get("line")))
