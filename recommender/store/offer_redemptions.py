"""What a redemption is judged by: earlier redemptions, and the order that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from plumbing.clock import DAY
from plumbing.storage.database import Connection, Row
from recommender.scene import event_key
from recommender.store.offer_portfolio import OfferPortfolioStore
from recommender.store.taken_back import BACK

REMEMBERED_US = 30 * DAY
"""A redemption that is sent again within this time is counted once."""


class Refused(NamedTuple):
    """A redemption that was refused: a keyed hash of its event, and what is counted."""

    event_hash: str
    offer_id: str
    cause: str


def unbook(connection: Connection, tenant: str, redeemed: Iterable[Row]) -> None:
    """Redemptions (decision_id, cost) are taken from what their offers have spent."""
    for row in redeemed:
        if row["cost"]:
            connection.execute(
                "UPDATE offers SET spent_count = spent_count - 1, spent_money = spent_money - ?"
                " WHERE tenant = ? AND spent_count > 0 AND offer_id = (SELECT arm FROM offer_decisions"
                " WHERE tenant = ? AND decision_id = ?)",
                (row["cost"], tenant, tenant, row["decision_id"]),
            )


class OfferRedemptionStore(OfferPortfolioStore):
    """Reads the log of outcomes, and orders with their lines."""

    def has_outcome(self, tenant: str, event_id: str) -> bool:
        """Whether this event was stored as an outcome before, also as one that was taken back since."""
        found = self._db.row("SELECT 1 FROM offer_outcomes WHERE tenant = ? AND event_id = ?", (tenant, event_id))
        return found is not None or self.was_taken_back(tenant, event_id)

    def was_taken_back(self, tenant: str, key: str) -> bool:
        """Whether a redemption was taken back with its order."""
        sender, _, event_id = key.rpartition("\x1f")
        found = self._db.row(
            f"SELECT 1 FROM events WHERE tenant = ? AND sender = ? AND event_id = ? AND type = 'redeemed{BACK}'",  # noqa: S608
            (tenant, sender, event_id),
        )
        return found is not None

    def redeemed_with(self, tenant: str, offer_id: str, order_key: str) -> bool:
        """Whether this offer was redeemed with this order."""
        found = self._db.row(
            "SELECT 1 FROM offer_outcomes o CROSS JOIN offer_decisions d WHERE o.tenant = ? AND o.order_key = ?"
            " AND o.order_key <> '' AND o.kind = 'completed' AND d.tenant = o.tenant"
            " AND d.decision_id = o.decision_id AND d.arm = ? LIMIT 1",
            (tenant, order_key, offer_id),
        )
        return found is not None

    def redeemed_between(self, tenant: str, offer_id: str, pseudonym: str, from_us: int, until_us: int) -> bool:
        """Whether this customer redeemed this offer in a span of time."""
        found = self._db.row(
            "SELECT 1 FROM offer_decisions d CROSS JOIN offer_outcomes o WHERE d.tenant = ? AND d.pseudonym = ?"
            " AND d.arm = ? AND o.tenant = d.tenant AND o.decision_id = d.decision_id AND o.kind = 'completed'"
            " AND o.occurred_us BETWEEN ? AND ? LIMIT 1",
            (tenant, pseudonym, offer_id, from_us, until_us),
        )
        return found is not None

    # -- the orders that redemptions belong to -------------------------------------------------------------------

    def sites(self, tenant: str, among: int = 5_000) -> set[str]:
        """The sites of the tenant's latest orders."""
        rows = self._db.rows(
            "SELECT DISTINCT site FROM (SELECT site FROM events WHERE tenant = ? AND type = 'ordered'"
            " ORDER BY time_us DESC LIMIT ?) AS latest WHERE site <> ''",
            (tenant, among),
        )
        return {row["site"] for row in rows}

    def visits(self, tenant: str, from_us: int, until_us: int, most: int) -> tuple[int, list[tuple[Any, ...]]]:
        """How many orders there were in a span of time, and of the latest `most` of them: customer ("" for a
        guest), hour and weekday where it was, site, what it cost (minor units; 0 where no price was sent)."""
        span = (tenant, from_us, until_us)
        which = "e.tenant = ? AND e.type = 'ordered' AND e.time_us BETWEEN ? AND ? AND e.import_id = ''"
        count = self._db.row(f"SELECT COUNT(*) AS n FROM events e WHERE {which}", span)  # noqa: S608 constant
        cost = (
            "(SELECT COALESCE(SUM(l.quantity * l.price), 0) FROM lines l WHERE l.tenant = e.tenant"
            " AND l.sender = e.sender AND l.event_id = e.event_id)"
        )
        rows = self._db.rows(
            f"SELECT e.customer, e.hour, e.weekday, e.site, {cost} AS cost FROM events e WHERE {which}"  # noqa: S608
            " ORDER BY e.time_us DESC LIMIT ?",
            (*span, most),
        )
        return (count["n"] if count else 0), [tuple(row) for row in rows]

    def shares_redeemed(self, tenant: str) -> tuple[int, int]:
        """Of all offers together: how many were shown, and how many of these were redeemed."""
        row = self._db.row(
            "SELECT COALESCE(SUM(spent_count), 0) AS redeemed, (SELECT COUNT(*) FROM offer_decisions d"
            " WHERE d.tenant = ? AND d.arm <> 'none')"
            " + (SELECT COALESCE(SUM(b.shown), 0) FROM offer_shown_before b WHERE b.tenant = ?) AS shown"
            " FROM offers WHERE tenant = ?",
            (tenant, tenant, tenant),
        )
        return (int(row["shown"]), int(row["redeemed"])) if row else (0, 0)

    # -- redemptions that were refused ---------------------------------------------------------------------------

    def count_refused(self, tenant: str, refused: Iterable[Refused], now_us: int) -> None:
        """Count redemptions that were refused, each once however often it is sent. Of offers that exist; nobody is
        named."""
        with self._db.write() as connection:
            connection.execute(
                "DELETE FROM offer_refused WHERE tenant = ? AND counted_us < ?", (tenant, now_us - REMEMBERED_US)
            )
            for one in sorted(refused):
                new = connection.execute(
                    "INSERT INTO offer_refused SELECT tenant, ?, ? FROM offers WHERE tenant = ? AND offer_id = ?"
                    " ON CONFLICT (tenant, event_hash) DO NOTHING RETURNING event_hash",
                    (one.event_hash, now_us, tenant, one.offer_id),
                ).fetchall()
                if new:
                    connection.execute(
                        "INSERT INTO offer_refusals VALUES (?, ?, ?, 1) ON CONFLICT (tenant, offer_id, cause)"
                        " DO UPDATE SET number = offer_refusals.number + 1",
                        (tenant, one.offer_id, one.cause),
                    )

    def refused(self, tenant: str) -> dict[str, dict[str, int]]:
        """How many redemptions of each offer were refused, by cause."""
        found: dict[str, dict[str, int]] = {}
        for row in self._db.rows(
            "SELECT offer_id, cause, number FROM offer_refusals WHERE tenant = ? ORDER BY number DESC, cause",
            (tenant,),
        ):
            found.setdefault(row["offer_id"], {})[row["cause"]] = row["number"]
        return found

    # -- orders that were taken back -----------------------------------------------------------------------------

    def reduce_purchase(self, tenant: str, key: str, amount: int | None) -> None:
        """What is left of a purchase, in minor units; None: nothing."""
        if amount is None:
            self._db.change("DELETE FROM offer_purchases WHERE tenant = ? AND event_id = ?", (tenant, key))
        else:
            self._db.change(
                "UPDATE offer_purchases SET amount = ? WHERE tenant = ? AND event_id = ?", (amount, tenant, key)
            )

    def take_back_redemptions(self, tenant: str, order_sender: str, order_id: str, order_key: str) -> None:
        """An order was taken back as a whole: what was redeemed with it counts no more, and its budget is free."""
        with self._db.write() as connection:
            named = connection.execute(
                f"UPDATE events SET type = 'redeemed{BACK}' WHERE tenant = ? AND order_id = ? AND order_id <> ''"  # noqa: S608
                f" AND order_sender = ? AND type IN ('redeemed', 'redeemed{BACK}') RETURNING sender, event_id",
                (tenant, order_id, order_sender),
            ).fetchall()
            gone = connection.execute(
                "DELETE FROM offer_outcomes WHERE tenant = ? AND order_key = ? AND kind = 'completed'"
                " RETURNING event_id, decision_id, cost",
                (tenant, order_key),
            ).fetchall()
            for row in named:
                gone += connection.execute(
                    "DELETE FROM offer_outcomes WHERE tenant = ? AND event_id = ? AND kind = 'completed'"
                    " RETURNING event_id, decision_id, cost",
                    (tenant, event_key(row["sender"], row["event_id"])),
                ).fetchall()
            unbook(connection, tenant, gone)
            for row in gone:
                sender, _, event_id = row["event_id"].rpartition("\x1f")
                connection.execute(
                    f"UPDATE events SET type = 'redeemed{BACK}' WHERE tenant = ? AND sender = ? AND event_id = ?"  # noqa: S608
                    " AND type = 'redeemed'",
                    (tenant, sender, event_id),
                )

    def order(self, tenant: str, sender: str, event_id: str) -> list[Mapping[str, Any]]:
        """The lines of a stored order of this sender; empty when there is none."""
        return self._lines_of(tenant, "e.sender = ? AND e.event_id = ?", (sender, event_id))

    def latest_order(
        self, tenant: str, customer: str, sender: str, from_us: int, until_us: int
    ) -> list[Mapping[str, Any]]:
        """The lines of the last order in a span of time: of a customer, or of a guest at this sender."""
        whose, who = ("e.customer = ?", customer) if customer else ("e.customer = '' AND e.sender = ?", sender)
        row = self._db.row(
            f"SELECT e.sender, e.event_id FROM events e WHERE e.tenant = ? AND e.type = 'ordered' AND {whose}"  # noqa: S608
            " AND e.import_id = '' AND e.time_us BETWEEN ? AND ? ORDER BY e.time_us DESC, e.event_id LIMIT 1",
            (tenant, who, from_us, until_us),
        )
        return self.order(tenant, row["sender"], row["event_id"]) if row else []

    def _lines_of(self, tenant: str, where: str, values: tuple[str, ...]) -> list[Mapping[str, Any]]:
        rows = self._db.rows(
            "SELECT e.sender, e.event_id, e.site, e.time_us, l.item, l.quantity, l.price FROM events e"  # noqa: S608
            " CROSS JOIN lines l WHERE l.tenant = e.tenant AND l.sender = e.sender AND l.event_id = e.event_id"
            f" AND e.tenant = ? AND e.type = 'ordered' AND {where} ORDER BY l.position",
            (tenant, *values),
        )
        return [dict(row) for row in rows]
