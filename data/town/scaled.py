"""A town of any size, fast, for measurements: habits and popularity, without names or a map."""

from __future__ import annotations

import numpy as np

from data.town.menu import DAYPARTS, HOURS
from recommender.ranking.interactions import Interactions
from recommender.scene import Item

_DAYS, _DAY_US = 180, 86_400_000_000
_START_US = 1_735_689_600_000_000  # 2025-01-01, a Wednesday


def scaled(n_customers: int, n_items: int, n_events: int, seed: int = 0) -> tuple[Interactions, list[Item]]:
    """Order lines of `n_customers` with three favourites each, 60 % of the time; the rest follows popularity.

    Builds the arrays without going through text: two million lines take a few seconds.

    Returns:
        `n_events` lines (orders of one to three lines) and a catalogue of `n_items`, popular ones first.
    """
    rng = np.random.default_rng([29, seed])
    n_orders = max(int(n_events / 1.6), 1)
    activity = rng.gamma(1.2, 1.0, n_customers) + 0.1
    buyer = np.searchsorted(np.cumsum(activity) / activity.sum(), rng.random(n_orders)).clip(max=n_customers - 1)
    minute = rng.integers(0, _DAYS * 1440, n_orders)
    rows = np.lexsort((minute, buyer))
    buyer, minute = buyer[rows].astype(np.int32), minute[rows]
    first = np.r_[True, buyer[1:] != buyer[:-1]]
    number = np.arange(n_orders) - np.maximum.accumulate(np.where(first, np.arange(n_orders), 0))
    line = np.sort(np.r_[np.arange(n_orders), rng.integers(0, n_orders, max(n_events - n_orders, 0))])[:n_events]
    customer = buyer[line]
    favourites = _popular(rng, n_items, (n_customers, 3))
    habitual = favourites[customer, rng.choice(3, len(line), p=[0.6, 0.25, 0.15])]
    item = np.where(rng.random(len(line)) < 0.6, habitual, _popular(rng, n_items, len(line)))
    at = minute[line]
    interactions = Interactions(
        customer=customer,
        order=number[line].astype(np.int32),
        item=item.astype(np.int32),
        quantity=np.ones(len(line), np.float32),
        time_us=_START_US + at * 60_000_000,
        hour=(at % 1440 / 60).astype(np.float32),
        weekday=((at // 1440 + 2) % 7).astype(np.int8),
        site=(customer % 4).astype(np.int32),
        region=np.full(len(line), -1, np.int32),
        origin=np.full(len(line), -1, np.int32),
        person=customer,
        customers=np.array([f"c{k:08d}" for k in range(n_customers)]),
        items=np.array([f"item-{k:06d}" for k in range(n_items)]),
        sites=np.array([f"site-{k}" for k in range(4)]),
        regions=np.zeros(0, np.str_),
    )
    return interactions, _catalogue(rng, n_items)


def _popular(rng: np.random.Generator, n_items: int, shape: int | tuple[int, ...]) -> np.ndarray:
    """Item codes, the first the most popular (Zipf with exponent .9)."""
    weights = np.cumsum(1 / np.arange(1, n_items + 1) ** 0.9)
    return np.searchsorted(weights / weights[-1], rng.random(shape)).clip(max=n_items - 1).astype(np.int32)


def _catalogue(rng: np.random.Generator, n_items: int) -> list[Item]:
    prices = rng.integers(20, 250, n_items) * 10
    return [
        Item(
            item_id=f"item-{k:06d}",
            name=f"Item {k}",
            category=f"category-{k % 12}",
            price=int(prices[k]),
            dayparts=() if k % 3 else (DAYPARTS[k % len(HOURS)],),
        )
        for k in range(n_items)
    ]
