"""The steps that make the tables of identity.db, oldest first."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from identity.store.code_tries import code_tries
from identity.store.held import held_opt_outs
from identity.store.homes import home_sites as add_home_sites
from identity.store.moved import move_to_the_ledger
from identity.vault.vault import Vault


def migrations(vault: Vault) -> Migrations:
    """All steps. `consent_ledger` opens with `vault` what older formats had sealed, and seals their times;
    `home_sites` seals a home for each template."""
    steps = Migrations("identity")
    steps()(customers_and_consent)
    steps()(enrolment_answers)

    def consent_ledger(db: Utils) -> None:
        move_to_the_ledger(db, vault)

    steps()(consent_ledger)
    steps()(held_opt_outs)
    steps()(code_tries)

    def home_sites(db: Utils) -> None:
        add_home_sites(db, vault)

    steps()(home_sites)
    return steps


def customers_and_consent(db: Utils) -> None:
    """`links`, `sealed` and `pin` are sealed under the customer's key; nothing says when somebody enrolled."""
    for statement in (
        "CREATE TABLE galleries (tenant TEXT NOT NULL, pack TEXT NOT NULL, generation INTEGER NOT NULL,"
        " size INTEGER NOT NULL, salt BLOB NOT NULL, PRIMARY KEY (tenant, pack))",
        "CREATE TABLE customers (tenant TEXT NOT NULL, customer_id TEXT NOT NULL, slot INTEGER NOT NULL,"
        " receipt_hash TEXT NOT NULL, links BLOB NOT NULL, pin BLOB, pin_setup_hash TEXT,"
        " pin_setup_until_us INTEGER NOT NULL, pin_failures INTEGER NOT NULL, pin_locks INTEGER NOT NULL,"
        " pin_locked_until_us INTEGER NOT NULL, needs_second_factor INTEGER NOT NULL, last_day INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, customer_id), UNIQUE (tenant, receipt_hash))",
        "CREATE TABLE templates (tenant TEXT NOT NULL, pack TEXT NOT NULL, customer_id TEXT NOT NULL,"
        " generation INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (tenant, pack, customer_id),"
        " FOREIGN KEY (tenant, customer_id) REFERENCES customers (tenant, customer_id))",
        "CREATE INDEX templates_generation ON templates (tenant, pack, generation)",
        "CREATE INDEX templates_customer ON templates (tenant, customer_id)",
        "CREATE TABLE tops (tenant TEXT NOT NULL, pack TEXT NOT NULL, customer_id TEXT NOT NULL,"
        " frames INTEGER NOT NULL, position INTEGER NOT NULL, gallery_size INTEGER NOT NULL, score REAL NOT NULL,"
        " PRIMARY KEY (tenant, pack, customer_id, frames, position))",
        "CREATE TABLE calibrations (tenant TEXT NOT NULL, pack TEXT NOT NULL, frames INTEGER NOT NULL,"
        " calibration TEXT NOT NULL, PRIMARY KEY (tenant, pack, frames))",
        "CREATE TABLE tails (tenant TEXT NOT NULL, pack TEXT NOT NULL, kind TEXT NOT NULL,"
        " tail TEXT NOT NULL, people INTEGER NOT NULL, made_us INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, pack, kind))",
        "CREATE TABLE consent_events (tenant TEXT NOT NULL, record_id TEXT NOT NULL, position INTEGER NOT NULL,"
        " event_type TEXT NOT NULL, event_time_us INTEGER NOT NULL, purpose TEXT NOT NULL,"
        " notice_version TEXT NOT NULL, notice_sha256 TEXT NOT NULL, age_confirmed INTEGER NOT NULL,"
        " retention_months INTEGER NOT NULL, PRIMARY KEY (tenant, record_id, position))",
        # The triggers keep the ledger append-only for every other writer of this file, too.
        "CREATE TRIGGER consent_is_not_changed BEFORE UPDATE ON consent_events"
        " BEGIN SELECT RAISE(ABORT, 'consent events are append-only'); END",
        "CREATE TRIGGER consent_is_not_deleted BEFORE DELETE ON consent_events"
        " BEGIN SELECT RAISE(ABORT, 'consent events are append-only'); END",
    ):
        db.execute(statement)


def enrolment_answers(db: Utils) -> None:
    """Answers to enrolments, sealed, for the minutes in which a device may ask for one again."""
    db.execute(
        "CREATE TABLE enrolment_answers (tenant TEXT NOT NULL, asked TEXT NOT NULL, customer_id TEXT NOT NULL,"
        " fingerprint TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (tenant, asked))"
    )
    db.execute("CREATE INDEX enrolment_answers_customer ON enrolment_answers (tenant, customer_id)")
