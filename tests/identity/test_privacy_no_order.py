"""identity.db without the keys: no column and no order of rows says who joined when.

Beside it lie the order and the times of joining, as whoever else wrote them down has them; nothing correlates.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from identity.capture.embed import Capture
from identity.capture.quality import Quality
from identity.customers.joining.enrolment import Agreed
from identity.store.customers import CustomerRow, CustomerStore
from identity.store.times import UNREADABLE_DAY, Times
from identity.vectors import unit
from plumbing.clock import DAY, SECOND
from plumbing.storage.postgres_order import mix
from tests.databases import REFUSED, tables_of
from tests.engines import both_engines
from tests.identity.halves import KIOSK, START, World, row_of

PEOPLE = 48
LEAST = 0.45  # of a rank correlation by chance, at 48 people and some dozens of columns: below one in a thousand


@dataclass(frozen=True)
class Joined:
    """People who joined one after the other, 37 s apart; their ids in that order."""

    world: World
    ids: list[str]


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    world = World(tmp_path_factory.mktemp("home"))
    yield Joined(world, people_join(world))
    world.close()


def people_join(world: World) -> list[str]:
    """PEOPLE enrolments; the ids in their order."""
    ids = []
    for person in range(PEOPLE):
        world.clock.now += 37 * SECOND
        ids.append(add(world, person).customer_id)
    world.half.stores.database.scrub()
    return ids


def add(world: World, person: int) -> CustomerRow:
    """An enrolment without the pictures: what costs most is drawing them."""
    rng = np.random.default_rng(person)
    centre = rng.standard_normal(world.engine.pack.size)
    frames = [unit(centre + 0.1 * rng.standard_normal(len(centre))) for _ in range(3)]
    quality = Quality(eye_distance=100.0, yaw=0.0, sharpness=100.0, brightness=128.0, contrast=50.0)
    captures = [Capture(frame, quality, world.engine.pack.id) for frame in frames]
    agreed = Agreed(("orders",), world.service.notice)
    codes = world.service.customers.enrolments.add(KIOSK, captures, agreed, lambda _: None)
    world.service.customers.pending.confirm(KIOSK.tenant, codes.receipt)
    return row_of(world, codes.receipt)


def ranks(values: list[object]) -> np.ndarray:
    """Ranks of a column; of bytes and texts by their order, and by their length."""
    order = sorted(range(len(values)), key=lambda n: (str(type(values[n])), values[n]))
    found = np.empty(len(values))
    found[order] = np.arange(len(values))
    return found


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return 0.0 if a.std() == 0 or b.std() == 0 else abs(float(np.corrcoef(a, b)[0, 1]))


def of_customers(path: Path) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """The rows of each table that names customers, in each order that the file has."""
    with closing(sqlite3.connect(path)) as raw:
        for (table,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
            for order in ("", " ORDER BY rowid") if "customer_id" in columns else ():
                with suppress(sqlite3.OperationalError):  # the table has no row ids
                    found = raw.execute(f"SELECT * FROM {table}{order}").fetchall()
                    yield table, [dict(zip(columns, row, strict=True)) for row in found]


def numbers(rows: list[dict[str, object]]) -> Iterator[tuple[str, np.ndarray]]:
    """All that rows can be put in an order by: their own order, values and lengths."""
    yield "the order of the rows", np.arange(len(rows), dtype=float)
    for column in rows[0]:
        values = [row[column] for row in rows]
        yield column, ranks(values)
        if all(isinstance(value, bytes | str) for value in values):
            yield f"length of {column}", np.array([len(value) for value in values], float)  # type: ignore[arg-type]


@pytest.mark.sqlite
def test_no_column_and_no_order_of_rows_says_who_joined_when(joined: Joined) -> None:
    assert_nothing_tells(joined.ids, of_customers(joined.world.home / "identity.db"))


def assert_nothing_tells(ids: list[str], tables: Iterable[tuple[str, list[dict[str, object]]]]) -> None:
    place = {customer_id: n for n, customer_id in enumerate(ids)}
    compared = set()
    for table, rows in tables:
        if len(rows) < PEOPLE:
            continue
        when = np.array([place[str(row["customer_id"])] for row in rows], float)
        for column, found in numbers(rows):
            assert correlation(when, found) < LEAST, (table, column)
            compared.add((table, column))
    assert {table for table, _ in compared} == {"customers", "templates", "tops", "consent_events"}
    assert len(compared) > 30


@both_engines
@pytest.mark.postgresql
def test_in_postgresql_nothing_does_once_the_rows_are_mixed(world: World) -> None:
    """Neither a dump, nor the places of the rows, nor which transaction wrote them."""
    ids, database = people_join(world), world.half.stores.database

    def rows_of(table: str) -> list[dict[str, object]]:
        found = database.rows(f"SELECT *, xmin::text::bigint AS xmin FROM {table} ORDER BY ctid")
        return [dict(row) for row in found] if found and "customer_id" in dict(found[0]) else []

    def tables() -> list[tuple[str, list[dict[str, object]]]]:
        return [(table, rows_of(table)) for table in tables_of(database)]

    with pytest.raises(AssertionError, match="order of the rows"):
        assert_nothing_tells(ids, tables())
    before = {table: sorted(map(str, rows)) for table, rows in contents(tables())}

    assert mix(database) == []

    assert_nothing_tells(ids, tables())
    assert {table: sorted(map(str, rows)) for table, rows in contents(tables())} == before
    with pytest.raises(REFUSED, match="append-only"):
        database.change("UPDATE consent_events SET purpose = 'offers'")


def contents(tables: list[tuple[str, list[dict[str, object]]]]) -> list[tuple[str, list[dict[str, object]]]]:
    """The rows without what the server keeps beside them."""
    return [(name, [{key: row[key] for key in row if key != "xmin"} for row in rows]) for name, rows in tables]


@pytest.mark.sqlite
def test_no_file_has_a_time_of_joining_in_the_clear(joined: Joined) -> None:
    """As a text or as a number, of the whole second or finer, in the database and the key file."""
    files = [(joined.world.home / name).read_bytes() for name in ("identity.db", "identity-keys")]
    for n in range(1, PEOPLE + 1):
        moment = START + n * 37 * SECOND
        for form in (str(moment).encode(), str(moment // SECOND).encode(), moment.to_bytes(7, "big")):
            assert not any(form in content for content in files)


def test_the_last_changes_name_nobody_without_the_keys_and_nobody_who_left(joined: Joined) -> None:
    store, pack = joined.world.half.stores.galleries, joined.world.engine.pack.id
    assert store._recent("north", pack) == joined.ids
    (row,) = joined.world.half.stores.database.rows("SELECT recent FROM galleries")
    assert joined.ids[0].encode() not in row["recent"]

    joined.world.half.stores.customers.delete_customer("north", joined.ids[5])

    assert joined.ids[5] not in store._recent("north", pack)


class TestDays:
    """Retention on sealed days."""

    def test_ten_thousand_are_opened_once_a_minute(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        store: CustomerStore = world.half.stores.customers
        with store.writing():
            for n in range(10_000):
                row = CustomerRow("north", f"{n:032x}", 1, f"r{n}", b"", None, None, 0, 0, 0, 0, 0, n % 400)
                store.add_customer(row)
        store._seen, store._looked_s = set(), None

        opened, looks = Times.opened, []

        def counted(*given: Any, **named: Any) -> Any:
            looks.append(1)
            return opened(*given, **named)

        monkeypatch.setattr(Times, "opened", staticmethod(counted))
        assert len(store.not_seen_since(0)) == 0
        assert store.newest_day() == 399
        assert store.not_seen_since(0) == []
        assert len(looks) == 10_000

    def test_who_was_seen_by_another_process_meanwhile_is_not_due(self, world: World) -> None:
        row = row_of(world, world.enrol(1).receipt)
        store = world.half.stores.customers
        assert store.newest_day() == START // DAY
        other = world.other()
        other.half.stores.customers.visited("north", row.customer_id, START // DAY + 300)
        other.close()

        assert store.not_seen_since(START // DAY + 200) == []

    def test_a_day_that_no_key_opens_forgets_nobody(self, world: World) -> None:
        row = row_of(world, world.enrol(1).receipt)
        store = world.half.stores.customers
        store.database.change("UPDATE customers SET times = ?", (bytes(68),))
        store._looked_s = None

        fresh = store.customer("north", row.customer_id)
        assert fresh is not None
        assert fresh.last_day == UNREADABLE_DAY
        assert store.not_seen_since(START // DAY + 5_000) == []
        store.seen_at_most(START // DAY)
        assert store.newest_day() == START // DAY


def test_the_slots_of_the_keys_are_drawn_at_random(world: World) -> None:
    slots = [world.half.vault.admit("north", str(n)).slot for n in range(200)]

    assert correlation(np.arange(200.0), np.array(slots, float)) < 0.3
    assert max(slots) > 2_000
    assert Path(world.home / "identity-keys").stat().st_size == 4_096 * 256
