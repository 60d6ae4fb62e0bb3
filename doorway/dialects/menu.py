"""The dishes that a till names, and how what it calls modifiers are choices, dishes of their own, or words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recommender.exchange.reading import Menu
from recommender.item import Item
from recommender.scene import OrderLine


@dataclass(frozen=True, slots=True)
class Modifier:
    """What a till added to a dish; `price` in minor units for all pieces of the line, None: another currency."""

    called: Sequence[str]
    price: int | None = 0


@dataclass(frozen=True, slots=True)
class TillLine:
    """A line of a till's order; `price` in minor units for all pieces, with modifiers, before discounts."""

    called: Sequence[str]  # what the till calls the dish: its id ("" for none), then names
    quantity: int
    price: int | None
    modifiers: Sequence[Modifier] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """Lines of an order, and the till's ids of those that are in no catalogue; no text: it may name a guest."""

    lines: tuple[OrderLine, ...]
    unlisted: tuple[str, ...] = ()


class TillMenu:
    """The catalogue of a tenant, by what a till calls its dishes."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = {item.item_id: item for item in items}
        self._menu = Menu.of(self._items.values())

    def find(self, called: Sequence[str]) -> Item | None:
        """The dish; None: it is in no catalogue."""
        named = [one for one in called if one]
        return self._items.get(self._menu.id_of(named)) if named else None

    def read(self, given: Iterable[TillLine]) -> Read:
        """What can be recorded. A line that is not known never loses the others."""
        lines: list[OrderLine] = []
        unlisted: list[str] = []
        for line in given:
            dish = self.find(line.called)
            if dish is None:
                unlisted.append(line.called[0])
            lines += self._lines(line, dish)
        return Read(tuple(lines), tuple(unlisted))

    def _lines(self, line: TillLine, dish: Item | None) -> list[OrderLine]:
        """The dish with its choices, and dishes that the till sells as a part of it (a combo's cola)."""
        choices, parts = _choices(dish), []
        options: list[str] = []
        rest = line.price
        for one in line.modifiers:
            chosen = next((choices[name.casefold()] for name in one.called if name.casefold() in choices), None)
            own = None if chosen is not None else self.find(one.called)
            if chosen is not None:
                options.append(chosen)
            elif own is not None:
                parts.append(OrderLine(own.item_id, line.quantity, _each(one.price, line.quantity)))
                rest = None if rest is None or one.price is None else max(0, rest - one.price)
        if dish is None:
            return parts
        first = OrderLine(dish.item_id, line.quantity, _each(rest, line.quantity), tuple(dict.fromkeys(options)))
        return [first, *parts]


def _choices(dish: Item | None) -> Mapping[str, str]:
    """The ids of a dish's choices, by id and by name in small letters."""
    found: dict[str, str] = {}
    for group in dish.options if dish else ():
        for choice in group.choices:
            found.setdefault(choice.name.casefold(), choice.id)
    return found | {choice.casefold(): choice for choice in found.values()}


def _each(price: int | None, quantity: int) -> int | None:
    """Of one piece, half a unit rounded up."""
    return None if price is None else (2 * price + quantity) // (2 * quantity)
