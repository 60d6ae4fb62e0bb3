"""The tables of rides. They may be lost at any moment, and no backup has them.

A row knows two devices and a place: no token, no pseudonym, nothing of a face. The place is sealed.
"""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

migrations = Migrations("rides")


@migrations()
def rides(db: Utils) -> None:
    """One row for each tablet, whatever happens: its present ride, or that there is none. `mark` rises with every
    change of any row, so that one query finds what has changed."""
    db.execute(
        "CREATE TABLE rides (tenant TEXT NOT NULL, taxi TEXT NOT NULL, ride_id TEXT NOT NULL, state TEXT NOT NULL,"
        " place TEXT NOT NULL, confirmed_us BIGINT NOT NULL, until_us BIGINT NOT NULL, mark BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, taxi))"
    )
    db.execute("CREATE INDEX rides_changed ON rides (mark)")
    db.execute("CREATE TABLE ride_marks (only_row INTEGER PRIMARY KEY, mark BIGINT NOT NULL)")
