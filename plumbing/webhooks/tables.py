"""The tables of webhooks: addresses are kept, what is still to be sent may be lost at any moment."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

addresses = Migrations("webhooks")
sending = Migrations("deliveries")


@addresses()
def webhooks(db: Utils) -> None:
    """Where to send what; `events` is a list with spaces, `secret` is sealed."""
    db.execute(
        "CREATE TABLE webhooks (tenant TEXT NOT NULL, webhook_id TEXT NOT NULL, url TEXT NOT NULL,"
        " events TEXT NOT NULL, secret TEXT NOT NULL, created_us BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, webhook_id))"
    )


@sending()
def deliveries(db: Utils) -> None:
    """What is to be sent; `body` is sealed. `due_us` is when it is tried next, `until_us` when it is given up."""
    db.execute(
        "CREATE TABLE deliveries (tenant TEXT NOT NULL, delivery_id TEXT NOT NULL, webhook_id TEXT NOT NULL,"
        " body TEXT NOT NULL, due_us BIGINT NOT NULL, until_us BIGINT NOT NULL, tries BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, delivery_id))"
    )
    db.execute("CREATE INDEX deliveries_due ON deliveries (due_us)")


@sending()
def messages_and_news(db: Utils) -> None:
    """`state` is waiting or dead; `until_us` says when it is given up, or when a dead one goes. `needs` names the
    event whose content is read when it is sent; empty: `body` has the content. `news` is what was seen already."""
    db.execute(
        "CREATE TABLE messages (tenant TEXT NOT NULL, message_id TEXT NOT NULL, webhook_id TEXT NOT NULL,"
        " event TEXT NOT NULL, needs TEXT NOT NULL, body TEXT NOT NULL, made_us BIGINT NOT NULL,"
        " due_us BIGINT NOT NULL, until_us BIGINT NOT NULL, tries BIGINT NOT NULL, state TEXT NOT NULL,"
        " why TEXT NOT NULL, PRIMARY KEY (tenant, message_id))"
    )
    db.execute("CREATE INDEX messages_due ON messages (state, due_us)")
    db.execute(
        "INSERT INTO messages SELECT tenant, delivery_id, webhook_id, 'destination.confirmed', '', body, due_us,"
        " due_us, until_us, tries, 'waiting', '' FROM deliveries"
    )
    db.execute("DROP TABLE deliveries")
    db.execute(
        "CREATE TABLE news (tenant TEXT NOT NULL, news_id TEXT NOT NULL, seen_us BIGINT NOT NULL,"
        " PRIMARY KEY (tenant, news_id))"
    )
