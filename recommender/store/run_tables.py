"""The tables of trainings and of their schedule."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

migrations = Migrations("models")


@migrations()
def runs_and_schedule(db: Utils) -> None:
    """`open` is 1 while a run lasts. The partial index allows one open run for each tenant and scene."""
    db.execute(
        "CREATE TABLE runs (tenant TEXT NOT NULL, run_id TEXT NOT NULL, scene TEXT NOT NULL,"
        " run_key TEXT NOT NULL, state TEXT NOT NULL, open INTEGER NOT NULL, stage TEXT NOT NULL,"
        " share REAL NOT NULL, why TEXT NOT NULL, version TEXT NOT NULL, report TEXT NOT NULL,"
        " started_us BIGINT NOT NULL, seen_us BIGINT NOT NULL, ended_us BIGINT,"
        " PRIMARY KEY (tenant, run_id), UNIQUE (tenant, scene, run_key))"
    )
    db.execute("CREATE UNIQUE INDEX runs_open ON runs (tenant, scene) WHERE open = 1")
    db.execute("CREATE INDEX runs_latest ON runs (tenant, scene, started_us)")
    db.execute(
        "CREATE TABLE schedule (tenant TEXT NOT NULL, scene TEXT NOT NULL, days TEXT NOT NULL,"
        " time TEXT NOT NULL, timezone TEXT NOT NULL, enabled INTEGER NOT NULL, PRIMARY KEY (tenant, scene))"
    )


@migrations()
def schedule_since(db: Utils) -> None:
    """When an entry was saved: what was due before is not made up for."""
    db.execute("ALTER TABLE schedule ADD COLUMN since_us BIGINT NOT NULL DEFAULT 0")


@migrations()
def schedule_in_words(db: Utils) -> None:
    """An entry is a text as somebody typed it, and the cron lines that it means; it can be paused.

    Days and a time of an older release become a line: "mon sun" at "03:30" is "30 3 * * mon,sun".
    """
    db.execute("ALTER TABLE schedule ADD COLUMN lines TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE schedule ADD COLUMN text TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE schedule ADD COLUMN paused_until_us BIGINT NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE schedule ADD COLUMN paused_by TEXT NOT NULL DEFAULT ''")
    db.execute(
        "UPDATE schedule SET lines = CAST(CAST(substr(time, 4, 2) AS INTEGER) AS TEXT) || ' '"
        " || CAST(CAST(substr(time, 1, 2) AS INTEGER) AS TEXT) || ' * * ' || replace(days, ' ', ',')"
    )
    db.execute("UPDATE schedule SET text = lines")
    db.execute("ALTER TABLE schedule DROP COLUMN days")
    db.execute("ALTER TABLE schedule DROP COLUMN time")


@migrations()
def runs_in_full(db: Utils) -> None:
    """`kind`: what began the run. `message`: the reason in every language. `details`: seed, cut, memory, who.
    `log`: its last lines. `cancel`: who wants it to end."""
    for column in ("kind", "message", "log", "cancel"):
        db.execute(f"ALTER TABLE runs ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE runs ADD COLUMN details TEXT NOT NULL DEFAULT '{}'")
    db.execute("UPDATE runs SET kind = 'schedule' WHERE run_key LIKE 'schedule %'")
    db.execute("UPDATE runs SET kind = 'forgotten' WHERE run_key LIKE 'forgotten %'")
