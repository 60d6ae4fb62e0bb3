"""A home that version 0.2.0 made opens, recognises its customers and lets them go."""

from __future__ import annotations

import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from identity.errors import KeyFileDamaged
from identity.results import Device
from plumbing.clock import DAY
from tests.identity.halves import KIOSK, START, StoppedClock, World, row_of

pytestmark = pytest.mark.sqlite  # 0.2.0 knew no other engine
FIXTURES = Path(__file__).parents[2] / "fixtures"
FIXTURE = FIXTURES / "identity-consents-0.2.0.tar.gz"
BEFORE_HOMES = FIXTURES / "identity-homes-0.2.0.tar.gz"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def opened(home: Path) -> tuple[World, list[str]]:
    return World(home, StoppedClock(START + 3 * DAY)), (home / "receipts.txt").read_text().split()


def dumped(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "identity.db")) as raw:
        return list(raw.iterdump())


def test_its_customers_are_recognised_with_their_purposes_and_pin(home: Path) -> None:
    world, receipts = opened(home)

    seen = world.recognise(1)

    assert (seen.decision, seen.purposes) == ("matched", ("orders", "offers", "destinations"))
    assert world.service.raise_level(KIOSK, seen.token or "", "2468").purposes == seen.purposes
    assert world.recognise(2).purposes == ("offers",)
    assert [row_of(world, receipt).last_day - START // DAY for receipt in receipts] == [3, 3]
    world.close()


def test_its_consent_is_their_customers_with_a_record_of_the_face(home: Path) -> None:
    world, receipts = opened(home)
    ledger = world.service.customers.standings.ledger

    records = [ledger.records(row_of(world, receipt).holder) for receipt in receipts]

    assert [[record["purposes"][0]["purpose"] for record in found] for found in records] == [
        ["face", "orders", "offers", "destinations"],
        ["face", "offers"],
    ]
    assert {record["privacy_notice"]["version"] for found in records for record in found} == {"2026-11"}
    assert len({record["events"][0]["event_time"] for found in records for record in found}) == 2
    world.close()


def test_what_was_nobodys_is_a_total_and_no_line(home: Path) -> None:
    """Its third customer had opted out: two events were left that led to nobody."""
    world, _ = opened(home)

    rows = world.half.stores.database.rows("SELECT DISTINCT customer_id FROM consent_events")
    totals = world.half.stores.consents.totals("north")

    assert len(rows) == 2
    assert totals[("orders", "", "withdrawn")] == 1
    assert totals[("orders", "2026-11", "given")] == 2
    world.close()


def test_its_customers_opt_out_and_leave_nothing(home: Path) -> None:
    world, receipts = opened(home)

    assert all(world.service.forget(KIOSK, receipt) for receipt in receipts)

    for table in ("customers", "templates", "consent_events", "tops", "pending"):
        assert world.half.stores.database.rows(f"SELECT 1 FROM {table}") == []
    world.close()


def test_no_column_has_a_time_of_a_customer_and_no_table_an_order(home: Path) -> None:
    world, _ = opened(home)
    world.close()
    raw = sqlite3.connect(home / "identity.db")
    dump = "\n".join(line for line in raw.iterdump() if "made_at_us" not in line)
    raw.close()
    assert not any(str(time) in dump for time in (START + 3 * DAY, START))
    assert "last_day" not in dump


def test_a_second_opening_changes_nothing(home: Path) -> None:
    opened(home)[0].close()
    before = dumped(home)
    world, _ = opened(home)
    world.close()
    assert dumped(home) == before


def test_who_has_no_key_any_more_is_left_behind(home: Path) -> None:
    """A customer whose erasure was interrupted between the key and the rows."""
    keys = home / "identity-keys"
    content = bytearray(keys.read_bytes())
    content[2 * 256 : 3 * 256] = bytes(256)
    keys.write_bytes(content)

    world, _ = opened(home)
    world.half.settle()  # as a server does before it serves anybody

    assert (world.recognise(1).decision, world.recognise(2).decision) == ("matched", "unknown")
    assert world.half.stores.customers.count() == 1
    assert world.half.galleries.current("north").size == 1
    world.close()


def test_beside_another_key_file_nothing_is_moved_and_nobody_is_lost(home: Path) -> None:
    before, keys = dumped(home), (home / "identity-keys").read_bytes()
    (home / "identity-keys").unlink()

    with pytest.raises(KeyFileDamaged, match="put back"):
        opened(home)

    assert dumped(home) == before
    (home / "identity-keys").write_bytes(keys)
    world, _ = opened(home)
    assert world.recognise(1).decision == "matched"
    world.close()


class TestBeforeHomes:
    """A home whose templates have no site yet."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[World]:
        with tarfile.open(BEFORE_HOMES) as archive:
            archive.extractall(tmp_path, filter="data")
        world, _ = opened(tmp_path)
        yield world
        world.close()

    def test_its_customers_are_recognised_at_every_site_and_their_site_is_not_known(self, world: World) -> None:
        code = (world.home / "receipts.txt").read_text().split()[0]
        accounts = world.service.customers.accounts

        for site in ("", "market"):
            assert world.recognise(1, Device("north", "kiosk-1", site)).purposes == ("orders", "offers")
        assert accounts.home_of(row_of(world, code)) == ""
        assert world.half.stores.regions.of_tenant("north") == {}

    def test_a_template_of_before_looks_like_one_of_afterwards(self, world: World) -> None:
        """Who has the database alone does not see who joined before the new version came."""
        world.enrol(4, Device("north", "kiosk-1", "market"))

        rows = world.half.stores.database.rows("SELECT home FROM templates")

        assert len(rows) == 3
        assert {len(row["home"]) for row in rows} == {12 + 64 + 16}

    def test_the_schema_still_refuses_a_template_without_consent(self, world: World) -> None:
        database = world.half.stores.database
        with pytest.raises(sqlite3.IntegrityError, match="live consent"), database.write() as connection:
            connection.execute("UPDATE templates SET customer_id = 'somebody'")

    def test_its_customers_opt_out_and_leave_nothing(self, world: World) -> None:
        for code in (world.home / "receipts.txt").read_text().split():
            assert world.service.forget(KIOSK, code)

        assert world.half.stores.database.rows("SELECT 1 FROM templates") == []
        assert world.recognise(1).decision == "unknown"
