"""The statements that make the tables which the step `consent_ledger` brings.

`WITHOUT ROWID` and random keys: a table's order says nothing about who joined when. `templates` has rows that are
too long for that (each would take a page of its own), so their place is a random number.
"""

from __future__ import annotations

_CUSTOMER = "tenant TEXT NOT NULL, customer_id TEXT NOT NULL"
_OF_CUSTOMER = "FOREIGN KEY (tenant, customer_id) REFERENCES customers (tenant, customer_id)"

TABLES = (
    # `recent` is sealed: the customers of the last changes, oldest first (`GalleryStore`).
    "CREATE TABLE galleries (tenant TEXT NOT NULL, pack TEXT NOT NULL, generation INTEGER NOT NULL,"
    " size INTEGER NOT NULL, salt BLOB NOT NULL, recent BLOB NOT NULL, PRIMARY KEY (tenant, pack)) WITHOUT ROWID",
    # `times` is sealed (`Times`). `needs_second_factor`: 0 no, 1 looks like another customer, 2 said "not me".
    f"CREATE TABLE customers ({_CUSTOMER}, slot INTEGER NOT NULL, receipt_hash TEXT NOT NULL,"
    " links BLOB NOT NULL, pin BLOB, pin_setup_hash TEXT, pin_failures INTEGER NOT NULL,"
    " pin_locks INTEGER NOT NULL, needs_second_factor INTEGER NOT NULL CHECK (needs_second_factor IN (0, 1, 2)),"
    " confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)), times BLOB NOT NULL,"
    " PRIMARY KEY (tenant, customer_id), UNIQUE (tenant, receipt_hash)) WITHOUT ROWID",
    f"CREATE TABLE templates (place INTEGER PRIMARY KEY, {_CUSTOMER}, pack TEXT NOT NULL, sealed BLOB NOT NULL,"
    f" UNIQUE (tenant, pack, customer_id), {_OF_CUSTOMER})",
    "CREATE INDEX templates_customer ON templates (tenant, customer_id)",
    f"CREATE TABLE tops ({_CUSTOMER}, pack TEXT NOT NULL, frames INTEGER NOT NULL, sealed BLOB NOT NULL,"
    " PRIMARY KEY (tenant, pack, frames, customer_id)) WITHOUT ROWID",
    "CREATE INDEX tops_customer ON tops (tenant, customer_id)",
    f"CREATE TABLE enrolment_answers ({_CUSTOMER}, asked TEXT NOT NULL, fingerprint TEXT NOT NULL,"
    " sealed BLOB NOT NULL, PRIMARY KEY (tenant, asked)) WITHOUT ROWID",
    "CREATE INDEX enrolment_answers_customer ON enrolment_answers (tenant, customer_id)",
    # What becomes of a customer when they confirm that they have their receipt; sealed with their key.
    f"CREATE TABLE pending ({_CUSTOMER}, sealed BLOB NOT NULL, PRIMARY KEY (tenant, customer_id),"
    f" {_OF_CUSTOMER}) WITHOUT ROWID",
    # Checked at the end of a transaction: an erasure deletes the customer first, and then their events.
    f"CREATE TABLE consent_events ({_CUSTOMER}, record_id TEXT NOT NULL, position INTEGER NOT NULL,"
    " event_type TEXT NOT NULL CHECK (event_type IN ('given', 'withdrawn', 'paused', 'resumed', 'expired',"
    " 'confirmed', 'reminded')), purpose TEXT NOT NULL, sealed BLOB NOT NULL,"
    f" PRIMARY KEY (tenant, customer_id, record_id, position), {_OF_CUSTOMER} DEFERRABLE INITIALLY DEFERRED)"
    " WITHOUT ROWID",
    # What stays of those who left: numbers. `notice_version` is '' where an end is counted.
    "CREATE TABLE consent_totals (tenant TEXT NOT NULL, purpose TEXT NOT NULL, notice_version TEXT NOT NULL,"
    " event_type TEXT NOT NULL, number INTEGER NOT NULL,"
    " PRIMARY KEY (tenant, purpose, notice_version, event_type)) WITHOUT ROWID",
)

_OF_RECORD = (
    "SELECT 1 FROM consent_events WHERE tenant = NEW.tenant AND customer_id = NEW.customer_id"
    " AND record_id = NEW.record_id"
)
_NO_LIVE_FACE = (
    "NOT EXISTS (SELECT 1 FROM consent_events given WHERE given.tenant = NEW.tenant"
    " AND given.customer_id = NEW.customer_id AND given.purpose = 'face' AND given.event_type = 'given'"
    " AND NOT EXISTS (SELECT 1 FROM consent_events ended WHERE ended.tenant = given.tenant"
    " AND ended.customer_id = given.customer_id AND ended.record_id = given.record_id"
    " AND ended.event_type IN ('withdrawn', 'expired')))"
)


def _refused(name: str, when: str, sentence: str) -> str:
    return f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{sentence}'); END"


TRIGGERS = (
    # They hold for every other writer of this file, too.
    _refused("consent_is_not_changed", "BEFORE UPDATE ON consent_events", "consent events are append-only"),
    _refused(
        "consent_is_not_deleted",
        "BEFORE DELETE ON consent_events WHEN EXISTS (SELECT 1 FROM customers"
        " WHERE tenant = OLD.tenant AND customer_id = OLD.customer_id)",
        "consent events are append-only",
    ),
    # Without it, INSERT OR REPLACE changes an event past both of the above.
    _refused(
        "consent_is_not_replaced",
        f"BEFORE INSERT ON consent_events WHEN EXISTS ({_OF_RECORD} AND position >= NEW.position)",
        "consent events are append-only",
    ),
    _refused(
        "a_record_begins_with_giving",
        f"BEFORE INSERT ON consent_events WHEN NEW.event_type <> 'given' AND NOT EXISTS ({_OF_RECORD})",
        "a consent record begins with giving",
    ),
    _refused(
        "a_record_has_one_purpose_and_one_end",
        f"BEFORE INSERT ON consent_events WHEN EXISTS ({_OF_RECORD}"
        " AND (event_type IN ('withdrawn', 'expired') OR purpose <> NEW.purpose))",
        "this consent record has ended, or is for another purpose",
    ),
    _refused(
        "no_template_without_consent",
        f"BEFORE INSERT ON templates WHEN {_NO_LIVE_FACE}",
        "a template needs a live consent to the face",
    ),
    _refused(
        "no_new_template_without_consent",
        f"BEFORE UPDATE ON templates WHEN {_NO_LIVE_FACE}",
        "a template needs a live consent to the face",
    ),
    _refused(
        "no_template_outlives_its_consent",
        "BEFORE INSERT ON consent_events WHEN NEW.purpose = 'face' AND NEW.event_type IN ('withdrawn', 'expired')"
        " AND EXISTS (SELECT 1 FROM templates WHERE tenant = NEW.tenant AND customer_id = NEW.customer_id)",
        "the templates go before the consent to the face does",
    ),
)
