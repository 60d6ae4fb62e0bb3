"""What is promised of the identity half where PostgreSQL keeps its tables."""

from __future__ import annotations

import time

import psycopg
import pytest

from identity.errors import KeyDestroyed
from identity.store.customers import CustomerRow
from identity.vault.vault import Holder
from plumbing.problem import Problem
from plumbing.storage.database import DatabaseAway
from plumbing.storage.state import State
from tests import postgres
from tests.databases import REFUSED, tables_of
from tests.engines import both_engines
from tests.identity.halves import KIOSK, World, kiosk_of, pictures, row_of

pytestmark = both_engines
on_postgresql = pytest.mark.postgresql

PLAIN = {
    "calibrations": {"tenant", "pack", "frames", "calibration"},  # thresholds of a gallery
    "code_tries": {"tenant", "device"},
    "consent_events": {"tenant", "customer_id", "record_id", "position", "event_type", "purpose"},
    "consent_totals": {"tenant", "purpose", "notice_version", "event_type", "number"},
    "customers": {
        *("tenant", "customer_id", "slot", "receipt_hash", "pin_setup_hash", "pin_failures", "pin_locks"),
        *("needs_second_factor", "confirmed"),
    },
    "enrolment_answers": {"tenant", "customer_id", "asked", "fingerprint"},
    "galleries": {"tenant", "pack", "generation", "size"},
    "held": {"tenant", "reference", "customer_id", "erasing"},
    "pending": {"tenant", "customer_id"},
    "site_regions": {"tenant", "site", "region"},  # an operator's: about no customer
    "tails": {"tenant", "pack", "kind", "tail", "people", "made_us"},
    "templates": {"place", "tenant", "customer_id", "pack"},
    "tops": {"tenant", "customer_id", "pack", "frames"},
}
"""Every column that is not sealed. Of a person they hold random ids, hashes of random codes, which purposes, and
small counts: nothing that leads to who they are, once the row that the ids lead to is sealed with a lost key."""


def url_of(world: World) -> str:
    url = State(world.home).url
    assert url is not None
    return url


def heap_of(world: World) -> bytes:
    """The bytes of the files in which the server keeps identity's tables."""
    found = []
    with psycopg.connect(url_of(world), autocommit=True) as admin:
        admin.execute("CHECKPOINT")
        for table in tables_of(world.half.stores.database):
            file = admin.execute(
                "SELECT pg_read_binary_file(pg_relation_filepath(%s))", (f"usual_identity.{table}",)
            )
            found += [row[0] for row in file]
    return b"".join(found)


def sealed_of(world: World, row: CustomerRow) -> list[tuple[str, bytes, str]]:
    """(what, sealed bytes, what they are bound to) of all that is stored of a customer under their own key."""
    stores = world.half.stores
    lines = stores.consents.lines(row.tenant, row.customer_id)
    found = [("links", row.links, "1"), *(("consent", line.sealed, line.bound) for line in lines)]
    found += [] if row.pin is None else [("pin", row.pin, "1")]
    for pack, salt, sealed in stores.galleries.templates_of(row.tenant, row.customer_id):
        found.append(("template", sealed, f"{pack}/{salt.hex()}"))
    return found


def test_every_column_is_sealed_or_listed_as_plain(world: World) -> None:
    database = world.half.stores.database
    assert set(tables_of(database)) == set(PLAIN)
    row_of(world, world.enrol(1).receipt)
    for table, plain in PLAIN.items():
        row = database.row(f"SELECT * FROM {table}")
        for column in () if row is None else row.keys():
            sealed = isinstance(row[column], bytes) or row[column] is None
            assert sealed or column in plain, (table, column)


@on_postgresql
def test_what_an_erasure_leaves_in_the_servers_files_opens_nothing(world: World) -> None:
    made = world.enrol(1, purposes=("orders", "offers"), pin="4711")
    row = row_of(world, made.receipt)
    account = world.service.customers.accounts.find("north", row.customer_id)
    assert account is not None
    sealed, key = sealed_of(world, row), Holder(row.tenant, row.customer_id, row.slot)
    vault = world.half.vault
    assert {what for what, _, _ in sealed} == {"links", "consent", "pin", "template"}
    assert all(vault.open(key, *one) for one in sealed)

    assert world.service.forget(KIOSK, made.receipt)

    heap = heap_of(world)
    assert any(content[:16] in heap for _, content, _ in sealed)  # dead rows stay until VACUUM
    assert account.links.raw_pseudonym not in heap
    assert account.links.pseudonym.encode() not in heap
    for one in sealed:
        with pytest.raises(KeyDestroyed):
            vault.open(key, *one)
    for _ in range(50):  # a dead row stays while any transaction is open that began before it died
        with psycopg.connect(url_of(world), autocommit=True) as admin:
            for table in PLAIN:
                admin.execute(f"VACUUM FULL usual_identity.{table}")
        heap = heap_of(world)
        if not any(content[:16] in heap for _, content, _ in sealed):
            break
        time.sleep(0.1)
    assert not any(content[:16] in heap for _, content, _ in sealed)
    assert row.customer_id.encode() not in heap


