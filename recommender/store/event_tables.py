"""The tables of events and their migrations, oldest first."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from recommender.destinations.places import PlaceError, coarse_id

migrations = Migrations("events")


@migrations()
def events_and_tombstones(db: Utils) -> None:
    """`customer` is a pseudonym, or '' for a guest. `hour` and `weekday` are the local clock's."""
    db.execute(
        "CREATE TABLE events (tenant TEXT NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL,"
        " scene TEXT NOT NULL, customer TEXT NOT NULL, time_us BIGINT NOT NULL, hour REAL NOT NULL,"
        " weekday INTEGER NOT NULL, site TEXT NOT NULL, region TEXT NOT NULL, origin TEXT NOT NULL,"
        " recommendation_id TEXT NOT NULL, fingerprint TEXT NOT NULL, received_us BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, event_id))"
    )
    db.execute(
        "CREATE TABLE lines (tenant TEXT NOT NULL, event_id TEXT NOT NULL, position INTEGER NOT NULL,"
        " item TEXT NOT NULL, quantity INTEGER NOT NULL, price BIGINT, PRIMARY KEY (tenant, event_id, position))"
    )
    db.execute("CREATE INDEX events_history ON events (tenant, customer, type, time_us, event_id)")
    db.execute("CREATE INDEX events_latest ON events (tenant, type, time_us, event_id)")
    db.execute(
        "CREATE TABLE tombstones (tenant TEXT NOT NULL, customer_hash TEXT NOT NULL, erased_us BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, customer_hash))"
    )
    db.execute(
        "CREATE TABLE generations (tenant TEXT NOT NULL, name TEXT NOT NULL, number BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, name))"
    )


@migrations()
def events_by_sender(db: Utils) -> None:
    """An id is unique for each sender: nobody takes the ids of another first. Positions are kept as their cells.

    Rows from before have no sender. A position that was stored more precisely is moved to the middle of its cell.
    """
    db.execute("ALTER TABLE events RENAME TO events_before")
    db.execute("ALTER TABLE lines RENAME TO lines_before")
    db.execute("DROP INDEX events_history")
    db.execute("DROP INDEX events_latest")
    db.execute(
        "CREATE TABLE events (tenant TEXT NOT NULL, sender TEXT NOT NULL, event_id TEXT NOT NULL,"
        " type TEXT NOT NULL, scene TEXT NOT NULL, customer TEXT NOT NULL, time_us BIGINT NOT NULL,"
        " hour REAL NOT NULL,"
        " weekday INTEGER NOT NULL, site TEXT NOT NULL, region TEXT NOT NULL, origin TEXT NOT NULL,"
        " recommendation_id TEXT NOT NULL, fingerprint TEXT NOT NULL, received_us BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, sender, event_id))"
    )
    db.execute(
        "CREATE TABLE lines (tenant TEXT NOT NULL, sender TEXT NOT NULL, event_id TEXT NOT NULL,"
        " position INTEGER NOT NULL, item TEXT NOT NULL, quantity INTEGER NOT NULL, price BIGINT,"
        " PRIMARY KEY (tenant, sender, event_id, position))"
    )
    db.execute(
        "INSERT INTO events SELECT tenant, '', event_id, type, scene, customer, time_us, hour, weekday, site,"
        " region, origin, recommendation_id, fingerprint, received_us FROM events_before"
    )
    db.execute("INSERT INTO lines SELECT tenant, '', event_id, position, item, quantity, price FROM lines_before")
    db.execute("DROP TABLE events_before")
    db.execute("DROP TABLE lines_before")
    db.execute("CREATE INDEX events_history ON events (tenant, customer, type, time_us, event_id)")
    db.execute("CREATE INDEX events_latest ON events (tenant, type, time_us, event_id)")
    for table, column in (("events", "origin"), ("lines", "item")):
        _coarsen(db, table, column)


def _coarsen(db: Utils, table: str, column: str) -> None:
    """Move every stored position to the middle of its cell; one that cannot be read goes."""
    found = db.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} LIKE 'geo:%'").fetchall()  # noqa: S608
    for (text,) in found:
        try:
            coarse = coarse_id(text)
        except PlaceError:
            coarse = ""
        if coarse != text:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (coarse, text))  # noqa: S608


@migrations()
def quotas_and_people(db: Utils) -> None:
    """How much each sender stored today and this minute; how many people a tenant's marketer asks for."""
    db.execute(
        "CREATE TABLE sent (tenant TEXT NOT NULL, sender TEXT NOT NULL, span_us BIGINT NOT NULL,"
        " opened_us BIGINT NOT NULL, events BIGINT NOT NULL, lines BIGINT NOT NULL, bytes BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, sender, span_us))"
    )
    db.execute("CREATE TABLE sharing (tenant TEXT PRIMARY KEY, least_people BIGINT NOT NULL)")


