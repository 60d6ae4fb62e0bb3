"""The catalogue as arrays: which items may be suggested now, and which filter removed the others."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.allergens import compared
from recommender.orders.factors import daypart
from recommender.ranking.dayparts import DAYPARTS
from recommender.scene import Context, Item

DAYPART_NAMES = tuple(name for _, name in DAYPARTS)


def item_features(item: Item) -> list[str]:
    """How factors know a new item: category, price band (two to a doubling), dayparts, tags."""
    features = [f"category:{item.category}"] if item.category else []
    if item.price is not None and math.isfinite(item.price) and item.price >= 0:
        features.append(f"price:{int(2 * math.log2(item.price / 100 + 1))}")
    features += [f"daypart:{part}" for part in item.dayparts]
    return features + [f"tag:{tag}" for tag in item.tags]


@dataclass(frozen=True, slots=True, eq=False)
class Menu:
    """The items of one catalogue, in its order; arrays of shape (items,)."""

    catalogue: tuple[Item, ...]
    code: NDArray[np.int64]  # into the model's vocabulary, new items behind it
    price: NDArray[np.float64]  # NaN unknown
    parts: NDArray[np.bool_]  # (items, 5) offered in that part of the day
    allergens: dict[str, NDArray[np.bool_]]
    sites: dict[str, NDArray[np.bool_]]  # offered there
    everywhere: NDArray[np.bool_]
    available: NDArray[np.bool_]
    at: dict[str, int]  # item id -> row
    row_of: dict[int, int]  # code -> row

    @classmethod
    def of(cls, catalogue: Sequence[Item], codes: NDArray[np.int64]) -> Menu:
        items = tuple(catalogue)
        stated = [compared(item.allergens) for item in items]
        allergens = sorted(frozenset().union(*stated))
        sites = sorted({name for item in items for name in item.sites})
        parts = [[not item.dayparts or part in item.dayparts for part in DAYPART_NAMES] for item in items]
        prices = [math.nan if item.price is None else float(item.price) for item in items]
        return cls(
            catalogue=items,
            code=codes,
            price=np.array(prices, np.float64),
            parts=_flags(parts).reshape(len(items), len(DAYPART_NAMES)),
            allergens={name: _flags([name in one for one in stated]) for name in allergens},
            sites={name: _flags([not item.sites or name in item.sites for item in items]) for name in sites},
            everywhere=_flags([not item.sites for item in items]),
            available=_flags([item.available for item in items]),
            at={item.item_id: row for row, item in reversed(list(enumerate(items)))},
            row_of={code: row for row, code in reversed(list(enumerate(codes.tolist())))},
        )

    def filters(self, context: Context) -> list[tuple[str, NDArray[np.bool_]]]:
        """Each filter's name and the items it removes, in the order in which they are named."""
        removed = [("unavailable", ~self.available)]
        if context.site:
            removed.append(("site", ~self.sites.get(context.site, self.everywhere)))
        if context.local_time is not None:
            part = int(daypart(context.local_time.hour))
            removed.append(("daypart", ~self.parts[:, part]))
        for name in sorted(compared(context.without_allergens)):
            if name in self.allergens:
                removed.append(("allergen", self.allergens[name]))
        if context.max_price is not None:  # an unknown price may lie outside the bounds
            removed.append(("price", ~(self.price <= context.max_price)))
        if context.min_price is not None:
            removed.append(("price", ~(self.price >= context.min_price)))
        if context.basket:
            in_basket = np.zeros(len(self.catalogue), np.bool_)
            in_basket[[self.at[name] for name in context.basket if name in self.at]] = True
            removed.append(("basket", in_basket))
        return removed

    def allowed(
        self, context: Context, known: NDArray[np.intp] | None = None, hidden: Collection[str] = ()
    ) -> tuple[NDArray[np.bool_], dict[str, str]]:
        """(rows that may be suggested, item id -> the filter that removed it).

        Args:
            known: rows the customer had before; they are removed where `context.repeat` is "avoid".
            hidden: ids of items that the house's rules remove.
        """
        allowed = np.ones(len(self.catalogue), np.bool_)
        excluded: dict[str, str] = {}
        filters = self.filters(context)
        if known is not None and context.repeat == "avoid":
            had = np.zeros(len(self.catalogue), np.bool_)
            had[known] = True
            filters.append(("repeat", had))
        if hidden:
            away = np.zeros(len(self.catalogue), np.bool_)
            away[[self.at[name] for name in hidden if name in self.at]] = True
            filters.append(("rule", away))
        for name, removed in filters:
            for row in np.flatnonzero(allowed & removed).tolist():
                excluded[self.catalogue[row].item_id] = name
            allowed &= ~removed
        return allowed, excluded


def _flags(values: Sequence[object]) -> NDArray[np.bool_]:
    return np.array(values, np.bool_)
