"""What differs between two JSON documents, as lines that a person reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

MOST_LINES = 200
MOST_LETTERS = 400

NAMES = ("name", "id", "scene", "offer_id", "item_id", "label")
"""Fields by which entries of a list are known again; without one, their place counts."""


def differences(earlier: Any, later: Any) -> list[dict[str, str | None]]:
    """One entry for each value that differs: `field` (such as "rows.orders.time"), `earlier`, `later`; None:
    absent. The first MOST_LINES of them."""
    before, after = dict(_leaves(earlier)), dict(_leaves(later))
    fields = [*before, *(name for name in after if name not in before)]
    changed = [name for name in fields if before.get(name) != after.get(name)]
    return [
        {"field": name, "earlier": _shown(before, name), "later": _shown(after, name)}
        for name in changed[:MOST_LINES]
    ]


def _shown(leaves: Mapping[str, Any], name: str) -> str | None:
    if name not in leaves:
        return None
    value = leaves[name]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, entry in value.items():
            yield from _leaves(entry, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value and any(isinstance(entry, Mapping | list) for entry in value):
        for place, entry in enumerate(value):
            yield from _leaves(entry, f"{path}.{_name(entry, place)}" if path else _name(entry, place))
    elif value not in (None, {}, []) or path:
        yield path, value


def _name(entry: Any, place: int) -> str:
    if isinstance(entry, Mapping):
        for name in NAMES:
            if isinstance(entry.get(name), str) and entry[name]:
                return str(entry[name])
    return str(place + 1)
