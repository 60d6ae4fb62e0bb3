"""SQL of the customer's own page: whose code it is where nobody says the tenant, and which templates there are."""

from __future__ import annotations

from identity.store.customers import CustomerRow, CustomerStore
from identity.store.schema import Table


class OwnPageStore(Table):
    """Reads tables `customers` and `templates`."""

    def __init__(self, customers: CustomerStore) -> None:
        super().__init__(customers.database)
        self._customers = customers

    def holder_of(self, receipt_hash: str) -> CustomerRow | None:
        """The customer who has a code, of whichever tenant. Every tenant is asked, whoever has it: a code that
        nobody has takes the same work."""
        found = [self._customers.customer_of_receipt(tenant, receipt_hash) for tenant in self.tenants()]
        return next((row for row in found if row is not None), None)

    def tenants(self) -> list[str]:
        """The tenants that have customers."""
        names: list[str] = []
        while True:  # jumps from one tenant to the next in the index; DISTINCT would read every row
            row = self.database.row(
                "SELECT MIN(tenant) AS tenant FROM customers WHERE tenant > ?", (names[-1] if names else "",)
            )
            if row is None or row["tenant"] is None:
                return names
            names.append(row["tenant"])

    def packs_of(self, tenant: str, customer_id: str) -> list[str]:
        """The engine packs that hold a template of this customer, never the template."""
        rows = self.database.rows(
            "SELECT pack FROM templates WHERE tenant = ? AND customer_id = ? ORDER BY pack", (tenant, customer_id)
        )
        return [str(row["pack"]) for row in rows]
