"""A file of events read in columns gives what it gives row by row: the same events, errors and notes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.errors import BadRows, RowProblem
from recommender.exchange import event_columns, event_files
from recommender.exchange.event_columns import Block, each_block
from recommender.exchange.files import import_file, reading_of
from recommender.exchange.plain_checks import PlainChecks, Scope
from recommender.exchange.reading import Options, Reading
from recommender.exchange.shapes import MOST_SHAPES, PlainEvent, Shapes, written
from recommender.exchange.time_columns import read_times
from recommender.scene import KnownIds
from recommender.schemas import EventModel
from recommender.times import to_us
from tests.recommender.service_fixtures import NOON, World

SOME = {"event_id": "e", "type": "ordered"}
AT = "2026-11-20T12:00:00+01:00"
NAMES = (
    "event_id",
    "type",
    "occurred_at",
    "customer",
    "item_id",
    "quantity",
    "price",
    "site",
    "device",
    "retired",
)
PLAIN = ("ordered", AT, "ann", "cola", "1", "", "pier", "", "")
ODD: dict[str, tuple[str, ...]] = {
    "event_id": ("", "two words", "1E+12", "x" * 65, '"a\nb"', "'=1", "ü"),
    "type": ("shown", "rode", "sold", "voided", " ordered "),
    "occurred_at": ("2026-11-20 12:00", "2026-11-20T11:00:00Z", "now", "2026-11-20T12:00:00.250000+01:00", "",
                    "2027-11-20T12:00:00+01:00", "1990-01-01T12:00:00+01:00",
                    "2026-11-31T12:00:00+01:00", "2026-11-20T12:00:00-00:00"),
    "customer": ("", "bob", "Ann Lee", "u\u0308", "y" * 129, "'+49"),
    "item_id": ("pizza", "", "burger", " cola", "geo:0,0"),
    "quantity": ("2", "-1", "0", "one", "1001"),
    "price": ("950", "9.50", "-1", "€3"),
    "site": ("", "dock", "z" * 65),
    "device": ("till-1", "w" * 65),
    "retired": ("true", "maybe"),
}  # fmt: skip


def drawn_file(draw: random.Random) -> str:
    """Rows of orders of up to three lines; in most files a few cells are unlike the others."""
    odd = draw.choice((0.0, 0.0, 0.02, 0.3))
    names = [
        name for name in NAMES if name in ("event_id", "type", "occurred_at", "item_id") or draw.random() < 0.7
    ]
    rows = [",".join(names)]
    for number in range(30):
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            values = dict(zip(NAMES, (f"e{number:02}", *PLAIN), strict=True))
            values["item_id"] = draw.choice(("cola", "salad", "burger"))
            for name in names:
                if draw.random() < odd:
                    values[name] = draw.choice(ODD[name])
            rows.append(",".join(values[name] for name in names) + (",x" if draw.random() < odd / 9 else ""))
        if draw.random() < odd / 3:
            rows.append(draw.choice(("", "," * (len(names) - 1), rows[-1], draw.choice(rows[1:]))))
    return "\n".join(rows) + "\n"


def nothing_is_wrong(problem: RowProblem) -> None:
    pytest.fail(str(problem))


def said(world: World, path: Path, options: Options) -> Any:
    """All that a preview of a file says."""
    service = world.half.service
    reading = reading_of(service.stores, "grill", options)
    found: Any = None
    try:
        found = import_file(service, service.stores, "events", path, "grill", NOON, reading=reading)
    except BadRows as error:
        found = (error.total, error.wrong, error.causes)
    return found, [getattr(reading, one.name) for one in fields(Reading) if one.name not in ("options", "memory")]


@pytest.fixture
def row_by_row(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Where `read_times` says nothing, no block is plain."""
    monkeypatch.setattr(event_columns, "BLOCK", 8)
    monkeypatch.setattr(event_files, "CHECKED_AT_ONCE", 7)
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"site": "pier", "retired": "keep"},
        {"prices": "decimal", "zone": "Europe/Berlin"},
        {"retired": "leave-out", "shift": timedelta(hours=1)},
    ],
    ids=["plain", "kept", "zone", "moved"],
)
def test_columns_say_what_rows_say(
    world: World, tmp_path: Path, row_by_row: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    path, asked = tmp_path / "events.csv", Options(store=False, **options)
    refused = 0
    for seed in range(25):
        path.write_text(drawn_file(random.Random(f"{options}{seed}")))
        in_columns = said(world, path, asked)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(event_columns, "read_times", lambda texts: None)
            assert in_columns == said(world, path, asked), path.read_text()
        refused += isinstance(in_columns[0], tuple)

    assert 5 < refused < 25, "files of both kinds"


def test_columns_store_what_rows_store(world: World, tmp_path: Path, row_by_row: pytest.MonkeyPatch) -> None:
    """Also what was taken back, several lines, and rows that stand apart."""
    rows = [f"e{n:02},ordered,2026-11-20T12:{n:02}:30+01:00,c{n % 7},cola,{n % 3 + 1},pier\n" for n in range(40)]
    rows += [f"e{n:02},ordered,2026-11-20T12:{n:02}:30+01:00,c{n % 7},salad,1,pier\n" for n in range(0, 40, 9)]
    rows += [
        "e40,ordered,2026-11-20T13:00:00+01:00,,cola,1,\n",
        "e03,ordered,2026-11-20T13:00:00+01:00,c3,cola,-1,\n",
    ]
    path = tmp_path / "events.csv"
    path.write_text("event_id,type,occurred_at,customer,item_id,quantity,site\n" + "".join(rows))
    service = world.half.service

    def stored(tenant: str) -> list[dict[str, Any]]:
        service.stores.catalogue.put(tenant, "item", service.stores.catalogue.all("grill", "item"))
        assert import_file(service, service.stores, "events", path, tenant, NOON) == 42
        names = ("received_us", "import_id", "tenant")
        return [{k: v for k, v in row.items() if k not in names} for row in service.stores.events.export(tenant)]

    in_columns = stored("mill")
    row_by_row.setattr(event_columns, "read_times", lambda texts: None)

    assert in_columns == stored("pub")
    assert len(in_columns) == 47


def test_what_fits_is_tried_once_until_something_else_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dish that leaves the catalogue while a file is read is refused from the next part on."""
    shapes = Shapes()
    head, line = shapes.head({"type": "ordered", "site": "pier"}), shapes.line({"item_id": "cola"})
    part = [PlainEvent("", "e1", 1, NOON, 60, "", head, [line])]
    checks, fits, tried = PlainChecks(shapes), PlainChecks._fits, list[tuple[Any, ...]]()

    def watched(self: PlainChecks, *pair: Any) -> bool:
        tried.append(pair)
        return fits(self, *pair)

    monkeypatch.setattr(PlainChecks, "_fits", watched)

    def odd(known: KnownIds) -> list[PlainEvent]:
        return checks.split(part, Scope({"orders": known}, {"orders": known}, None, NOON), lambda _: ())[1]

    known = KnownIds("item", {"cola"})
    assert odd(known) == odd(known) == []
    assert len(tried) == 2, "the head and the line, in the first part alone"
    assert odd(KnownIds("item", {"salad"})) == part


def test_a_file_as_tills_write_it_is_read_in_columns(tmp_path: Path) -> None:
    """Where this fails, all of it still works, and takes three times as long."""
    path = tmp_path / "events.csv"
    path.write_text(
        "".join([",".join(NAMES[:7]), "\n", *(f"e{n},ordered,{AT},ann,cola,1,300\n" for n in range(99))])
    )

    found = list(each_block(path, nothing_is_wrong, lambda letters: None, Reading(), Shapes()))

    assert [type(one) for one in found] == [Block]
    assert isinstance(found[0], Block)
    assert len(found[0].rows) == 99


def test_a_file_without_anything_in_common_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recommender.exchange.shapes.MOST_SHAPES", 10)
    path, shapes = tmp_path / "events.csv", Shapes()
    rows = (f"e{n},ordered,{AT},cola,s{n}\n" for n in range(99))
    path.write_text("event_id,type,occurred_at,item_id,site\n" + "".join(rows))

    found = list(each_block(path, nothing_is_wrong, lambda letters: None, Reading(), shapes))

    assert len(found) == 99, "each row by itself"
    assert len(shapes.heads) <= 10 < MOST_SHAPES


MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(9000, 12, 30)).map(lambda at: at.replace(microsecond=0))
OFFSETS = st.integers(-1_439, 1_439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.lists(st.builds(lambda at, zone: at.replace(tzinfo=zone), MOMENTS, OFFSETS), min_size=1, max_size=5))
def test_times_in_columns_are_what_each_time_is(moments: list[datetime]) -> None:
    texts = [moment.isoformat() for moment in moments]
    times = read_times(texts)
    parts = read_times([moment.replace(microsecond=7).isoformat() for moment in moments])

    assert times is not None
    assert parts is not None
    alone = [EventModel.model_validate(SOME | {"occurred_at": text}).to_event(0) for text in texts]
    assert times.time_us.tolist() == [to_us(moment) for moment in moments]
    assert (parts.time_us - times.time_us).tolist() == [7] * len(moments)
    assert times.hour.tolist() == [one.hour for one in alone]
    assert times.weekday.tolist() == [one.weekday for one in alone]
    found = zip(times.time_us.tolist(), times.offset.tolist(), strict=True)
    assert [written(time_us, offset) for time_us, offset in found] == texts


@pytest.mark.parametrize(
    "text",
    [
        *("2026-02-29T12:00:00+01:00", "2026-11-20T24:00:00+01:00", "2026-11-20T12:60:00+01:00"),
        *("2026-11-20T12:00:00+24:00", "9001-11-20T12:00:00+01:00", "1969-11-20T12:00:00+01:00", "2026-11-20"),
        *(
            f"{AT}\n{AT}",
            "2026-11-20T12:00:00Z",
            "2026-11-20T12:00:00",
            "٢٠٢٦-11-20T12:00:00+01:00",
            "2026-11-20T12:00:00-00:00",
        ),
    ],
)
def test_a_column_with_another_kind_of_time_is_read_one_by_one(text: str) -> None:
    assert read_times([AT, text]) is None
