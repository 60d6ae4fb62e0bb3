"""What the store promises, in a database of two tenants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from identity.errors import StorageFull
from identity.store import IdentityStores, galleries
from identity.store.consents import ConsentLine
from identity.store.customers import CustomerRow
from identity.vault.keyfile import KeyFile
from identity.vault.vault import Vault
from plumbing.storage.database import Database
from plumbing.storage.sqlite import SQLiteDatabase
from plumbing.storage.state import State
from tests.databases import REFUSED, sqlite_of, tables_of

PACK = "fake@1"


@pytest.fixture
def stores(state: State) -> Iterator[IdentityStores]:
    opened = IdentityStores.open(state, vault_of(state.home))
    yield opened
    opened.database.close()


MASTER = [bytes(32)]


def vault_of(folder: Path) -> Vault:
    return Vault(KeyFile(folder / "identity-keys", lambda: MASTER))


def customer(number: int, tenant: str = "north") -> CustomerRow:
    return CustomerRow(
        tenant, f"{number:032x}", number, f"receipt {number}", b"links", None, "setup", 9, 0, 0, 0, False, 20_000
    )


def add(stores: IdentityStores, number: int, tenant: str = "north") -> CustomerRow:
    stores.galleries.open_gallery(tenant, PACK, b"salt")
    row = customer(number, tenant)
    store(stores, row)
    return row


def store(stores: IdentityStores, row: CustomerRow, sealed: bytes = b"sealed") -> None:
    """A customer with their consent to the face and a template, as an enrolment leaves them."""
    with stores.customers.writing():
        stores.customers.add_customer(row)
        face = ConsentLine(f"{row.slot:032x}", 0, "given", "face", b"")
        stores.consents.append(row.tenant, row.customer_id, [face])
        stores.galleries.put_template(row.tenant, row.customer_id, PACK, sealed)


def test_a_customer_is_read_as_kept(stores: IdentityStores) -> None:
    row = add(stores, 1)

    assert stores.customers.customer("north", row.customer_id) == row
    assert stores.customers.customer_of_receipt("north", "receipt 1") == row


def test_no_question_reaches_another_tenants_customer(stores: IdentityStores) -> None:
    row = add(stores, 1)

    assert stores.customers.customer("south", row.customer_id) is None
    assert stores.customers.customer_of_receipt("south", "receipt 1") is None
    stores.customers.require_second_factor("south", [row.customer_id])
    stores.customers.set_pin("south", row.customer_id, b"pin")
    assert stores.customers.delete_customer("south", row.customer_id) == {}
    assert stores.customers.customer("north", row.customer_id) == row


def test_one_receipt_may_exist_at_two_tenants_but_not_twice_at_one(stores: IdentityStores) -> None:
    add(stores, 1)
    add(stores, 1, "south")

    with pytest.raises(REFUSED):
        store(stores, customer(1))
    state = stores.galleries.gallery("north", PACK)
    assert state is not None
    assert (state.size, state.generation) == (1, 1)


def test_each_change_makes_the_generation_one_larger(stores: IdentityStores) -> None:
    rows = [add(stores, n) for n in (1, 2, 3)]
    stores.customers.delete_customer("north", rows[1].customer_id)

    state = stores.galleries.gallery("north", PACK)

    assert state is not None
    assert (state.generation, state.size) == (4, 2)


def test_changes_are_the_templates_that_came_since_and_the_places_of_those_that_went(
    stores: IdentityStores,
) -> None:
    rows = [add(stores, n) for n in (1, 2, 3)]
    first, third = (place_of(stores, row) for row in (rows[0], rows[2]))
    changes = stores.galleries.changes("north", PACK, 2)
    assert changes is not None
    assert ([(row.customer_id, row.place) for row in changes.rows], changes.gone) == (
        [(rows[2].customer_id, third)],
        set(),
    )

    stores.customers.delete_customer("north", rows[0].customer_id)
    changes = stores.galleries.changes("north", PACK, 3)

    assert changes is not None
    assert (changes.state.size, changes.rows, changes.gone) == (2, [], {first})
    assert stores.galleries.changes("north", PACK, -1) is None


def test_a_template_that_is_replaced_goes_from_its_place_and_comes_at_another(stores: IdentityStores) -> None:
    row = add(stores, 1)
    before = place_of(stores, row)

    stores.galleries.put_template("north", row.customer_id, PACK, b"other")

    changes = stores.galleries.changes("north", PACK, 1)
    assert changes is not None
    assert changes.gone == {before}
    assert [(one.sealed, one.place) for one in changes.rows] == [(b"other", place_of(stores, row))]
    assert list(stores.galleries.places("north", PACK)[1]) == [place_of(stores, row)]
    assert changes.state.size == 1


def test_a_gallery_is_read_page_by_page(stores: IdentityStores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(galleries, "PAGE", 2)
    rows = [add(stores, n) for n in range(1, 6)]
    add(stores, 6, "south")

    pages = list(stores.galleries.templates("north", PACK))

    assert [[row.customer_id for row in page] for page in pages] == [
        [row.customer_id for row in rows[:2]],
        [row.customer_id for row in rows[2:4]],
        [rows[4].customer_id],
    ]
    places = [row.place for page in pages for row in page]
    assert [[row.place for row in page] for page in stores.galleries.at("north", PACK, [*places, 5])] == [
        places[:2],
        places[2:4],
        places[4:],
    ]
    assert list(stores.galleries.at("south", PACK, places)) == []


def place_of(stores: IdentityStores, row: CustomerRow) -> int:
    found = stores.database.row("SELECT place FROM templates WHERE customer_id = ?", (row.customer_id,))
    assert found is not None
    return int(found["place"])


def test_deleting_a_customer_leaves_no_row_of_theirs(stores: IdentityStores) -> None:
    row, other = add(stores, 1), add(stores, 2)
    stores.thresholds.keep_tops("north", PACK, row.customer_id, 1, [0.1, 0.2], size=1)
    stores.thresholds.keep_tops("north", PACK, other.customer_id, 1, [0.3], size=1)

    assert stores.customers.delete_customer("north", row.customer_id) == {PACK: 1}

    for table in tables_of(stores.database):
        values = [value for found in stores.database.rows(f"SELECT * FROM {table}") for value in tuple(found)]
        assert row.customer_id not in values, table
    assert stores.thresholds.tops("north", PACK, 1, 0) == [0.3]


def test_top_scores_count_only_from_a_gallery_nearly_as_large(stores: IdentityStores) -> None:
    row = add(stores, 1)
    stores.thresholds.keep_tops("north", PACK, row.customer_id, 1, [0.1], size=10)
    stores.thresholds.keep_tops("north", PACK, row.customer_id, 2, [0.2], size=100)

    found = [stores.thresholds.tops("north", PACK, frames, 50) for frames in (1, 2)]
    assert found == [[], [0.2]]


def test_what_fails_in_the_middle_leaves_nothing(stores: IdentityStores) -> None:
    stores.galleries.open_gallery("north", PACK, b"salt")
    add(stores, 2)

    def twice() -> None:
        with stores.customers.writing():
            store(stores, customer(1))
            store(stores, customer(2))

    with pytest.raises(REFUSED):
        twice()
    assert stores.customers.customer_of_receipt("north", "receipt 1") is None
    assert stores.galleries.gallery("north", PACK).size == 1  # type: ignore[union-attr]


@pytest.mark.sqlite
def test_a_full_disk_is_named_and_leaves_nothing(stores: IdentityStores) -> None:
    stores.galleries.open_gallery("north", PACK, b"salt")
    pages = sqlite_of(stores.database).connection.execute("PRAGMA page_count").fetchone()[0]
    sqlite_of(stores.database).connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StorageFull), stores.customers.writing():
        store(stores, customer(1), bytes(100_000))

    assert stores.customers.customer_of_receipt("north", "receipt 1") is None


def test_the_tenant_leads_every_primary_key_and_index(stores: IdentityStores) -> None:
    """So that rows of one tenant lie together and PostgreSQL can take over."""
    for table in tables_of(stores.database):
        for name, first in first_columns(stores.database, table).items():
            assert first == "tenant" or (table, first) == ("templates", "place"), (table, name)


def first_columns(database: Database, table: str) -> dict[str, str]:
    """The first column of each index of a table, by the index's name."""
    if not isinstance(database, SQLiteDatabase):
        found = database.rows(
            "SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
            " WHERE i.indrelid = to_regclass(?)",
            (table,),
        )
        return {row[0]: row[1] for row in found}
    names = [str(index["name"]) for index in database.rows(f"PRAGMA index_list({table})")]
    return {name: database.rows(f"PRAGMA index_info({name})")[0]["name"] for name in names}


def test_what_was_opened_before_is_opened_again(state: State, stores: IdentityStores) -> None:
    row = add(stores, 1)

    again = IdentityStores.open(state, vault_of(state.home))

    assert again.customers.customer("north", row.customer_id) == row
    again.database.close()
