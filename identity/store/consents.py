"""SQL of the consent ledger, to which events are only appended, and of the totals that stay."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from identity.store.schema import Table
from identity.vault.vault import Holder, Vault

ENDS = ("withdrawn", "expired")
"""A record with one of these has ended for good; giving the purpose once more begins another record."""

PADDED = 256  # the sealed details of an event have a multiple of so many bytes


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One event as stored: `event_type` is given, withdrawn, paused, resumed, expired, confirmed or reminded."""

    record_id: str
    position: int
    event_type: str
    purpose: str
    sealed: bytes

    @property
    def bound(self) -> str:
        """What the details are sealed to: they cannot be moved to another event."""
        return f"{self.record_id}/{self.position}/{self.event_type}/{self.purpose}"


@dataclass(frozen=True, slots=True)
class ConsentDetails:
    """What is sealed of an event. Only "given" has a notice; `until_us` is the end of a pause."""

    event_time_us: int
    notice_version: str = ""
    notice_sha256: str = ""
    language: str = ""
    age_confirmed: bool = False
    minimum_age: int = 0
    retention_months: int = 0
    controller: str = ""
    contact: str = ""
    until_us: int = 0

    def line(self, vault: Vault, holder: Holder, begun: ConsentLine) -> ConsentLine:
        """The event `begun`, with these details sealed under the customer's key. Raises KeyDestroyed."""
        content = json.dumps({"version": 1} | asdict(self), separators=(",", ":")).encode()
        padded = content.ljust(-(-len(content) // PADDED) * PADDED)
        sealed = vault.seal(holder, "consent", padded, begun.bound)
        return ConsentLine(begun.record_id, begun.position, begun.event_type, begun.purpose, sealed)

    @classmethod
    def opened(cls, content: bytes) -> ConsentDetails:
        """From what was sealed."""
        said = json.loads(content)
        return cls(**{name: said[name] for name in cls.__slots__ if name in said})


def live_records(lines: Iterable[ConsentLine]) -> dict[str, str]:
    """The record id of each purpose that is agreed to."""
    lines = list(lines)
    ended = {line.record_id for line in lines if line.event_type in ENDS}
    return {line.purpose: line.record_id for line in lines if line.record_id not in ended}


class ConsentStore(Table):
    """Tables `consent_events` and `consent_totals`."""

    def lines(self, tenant: str, customer_id: str) -> list[ConsentLine]:
        """All events of a customer; those of a record follow each other, oldest first."""
        rows = self.database.rows(
            "SELECT record_id, position, event_type, purpose, sealed FROM consent_events"
            " WHERE tenant = ? AND customer_id = ? ORDER BY record_id, position",
            (tenant, customer_id),
        )
        return [ConsentLine(*row) for row in rows]

    def each_record(self) -> Iterator[tuple[str, str, str]]:
        """(tenant, customer id, record id) of every record, one by one, whether it has ended or not."""
        found = self.database.each("SELECT tenant, customer_id, record_id FROM consent_events WHERE position = 0")
        return (tuple(row) for row in found)

    def append(self, tenant: str, customer_id: str, lines: Sequence[ConsentLine]) -> None:
        """Add events to the ledger."""
        with self.database.write() as connection:
            connection.executemany(
                "INSERT INTO consent_events VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        tenant,
                        customer_id,
                        line.record_id,
                        line.position,
                        line.event_type,
                        line.purpose,
                        line.sealed,
                    )
                    for line in lines
                ],
            )

    def consent_counts(self, tenant: str) -> dict[str, int]:
        """How many customers agree to each purpose. Who has not confirmed their receipt yet is no customer."""
        rows = self.database.rows(
            "SELECT e.purpose, count(*) AS live FROM consent_events e"
            " JOIN customers c ON c.tenant = e.tenant AND c.customer_id = e.customer_id AND c.confirmed = 1"
            " WHERE e.tenant = ? AND e.position = 0 AND NOT EXISTS (SELECT 1 FROM consent_events x"
            " WHERE x.tenant = e.tenant AND x.customer_id = e.customer_id AND x.record_id = e.record_id"
            " AND x.event_type IN ('withdrawn', 'expired')) GROUP BY e.purpose",
            (tenant,),
        )
        return {row["purpose"]: row["live"] for row in rows}

    def totals(self, tenant: str) -> dict[tuple[str, str, str], int]:
        """How often each (purpose, notice version, event type) was counted, customers who left included."""
        rows = self.database.rows("SELECT * FROM consent_totals WHERE tenant = ?", (tenant,))
        return {(row["purpose"], row["notice_version"], row["event_type"]): row["number"] for row in rows}

    def count(self, tenant: str, purpose: str, event_type: str, notice_version: str = "") -> None:
        """Add one to a total."""
        self.database.change(
            "INSERT INTO consent_totals VALUES (?, ?, ?, ?, 1)"
            " ON CONFLICT (tenant, purpose, notice_version, event_type)"
            " DO UPDATE SET number = consent_totals.number + 1",
            (tenant, purpose, notice_version, event_type),
        )

    def delete_customer(self, tenant: str, customer_id: str) -> None:
        """Delete the events of a customer whose row is gone; the triggers refuse it before."""
        self.database.change(
            "DELETE FROM consent_events WHERE tenant = ? AND customer_id = ?", (tenant, customer_id)
        )
