"""Files in and out: items, places, offers and events as CSV or JSON lines. A file is imported whole or not at all.

CSV has a header; lists in a cell are separated by `|`; an empty cell is a missing value. Events in CSV have one
row for each item, rows with the same event_id form one event. `customer` is the pseudonym ("" for a guest).
Rows are counted as an editor does: the header of a CSV is row 1.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TextIO

from pydantic import Field, ValidationError

from plumbing.columns import escaped
from recommender.assembly import RecommenderStores
from recommender.errors import (
    BadRows,
    EventError,
    FileUnreadable,
    RowProblem,
    TimeWithoutZone,
)
from recommender.exchange.checks import check_offers, check_rows, error_text
from recommender.exchange.rows import Row, What, read_rows
from recommender.offers.portfolio import Offer
from recommender.recording import check_event
from recommender.scene import Event, Item, Kind
from recommender.schemas import EventModel, Id, Word
from recommender.service import RecommenderService
from recommender.store.imports import record_in_parts

EVENT_COLUMNS = (
    *("event_id", "type", "occurred_at", "customer", "item_id", "quantity", "price", "scene", "site", "region"),
    *("pickup", "recommendation_id", "device"),
)
LINE_COLUMNS = ("item_id", "quantity", "price")
"""The columns of an event's row that are about one of its items."""

MOST_QUARTERS = 4 * 24 - 1
"""Of an hour, in an offset from UTC: a device may send +23:59, which is nearer to a whole day."""

ONLY_OF_ITEMS = frozenset({"price", "dayparts", "allergens", "sites"})


class ImportedEvent(EventModel):
    """An event with its customer's pseudonym: a file has no token."""

    customer: str = Field("", max_length=128, pattern=r"^[^\x00-\x1f]*$")
    event_id: Id
    device: Word = Field("", description="that sent it, in an export; part of what makes an id unique")


def import_file(
    service: RecommenderService, stores: RecommenderStores, what: What, path: Path, tenant: str, now_us: int
) -> int:
    """Import a file; returns how many items, places, offers or events are new or written.

    Raises:
        FileUnreadable: not UTF-8 CSV or JSON lines, or a required column is missing.
        BadRows: names every wrong row; nothing was stored.
        DatabaseBusy: nothing was stored.
    """
    numbered = list(read_rows(path, what))
    numbers, rows = [number for number, _ in numbered], [row for _, row in numbered]
    if not rows:
        raise FileUnreadable(f"{path.name} holds no rows.")
    if what == "events":
        return _events(service, stores, tenant, numbered, now_us)
    if what == "offers":
        known = {item.item_id for item in stores.catalogue.all(tenant, "item")}
        offers = check_offers(rows, known, numbers)
        stores.offers.save_offers(tenant, offers, now_us)
        return len(offers)
    kind: Kind = "item" if what == "items" else "place"
    return stores.catalogue.put(tenant, kind, check_rows(rows, kind, numbers))


