"""The rows of one event: in CSV it has one row for each of its items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from recommender.errors import RowProblem
from recommender.exchange.problems import Problems
from recommender.exchange.sorted_rows import Key
from recommender.exchange.understood import Row

LINE_COLUMNS = ("item_id", "quantity", "price", "options", "retired")
"""The columns of an event's row that are about one of its items."""

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
    numbers: list[int] = field(default_factory=list)  # the row of each of `lines`
    _last: int = 0  # the number of its latest row
    retired: set[str] = field(default_factory=set)  # items that the file says are in no catalogue any more

    def as_row(self) -> Row:
        """The event as one row, as JSON lines have it."""
        return self.fields | ({} if self.lines is None else {"items": self.lines})

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
        elif not event.take(number, row) and readable:
            problems.add(RowProblem(number, f"event_id {name!r} is in row {event.first} too"))
    if event is not None:
        yield event


def _begun(number: int, row: Row, readable: bool) -> EventRows:
    line, fields = _apart(row)
    if "items" in row:
        return EventRows(number, readable, fields, None)
    event = EventRows(number, readable, fields, [], _last=number)
    if line:
        event.add(number, line, _named(row))
    return event


def _apart(row: Row) -> tuple[Row, Row]:
    """What is about the item of a row, and the rest."""
    line = {} if "items" in row else {key: row[key] for key in LINE_COLUMNS if key in row}
    return line, {key: value for key, value in row.items() if key not in line}


def _named(row: Row) -> str:
    """The same dish with the same choices is one line."""
    return repr((row.get("item_id"), row.get("options")))
