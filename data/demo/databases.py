"""The demo's databases in PostgreSQL. A mark says that a demo made them: no other database is emptied."""

from __future__ import annotations

import psycopg
from psycopg import sql

from data.demo.setting import StageError
from plumbing.storage.postgres_setup import connected, without_password
from plumbing.storage.state import State

MARK = "usual_demo"
"""A schema that only a demo makes."""

OURS = r"usual\_%"


def sweep(state: State) -> None:
    """Drop what the last demo left, and leave the mark. Raises StageError, DatabaseUnusable or DatabaseBusy."""
    urls = [url for url in (state.url, state.keys_url) if url is not None]
    for url in urls:
        with connected(url) as raw:
            if (found := _schemas(raw)) and MARK not in found:
                raise StageError(
                    f"The database {without_password(url)} holds an installation that no demo made. Name an empty"
                    " database in USUAL_DATABASE, and another one in USUAL_KEYS_DATABASE."
                )
    for url in urls:
        with connected(url) as raw, raw.transaction():
            for schema in _schemas(raw):
                raw.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
            raw.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(MARK)))


def is_demo(state: State) -> bool:
    """Whether a demo's state is there."""
    assert state.url is not None
    with connected(state.url) as raw:
        return {MARK, "usual_identity"} <= set(_schemas(raw))


def _schemas(raw: psycopg.Connection[dict[str, object]]) -> list[str]:
    rows = raw.execute("SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE %s ORDER BY 1", (OURS,))
    return [str(row["name"]) for row in rows]
