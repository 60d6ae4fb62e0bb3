"""The tables of the desk, as migrations. SQL common to SQLite and PostgreSQL; the tenant leads every key."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

migrations = Migrations("desk")


@migrations()
def tenant_settings(db: Utils) -> None:
    """`document` is JSON with a version (`tenant_settings.py`)."""
    db.execute("CREATE TABLE tenant_settings (tenant TEXT PRIMARY KEY, document TEXT NOT NULL)")


@migrations()
def daily_figures(db: Utils) -> None:
    """Sums by local day, without pseudonyms (`figures.py`). `recognised` is 1 for customers, 0 for guests."""
    db.execute(
        "CREATE TABLE daily_figures (tenant TEXT NOT NULL, day TEXT NOT NULL, site TEXT NOT NULL,"
        " daypart TEXT NOT NULL, scene TEXT NOT NULL, recognised INTEGER NOT NULL, version TEXT NOT NULL,"
        " visits BIGINT NOT NULL DEFAULT 0, shown BIGINT NOT NULL DEFAULT 0,"
        " taken_first BIGINT NOT NULL DEFAULT 0, taken_any BIGINT NOT NULL DEFAULT 0,"
        " orders BIGINT NOT NULL DEFAULT 0, value BIGINT NOT NULL DEFAULT 0,"
        " PRIMARY KEY (tenant, day, site, daypart, scene, recognised, version)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE daily_people (tenant TEXT NOT NULL, day TEXT NOT NULL, site TEXT NOT NULL,"
        " daypart TEXT NOT NULL, people BIGINT NOT NULL, PRIMARY KEY (tenant, day, site, daypart)) WITHOUT ROWID"
    )
    db.execute("CREATE TABLE figures_due (tenant TEXT NOT NULL, day TEXT NOT NULL, PRIMARY KEY (tenant, day))")


@migrations()
def reports_imports_mails(db: Utils) -> None:
    """Reports that are made beside the requests; what became of imports, with their wrong rows; what needs
    attention and was mailed."""
    db.execute(
        "CREATE TABLE kept_reports (tenant TEXT NOT NULL, name TEXT NOT NULL, made_us BIGINT NOT NULL,"
        " body TEXT NOT NULL, PRIMARY KEY (tenant, name))"
    )
    db.execute(
        "CREATE TABLE import_log (tenant TEXT NOT NULL, import_id TEXT NOT NULL, what TEXT NOT NULL,"
        " file TEXT NOT NULL, began_us BIGINT NOT NULL, ended_us BIGINT, state TEXT NOT NULL,"
        " rows_read BIGINT NOT NULL, stored BIGINT NOT NULL, wrong BIGINT NOT NULL, why TEXT NOT NULL,"
        " PRIMARY KEY (tenant, import_id))"
    )
    db.execute(
        "CREATE TABLE import_rows (tenant TEXT NOT NULL, import_id TEXT NOT NULL, number BIGINT NOT NULL,"
        " place BIGINT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, message TEXT NOT NULL,"
        " PRIMARY KEY (tenant, import_id, place))"
    )
    db.execute(
        "CREATE TABLE attention_mails (tenant TEXT NOT NULL, name TEXT NOT NULL, message TEXT NOT NULL,"
        " began_us BIGINT NOT NULL, ended_us BIGINT, mailed TEXT NOT NULL, tried_us BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, name, began_us))"
    )


@migrations()
def sites_at_hand(db: Utils) -> None:
    """Which sites there are is asked by every page of the desk: each is one step in this index."""
    db.execute("CREATE INDEX daily_figures_sites ON daily_figures (tenant, site)")


@migrations()
def screen_settings(db: Utils) -> None:
    """`document` is JSON with a version (`screen_settings.py`)."""
    db.execute("CREATE TABLE screen_settings (tenant TEXT PRIMARY KEY, document TEXT NOT NULL)")


@migrations()
def signs_and_calls(db: Utils) -> None:
    """The sign of each kiosk at its site (`day`: its last look, in days since 1970); where somebody is wanted."""
    db.execute(
        "CREATE TABLE screen_signs (tenant TEXT NOT NULL, site TEXT NOT NULL, device TEXT NOT NULL,"
        " sign TEXT NOT NULL, day BIGINT NOT NULL, PRIMARY KEY (tenant, site, device))"
    )
    db.execute("CREATE UNIQUE INDEX screen_signs_once ON screen_signs (tenant, site, sign)")
    db.execute(
        "CREATE TABLE staff_calls (tenant TEXT NOT NULL, device TEXT NOT NULL, site TEXT NOT NULL,"
        " since_us BIGINT NOT NULL, last_us BIGINT NOT NULL, PRIMARY KEY (tenant, device))"
    )


@migrations()
def dialects(db: Utils) -> None:
    """Dialects that are switched on (`dialects.py`)."""
    db.execute("CREATE TABLE dialects (tenant TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (tenant, name))")
