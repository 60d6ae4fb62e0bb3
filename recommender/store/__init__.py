"""recommender.db: events, catalogue, offers, models' runs. All SQL of this half lives in this package.

Written so that PostgreSQL can take over: the tenant leads every key, times are integer microseconds UTC, text
holds no NUL, and the statements stay within what both share (ON CONFLICT, RETURNING, partial indexes).
"""

from __future__ import annotations

from pathlib import Path

from plumbing.database import Database
from plumbing.idempotency import migrations as idempotency_migrations
from plumbing.limits import migrations as limits_migrations
from recommender.store import catalogue, events, offer_tables
from recommender.store import runs as models


def open_database(home: Path) -> Database:
    """The half's database, created or brought up to date."""
    return Database(
        home / "recommender.db",
        catalogue.migrations,
        events.migrations,
        models.migrations,
        offer_tables.migrations,
        idempotency_migrations,
    )


def open_moments(home: Path) -> Database:
    """What may be lost with the power: rate limits of the last minutes."""
    return Database(home / "recommender-moments.db", limits_migrations, durable=False)
