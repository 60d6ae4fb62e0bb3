"""Consent: nothing is on unless it was ticked, and what happened is never changed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from identity.config import PURPOSES, IdentityConfig
from identity.consent import ledger, notices
from identity.errors import AgeNotConfirmed, NoConsent, NoticeOutdated, UnknownPurpose
from tests.identity.halves import KIOSK, START, World

CONFIG = IdentityConfig(home=Path("unused"), token_keys=(Fernet.generate_key(),))
NOTICE = notices.notice_of(CONFIG)
GOOD = {"notice_version": NOTICE.version, "age_confirmed": True}


def check(purposes: dict[str, bool], **changed: object) -> tuple[str, ...]:
    return notices.check_consent(purposes, notice=NOTICE, **(GOOD | changed))  # type: ignore[arg-type]


def test_only_what_was_ticked_is_agreed_to() -> None:
    assert check({"orders": True, "offers": False}) == ("orders",)
    assert check(dict.fromkeys(PURPOSES, True)) == PURPOSES


@pytest.mark.parametrize("purposes", [{}, {"orders": False}, dict.fromkeys(PURPOSES, False)])
def test_nothing_ticked_is_no_consent(purposes: dict[str, bool]) -> None:
    with pytest.raises(NoConsent):
        check(purposes)


def test_a_purpose_the_notice_does_not_name_is_refused_even_unticked() -> None:
    with pytest.raises(UnknownPurpose):
        check({"orders": True, "advertising": False})


def test_another_notice_than_the_one_in_force_is_refused() -> None:
    with pytest.raises(NoticeOutdated):
        check({"orders": True}, notice_version="2020-01")


@pytest.mark.parametrize("said", [False, None, "yes", 1])
def test_an_age_that_was_not_declared_is_refused(said: object) -> None:
    with pytest.raises(AgeNotConfirmed):
        check({"orders": True}, age_confirmed=said)


def test_the_notice_says_what_the_configuration_says() -> None:
    notice = notices.notice_of(replace(CONFIG, organisation="Noodle House", retention_months=6, minimum_age=18))

    assert "Noodle House" in notice.text
    assert "6 months after your last visit" in notice.text
    assert "18 or older" in notice.text
    assert notice.sha256 == hashlib.sha256(notice.text.encode()).hexdigest() != NOTICE.sha256


def test_the_notice_cannot_change_without_a_new_version() -> None:
    """A change of the text needs a new version, and the new hash in this test."""
    said = notices.NOTICE + json.dumps(notices.PURPOSE_TEXTS)

    assert (notices.NOTICE_VERSION, hashlib.sha256(said.encode()).hexdigest()[:16]) == (
        "2026-11",
        "109758a16e16ffab",
    )


def test_each_purpose_gets_a_record_of_its_own_under_a_random_id() -> None:
    events = ledger.give(("orders", "destinations"), NOTICE, START)

    assert [event.purpose for event in events] == ["orders", "destinations"]
    assert len({event.record_id for event in events}) == 2
    assert ledger.in_force(events) == ("orders", "destinations")


def test_a_withdrawn_purpose_is_not_in_force_and_the_others_are() -> None:
    orders, offers = ledger.give(("orders", "offers"), NOTICE, START)
    withdrawn = replace(orders, position=1, event_type="withdrawn")

    assert ledger.in_force([withdrawn, orders, offers]) == ("offers",)


def test_a_record_speaks_the_standards_field_names() -> None:
    (event,) = ledger.give(("orders",), NOTICE, START)

    record = ledger.as_record([event, replace(event, position=1, event_type="withdrawn")], controller="North")

    named = {"record_id", "schema_version", "privacy_notice", "purposes", "pii_categories", "retention_period"}
    assert named | {"withdrawal_method", "events", "collection_method", "lawful_basis"} <= set(record)
    assert record["privacy_notice"] == {"version": NOTICE.version, "sha256": NOTICE.sha256}
    assert [entry["event_type"] for entry in record["events"]] == ["given", "withdrawn"]
    assert json.loads(json.dumps(record)) == record


def test_the_ledger_refuses_to_change_or_delete_an_event(world: World) -> None:
    world.enrol(1)
    connection = world.half.databases[0].connection

    for statement in ("UPDATE consent_events SET purpose = 'offers'", "DELETE FROM consent_events"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)


def test_opting_out_adds_a_withdrawal_that_leads_to_nobody(world: World) -> None:
    kept, gone = world.enrol(1, purposes=("orders",)), world.enrol(2, purposes=("orders", "offers"))
    world.clock.now += 1_000_000
    world.service.forget(KIOSK, gone.receipt)
    database = world.half.databases[0]

    events = [tuple(row) for row in database.rows("SELECT record_id, event_type FROM consent_events")]

    assert sorted(kind for _, kind in events) == ["given"] * 3 + ["withdrawn"] * 2
    assert world.half.stores.consents.consent_counts("north") == {"orders": 1, "offers": 0}
    withdrawn = {record for record, kind in events if kind == "withdrawn"}
    everything = b"".join(path.read_bytes() for path in world.home.iterdir() if path.name != "identity.db")
    for record in withdrawn:
        assert record.encode() not in everything
        assert bytes.fromhex(record) not in everything
    # Beside the ledger no table knows the record either, as text or as bytes.
    database.scrub()
    content = (world.home / "identity.db").read_bytes()
    for record in withdrawn:
        rows_and_index = 2 * 2  # each event stands in the table and in its primary key
        assert content.count(record.encode()) == rows_and_index
        assert bytes.fromhex(record) not in content
    assert kept.receipt
