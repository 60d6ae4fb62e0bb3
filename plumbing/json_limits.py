"""JSON from outside, within limits: depth, parts, whole numbers of 64 bits, text that UTF-8 can write."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import numpy as np
from flask.json.provider import DefaultJSONProvider

MOST_DEPTH = 32
MOST_WHOLE = 2**63 - 1
"""What a database column holds; a larger whole number is an error in every calculation with a fraction, too."""


class NotPlainJson(ValueError):
    """Text that is no JSON, or JSON that nobody sends in earnest."""


def parts_of(body: bytes) -> int:
    """How many members of objects and arrays a JSON text can have at most: cheap, and never too few."""
    octets = np.frombuffer(body, np.uint8)  # bytes.count takes four times as long
    return sum(int(np.count_nonzero(octets == sign)) for sign in b",{[")


def read(text: str | bytes, **options: Any) -> Any:
    """The value of a JSON text.

    Raises:
        NotPlainJson: no JSON in UTF-8, nested deeper than MOST_DEPTH, or with NaN, Infinity, a whole number beyond
            MOST_WHOLE or half a surrogate pair, which no file and no database could store.
    """
    try:
        plain = text if isinstance(text, str) else text.decode()
        value = json.loads(plain, parse_constant=_refuse, parse_int=_whole, **options)
        if "\\" in plain and ("\\ud" in plain or "\\uD" in plain):  # one character is found much faster than three
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise NotPlainJson("text that is no UTF-8") from None
    except RecursionError:
        raise NotPlainJson("nested too deeply") from None
    level, depth = [value], 0
    while level := [row for row in level if isinstance(row, dict | list)]:
        depth += 1
        if depth > MOST_DEPTH:
            raise NotPlainJson("nested too deeply")
        level = [one for row in level for one in (row.values() if isinstance(row, dict) else row)]
    return value


def _whole(digits: str) -> int:
    number = int(digits)
    if abs(number) > MOST_WHOLE:
        raise NotPlainJson("a whole number is too large")
    return number


def _refuse(name: str) -> NoReturn:
    raise NotPlainJson(f"{name} is no JSON")


class LimitedJSON(DefaultJSONProvider):
    """Flask's JSON with `read` for what comes in."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """See `read`."""
        return read(s, **kwargs)
