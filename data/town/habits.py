"""What the people of the town are used to: the arrays behind every visit and every ride."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.town.menu import DAYPARTS, SITES
from recommender.scene import Item

ALWAYS_HERE = 40
"""The first customers are never newcomers: the demo opts some of them in."""

RIDERS = 20
"""The first of them all take the taxi; of the others one in five does."""

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Habits:
    """For n customers, 5 dayparts and k dishes. Dishes and places are positions in the catalogue."""

    joined: Codes  # (n,) first day
    changed: Codes  # (n,) day of the change of taste, -1 without one
    rate: Floats  # (n, 5) chance of a visit at a daypart; 0 where the customer never comes
    by_weekday: Floats  # (n, 7) factor on it
    hour_shift: Floats  # (n, 5) hours
    loyalty: Floats  # (n,) how often it is the usual
    usual: Codes  # (2, n, 5) dish before and after the change
    taste: Floats  # (n, 5, k) weights of the other dishes
    common: Floats  # (5, k) weights of somebody without habits
    extra: Floats  # (5, k) weights of what goes with it
    side: Codes  # (n, 5) what usually goes with it
    side_rate: Floats
    pair_rate: Floats  # how often for two
    site: Codes
    rides: NDArray[np.bool_]
    home: Codes
    work: Codes
    commute: Floats  # chance on a workday
    leaves: Floats  # hour of leaving for work
    weekly_place: Codes
    weekly_day: Codes
    weekly_hour: Floats


_MAINS: tuple[str, ...] = (
    "bakery",
    "breakfast bowls",
    "breakfast plates",
    "soups",
    "salads",
    "bowls",
    "sandwiches",
    "pizza",
)
_MAINS += ("pasta", "grill", "cakes", "coffee", "tea")
_SIDES = ("coffee", "tea", "cold drinks", "bar", "sides", "cakes")


def draw_habits(
    rng: np.random.Generator,
    n: int,
    days: int,
    dishes: Sequence[Item],
    popular: Floats,
    places: Sequence[Item],
    popular_places: Floats,
) -> Habits:
    """Habits of `n` customers over `days` days."""
    served = np.array([[not d.dayparts or part in d.dayparts for d in dishes] for part in DAYPARTS])
    main = np.array([d.category in _MAINS for d in dishes])
    light = np.array([d.category in ("coffee", "tea") for d in dishes])
    common = popular * served * main
    common[1] *= np.where(light, 0.05, 1)  # nobody has a coffee for lunch or for dinner
    common[3:] *= np.where(light, 0.05, 1)
    extra = popular * served * np.array([d.category in _SIDES for d in dishes])
    categories = np.unique([d.category for d in dishes], return_inverse=True)[1]
    likes = rng.gamma(0.6, 1.0, (n, int(np.max(categories)) + 1)) + 0.08
    taste = common[None] * likes[:, None, categories] * rng.gamma(2.0, 0.5, (n, 1, len(dishes)))
    before, after = _picked(rng, taste), _picked(rng, np.clip(taste, 1e-6, None) ** 0.5 * (common[None] > 0))
    joined, changed = _turning_points(rng, n, days)
    after = np.where((changed > 0)[:, None], after, before)
    return Habits(
        joined=joined,
        changed=changed,
        rate=_rates(rng, n),
        by_weekday=_weekdays(rng, n),
        hour_shift=rng.normal(0, 0.4, (n, len(DAYPARTS))),
        loyalty=rng.uniform(0.55, 0.85, n),
        usual=np.stack([before, after]),
        taste=taste,
        common=common,
        extra=extra,
        side=_picked(rng, np.broadcast_to(extra, (n, *extra.shape))),
        side_rate=rng.uniform(0.2, 0.8, n),
        pair_rate=np.where(rng.random(n) < 0.12, 0.6, 0.04),
        site=rng.integers(0, len(SITES), n, dtype=np.int32),
        **_routes(rng, n, places, popular_places),
    )


def _turning_points(rng: np.random.Generator, n: int, days: int) -> tuple[Codes, Codes]:
    """The first day and the day of the change of taste, -1 without one; a newcomer's taste never changes."""
    changed = np.where(rng.random(n) < 0.25, rng.integers(days * 4 // 10, days * 6 // 10 + 1, n), -1)
    joined = np.where(rng.random(n) < 0.14, rng.integers(max(days - 14, 0), max(days - 2, 1), n), 0)
    joined[:ALWAYS_HERE] = 0
    return joined.astype(np.int32), np.where(joined > 0, -1, changed).astype(np.int32)


def _rates(rng: np.random.Generator, n: int) -> Floats:
    """One to three dayparts each, 1.5 to 7 visits a week in all."""
    often = np.array([0.9, 1.0, 0.6, 0.6, 0.25])
    score = rng.random((n, 5)) * often
    keep = np.argsort(-score, axis=1)
    active = np.zeros((n, 5), bool)
    count = rng.choice([1, 2, 3], n, p=[0.4, 0.4, 0.2])
    for k in range(3):
        active[np.arange(n), keep[:, k]] |= count > k
    weekly = rng.gamma(3.0, 1.1, n).clip(1.5, 7.0)
    weekly[:ALWAYS_HERE] = weekly[:ALWAYS_HERE].clip(3.5)
    share = active * rng.uniform(0.4, 1.0, (n, 5))
    return np.asarray(np.minimum(share / share.sum(axis=1, keepdims=True) * weekly[:, None] / 7, 0.95))


def _weekdays(rng: np.random.Generator, n: int) -> Floats:
    """Workday people, weekend people, and those who do not care; the mean factor of each is 1."""
    kinds = np.array([[1.3, 1.3, 1.3, 1.3, 1.2, 0.3, 0.3], [0.7, 0.7, 0.7, 0.8, 1.1, 1.6, 1.4], [1.0] * 7])
    factor = kinds[rng.choice(3, n, p=[0.5, 0.2, 0.3])] * rng.uniform(0.7, 1.3, (n, 7))
    return factor / factor.mean(axis=1, keepdims=True)


def _picked(rng: np.random.Generator, weights: Floats) -> Codes:
    """One dish for each customer and daypart. `weights`: shape (n, 5, k)."""
    total = np.cumsum(weights, axis=2)
    at = rng.random(total.shape[:2]) * total[:, :, -1]
    return (total <= at[:, :, None]).sum(axis=2).clip(max=weights.shape[2] - 1).astype(np.int32)


def _routes(rng: np.random.Generator, n: int, places: Sequence[Item], popular: Floats) -> dict[str, Any]:
    """Where everybody lives and works, and where they go every week."""
    category = np.array([place.category for place in places])
    homes, offices = (
        np.flatnonzero(category == "residential"),
        np.flatnonzero(np.isin(category, ["office", "school"])),
    )
    weekly = np.flatnonzero(
        np.isin(category, ["gym", "cinema", "shopping", "restaurant", "park", "place of worship"])
    )
    chance = popular[weekly] / popular[weekly].sum()
    rides = rng.random(n) < 0.2
    rides[:RIDERS] = True
    return {
        "rides": rides,
        "home": rng.choice(homes, n).astype(np.int32),
        "work": rng.choice(offices, n).astype(np.int32),
        "commute": rng.choice([0.0, 0.25, 0.7], n, p=[0.3, 0.35, 0.35]),
        "leaves": rng.normal(8.0, 0.7, n).clip(6.2, 9.8),
        "weekly_place": rng.choice(weekly, n, p=chance).astype(np.int32),
        "weekly_day": rng.integers(0, 7, n, dtype=np.int32),
        "weekly_hour": np.round(rng.uniform(15, 20, n) * 2) / 2,
    }
