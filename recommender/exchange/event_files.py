"""Events out of a file of any size: sorted by their names, checked as a whole, stored as a whole.

The file is read once and its rows are sorted outside of memory (`sorted_rows.py`), so that rows of one event are
found wherever they stand. Then every event is checked before the first one is stored; the second pass over the
sorted rows stores them. In memory are a part of the rows, and the first wrong ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from plumbing.storage.sqlite import storage_is_named
from recommender.assembly import RecommenderStores
from recommender.errors import (
    BadRows,
    EventError,
    FileUnreadable,
    RowProblem,
    TimesUnlikely,
    TimeWithoutZone,
    UnknownItem,
)
from recommender.exchange.checks import problems_of
from recommender.exchange.event_columns import Block, each_block
from recommender.exchange.event_rows import EventRows, each_event, in_rows
from recommender.exchange.opening import OrderTimes
from recommender.exchange.plain_checks import ImportedEvent, PlainChecks, RightEvents, Scope
from recommender.exchange.problems import Problems
from recommender.exchange.reading import Reading
from recommender.exchange.shapes import PlainEvent, Shapes
from recommender.exchange.sorted_rows import PART_BYTES, Key, SortedRows
from recommender.figures.counters import QUARTER
from recommender.recording import check_event, check_year
from recommender.scene import KINDS, Event, Kind, KnownIds, Reduced
from recommender.service import RecommenderService
from recommender.store.imports import MOST, record_in_parts
from recommender.store.living import Living

CHECKED_AT_ONCE = 2_000

Show = Callable[[str, float], None]
"""Gets the stage and the share of the whole that is done."""


@dataclass(frozen=True, slots=True)
class Either(Container[str]):
    """What is in one of two."""

    first: Container[str]
    second: Container[str]

    def __contains__(self, one: object) -> bool:
        return one in self.first or one in self.second


def import_events(
    service: RecommenderService,
    stores: RecommenderStores,
    path: Path,
    tenant: str,
    now_us: int,
    show: Show,
    reading: Reading,
) -> tuple[int, int]:
    """Store the events of a file, all or none; returns how many rows there were, and how many events were new.

    Where `reading` asks for a preview, everything is checked and nothing stored; the events are those of the file.

    Raises:
        FileUnreadable, BadRows, DatabaseBusy, DiskFull: nothing was stored.
    """
    folder = service.config.home
    with closing(SortedRows(folder, PART_BYTES)) as rows, storage_is_named(folder):
        problems, shapes = Problems(), Shapes()
        read = _read(path, rows, problems, show, reading, shapes)
        if not read and not problems.count and not reading.left_out:
            raise FileUnreadable(f"{path.name} holds no rows.")
        checks = _Checks(service, stores, tenant, now_us, problems, reading, shapes)
        events, times = 0, OrderTimes()
        for part in checks.parts(rows):
            events += len(part)
            part.count_orders(times, checks.plain)
            show("checking", 0.3 + 0.3 * min(1.0, events / read))
        problems.require_none()
        _check_hours(path, times, reading)
        if not reading.options.store:
            return read, events
        reading.retired.clear()  # they are counted again when they are stored
        service.settle_rest()
        storing = _Storing(checks, rows, stores, tenant, events, show)
        try:
            new = record_in_parts(
                stores.database,
                stores.events,
                tenant,
                storing.events(),
                now_us,
                settled=storing.settled,
                living=checks.living,
            )
        except EventError as error:
            raise BadRows([RowProblem(storing.number(error.index), error.what)]) from error
    service.figures.counters.recorded(tenant, storing.times_us)
    service.figures.write()  # the days that are to be summed again; a server that runs does it
    return read, new


def _check_hours(path: Path, times: OrderTimes, reading: Reading) -> None:
    """Raises TimesUnlikely: most orders are outside of opening hours, and nobody has said that this is right."""
    misfit = times.misfit(reading.settings)
    if misfit is None:
        return
    if reading.options.shift is not None or not misfit.shift:
        reading.warnings.append(f"{misfit}.")
        return
    zone = " or, if they are UTC's, the zone of the site's clock (--zone)" if reading.unzoned else ""
    says = (
        f"{path.name}: {misfit}. Moved by {misfit.shift:+g} hours, {misfit.inside:.0%} are inside: import it with"
        f" --shift {misfit.shift:+g}{zone}; with --shift 0 if its times are right. Nothing was stored."
    )
    if reading.options.store:
        raise TimesUnlikely(says, shift=misfit.shift)
    reading.warnings.append(says)


def _read(path: Path, rows: SortedRows, problems: Problems, show: Show, reading: Reading, shapes: Shapes) -> int:
    """Take in the rows of the file, plain or each with whether all of it could be read; returns how many."""
    size, latest, count = max(1, path.stat().st_size), -1, 0

    def wrong(problem: RowProblem) -> None:
        nonlocal latest
        latest = problem.row
        problems.add(problem)

    def seen(letters: int) -> None:
        show("reading", 0.3 * min(1.0, letters / size))

    for found in each_block(path, wrong, seen, reading, shapes):
        if isinstance(found, Block):
            count += len(found.numbers)
            rows.add_all(found.keyed(), found.letters)
            continue
        number, row = found
        count += 1
        name = str(row.get("event_id", f"\0{number}"))
        rows.add((str(row.get("device", "")), name, number), [row, number != latest])
    return count


@dataclass(frozen=True)
class _Checks:
    """Checks events as a request's are checked; what is wrong goes into `problems`, once for each row."""

    service: RecommenderService
    stores: RecommenderStores
    tenant: str
    now_us: int
    problems: Problems
    reading: Reading
    shapes: Shapes

    @cached_property
    def living(self) -> Living:
        """The customers of the file who were not erased."""
        return Living(self.stores.events, self.tenant)

    @cached_property
    def plain(self) -> PlainChecks:
        """For plain events."""
        return PlainChecks(self.shapes)

    def parts(self, rows: Iterable[tuple[Key, Any]]) -> Iterator[RightEvents]:
        """The events of sorted rows, some at a time; without wrong ones."""
        events = each_event(rows, self.problems, self.shapes)
        while part := list(islice(events, CHECKED_AT_ONCE)):
            plain, odd = self._plain([one for one in part if isinstance(one, PlainEvent)])
            others = [one for one in part if isinstance(one, EventRows)]
            yield RightEvents(plain, self._good([*others, *(in_rows(one, self.shapes) for one in odd)]))

    def _plain(self, part: Sequence[PlainEvent]) -> tuple[list[PlainEvent], list[PlainEvent]]:
        """The plain events that are right, and those that are to be looked at one by one."""
        if not part:
            return [], []
        heads = self.plain.heads(part)
        there, known = self.service.known(self.tenant, heads), self._known(heads)
        scope = Scope(there, known, self.service.caches.area(self.tenant), self.now_us)
        return self.plain.split(part, scope, self.living.erased_among)

    def _good(self, part: Sequence[EventRows]) -> list[tuple[int, Event]]:
        if not part:
            return []
        read = [(rows, event) for rows in part if (event := self._event(rows)) is not None]
        events = [event for _, event in read]
        there, known = self.service.known(self.tenant, events), self._known(events)
        area = self.service.caches.area(self.tenant)
        read = [(rows, left) for rows, event in read if (left := self._without_retired(rows, event, there, known))]
        events = [event for _, event in read]
        erased = self.living.erased_among({one.customer for one in events if one.customer})
        good = []
        for rows, event in read:
            before = self.problems.count
            try:
                check_event(0, event, self.now_us, self._named(rows, known), area)
                check_year(0, event)
            except UnknownItem as error:
                self._unknown(rows, event, known[event.scene], error.what)
            except EventError as error:
                self._wrong(rows, error.what)
            if event.customer in erased:
                self._wrong(rows, "is about a customer who was forgotten")
            if self.problems.count == before and rows.readable:
                good.append((rows.first, event))
        return good

    def _without_retired(
        self, rows: EventRows, event: Event, there: Mapping[str, KnownIds], known: Mapping[str, KnownIds]
    ) -> Event | None:
        """The event without lines that are to be left out; None: nothing is left of it. Counts what is retired:
        what left the catalogue, or is in none by what the file says."""
        ids, once = there[event.scene].ids, known[event.scene].ids
        gone = [line for line in event.lines if line.item not in ids]
        policy = self.reading.options.retired
        self.reading.retired.update(
            line.item for line in gone if policy or line.item in rows.retired or line.item in once
        )
        if policy != "leave-out" or not gone:
            return event
        left = tuple(line for line in event.lines if line.item in ids)
        return replace(event, lines=left) if left else None

    def _unknown(self, rows: EventRows, event: Event, known: KnownIds, what: str) -> None:
        """Name the row of each line about something that is not in the catalogue."""
        before = self.problems.count
        for number, line in zip(rows.numbers, event.lines, strict=False):
            if line.item not in known.ids and line.item not in rows.retired:
                says = UnknownItem(0, line.item, known.noun).what
                self._wrong(rows, says, line.item, "item_id", row=number)
        if self.problems.count == before:
            self._wrong(rows, what)

    def _named(self, rows: EventRows, known: Mapping[str, KnownIds]) -> Mapping[str, KnownIds]:
        """What the event may name: also items that the catalogue had once."""
        if self.reading.options.retired == "keep":
            return {scene: replace(one, ids=_Anything()) for scene, one in known.items()}
        if not rows.retired:
            return known
        return {scene: replace(one, ids=Either(one.ids, rows.retired)) for scene, one in known.items()}

    @cached_property
    def _former(self) -> dict[Kind, set[str]]:
        """What left the catalogue, by kind; read once for a file."""
        former = self.stores.catalogue.former
        return {kind: {one.item_id for one in former(self.tenant, kind)} for kind in KINDS}

    def _known(self, events: Sequence[Event]) -> dict[str, KnownIds]:
        """What events of a file may name: also what left the catalogue since, and offers' ids as ever."""
        known = self.service.known(self.tenant, events)
        for name, scene in self.service.scenes.items():
            if name in known and name != "offers":
                known[name] = replace(known[name], ids=Either(known[name].ids, self._former[scene.kind]))
        return known

    def _event(self, rows: EventRows) -> Event | None:
        try:
            return ImportedEvent.model_validate(rows.as_row()).imported()
        except ValidationError as error:
            for problem in problems_of(error, rows.first, rows.numbers) if rows.readable else ():
                self.problems.add(problem)
        except TimeWithoutZone as error:
            self._wrong(rows, error.detail)
        except EventError as error:
            self._wrong(rows, error.what)
        return None

    def _wrong(
        self, rows: EventRows, message: str, value: str = "", column: str = "", *, row: int | None = None
    ) -> None:
        if rows.readable:  # else it is named already
            self.problems.add(RowProblem(rows.first if row is None else row, message, value, column))


