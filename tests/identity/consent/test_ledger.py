"""The consent ledger: a record for each purpose, events that never change, and what the schema itself refuses."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import Any

import pytest

from identity.config import LEDGER_PURPOSES
from identity.consent.ledger import ConsentLedger
from identity.errors import CustomerLeft, UnknownPurpose
from identity.store.customers import CustomerRow
from plumbing.clock import DAY
from tests.databases import REFUSED
from tests.engines import both_engines
from tests.identity.halves import KIOSK, World, row_of

pytestmark = both_engines
FIELDS_OF_THE_STANDARD = {
    "schema_version",
    "record_id",
    "pii_principal_id",
    "privacy_notice",
    "purposes",
    "lawful_basis",
    "pii_categories",
    "pii_controller",
    "collection_method",
    "storage_locations",
    "retention_period",
    "geographic_restrictions",
    "withdrawal_method",
    "termination",
    "recipient_third_parties",
    "validity",
    "events",
}
TEMPLATE = "templates (place, tenant, customer_id, pack, sealed)"


def ledger_of(world: World) -> ConsentLedger:
    return world.service.customers.standings.ledger


def joined(world: World, person: int = 1, **more: Any) -> CustomerRow:
    return row_of(world, world.enrol(person, **more).receipt)


def kinds(world: World, row: CustomerRow) -> list[tuple[str, str]]:
    """(purpose, event type) of all of a customer's events."""
    return sorted(
        (line.purpose, line.event_type) for line in world.half.stores.consents.lines(row.tenant, row.customer_id)
    )


def test_each_purpose_has_a_record_of_its_own_and_the_face_has_one(world: World) -> None:
    row = joined(world, purposes=("orders", "destinations"))

    lines = world.half.stores.consents.lines("north", row.customer_id)

    assert kinds(world, row) == sorted(
        (purpose, kind) for purpose in ("face", "orders", "destinations") for kind in ("given", "confirmed")
    )
    assert len({line.record_id for line in lines}) == 3
    standing = ledger_of(world).standing(row)
    assert (standing.given, standing.purposes) == (("face", "orders", "destinations"), ("orders", "destinations"))
    assert (standing.notice_version, standing.has_face) == (world.service.notice.version, True)


def test_a_record_has_the_standards_fields(world: World) -> None:
    row = joined(world)
    world.clock.now += DAY
    ledger_of(world).withdraw(row.holder, ["orders"])

    records = {record["purposes"][0]["purpose"]: record for record in ledger_of(world).records(row.holder)}

    assert set(records) == {"face", "orders"}
    for record in records.values():
        assert set(record) >= FIELDS_OF_THE_STANDARD
        notice = world.service.notice
        assert record["privacy_notice"] == {"version": notice.version, "sha256": notice.sha256, "language": "en"}
        assert record["pii_principal_id"] == records["face"]["pii_principal_id"]
    assert [event["event_type"] for event in records["orders"]["events"]] == ["given", "confirmed", "withdrawn"]
    assert [records[name]["validity"]["state"] for name in ("face", "orders")] == ["given", "withdrawn"]
    assert records["face"]["pii_categories"][0]["special_pii_category"]
    text = json.dumps(list(records.values()))
    assert json.loads(text) == list(records.values())
    account = world.service.customers.accounts.find("north", row.customer_id)
    assert account is not None
    assert not any(known in text for known in (row.customer_id, account.links.pseudonym, account.links.audit))


def test_withdrawing_twice_is_no_error_and_no_second_line(world: World) -> None:
    row = joined(world, purposes=("orders", "offers"))

    assert ledger_of(world).withdraw(row.holder, ["orders"]) == ("orders",)
    before = kinds(world, row)
    assert ledger_of(world).withdraw(row.holder, ["orders"]) == ()
    assert ledger_of(world).withdraw(row.holder, ["account"]) == ()  # never given

    assert kinds(world, row) == before
    assert ledger_of(world).standing(row).purposes == ("offers",)
    assert world.half.stores.consents.totals("north")[("orders", "", "withdrawn")] == 1


def test_giving_again_is_a_new_record_and_giving_twice_is_one(world: World) -> None:
    row, notice = joined(world), world.service.notice
    first = {record["record_id"] for record in ledger_of(world).records(row.holder)}
    assert ledger_of(world).give(row.holder, ["orders"], notice) == ()

    ledger_of(world).withdraw(row.holder, ["orders"])
    assert ledger_of(world).give(row.holder, ["orders", "account"], notice) == ("orders", "account")

    records = ledger_of(world).records(row.holder)
    assert len(records) == 4
    assert len({record["record_id"] for record in records} - first) == 2
    assert ledger_of(world).standing(row).given == ("face", "orders", "account")


