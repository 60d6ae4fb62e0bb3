"""The tables of offers, as migrations. SQL common to SQLite and PostgreSQL; the tenant leads every key."""

from __future__ import annotations

from sqlite_utils import Database as Utils
from sqlite_utils.migrations import Migrations

MIGRATIONS: list[tuple[str, str]] = [
    (
        "offers_1_portfolio",
        """CREATE TABLE offers (
            tenant TEXT NOT NULL, offer_id TEXT NOT NULL, body TEXT NOT NULL, status TEXT NOT NULL,
            budget_count BIGINT, budget_money BIGINT,
            spent_count BIGINT NOT NULL DEFAULT 0, reserved_count BIGINT NOT NULL DEFAULT 0,
            spent_money BIGINT NOT NULL DEFAULT 0, reserved_money BIGINT NOT NULL DEFAULT 0,
            changed_us BIGINT NOT NULL, PRIMARY KEY (tenant, offer_id))""",
    ),
    (
        "offers_2_settings",
        """CREATE TABLE offer_settings (
            tenant TEXT PRIMARY KEY, body TEXT NOT NULL, portfolio_version BIGINT NOT NULL DEFAULT 0)""",
    ),
    (
        "offers_3_decisions",
        """CREATE TABLE offer_decisions (
            tenant TEXT NOT NULL, decision_id TEXT NOT NULL, decided_us BIGINT NOT NULL, pseudonym TEXT NOT NULL,
            cell TEXT NOT NULL, arm TEXT NOT NULL, propensities TEXT NOT NULL, excluded TEXT NOT NULL,
            context TEXT NOT NULL, schema_version BIGINT NOT NULL, seed BIGINT NOT NULL,
            policy_version TEXT NOT NULL, why TEXT NOT NULL, reward_end_us BIGINT NOT NULL,
            redeem_end_us BIGINT NOT NULL, PRIMARY KEY (tenant, decision_id))""",
    ),
    (
        "offers_4_decisions_by_customer",
        "CREATE INDEX offer_decisions_by_customer ON offer_decisions (tenant, pseudonym, decided_us)",
    ),
    ("offers_5_decisions_by_time", "CREATE INDEX offer_decisions_by_time ON offer_decisions (tenant, decided_us)"),
    (
        "offers_6_reservations",
        """CREATE TABLE offer_reservations (
            tenant TEXT NOT NULL, decision_id TEXT NOT NULL, offer_id TEXT NOT NULL, money BIGINT NOT NULL,
            release_us BIGINT NOT NULL, PRIMARY KEY (tenant, decision_id))""",
    ),
    (
        "offers_7_reservations_by_release",
        "CREATE INDEX offer_reservations_by_release ON offer_reservations (tenant, release_us)",
    ),
    (
        "offers_8_outcomes",
        """CREATE TABLE offer_outcomes (
            tenant TEXT NOT NULL, event_id TEXT NOT NULL, decision_id TEXT NOT NULL, kind TEXT NOT NULL,
            occurred_us BIGINT NOT NULL, received_us BIGINT NOT NULL, cost BIGINT NOT NULL,
            PRIMARY KEY (tenant, event_id))""",
    ),
    (
        "offers_9_outcomes_by_decision",
        "CREATE INDEX offer_outcomes_by_decision ON offer_outcomes (tenant, decision_id, kind, occurred_us)",
    ),
    (
        "offers_10_purchases",
        """CREATE TABLE offer_purchases (
            tenant TEXT NOT NULL, event_id TEXT NOT NULL, pseudonym TEXT NOT NULL, occurred_us BIGINT NOT NULL,
            amount BIGINT NOT NULL, PRIMARY KEY (tenant, event_id))""",
    ),
    (
        "offers_11_purchases_by_customer",
        "CREATE INDEX offer_purchases_by_customer ON offer_purchases (tenant, pseudonym, occurred_us)",
    ),
    # An offer is held for a moment when it is asked for, and reserved when it was shown. Rows from before were.
    ("offers_12_asked_by", "ALTER TABLE offer_reservations ADD COLUMN sender TEXT NOT NULL DEFAULT ''"),
    ("offers_13_asked_at", "ALTER TABLE offer_reservations ADD COLUMN held_us BIGINT NOT NULL DEFAULT 0"),
    ("offers_14_was_shown", "ALTER TABLE offer_reservations ADD COLUMN shown BIGINT NOT NULL DEFAULT 1"),
    ("offers_15_of_a_guest", "ALTER TABLE offer_reservations ADD COLUMN guest BIGINT NOT NULL DEFAULT 0"),
    # What an ended offer was before, to restore it; the order that a redemption belongs to.
    ("offers_16_before_end", "ALTER TABLE offers ADD COLUMN before_end TEXT NOT NULL DEFAULT ''"),
    ("offers_17_order", "ALTER TABLE offer_outcomes ADD COLUMN order_key TEXT NOT NULL DEFAULT ''"),
    (
        "offers_18_outcomes_by_order",
        "CREATE INDEX offer_outcomes_by_order ON offer_outcomes (tenant, order_key) WHERE order_key <> ''",
    ),
    (
        "offers_19_reports",
        "CREATE TABLE offer_reports (tenant TEXT PRIMARY KEY, made_us BIGINT NOT NULL, body TEXT NOT NULL)",
    ),
    # Numbers that stay when the decisions behind them go; refused redemptions, without whose they were.
    (
        "offers_20_shown_before",
        """CREATE TABLE offer_shown_before (
            tenant TEXT NOT NULL, offer_id TEXT NOT NULL, shown BIGINT NOT NULL,
            PRIMARY KEY (tenant, offer_id))""",
    ),
    (
        "offers_21_refusals",
        """CREATE TABLE offer_refusals (
            tenant TEXT NOT NULL, offer_id TEXT NOT NULL, cause TEXT NOT NULL, number BIGINT NOT NULL,
            PRIMARY KEY (tenant, offer_id, cause))""",
    ),
    # Which redemptions are in these numbers: a till that sends one again raises them once.
    (
        "offers_22_refused",
        """CREATE TABLE offer_refused (
            tenant TEXT NOT NULL, event_hash TEXT NOT NULL, counted_us BIGINT NOT NULL,
            PRIMARY KEY (tenant, event_hash))""",
    ),
    ("offers_23_refused_by_time", "CREATE INDEX offer_refused_by_time ON offer_refused (tenant, counted_us)"),
]
"""(name, one statement each), in order."""

migrations = Migrations("offers")


def _register(name: str, sql: str) -> None:
    def apply(db: Utils) -> None:
        db.execute(sql)

    migrations(name=name)(apply)


for _name, _sql in MIGRATIONS:
    _register(_name, _sql)
