"""What many rows of a file have in common, kept once: a million orders are of few sites and a few hundred dishes.

A row whose cells are as expected is kept as its own values, the number of its `head` and the number of its line:
`PlainRow`. All others are kept as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from recommender.exchange.understood import Row

OWN = ("event_id", "occurred_at", "customer")
"""The columns that differ from event to event."""

LINE_COLUMNS = ("item_id", "quantity", "price", "options", "line", "retired")
"""The columns of an event's row that are about one of its items. `line` numbers the lines of an order, as exports
have them."""

MOST_SHAPES = 100_000
"""Of heads, and of lines; rows of further ones are kept as they are."""

NO_LINE = -1

PlainRow = tuple[int, int, str, int, int]
"""`time_us`, the offset from UTC in minutes, the customer, and the numbers of its head and its line."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TooManyShapes(Exception):
    """No further ones are kept."""


@dataclass(slots=True)
class PlainEvent:
    """An event of plain rows that stand together."""

    sender: str
    event_id: str
    first: int  # number of its first row
    time_us: int
    offset: int  # minutes from UTC
    customer: str
    head: int
    lines: list[int]


@dataclass(frozen=True)
class Shapes:
    """The heads and the lines of one file, by their numbers."""

    heads: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def head(self, row: Row) -> int:
        """The number of what a row has beside its own values and its line. Raises TooManyShapes."""
        return self._place(self.heads, {name: row[name] for name in row if name not in (*OWN, *LINE_COLUMNS)})

    def line(self, row: Row) -> int:
        """The number of what a row says of its item; NO_LINE: nothing. Raises TooManyShapes."""
        line = {name: row[name] for name in LINE_COLUMNS if name in row}
        return self._place(self.lines, line) if line else NO_LINE

    def _place(self, known: list[Row], row: Row) -> int:
        said = f"{known is self.lines}{json.dumps(row)}"
        place = self._places.get(said)
        if place is None:
            if len(known) >= MOST_SHAPES:
                raise TooManyShapes
            place = self._places[said] = len(known)
            known.append(row)
        return place

    def rows_of(self, event: PlainEvent) -> list[Row]:
        """The rows as they were read; the first has the number `first`."""
        own: Row = {"event_id": event.event_id, "occurred_at": written(event.time_us, event.offset)}
        if event.customer:
            own["customer"] = event.customer
        head: Mapping[str, object] = self.heads[event.head]
        return [{**own, **head, **self.lines[line]} for line in event.lines] or [{**own, **head}]


def written(time_us: int, offset: int) -> str:
    """The time as ISO 8601 by a clock with this offset from UTC."""
    zone = timezone(timedelta(minutes=offset))
    return (_EPOCH + timedelta(microseconds=time_us)).astimezone(zone).isoformat()
