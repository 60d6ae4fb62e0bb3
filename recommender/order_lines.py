"""Which lines of an order can be taken now, at which price: the menu may have changed since the screen read it.

An order is recorded at the prices that were shown. A line whose dish is gone or not to be had is left out and
named; so are choices that the dish does not have any more, and prices that differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from plumbing.clock import MINUTE
from recommender.errors import ItemUnavailable
from recommender.item import Item, price_with, usual_choices
from recommender.scene import TAKES_BACK, Event, OrderLine, Reduced

Code = Literal["gone", "unavailable", "option_gone", "price_changed"]

NOW_US = 10 * MINUTE
"""An earlier order was made while its dishes were to be had; one that a screen sends at once was not."""


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with one line of an order. Lines that are `gone` or `unavailable` were not recorded."""

    index: int  # of the event in its batch
    line: int  # in the event as it was sent
    item_id: str
    code: Code
    shown: int | None = None  # minor units of one, as the screen showed it
    price: int | None = None  # as the catalogue has it now


@dataclass(frozen=True, slots=True)
class Taken:
    """An event with the lines that can be taken, as it was sent, and what was wrong."""

    event: Event
    sent: Event
    problems: tuple[LineProblem, ...] = ()

    def of(self, customer: str) -> Event:
        """The event of a customer. Sent again it is the same, whatever the menu has by then."""
        mine = replace(self.event, customer=customer)
        if self.event.lines == self.sent.lines:
            return mine
        return replace(mine, sent_print=replace(self.sent, customer=customer).fingerprint())


def taken(index: int, event: Event, items: Mapping[str, Item], now_us: int) -> Taken:
    """An order as it can be taken; another event, and an order of which nothing is left, as it is.

    Raises:
        ItemUnavailable: none of its dishes is to be had.
    """
    if event.type != "ordered":
        return Taken(event, event)
    lines: list[OrderLine] = []
    problems: list[LineProblem] = []
    for place, line in enumerate(event.lines):
        found, wrong = _checked(line, items.get(line.item), event, now_us)
        problems += [replace(one, index=index, line=place) for one in wrong]
        lines += [found] if found else []
    if event.lines and not lines:
        if all(one.code == "unavailable" for one in problems):
            raise ItemUnavailable(index, [one.item_id for one in problems])
        return Taken(event, event)  # whoever checks it names what is not in the catalogue
    return Taken(replace(event, lines=tuple(lines)), event, tuple(problems))


def _checked(
    line: OrderLine, item: Item | None, event: Event, now_us: int
) -> tuple[OrderLine | None, Sequence[LineProblem]]:
    if item is None:
        return None, [_problem(line, "gone")]
    if event.time_us >= now_us - NOW_US and not _served(item, event.site):
        return None, [_problem(line, "unavailable")]
    there = {choice.id for group in item.options for choice in group.choices}
    kept = tuple(one for one in line.options if one in there)
    wrong = [] if kept == line.options else [_problem(line, "option_gone")]
    listed = price_with(item, usual_choices(item, kept))
    if line.price is None or listed is None or line.price == listed:
        return replace(line, options=kept), wrong
    differs = replace(_problem(line, "price_changed"), shown=line.price, price=listed)
    return replace(line, options=kept, listed=listed), [*wrong, differs]


def _problem(line: OrderLine, code: Code) -> LineProblem:
    return LineProblem(0, 0, line.item, code)


def _served(item: Item, site: str) -> bool:
    return item.available and (not site or not item.sites or site in item.sites)


def left_of(events: Sequence[Event], reduced: Sequence[Reduced]) -> list[Event]:
    """The events with what was taken back left out of them."""
    left = {order.key: order.lines for order in reduced}
    kept = (replace(event, lines=left.get(event.key, event.lines)) for event in events)
    return [event for event in kept if event.lines or event.key not in left]


def waiting_for_orders(events: Sequence[Event], reduced: Sequence[Reduced]) -> list[int]:
    """The places of events that take back an order which is not here, or which their sender may not take back."""
    there = {(order.sender, order.event_id) for order in reduced}
    return [
        place
        for place, event in enumerate(events)
        if event.type in TAKES_BACK and (event.order_sender or event.sender, event.order_id) not in there
    ]
