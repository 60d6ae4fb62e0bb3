"""More like this: dishes of the menu that are of the same kind, those first that the same people order.

Kind is said by the catalogue: category, tags, price. Taste is said by the reference customers of the published
model; a pair of dishes that fewer people had in common than may be shown says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.orders.menu import Menu
from recommender.orders.signals.neighbours import Neighbours
from recommender.scene import Context, Item

CATEGORY, TAGS, PRICE, TASTE = 1.0, 0.8, 0.2, 1.0
"""The weights of what makes two dishes alike; each part lies between 0 and 1."""

REASONS = ("same_taste", "same_kind")
"""The same people order it; the catalogue says that it is of the same kind."""

LEAST_KIND = 0.4
"""A dish of another category and without a common tag is not like this one, whoever orders both."""


@dataclass(frozen=True, slots=True)
class Similar:
    """A dish that is like another one."""

    item_id: str
    score: float
    reason: str  # one of REASONS


def similar(
    menu: Menu,
    neighbours: Neighbours | None,
    item: Item,
    context: Context,
    *,
    n: int,
    hidden: Mapping[str, str],
    least_people: int,
) -> list[Similar]:
    """At most `n` dishes like `item` that can be had in this context, the most alike first, ties by id.

    Args:
        neighbours: of the model whose codes the menu has; None: there is no model.
        hidden: ids of items that the house's rules leave out.
        least_people: so many reference customers must have had both dishes.
    """
    allowed, _ = menu.allowed(context, hidden=list(hidden))
    taste = np.zeros(len(menu.catalogue))
    if neighbours is not None and item.item_id in menu.at:
        taste = _taste(neighbours, int(menu.code[menu.at[item.item_id]]), menu.code, least_people)
    found: list[Similar] = []
    for row in np.flatnonzero(allowed).tolist():
        other = menu.catalogue[row]
        kind = _kind(item, other)
        if other.item_id != item.item_id and kind >= LEAST_KIND:
            score = kind + TASTE * float(taste[row])
            found.append(Similar(other.item_id, round(score, 6), REASONS[0] if taste[row] else REASONS[1]))
    return sorted(found, key=lambda one: (-one.score, one.item_id))[:n]


def _kind(one: Item, other: Item) -> float:
    same = CATEGORY * (bool(one.category) and one.category == other.category)
    both, either = set(one.tags) & set(other.tags), set(one.tags) | set(other.tags)
    tags = TAGS * len(both) / len(either) if either else 0.0
    if not same and not both:
        return 0.0
    prices = [price for price in (one.price, other.price) if price]
    near = PRICE * min(prices) / max(prices) if len(prices) == 2 else 0.0
    return same + tags + near


def _taste(neighbours: Neighbours, code: int, codes: NDArray[np.int64], least_people: int) -> NDArray[np.float64]:
    """(items,): the cosine of what the reference customers had of each dish and of the one with `code`."""
    table = neighbours.steep.tocsc()
    n = table.shape[1]
    if not 0 <= code < n:
        return np.zeros(len(codes))
    mine = table[:, [code]]
    together = np.asarray((table.T @ mine).todense(), np.float64).ravel()
    people = np.asarray(((table > 0).T.astype(np.int64) @ (mine > 0).astype(np.int64)).todense()).ravel()
    lengths = np.sqrt(np.asarray(table.multiply(table).sum(axis=0), np.float64)).ravel()
    cosine = together / np.maximum(lengths * lengths[code], 1e-12)
    cosine[people < least_people] = 0.0
    known = (codes >= 0) & (codes < n)
    return np.where(known, cosine[np.where(known, codes, 0)], 0.0)
