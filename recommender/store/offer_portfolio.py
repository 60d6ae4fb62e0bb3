"""The offers of a tenant as the marketer wrote them, and the settings of how they are decided."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from plumbing.storage.database import Database
from recommender.offers.errors import TooManyOffers, UnknownOffer
from recommender.offers.portfolio import MAX_OFFERS, Offer, from_json, to_json
from recommender.offers.settings import OfferSettings


class OfferPortfolioStore:
    """Offers and settings of all tenants."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._running: dict[str, tuple[int, tuple[Offer, ...]]] = {}  # tenant -> (portfolio version, offers)

    def save_offers(self, tenant: str, offers: Sequence[Offer], now_us: int) -> None:
        """Create or change offers, all or none; what is spent and reserved stays.

        Raises:
            TooManyOffers: more than `MAX_OFFERS` would be running.
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
            self._running.pop(tenant, None)

    def offer(self, tenant: str, offer_id: str) -> Offer:
        """One offer. Raises UnknownOffer."""
        row = self._db.row("SELECT body FROM offers WHERE tenant = ? AND offer_id = ?", (tenant, offer_id))
        if row is None:
            raise UnknownOffer(offer_id)
        return from_json(row["body"])

    def offers(self, tenant: str) -> list[Offer]:
        """The whole portfolio, ended offers too, by id."""
        rows = self._db.rows("SELECT body FROM offers WHERE tenant = ? ORDER BY offer_id", (tenant,))
        return [from_json(row["body"]) for row in rows]

    def running(self, tenant: str, version: int) -> tuple[Offer, ...]:
        """Offers that have not ended, by id; in memory while the portfolio has this version."""
        cached = self._running.get(tenant)
        if cached is None or cached[0] != version:
            rows = self._db.rows(
                "SELECT body FROM offers WHERE tenant = ? AND status <> 'ended' ORDER BY offer_id", (tenant,)
            )
            cached = (version, tuple(from_json(row["body"]) for row in rows))
            self._running[tenant] = cached
        return cached[1]

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
        """The settings, without creating any: the salt is drawn by the first decision."""
        row = self._db.row("SELECT body FROM offer_settings WHERE tenant = ?", (tenant,))
        return (
            OfferSettings(**json.loads(row["body"]))
            if row
            else OfferSettings("not drawn yet: nothing was decided")
        )

    def save_settings(self, tenant: str, settings: OfferSettings) -> None:
        """Replace the tenant's settings. With another salt the holdout is another one."""
        with self._db.write() as connection:
            connection.execute(
                """INSERT INTO offer_settings (tenant, body) VALUES (?, ?)
                ON CONFLICT (tenant) DO UPDATE SET body = excluded.body""",
                (tenant, json.dumps(asdict(settings), sort_keys=True)),
            )
