"""What an offer gives, as data that a till can apply: a share off, an amount off, or something free. Pure.

Money is in minor units. Prices stay the same for everybody: a discount is taken off the bill.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PERCENT, AMOUNT, FREE_ITEM = "percent", "amount", "free_item"
DISCOUNTS = (PERCENT, AMOUNT, FREE_ITEM)
_MOST = 10**9


@dataclass(frozen=True, slots=True)
class Discount:
    """`value` is 1 to 100 of `percent`, minor units of `amount`, 0 of `free_item`, which names its `item`."""

    kind: str
    value: int = 0
    item: str = ""

    def as_text(self) -> str:
        """As one cell of a CSV: `percent:10`, `amount:250`, `free_item:dish-05`."""
        return f"{self.kind}:{self.item if self.kind == FREE_ITEM else self.value}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order: what, how many, and the price of one in minor units."""

    item: str
    quantity: int
    price: int


def parse_discount(given: Any) -> Discount | None:
    """A discount from JSON (`{kind, value, item}`) or from `Discount.as_text`; None for nothing.

    Raises:
        ValueError: says in a few words what is wrong.
    """
    if given in (None, "", {}):
        return None
    if isinstance(given, Discount):
        return given
    if isinstance(given, str):
        kind, _, rest = given.strip().partition(":")
        given = {"kind": kind, "item" if kind == FREE_ITEM else "value": rest}
    if not isinstance(given, Mapping) or (unknown := set(given) - {"kind", "value", "item"}):
        names = f", not {', '.join(sorted(map(str, unknown)))}" if isinstance(given, Mapping) else ""
        raise ValueError(f"must have kind, value and item{names}")
    kind = str(given.get("kind"))
    if kind not in DISCOUNTS:
        raise ValueError(f"must be of the kind {', '.join(DISCOUNTS[:-1])} or {DISCOUNTS[-1]}")
    if kind == FREE_ITEM:
        item = given.get("item")
        if not isinstance(item, str) or not 0 < len(item.strip()) <= 64:
            raise ValueError("must name the free item")
        return Discount(FREE_ITEM, item=item.strip())
    return Discount(kind, _value(kind, given.get("value")))


def _value(kind: str, given: Any) -> int:
    """Raises ValueError."""
    if isinstance(given, bool) or not re.fullmatch(r"\d{1,12}", str(given).strip()):
        raise ValueError("must have a value that is a whole number above 0")
    value, most = int(given), 100 if kind == PERCENT else _MOST
    if not 1 <= value <= most:
        raise ValueError(f"must have a value of at least 1 and at most {most}")
    return value


def applies_to(
    lines: Sequence[Line], items: Collection[str], categories: Collection[str], category_of: Mapping[str, str]
) -> list[Line]:
    """The lines that an offer for these items and categories is about; all when it names neither."""
    if not items and not categories:
        return list(lines)
    return [line for line in lines if line.item in items or category_of.get(line.item, "") in categories]


def total(lines: Sequence[Line]) -> int:
    """What these lines cost."""
    return sum(line.quantity * line.price for line in lines)


def reduction(discount: Discount, lines: Sequence[Line], prices: Mapping[str, int]) -> int:
    """What a till takes off for `lines`, those that the offer is about. Never more than they cost.

    Half a minor unit is rounded to the customer's advantage. A free item costs its present price.
    """
    if discount.kind == FREE_ITEM:
        return prices.get(discount.item, 0)
    whole = total(lines)
    if discount.kind == AMOUNT:
        return min(discount.value, whole)
    return (whole * discount.value + 50) // 100


def estimated_cost(
    discount: Discount | None, min_spend: int, prices: Mapping[str, int], about: Sequence[str]
) -> int:
    """About what one redemption costs, before the first one: for the budget, until the marketer says better.

    `about` are the items that the offer is for; `prices` are of the whole menu.
    """
    if discount is None:
        return 0
    if discount.kind == AMOUNT:
        return discount.value
    if discount.kind == FREE_ITEM:
        return prices.get(discount.item, 0)
    known = [prices[item] for item in about if item in prices] or list(prices.values())
    usual = sum(known) // len(known) if known else 0
    return max(usual, min_spend) * discount.value // 100
