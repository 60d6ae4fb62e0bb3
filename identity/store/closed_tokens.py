"""SQL of the tokens that were closed before their time (identity-moments.db)."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.storage.database import Database

migrations = Migrations("closed tokens")


@migrations()
def closed_tokens(db: Utils) -> None:
    """A row for each closed token until it would have expired. A token's id says nothing about its customer."""
    db.execute(
        "CREATE TABLE closed_tokens (tenant TEXT NOT NULL, token_id TEXT NOT NULL, expires_us INTEGER NOT NULL,"
        " PRIMARY KEY (tenant, token_id))"
    )


class ClosedTokenStore:
    """Table `closed_tokens`. All tokens of one visit have one id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self, tenant: str, token_id: str, *, now_us: int, expires_us: int) -> bool:
        """Close every token with this id, until `expires_us`; whether it was open."""

        def closed() -> bool:
            self._database.change("DELETE FROM closed_tokens WHERE expires_us <= ?", (now_us,))
            added = self._database.change(
                "INSERT INTO closed_tokens VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1",
                (tenant, token_id, expires_us),
            )
            return bool(added)

        return self._database.together(closed)

    def includes(self, tenant: str, token_id: str) -> bool:
        """Whether a token with this id was closed."""
        row = self._database.row(
            "SELECT 1 FROM closed_tokens WHERE tenant = ? AND token_id = ?", (tenant, token_id)
        )
        return row is not None
