"""SQL that lists whose keys a database needs, whatever release wrote it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def holders_in(path: Path) -> list[tuple[str, str, int]]:
    """(tenant, customer id, key slot) of every customer in the database at `path`; nothing is migrated."""
    with closing(sqlite3.connect(path)) as database:
        table = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'customers'").fetchone()
        if table is None:
            return []
        return [
            (str(tenant), str(customer), int(slot))
            for tenant, customer, slot in database.execute("SELECT tenant, customer_id, slot FROM customers")
        ]
