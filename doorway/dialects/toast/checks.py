"""Checks of Toast as they are read: dishes, modifiers, money. Guests, staff, cards and tabs are not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from doorway.dialects.menu import Modifier, TillLine, TillMenu
from recommender.offers.discount import Line
from recommender.scene import OrderLine
from recommender.times import aware, to_us

Json = Mapping[str, Any]
MOST = 10**9


@dataclass(frozen=True, slots=True)
class Selected:
    """A selection of a check that is a dish: its GUID there, which dish, how many, and minor units for all."""

    guid: str
    item: str
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class Check:
    """A check. `paid_us` is when it was paid; None: it is open."""

    guid: str
    lines: tuple[OrderLine, ...]
    selected: tuple[Selected, ...]
    unlisted: int
    paid_us: int | None

    @property
    def priced(self) -> list[Line]:
        """What the terms of an offer are compared with."""
        return [Line(line.item, line.quantity, line.price or 0) for line in self.lines]


def read_check(check: Json, menu: TillMenu, digits: int) -> Check:
    """`digits` are the decimals of the tenant's currency.

    Raises TypeError, KeyError, ValueError, AttributeError, ArithmeticError: it is no check of Toast's.
    """
    lines: list[OrderLine] = []
    selected: list[Selected] = []
    unlisted = 0
    gone = check.get("voided") or check.get("deleted")
    for row in () if gone else check.get("selections") or ():
        if row.get("voided") or row.get("deferred"):
            continue  # struck off, or a gift card
        line = _line(row, digits)
        if line is None:
            continue
        read, dish = menu.read([line]), menu.find(line.called)
        lines += read.lines
        unlisted += len(read.unlisted)
        if dish is not None:
            selected.append(Selected(str(row.get("guid") or ""), dish.item_id, line.quantity, line.price or 0))
    return Check(str(check["guid"])[:64], tuple(lines), tuple(selected), unlisted, _paid(check))


def minor(amount: object, digits: int) -> int:
    """An amount of Toast's, which has decimals, in minor units. Raises ValueError, ArithmeticError."""
    found = round(Decimal(str(amount)).scaleb(digits))
    if not 0 <= found <= MOST:
        raise ValueError("an amount of a check lies between 0 and 10^9 minor units")
    return int(found)


def major(amount: int, digits: int) -> float:
    """The inverse of `minor`, as a number of JSON."""
    return float(Decimal(amount).scaleb(-digits))


def _line(row: Json, digits: int) -> TillLine | None:
    """The price before discounts has the prices of the modifiers in it."""
    number = Decimal(str(row.get("quantity") or 0))
    if number <= 0:
        return None
    weighed = row.get("unitOfMeasure") not in (None, "NONE", "")
    quantity = 1 if weighed else max(1, round(number))
    price = row["preDiscountPrice"] if row.get("preDiscountPrice") is not None else row.get("price")
    return TillLine(_called(row), quantity, minor(price or 0, digits), tuple(_modifiers(row, digits)))


def _modifiers(row: Json, digits: int) -> Iterable[Modifier]:
    for one in row.get("modifiers") or ():
        if not one.get("voided"):
            price = one["preDiscountPrice"] if one.get("preDiscountPrice") is not None else one.get("price")
            yield Modifier(_called(one), minor(price or 0, digits))
            yield from _modifiers(one, digits)


def _called(row: Json) -> Sequence[str]:
    """The item's GUID, its other ids, and its name."""
    item = row.get("item") or {}
    ids = (str(item.get(name) or "") for name in ("guid", "multiLocationId", "externalId"))
    return [*ids, str(row.get("displayName") or "")]


def _paid(check: Json) -> int | None:
    found = check.get("paidDate") or check.get("closedDate")
    return to_us(aware(str(found), "paidDate")) if found else None
