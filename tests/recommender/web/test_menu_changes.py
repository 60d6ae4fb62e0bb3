"""The menu changes while a screen shows it: the screen learns of it, and its order is taken all the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recommender.service_fixtures import Installation, World

SIZES = {
    "id": "size",
    "name": "Size",
    "choices": [{"id": "small", "name": "Small"}, {"id": "large", "name": "Large", "price": 60}],
}
EXTRAS = {
    "id": "extras",
    "name": "Extras",
    "choose": "many",
    "choices": [{"id": "bacon", "name": "B", "price": 150}],
}
BURGER: dict[str, Any] = {"item_id": "burger", "name": "Burger", "category": "grill", "price": 980}


def put(world: World, **changes: Any) -> None:
    assert world.call("PUT", "/items/burger", key="desk", json={**BURGER, **changes}).status_code == 200


def send(world: World, *items: Any, token: str | None = None, **changes: Any) -> Any:
    """The reply to a kiosk's order."""
    rows = [{"item_id": one} if isinstance(one, str) else one for one in items]
    event = {"event_id": "e1", "type": "ordered", "occurred_at": world.moment(), "items": rows} | changes
    return world.call("POST", "/events", token=token, json={"events": [event]})


def lines(world: World) -> list[tuple[Any, ...]]:
    """The lines that are stored: dish, price as shown, the catalogue's where it differed, choices."""
    rows = world.half.service.database.rows("SELECT item, price, listed, options FROM lines ORDER BY position")
    return [tuple(row) for row in rows]


def test_a_page_that_has_not_changed_is_not_sent_again(world: World) -> None:
    """Its tag is that of its content; a change of a price makes another one, and the answer has the new price."""
    put(world)
    first = world.call("GET", "/items")
    tag = first.headers["ETag"]
    again = world.call("GET", "/items", headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert world.call("GET", "/items?n=1", headers={"If-None-Match": tag}).status_code == 200
    put(world, price=1180)
    later = world.call("GET", "/items", headers={"If-None-Match": tag})
    assert later.status_code == 200
    assert next(row["price"] for row in later.json["rows"] if row["item_id"] == "burger") == 1180
    assert later.headers["ETag"] != tag


def test_suggestions_say_which_menu_they_are_of(world: World) -> None:
    """The same number as the pages', another after each change, with the price of now."""
    put(world)
    one = world.suggest().json
    assert one["generation"] == world.call("GET", "/items").json["generation"]
    assert world.suggest().json["generation"] == one["generation"]
    put(world, price=1180)
    two = world.suggest().json
    assert two["generation"] != one["generation"]
    assert two["generation"] == world.call("GET", "/items").json["generation"]
    assert [row["price"] for row in two["items"] if row["item_id"] == "burger"] == [1180]


def test_an_order_is_recorded_at_the_price_that_was_shown(world: World) -> None:
    """The difference is noted and named."""
    put(world, price=1180)
    reply = send(world, {"item_id": "burger", "price": 980}, {"item_id": "cola", "price": 300}).json
    assert reply["accepted"] == 1
    said = {"index": 0, "line": 0, "item_id": "burger", "code": "price_changed", "shown": 980, "price": 1180}
    assert reply["problems"] == [said]
    assert lines(world) == [("burger", 980, 1180, ""), ("cola", 300, None, "")]


def test_choices_are_kept_and_are_part_of_the_price(world: World) -> None:
    """The usual size where none is named; a choice that is gone is named, and the line is taken."""
    put(world, options=[SIZES, EXTRAS])
    right = [
        {"item_id": "burger", "price": 1190, "options": ["large", "bacon"]},
        {"item_id": "burger", "price": 980},
    ]
    assert "problems" not in send(world, *right).json
    assert lines(world) == [("burger", 1190, None, '["large", "bacon"]'), ("burger", 980, None, "")]
    wrong = send(world, {"item_id": "burger", "price": 1040, "options": ["large", "gold"]}, event_id="e2").json
    assert [one["code"] for one in wrong["problems"]] == ["option_gone"]
    assert wrong["accepted"] == 1


@pytest.mark.parametrize("token", [False, True])
def test_a_line_whose_dish_is_gone_is_named_and_the_rest_is_taken(world: World, token: bool) -> None:
    """Gone, sold out, not at this site: each by its name, of a guest and of a customer."""
    put(world, sites=["north"])
    own = world.token() if token else None
    reply = send(world, "pizza", "cola", "soup", "burger", site="north", token=own).json
    assert reply["accepted"] == 1
    found = [(one["line"], one["item_id"], one["code"]) for one in reply["problems"]]
    assert found == [(0, "pizza", "gone"), (2, "soup", "unavailable")]
    assert [line[0] for line in lines(world)] == ["cola", "burger"]


def test_an_order_that_is_sent_again_is_the_same_whatever_the_menu_has_by_then(world: World) -> None:
    """A screen that was cut off sends it twice; in between a dish went, and came back."""
    put(world)
    assert send(world, "burger", "cola").json["accepted"] == 1
    world.call("DELETE", "/items/burger", key="desk")
    assert send(world, "burger", "cola").json["duplicates"] == 1
    assert send(world, "burger", "cola", event_id="e2").json["accepted"] == 1
    put(world)
    assert send(world, "burger", "cola", event_id="e2").json["duplicates"] == 1
    assert send(world, "cola", event_id="e2").json["code"] == "event_conflict"
    assert [line[0] for line in lines(world)].count("burger") == 1


def test_an_order_of_nothing_that_is_left_says_so(world: World) -> None:
    """Sold out: 409 with the dishes; not in the catalogue: as before. Nothing is stored."""
    sold_out = send(world, "soup")
    assert (sold_out.status_code, sold_out.json["code"], sold_out.json["items"]) == (
        409,
        "item_unavailable",
        ["soup"],
    )
    assert send(world, "pizza", "soup").json["code"] == "unknown_item"
    assert lines(world) == []


def test_an_order_of_an_hour_ago_is_what_it_was(world: World) -> None:
    """A screen without a line took it while there was soup; a key that imports is asked nothing."""
    assert send(world, "soup", occurred_at=world.moment(minutes=-60)).json["accepted"] == 1
    imported = {"event_id": "b", "type": "ordered", "occurred_at": world.moment(), "items": [{"item_id": "soup"}]}
    assert world.call("POST", "/events", key="desk", json={"events": [imported]}).json["accepted"] == 1


def test_a_customer_sees_what_was_chosen(installation: Installation, tmp_path: Any) -> None:
    """What is held of a line is shown and exported: also its choices."""
    world = installation.open(tmp_path / "own")
    put(world, options=[SIZES, EXTRAS])
    line = {"item_id": "burger", "price": 1190, "options": ["large", "bacon"]}
    assert send(world, line, token=world.token()).json["accepted"] == 1
    (event,) = world.half.service.stores.own.of("grill", "ann")
    assert event.lines == (("burger", 1, 1190, ("large", "bacon")),)
    world.close()
