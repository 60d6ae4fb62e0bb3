"""Toy worlds of orders whose answers anybody can see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recommender.ranking.interactions import Interactions
from recommender.scene import Item

DAY_US = 86_400_000_000


def orders(*rows: tuple[str, int, str]) -> Interactions:
    """(customer, order, item) rows."""
    customers, numbers, items = zip(*rows, strict=True)
    return Interactions.from_columns({"customer": customers, "order": numbers, "item": items})


def habits(
    customers: int = 40, visits: int = 8, seed: int = 0, dishes: int = 12, stray: float = 0.2
) -> Interactions:
    """Each customer has one usual, ordered at noon at one of two sites; a fifth of the orders stray.

    Customer k's usual is dish k % dishes, so customers with the same remainder have the same taste.
    """
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(customers), visits)
    day = np.tile(np.arange(visits) * 3, customers)
    dish = np.where(rng.random(len(who)) < stray, rng.integers(0, dishes, len(who)), who % dishes)
    return Interactions.from_columns(
        {
            "customer": [f"c{k:03d}" for k in who],
            "item": [f"i{k:02d}" for k in dish],
            "time_us": (20_000 + day) * DAY_US + 12 * 3_600_000_000 + who,
            "hour": np.full(len(who), 12.0),
            "weekday": day % 7,
            "site": [f"s{k % 2}" for k in who],
        }
    )


def menu(dishes: int = 12, **changes: dict[str, object]) -> tuple[Item, ...]:
    """Dishes i00, i01, ...; changes give an item's fields by its id."""
    made = []
    for k in range(dishes):
        fields: dict[str, object] = {"name": f"Dish {k}", "category": f"cat{k % 3}", "price": 500 + 100 * k}
        made.append(Item(f"i{k:02d}", **(fields | changes.get(f"i{k:02d}", {}))))  # type: ignore[arg-type]
    return tuple(made)


def of(seen: Interactions, customer: str) -> Interactions:
    """One customer's rows."""
    code = int(np.searchsorted(seen.customers, customer))
    return seen.where(seen.customer == code)


def names(items: Sequence[str], codes: np.ndarray) -> list[str]:
    """Item ids of the codes that are not -1."""
    return [str(items[code]) for code in codes.tolist() if code >= 0]
