"""SQL that says whose events a store box needs, and gives them whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from plumbing.storage.database import Database
from recommender.scene import Event, OrderLine
from recommender.store.recorded import options_in
from recommender.store.taken_back import base_type

SENDER = "box:"
"""How the sender of an event begins that came from a store box; no device is called that."""


def sender_at(box: str, sender: str) -> str:
    """The sender of an event of a box, as the centre keeps it."""
    return f"{SENDER}{box}:{sender}"


class CopiedEvents:
    """Reads of the tables `events` and `lines` for copies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def people_at(self, tenant: str, site: str) -> set[str]:
        """The pseudonyms of whoever had an event at a site. Who has not come for long is no customer any more."""
        rows = self._database.rows(
            "SELECT DISTINCT customer FROM events WHERE tenant = ? AND site = ? AND customer <> ''", (tenant, site)
        )
        return {str(row["customer"]) for row in rows}

    def counts(self, tenant: str, box: str) -> dict[str, int]:
        """How many events of each customer did not come from this box: it has its own already."""
        prefix = sender_at(box, "")
        rows = self._database.rows(
            "SELECT customer, count(*) AS number FROM events WHERE tenant = ? AND customer <> ''"
            " AND substr(sender, 1, ?) <> ? GROUP BY customer",
            (tenant, len(prefix), prefix),
        )
        return {str(row["customer"]): int(row["number"]) for row in rows}

    def history(self, tenant: str, customer: str, most: int, *, without_box: str | None = None) -> list[Event]:
        """The latest `most` events of a customer, the oldest first; those of a box left out if one is named."""
        prefix = "\x1f" if without_box is None else sender_at(without_box, "")
        rows = self._database.rows(
            "SELECT * FROM events WHERE tenant = ? AND customer = ? AND substr(sender, 1, ?) <> ?"
            " ORDER BY time_us DESC, event_id DESC LIMIT ?",
            (tenant, customer, len(prefix), prefix, most),
        )
        return [self._event(tenant, row) for row in reversed(rows)]

    def _event(self, tenant: str, row: sqlite3.Row) -> Event:
        lines: dict[int, sqlite3.Row] = {}
        for table in ("lines", "sent_lines"):
            found: Sequence[sqlite3.Row] = self._database.rows(
                f"SELECT position, item, quantity, price, options, listed FROM {table}"  # noqa: S608 names of ours
                " WHERE tenant = ? AND sender = ? AND event_id = ?",
                (tenant, row["sender"], row["event_id"]),
            )
            lines |= {line["position"]: line for line in found}
        stored = set(row.keys())
        values = {name: row[name] for name in Event.__slots__ if name in stored}
        values["type"] = base_type(values["type"])
        return Event(**values, lines=tuple(_line(line) for _, line in sorted(lines.items())))


def _line(row: sqlite3.Row) -> OrderLine:
    return OrderLine(row["item"], row["quantity"], row["price"], options_in(row), row["listed"])
