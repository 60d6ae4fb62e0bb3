"""Ids that changed, and what left the catalogue: histories stay readable, and count as one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from recommender.cli import merging
from recommender.errors import CannotMerge, ItemMerged, NotInCatalogue
from recommender.exchange.files import export_rows, import_file, write_rows
from recommender.scene import Event, Item, OrderLine
from recommender.store.event_parts import EventParts
from recommender.store.former_items import renamed
from tests.recommender.service_fixtures import NOON, World


def ride(event_id: str, place: str, customer: str = "ann") -> Event:
    return Event(
        event_id, "rode", "destinations", customer, NOON, 12.0, 0, (OrderLine(place),), origin="home", sender="cab"
    )


def test_a_place_under_a_new_id_keeps_the_riders_habit(world: World) -> None:
    """History, what is popular, trainings at once and in parts: old rides count for the new id, and back again."""
    stores = world.half.service.stores
    stores.events.record("grill", [ride("r1", "work"), ride("r2", "home")], NOON)
    stores.catalogue.put("grill", "place", [Item("hq", "Mill Lane 1", lat=52.5, lon=13.45)])
    world.half.service.caches.menu("grill", "place")
    stores.catalogue.merge("grill", "place", "work", "hq")
    read = stores.events
    assert read.history("grill", "ann", "rode", 9).items.tolist() == ["home", "hq"]
    assert read.latest("grill", "rode", 9, least_people=1).items.tolist() == ["home", "hq"]
    parts = EventParts(stores.database, "grill", "rode", renamed(stores.database, "grill", "rode"))
    assert [part.items.tolist() for part in parts.of_customers(9)] == [["home", "hq"]]
    assert read.everything("grill", "rode").items.tolist() == ["home", "hq"]
    stores.catalogue.unmerge("grill", "place", "work")
    assert read.history("grill", "ann", "rode", 9).items.tolist() == ["home", "work"]
    assert stores.catalogue.get("grill", "place", "work").name == "Mill Lane 1"


def test_the_old_id_keeps_answering(world: World) -> None:
    """Over the API: read, ordered and suggested as the new one; not written again while it is merged."""
    merged = world.call("PUT", "/former-items/cola", key="desk", json={"merged_into": "burger"})
    assert merged.json == {"item_id": "cola", "name": "Cola", "merged_into": "burger"}
    assert world.call("GET", "/items/cola").json["item_id"] == "burger"
    token = world.token()
    assert world.order("cola", token=token).status_code == 201
    best = world.suggest(token=token).json["items"][0]
    assert (best["item_id"], best["reason"]["code"]) == ("burger", "usual")
    again = world.call("PUT", "/items/cola", key="desk", json={"item_id": "cola", "name": "Cola", "price": 3})
    assert (again.status_code, again.json["code"]) == (409, "item_merged")
    assert world.call("DELETE", "/former-items/cola", key="desk").status_code == 204
    assert world.call("GET", "/items/cola").json["name"] == "Cola"
    assert world.call("GET", "/former-items").json == {"rows": []}


def test_what_cannot_be_merged(world: World) -> None:
    """Into nothing, into itself, an id that nobody knows; and a device may merge nothing."""
    catalogue = world.half.service.stores.catalogue
    with pytest.raises(NotInCatalogue):
        catalogue.merge("grill", "item", "cola", "pizza")
    for old in ("cola", "collla"):
        with pytest.raises(CannotMerge):
            catalogue.merge("grill", "item", old, "cola")
    with pytest.raises(NotInCatalogue):
        catalogue.unmerge("grill", "item", "cola")
    assert world.call("PUT", "/former-items/cola", json={"merged_into": "burger"}).status_code == 403


def test_a_chain_of_merges_ends_at_the_present_id(world: World) -> None:
    """Merged twice; the middle one cannot be written any more either."""
    catalogue = world.half.service.stores.catalogue
    catalogue.merge("grill", "item", "cola", "salad")
    catalogue.merge("grill", "item", "salad", "burger")
    assert catalogue.merged("grill", "item") == {"cola": "burger", "salad": "burger"}
    with pytest.raises(ItemMerged):
        catalogue.put("grill", "item", [Item("salad", "Salad")])
    assert catalogue.merged("mill", "item") == {}


def test_two_ids_in_one_order_are_one_dish(world: World) -> None:
    """Their quantities add up."""
    stores = world.half.service.stores
    lines = (OrderLine("cola", 1), OrderLine("burger", 2))
    stores.events.record("grill", [Event("o1", "ordered", "orders", "ann", NOON, 12.0, 0, lines)], NOON)
    stores.catalogue.merge("grill", "item", "cola", "burger")
    seen = stores.events.history("grill", "ann", "ordered", 9)
    assert (seen.items.tolist(), seen.quantity.tolist()) == (["burger"], [3.0])


def test_a_deleted_dish_keeps_its_name_and_its_orders_import_again(world: World, tmp_path: Path) -> None:
    """In the customer's own data; in our own exports of events and offers, into the same house."""
    service = world.half.service
    world.order("cola", token=world.token())
    for item in ("cola", "burger"):  # the offer names the burger
        world.call("DELETE", f"/items/{item}", key="desk")
    names: dict[str, Any] = {one.item_id: one.name for one in service.stores.catalogue.former("grill", "item")}
    assert names == {"cola": "Cola", "burger": "Burger"}
    for what in ("events", "offers"):
        path = tmp_path / f"{what}.jsonl"
        with path.open("w") as out:
            write_rows(export_rows(service.stores, what, "grill"), what, out, as_csv=False)
        assert import_file(service, service.stores, what, path, "grill", world.time_us) in (0, 1)
    assert world.order("cola", event_id="e2").status_code == 422  # what is ordered now is on the menu
    world.call("POST", "/items", key="desk", json={"rows": [{"item_id": "cola", "name": "Cola", "price": 1}]})
    assert [one.item_id for one in service.stores.catalogue.former("grill", "item")] == ["burger"]


def test_the_commands_merge_and_take_it_back(world: World) -> None:
    """One sentence each; a wrong id is one sentence too."""
    home = ["--home", str(world.home), "--tenant", "grill"]

    def said(command: click.Command, *words: str) -> str:
        return CliRunner().invoke(command, [*home, *words]).output.splitlines()[-1]

    assert said(merging.merge_places, "work", "home").startswith("work counts as home now")
    assert said(merging.former_places) == "work  Mill Lane 1  counts as home"
    assert said(merging.former_items) == "grill has none."
    assert said(merging.unmerge_places, "work") == "work does not count as home any more."
    assert "nowhere" in said(merging.merge_places, "work", "nowhere")
