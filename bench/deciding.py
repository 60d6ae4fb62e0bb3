"""How fast offers are decided, with every eligible arm's propensity, and what writing a decision down adds."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Row, timed
from plumbing.clock import MINUTE, SECOND
from plumbing.storage.sqlite import SQLiteDatabase
from recommender.offers.bandit import Posterior
from recommender.offers.decision import FEATURES, POLICY, OfferDecision, Policy, choose_arm
from recommender.offers.learning.log import UpliftModel
from recommender.offers.learning.uplift import VisitFeatures, fit_gain
from recommender.offers.portfolio import Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import Context, Request
from recommender.scenes.offer_decisions import decide_offer
from recommender.store.offer_tables import migrations
from recommender.store.offers import OfferStore

ELIGIBLE, CUSTOMERS = 50, 500
NOON_US = int(datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()) * SECOND


def offers() -> list[Offer]:
    return [
        Offer(f"o{k:02d}", f"Offer {k}", redemption_cost=10, budget_count=10**6, cap_count=10**6, cap_days=7)
        for k in range(ELIGIBLE)
    ]


def learned(rng: np.random.Generator) -> tuple[Policy, np.ndarray]:
    """A policy that predicts whom an offer moves before it draws, and features of visits, shape (n, d)."""
    n = 6_000
    visits = VisitFeatures(rng.normal(size=(n, len(FEATURES))), FEATURES, rng.normal(size=(2, 7)))
    arm = rng.integers(0, 2, n)
    reward = rng.normal(size=n) + arm * (visits.features[:, 0] > -1)
    model = fit_gain(visits, arm, reward, seed=0)
    arms = tuple(offer.offer_id for offer in offers())
    believed = Posterior(rng.normal(5, 1, ELIGIBLE), np.full(ELIGIBLE, 0.5))
    uplift = UpliftModel(model.rewards, visits.arm_table)
    return Policy("bench", arms, believed, 5.0, 1.0, 4.0, 0.2, uplift=uplift), visits.features


def deciding(n: int = 2_000) -> list[Row]:
    """Decisions a second on one core, and the milliseconds that logging adds to a request."""
    rng = np.random.default_rng(0)
    policy, features = learned(rng)
    settings, arms = OfferSettings("a salt for the bench"), tuple(offer.offer_id for offer in offers())

    def pure(k: int) -> None:
        choose_arm(POLICY, arms, policy, features[k % len(features)], settings, k)

    decided = timed(pure, n)
    rows = [
        Row(
            "deciding",
            f"decisions with {ELIGIBLE} eligible offers, one core",
            1_000 / decided.processor_ms,
            "/s",
            1_000,
            "more",
            "with every propensity, and whom it moves from 3 models",
        ),
    ]
    with tempfile.TemporaryDirectory() as folder:
        rows += logging(Path(folder), policy, settings, n // 4)
    return rows


def logging(folder: Path, policy: Policy, settings: OfferSettings, n: int) -> list[Row]:
    """The same visit decided from the same reads: written down and reserved, durably, or neither."""
    database = SQLiteDatabase(folder / "recommender.db", migrations)
    rng = np.random.default_rng(0)
    try:
        store = OfferStore(database)
        store.save_settings("bench", settings)
        store.save_offers("bench", offers(), NOON_US)

        reader = Forgetful(database)
        with_log = timed(lambda k: visit(store, k, rng, policy), n)
        without = timed(lambda k: visit(reader, k, rng, policy), n)
    finally:
        database.close()
    return [
        Row(
            "deciding",
            "a decision with its transaction, p50",
            with_log.p50,
            "ms",
            None,
            "less",
            "history, caps, budget, log; durable before the answer",
        ),
        Row("deciding", "logging and reserving, durably, adds, p50", with_log.p50 - without.p50, "ms", 1.0),
        Row("deciding", "of that, processor time", with_log.processor_ms - without.processor_ms, "ms", 1.0),
    ]


def visit(store: OfferStore, k: int, rng: np.random.Generator, policy: Policy) -> None:
    """The k-th visit, a minute after the one before."""
    at = NOON_US + k * MINUTE
    context = Context("site", local_time=datetime.fromtimestamp(at / SECOND, UTC))
    customer = f"p{k % CUSTOMERS}"
    decide_offer(store, Request(None, context, (), 1, at, rng, tenant="bench", customer=customer), policy)


class Forgetful(OfferStore):
    """Reads like the other, writes nothing down."""

    def log(self, tenant: str, decision: OfferDecision) -> None:
        """Nothing."""

    def reserve(self, tenant: str, decision_id: str, offer: Offer, release_us: int, **held: Any) -> bool:
        """As if it fitted."""
        return True