@on_postgresql
def test_the_servers_log_has_nothing_of_a_row(world: World) -> None:
    log = postgres.log_of(url_of(world))
    if log is None:
        pytest.skip("this server's log is elsewhere")
    size, stores = log.stat().st_size, world.half.stores
    row = row_of(world, world.enrol(1).receipt)
    account = world.service.customers.accounts.find("north", row.customer_id)
    assert account is not None
    line = stores.consents.lines("north", row.customer_id)[0]

    for refused in (
        lambda: stores.customers.add_customer(row),
        lambda: stores.consents.append("north", row.customer_id, [line]),
        lambda: stores.database.change("UPDATE consent_events SET sealed = ?", (row.links,)),
        lambda: stores.galleries.put_template("north", "f" * 32, world.engine.pack.id, row.links),
    ):
        with pytest.raises(REFUSED):
            refused()

    written = log.read_bytes()[size:]
    assert b"append-only" in written  # it is the log of this server
    for secret in (row.receipt_hash, account.links.pseudonym, row.links.hex(), row.customer_id):
        assert secret.encode() not in written


@on_postgresql
def test_a_strangers_press_writes_no_row_of_identity(world: World) -> None:
    world.enrol(1)
    database = world.half.stores.database

    def written() -> dict[str, list[str]]:
        """Which transaction wrote each row that there is."""
        tables = tables_of(database)
        return {
            name: sorted(str(row[0]) for row in database.rows(f"SELECT xmin::text FROM {name}")) for name in tables
        }

    before = written()
    assert world.recognise(2).decision == "unknown"

    assert written() == before


@on_postgresql
class TestAway:
    """The server does not answer, as after a kill."""

    def test_a_press_goes_on_a_look_is_refused_at_once_and_all_is_well_afterwards(self, world: World) -> None:
        made = world.enrol(1)
        times: list[float] = []

        with postgres.away(url_of(world)):
            for _ in range(2):
                began = time.monotonic()
                nonce, _ = world.service.press(KIOSK)
                times.append(time.monotonic() - began)
                with pytest.raises(DatabaseAway):  # POST /v1/visits answers as to a guest
                    world.service.recognise(KIOSK, nonce, pictures(1, 1, 50))
            with pytest.raises(DatabaseAway):
                world.service.forget(KIOSK, made.receipt)
            with pytest.raises(DatabaseAway):
                world.join()
            assert "does not answer" in str(world.half.check())
        back = time.monotonic()

        assert decision_within(world, 5) == "matched"
        assert time.monotonic() - back < 5
        assert sorted(times)[0] < 0.3
        assert world.half.stores.customers.count() == world.half.vault.keys.counts()["keys"] == 1
        assert world.service.forget(KIOSK, made.receipt)

    def test_an_erasure_that_it_interrupts_is_finished_afterwards(self, world: World) -> None:
        made = world.enrol(1)
        row = row_of(world, made.receipt)
        with postgres.away(url_of(world)):
            receipt = world.service.erasures.erase(row, "receipt")
            assert not receipt.everywhere
            assert world.half.vault.keys.counts()["erasures"] == 1
        until = time.monotonic() + 5
        while world.service.erasures.finish_all() and time.monotonic() < until:
            time.sleep(0.05)

        assert world.half.stores.customers.count() == 0
        assert world.half.vault.keys.counts() | {"free": 0} == {"keys": 0, "erasures": 0, "free": 0}


def decision_within(world: World, seconds: float) -> str:
    """What a look says as soon as the server answers again."""
    until = time.monotonic() + seconds
    while True:
        try:
            return world.recognise(1).decision
        except Problem:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800"], ids=["NUL", "NUL inside", "half a character"])
def test_a_text_that_cannot_be_stored_is_refused_by_name(world: World, text: str) -> None:
    kiosk = kiosk_of(world)
    nonce, frames = "n" * 32, ["AAAA"]
    consent = {"purposes": {"orders": True}, "notice_version": text, "age_confirmed": True}
    bodies = (
        ("POST", "/recognitions", {"nonce": text, "frames": frames}),
        ("POST", "/recognitions/by-code", {"receipt": text, "pin": "4711"}),
        ("POST", "/recognitions/by-code", {"receipt": "x", "pin": text}),
        ("POST", "/enrolments", {"nonce": nonce, "frames": frames, "consent": consent}),
        ("POST", "/enrolments", {"way": "code", "pin": "4711", "consent": consent | {"purposes": {text: True}}}),
        ("POST", "/enrolments", {"way": "code", "pin": "4711", "consent": consent | {"language": text}}),
        ("POST", "/tokens/raise", {"token": text, "pin": "4711"}),
        ("POST", "/not-me", {"token": text}),
        ("POST", "/opt-outs", {"nonce": text, "frames": frames, "pin": "4711"}),
        ("PUT", "/enrolments/x/pin", {"secret": text, "pin": "4711"}),
    )
    for method, path, body in bodies:
        reply = kiosk.send(method, path, body)
        assert 400 <= reply.status_code < 500, (path, body, reply.text)
        assert reply.get_json()["code"]
    for path in ("/enrolments/%00", "/enrolments/a%00b"):
        assert 400 <= kiosk.send("DELETE", path).status_code < 500
