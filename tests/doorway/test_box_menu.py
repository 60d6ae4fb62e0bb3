"""What a store box shows: the centre's menu, rules, names and pictures."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from recommender.edge.goods import catalogue_of, catalogue_text
from recommender.rules.document import RulesDocument
from recommender.scene import Context
from recommender.service import SuggestRequest
from tests.doorway.worlds import TENANT, BoxWorld, CentreWorld

WEBP = ((160, 80), b"small"), ((400, 200), b"large")
"""The files of a picture: nothing looks into them."""


def test_the_rules_of_the_centre_hold_at_the_box(centre: CentreWorld, box: BoxWorld, ann: int) -> None:
    """They come with the catalogue, also when only they changed; what is unknown at the centre is unknown here."""
    box.tick()
    rules = {"rules": [{"id": "a", "kind": "hide", "item": "pie"}]}
    stores = centre.house.recommender.half.service.stores
    stores.rules.publish(TENANT, RulesDocument.read(rules), "key:x", centre.clock.now)
    box.tick()
    here = box.house.recommender.half.service
    assert [stored.content["rules"][0]["item"] for stored in here.stores.rules.history(TENANT)] == ["pie"]
    shown = here.suggest(SuggestRequest(TENANT, "", "orders", None, Context(), 5)).items
    assert [item["item_id"] for item in shown] == ["soup"]
    assert here.stores.catalogue.all(TENANT, "item") == stores.catalogue.all(TENANT, "item")


def test_an_older_centre_sends_no_names_by_language(centre: CentreWorld) -> None:
    """What it does not send is empty; the rest is what it sent. What the box has kept is read as well."""
    goods = centre.house.goods
    stores = centre.house.recommender.half.service.stores
    before = stores.catalogue.all(TENANT, "item")
    said = goods.catalogue(TENANT)
    older = {name: [dict(row) for row in rows] for name, rows in said.items()}
    for row in (*older["item"], *older["place"]):
        for name in ("names", "texts", "image", "options"):
            del row[name]
    goods.put_catalogue(TENANT, catalogue_of(catalogue_text(older)))
    bare = [replace(item, names={}, texts={}, image="", options=()) for item in before]
    assert list(stores.catalogue.all(TENANT, "item")) == bare
    goods.put_catalogue(TENANT, catalogue_of(catalogue_text(said)))
    assert stores.catalogue.all(TENANT, "item") == before


def test_pictures_of_dishes_come_to_the_box_and_go_with_the_dish(centre: CentreWorld, box: BoxWorld) -> None:
    """The same names and bytes, so that a screen finds them with the line cut; nothing is fetched twice."""
    dishes = centre.house.recommender.half.service.stores
    here = box.house.recommender.half.service.stores
    name = dishes.catalogue.set_image(TENANT, "pie", WEBP).image
    box.tick()
    assert here.catalogue.get(TENANT, "item", "pie").image == name
    assert [here.images.file(name, width) for width in ("160", "400")] == [b"small", b"large"]
    assert box.house.goods.missing_pictures(TENANT, centre.house.goods.pictures(TENANT)) == {}
    dishes.catalogue.set_image(TENANT, "pie", None)
    box.tick()
    assert here.images.widths(TENANT) == {}


def test_a_picture_that_is_not_the_one_of_its_name_is_not_kept(centre: CentreWorld, box: BoxWorld) -> None:
    """It was changed on its way, or is half there: the drawn dish is shown."""
    name = centre.house.recommender.half.service.stores.catalogue.set_image(TENANT, "pie", WEBP).image
    for files in ({160: b"small"}, {160: b"small", 400: b"other"}, {}):
        with pytest.raises(ValueError, match="not the files of the picture"):
            box.house.goods.keep_picture(TENANT, name, files)


def test_a_box_of_an_older_centre_shows_no_pictures(centre: CentreWorld, box: BoxWorld) -> None:
    """That centre says nothing of them, and everything else comes as before."""
    stores = centre.house.recommender.half.service.stores
    name = stores.catalogue.set_image(TENANT, "pie", [((160, 80), b"another")]).image
    bundle = centre.centre._bundle
    centre.centre._bundle = lambda *args: _without_pictures(bundle(*args))  # type: ignore[method-assign]
    box.tick()
    here = box.house.recommender.half.service.stores
    assert name not in here.images.widths(TENANT)
    assert [item.item_id for item in here.catalogue.all(TENANT, "item")] == ["pie", "soup"]


def _without_pictures(content: bytes) -> bytes:
    said = json.loads(content)
    del said["pictures"]
    return json.dumps(said).encode()
