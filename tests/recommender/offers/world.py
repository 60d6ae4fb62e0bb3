"""A small cafe whose offers have visible answers; used by the offers' tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from plumbing.clock import HOUR
from plumbing.database import Database
from recommender.offers.portfolio import Offer
from recommender.offers.settings import OfferSettings
from recommender.scene import Context, Item, Request
from recommender.store.offers import OfferStore, migrations

TENANT = "cafe"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)  # a Monday
NOW_US = int(NOON.timestamp()) * 1_000_000
SALT = "a salt for the toy cafe"
MENU = (Item("latte", "Latte", price=390), Item("bagel", "Bagel", price=450, allergens=("gluten",)))


_opened: list[Database] = []


@pytest.fixture(autouse=True)
def _close_stores() -> Iterator[None]:
    """Every store that a test opened is closed after it."""
    yield
    while _opened:
        _opened.pop().close()


def open_store(path: Path) -> OfferStore:
    _opened.append(Database(path, migrations))
    return OfferStore(_opened[-1])


def request(now_us: int = NOW_US, seed: int = 0, **context: object) -> Request:
    moment = {"local_time": datetime.fromtimestamp(now_us / 1e6, UTC), "site": "mitte"} | context
    return Request(None, Context(**moment), MENU, 1, now_us, np.random.default_rng(seed))  # type: ignore[arg-type]


def offer(offer_id: str, **fields: object) -> Offer:
    return Offer(offer_id, fields.pop("name", offer_id), **fields)  # type: ignore[arg-type]


def no_holdout(**fields: object) -> OfferSettings:
    return OfferSettings(SALT, **({"holdout_share": 0.0} | fields))  # type: ignore[arg-type]


__all__ = [
    "HOUR",
    "MENU",
    "NOON",
    "NOW_US",
    "SALT",
    "TENANT",
    "_close_stores",
    "no_holdout",
    "offer",
    "open_store",
    "request",
]
