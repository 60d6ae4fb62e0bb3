"""Orders of Square as they are read: dishes, sizes, money, returns. Customers, cards, notes are not looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from doorway.dialects.menu import Modifier, TillLine
from recommender.times import aware, to_us

NO_DISHES = ("CUSTOM_AMOUNT", "GIFT_CARD")
"""Types of lines that are no dish of a menu."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Return:
    """What an order brings back of another one. Without lines only money went back: the dishes were eaten."""

    order_id: str
    lines: tuple[TillLine, ...]


@dataclass(frozen=True, slots=True)
class SquareOrder:
    """An order as Square has it now."""

    order_id: str
    location: str
    version: int
    cancelled: bool
    paid: bool
    completed: bool
    time_us: int
    lines: tuple[TillLine, ...]
    returns: tuple[Return, ...]


def read_order(order: Json, currency: str) -> SquareOrder:
    """Raises TimeWithoutZone, TypeError, KeyError, ValueError, AttributeError: it is no order of Square's."""
    state = str(order.get("state", ""))
    due = (order.get("net_amount_due_money") or {}).get("amount")
    return SquareOrder(
        order_id=str(order["id"]),
        location=str(order.get("location_id", "")),
        version=int(order.get("version") or 0),
        cancelled=state == "CANCELED",
        paid=state == "COMPLETED" or (state == "OPEN" and due == 0 and bool(order.get("tenders"))),
        completed=state == "COMPLETED",
        time_us=to_us(aware(str(order["created_at"]), "created_at")),
        lines=tuple(_lines(order.get("line_items") or (), currency, "gross_sales_money", "modifiers")),
        returns=tuple(
            Return(
                str(one["source_order_id"]),
                tuple(
                    _lines(one.get("return_line_items") or (), currency, "gross_return_money", "return_modifiers")
                ),
            )
            for one in order.get("returns") or ()
            if one.get("source_order_id")
        ),
    )


def _lines(rows: Iterable[Json], currency: str, gross: str, modifiers: str) -> Iterable[TillLine]:
    for row in rows:
        quantity = _pieces(row)
        if row.get("item_type", "ITEM") in NO_DISHES or not quantity:
            continue
        size = str(row.get("variation_name") or "")
        name = str(row.get("name") or "")
        full = name if size.lower() in ("", "regular", "default") else f"{name} ({size})"
        yield TillLine(
            (str(row.get("catalog_object_id") or ""), full, name),
            quantity,
            _gross(row, quantity, currency, gross, modifiers),
            [_modifier(one, quantity, currency) for one in _chosen(row, modifiers)],
        )


def _pieces(row: Json) -> int:
    """How many; what is weighed is one."""
    number = float(str(row.get("quantity") or "0"))
    if number <= 0:
        return 0
    return 1 if row.get("quantity_unit") else max(1, round(number))


def _gross(row: Json, quantity: int, currency: str, gross: str, modifiers: str) -> int | None:
    """All pieces with their modifiers, before discounts and taxes; None in another currency than the tenant's."""
    if gross in row:
        return _money(row[gross], currency)
    each = [_money(row.get("base_price_money"), currency)]
    each += [_modifier(one, 1, currency).price for one in _chosen(row, modifiers)]
    return None if None in each else sum(one or 0 for one in each) * quantity


def _chosen(row: Json, modifiers: str) -> list[Json]:
    """The modifiers that are on the plate: 0 of one is "no cheese"."""
    return [one for one in row.get(modifiers) or () if float(str(one.get("quantity") or "1")) > 0]


def _modifier(row: Json, quantity: int, currency: str) -> Modifier:
    called = (str(row.get("catalog_object_id") or ""), str(row.get("name") or ""))
    if row.get("total_price_money"):
        return Modifier(called, _money(row["total_price_money"], currency))
    each = _money(row.get("base_price_money") or {"amount": 0, "currency": currency}, currency)
    return Modifier(called, None if each is None else each * quantity)


def _money(given: Json | None, currency: str) -> int | None:
    """Square's amounts are minor units. Raises ValueError: it is no amount."""
    if not given or str(given.get("currency", currency)) != currency:
        return None
    amount = int(given["amount"])
    if not 0 <= amount <= 10**9:
        raise ValueError("an amount of an order lies between 0 and 10^9")
    return amount