class _Anything:
    """Every id is in it."""

    def __contains__(self, one: object) -> bool:
        return True


@dataclass
class _Storing:
    """Gives checked events to the database, and knows the rows of the last ones."""

    checks: _Checks
    rows: SortedRows
    stores: RecommenderStores
    tenant: str
    total: int
    show: Show
    times_us: set[int] = field(default_factory=set)  # the beginnings of the quarters with events
    _given: int = 0
    _numbers: deque[int] = field(default_factory=lambda: deque(maxlen=2 * MOST))

    def events(self) -> Iterator[Event]:
        """The events, but for those that their customers took back. Raises BadRows: one is wrong by now."""
        passed = 0
        for part in self.checks.parts(self.rows):
            self.checks.problems.require_none()
            numbered = part.numbered(self.checks.plain)
            numbers = {(event.sender, event.event_id): number for number, event in numbered}
            events = self.stores.own.without_taken_back(self.tenant, [event for _, event in numbered])
            self.times_us |= {event.time_us // QUARTER * QUARTER for event in events}
            for event in events:
                self._numbers.append(numbers[event.sender, event.event_id])
                self._given += 1
                yield event
            passed += len(part)
            self.show("storing", 0.6 + 0.4 * min(1.0, passed / max(1, self.total)))

    def settled(self, orders: Sequence[Reduced]) -> None:
        """Orders of which something was taken back: also offers learn from what is left alone."""
        if orders:
            self.checks.service.taken_back(self.tenant, orders)
            self.times_us |= {order.time_us // QUARTER * QUARTER for order in orders}

    def number(self, index: int) -> int:
        """The row of the event with this place among all that were given; of the last `2 * MOST`."""
        return self._numbers[index - (self._given - len(self._numbers))]
