"""SQL that lists whose keys a database needs, whatever release wrote it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from plumbing.storage.state import State

_ALL = "SELECT tenant, customer_id, slot FROM customers"


def holders_in(state: State) -> list[tuple[str, str, int]]:
    """(tenant, customer id, key slot) of every customer; no table is migrated. Raises DatabaseUnusable."""
    rows = _in_file(state) if state.url is None else _on_server(state)
    return [(str(tenant), str(customer), int(slot)) for tenant, customer, slot in rows]


def _in_file(state: State) -> list[tuple[str, str, int]]:
    path = state.home / "identity.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as database:
        table = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'customers'").fetchone()
        return [] if table is None else list(database.execute(_ALL))


def _on_server(state: State) -> list[tuple[str, str, int]]:
    with closing(state.database("identity")) as database:
        return [tuple(row) for row in database.rows(_ALL)] if database.has_table("customers") else []
