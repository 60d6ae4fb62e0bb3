"""A dish with its names, texts, picture and options: kept as it was sent, refused by name where it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recommender.service_fixtures import World

SIZES = {
    "id": "size",
    "name": "Size",
    "names": {"de": "Größe", "ja": "サイズ"},
    "choices": [{"id": "small", "name": "Small", "price": -50}, {"id": "large", "name": "Large", "price": 60}],
}
EXTRAS = {
    "id": "extras",
    "name": "Extras",
    "choose": "many",
    "choices": [{"id": "bacon", "name": "Bacon", "price": 150}, {"id": "none", "name": "No cheese", "price": -80}],
}
LATTE: dict[str, Any] = {
    "item_id": "latte",
    "name": "Latte",
    "price": 400,
    "names": {"DE-at": "Milchkaffee", "ja": "カフェラテ", "zh-hant-TW": "拿鐵"},
    "texts": {"en": "Espresso and steamed milk", "de": "Espresso mit heißer Milch"},
    "image": "https://pictures.example.com/latte.webp?w=800",
    "options": [SIZES, EXTRAS],
}


def put(world: World, **changes: Any) -> Any:
    """The reply to writing the dish with `changes`."""
    return world.call("PUT", "/items/latte", key="desk", json={**LATTE, **changes})


def test_a_dish_keeps_its_names_texts_picture_and_options(world: World) -> None:
    """Languages in their usual spelling; what was left out of an option is there with its usual value."""
    written = put(world, image="")
    assert written.status_code == 200
    read = world.call("GET", "/items/latte").json
    assert read == written.json
    assert read["names"] == {"de-AT": "Milchkaffee", "ja": "カフェラテ", "zh-Hant-TW": "拿鐵"}
    assert read["texts"] == {"de": "Espresso mit heißer Milch", "en": "Espresso and steamed milk"}
    assert [group["choose"] for group in read["options"]] == ["one", "many"]
    assert read["options"][0]["names"] == {"de": "Größe", "ja": "サイズ"}
    assert [choice["price"] for choice in read["options"][1]["choices"]] == [150, -80]
    assert next(row for row in world.call("GET", "/items").json["rows"] if row["item_id"] == "latte") == read
    assert put(world, **read).json == read


def group(n: int, choices: int = 1) -> dict[str, Any]:
    """A group of options with so many choices."""
    rows = [{"id": f"{n}-{k}", "name": "Choice"} for k in range(choices)]
    return {"id": f"group-{n}", "name": "Group", "choices": rows}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no language": ({"names": {"german": "Milchkaffee"}}, "'german' is no language code"),
    "a language with a gap": ({"texts": {"de AT": "Milch"}}, "is no language code"),
    "a language twice": ({"names": {"de": "Milchkaffee", "DE": "Latte"}}, "de is there twice"),
    "an empty name": ({"names": {"de": "  "}}, "at least 1 character"),
    "a long name": ({"names": {"de": "x" * 201}}, "at most 200 characters"),
    "a long text": ({"texts": {"de": "x" * 401}}, "at most 400 characters"),
    "a line break": ({"texts": {"de": "Milch\nKaffee"}}, "pattern"),
    "many languages": (
        {"names": {f"a{chr(97 + n % 26)}{chr(97 + n // 26)}": "x" for n in range(31)}},
        "at most 30",
    ),
    "no picture": ({"image": "latte.webp"}, "neither a picture"),
    "a picture in the open": ({"image": "http://pictures.example.com/latte.webp"}, "neither a picture"),
    "a picture with a person": ({"image": "https://ann@pictures.example.com/latte.webp"}, "neither a picture"),
    "a script for a picture": ({"image": "javascript:alert(1)"}, "neither a picture"),
    "a group without a choice": ({"options": [group(1, 0)]}, "at least 1 item"),
    "many choices": ({"options": [group(1, 21)]}, "at most 20 items"),
    "many groups": ({"options": [group(n) for n in range(9)]}, "at most 8 items"),
    "a group twice": ({"options": [SIZES, {**EXTRAS, "id": "size"}]}, "the group size is there twice"),
    "a choice twice": (
        {"options": [SIZES, {**EXTRAS, "choices": SIZES["choices"]}]},
        "the choice small is there twice",
    ),
    "half a cent": ({"options": [{**EXTRAS, "choices": [{"id": "a", "name": "A", "price": 0.5}]}]}, "integer"),
    "an unknown field": ({"options": [{**EXTRAS, "most": 2}]}, "there is no field"),
    "less than nothing": ({"price": 129}, "less than nothing"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_and_changes_nothing(world: World, case: str) -> None:
    """One by one as 422 with the field, in bulk with the row."""
    changes, says = WRONG[case]
    put(world, image="")
    before = world.call("GET", "/items/latte").json
    one = put(world, image="") if not changes else put(world, **{"image": "", **changes})
    many = world.call("POST", "/items", key="desk", json={"rows": [{**LATTE, "image": "", **changes}]})
    assert (one.status_code, one.json["code"]) == (422, "invalid_request")
    assert any(says in field["message"] for field in one.json["fields"])
    assert (many.status_code, many.json["code"]) == (422, "bad_rows")
    assert says in str(many.json)
    assert world.call("GET", "/items/latte").json == before


def test_the_cheapest_choices_may_bring_a_dish_to_nothing_and_no_further(world: World) -> None:
    """The cheapest of each group that takes one, and all that take something off."""
    assert put(world, image="", price=130).status_code == 200
    assert put(world, image="", price=129).status_code == 422
    dearer = [{**SIZES, "choices": [{"id": "only", "name": "Only", "price": 500}]}, EXTRAS]
    assert put(world, image="", price=0, options=dearer).status_code == 200


def test_a_place_has_names_and_no_options(world: World) -> None:
    """What is of dishes alone is refused for a place."""
    place = {"item_id": "pier", "name": "Pier", "lat": 52.5, "lon": 13.4, "names": {"de": "Seebrücke"}}
    assert world.call("PUT", "/places/pier", key="desk", json=place).json["names"] == {"de": "Seebrücke"}
    wrong = world.call("PUT", "/places/pier", key="desk", json=place | {"options": [SIZES]})
    assert (wrong.status_code, "options" in str(wrong.json["fields"])) == (422, True)
