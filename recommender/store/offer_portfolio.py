"""The offers of a tenant as the marketer wrote them, and the settings of how they are decided."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from plumbing.storage.database import Database
from recommender.offers.errors import OfferNotEnded, TooManyOffers, UnknownOffer
from recommender.offers.portfolio import MAX_OFFERS, Offer, from_json, to_json
from recommender.offers.settings import OfferSettings
from recommender.store.tenant_settings import TenantSettings, TenantSettingsStore

SETTINGS_VERSION = 2
"""Of the stored settings. Before, a margin of 1 stood where nobody had given one."""

_RESTING = ("ended", "draft")
"""States in which an offer is neither decided about nor counted as one of the running."""


class OfferPortfolioStore:
    """Offers and settings of all tenants."""

    def __init__(self, database: Database, tenants: TenantSettingsStore | None = None) -> None:
        """`tenants` has the money of the tenants; None: a log without them, which has the defaults."""
        self._db = database
        self._running: dict[str, tuple[int, tuple[Offer, ...]]] = {}  # tenant -> (portfolio version, offers)
        self._tenants = tenants
        self.before_close: list[Callable[[], None]] = []
        """What has to end before the database is closed."""

    def tenant_settings(self, tenant: str) -> TenantSettings:
        """Currency, margin and zone of the tenant."""
        return TenantSettings() if self._tenants is None else self._tenants.get(tenant)

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
                    budget_money = excluded.budget_money, changed_us = excluded.changed_us,
                    before_end = CASE WHEN excluded.status = 'ended' AND offers.status <> 'ended'
                        THEN offers.status ELSE offers.before_end END""",
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
            running = self._db.row(
                "SELECT COUNT(*) FROM offers WHERE tenant = ? AND status NOT IN (?, ?)", (tenant, *_RESTING)
            )
            if running is not None and running[0] > MAX_OFFERS:
                raise TooManyOffers(running[0], MAX_OFFERS)
            self._changed(tenant)

    def _changed(self, tenant: str) -> None:
        """All processes read the portfolio again."""
        self._db.change(
            "UPDATE offer_settings SET portfolio_version = portfolio_version + 1 WHERE tenant = ?", (tenant,)
        )
        self._running.pop(tenant, None)

    def as_before_end(self, tenant: str, offer_id: str) -> Offer:
        """An ended offer as it was before it ended, to be saved; its dates and budgets stay.

        Raises:
            UnknownOffer, OfferNotEnded.
        """
        offer = self.offer(tenant, offer_id)
        if offer.status != "ended":
            raise OfferNotEnded(offer_id)
        row = self._db.row("SELECT before_end FROM offers WHERE tenant = ? AND offer_id = ?", (tenant, offer_id))
        return replace(offer, status=(row["before_end"] if row else "") or "paused")

    def remove_draft(self, tenant: str, offer_id: str) -> bool:
        """Delete a draft that nobody was ever shown; False for every other offer: its decisions stay."""
        with self._db.write() as connection:
            gone = connection.execute(
                "DELETE FROM offers WHERE tenant = ? AND offer_id = ? AND status = 'draft' AND NOT EXISTS"
                " (SELECT 1 FROM offer_decisions d WHERE d.tenant = offers.tenant AND d.arm = offers.offer_id)"
                " RETURNING offer_id",
                (tenant, offer_id),
            ).fetchall()
            self._changed(tenant)
        return bool(gone)

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
        """Offers that are neither ended nor drafts, by id; in memory while the portfolio has this version."""
        cached = self._running.get(tenant)
        if cached is None or cached[0] != version:
            rows = self._db.rows(
                "SELECT body FROM offers WHERE tenant = ? AND status NOT IN (?, ?) ORDER BY offer_id",
                (tenant, *_RESTING),
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
                    (tenant, _settings_json(OfferSettings(new_salt))),
                )
                row = self._db.row(sql, (tenant,))
        assert row is not None
        return self._with_margin(tenant, row["body"]), row["portfolio_version"]

    def settings_as_read(self, tenant: str) -> OfferSettings:
        """The settings, without creating any: the salt is drawn by the first decision."""
        row = self._db.row("SELECT body FROM offer_settings WHERE tenant = ?", (tenant,))
        return self._with_margin(
            tenant, row["body"] if row else _settings_json(OfferSettings("not drawn yet: nothing was decided"))
        )

    def _with_margin(self, tenant: str, body: str) -> OfferSettings:
        """The stored settings; the margin that the tenant has given stands above one that was set here."""
        stored = json.loads(body)
        if stored.pop("v", 1) < SETTINGS_VERSION and stored.get("margin_share") == 1.0:
            stored["margin_share"] = None
        given = self.tenant_settings(tenant).margin_share
        return OfferSettings(**stored | ({} if given is None else {"margin_share": given}))

    def save_settings(self, tenant: str, settings: OfferSettings) -> None:
        """Replace the tenant's settings. With another salt the holdout is another one."""
        with self._db.write() as connection:
            connection.execute(
                """INSERT INTO offer_settings (tenant, body) VALUES (?, ?)
                ON CONFLICT (tenant) DO UPDATE SET body = excluded.body""",
                (tenant, _settings_json(settings)),
            )


def _settings_json(settings: OfferSettings) -> str:
    return json.dumps(asdict(settings) | {"v": SETTINGS_VERSION}, sort_keys=True)
