"""The log of offers: decisions, budgets with their reservations, outcomes and purchases.

Times are integer microseconds UTC, money is in minor units. What must be true across processes (budgets, caps) is
decided inside one write transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from recommender.offers.decision import OfferDecision
from recommender.offers.eligibility import Usage
from recommender.offers.errors import UnknownDecision
from recommender.offers.portfolio import Offer
from recommender.store.offer_redemptions import OfferRedemptionStore
from recommender.store.offer_retention import remove_before

_SPENT = """(SELECT COALESCE(SUM(p.amount), 0) FROM offer_purchases p WHERE p.tenant = d.tenant
    AND p.pseudonym = d.pseudonym AND p.occurred_us >= d.decided_us AND p.occurred_us < d.reward_end_us)"""
_FIRST = """(SELECT MIN(o.occurred_us) FROM offer_outcomes o WHERE o.tenant = d.tenant
    AND o.decision_id = d.decision_id AND o.kind = '{kind}' AND o.occurred_us < d.redeem_end_us)"""
_COST = """(SELECT COALESCE(MAX(o.cost), 0) FROM offer_outcomes o WHERE o.tenant = d.tenant
    AND o.decision_id = d.decision_id AND o.kind = 'completed' AND o.occurred_us < d.redeem_end_us)"""


@dataclass(frozen=True, slots=True)
class PurchaseHistory:
    """One customer's purchases up to a moment; money in minor units. `recent` means since a second moment."""

    n: int
    total: int
    largest: int
    last_us: int
    first_us: int
    n_recent: int
    total_recent: int