@migrations()
def imports(db: Utils) -> None:
    """`imports` has the imports that have not ended. Nobody sees an event of one of them (`imports.py`)."""
    db.execute("ALTER TABLE events ADD COLUMN import_id TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX events_import ON events (tenant, import_id) WHERE import_id <> ''")
    db.execute(
        "CREATE TABLE imports (tenant TEXT NOT NULL, import_id TEXT NOT NULL, holder TEXT NOT NULL,"
        " state TEXT NOT NULL, PRIMARY KEY (tenant, import_id))"
    )


@migrations()
def forgotten_and_rows(db: Utils) -> None:
    """`customer_hash` is that of the tombstones. Neither table has a time, or an order in which rows were written.

    The tombstones lose their times too: beside identity's they would say who is who.
    """
    db.execute(
        "CREATE TABLE forgotten (tenant TEXT NOT NULL, kind TEXT NOT NULL, customer_hash TEXT NOT NULL,"
        " number BIGINT NOT NULL, PRIMARY KEY (tenant, kind, customer_hash)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE version_rows (tenant TEXT NOT NULL, scene TEXT NOT NULL, version TEXT NOT NULL,"
        " digest TEXT NOT NULL, tags BLOB NOT NULL, number BIGINT NOT NULL, lines BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, scene, version, digest)) WITHOUT ROWID"
    )
    db.execute("ALTER TABLE tombstones RENAME TO tombstones_before")
    db.execute(
        "CREATE TABLE tombstones (tenant TEXT NOT NULL, customer_hash TEXT NOT NULL,"
        " PRIMARY KEY (tenant, customer_hash)) WITHOUT ROWID"
    )
    db.execute("INSERT INTO tombstones SELECT tenant, customer_hash FROM tombstones_before")
    db.execute("DROP TABLE tombstones_before")


@migrations()
def corrections_and_ties(db: Utils) -> None:
    """Events that a customer took back (keyed hashes: sent again, they stay away), accounts of the shop that a
    customer tied to themselves, and the one-time codes for it, hashed."""
    db.execute(
        "CREATE TABLE corrections (tenant TEXT NOT NULL, event_hash TEXT NOT NULL,"
        " PRIMARY KEY (tenant, event_hash)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE account_ties (tenant TEXT NOT NULL, pseudonym TEXT NOT NULL, account TEXT NOT NULL,"
        " PRIMARY KEY (tenant, pseudonym)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE link_codes (tenant TEXT NOT NULL, code_hash TEXT NOT NULL, account TEXT NOT NULL,"
        " expires_us BIGINT NOT NULL, PRIMARY KEY (tenant, code_hash)) WITHOUT ROWID"
    )
    db.execute(
        "CREATE TABLE link_failures (tenant TEXT NOT NULL, customer_hash TEXT NOT NULL, n BIGINT NOT NULL,"
        " until_us BIGINT NOT NULL, PRIMARY KEY (tenant, customer_hash)) WITHOUT ROWID"
    )


@migrations()
def sponsored_lines(db: Utils) -> None:
    """`sponsored` is 1 where the item was suggested in a place that somebody pays for: nothing learns from it."""
    db.execute("ALTER TABLE lines ADD COLUMN sponsored INTEGER NOT NULL DEFAULT 0")


@migrations()
def options_and_listed_prices(db: Utils) -> None:
    """`options` is a JSON list of choices, "" for none; `listed` the catalogue's price where another was shown."""
    db.execute("ALTER TABLE lines ADD COLUMN options TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE lines ADD COLUMN listed BIGINT")


@migrations()
def taken_back(db: Utils) -> None:
    """Which order an event is about, and the lines of orders as they were sent where a part was taken back.

    Rows from before name no order: what was redeemed with which one stands in the log of offers.
    """
    for column in ("order_id", "order_sender"):
        db.execute(f"ALTER TABLE events ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX events_order ON events (tenant, order_id) WHERE order_id <> ''")
    db.execute(
        "CREATE TABLE sent_lines (tenant TEXT NOT NULL, sender TEXT NOT NULL, event_id TEXT NOT NULL,"
        " position INTEGER NOT NULL, item TEXT NOT NULL, quantity INTEGER NOT NULL, price BIGINT,"
        " sponsored INTEGER NOT NULL, options TEXT NOT NULL, listed BIGINT,"
        " PRIMARY KEY (tenant, sender, event_id, position))"
    )