def _events(
    service: RecommenderService,
    stores: RecommenderStores,
    tenant: str,
    rows: Sequence[tuple[int, Row]],
    now_us: int,
) -> int:
    grouped, wrong = _grouped(rows)
    events: list[Event] = []
    numbers: list[int] = []
    for number, row in grouped:
        try:
            model = ImportedEvent.model_validate(row)
            events.append(model.to_event(0, customer=model.customer, sender=model.device))
            numbers.append(number)
        except ValidationError as error:
            wrong.append(RowProblem(number, error_text(error)))
        except TimeWithoutZone as error:
            wrong.append(RowProblem(number, error.detail))
        except EventError as error:
            wrong.append(RowProblem(number, error.what))
    known, area = service.known(tenant, events), service.caches.area(tenant)
    erased = stores.events.erased_among(tenant, {event.customer for event in events if event.customer})
    for number, event in zip(numbers, events, strict=True):
        try:
            check_event(0, event, now_us, known, area)
        except EventError as error:
            wrong.append(RowProblem(number, error.what))
        if event.customer in erased:
            wrong.append(RowProblem(number, "is about a customer who was forgotten"))
    if wrong:
        raise BadRows(sorted(wrong, key=lambda one: one.row))
    try:
        events = stores.own.without_taken_back(tenant, events)
        return record_in_parts(stores.database, stores.events, tenant, events, now_us)
    except EventError as error:
        raise BadRows([RowProblem(numbers[error.index], error.what)]) from error


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of one event."""

    first: int  # number of its first row
    fields: Row  # what its rows have in common
    lines: list[Row] | None  # its items, one of each row; None: the row is a whole event

    def as_row(self) -> tuple[int, Row]:
        return self.first, self.fields | ({} if self.lines is None else {"items": self.lines})


def _grouped(rows: Iterable[tuple[int, Row]]) -> tuple[list[tuple[int, Row]], list[RowProblem]]:
    """One row for each event: rows without `items` and with the same event_id are its items."""
    groups: dict[tuple[str, str], _Group] = {}
    wrong: list[RowProblem] = []
    for number, row in rows:
        name = str(row.get("event_id", f"\0{number}"))
        key = (str(row.get("device", "")), name)
        whole = "items" in row
        line = {} if whole else {key: row[key] for key in LINE_COLUMNS if key in row}
        fields = {key: value for key, value in row.items() if key not in line}
        group = groups.get(key)
        if group is None:
            lines = [line] if line else []
            groups[key] = _Group(number, fields, None if whole else lines)
        elif whole or group.lines is None or group.fields != fields or _has(group.lines, row.get("item_id")):
            wrong.append(RowProblem(number, f"event_id {name!r} is in row {group.first} too"))
        else:
            group.lines.append(line)
    return [group.as_row() for group in groups.values()], wrong


def _has(lines: Iterable[Row], item_id: object) -> bool:
    return any(line.get("item_id") == item_id for line in lines)


def export_rows(stores: RecommenderStores, what: What, tenant: str) -> Iterator[Row]:
    """What `import_file` would read back, as plain values."""
    if what == "events":
        for row in stores.events.export(tenant):
            yield _event_row(row)
    elif what == "offers":
        for offer in stores.offers.offers(tenant):
            yield asdict(offer)
    else:
        for item in stores.catalogue.all(tenant, "item" if what == "items" else "place"):
            yield asdict(item)


def _event_row(row: Mapping[str, Any]) -> Row:
    same = {name: row[name] for name in ("event_id", "type", "customer", "scene", "site", "region")}
    return same | {
        "occurred_at": _local(row["time_us"], row["hour"], row["weekday"]),
        "item_id": row["item"],
        "quantity": row["quantity"],
        "price": row["price"],
        "pickup": row["origin"],
        "recommendation_id": row["recommendation_id"],
        "device": row["sender"],
    }


def _local(time_us: int, hour: float, weekday: int) -> str:
    """The time as ISO 8601, with the UTC offset that gives the stored hour and weekday."""
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    there = hour - (utc.hour + utc.minute / 60 + utc.second / 3600)
    days = (weekday - utc.weekday() + 3) % 7 - 3
    quarters = max(-MOST_QUARTERS, min(MOST_QUARTERS, round((there + 24 * days) * 4)))
    return utc.astimezone(timezone(timedelta(minutes=15 * quarters))).isoformat()


def export_columns(what: What) -> tuple[str, ...]:
    """The columns of an exported CSV."""
    if what == "events":
        return EVENT_COLUMNS
    if what == "offers":
        return tuple(field.name for field in fields(Offer))
    names = tuple(field.name for field in fields(Item))
    return names if what == "items" else tuple(name for name in names if name not in ONLY_OF_ITEMS)


def write_rows(rows: Iterable[Row], what: What, out: TextIO, *, as_csv: bool) -> int:
    """Write rows as CSV or JSON lines; returns how many."""
    names, count = export_columns(what), 0
    writer = csv.writer(out, lineterminator="\n") if as_csv else None
    if writer:
        writer.writerow(names)
    for row in rows:
        count += 1
        if writer:
            writer.writerow([_cell(row.get(name)) for name in names])
        else:
            kept = {name: row[name] for name in names if row.get(name) not in (None, "")}
            out.write(json.dumps(kept, ensure_ascii=False) + "\n")
    return count


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return "|".join(str(part) for part in value)
    return "" if value is None else str(value)


def _cell(value: object) -> str:
    """A value as the cell of a CSV: a text is never a formula, a number stays a number."""
    text = _text(value)
    return text if isinstance(value, bool | int | float) else escaped(text)
