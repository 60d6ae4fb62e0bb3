"""The tables of experiments. No row says who is in which variant: a unit is a hash with the experiment's salt."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

migrations = Migrations("experiments")


@migrations()
def experiments(db: Utils) -> None:
    """`experiment_visits` has the present visit of each customer, `experiment_units` their sums by site and part
    of the day. Both go when an experiment stops, and with them the salt: then only its figures are left."""
    db.execute(
        "CREATE TABLE experiments (tenant TEXT NOT NULL, experiment_id TEXT NOT NULL, scene TEXT NOT NULL,"
        " state TEXT NOT NULL, salt TEXT NOT NULL, body TEXT NOT NULL, changed_us BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, experiment_id))"
    )
    db.execute(
        "CREATE TABLE experiment_visits (tenant TEXT NOT NULL, experiment_id TEXT NOT NULL, unit TEXT NOT NULL,"
        " began_us BIGINT NOT NULL, seen_us BIGINT NOT NULL, site TEXT NOT NULL, daypart TEXT NOT NULL,"
        " shown TEXT NOT NULL, done TEXT NOT NULL, PRIMARY KEY (tenant, experiment_id, unit)) WITHOUT ROWID"
    )
    sums = ", ".join(f"{name} {kind} NOT NULL" for name, kind in SUMS)
    db.execute(
        "CREATE TABLE experiment_units (tenant TEXT NOT NULL, experiment_id TEXT NOT NULL, unit TEXT NOT NULL,"
        f" site TEXT NOT NULL, daypart TEXT NOT NULL, {sums},"
        " PRIMARY KEY (tenant, experiment_id, unit, site, daypart)) WITHOUT ROWID"
    )


SUMS = (
    ("n_visits", "BIGINT"),
    ("first_taken", "BIGINT"),
    ("any_taken", "BIGINT"),
    ("value", "BIGINT"),
    ("redeemed", "BIGINT"),
    ("completed", "BIGINT"),
    ("not_me", "BIGINT"),
    ("answer_ms", "DOUBLE PRECISION"),
)
"""The columns that are summed up, in their order; money in minor units."""
