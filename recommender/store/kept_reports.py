"""Reports that take long to make, as they were made last: a page shows them at once."""

from __future__ import annotations

import json
from typing import Any

from plumbing.storage.database import Database


class KeptReportStore:
    """The reports of all tenants, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, tenant: str, name: str) -> tuple[int, dict[str, Any]] | None:
        """When it was made, and its body; None: never."""
        row = self._database.row(
            "SELECT made_us, body FROM kept_reports WHERE tenant = ? AND name = ?", (tenant, name)
        )
        return None if row is None else (row["made_us"], json.loads(row["body"]))

    def put(self, tenant: str, name: str, made_us: int, body: dict[str, Any]) -> None:
        """Replace it."""
        self._database.change(
            "INSERT INTO kept_reports VALUES (?, ?, ?, ?) ON CONFLICT (tenant, name)"
            " DO UPDATE SET made_us = excluded.made_us, body = excluded.body",
            (tenant, name, made_us, json.dumps(body)),
        )
