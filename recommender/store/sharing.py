"""How many different people a tenant asks for before others may see what they chose."""

from __future__ import annotations

from plumbing.storage.database import Database
from recommender.store.events import raise_generation


class SharingStore:
    """One number for each tenant; where none was set, the installation's."""

    def __init__(self, database: Database, usual: int) -> None:
        self._database = database
        self.usual = usual

    def least_people(self, tenant: str) -> int:
        """The tenant's number."""
        with self._database.hurried():
            row = self._database.row("SELECT least_people FROM sharing WHERE tenant = ?", (tenant,))
        return int(row["least_people"]) if row else self.usual

    def set_least_people(self, tenant: str, least: int) -> None:
        """Set it; it holds from the next request on, in all processes."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO sharing VALUES (?, ?)"
                " ON CONFLICT (tenant) DO UPDATE SET least_people = excluded.least_people",
                (tenant, least),
            )
            raise_generation(connection, tenant, "sharing")
