"""Rows of events read as columns, many at a time: the cells of a column are looked at together, each different one
once.

Only what is as expected is read so. Where anything in a block of rows is not, its rows are read one by one, which
names what is wrong with each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from plumbing.columns import unescaped
from recommender.exchange.reading import Reading
from recommender.exchange.rows import each_row, event_row, is_csv
from recommender.exchange.shapes import (
    LINE_COLUMNS,
    MOST_SHAPES,
    NO_LINE,
    PlainRow,
    Shapes,
    TooManyShapes,
    written,
)
from recommender.exchange.sheets import Cells, OnWrong, Seen, Sheet, opened, rows_in, typed_row
from recommender.exchange.sorted_rows import Key
from recommender.exchange.time_columns import read_times
from recommender.exchange.understood import Row, WrongCell

BLOCK = 2_000
"""Rows that are read together."""

OF_NUMBERS = 40  # letters of a row's numbers

_BARE = re.compile(r"([!-&(-~]*\n)*")
"""Cells that stay as they are: without spaces, quotes and letters that are written in several ways."""

_DIGIT_FIRST = re.compile(r"^[0-9]", re.MULTILINE)


class Unexpected(Exception):
    """Something in a block has to be looked at row by row."""


@dataclass
class Block:
    """Rows of events that are plain."""

    numbers: Sequence[int]
    senders: Sequence[str]
    event_ids: Sequence[str]
    rows: Sequence[PlainRow]

    def keyed(self) -> list[tuple[Key, PlainRow]]:
        """Each row with what it is sorted by."""
        keys = zip(self.senders, self.event_ids, self.numbers, strict=True)
        return list(zip(keys, self.rows, strict=True))

    @property
    def letters(self) -> int:
        """About how many letters the rows have as JSON."""
        return OF_NUMBERS * len(self.rows) + sum(len(row[2]) for row in self.rows)


def each_block(
    path: Path, on_wrong: OnWrong, seen: Seen, reading: Reading, shapes: Shapes
) -> Iterator[Block | tuple[int, Row]]:
    """The rows of a file of events in its order: in blocks, and one by one where they are not plain.

    Raises:
        FileUnreadable: not CSV or JSON lines, or a required column is missing.
    """
    if not is_csv(path):
        yield from each_row(path, "events", on_wrong, seen, reading)
        return
    sheet, numbered = opened(path, "events", seen, reading)
    columns = None if sheet.layout else _Columns(sheet, reading, shapes)
    while part := list(islice(numbered, BLOCK)):
        block = columns.block(part) if columns else None
        if block is not None:
            yield block
            continue
        for number, cells in part:
            for n, row in rows_in(number, cells, "events", sheet, on_wrong, reading):
                stored = event_row(n, row, on_wrong, reading)
                if stored is not None:
                    reading.take(stored)
                    yield n, stored


@dataclass
class _Columns:
    """Reads blocks of one file."""

    sheet: Sheet
    reading: Reading
    shapes: Shapes
    _heads: dict[tuple[str, ...], int] = field(default_factory=dict)  # by the cells as they stand in the file
    _lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    _customers: dict[str, str] = field(default_factory=dict)

    def block(self, part: Sequence[Cells]) -> Block | None:
        """The rows of a block, None where something in it is unexpected."""
        reading = self.reading
        before = reading.composed, reading.signs.copy(), reading.clocks.copy(), reading.unzoned.copy()
        try:
            block = self._read(part)
        except (Unexpected, TooManyShapes):
            reading.composed, reading.signs, reading.clocks, reading.unzoned = before
            return None
        reading.take_all(len(block.rows), lambda at: self._row(block, at))
        return block

    def _read(self, part: Sequence[Cells]) -> Block:
        numbers, rows = zip(*part, strict=True)
        names = self.sheet.names
        if any(len(cells) != len(names) for cells in rows):
            raise Unexpected
        columns = list(zip(*rows, strict=True))
        if any(cell.strip() for at in self.sheet.unnamed for cell in columns[at]):
            raise Unexpected
        by_name: dict[str, Sequence[str]] = {
            name: column for name, column in zip(names, columns, strict=True) if name
        }
        event_ids = self._ids(by_name.pop("event_id"))
        times = by_name.pop("occurred_at")
        customers = self._texts(by_name.pop("customer", [""] * len(rows)))
        heads = self._shaped([name for name in by_name if name not in LINE_COLUMNS], by_name, self._heads)
        lines = self._shaped([name for name in by_name if name in LINE_COLUMNS], by_name, self._lines)
        time_us, offsets = self._times(times, heads)
        senders = {head: str(self.shapes.heads[head].get("device", "")) for head in set(heads)}
        payload = list(zip(time_us, offsets, customers, heads, lines, strict=True))
        return Block(numbers, [senders[head] for head in heads], event_ids, payload)

    def _ids(self, cells: Sequence[str]) -> Sequence[str]:
        """The ids of the events. Raises Unexpected: one has to be looked at, or is missing."""
        whole = _joined(cells)
        if not all(cells) or not _BARE.fullmatch(whole) or whole.count("\n") != len(cells):
            raise Unexpected
        if _DIGIT_FIRST.search(whole):  # a spreadsheet may have made a number of it
            try:
                return [self.reading.id("event_id", cell) for cell in cells]
            except WrongCell as error:
                raise Unexpected from error
        return cells

    def _texts(self, cells: Sequence[str]) -> Sequence[str]:
        """The customers of the rows, each different one read once."""
        whole = _joined(cells)
        if _BARE.fullmatch(whole) and whole.count("\n") == len(cells):
            return cells
        if len(self._customers) >= MOST_SHAPES:
            self._customers.clear()
        for cell in set(cells).difference(self._customers):
            self._customers[cell] = str(self._typed(["customer"], [cell]).get("customer", ""))
        return [self._customers[cell] for cell in cells]

    def _shaped(
        self, names: Sequence[str], columns: dict[str, Sequence[str]], known: dict[tuple[str, ...], int]
    ) -> list[int]:
        """The numbers of the heads or the lines of the rows. Raises Unexpected, TooManyShapes."""
        cells = list(zip(*(columns[name] for name in names), strict=True))
        for one in set(cells).difference(known):
            if len(known) >= 2 * MOST_SHAPES:
                raise TooManyShapes
            known[one] = self._place(self._typed(names, one), is_line=known is self._lines)
        return [known[one] for one in cells]

    def _place(self, row: Row, *, is_line: bool) -> int:
        if is_line:
            if row.get("quantity", 1) < 0:  # a line that was taken back
                raise Unexpected
            return self.shapes.line(row)
        if self.reading.options.site and not row.get("site"):
            row["site"] = self.reading.options.site
        return self.shapes.head(row)

    def _typed(self, names: Sequence[str], cells: Sequence[str]) -> Row:
        """The values of some cells. Raises Unexpected: one is wrong, or is to be counted."""
        reading = self.reading
        before = reading.composed, reading.signs.total()
        row, wrong = typed_row(names, cells, "events", reading)
        if wrong or (reading.composed, reading.signs.total()) != before:
            raise Unexpected
        return row

    def _times(self, cells: Sequence[str], heads: Sequence[int]) -> tuple[list[int], list[int]]:
        """Microseconds UTC, and minutes from UTC. Raises Unexpected."""
        reading, composed = self.reading, self.reading.composed
        texts = (
            cells if _BARE.fullmatch(_joined(cells)) else [reading.text(unescaped(cell.strip())) for cell in cells]
        )
        sites = [str(self.shapes.heads[head].get("site", "")) for head in heads]
        try:
            times = read_times(reading.moments("occurred_at", texts, sites))
        except WrongCell as error:
            raise Unexpected from error
        if times is None or reading.composed != composed:
            raise Unexpected
        return times.time_us.tolist(), times.offset.tolist()

    def _row(self, block: Block, at: int) -> Row:
        """A row of a block as it would be read alone."""
        time_us, offset, customer, head, line = block.rows[at]
        values: Row = {"event_id": block.event_ids[at], "occurred_at": written(time_us, offset)}
        values |= {"customer": customer} if customer else {}
        row = values | self.shapes.heads[head] | (self.shapes.lines[line] if line != NO_LINE else {})
        return {name: row[name] for name in (*self.sheet.names, *row) if name in row}


def _joined(cells: Sequence[str]) -> str:
    return "".join([f"{cell}\n" for cell in cells])
