"""How many visits and customers an offer would have met in the last four weeks, and how often it may be redeemed.

Read from the latest orders, at most `SAMPLE` of them, and kept for ten minutes. Counts are rounded, and of fewer
than ten customers nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plumbing.clock import DAY, MINUTE, Clock
from recommender.caches import Cache
from recommender.offers.portfolio import Offer
from recommender.offers.report import SMALL_GROUP
from recommender.offers.settings import OfferSettings
from recommender.offers.wording import WORDS
from recommender.store.offers import OfferStore

SPAN_DAYS = 28
SAMPLE = 50_000
KEPT_US = 10 * MINUTE
LEAST_SHOWN = 100
"""Offers that were shown before their redemptions say something about the next one."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Orders of the last four weeks, each array (n,), and how many there were in all."""

    total: int
    customer: NDArray[np.int64]  # a code; -1 for a guest
    hour: NDArray[np.int64]
    weekday: NDArray[np.int64]
    site: NDArray[np.str_]
    cost: NDArray[np.int64]

    def met_by(self, offer: Offer) -> NDArray[np.bool_]:
        """Those in which the offer could have been shown and, by the order's size, redeemed."""
        hour, weekday = self.hour, self.weekday
        if offer.from_hour < offer.to_hour:
            met = (hour >= offer.from_hour) & (hour < offer.to_hour)
        else:  # past midnight the weekday of the evening counts
            met = (hour >= offer.from_hour) | (hour < offer.to_hour)
            weekday = np.where(hour < offer.to_hour, (weekday - 1) % 7, weekday)
        if offer.weekdays:
            met &= np.isin(weekday, offer.weekdays)
        if offer.sites:
            met &= np.isin(self.site, offer.sites)
        return met & (self.cost >= offer.min_spend)


def visits_of(store: OfferStore, tenant: str, now_us: int) -> Visits:
    """Read them."""
    total, rows = store.visits(tenant, now_us - SPAN_DAYS * DAY, now_us, SAMPLE)
    who = np.array([row[0] for row in rows], np.str_)
    names, code = np.unique(who, return_inverse=True) if len(rows) else (who, np.zeros(0, np.int64))
    customer = np.where(who == "", -1, code) if len(names) else np.zeros(0, np.int64)
    return Visits(
        total,
        customer.astype(np.int64),
        np.array([int(row[1]) % 24 for row in rows], np.int64),
        np.array([row[2] for row in rows], np.int64),
        np.array([row[3] for row in rows], np.str_),
        np.array([row[4] for row in rows], np.int64),
    )


class ReachEstimates:
    """Estimates for all tenants of one process."""

    def __init__(self, store: OfferStore, now_us: Clock) -> None:
        self._store, self._now_us = store, now_us
        self._visits: Cache[tuple[Visits, tuple[int, int]]] = Cache()

    def of(self, tenant: str, offer: Offer, language: str = "en") -> dict[str, Any]:
        """The body of the route, with a sentence."""
        now_us = self._now_us()
        read: Callable[[], tuple[Visits, tuple[int, int]]] = lambda: (  # noqa: E731 - typed
            visits_of(self._store, tenant, now_us),
            self._store.shares_redeemed(tenant),
        )
        visits, before = self._visits.get(tenant, now_us // KEPT_US, read)
        return estimate(visits, before, offer, self._store.settings_as_read(tenant), language)


def estimate(
    visits: Visits, before: tuple[int, int], offer: Offer, settings: OfferSettings, language: str = "en"
) -> dict[str, Any]:
    """Visits and different customers of four weeks, rounded, and a range of redemptions; None: not known.

    `before` is how many offers were shown so far, and how many of them were redeemed.
    """
    met = visits.met_by(offer)
    scale = visits.total / len(met) if len(met) else 0.0
    ours = visits.customer[met]
    known = ours[ours >= 0]
    customers = len(np.unique(known))
    found: dict[str, Any] = {"days": SPAN_DAYS, "visits": None, "customers": None, "redemptions": None}
    if not len(visits.hour):
        return found | {"answer": WORDS.text(language, "reach-no-orders", days=SPAN_DAYS)}
    if customers < SMALL_GROUP:
        return found | {"answer": WORDS.text(language, "reach-few", days=SPAN_DAYS)}
    found |= {"visits": rounded(len(ours) * scale), "customers": rounded(customers)}
    text = WORDS.text(language, "reach-met", days=SPAN_DAYS, visits=found["visits"], customers=found["customers"])
    shown, redeemed = before
    if shown < LEAST_SHOWN:
        return found | {"answer": _joined(text, WORDS.text(language, "reach-rate-unknown"), language)}
    most = (
        len(known) * scale * (1 - settings.holdout_share) * (settings.share if settings.share is not None else 1)
    )
    if offer.never_twice or offer.cap_count is not None:
        most = min(most, customers * (1 if offer.never_twice else offer.cap_count or 1) * _spans(offer))
    low, high = _wilson(min(redeemed, shown), shown)
    limit = math.inf if offer.budget_count is None else offer.budget_count
    # From one running among many that share the visits, to all of them for this offer.
    found["redemptions"] = [min(rounded(low * most / 4), limit), min(rounded(high * most), limit)]
    least, top = (int(one) for one in found["redemptions"])
    return found | {"answer": _joined(text, WORDS.text(language, "reach-rate", low=least, high=top), language)}


def _spans(offer: Offer) -> float:
    """How often the cap opens again in four weeks."""
    return max(1.0, SPAN_DAYS / offer.cap_days) if offer.cap_days and not offer.never_twice else 1.0


def _wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    z, share = 1.96, successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def rounded(number: float) -> int:
    """To two leading digits: an estimate is no count."""
    if number < 10:
        return round(number)
    step = 10 ** (math.floor(math.log10(number)) - 1)
    return int(round(number / step) * step)


def _joined(first: str, second: str, language: str) -> str:
    return first + ("" if language == "ja" else " ") + second
