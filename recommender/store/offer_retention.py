"""What a tenant's retention removes of the log of offers, and what is counted before it goes."""

from __future__ import annotations

from plumbing.storage.database import Connection, Database
from recommender.store.recorded import marks

_OVER = (
    "SELECT d.decision_id, d.arm FROM offer_decisions d WHERE d.tenant = ? AND d.decided_us < ?"
    " AND d.reward_end_us < ? AND d.redeem_end_us < ? AND NOT EXISTS (SELECT 1 FROM offer_reservations r"
    " WHERE r.tenant = d.tenant AND r.decision_id = d.decision_id) ORDER BY d.decided_us, d.decision_id LIMIT ?"
)
_PURCHASES = (
    "DELETE FROM offer_purchases WHERE tenant = ? AND event_id IN"
    " (SELECT event_id FROM offer_purchases WHERE tenant = ? AND occurred_us < ? LIMIT ?)"
)


def remove_before(database: Database, tenant: str, before_us: int, most: int = 500) -> int:
    """Delete up to `most` decisions whose time to be redeemed and to count ended before a moment, with their
    outcomes, and up to `most` older purchases; returns how many rows.

    How often each offer was shown stays as a number, and what it cost stays with the offer.
    """
    with database.write() as connection:
        found = connection.execute(_OVER, (tenant, before_us, before_us, before_us, most)).fetchall()
        _count(connection, tenant, [row["arm"] for row in found if row["arm"] != "none"])
        gone = len(found)
        names = [row["decision_id"] for row in found]
        for table in ("offer_outcomes", "offer_decisions") if names else ():
            connection.execute(
                f"DELETE FROM {table} WHERE tenant = ? AND decision_id IN {marks(len(names))}",  # noqa: S608 two names
                (tenant, *names),
            )
        return gone + connection.execute(_PURCHASES, (tenant, tenant, before_us, most)).rowcount


def _count(connection: Connection, tenant: str, shown: list[str]) -> None:
    for offer_id in sorted(set(shown)):
        connection.execute(
            "INSERT INTO offer_shown_before VALUES (?, ?, ?) ON CONFLICT (tenant, offer_id)"
            " DO UPDATE SET shown = offer_shown_before.shown + excluded.shown",
            (tenant, offer_id, shown.count(offer_id)),
        )
