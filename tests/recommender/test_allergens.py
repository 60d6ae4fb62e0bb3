"""No dish passes as free of an allergen because of what stands between two names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recommender.allergens import compared, stated
from recommender.edge.goods import _item
from recommender.errors import RowProblem
from recommender.exchange.preview import report_lines
from recommender.exchange.reading import Reading
from recommender.exchange.rows import each_row
from recommender.library.catalogue import items_of
from recommender.orders.menu import Menu
from recommender.rules.plan import unknown_of
from recommender.scene import Context, Item
from recommender.store.catalogue import as_item, as_row
from tests.recommender.service_fixtures import World

TWO = ("gluten", "milk")
SEVERAL = {
    "gluten, milk": TWO,
    "gluten/milk": TWO,
    "gluten; milk": TWO,
    "gluten|milk": TWO,
    "gluten and milk": TWO,
    "gluten & milk": TWO,
    "gluten\nmilk": TWO,
    "小麦、牛乳": ("小麦", "牛乳"),
    "nuts (almond, hazelnut)": ("nuts", "almond", "hazelnut"),
    "Milk, milk": ("Milk",),
    "sulphur dioxide": ("sulphur dioxide",),
}


def _refused(problem: RowProblem) -> None:
    pytest.fail(str(problem))


@pytest.mark.parametrize(("cell", "names"), SEVERAL.items())
def test_a_cell_of_several_is_several(tmp_path: Path, cell: str, names: tuple[str, ...]) -> None:
    path = tmp_path / "menu.csv"
    path.write_text(f'item_id,name,price,allergens\na,A,100,"{cell}"\n')
    (row,) = [row for _, row in each_row(path, "items", _refused)]
    assert row["allergens"] == list(names)


@pytest.mark.parametrize("cell", ["", "-", "?", "n/a", "unknown", ",", "|"])
def test_a_cell_that_names_nothing_does_not_say_none(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "menu.csv"
    path.write_text(f'item_id,name,price,allergens\na,A,100,"{cell}"\nb,B,100,none\n')
    first, second = [row for _, row in each_row(path, "items", _refused)]
    assert (first.get("allergens"), second["allergens"]) == (None, [])


@pytest.mark.parametrize("asked", [("milk",), ("Milk ",), ("celery, milk",)])
def test_what_is_stored_as_one_name_is_found(asked: tuple[str, ...]) -> None:
    """In the store, in a box, in a notebook, and in a request that writes so itself."""
    item = Item("a", "A", price=100, allergens=("gluten, milk",))
    row = as_row("grill", "item", item)
    in_box = {"allergens": ["gluten, milk"], "allergens_known": True, "tags": [], "sites": [], "dayparts": []}
    box = {"item_id": "a", "name": "A", "category": "", "price": 1, "available": True, "sensitive": False}
    found = [as_item(row), _item(box | in_box | {"lat": None, "lon": None})]
    found += items_of([{"item_id": "a", "allergens": "gluten, milk"}])
    assert [one.allergens for one in found] == [TWO] * 3
    for one in (item, *found):
        removed = Menu.of([one], np.zeros(1, np.int64)).filters(Context(without_allergens=asked))
        assert any(name == "allergen" and flags.all() for name, flags in removed)


def test_letters_say_too_little() -> None:
    """Of "G, L" nobody knows whether it is milk; a visit that asks by letters is understood."""
    dish = Item("a", "A", allergens=("G, L",))
    assert unknown_of([dish], Context(without_allergens=("milk",))) == {"a"}
    assert not unknown_of([dish], Context(without_allergens=("g",)))
    assert not unknown_of([Item("b", "B", allergens=TWO)], Context(without_allergens=("celery",)))


def test_nothing_said_and_none_are_two_things() -> None:
    assert (stated(None), stated(()), stated(("",)), compared(None)) == (None, (), None, frozenset())


def test_the_api_takes_one_name_in_each_text(world: World) -> None:
    dish = {"item_id": "a", "name": "A", "price": 100}
    refused = world.call("PUT", "/items/a", key="desk", json=dish | {"allergens": ["gluten, milk"]})
    assert refused.status_code == 422
    assert "'gluten, milk' looks like several" in refused.json["fields"][0]["message"]
    assert world.call("PUT", "/items/a", key="desk", json=dish | {"allergens": [""]}).status_code == 422
    assert world.call("PUT", "/items/a", key="desk", json=dish | {"allergens": list(TWO)}).status_code == 200


def test_a_preview_names_every_allergen(tmp_path: Path) -> None:
    """So that a typo is seen. A slip, and another separator in other lists, are warnings."""
    path, reading = tmp_path / "menu.csv", Reading()
    path.write_text('item_id,name,price,allergens,tags\na,A,1,"mlk, gluten","hot, new"\nb,B,1,gluten,\nc,C,1,,\n')
    assert len(list(each_row(path, "items", _refused, None, reading))) == 3
    lines = list(report_lines(reading, "items", 3, whole=True))
    assert "Allergens: gluten (2), mlk (1). Nothing is stated of 1 of 3 items." in lines
    assert "Warning: the allergen 'mlk' (1) is none of the law's; 'milk' was meant?" in lines
    assert "Warning: tags are separated by |: 'hot, new' looks like two, and is taken as one." in lines
