"""Which dialects of other products' APIs each tenant has switched on: none, until somebody does."""

from __future__ import annotations

from plumbing.storage.database import Database


class DialectStore:
    """The switches of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tenant: str) -> list[str]:
        """Those that are on, sorted."""
        rows = self._database.rows("SELECT name FROM dialects WHERE tenant = ? ORDER BY name", (tenant,))
        return [row["name"] for row in rows]

    def is_on(self, tenant: str, name: str) -> bool:
        """Whether one is on: one indexed lookup, on every request in it."""
        return (
            self._database.row("SELECT 1 FROM dialects WHERE tenant = ? AND name = ?", (tenant, name)) is not None
        )

    def turn(self, tenant: str, name: str, *, on: bool) -> None:
        """Switch one on or off, in all processes from the next request on."""
        sql = (
            "INSERT INTO dialects VALUES (?, ?) ON CONFLICT DO NOTHING"
            if on
            else "DELETE FROM dialects WHERE tenant = ? AND name = ?"
        )
        self._database.change(sql, (tenant, name))
