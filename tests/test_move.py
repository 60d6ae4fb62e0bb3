"""`usual move`: from SQLite to PostgreSQL and back, whole or not at all."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from app import create_app
from doorway.move import parts
from identity.customers.departed import FILE as DEPARTED
from identity.store import IdentityStores
from identity.vault.keyfile import KeyFile
from identity.vault.vault import Vault
from plumbing.access import access
from plumbing.clock import system_clock
from plumbing.move import copying
from plumbing.move.command import carry, move
from plumbing.move.places import MoveRefused, Place
from plumbing.move.tables import Row, Schema
from plumbing.settings import Config
from plumbing.shared import LASTING, Shared
from plumbing.storage.database import DatabaseBusy, DatabaseUnusable
from plumbing.storage.moved import MoveUnfinished, StateMoved
from plumbing.storage.state import State
from plumbing.storage.tombstones import Tombstones
from recommender.item import Item
from recommender.store import open_database
from recommender.store.catalogue import CatalogueStore
from tests import postgres
from tests.engines import TEMPLATE

AS_A = "postgresql://a:"  # with what follows an address, which no line of this file holds
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
                f"INSERT INTO events VALUES ({', '.join('?' * 18)})",
                (*order, "s", "", "", "", f"f{n}", n, "", "", ""),
            )
            write.execute(
                "INSERT INTO lines VALUES ('mill', 'pos', ?, 0, 'café', 1, NULL, 0, '', NULL)", (f"é{n}",)
            )
    catalogue = CatalogueStore(recommender)
    catalogue.put("mill", "item", [Item("café", "Café", "coffee", 300)])
    catalogue.set_image("mill", "café", [((160, 80), b"\0\xffWEBP"), ((400, 200), secrets.token_bytes(900))])
    recommender.close()
    keyring = state.database("access", *LASTING)
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


def test_every_table_that_a_home_keeps_is_moved(tmp_path: Path, engine_cache: Path) -> None:
    """A table that is named nowhere would stay behind, and be deleted with the older copy."""
    for part in create_app(Config(home=tmp_path, cache=engine_cache)).extensions["usual_open"]:
        part.close()
    covered = {part.in_home: {table.name for table in Schema.of(part).tables} for part in PARTS}
    kept = {path.name: path for path in tmp_path.glob("*.db") if not path.name.endswith("-moments.db")}

    for name, path in kept.items():
        with closing(sqlite3.connect(path)) as raw:
            there = {row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert {table for table in there if not table.startswith(("_", "sqlite_"))} <= covered[name], name
    assert {"access.db", "identity.db", "recommender.db"} <= set(kept)


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


def test_documents_signing_keys_and_the_audit_set_aside_go_along(ends: Ends) -> None:
    home = ends.here.state.home
    wanted = {
        "retention.json": b'{"kept": 1}',
        "receipt-key": b'{"private": 1}',
        "identity-audit.log": b"line\n",
        "identity-audit.log.17": b"older\n",
        "identity-audit.log.17.head": b"older head\n",
        "notices/published.json": b'{"current": "v1"}',
        "notices/v1/en.md": b"text",
    }
    for name, content in wanted.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)

    carry(ends.here, ends.there, PARTS)
    ends.here.delete(PARTS)
    assert not (home / "receipt-key").exists()  # a private key that is rotated on the server is gone
    for name in wanted:
        (home / name).unlink(missing_ok=True)
    carry(ends.there, ends.here, PARTS)

    assert {name: (home / name).read_bytes() for name in wanted if (home / name).exists()} == wanted
    ends.there.delete(PARTS)
    for url in (ends.there.state.url, ends.there.state.keys_url):
        assert url is not None
        with psycopg.connect(url) as raw:
            assert raw.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ '^usual'").fetchall() == []


def test_keys_that_stay_in_the_home_are_not_deleted_with_the_older_copy(ends: Ends) -> None:
    home = ends.here.state.home
    there = Place(ends.there.state.url or "", home, None)
    keys = (home / "identity-keys").read_bytes()

    carry(ends.here, there, PARTS)
    ends.here.delete(PARTS, keys=ends.here.moves_keys(there))

    assert (home / "identity-keys").read_bytes() == keys
    assert (home / DEPARTED).exists()
    assert not (home / "identity.db").exists()


def test_keys_that_would_be_left_behind_stop_the_move(ends: Ends, tmp_path: Path) -> None:
    home = ends.here.state.home
    url = ends.there.state.url
    assert url is not None
    with pytest.raises(MoveRefused, match="keys"):  # the server will look for them in another home
        carry(ends.here, Place(url, tmp_path / "other", None), PARTS)

    carry(ends.here, ends.there, PARTS)
    ends.here.delete(PARTS)
    with pytest.raises(MoveRefused, match="--keys"):  # they are in the database for keys
        carry(Place(url, home, None), ends.here, PARTS)
    assert not (home / "identity-keys").exists()


def test_env_names_the_database_for_keys_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("USUAL_DATABASE", "postgresql://h/state")
    monkeypatch.setenv("USUAL_KEYS_DATABASE", "postgresql://h/keys")

    assert Place("env", tmp_path, None).state.keys_url == "postgresql://h/keys"
    assert Place("postgresql://h/state", tmp_path, None).state.keys_url is None


def test_who_opts_out_at_a_server_of_the_older_copy_gets_no_confirmation(ends: Ends) -> None:
    keys = KeyFile(ends.here.state.home / "identity-keys", lambda: MASTER)
    slot, key = keys.allocate(b"somebody")
    carry(ends.here, ends.there, PARTS)

    with pytest.raises(StateMoved):
        keys.destroy(slot, b"somebody", b"left")
    with pytest.raises(StateMoved):
        keys.allocate(b"another")
    assert keys.key(slot, b"somebody") == key
    keys.close()


def test_a_write_that_waits_for_the_end_of_a_move_is_refused(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    home, other, found = ends.here.state.home, open_database(State(ends.here.state.home)), []

    def late(statement: str) -> None:
        try:
            other.change(statement)
        except Exception as error:
            found.append(type(error))

    waiting = threading.Thread(target=late, args=("UPDATE events SET site = 'lost'",))
    plain = Place.mark_moved

    def marked(place: Place, to: str) -> None:
        waiting.start()
        time.sleep(0.2)  # it has looked for the mark, and waits for the lock
        plain(place, to)

    monkeypatch.setattr(Place, "mark_moved", marked)
    carry(ends.here, ends.there, PARTS)
    waiting.join()
    other.close()

    assert found == [StateMoved]
    assert home.exists()


def test_the_older_copy_is_deleted_by_the_same_command_later(ends: Ends) -> None:
    for here, there in ((ends.here, ends.there), (ends.there, ends.here)):
        assert not here.moved_to(there)
        carry(here, there, PARTS)
        assert here.moved_to(there)
        here.delete(PARTS, keys=here.moves_keys(there))


def test_a_part_that_waits_for_the_others_keeps_its_lock(ends: Ends) -> None:
    with ends.there.databases(PARTS) as databases, copying.held(Schema.of(PARTS[0]), databases["identity"]):
        limit = databases["identity"].row("SELECT current_setting('idle_in_transaction_session_timeout')")

    assert tuple(limit) == ("0",)


def test_keys_in_the_database_of_the_state_are_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "access.db").touch()
    with pytest.raises(MoveRefused, match="a database of their own"):
        carry(Place(f"sqlite:{home}", home, None), Place("postgresql://a@h/s", home, "postgresql://b@h/s"), PARTS)


@pytest.mark.parametrize(
    "given",
    [
        ["--from", "sqlite:x", "--to", f"{AS_A}hunter2@h/s"],
        ["--from", "sqlite:x", "--to", "env", "--keys", "postgresql://h/k?password=hunter2"],
        ["--from", f"{AS_A}hunter2@[h/s", "--to", "sqlite:x"],
    ],
)
def test_a_password_in_the_command_is_refused_and_not_repeated(given: list[str]) -> None:
    done = CliRunner().invoke(move, given, obj={"parts": lambda: PARTS})

    assert done.exit_code == 1
    assert "USUAL_DATABASE" in done.output
    assert "hunter2" not in done.output


def test_a_home_of_an_older_version_is_named(ends: Ends) -> None:
    with ends.here.databases(PARTS) as databases:
        databases["identity"].change(
            "DELETE FROM _sqlite_migrations WHERE id = (SELECT MAX(id) FROM _sqlite_migrations)"
        )

    with pytest.raises(MoveRefused, match=r"of an older version.*start the server once"):
        carry(ends.here, ends.there, PARTS)


def test_a_server_without_an_installation_takes_nothing_from_a_home(ends: Ends) -> None:
    keys = (ends.here.state.home / "identity-keys").read_bytes()
    with pytest.raises(MoveRefused, match="no installation"):
        carry(ends.there, ends.here, PARTS)

    with ends.there.databases(PARTS) as databases:
        keyring = access.Access(databases["access"], system_clock)
        keyring.create_key("mill", ["suggest"])
    for part in PARTS:
        (ends.here.state.home / part.in_home).unlink(missing_ok=True)
    with pytest.raises(MoveRefused, match="identity-keys"):  # no tables, and keys that some backup needs
        carry(ends.there, ends.here, PARTS)
    assert (ends.here.state.home / "identity-keys").read_bytes() == keys


def test_no_server_starts_where_a_move_is_not_finished(ends: Ends) -> None:
    for place in (ends.there, ends.here):  # what it took would be deleted when the move goes on
        place.set_begun("somewhere")
        with pytest.raises(MoveUnfinished):
            Shared.open(place.state, system_clock)
        place.set_begun(None)
        Shared.open(place.state, system_clock).close()


def test_one_that_is_killed_between_its_two_marks_is_finished_by_the_same_command(ends: Ends) -> None:
    carry(ends.here, ends.there, PARTS)
    ends.there.set_begun(ends.here.name)

    assert ends.here.moved_to(ends.there)
    assert ends.there.begun_from() is None
