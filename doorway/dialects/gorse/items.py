"""Items of Gorse as dishes, and dishes as items of Gorse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from doorway.dialects.gorse.schemas import GorseItem, ItemChange
from recommender.item import Item

NO_TIME = "0001-01-01T00:00:00Z"  # as Gorse writes none


def dish_of(one: GorseItem, there: Mapping[str, Item]) -> Item:
    """The dish; of one that is there what Gorse has no word for (price, allergens, sizes) stays."""
    earlier = there.get(one.ItemId, Item(one.ItemId, one.ItemId))
    categories = one.Categories or []
    return replace(
        earlier,
        item_id=one.ItemId,
        name=one.Comment or earlier.name,
        category=categories[0] if categories else "",
        tags=tuple(dict.fromkeys([*categories[1:], *(one.Labels or ())])),
        available=not one.IsHidden,
    )


def changed(dish: Item, change: ItemChange) -> Item:
    """The dish with what the change names."""
    if change.IsHidden is not None:
        dish = replace(dish, available=not change.IsHidden)
    if change.Categories is not None:
        dish = replace(dish, category=change.Categories[0] if change.Categories else "")
    if change.Labels is not None:
        dish = replace(dish, tags=tuple(dict.fromkeys(change.Labels)))
    return replace(dish, name=change.Comment) if change.Comment else dish


def as_gorse(dish: Item) -> dict[str, object]:
    """A dish as clients of Gorse read it."""
    return {
        "ItemId": dish.item_id,
        "IsHidden": not dish.available,
        "Categories": [dish.category] if dish.category else [],
        "Timestamp": NO_TIME,
        "Labels": list(dish.tags or ()),
        "Comment": dish.name,
    }
