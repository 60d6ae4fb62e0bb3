"""Orders of tills that call in a dialect: as which event an order stands in the log, and which transactions of the
till were carried out. No customer is named here, and nothing of an order is kept but a hash of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

from plumbing.clock import DAY
from plumbing.storage.database import Database, Row

KEPT_US = 400 * DAY
"""A refund may come a year after its order."""

migrations = Migrations("tills")


@migrations()
def till_orders(db: Utils) -> None:
    """`number` says which event the order is now (0: none was recorded yet), `live` whether it counts, `print` is
    a hash of what was recorded, `version` the till's own, `decision` that of the offer which its customer sees."""
    db.execute(
        "CREATE TABLE till_orders (tenant TEXT NOT NULL, peer TEXT NOT NULL, order_ref TEXT NOT NULL,"
        " number BIGINT NOT NULL, live BIGINT NOT NULL, print TEXT NOT NULL, version BIGINT NOT NULL,"
        " decision TEXT NOT NULL, updated_us BIGINT NOT NULL, PRIMARY KEY (tenant, peer, order_ref))"
    )
    db.execute("CREATE INDEX till_orders_updated ON till_orders (tenant, updated_us)")
    db.execute(
        "CREATE TABLE till_transactions (tenant TEXT NOT NULL, peer TEXT NOT NULL, transaction_id TEXT NOT NULL,"
        " kind TEXT NOT NULL, order_ref TEXT NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL,"
        " at_us BIGINT NOT NULL, PRIMARY KEY (tenant, peer, transaction_id))"
    )
    db.execute("CREATE INDEX till_transactions_order ON till_transactions (tenant, peer, order_ref)")
    db.execute("CREATE INDEX till_transactions_at ON till_transactions (tenant, at_us)")


@dataclass(frozen=True, slots=True)
class TillRow:
    """What is known of an order of a till."""

    order_ref: str
    number: int = 0
    live: bool = False
    print: str = ""
    version: int = 0
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """`state` is live, reversed, or "early": it was reversed before it came. `why` says what was refused of it."""

    transaction_id: str
    kind: str
    order_ref: str
    state: str
    why: str = ""


class TillOrders:
    """The SQL. Called inside a transaction of the caller's, where several statements belong together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def hold(self, tenant: str, peer: str, order_ref: str, now_us: int) -> TillRow:
        """The row of an order, made where there is none. Until the transaction ends no other process gets it."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM till_orders WHERE tenant = ? AND updated_us < ?", (tenant, now_us - KEPT_US)
            )
            row = connection.execute(
                "INSERT INTO till_orders VALUES (?, ?, ?, 0, 0, '', 0, '', ?)"
                " ON CONFLICT (tenant, peer, order_ref) DO UPDATE SET updated_us = excluded.updated_us"
                " RETURNING *",
                (tenant, peer, order_ref, now_us),
            ).fetchone()
        return TillRow(order_ref, row["number"], bool(row["live"]), row["print"], row["version"], row["decision"])

    def keep(self, tenant: str, peer: str, row: TillRow) -> None:
        """Store a row that `hold` gave, as it is now."""
        self._database.change(
            "UPDATE till_orders SET number = ?, live = ?, print = ?, version = ?, decision = ?"
            " WHERE tenant = ? AND peer = ? AND order_ref = ?",
            (row.number, int(row.live), row.print, row.version, row.decision, tenant, peer, row.order_ref),
        )

    def transaction(self, tenant: str, peer: str, transaction_id: str) -> Transaction | None:
        """A transaction that came before; None: it is new."""
        row = self._database.row(
            "SELECT * FROM till_transactions WHERE tenant = ? AND peer = ? AND transaction_id = ?",
            (tenant, peer, transaction_id),
        )
        return None if row is None else _transaction(row)

    def put_transaction(self, tenant: str, peer: str, one: Transaction, now_us: int) -> None:
        """Note a transaction, or what became of it."""
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM till_transactions WHERE tenant = ? AND at_us < ?", (tenant, now_us - KEPT_US)
            )
            connection.execute(
                "INSERT INTO till_transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (tenant, peer, transaction_id) DO UPDATE SET state = excluded.state,"
                " why = excluded.why",
                (tenant, peer, one.transaction_id, one.kind, one.order_ref, one.state, one.why, now_us),
            )

    def live_transactions(self, tenant: str, peer: str, order_ref: str) -> list[Transaction]:
        """Those of an order that count, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM till_transactions WHERE tenant = ? AND peer = ? AND order_ref = ? AND state = 'live'"
            " ORDER BY at_us, transaction_id",
            (tenant, peer, order_ref),
        )
        return [_transaction(row) for row in rows]


def _transaction(row: Row) -> Transaction:
    return Transaction(row["transaction_id"], row["kind"], row["order_ref"], row["state"], row["why"])
