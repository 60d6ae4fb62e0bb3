"""Prices as tills and spreadsheets write them: `$1,234.50`, `3,80 €`, `(2.00)`, and in which unit they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_symbol

_SIGNS = re.compile(r"[^\d.,'()\-\u2212]")
_POINTED, _COMMAED = re.compile(r"\d\.\d{1,2}$"), re.compile(r"\d,\d{1,2}$")
_ALONE = re.compile(r"\D{0,5}[\d.,'\s\u2212-]*\D{0,5}")  # a sign or a code before or after it, nothing within
_NUMBER = re.compile(r"(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?")
_MOST_DIGITS = 24
"""More than any amount has; the library computes with 28."""
_SYMBOLS = "$€£¥₩₹₺₽₴₪₫฿"


class NotAnAmount(ValueError):
    """The message says what is wrong with it."""


def decimal_mark(cells: Iterable[str], delimiter: str) -> str:
    """What stands before the cents in these cells: "." or ",". Without cents what goes with the delimiter."""
    cells = [_SIGNS.sub("", cell) for cell in cells]
    commas = sum(bool(_COMMAED.search(cell)) for cell in cells)
    points = sum(bool(_POINTED.search(cell)) for cell in cells)
    if commas != points:
        return "," if commas > points else "."
    return "," if delimiter == ";" else "."


def minor_units(text: str, mark: str, digits: int, *, rounded: bool = False) -> int:
    """An amount in minor units: "3,80" is 380 where the mark is "," and the currency has 2 `digits`.

    `rounded`: the maker computes prices, with more decimals than the currency has.

    Raises:
        NotAnAmount: it is none, or has more decimals than the currency.
    """
    amount = number(text, mark) * 10**digits
    whole = amount.quantize(Decimal(1), ROUND_HALF_UP)
    if amount != whole and not rounded:
        raise NotAnAmount(f"{text!r} has more decimals than the currency, which has {digits}")
    return int(whole)


def number(text: str, mark: str = ".") -> Decimal:
    """A number with an optional sign of a currency, thousands apart or not; in brackets it is below 0.

    Raises:
        NotAnAmount: it is none, is longer than any, or its decimals stand behind the other mark.
    """
    group = "." if mark == "," else ","
    bare = _SIGNS.sub("", text).replace("\u2212", "-")
    negative = bare.startswith(("-", "(")) or bare.endswith("-")
    bare = bare.strip("-()")
    # by the point from here on, whatever stands before the decimals
    bare = bare.replace("'", group).translate(str.maketrans(group + mark, ",."))
    if not _ALONE.fullmatch(text) or not _NUMBER.fullmatch(bare) or not any(map(str.isdigit, bare)):
        raise NotAnAmount(f"{text!r} is not an amount such as {'3,80' if mark == ',' else '3.80'}")
    if sum(map(str.isdigit, bare)) > _MOST_DIGITS:
        raise NotAnAmount(f"{text[:40]!r} has more digits than an amount has")
    value = Decimal(bare.replace(",", ""))
    return -value if negative else value


def other_currency(cell: str, currency: str) -> str:
    """The sign of a currency in the cell that is not the tenant's; "" without one."""
    sign = next((letter for letter in cell if letter in _SYMBOLS), "")
    own = get_currency_symbol(currency, "en")
    return "" if not sign or sign in own or own in sign else sign
