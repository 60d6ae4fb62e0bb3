"""What the store promises, in a database of two tenants."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from identity.errors import StorageFull
from identity.store import customers as store_tables
from identity.store.customers import CustomerRow, Store
from plumbing.database import Database

PACK = "fake@1"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    database = Database(tmp_path / "identity.db", store_tables.migrations)
    yield Store(database)
    database.close()


def customer(number: int, tenant: str = "north") -> CustomerRow:
    return CustomerRow(
        tenant, f"{number:032x}", number, f"receipt {number}", b"links", None, "setup", 9, 0, 0, 0, False, 20_000
    )


def add(store: Store, number: int, tenant: str = "north") -> CustomerRow:
    store.open_gallery(tenant, PACK, b"salt")
    row = customer(number, tenant)
    store.add_customer(row, PACK, b"sealed", [])
    return row


def test_a_customer_is_read_as_kept(store: Store) -> None:
    row = add(store, 1)

    assert store.customer("north", row.customer_id) == row
    assert store.customer_of_receipt("north", "receipt 1") == row


def test_no_question_reaches_another_tenants_customer(store: Store) -> None:
    row = add(store, 1)

    assert store.customer("south", row.customer_id) is None
    assert store.customer_of_receipt("south", "receipt 1") is None
    store.require_second_factor("south", [row.customer_id])
    store.set_pin("south", row.customer_id, b"pin")
    assert store.delete_customer("south", row.customer_id, (), 0) == {}
    assert store.customer("north", row.customer_id) == row


def test_one_receipt_may_exist_at_two_tenants_but_not_twice_at_one(store: Store) -> None:
    add(store, 1)
    add(store, 1, "south")

    with pytest.raises(sqlite3.IntegrityError):
        store.add_customer(customer(1), PACK, b"sealed", [])
    state = store.gallery("north", PACK)
    assert state is not None
    assert (state.size, state.generation) == (1, 1)


def test_each_change_makes_the_generation_one_larger(store: Store) -> None:
    rows = [add(store, n) for n in (1, 2, 3)]
    store.delete_customer("north", rows[1].customer_id, (), 0)

    state = store.gallery("north", PACK)

    assert state is not None
    assert (state.generation, state.size) == (4, 2)


def test_changes_are_what_came_since_and_who_is_left_when_somebody_went(store: Store) -> None:
    rows = [add(store, n) for n in (1, 2, 3)]
    _, fresh, ids = store.changes("north", PACK, 2, 2)
    assert ([row.customer_id for row in fresh], ids) == ([rows[2].customer_id], None)

    store.delete_customer("north", rows[0].customer_id, (), 0)
    state, fresh, ids = store.changes("north", PACK, 3, 3)

    assert (state.size, fresh) == (2, [])
    assert ids == {rows[1].customer_id, rows[2].customer_id}


def test_deleting_a_customer_leaves_no_row_of_theirs(store: Store) -> None:
    row, other = add(store, 1), add(store, 2)
    store.keep_tops("north", PACK, row.customer_id, 1, [0.1, 0.2], size=1)
    store.keep_tops("north", PACK, other.customer_id, 1, [0.3], size=1)

    assert store.delete_customer("north", row.customer_id, (), 0) == {PACK: 1}

    tables = [r["name"] for r in store.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        values = [value for found in store.database.rows(f"SELECT * FROM {table}") for value in tuple(found)]
        assert row.customer_id not in values, table
    assert store.tops("north", PACK, 1, 0) == [0.3]


def test_top_scores_count_only_from_a_gallery_nearly_as_large(store: Store) -> None:
    row = add(store, 1)
    store.keep_tops("north", PACK, row.customer_id, 1, [0.1], size=10)
    store.keep_tops("north", PACK, row.customer_id, 2, [0.2], size=100)

    assert (store.tops("north", PACK, 1, 50), store.tops("north", PACK, 2, 50)) == ([], [0.2])


def test_what_fails_in_the_middle_leaves_nothing(store: Store) -> None:
    store.open_gallery("north", PACK, b"salt")
    add(store, 2)

    def twice() -> None:
        with store.writing():
            store.add_customer(customer(1), PACK, b"sealed", [])
            store.add_customer(customer(2), PACK, b"sealed", [])

    with pytest.raises(sqlite3.IntegrityError):
        twice()
    assert store.customer_of_receipt("north", "receipt 1") is None
    assert store.gallery("north", PACK).size == 1  # type: ignore[union-attr]


def test_a_full_disk_is_named_and_leaves_nothing(store: Store) -> None:
    store.open_gallery("north", PACK, b"salt")
    pages = store.database.connection.execute("PRAGMA page_count").fetchone()[0]
    store.database.connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StorageFull), store.writing():
        store.add_customer(customer(1), PACK, bytes(100_000), [])

    assert store.customer_of_receipt("north", "receipt 1") is None


def test_the_tenant_leads_every_primary_key_and_index(store: Store) -> None:
    """So that rows of one tenant lie together and PostgreSQL can take over."""
    tables = [
        row["name"]
        for row in store.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not row["name"].startswith(("sqlite_", "_sqlite"))
    ]
    for table in tables:
        for index in store.database.rows(f"PRAGMA index_list({table})"):
            columns = store.database.rows(f"PRAGMA index_info({index['name']})")
            assert columns[0]["name"] == "tenant", (table, index["name"])


def test_a_file_that_was_opened_before_is_opened_again(tmp_path: Path, store: Store) -> None:
    row = add(store, 1)

    again = Database(tmp_path / "identity.db", store_tables.migrations)

    assert Store(again).customer("north", row.customer_id) == row
    again.close()
