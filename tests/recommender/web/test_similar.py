"""More like this: of the same kind, those first that the same people order; nothing that cannot be had here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from recommender.orders.menu import Menu
from recommender.orders.signals.neighbours import Neighbours
from recommender.orders.similar import similar
from recommender.rules.document import RulesDocument
from recommender.scene import Context, Item
from tests.recommender.service_fixtures import Installation, World

DISHES = (
    Item("burger", "Burger", "grill", 950, tags=("hot",)),
    Item("chips", "Chips", "sides", 420, tags=("hot", "vegan")),
    Item("cola", "Cola", "drinks", 300, tags=("cold",)),
    Item("steak", "Steak", "grill", 1900, tags=("hot",), sites=("north",)),
    Item("veggie", "Veggie burger", "grill", 990, tags=("hot", "vegan"), allergens=("soy",)),
)
MENU = Menu.of(DISHES, np.arange(len(DISHES)))


def customers(*baskets: str) -> Neighbours:
    """Reference customers, each with the dishes of a basket, by the first letters."""
    at = {item.item_id[0]: place for place, item in enumerate(DISHES)}
    at["h"] = 1
    cells = [(who, at[letter]) for who, basket in enumerate(baskets) for letter in basket]
    rows, columns = zip(*cells, strict=True)
    shape = (len(baskets), len(DISHES))
    table = sparse.csr_array((np.ones(len(cells), np.float32), (rows, columns)), shape=shape)
    none = np.zeros(0, np.float32)
    return Neighbours(sparse.csr_array(table.T), table, table, none, none, none)


def like(item: str, neighbours: Neighbours | None = None, least: int = 3, **context: Any) -> list[tuple[str, str]]:
    found = similar(
        MENU,
        neighbours,
        DISHES[MENU.at[item]],
        Context(**context),
        n=5,
        hidden={},
        least_people=least,
    )
    return [(one.item_id, one.reason) for one in found]


def test_without_a_model_the_catalogue_says_what_is_alike() -> None:
    """Category first, then tags and price; what has nothing in common is left out, and so is the dish itself."""
    assert like("burger") == [("steak", "same_kind"), ("veggie", "same_kind"), ("chips", "same_kind")]
    assert like("cola") == []


def test_those_first_that_the_same_people_order() -> None:
    """Enough people had both; what they drink with it is no dish like it."""
    both = customers(*["bvc"] * 3, "b", "s")
    assert like("burger", both) == [("veggie", "same_taste"), ("steak", "same_kind"), ("chips", "same_kind")]


def test_a_pair_that_few_people_had_says_nothing() -> None:
    """Many had each of the two dishes, and only two had both."""
    few = customers(*["bv"] * 2, *["b"] * 9, *["v"] * 9)
    assert like("burger", few) == like("burger")
    assert ("veggie", "same_taste") in like("burger", few, least=2)


@pytest.mark.parametrize(
    ("context", "gone"),
    [({"site": "south"}, "steak"), ({"without_allergens": ("Soy",)}, "veggie"), ({"basket": ("chips",)}, "chips")],
)
def test_what_cannot_be_had_here_is_not_shown(context: dict[str, Any], gone: str) -> None:
    """Not at this site, not without that allergen, not what is in the basket already."""
    assert gone in [one for one, _ in like("burger")]
    assert gone not in [one for one, _ in like("burger", **context)]


def test_the_route_needs_no_token_and_follows_the_rules(installation: Installation, tmp_path: Path) -> None:
    """Dishes of the menu with their prices of now; 404 for a dish that is gone; a hidden one is left out."""
    world: World = installation.open(tmp_path / "house")
    for item in ("veggie", "steak"):
        row = {"item_id": item, "name": item.title(), "category": "grill", "price": 990}
        assert world.call("PUT", f"/items/{item}", key="desk", json=row).status_code == 200
    reply = world.call("GET", "/items/burger/similar").json
    assert [row["item_id"] for row in reply["items"]] == ["steak", "veggie"]
    assert [row["price"] for row in reply["items"]] == [990, 990]
    assert (reply["model_version"], reply["generation"]) == (None, world.suggest().json["generation"])
    assert [row["item_id"] for row in world.call("GET", "/items/burger/similar?n=1").json["items"]] == ["steak"]
    assert world.call("GET", "/items/pizza/similar").status_code == 404
    rules = {"rules": [{"id": "a", "kind": "hide", "item": "steak"}]}
    world.half.service.stores.rules.publish("grill", RulesDocument.read(rules), "key:x", world.now_us())
    assert [row["item_id"] for row in world.call("GET", "/items/burger/similar").json["items"]] == ["veggie"]
    world.close()
