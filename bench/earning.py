"""How long the desk's page of offers waits: a million orders, 50,000 customers, 200,000 decisions about offers."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Row, timed
from plumbing.clock import DAY, HOUR
from recommender.assembly import RecommenderStores, open_stores, trainer_of
from recommender.config import RecommenderConfig
from recommender.desk.offer_list import House, offers_of
from recommender.desk.proof import proof_of, reports_of
from recommender.desk.reach import ReachEstimates
from recommender.offers.decision import FEATURES, SCHEMA_VERSION
from recommender.offers.discount import Discount
from recommender.offers.portfolio import Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import Item

NOON = 1_795_435_200_000_000
EVENTS, CUSTOMERS, DECISIONS, OFFERS = 1_000_000, 50_000, 200_000, 12
TENANT, SENDER = "bench", "till"
TARGET_MS = 300.0


def earning(events: int = EVENTS, customers: int = CUSTOMERS, decisions: int = DECISIONS) -> list[Row]:
    """Median milliseconds of each of the page's answers, and the seconds of a count beside the requests."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        config = RecommenderConfig(home=home, token_keys=())
        stores = open_stores(config)
        try:
            fill(stores, events, customers, decisions)
            return measured(stores, config, events)
        finally:
            stores.close()


def measured(stores: RecommenderStores, config: RecommenderConfig, events: int) -> list[Row]:
    """The page's answers, as the routes make them."""

    def now_us() -> int:
        return NOON

    trainer = trainer_of(stores, config, now_us)
    reports = reports_of(stores, trainer)
    began = time.perf_counter()
    first = proof_of(stores, trainer, TENANT, reports)
    waited = 1_000 * (time.perf_counter() - began)
    assert first["counting"], "a log of this size is counted beside the requests"
    while stores.offers.report(TENANT) is None:
        time.sleep(0.05)
    counted = time.perf_counter() - began
    reach = ReachEstimates(stores.offers, now_us)
    offer = stores.offers.offers(TENANT)[0]
    reach.of(TENANT, offer)

    def portfolio(_: int) -> None:
        house = House.read(stores, TENANT, stores.offers.sites(TENANT), NOON)
        offers_of(stores, TENANT, house, reports.get(TENANT, None)["shown"])

    calls = {
        "desk/offers": lambda _: proof_of(stores, trainer, TENANT, reports, "de"),
        "desk/portfolio": portfolio,
        "desk/reach": lambda _: reach.of(TENANT, offer),
    }
    size = f"{events:,} orders, {stores.offers.size(TENANT)[0]:,} decisions"
    rows = [
        Row("earning", f"{name}, p50", timed(call, 50).p50, "ms", TARGET_MS, "less", size)
        for name, call in calls.items()
    ]
    rows.append(
        Row(
            "earning",
            "desk/offers, the first time",
            waited,
            "ms",
            None,
            "less",
            "of a process, with what it imports; says that it is being counted",
        )
    )
    rows.append(
        Row(
            "earning",
            "a count beside the requests",
            counted,
            "s",
            None,
            "less",
            "in a thread, a tenth of the time at most",
        )
    )
    return rows


def fill(stores: RecommenderStores, events: int, customers: int, decisions: int) -> None:
    """A menu, offers, orders and decisions with what was spent after them, drawn with a seed."""
    rng = np.random.default_rng(0)
    menu = [Item(f"dish-{k:02d}", f"Dish {k}", f"category {k % 6}", 300 + 10 * k) for k in range(60)]
    stores.catalogue.put(TENANT, "item", menu)
    made = [
        Offer(f"offer-{k:02d}", f"Offer {k}", discount=Discount("percent", 10), redemption_cost=50)
        for k in range(OFFERS)
    ]
    stores.offers.save_offers(TENANT, made, NOON)
    stores.offers.save_settings(TENANT, OfferSettings("a salt for the bench", holdout_share=0.1))
    database = stores.database
    with database.write() as connection:
        connection.executemany(
            "INSERT INTO events (tenant, sender, event_id, type, scene, customer, time_us, hour, weekday, site,"
            " region, origin, recommendation_id, fingerprint, received_us, import_id)"
            " VALUES (?, ?, ?, 'ordered', 'orders', ?, ?, ?, ?, ?, '', '', '', '', ?, '')",
            orders(rng, events, customers),
        )
        connection.executemany(
            "INSERT INTO lines VALUES (?, ?, ?, 0, ?, 1, ?)",
            ((TENANT, SENDER, f"e{k}", f"dish-{k % 60:02d}", 300 + 10 * (k % 60)) for k in range(events)),
        )
        connection.executemany(
            f"INSERT INTO offer_decisions VALUES ({', '.join('?' * 15)})",
            decided(rng, decisions, customers),
        )
        connection.executemany(
            "INSERT INTO offer_purchases VALUES (?, ?, ?, ?, ?)",
            (
                (
                    TENANT,
                    f"p{k}",
                    f"c{k % customers}",
                    NOON - (30 + k * 60 // decisions) * DAY + HOUR,
                    500 + k % 900,
                )
                for k in range(decisions)
            ),
        )


def orders(rng: np.random.Generator, n: int, customers: int) -> Iterator[tuple[Any, ...]]:
    """A year of orders at 50 sites."""
    who, hour = rng.integers(0, customers, n), rng.integers(7, 23, n)
    for k in range(n):
        at = NOON - k * 365 * DAY // n
        yield (TENANT, SENDER, f"e{k}", f"c{who[k]}", at, float(hour[k]), k % 7, f"site-{k % 50}", at)


def decided(rng: np.random.Generator, n: int, customers: int) -> Iterator[tuple[Any, ...]]:
    """Closed decisions of the last months; a tenth of the customers is left alone."""
    arms = ["none", *(f"offer-{k:02d}" for k in range(OFFERS))]
    policy = json.dumps(dict.fromkeys(arms, 1 / len(arms)))
    alone = json.dumps(dict.fromkeys(arms, 0.0) | {"none": 1.0})
    context = json.dumps(dict.fromkeys(FEATURES, 1.0) | {"site": "site-1"})
    drawn = rng.integers(0, len(arms), n)
    for k in range(n):
        customer = k % customers
        held = customer % 10 == 0
        at = NOON - (30 + k * 60 // n) * DAY
        arm = "none" if held else arms[drawn[k]]
        yield (
            *(
                TENANT,
                f"d{k}",
                at,
                f"c{customer}",
                "holdout" if held else "policy",
                arm,
                alone if held else policy,
            ),
            *("{}", context, SCHEMA_VERSION, k, "bench", "thompson", at + 72 * HOUR, at + 72 * HOUR),
        )
