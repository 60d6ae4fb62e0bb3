"""recommender.db: events, catalogue, offers, runs of trainings. All SQL of the recommender is in this package.

Prepared for PostgreSQL: the tenant is first in every key, times are integer microseconds UTC, text has no NUL, and
the statements use only what both databases have (ON CONFLICT, RETURNING, partial indexes).
"""

from __future__ import annotations

from plumbing.idempotency import migrations as idempotency_migrations
from plumbing.limits import migrations as limits_migrations
from plumbing.storage.database import Database
from plumbing.storage.state import State
from recommender.store import (
    catalogue,
    desk_tables,
    event_tables,
    experiment_tables,
    images,
    offer_tables,
    rules,
    till_orders,
    version_notes,
)
from recommender.store import runs as models

MIGRATIONS = (
    catalogue.migrations,
    event_tables.migrations,
    models.migrations,
    offer_tables.migrations,
    desk_tables.migrations,
    rules.migrations,
    experiment_tables.migrations,
    version_notes.migrations,
    images.migrations,
    idempotency_migrations,
    till_orders.migrations,
)


def open_database(state: State) -> Database:
    """The recommender's database, created or migrated."""
    return state.database("recommender", *MIGRATIONS)


def open_moments(state: State) -> Database:
    """Rate limits of the last minutes."""
    return state.passing("recommender-moments", limits_migrations)
