"""Items (dishes or places) from whatever describes them, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.allergens import stated
from recommender.item import options_of
from recommender.ranking.frames import Columns, DataFrame, columns_of
from recommender.scene import Item

Catalogue = Iterable[Item] | Iterable[Mapping[str, Any]] | Columns
"""Items, dictionaries of their fields, or columns: `item_id`, and what else `recommender.scene.Item` has."""

_FIELDS = tuple(field.name for field in fields(Item))
_LISTS = ("dayparts", "allergens", "tags", "sites")


def items_of(catalogue: Catalogue) -> tuple[Item, ...]:
    """The items of a catalogue, in its order. Columns or keys that an item does not have are left out.

    Raises:
        MissingColumns: columns without `item_id`.
        ValueError: a dictionary without `item_id`.
    """
    if isinstance(catalogue, Mapping | DataFrame):
        columns = columns_of(catalogue, ("item_id",))
        known = {name: columns[name].tolist() for name in _FIELDS if name in columns}
        n = len(known["item_id"])
        return tuple(_item({name: values[row] for name, values in known.items()}) for row in range(n))
    return tuple(one if isinstance(one, Item) else _item(one) for one in catalogue)


def _item(given: Mapping[str, Any]) -> Item:
    values = {name: given[name] for name in _FIELDS if name in given and not _is_empty(given[name])}
    if "item_id" not in values:
        raise ValueError(f"an item needs an item_id; found {sorted(map(str, given))}")
    values["item_id"] = str(values["item_id"])
    values |= {name: _list(values[name]) for name in _LISTS if name in values}
    values["allergens"] = stated(values.get("allergens"))
    if "options" in values:
        values["options"] = options_of(values["options"])
    return Item(**{"name": values["item_id"], **values})


def _list(given: str | Iterable[str]) -> tuple[str, ...]:
    """A text is a list whose parts are separated by |, as in a file."""
    return tuple(filter(None, map(str.strip, given.split("|")))) if isinstance(given, str) else tuple(given)


def _is_empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and np.isnan(value))


def items_named(ids: NDArray[np.str_]) -> tuple[Item, ...]:
    """Items of which nothing but the id is known."""
    return tuple(Item(name, name) for name in ids.tolist())


def to_json(items: Iterable[Item]) -> str:
    """The items as JSON, one object each."""
    return json.dumps([asdict(item) for item in items], sort_keys=True, ensure_ascii=False)


def from_json(text: str) -> tuple[Item, ...]:
    """The inverse of `to_json`."""
    return items_of(json.loads(text))
