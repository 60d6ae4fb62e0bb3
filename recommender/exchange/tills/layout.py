"""What a file of a maker looks like: by which columns it is known, and how a row of it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from recommender.exchange.reading import Reading
from recommender.exchange.understood import Kind, LeftOut, Row, WrongCell, kept

Cells = Mapping[str, str]  # by the plain name of the column; an empty cell is ""
Read = Callable[[Cells, Reading], Row | LeftOut]

LONGEST_NAME, LONGEST_WORD = 200, 64


@dataclass(frozen=True)
class Layout:
    """One kind of file of one maker. Its amounts have decimals."""

    name: str  # "Square's item library"
    what: str  # items | events
    needs: tuple[frozenset[str], ...]  # of each one column at least
    uses: Mapping[str, str]  # column -> what it becomes
    read: Read
    money: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    day_order: str = ""  # of dates that do not say it
    instead: str = ""  # a file of this kind holds nothing to import: what to export instead

    def fits(self, header: Iterable[str]) -> bool:
        """Whether a header is one of these."""
        there = set(header)
        return all(there & one for one in self.needs)


def needs(*columns: str) -> tuple[frozenset[str], ...]:
    """Columns that must be there; `a|b` is one of two."""
    return tuple(frozenset(one.split("|")) for one in columns)


def called(cells: Cells, columns: Sequence[str], reading: Reading) -> list[str]:
    """What a row calls its dish, in the order of `columns`, without what is empty. Raises WrongCell."""
    return [reading.id(one, cells[one]) for one in columns if cells.get(one)]


def first_of(cells: Cells, columns: Sequence[str]) -> str:
    """The first of these cells that is not empty; "" where all are."""
    return next((cells[one] for one in columns if cells.get(one)), "")


def short(text: str, most: int = LONGEST_WORD) -> str:
    """A text in one line, cut where it is longer than it may be."""
    return " ".join(text.split())[:most].strip()


def as_id(text: str) -> str:
    """A text as an id of the catalogue: what no address holds is replaced."""
    text = short(text).replace("/", "-")
    return "-" if text in (".", "..") else text


def item_row(
    reading: Reading,
    cells: Cells,
    ids: Sequence[str],
    name: tuple[str, str],
    price: tuple[str, str],
    category: str,
) -> Row | LeftOut:
    """A dish of a menu; `ids` are columns, `name` and `price` are a column and its text. Raises WrongCell."""
    column, amount = price
    if not name[1]:
        raise WrongCell(name[0], "is empty: a dish needs a name")
    if not any(map(str.isdigit, amount)):
        return LeftOut(f"without a fixed price ({amount or 'empty'}): it is asked for at the till")
    given = called(cells, ids, reading) or [name[1]]
    row: Row = {"item_id": as_id(given[0]), "name": short(name[1], LONGEST_NAME)}
    row["price"] = reading.price(column, amount, rounded=True)
    return row | ({"category": short(category)} if category else {})


def line_row(
    reading: Reading,
    *,
    kind: Kind,
    order: str,
    at: str,
    site: str,
    items: Sequence[str],
    quantity: tuple[str, str],
    amount: tuple[str, str],
) -> Row | LeftOut:
    """A line of an order; `quantity` and `amount` (of all of it) are the column and its text. Raises WrongCell."""
    if not any(items):
        raise WrongCell("item", "is empty: which dish was it?")
    n = reading.quantity(*quantity) if quantity[1] else 1
    if n == 0:
        return LeftOut("with a quantity of 0")
    row: Row = {
        "event_id": re.sub(r"[^!-~]", "_", order)[:LONGEST_WORD],
        "type": "ordered",
        "occurred_at": at,
        "item_id": as_id(reading.menu.id_of(items)),
        "quantity": abs(n),
    }
    if amount[1]:
        row["price"] = round(abs(reading.price(*amount, rounded=True)) / abs(n))
    if site:
        row["site"] = short(site)
    return kept(row, "refunded" if kind == "sold" and n < 0 else kind)
