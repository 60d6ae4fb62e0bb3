"""The rows of one event: in CSV it has one row for each of its items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from recommender.errors import RowProblem
from recommender.exchange.problems import Problems
from recommender.exchange.rows import Row
from recommender.exchange.sorted_rows import Key

LINE_COLUMNS = ("item_id", "quantity", "price", "options", "line")
"""The columns of an event's row that are about one of its items. `line` numbers lines of an order with the same
dish, as an export has them; without it, a dish that is there twice is one row too many."""

MOST_LINES = 201
"""Of one event that are read: one more than an event may have, so that it is refused."""


@dataclass(slots=True)
class EventRows:
    """The rows of one event."""

    first: int  # number of its first row
    readable: bool  # whether all of that row could be read
    fields: Row  # what its rows have in common
    lines: list[Row] | None  # its items, one of each row; None: the row is a whole event
    items: set[str] = field(default_factory=set)

    def as_row(self) -> Row:
        """The event as one row, as JSON lines have it."""
        if self.lines is None:
            return self.fields
        return self.fields | {"items": [_without_number(line) for line in self.lines]}

    def take(self, row: Row) -> bool:
        """Add the row of another item; whether it is one of this event's."""
        line, fields = _apart(row)
        item = _named(row)
        if "items" in row or self.lines is None or self.fields != fields or item in self.items:
            return False
        if len(self.lines) < MOST_LINES:
            self.lines.append(line)
            self.items.add(item)
        return True


def each_event(rows: Iterable[tuple[Key, Any]], problems: Problems) -> Iterator[EventRows]:
    """The events of rows that are sorted by their names: those of one name are its items, if they have no `items`.

    Each row comes with whether all of it could be read; a row that is no other event's and not this one's either
    goes into `problems`.
    """
    event: EventRows | None = None
    named = None
    for (sender, name, number), (row, readable) in rows:
        if event is None or named != (sender, name):
            if event is not None:
                yield event
            event, named = _begun(number, row, readable), (sender, name)
        elif not event.take(row) and readable:
            problems.add(RowProblem(number, f"event_id {name!r} is in row {event.first} too"))
    if event is not None:
        yield event


def _begun(number: int, row: Row, readable: bool) -> EventRows:
    line, fields = _apart(row)
    if "items" in row:
        return EventRows(number, readable, fields, None)
    return EventRows(number, readable, fields, [line] if line else [], {_named(row)} if line else set())


def _apart(row: Row) -> tuple[Row, Row]:
    """What is about the item of a row, and the rest."""
    line = {} if "items" in row else {key: row[key] for key in LINE_COLUMNS if key in row}
    return line, {key: value for key, value in row.items() if key not in line}


def _without_number(line: Row) -> Row:
    return {key: value for key, value in line.items() if key != "line"}


def _named(row: Row) -> str:
    """The same dish with the same choices is one line, if lines have no numbers."""
    return repr((row.get("item_id"), row.get("options"), row.get("line")))
