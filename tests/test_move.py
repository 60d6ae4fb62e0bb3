"""`usual move`: from SQLite to PostgreSQL and back, whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from doorway.move import parts
from identity.customers.departed import FILE as DEPARTED
from identity.store import IdentityStores
from identity.vault.keyfile import KeyFile
from identity.vault.vault import Vault
from plumbing.access import access
from plumbing.clock import system_clock
from plumbing.move import copying
from plumbing.move.command import carry
from plumbing.move.places import MoveRefused, Place
from plumbing.move.tables import Row, Schema
from plumbing.storage.database import DatabaseBusy, DatabaseUnusable
from plumbing.storage.moved import StateMoved
from plumbing.storage.state import State
from plumbing.storage.tombstones import Tombstones
from recommender.store import open_database
from tests import postgres
from tests.engines import TEMPLATE

MASTER = [secrets.token_bytes(32)]
PARTS = parts()


@dataclass
class Ends:
    """A filled home, and an empty server."""

    here: Place
    there: Place

    def rows(self, place: Place) -> dict[str, list[Row]]:
        """Every row of every table."""
        found: dict[str, list[Row]] = {}
        with place.databases(PARTS) as databases:
            for part in PARTS:
                for table in Schema.of(part).tables:
                    found[table.name] = table.page(databases[part.name], None)
        return found


def fill(home: Path) -> None:
    """Some of everything: sealed bytes, triggers, foreign keys, text of every kind."""
    state = State(home)
    files = state.files("identity-keys", keys=True)
    keys = KeyFile(files.place("identity-keys"), lambda: MASTER)
    vault = Vault(keys)
    Tombstones(home / DEPARTED).add([secrets.token_bytes(32)])
    stores = IdentityStores.open(state, vault)
    with stores.database.write() as write:
        for n in range(3):
            slot, _ = keys.allocate(f"c{n}".encode())
            customer = ("north", f"c{n}", slot, f"r{n}", b"\0links", None, None, 0, 0, 0, 1, b"times")
            write.execute(f"INSERT INTO customers VALUES ({', '.join('?' * 12)})", customer)
            for position, kind in enumerate(("given", "paused")):
                event = ("north", f"c{n}", f"rec{n}", position, kind, "face", b"\xff")
                write.execute(f"INSERT INTO consent_events VALUES ({', '.join('?' * 7)})", event)
            template = (secrets.randbits(62), "north", f"c{n}", "pack@1", secrets.token_bytes(600))
            write.execute(
                "INSERT INTO templates (place, tenant, customer_id, pack, sealed) VALUES (?, ?, ?, ?, ?)", template
            )
    stores.database.close()
    recommender = open_database(state)
    with recommender.write() as write:
        for n in range(300):
            order = ("mill", "pos", f"é{n}", "ordered", "orders", f"p{n % 7}", 10**15 + n, 12.25, 3)
            write.execute(
                f"INSERT INTO events VALUES ({', '.join('?' * 16)})", (*order, "s", "", "", "", f"f{n}", n, "")
            )
            write.execute("INSERT INTO lines VALUES ('mill', 'pos', ?, 0, 'café', 1, NULL)", (f"é{n}",))
    recommender.close()
    keyring = state.database("access", access.migrations)
    access.Access(keyring, system_clock).create_key("mill", ["suggest"])
    keyring.close()
    keys.close()


@pytest.fixture
def ends(tmp_path: Path, postgres_url: str) -> Iterator[Ends]:
    home = tmp_path / "state"
    home.mkdir()
    fill(home)
    with postgres.database(postgres_url, TEMPLATE) as own, postgres.database(postgres_url) as keys:
        yield Ends(Place(f"sqlite:{home}", home, None), Place(own, home, keys))


def test_there_and_back_is_the_same(ends: Ends) -> None:
    before, keys = ends.rows(ends.here), (ends.here.state.home / "identity-keys").read_bytes()

    compared, files = carry(ends.here, ends.there, PARTS)

    assert ends.rows(ends.there) == before
    assert (sum(one.rows for one in compared), files) == (sum(map(len, before.values())), 2)
    with pytest.raises(StateMoved), ends.here.databases(PARTS) as older:
        older["access"].change("DELETE FROM keys")
    ends.here.delete(PARTS)
    assert not list(ends.here.state.home.glob("identity*"))

    carry(ends.there, ends.here, PARTS)

    assert ends.rows(ends.here) == before
    assert (ends.here.state.home / "identity-keys").read_bytes() == keys
    with pytest.raises(DatabaseUnusable), ends.there.databases(PARTS) as older:
        older["access"].change("DELETE FROM keys")
    with ends.here.databases(PARTS) as now, pytest.raises(Exception, match="append-only"):
        now["identity"].change("DELETE FROM consent_events")  # the rules are on again


def test_one_that_is_stopped_goes_on(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ends.rows(ends.here)
    plain, left = copying._insert, [0]

    def stops(*given: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        plain(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "_insert", stops)
    for number, after in enumerate((1, 2, 2)):
        left[0] = after
        with pytest.raises(KeyboardInterrupt):
            carry(ends.here, ends.there, PARTS)
        with ends.here.databases(PARTS) as source:  # it still counts
            source["recommender"].change("DELETE FROM events WHERE event_id = ?", (f"é{number}",))
            source["recommender"].change("UPDATE events SET site = 'new' WHERE event_id = 'é200'")
    left[0] = 0

    carry(ends.here, ends.there, PARTS)

    now = ends.rows(ends.there)
    assert len(now["events"]) == len(before["events"]) - 3
    assert [row for row in now["events"] if "new" in row]
    assert now["templates"] == before["templates"]


def test_meanwhile_the_source_is_read_and_not_written(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    other = open_database(State(ends.here.state.home))

    def look(rows: int) -> None:
        seen.append(len(other.rows("SELECT 1 FROM events")))
        with pytest.raises(DatabaseBusy), other.hurried():
            other.change("DELETE FROM events")

    step: list[int] = []
    original = copying.compare

    def watched(*given: object) -> object:
        if not step:
            step.append(1)
            look(0)
        return original(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "compare", watched)
    carry(ends.here, ends.there, PARTS)
    other.close()

    assert seen == [300]


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("sqlite:{home}", "sqlite:{home}x", "the other one a PostgreSQL"),
        ("sqlite:{home}x", "{server}", "no installation"),
        ("mysql://x", "{server}", "A place is"),
        ("{home}", "{server}", "A place is"),
    ],
)
def test_a_wrong_place_is_named(ends: Ends, source: str, target: str, says: str) -> None:
    home = ends.here.state.home

    def place(text: str) -> Place:
        return Place(text.format(home=home, server=ends.there.state.url), home, None)

    with pytest.raises(MoveRefused, match=says):
        carry(place(source), place(target), PARTS)


def test_a_place_that_holds_another_installation_is_left_as_it_is(ends: Ends) -> None:
    with ends.there.databases(PARTS) as databases:
        databases["access"].change("INSERT INTO devices VALUES ('t', 'n', 's', 'p', 1)")

    with pytest.raises(MoveRefused, match="holds an installation already"):
        carry(ends.here, ends.there, PARTS)

    with ends.here.databases(PARTS) as source:
        source["access"].change("DELETE FROM key_uses")  # the source is open
