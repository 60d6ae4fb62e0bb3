"""Offers: portfolio with budgets, decisions, reservations, outcomes, purchases.

Times are integer microseconds UTC, money is in minor units. What must be true across processes (budgets, caps) is
decided inside one write transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from plumbing.database import Database
from recommender.offers.decision import OfferDecision
from recommender.offers.eligibility import Usage
from recommender.offers.errors import TooManyOffers, UnknownDecision, UnknownOffer
from recommender.offers.portfolio import MAX_OFFERS, Offer, from_json, to_json
from recommender.offers.settings import OfferSettings

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


class OfferStore:
    """All SQL about offers. One instance per process; any number of threads.

    Purchases are separate from the orders' events on purpose: only customers who consented to `offers` have rows.
    """

    def __init__(self, database: Database) -> None:
        self._db = database
        self._portfolios: dict[str, tuple[int, tuple[Offer, ...]]] = {}  # checked against the stored version

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens or nothing does, and no other process writes in between."""
        with self._db.write():
            yield

    # -- portfolio -------------------------------------------------------------------------------------------

    def save_offers(self, tenant: str, offers: Sequence[Offer], now_us: int) -> None:
        """Create or change offers, all or none; what was spent and reserved stays.

        Raises:
            TooManyOffers: more than `MAX_OFFERS` would not be ended.
        """
        with self._db.write() as connection:
            for offer in offers:
                connection.execute(
                    """INSERT INTO offers (tenant, offer_id, body, status, budget_count, budget_money, changed_us)
                    VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, offer_id) DO UPDATE SET
                    body = excluded.body, status = excluded.status, budget_count = excluded.budget_count,
                    budget_money = excluded.budget_money, changed_us = excluded.changed_us""",
                    (
                        tenant,
                        offer.offer_id,
                        to_json(offer),
                        offer.status,
                        offer.budget_count,
                        offer.budget_money,
                        now_us,
                    ),
                )
            running = self._db.row("SELECT COUNT(*) FROM offers WHERE tenant = ? AND status <> 'ended'", (tenant,))
            if running is not None and running[0] > MAX_OFFERS:
                raise TooManyOffers(running[0], MAX_OFFERS)
            connection.execute(
                "UPDATE offer_settings SET portfolio_version = portfolio_version + 1 WHERE tenant = ?", (tenant,)
            )
            self._portfolios.pop(tenant, None)

    def offer(self, tenant: str, offer_id: str) -> Offer:
        """Raises UnknownOffer."""
        row = self._db.row("SELECT body FROM offers WHERE tenant = ? AND offer_id = ?", (tenant, offer_id))
        if row is None:
            raise UnknownOffer(offer_id)
        return from_json(row["body"])

    def offers(self, tenant: str) -> list[Offer]:
        """The whole portfolio, ended offers too, by id."""
        rows = self._db.rows("SELECT body FROM offers WHERE tenant = ? ORDER BY offer_id", (tenant,))
        return [from_json(row["body"]) for row in rows]

    def running(self, tenant: str, version: int) -> tuple[Offer, ...]:
        """Offers that have not ended, by id; kept in memory as long as the stored version stays the same."""
        held = self._portfolios.get(tenant)
        if held is None or held[0] != version:
            rows = self._db.rows(
                "SELECT body FROM offers WHERE tenant = ? AND status <> 'ended' ORDER BY offer_id", (tenant,)
            )
            held = (version, tuple(from_json(row["body"]) for row in rows))
            self._portfolios[tenant] = held
        return held[1]

    # -- settings --------------------------------------------------------------------------------------------

    def settings(self, tenant: str, new_salt: str) -> tuple[OfferSettings, int]:
        """The tenant's settings and portfolio version; created with `new_salt` when there are none yet."""
        sql = "SELECT body, portfolio_version FROM offer_settings WHERE tenant = ?"
        row = self._db.row(sql, (tenant,))
        if row is None:
            with self._db.write() as connection:
                connection.execute(
                    "INSERT INTO offer_settings (tenant, body) VALUES (?, ?) ON CONFLICT (tenant) DO NOTHING",
                    (tenant, json.dumps(asdict(OfferSettings(new_salt)), sort_keys=True)),
                )
                row = self._db.row(sql, (tenant,))
        assert row is not None
        return OfferSettings(**json.loads(row["body"])), row["portfolio_version"]

    def settings_as_read(self, tenant: str) -> OfferSettings:
        """The settings without making any: a reader must not be the one who draws the salt."""
        row = self._db.row("SELECT body FROM offer_settings WHERE tenant = ?", (tenant,))
        return (
            OfferSettings(**json.loads(row["body"]))
            if row
            else OfferSettings("not drawn yet: nobody was decided about")
        )

    def save_settings(self, tenant: str, settings: OfferSettings) -> None:
        """Replace the tenant's settings. Keep the salt, or everybody is assigned anew."""
        with self._db.write() as connection:
            connection.execute(
                """INSERT INTO offer_settings (tenant, body) VALUES (?, ?)
                ON CONFLICT (tenant) DO UPDATE SET body = excluded.body""",
                (tenant, json.dumps(asdict(settings), sort_keys=True)),
            )

    def size(self, tenant: str) -> tuple[int, ...]:
        """How many decisions, outcomes and purchases there are: the log is as it was while these are."""
        counts = []
        for table in ("offer_decisions", "offer_outcomes", "offer_purchases"):
            row = self._db.row(f"SELECT COUNT(*) FROM {table} WHERE tenant = ?", (tenant,))  # noqa: S608 constant
            counts.append(row[0] if row else 0)
        return tuple(counts)

    def decided(self, tenant: str) -> bool:
        """Whether anybody was decided about yet."""
        return self._db.row("SELECT 1 FROM offer_decisions WHERE tenant = ? LIMIT 1", (tenant,)) is not None

    # -- budgets ---------------------------------------------------------------------------------------------

    def usage(self, tenant: str) -> dict[str, Usage]:
        """What has been used up of every running offer."""
        rows = self._db.rows(
            """SELECT offer_id, spent_count, reserved_count, spent_money, reserved_money FROM offers
            WHERE tenant = ? AND status <> 'ended'""",
            (tenant,),
        )
        return {row[0]: Usage(*row[1:]) for row in rows}

    def all_usage(self, tenant: str) -> dict[str, Usage]:
        """The same of every offer there ever was."""
        columns = "offer_id, spent_count, reserved_count, spent_money, reserved_money"
        rows = self._db.rows(f"SELECT {columns} FROM offers WHERE tenant = ?", (tenant,))  # noqa: S608 constant
        return {row[0]: Usage(*row[1:]) for row in rows}

    def times_shown(self, tenant: str) -> dict[str, int]:
        """How many decisions showed each offer."""
        rows = self._db.rows(
            "SELECT arm, COUNT(*) FROM offer_decisions WHERE tenant = ? AND arm <> 'none' GROUP BY arm", (tenant,)
        )
        return dict(map(tuple, rows))

    def reserve(self, tenant: str, decision_id: str, offer: Offer, release_us: int) -> bool:
        """Set one redemption aside until `release_us`; False when it no longer fits into the budget."""
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
                    "INSERT INTO offer_reservations VALUES (?, ?, ?, ?, ?)",
                    (tenant, decision_id, offer.offer_id, cost, release_us),
                )
        return bool(taken)

    def release_expired(self, tenant: str, now_us: int) -> int:
        """Give back what nobody redeemed in time; the number of reservations released."""
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
        """Take back a reservation (None: there is none any more) and book a redemption (None: there was none)."""
        self._db.connection.execute(
            """UPDATE offers SET reserved_count = reserved_count - ?, reserved_money = reserved_money - ?,
            spent_count = spent_count + ?, spent_money = spent_money + ? WHERE tenant = ? AND offer_id = ?""",
            (int(reserved is not None), reserved or 0, int(spent is not None), spent or 0, tenant, offer_id),
        )

    # -- the customer's past ---------------------------------------------------------------------------------

    def shown(self, tenant: str, pseudonym: str) -> dict[str, list[int]]:
        """When each offer was shown to this customer."""
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
        """How many offers this customer viewed and completed strictly before now.

        CROSS JOIN keeps SQLite from walking through everybody's outcomes: 5 ms instead of 0.05 after 5,000 visits.
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
        """Write a decision down; it is durable when the surrounding transaction ends."""
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

    def decision(self, tenant: str, decision_id: str) -> Mapping[str, Any]:
        """Raises UnknownDecision."""
        row = self._db.row(
            "SELECT * FROM offer_decisions WHERE tenant = ? AND decision_id = ?", (tenant, decision_id)
        )
        if row is None:
            raise UnknownDecision(decision_id)
        return dict(row)

    def add_outcome(
        self, tenant: str, event_id: str, decision_id: str, kind: str, occurred_us: int, now_us: int, cost: int
    ) -> bool:
        """False when this event was stored before: nothing changes."""
        with self._db.write() as connection:
            done = connection.execute(
                """INSERT INTO offer_outcomes VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (tenant, event_id) DO NOTHING RETURNING event_id""",
                (tenant, event_id, decision_id, kind, occurred_us, now_us, cost),
            ).fetchall()
        return bool(done)

    def outcomes(self, tenant: str, decision_id: str) -> list[Mapping[str, Any]]:
        """All outcomes of one decision, in the order they happened."""
        rows = self._db.rows(
            "SELECT * FROM offer_outcomes WHERE tenant = ? AND decision_id = ? ORDER BY occurred_us, event_id",
            (tenant, decision_id),
        )
        return [dict(row) for row in rows]

    def redeem(self, tenant: str, decision_id: str, offer_id: str, cost: int) -> None:
        """Turn the decision's reservation into spending; what it held too much goes back."""
        with self._db.write() as connection:
            held = connection.execute(
                "DELETE FROM offer_reservations WHERE tenant = ? AND decision_id = ? RETURNING money",
                (tenant, decision_id),
            ).fetchall()
            self._settle(tenant, offer_id, held[0][0] if held else None, spent=cost)

    def add_purchases(self, tenant: str, rows: Iterable[tuple[str, str, int, int]]) -> int:
        """(event_id, pseudonym, occurred_us, amount); the number that was new."""
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
        """Every decision but the guests', with spend, view, completion and cost inside its windows, and `open`."""
        viewed, completed = _FIRST.format(kind="viewed"), _FIRST.format(kind="completed")
        rows = self._db.rows(
            f"""SELECT d.*, {_SPENT} AS spent, {viewed} AS viewed_us, {completed} AS completed_us, {_COST} AS cost,
            CASE WHEN d.reward_end_us + ? > ? OR (d.redeem_end_us + ? > ? AND d.arm <> 'none') THEN 1 ELSE 0 END
            AS open FROM offer_decisions d WHERE d.tenant = ? AND d.cell <> 'guest'
            ORDER BY d.decided_us, d.decision_id""",  # noqa: S608 constant parts only
            (lateness_us, now_us, lateness_us, now_us, tenant),
        )
        return [dict(row) for row in rows]

    def forget(self, tenant: str, pseudonym: str) -> dict[str, int]:
        """Erase a customer: decisions, outcomes, purchases; reservations go back. Rows removed, by table."""
        mine = "SELECT decision_id FROM offer_decisions WHERE tenant = ? AND pseudonym = ?"
        who = (tenant, pseudonym)
        with self._db.write() as connection:
            held = connection.execute(
                f"DELETE FROM offer_reservations WHERE tenant = ? AND decision_id IN ({mine})"  # noqa: S608
                " RETURNING offer_id, money",
                (tenant, *who),
            ).fetchall()
            for offer_id, money in held:
                self._settle(tenant, offer_id, money, spent=None)
            outcomes = connection.execute(
                f"DELETE FROM offer_outcomes WHERE tenant = ? AND decision_id IN ({mine})",  # noqa: S608
                (tenant, *who),
            ).rowcount
            gone = {"offer_reservations": len(held), "offer_outcomes": outcomes}
            for table in ("offer_decisions", "offer_purchases"):
                gone[table] = connection.execute(
                    f"DELETE FROM {table} WHERE tenant = ? AND pseudonym = ?",  # noqa: S608
                    who,
                ).rowcount
        return gone
