"""Which dialects of other systems a tenant has switched on. At first none is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from plumbing.problem import Problem
from plumbing.storage.database import Database


class DialectOff(Problem):
    """A route of a dialect that this tenant has not switched on."""

    code = "dialect_off"
    status = 404
    title = "This dialect is not switched on"
    what_to_do = "Switch it on with `usual dialects on NAME` or PUT /v1/dialects, if you may."

    def __init__(self, name: str) -> None:
        super().__init__(f"Switch it on first: `usual dialects on {name}`, or PUT /v1/dialects.")


@dataclass(frozen=True)
class Dialects:
    """The names by tenant, read with every request: a change is in force at once, in every process."""

    database: Database

    def names(self, tenant: str) -> tuple[str, ...]:
        """What is switched on, sorted."""
        rows = self.database.rows("SELECT name FROM dialects WHERE tenant = ? ORDER BY name", (tenant,))
        return tuple(row["name"] for row in rows)

    def choose(self, tenant: str, names: Collection[str]) -> None:
        """Switch these on and all others off."""
        with self.database.write() as connection:
            connection.execute("DELETE FROM dialects WHERE tenant = ?", (tenant,))
            for name in sorted(set(names)):
                connection.execute("INSERT INTO dialects VALUES (?, ?)", (tenant, name))

    def require(self, tenant: str, name: str) -> None:
        """Raises DialectOff."""
        if name not in self.names(tenant):
            raise DialectOff(name)