def test_under_a_new_notice_the_record_goes_on_with_another_event(world: World) -> None:
    row = joined(world)
    world.clock.now += DAY
    newer = replace(world.service.notice, version="2099-01", sha256="f" * 64, retention_months=6)
    old = world.service.notice.version

    assert ledger_of(world).give(row.holder, ["orders"], newer, language="de") == ("orders",)
    assert ledger_of(world).standing(row).notice_version == old  # the face is still under it
    ledger_of(world).give(row.holder, ["face"], newer, language="de")

    assert ledger_of(world).standing(row).notice_version == "2099-01"
    (orders,) = [r for r in ledger_of(world).records(row.holder) if r["purposes"][0]["purpose"] == "orders"]
    assert [event.get("notice_version") for event in orders["events"]] == [old, None, "2099-01"]
    assert orders["language"] == "de"
    assert row_of_id(world, row).retention_months == 6


def row_of_id(world: World, row: CustomerRow) -> CustomerRow:
    fresh = world.half.stores.customers.customer(row.tenant, row.customer_id)
    assert fresh is not None
    return fresh


def test_who_took_back_the_last_purpose_stays_with_nothing_open(world: World) -> None:
    row = joined(world)

    ledger_of(world).withdraw(row.holder, ["orders"])

    standing = ledger_of(world).standing(row)
    assert (standing.given, standing.purposes, standing.confirmed) == (("face",), (), True)
    assert world.recognise(1).decision == "unknown"
    ledger_of(world).give(row.holder, ["offers"], world.service.notice)
    assert world.recognise(1).purposes == ("offers",)


def test_without_consent_to_the_face_the_templates_are_gone_to_the_byte(world: World) -> None:
    row = joined(world)
    joined(world, 2)
    sealed = world.half.stores.database.rows(
        "SELECT sealed FROM templates WHERE customer_id = ?", (row.customer_id,)
    )[0]["sealed"]

    ledger_of(world).withdraw(row.holder, ["face"])

    files = [path for path in world.home.iterdir() if path.is_file()]
    assert not any(sealed[:16] in path.read_bytes() for path in files)
    assert world.half.galleries.current("north").size == 1
    assert world.recognise(1).decision == "unknown"
    assert world.recognise(2).decision == "matched"
    assert ledger_of(world).standing(row).has_face is False


@pytest.mark.parametrize("purpose", ["faces", "", "ORDERS"])
def test_a_purpose_that_does_not_exist_is_named(world: World, purpose: str) -> None:
    row = joined(world)
    with pytest.raises(UnknownPurpose):
        ledger_of(world).withdraw(row.holder, [purpose])
    with pytest.raises(UnknownPurpose):
        ledger_of(world).give(row.holder, [purpose], world.service.notice)


def test_an_export_while_erasing_is_a_named_error_and_never_half_a_list(world: World) -> None:
    made = world.enrol(1)
    row = row_of(world, made.receipt)
    world.elsewhere.error = OSError("slow")
    world.half.vault.keys.destroy(row.slot, row.holder.owner)

    with pytest.raises(CustomerLeft) as refused:
        ledger_of(world).records(row.holder)
    assert refused.value.code == "customer_left"
    with pytest.raises(CustomerLeft):
        ledger_of(world).note(row.holder, "paused")
    with pytest.raises(CustomerLeft):
        ledger_of(world).give(row.holder, ["offers"], world.service.notice)


def test_an_erased_customer_leaves_totals_and_no_line(world: World) -> None:
    joined(world)
    gone = world.enrol(2, purposes=("orders", "offers"))
    row = row_of(world, gone.receipt)
    version = world.service.notice.version

    world.service.forget(KIOSK, gone.receipt)

    assert kinds(world, row) == []
    assert world.half.stores.consents.consent_counts("north") == {"face": 1, "orders": 1}
    totals = world.half.stores.consents.totals("north")
    assert totals[("orders", version, "given")] == 2
    assert {key: n for key, n in totals.items() if key[2] == "withdrawn"} == {
        (purpose, "", "withdrawn"): 1 for purpose in ("face", "orders", "offers")
    }


@pytest.mark.sqlite
def test_an_erased_customers_id_is_nowhere_in_the_file(world: World) -> None:
    kept, gone = joined(world), world.enrol(2)
    row = row_of(world, gone.receipt)

    world.service.forget(KIOSK, gone.receipt)

    world.half.stores.database.scrub()
    content = (world.home / "identity.db").read_bytes()
    assert row.customer_id.encode() not in content
    assert kept.customer_id.encode() in content


