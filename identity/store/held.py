"""SQL of the opt-outs that a member of staff ends, because nobody could tell which customer asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database as Utils

from identity.store.schema import Table


def held_opt_outs(db: Utils) -> None:
    """A row for each customer who may have asked. It goes with the customer, whatever erases them."""
    db.execute(
        "CREATE TABLE held (tenant TEXT NOT NULL, reference TEXT NOT NULL, customer_id TEXT NOT NULL,"
        " erasing INTEGER NOT NULL, PRIMARY KEY (tenant, reference, customer_id),"
        " FOREIGN KEY (tenant, customer_id) REFERENCES customers (tenant, customer_id) ON DELETE CASCADE)"
        " WITHOUT ROWID"
    )
    db.execute("CREATE INDEX held_customer ON held (tenant, customer_id)")


@dataclass(frozen=True, slots=True)
class HeldRow:
    """One customer of a held opt-out. `erasing`: a member of staff decided to erase them; it is not done yet."""

    tenant: str
    reference: str
    customer_id: str
    erasing: bool


class HeldStore(Table):
    """Table `held`."""

    def add(self, tenant: str, reference: str, customer_ids: Sequence[str]) -> None:
        """Hold these customers under a new reference."""
        with self.database.write() as connection:
            connection.executemany(
                "INSERT INTO held VALUES (?, ?, ?, 0)", [(tenant, reference, one) for one in customer_ids]
            )

    def all(self) -> list[HeldRow]:
        """Every row of all tenants, by tenant and reference."""
        return [_held(*row) for row in self.database.rows(f"{_SELECT} ORDER BY tenant, reference, customer_id")]

    def of_reference(self, reference: str) -> list[HeldRow]:
        """The customers held under a reference."""
        found = self.database.rows(f"{_SELECT} WHERE reference = ? ORDER BY tenant, customer_id", (reference,))
        return [_held(*row) for row in found]

    def references(self, tenant: str, customer_id: str) -> list[str]:
        """The references under which a customer is held."""
        found = self.database.rows(
            "SELECT reference FROM held WHERE tenant = ? AND customer_id = ? ORDER BY reference",
            (tenant, customer_id),
        )
        return [str(row["reference"]) for row in found]

    def mark_erasing(self, row: HeldRow) -> None:
        """From now on this customer is not resumed any more."""
        self.database.change(
            "UPDATE held SET erasing = 1 WHERE tenant = ? AND reference = ? AND customer_id = ?",
            (row.tenant, row.reference, row.customer_id),
        )

    def release(self, row: HeldRow) -> None:
        """Hold this customer no longer, under any reference."""
        self.database.change(
            "DELETE FROM held WHERE tenant = ? AND customer_id = ?", (row.tenant, row.customer_id)
        )


_SELECT = "SELECT tenant, reference, customer_id, erasing FROM held"


def _held(tenant: str, reference: str, customer_id: str, erasing: int) -> HeldRow:
    return HeldRow(tenant, reference, customer_id, bool(erasing))
