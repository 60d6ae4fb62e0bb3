"""A small cafe whose offers have visible answers; used by the offers' tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plumbing.clock import DAY, HOUR
from plumbing.storage.database import Database
from plumbing.storage.state import State
from recommender.offers.decision import FEATURES, SCHEMA_VERSION
from recommender.offers.portfolio import Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import Context, Item, Request
from recommender.store.event_tables import migrations as event_migrations
from recommender.store.offer_tables import migrations
from recommender.store.offers import OfferStore

TENANT = "cafe"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
NOW_US = int(NOON.timestamp()) * 1_000_000
SALT = "a salt for the toy cafe"
MENU = (Item("latte", "Latte", price=390), Item("bagel", "Bagel", price=450, allergens=("gluten",)))


def silent(_what: str, _share: float) -> None:
    """Progress that nobody reads."""


_opened: list[Database] = []


@pytest.fixture(autouse=True)
def close_stores() -> Iterator[None]:
    """Every store that a test opened is closed after it."""
    yield
    while _opened:
        _opened.pop().close()


def open_store(path: Path) -> OfferStore:
    _opened.append(State(path.parent).database(path.stem, event_migrations, migrations))
    return OfferStore(_opened[-1])


def request(
    now_us: int = NOW_US,
    rng: np.random.Generator | None = None,
    customer: str | None = None,
    **context: Any,
) -> Request:
    """A request at the cafe `TENANT`; `context` gives fields of its Context."""
    moment: dict[str, Any] = {"local_time": datetime.fromtimestamp(now_us / 1e6, UTC), "site": "mitte"} | context
    rng = rng or np.random.default_rng(0)
    return Request(None, Context(**moment), MENU, 1, now_us, rng, tenant=TENANT, customer=customer)


def offer(offer_id: str, **fields: Any) -> Offer:
    """An offer named like its id; `fields` give the rest."""
    values: dict[str, Any] = {"offer_id": offer_id, "name": offer_id} | fields
    return Offer(**values)


def no_holdout(**fields: Any) -> OfferSettings:
    """Settings under which every customer may see offers; `fields` give the rest."""
    values: dict[str, Any] = {"salt": SALT, "holdout_share": 0.0} | fields
    return OfferSettings(**values)


Row = dict[str, Any]


def row(customer: int, arm: str, spent: int, day: float = 0.0, **fields: Any) -> Row:
    """A decision with its outcome, as the store returns it. One customer in five is in the holdout."""
    held_out = customer % 5 == 0
    chances = {"none": 1.0, "good": 0.0, "poor": 0.0} if held_out else {"none": 0.2, "good": 0.4, "poor": 0.4}
    return {
        "pseudonym": f"p{customer}",
        "cell": "holdout" if held_out else "policy",
        "arm": arm,
        "spent": spent,
        "cost": 0,
        "propensities": json.dumps(chances),
        "context": json.dumps(dict.fromkeys(FEATURES, 0.0) | {"spend": float(customer % 7)}),
        "schema_version": SCHEMA_VERSION,
        "open": 0,
        "viewed_us": None,
        "completed_us": None,
        "decided_us": NOW_US + int(day * DAY),
    } | fields


def cafe(n: int = 600, seed: int = 0, gain: int = 300) -> list[Row]:
    """Nothing earns 500 a visit, `good` 800, `poor` 300; three visits each, one customer in five left alone."""
    rng = np.random.default_rng(seed)
    rows = []
    for visit in range(n):
        customer = visit % (n // 3)
        arm = "none" if customer % 5 == 0 else str(rng.choice(["none", "good", "poor"], p=[0.2, 0.4, 0.4]))
        mean = {"none": 500, "good": 500 + gain, "poor": 300}[arm]
        rows.append(row(customer, arm, int(mean + rng.normal(0, 50)), day=visit / 20))
    return rows


__all__ = [
    "HOUR",
    "MENU",
    "NOON",
    "NOW_US",
    "SALT",
    "TENANT",
    "Row",
    "cafe",
    "close_stores",
    "no_holdout",
    "offer",
    "open_store",
    "request",
    "row",
    "silent",
]
