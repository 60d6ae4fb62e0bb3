"""What a row of a file turned out to be, and the one place that decides what becomes of what was taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Row = dict[str, Any]
Kind = Literal["sold", "refunded", "voided"]

BACK = ".refund"
"""What the id of a refund ends with, where a file gives it none of its own."""

REASONS: Mapping[Kind, str] = {
    "refunded": "refunds: what a customer brought back is no order; the order itself stays",
    "voided": "voids: lines that were struck off before they were sold",
}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is understood and not stored; rows are counted by their `reason`."""

    reason: str


class WrongCell(ValueError):
    """A cell that cannot be read; the message does not name the column. Those that are `alike` have one cause."""

    def __init__(self, column: str, message: str, value: str = "", alike: str = "") -> None:
        super().__init__(message)
        self.column, self.value, self.alike = column, value, alike


def kept(row: Row, kind: Kind) -> Row | LeftOut:
    """The row of an order's line as it is stored, or why it is not.

    Args:
        row: a line of the kind "events", with quantity and price above 0. `event_id` names its order, also of what
            was taken back, so that a row that says so needs an id of its own.
        kind: whether it was sold, or taken back.
    """
    return row if kind == "sold" else LeftOut(REASONS[kind])


def refund(row: Row) -> Row:
    """The event that takes a line back from the order of the same id: all such rows of an order are one event.

    `row` is a line with quantity and price above 0.
    """
    order = row.get("event_id")
    return row | {"type": "refunded", "event_id": f"{order}{BACK}", "order_id": order}