class TestSchema:
    """What every writer of the tables is refused, whatever its code does."""

    @pytest.fixture
    def row(self, world: World) -> CustomerRow:
        return joined(world)

    def refused(self, world: World, sql: str, values: tuple[object, ...] = (), match: str = "append-only") -> None:
        with pytest.raises(REFUSED, match=match):
            world.half.stores.database.change(sql, values)

    def test_an_event_is_not_changed_or_deleted(self, world: World, row: CustomerRow) -> None:
        self.refused(world, "UPDATE consent_events SET purpose = 'offers'")
        self.refused(world, "DELETE FROM consent_events")

    def test_an_event_is_not_written_over(self, world: World, row: CustomerRow) -> None:
        line = world.half.stores.consents.lines("north", row.customer_id)[0]
        values = ("north", row.customer_id, line.record_id, line.position, "given", line.purpose, b"")
        over = " ON CONFLICT (tenant, customer_id, record_id, position) DO UPDATE SET sealed = excluded.sealed"
        self.refused(world, f"INSERT INTO consent_events VALUES (?, ?, ?, ?, ?, ?, ?){over}", values)

    @pytest.mark.sqlite
    def test_nothing_is_replaced(self, world: World, row: CustomerRow) -> None:
        line = world.half.stores.consents.lines("north", row.customer_id)[0]
        values = ("north", row.customer_id, line.record_id, line.position, "given", line.purpose, b"")
        self.refused(world, "INSERT OR REPLACE INTO consent_events VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        ledger_of(world).withdraw(row.holder, ["face"])
        insert = f"INSERT OR REPLACE INTO {TEMPLATE} VALUES (3, 'north', ?, 'another@1', x'00')"
        self.refused(world, insert, (row.customer_id,), "live consent to the face")

    def test_no_template_without_a_live_consent_to_the_face(self, world: World, row: CustomerRow) -> None:
        insert = f"INSERT INTO {TEMPLATE} VALUES (?, 'north', ?, 'another@1', x'00')"
        world.half.stores.database.change(insert, (1, row.customer_id))  # there is one
        ledger_of(world).withdraw(row.holder, ["face"])

        match = "live consent to the face"
        self.refused(world, insert, (2, row.customer_id), match)
        other = joined(world, 2)
        moved = "UPDATE templates SET customer_id = ? WHERE customer_id = ?"
        self.refused(world, moved, (row.customer_id, other.customer_id), match)

    def test_consent_to_the_face_does_not_end_before_the_templates(self, world: World, row: CustomerRow) -> None:
        lines = world.half.stores.consents.lines("north", row.customer_id)
        face = next(line for line in lines if line.purpose == "face")
        insert = "INSERT INTO consent_events VALUES ('north', ?, ?, 9, ?, 'face', x'')"
        for kind in ("withdrawn", "expired"):
            self.refused(world, insert, (row.customer_id, face.record_id, kind), "templates go before")

    def test_a_record_that_has_ended_gets_no_event_any_more(self, world: World, row: CustomerRow) -> None:
        ledger_of(world).withdraw(row.holder, ["orders"])
        lines = world.half.stores.consents.lines("north", row.customer_id)
        record = next(line.record_id for line in lines if line.purpose == "orders")
        insert = "INSERT INTO consent_events VALUES ('north', ?, ?, 9, 'given', 'orders', x'')"
        self.refused(world, insert, (row.customer_id, record), "has ended")

    def test_no_event_is_nobodys_and_no_record_begins_in_the_middle(self, world: World, row: CustomerRow) -> None:
        insert = "INSERT INTO consent_events VALUES ('north', ?, ?, 0, ?, 'orders', x'')"
        self.refused(world, insert, ("0" * 32, secrets.token_hex(16), "given"), "(?i)foreign key")
        self.refused(world, insert, (row.customer_id, secrets.token_hex(16), "withdrawn"), "begins with giving")

    def test_details_moved_to_another_event_do_not_open(self, world: World, row: CustomerRow) -> None:
        database = world.half.stores.database
        for trigger in ("consent_is_not_changed",):
            database.change(f"DROP TRIGGER {trigger}")
        database.change("UPDATE consent_events SET purpose = 'offers' WHERE purpose = 'orders'")
        with pytest.raises(Exception, match="altered"):
            ledger_of(world).records(row.holder)


def test_the_ledger_knows_the_purposes_of_the_notice_and_two_more() -> None:
    assert LEDGER_PURPOSES == ("face", "orders", "offers", "destinations", "account")
