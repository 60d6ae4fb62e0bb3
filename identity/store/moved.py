"""The step `consent_ledger`: from the tables of version 0.2.0 to those of `tables`.

Consent events lay in a table that said their time and no customer; which ones were whose was sealed. They become
events of their customer with their details sealed, and each customer gets a record of the purpose `face`, made
from their earliest one. Events of people who were erased become totals. Nothing is copied in the order in which
it was stored.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

import structlog
from sqlite_utils import Database as Utils

from identity.errors import KeyDestroyed, KeyFileDamaged, SealBroken
from identity.store.consents import ConsentDetails, ConsentLine
from identity.store.tables import TABLES, TRIGGERS
from identity.store.thresholds import TOPS, sealed_tops
from identity.store.times import TIMES, Times
from identity.vault.installation import InstallationSeal
from identity.vault.vault import Holder, Vault
from plumbing.clock import DAY

log = structlog.get_logger(__name__)
OLD = ("galleries", "customers", "templates", "tops", "enrolment_answers", "consent_events")
RECORDS_AT = 32  # sealed links of 0.2.0: two ids of 16 bytes, then a record id for each purpose
RECORD_BYTES = 16
NOTICE_LANGUAGE = "en"  # the only one that 0.2.0 had

Row = dict[str, Any]


def move_to_the_ledger(db: Utils, vault: Vault) -> None:
    """Make the new tables, move what the old ones hold, and put the triggers on them."""
    for index in ("templates_generation", "templates_customer", "enrolment_answers_customer"):
        db.execute(f"DROP INDEX IF EXISTS {index}")
    for trigger in ("consent_is_not_changed", "consent_is_not_deleted"):
        db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    for table in OLD:
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in TABLES:
        db.execute(statement)
    _Move(db, vault).all()
    for table in ("enrolment_answers", "templates", "tops", "consent_events", "customers", "galleries"):
        db.execute(f"DROP TABLE old_{table}")
    for statement in TRIGGERS:
        db.execute(statement)


class _Move:
    def __init__(self, db: Utils, vault: Vault) -> None:
        self._db = db
        self._vault = vault
        self._times = InstallationSeal(vault.keys, TIMES)
        self._tops = InstallationSeal(vault.keys, TOPS)
        self._owned: set[tuple[str, str]] = set()

    def all(self) -> None:
        customers = self._shuffled("SELECT * FROM old_customers")
        lost = sum(not self._customer(row) for row in customers)
        if lost and lost == len(customers) > len(self._vault.keys.erasures()):
            # Another key file lies here: nothing is moved, and the right one may still be put back.
            raise KeyFileDamaged("it has no key of any customer in identity.db; put back the one it was made with")
        if lost:
            log.warning("customers_without_a_key_left_behind", customers=lost)
        self._galleries()
        self._totals()
        for row in list(self._db.query("SELECT DISTINCT calibration FROM calibrations")):
            made = json.loads(row["calibration"])
            made["made_at_us"] = made["made_at_us"] // DAY * DAY
            values = [json.dumps(made), row["calibration"]]
            self._db.execute("UPDATE calibrations SET calibration = ? WHERE calibration = ?", values)

    def _shuffled(self, sql: str, *values: object) -> list[Row]:
        rows = list(self._db.query(sql, list(values)))
        secrets.SystemRandom().shuffle(rows)
        return rows

    def _customer(self, row: Row) -> bool:
        """Move one customer with all that is theirs; False when no key opens it any more."""
        tenant, customer_id = row["tenant"], row["customer_id"]
        holder = Holder(tenant, customer_id, row["slot"])
        try:
            links = self._vault.open(holder, "links", row["links"])
        except (KeyDestroyed, SealBroken):
            return False
        records = [links[n : n + RECORD_BYTES].hex() for n in range(RECORDS_AT, len(links), RECORD_BYTES)]
        emptied = links[:RECORDS_AT].ljust(len(links), b"\0")  # the events name their customer now
        events = [event for record_id in records for event in self._events(tenant, record_id)]
        months = min((event["retention_months"] for event in events), default=0)
        times = Times(row["last_day"], months, row["pin_setup_until_us"], row["pin_locked_until_us"]).sealed(
            self._times, tenant, customer_id
        )
        self._insert(
            "customers",
            (
                tenant,
                customer_id,
                row["slot"],
                row["receipt_hash"],
                self._vault.seal(holder, "links", emptied),
                row["pin"],
                row["pin_setup_hash"],
                row["pin_failures"],
                row["pin_locks"],
                row["needs_second_factor"],
                1,
                times,
            ),
        )
        self._consent(holder, events)
        self._rest(holder, with_face=bool(events))
        return True

    def _events(self, tenant: str, record_id: str) -> list[Row]:
        self._owned.add((tenant, record_id))
        return list(
            self._db.query(
                "SELECT * FROM old_consent_events WHERE tenant = ? AND record_id = ? ORDER BY position",
                [tenant, record_id],
            )
        )

    def _consent(self, holder: Holder, events: list[Row]) -> None:
        first = min(events, key=lambda event: event["event_time_us"], default=None)
        face = secrets.token_hex(RECORD_BYTES)
        made = [] if first is None else [first | {"record_id": face, "position": 0, "purpose": "face"}]
        for event in [*events, *made]:
            begun = ConsentLine(event["record_id"], event["position"], event["event_type"], event["purpose"], b"")
            given = event["event_type"] == "given"
            line = ConsentDetails(
                event_time_us=event["event_time_us"],
                notice_version=event["notice_version"] if given else "",
                notice_sha256=event["notice_sha256"] if given else "",
                language=NOTICE_LANGUAGE if given else "",
                age_confirmed=given and bool(event["age_confirmed"]),
                retention_months=event["retention_months"] if given else 0,
            ).line(self._vault, holder, begun)
            fields = (line.record_id, line.position, line.event_type, line.purpose, line.sealed)
            self._insert("consent_events", (holder.tenant, holder.customer_id, *fields))
            self._count(holder.tenant, event)

    def _rest(self, holder: Holder, *, with_face: bool) -> None:
        key = (holder.tenant, holder.customer_id)
        where = "WHERE tenant = ? AND customer_id = ?"
        for row in self._db.query(f"SELECT * FROM old_enrolment_answers {where}", list(key)):  # noqa: S608 - ours
            self._insert("enrolment_answers", (*key, row["asked"], row["fingerprint"], row["sealed"]))
        if not with_face:
            return
        for row in self._db.query(f"SELECT * FROM old_templates {where}", list(key)):  # noqa: S608 - ours
            place = secrets.randbits(63)
            self._insert("templates", (place, *key, row["pack"], row["sealed"]))
        scores: dict[tuple[str, int], tuple[int, list[float]]] = {}
        for row in self._db.query(f"SELECT * FROM old_tops {where} ORDER BY position", list(key)):  # noqa: S608
            scores.setdefault((row["pack"], row["frames"]), (row["gallery_size"], []))[1].append(row["score"])
        for (pack, frames), (size, found) in scores.items():
            sealed = sealed_tops(self._tops, (*key, pack), size, found)
            self._insert("tops", (*key, pack, frames, sealed))

    def _galleries(self) -> None:
        for row in list(self._db.query("SELECT * FROM old_galleries")):
            counted = "SELECT count(*) FROM templates WHERE tenant = ? AND pack = ?"
            (size,) = self._db.execute(counted, [row["tenant"], row["pack"]]).fetchone()
            # No list of recent changes: every process reads the gallery once as a whole.
            self._insert("galleries", (row["tenant"], row["pack"], row["generation"] + 1, size, row["salt"], b""))

    def _totals(self) -> None:
        """Events that are nobody's any more are counted, and go."""
        for event in list(self._db.query("SELECT * FROM old_consent_events")):
            if (event["tenant"], event["record_id"]) not in self._owned:
                self._count(event["tenant"], event)

    def _count(self, tenant: str, event: Row) -> None:
        notice = event["notice_version"] if event["event_type"] == "given" else ""
        self._db.execute(
            "INSERT INTO consent_totals VALUES (?, ?, ?, ?, 1)"
            " ON CONFLICT (tenant, purpose, notice_version, event_type)"
            " DO UPDATE SET number = consent_totals.number + 1",
            [tenant, event["purpose"], notice, event["event_type"]],
        )

    def _insert(self, table: str, values: tuple[object, ...]) -> None:
        places = ", ".join("?" * len(values))
        self._db.execute(f"INSERT INTO {table} VALUES ({places})", list(values))  # noqa: S608 - our own names
