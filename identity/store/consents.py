"""SQL of the consent ledger, to which events are only appended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace

from identity.consent.ledger import ConsentEvent
from identity.store.schema import Table


class ConsentStore(Table):
    """Table `consent_events`."""

    def consents(self, tenant: str, record_ids: Sequence[str]) -> list[ConsentEvent]:
        """All events of some records, oldest first."""
        return [
            ConsentEvent(**{**row, "age_confirmed": bool(row["age_confirmed"])})
            for record_id in record_ids
            for row in self.database.rows(
                "SELECT record_id, position, event_type, event_time_us, purpose, notice_version, notice_sha256,"
                " age_confirmed, retention_months FROM consent_events"
                " WHERE tenant = ? AND record_id = ? ORDER BY position",
                (tenant, record_id),
            )
        ]

    def consent_counts(self, tenant: str) -> dict[str, int]:
        """How many records of each purpose are in force."""
        rows = self.database.rows(
            "SELECT purpose, SUM(CASE event_type WHEN 'given' THEN 1 ELSE -1 END) AS in_force"
            " FROM consent_events WHERE tenant = ? GROUP BY purpose",
            (tenant,),
        )
        return {row["purpose"]: row["in_force"] for row in rows}

    def append(self, tenant: str, events: Sequence[ConsentEvent]) -> None:
        """Add events to the ledger."""
        with self.database.write() as connection:
            connection.executemany(
                "INSERT INTO consent_events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(tenant, *astuple(event)) for event in events],
            )

    def withdraw(self, tenant: str, record_ids: Sequence[str], now_us: int) -> None:
        """Append a withdrawal to each of some records that is in force."""
        with self.database.write():
            newest = {event.record_id: event for event in self.consents(tenant, record_ids)}
            withdrawals = [
                replace(event, position=event.position + 1, event_type="withdrawn", event_time_us=now_us)
                for event in newest.values()
                if event.event_type == "given"
            ]
            self.append(tenant, withdrawals)
