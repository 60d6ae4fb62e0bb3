"""JSON from outside, within limits: depth, number of parts, and no numbers that JSON does not have."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flask.json.provider import DefaultJSONProvider

MOST_DEPTH = 32


class NotPlainJson(ValueError):
    """Text that is no JSON, or JSON that nobody sends in earnest."""


def parts_of(body: bytes) -> int:
    """How many members of objects and arrays a JSON text can have at most: cheap, and never too few."""
    return body.count(b",") + body.count(b"{") + body.count(b"[")


def read(text: str | bytes, **options: Any) -> Any:
    """The value of a JSON text.

    Raises:
        NotPlainJson: no JSON, nested deeper than MOST_DEPTH, or with NaN or Infinity.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, **options)
    except RecursionError:
        raise NotPlainJson("nested too deeply") from None
    level, depth = [value], 0
    while level := [row for row in level if isinstance(row, dict | list)]:
        depth += 1
        if depth > MOST_DEPTH:
            raise NotPlainJson("nested too deeply")
        level = [one for row in level for one in (row.values() if isinstance(row, dict) else row)]
    return value


def _refuse(name: str) -> NoReturn:
    raise NotPlainJson(f"{name} is no JSON")


class LimitedJSON(DefaultJSONProvider):
    """Flask's JSON with `read` for what comes in."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """See `read`."""
        return read(s, **kwargs)
