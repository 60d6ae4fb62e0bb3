"""SQL that says which customers of a tenant changed, for the copies that a store box has of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from identity.store.schema import Table


@dataclass(frozen=True, slots=True)
class Changed:
    """A customer: their key's slot, their sealed links, and a hash of all that a copy is made from."""

    customer_id: str
    slot: int
    links: bytes
    stamp: str


class ChangedStore(Table):
    """Reads of the tables `customers`, `templates` and `consent_events`."""

    def of_tenant(self, tenant: str) -> list[Changed]:
        """Everybody who is in force. The stamp is another one after each change of what a copy holds."""
        templates: dict[str, list[bytes]] = {}
        for row in self.database.rows(
            "SELECT customer_id, sealed FROM templates WHERE tenant = ? ORDER BY customer_id, pack", (tenant,)
        ):
            templates.setdefault(row["customer_id"], []).append(bytes(row["sealed"]))
        consents = {
            row["customer_id"]: int(row["number"])
            for row in self.database.rows(
                "SELECT customer_id, count(*) AS number FROM consent_events WHERE tenant = ? GROUP BY customer_id",
                (tenant,),
            )
        }
        found = []
        for row in self.database.rows(
            "SELECT customer_id, slot, links, times, receipt_hash, needs_second_factor FROM customers"
            " WHERE tenant = ? AND confirmed = 1",
            (tenant,),
        ):
            name = row["customer_id"]
            made = hashlib.sha256(bytes(row["links"]) + bytes(row["times"]))
            for sealed in templates.get(name, ()):
                made.update(sealed)
            made.update(repr((row["receipt_hash"], row["needs_second_factor"], consents.get(name))).encode())
            found.append(Changed(name, row["slot"], bytes(row["links"]), made.hexdigest()))
        return found
