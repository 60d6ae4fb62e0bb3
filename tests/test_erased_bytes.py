"""After many joined and left, no file of the house holds a byte of who left, wherever SQLite had split a page."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from identity.customers.accounts import receipt_digest
from plumbing.clock import system_clock
from plumbing.storage.free_space import Cleaning, owed_in
from recommender.scene import Event, OrderLine
from tests.test_in_house import TENANT, House

PEOPLE, LEAVING, ORDERS = 24, 12, 60


@dataclass(frozen=True)
class Person:
    receipt: str
    customer_id: str
    digest: str
    pseudonym: str

    @property
    def names(self) -> tuple[bytes, ...]:
        """What identity and the recommender know them by."""
        texts = (self.customer_id, self.digest, self.pseudonym)
        return tuple(text.encode() for text in texts)


def joined(house: House, number: int) -> Person:
    receipt = house.enrol(number)
    row = house.identity.stores.customers.customer_of_receipt(TENANT, receipt_digest(receipt))
    assert row is not None
    links = house.identity.service.customers.accounts.links_of(row)
    return Person(receipt, row.customer_id, row.receipt_hash, links.pseudonym)


def fill(house: House, people: list[Person]) -> None:
    """Orders of all of them, in no order, with rows of many lengths; an account of the shop for each."""
    drawn, now = Random(5), system_clock()
    stores = house.recommender.service.stores
    events = [
        Event(
            event_id=drawn.randbytes(drawn.randrange(4, 60)).hex(),
            type="ordered",
            scene="orders",
            customer=drawn.choice(people).pseudonym,
            time_us=now - drawn.randrange(10**12),
            hour=12.0,
            weekday=1,
            lines=(OrderLine("soup", 1, 100),),
        )
        for _ in range(PEOPLE * ORDERS)
    ]
    stores.events.record(TENANT, events, now)
    with house.recommender.service.database.write() as connection:
        for person in people:
            connection.execute("INSERT INTO account_ties VALUES (?, ?, 'card')", (TENANT, person.pseudonym))
            connection.execute(
                "INSERT INTO offer_purchases VALUES (?, ?, ?, 1, 1)", (TENANT, person.digest[:8], person.pseudonym)
            )


def names_in(contents: dict[Path, bytes], people: list[Person]) -> list[str]:
    names = [name for person in people for name in person.names]
    return [path.name for path, content in contents.items() for name in names if name in content]


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, list[Person], list[Person]]]:
    """A house that half of its customers have left, before the work beside the requests."""
    house = House(tmp_path_factory.mktemp("house"))
    people = [joined(house, number) for number in range(PEOPLE)]
    fill(house, people)
    for person in people[:LEAVING]:
        row = house.identity.stores.customers.customer_of_receipt(TENANT, person.digest)
        assert row is not None
        assert house.identity.service.erasures.erase(row, "receipt").everywhere
    yield house, people[:LEAVING], people[LEAVING:]
    house.close()


def test_an_opt_out_is_answered_before_free_space_is_overwritten_and_no_byte_is_left_after(
    emptied: tuple[House, list[Person], list[Person]],
) -> None:
    house, left, stayed = emptied
    databases = (house.identity.stores.database, house.recommender.service.database)
    assert [database.unclean() for database in databases] == [LEAVING, LEAVING]

    Cleaning(databases).look()
    assert [owed_in(house.home / name) for name in ("identity.db", "recommender.db")] == [0, 0]
    contents = {path: path.read_bytes() for path in house.home.rglob("*") if path.is_file()}
    assert names_in(contents, left) == []
    for person in stayed:
        assert any(person.pseudonym.encode() in content for content in contents.values())


def test_the_databases_stay_sound_and_the_others_keep_what_is_theirs(
    emptied: tuple[House, list[Person], list[Person]],
) -> None:
    house, _, stayed = emptied
    for name in ("identity.db", "recommender.db"):
        with closing(sqlite3.connect(house.home / name)) as opened:
            assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    for person in stayed:
        assert house.recommender.service.stores.own.of(TENANT, person.pseudonym)