class OfferStore(OfferRedemptionStore):
    """All SQL about offers. One instance per process; any number of threads.

    Purchases are separate from the orders' events on purpose: only customers who consented to `offers` have rows.
    """

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is written or nothing is, and no other process writes in between."""
        with self._db.write():
            yield

    def size(self, tenant: str) -> tuple[int, ...]:
        """The numbers of decisions, outcomes and purchases. While they are equal, so is the log."""
        counts = []
        for table in ("offer_decisions", "offer_outcomes", "offer_purchases"):
            row = self._db.row(f"SELECT COUNT(*) FROM {table} WHERE tenant = ?", (tenant,))  # noqa: S608 constant
            counts.append(row[0] if row else 0)
        return tuple(counts)

    def report(self, tenant: str) -> tuple[int, dict[str, Any]] | None:
        """When the figures of a large log were counted last, and the figures."""
        row = self._db.row("SELECT made_us, body FROM offer_reports WHERE tenant = ?", (tenant,))
        return (row["made_us"], json.loads(row["body"])) if row else None

    def save_report(self, tenant: str, made_us: int, body: Mapping[str, Any]) -> None:
        """Keep the figures for processes that have not counted them."""
        with self._db.write() as connection:
            connection.execute(
                "INSERT INTO offer_reports VALUES (?, ?, ?) ON CONFLICT (tenant) DO UPDATE SET"
                " made_us = excluded.made_us, body = excluded.body",
                (tenant, made_us, json.dumps(body)),
            )

    def decided(self, tenant: str) -> bool:
        """Whether there is any decision yet."""
        return self._db.row("SELECT 1 FROM offer_decisions WHERE tenant = ? LIMIT 1", (tenant,)) is not None

    # -- budgets ---------------------------------------------------------------------------------------------

    def usage(self, tenant: str) -> dict[str, Usage]:
        """The used budget of every running offer."""
        rows = self._db.rows(
            """SELECT offer_id, spent_count, reserved_count, spent_money, reserved_money FROM offers
            WHERE tenant = ? AND status <> 'ended'""",
            (tenant,),
        )
        return {row[0]: Usage(*row[1:]) for row in rows}

    def all_usage(self, tenant: str) -> dict[str, Usage]:
        """The used budget of every offer, ended ones too."""
        columns = "offer_id, spent_count, reserved_count, spent_money, reserved_money"
        rows = self._db.rows(f"SELECT {columns} FROM offers WHERE tenant = ?", (tenant,))  # noqa: S608 constant
        return {row[0]: Usage(*row[1:]) for row in rows}

    def times_shown(self, tenant: str) -> dict[str, int]:
        """How often each offer was shown, also before what is kept of the log."""
        rows = self._db.rows(
            "SELECT offer_id, SUM(shown) FROM (SELECT arm AS offer_id, COUNT(*) AS shown FROM offer_decisions"
            " WHERE tenant = ? AND arm <> 'none' GROUP BY arm UNION ALL SELECT offer_id, shown"
            " FROM offer_shown_before WHERE tenant = ?) AS counted GROUP BY offer_id",
            (tenant, tenant),
        )
        return {row[0]: int(row[1]) for row in rows}

    def remove_before(self, tenant: str, before_us: int) -> int:
        """See `offer_retention.remove_before`."""
        return remove_before(self._db, tenant, before_us)

    def reserve(
        self,
        tenant: str,
        decision_id: str,
        offer: Offer,
        release_us: int,
        *,
        sender: str = "",
        now_us: int = 0,
        shown: bool = True,
        guest: bool = False,
    ) -> bool:
        """Reserve one redemption until `release_us`; False when it does not fit into the budget.

        `shown` False holds it for somebody who asked (`sender`, at `now_us`) and has not shown it yet.
        """
        cost = offer.redemption_cost
        with self._db.write() as connection:
            taken = connection.execute(
                """UPDATE offers SET reserved_count = reserved_count + 1, reserved_money = reserved_money + ?
                WHERE tenant = ? AND offer_id = ? AND status = 'active'
                AND (budget_count IS NULL OR spent_count + reserved_count + 1 <= budget_count)
                AND (budget_money IS NULL OR spent_money + reserved_money + ? <= budget_money)
                RETURNING offer_id""",
                (cost, tenant, offer.offer_id, cost),
            ).fetchall()
            if taken:
                connection.execute(
                    "INSERT INTO offer_reservations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *(tenant, decision_id, offer.offer_id, cost, release_us),
                        *(sender, now_us, int(shown), int(guest)),
                    ),
                )
        return bool(taken)

    def shown_to_somebody(self, tenant: str, decision_id: str, release_us: int) -> bool:
        """The held offer was shown: keep it until `release_us`. False when nothing is held any more."""
        with self._db.write() as connection:
            kept = connection.execute(
                "UPDATE offer_reservations SET shown = 1, release_us = ? WHERE tenant = ? AND decision_id = ?"
                " RETURNING decision_id",
                (release_us, tenant, decision_id),
            ).fetchall()
        return bool(kept)

    def make_room(self, tenant: str, offer_id: str, sender: str, share: int) -> bool:
        """Whether `sender` holds fewer than `share` of an offer for guests; it gives back what it did not show."""
        with self._db.write() as connection:
            held = connection.execute(
                "SELECT decision_id, money, shown FROM offer_reservations WHERE tenant = ? AND offer_id = ?"
                " AND sender = ? AND guest = 1 ORDER BY shown, held_us, decision_id",
                (tenant, offer_id, sender),
            ).fetchall()
            if len(held) < share:
                return True
            oldest = held[0]
            if oldest["shown"]:
                return False
            connection.execute(
                "DELETE FROM offer_reservations WHERE tenant = ? AND decision_id = ?",
                (tenant, oldest["decision_id"]),
            )
            self._settle(tenant, offer_id, oldest["money"], spent=None)
        return True

    def release_expired(self, tenant: str, now_us: int) -> int:
        """Release reservations that were not redeemed in time; returns how many."""
        due = "SELECT 1 FROM offer_reservations WHERE tenant = ? AND release_us <= ? LIMIT 1"
        if self._db.row(due, (tenant, now_us)) is None:
            return 0
        with self._db.write() as connection:
            gone = connection.execute(
                "DELETE FROM offer_reservations WHERE tenant = ? AND release_us <= ? RETURNING offer_id, money",
                (tenant, now_us),
            ).fetchall()
            for offer_id, money in gone:
                self._settle(tenant, offer_id, money, spent=None)
        return len(gone)

    def _settle(self, tenant: str, offer_id: str, reserved: int | None, spent: int | None) -> None:
        """End a reservation of `reserved` money and book `spent` money; None: there is none."""
        self._db.change(
            """UPDATE offers SET reserved_count = reserved_count - ?, reserved_money = reserved_money - ?,
            spent_count = spent_count + ?, spent_money = spent_money + ? WHERE tenant = ? AND offer_id = ?""",
            (int(reserved is not None), reserved or 0, int(spent is not None), spent or 0, tenant, offer_id),
        )

    # -- the customer's history ---------------------------------------------------------------------------------

    def shown(self, tenant: str, pseudonym: str) -> dict[str, list[int]]:
        """When each offer was shown to this customer: offer_id -> microseconds UTC."""
        times: dict[str, list[int]] = {}
        for arm, time in self._db.rows(
            "SELECT arm, decided_us FROM offer_decisions WHERE tenant = ? AND pseudonym = ? AND arm <> 'none'",
            (tenant, pseudonym),
        ):
            times.setdefault(arm, []).append(time)
        return times

    def purchases_before(self, tenant: str, pseudonym: str, now_us: int, recent_us: int) -> PurchaseHistory:
        """The customer's purchases strictly before `now_us`, and of these the ones since `recent_us`."""
        row = self._db.row(
            """SELECT COUNT(*), COALESCE(SUM(amount), 0), COALESCE(MAX(amount), 0),
            COALESCE(MAX(occurred_us), 0), COALESCE(MIN(occurred_us), 0),
            COALESCE(SUM(CASE WHEN occurred_us >= ? THEN 1 ELSE 0 END), 0),
            COALESCE(SUM(CASE WHEN occurred_us >= ? THEN amount ELSE 0 END), 0)
            FROM offer_purchases WHERE tenant = ? AND pseudonym = ? AND occurred_us < ?""",
            (recent_us, recent_us, tenant, pseudonym, now_us),
        )
        assert row is not None
        return PurchaseHistory(*row)

    def reactions_before(self, tenant: str, pseudonym: str, now_us: int) -> dict[str, int]:
        """The number of outcomes of each kind strictly before `now_us`, of offers shown to this customer.

        CROSS JOIN keeps SQLite from reading the outcomes of all customers: 0.05 ms instead of 5 after 5,000
        visits.
        """
        rows = self._db.rows(
            """SELECT o.kind, COUNT(*) FROM offer_decisions d CROSS JOIN offer_outcomes o
            WHERE o.tenant = d.tenant AND o.decision_id = d.decision_id AND d.tenant = ?
            AND d.pseudonym = ? AND o.occurred_us < ? GROUP BY o.kind""",
            (tenant, pseudonym, now_us),
        )
        return dict(map(tuple, rows))

    # -- decisions and outcomes ------------------------------------------------------------------------------

    def log(self, tenant: str, decision: OfferDecision) -> None:
        """Store a decision; it is durable when the surrounding transaction ends."""
        with self._db.write() as connection:
            connection.execute(
                f"INSERT INTO offer_decisions VALUES ({', '.join('?' * 15)})",  # noqa: S608 question marks only
                (
                    tenant,
                    decision.decision_id,
                    decision.decided_us,
                    decision.pseudonym,
                    decision.cell,
                    decision.arm,
                    json.dumps(decision.propensities),
                    json.dumps(decision.excluded),
                    json.dumps(decision.context),
                    decision.schema_version,
                    decision.seed,
                    decision.policy_version,
                    decision.why,
                    decision.reward_end_us,
                    decision.redeem_end_us,
                ),
            )

    def decision(self, tenant: str, decision_id: str, *, alone: bool = False) -> Mapping[str, Any]:
        """One decision; `alone`: until this transaction ends nobody else gets it so. Raises UnknownDecision."""
        which, whose = "WHERE tenant = ? AND decision_id = ?", (tenant, decision_id)
        if alone:  # a write that changes nothing: both engines let the next one wait for it
            found = self._db.change(f"UPDATE offer_decisions SET arm = arm {which} RETURNING *", whose)  # noqa: S608
        else:
            found = self._db.rows(f"SELECT * FROM offer_decisions {which}", whose)  # noqa: S608
        if not found:
            raise UnknownDecision(decision_id)
        return dict(found[0])

    def add_outcome(
        self,
        tenant: str,
        event_id: str,
        decision_id: str,
        kind: str,
        occurred_us: int,
        now_us: int,
        cost: int,
        order_key: str = "",
    ) -> bool:
        """Store an outcome, and of a redemption its order; False when this event was stored before."""
        with self._db.write() as connection:
            done = connection.execute(
                """INSERT INTO offer_outcomes
                (tenant, event_id, decision_id, kind, occurred_us, received_us, cost, order_key)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (tenant, event_id) DO NOTHING RETURNING event_id""",
                (tenant, event_id, decision_id, kind, occurred_us, now_us, cost, order_key),
            ).fetchall()
        return bool(done)

    def outcomes(self, tenant: str, decision_id: str) -> list[Mapping[str, Any]]:
        """All outcomes of one decision, in the order of time."""
        rows = self._db.rows(
            "SELECT * FROM offer_outcomes WHERE tenant = ? AND decision_id = ? ORDER BY occurred_us, event_id",
            (tenant, decision_id),
        )
        return [dict(row) for row in rows]

    def redeem(self, tenant: str, decision_id: str, offer_id: str, cost: int) -> bool:
        """Turn the decision's reservation into spending of `cost`; without one, book it if the budget has room.

        False when it has none: then nothing is booked, so that no budget is ever overspent.
        """
        with self._db.write() as connection:
            reserved = connection.execute(
                "DELETE FROM offer_reservations WHERE tenant = ? AND decision_id = ? RETURNING money",
                (tenant, decision_id),
            ).fetchall()
            if reserved:
                self._settle(tenant, offer_id, reserved[0][0], spent=cost)
                return True
            booked = connection.execute(
                """UPDATE offers SET spent_count = spent_count + 1, spent_money = spent_money + ?
                WHERE tenant = ? AND offer_id = ?
                AND (budget_count IS NULL OR spent_count + reserved_count + 1 <= budget_count)
                AND (budget_money IS NULL OR spent_money + reserved_money + ? <= budget_money)
                RETURNING offer_id""",
                (cost, tenant, offer_id, cost),
            ).fetchall()
        return bool(booked)

    def book_nothing(self, tenant: str, event_id: str) -> None:
        """An outcome that the budget had no room for has cost nothing."""
        with self._db.write() as connection:
            connection.execute(
                "UPDATE offer_outcomes SET cost = 0 WHERE tenant = ? AND event_id = ?", (tenant, event_id)
            )

    def add_purchases(self, tenant: str, rows: Iterable[tuple[str, str, int, int]]) -> int:
        """Store (event_id, pseudonym, occurred_us, amount); returns how many were new."""
        new = 0
        with self._db.write() as connection:
            for row in rows:
                new += len(
                    connection.execute(
                        """INSERT INTO offer_purchases VALUES (?, ?, ?, ?, ?)
                        ON CONFLICT (tenant, event_id) DO NOTHING RETURNING event_id""",
                        (tenant, *row),
                    ).fetchall()
                )
        return new

    def with_outcomes(self, tenant: str, now_us: int, lateness_us: int) -> list[Mapping[str, Any]]:
        """Every decision but those for guests, with spend, view, completion, cost in its windows, and `open`."""
        viewed, completed = _FIRST.format(kind="viewed"), _FIRST.format(kind="completed")
        rows = self._db.rows(
            f"""SELECT d.*, {_SPENT} AS spent, {viewed} AS viewed_us, {completed} AS completed_us, {_COST} AS cost,
            CASE WHEN d.reward_end_us + ? > ? OR (d.redeem_end_us + ? > ? AND d.arm <> 'none') THEN 1 ELSE 0 END
            AS open FROM offer_decisions d WHERE d.tenant = ? AND d.cell <> 'guest'
            ORDER BY d.decided_us, d.decision_id""",  # noqa: S608 constant parts only
            (lateness_us, now_us, lateness_us, now_us, tenant),
        )
        return [dict(row) for row in rows]

    def customers(self) -> list[tuple[str, str]]:
        """(tenant, pseudonym) of every customer with a decision or a purchase."""
        rows = self._db.rows(
            "SELECT tenant, pseudonym FROM offer_decisions WHERE pseudonym <> ''"
            " UNION SELECT tenant, pseudonym FROM offer_purchases WHERE pseudonym <> ''"
        )
        return [(row[0], row[1]) for row in rows]

    def forget(self, tenant: str, pseudonym: str) -> dict[str, int]:
        """Erase a customer's decisions, outcomes and purchases, release reservations. Removed rows by table."""
        mine = "SELECT decision_id FROM offer_decisions WHERE tenant = ? AND pseudonym = ?"
        who = (tenant, pseudonym)
        with self._db.write() as connection:
            reserved = connection.execute(
                f"DELETE FROM offer_reservations WHERE tenant = ? AND decision_id IN ({mine})"  # noqa: S608
                " RETURNING offer_id, money",
                (tenant, *who),
            ).fetchall()
            for offer_id, money in reserved:
                self._settle(tenant, offer_id, money, spent=None)
            outcomes = connection.execute(
                f"DELETE FROM offer_outcomes WHERE tenant = ? AND decision_id IN ({mine})",  # noqa: S608
                (tenant, *who),
            ).rowcount
            gone = {"offer_reservations": len(reserved), "offer_outcomes": outcomes}
            for table in ("offer_decisions", "offer_purchases"):
                gone[table] = connection.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND pseudonym = ?",  # noqa: S608
                    who,
                ).rowcount
        return gone
