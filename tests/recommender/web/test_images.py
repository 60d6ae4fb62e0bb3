"""Pictures of dishes: sent, made small, served for good, gone with the last dish that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plumbing.settings import Config, WrongSetting
from recommender.config import RecommenderConfig
from recommender.errors import ImageHostUnknown
from recommender.exchange.files import import_file
from tests import pictures
from tests.recommender.service_fixtures import Installation, World
from tests.traces import DISHES


@pytest.fixture
def world(installation: Installation, tmp_path: Path) -> Iterator[World]:
    """In a folder in which pictures are no trace of a person."""
    made = installation.open(tmp_path / DISHES)
    yield made
    made.close()


def put(world: World, content: bytes, item: str = "burger", key: str = "desk") -> Any:
    """The reply to sending a picture."""
    return world.call("PUT", f"/items/{item}/image", key=key, data=content, content_type="image/jpeg")


def test_a_picture_that_is_sent_is_served_for_good(world: World) -> None:
    """In each width, as WebP, to everybody, without a cookie; the same picture has the same name."""
    written = put(world, pictures.encoded(".jpg"))
    assert written.status_code == 200
    name = written.json["image"]
    assert name.endswith("-600x300")
    assert world.call("GET", "/items/burger").json["image"] == name
    for width in (160, 400, 600):
        reply = world.client.get(f"/images/{name}/{width}.webp")
        assert (reply.status_code, reply.mimetype) == (200, "image/webp")
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in reply.headers
        assert pictures.decoded(reply.data).shape[1] == width
        again = world.client.get(f"/images/{name}/{width}.webp", headers={"If-None-Match": reply.headers["ETag"]})
        assert again.status_code == 304
    assert put(world, pictures.encoded(".jpg"), "cola").json["image"] == name
    assert world.count("images") == 3


def test_nothing_else_is_served_there(world: World) -> None:
    """No other width, no other name, nothing of the disk."""
    name = put(world, pictures.encoded(".png")).json["image"]
    for path in (
        *(f"{name}/800.webp", f"{name}/0160.webp", f"{name}/-1.webp", f"{name}/160.png", f"{name}/160", name),
        *(
            "../recommender.db",
            "..%2F..%2Frecommender.db/160.webp",
            "%2e%2e/recommender.key",
            f"{name[:-1]}/160.webp",
        ),
        *("0" * 32 + "-600x300/160.webp", f"{name}%00/160.webp", f"{name}/160.webp%00", f"{name}/١٦٠.webp"),
    ):
        assert world.client.get(f"/images/{path}").status_code == 404, path


def test_a_picture_goes_with_the_last_dish_that_shows_it(world: World) -> None:
    for item in ("burger", "cola"):
        put(world, pictures.encoded(".png"), item)
    name = world.call("GET", "/items/cola").json["image"]
    assert world.call("DELETE", "/items/burger/image", key="desk").json["image"] == ""
    assert world.client.get(f"/images/{name}/160.webp").status_code == 200
    assert world.call("DELETE", "/items/cola", key="desk").status_code == 204
    assert world.client.get(f"/images/{name}/160.webp").status_code == 404
    put(world, pictures.encoded(".png"))
    put(world, pictures.encoded(".png", pictures.halves(500, 500)))
    assert world.count("images") == 3
    bare = {key: value for key, value in world.call("GET", "/items/burger").json.items() if key != "image"}
    assert world.call("POST", "/items", key="desk", json={"rows": [bare]}).status_code == 200
    assert world.count("images") == 0


def test_two_houses_do_not_share_a_picture(world: World) -> None:
    """Who has the same file does not learn from its name who else shows it, nor takes it away from others."""
    row = {"item_id": "burger", "name": "Burger", "price": 900}
    assert world.call("PUT", "/items/burger", key="stranger", json=row).status_code == 200
    ours, theirs = (put(world, pictures.encoded(".png"), key=key).json["image"] for key in ("desk", "stranger"))
    assert ours != theirs
    world.call("DELETE", "/items/burger/image", key="stranger")
    assert world.client.get(f"/images/{ours}/160.webp").status_code == 200
    assert world.client.get(f"/images/{theirs}/160.webp").status_code == 404
    assert [image.name for image in world.half.service.stores.images.all("grill")] == [ours]


WRONG = {
    "no picture": (b"burger", 422, "no_picture"),
    "damaged": (pictures.encoded(".jpg")[:-400], 422, "picture_damaged"),
    "moving": (pictures.animated_webp(), 422, "picture_animated"),
    "many pixels": (pictures.of_size(20_000, 5_000), 422, "too_many_pixels"),
    "too large": (bytes(20 * 2**20 + 1), 413, "body_too_large"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_picture_is_refused_and_the_one_before_stays(world: World, case: str) -> None:
    content, status, code = WRONG[case]
    before = put(world, pictures.encoded(".png")).json
    refused = put(world, content)
    assert (refused.status_code, refused.json["code"]) == (status, code)
    assert len(refused.json["detail"]) > 20
    assert world.call("GET", "/items/burger").json == before


def test_a_picture_needs_a_dish_and_the_right_key(world: World) -> None:
    assert put(world, pictures.encoded(".png"), "waffle").json["code"] == "not_found"
    assert put(world, pictures.encoded(".png"), key="kiosk").json["code"] == "scope_missing"
    assert world.call("DELETE", "/items/waffle/image", key="desk").json["code"] == "not_found"
    assert world.count("images") == 0


def test_a_change_of_a_picture_stands_in_the_record(world: World) -> None:
    """Its name, and nothing of its content."""
    name = put(world, pictures.encoded(".png")).json["image"]
    rows = [str([*row]) for row in world.door.rows("SELECT * FROM changes")]
    assert [row for row in rows if name in row and "item burger" in row]
    assert not [row for row in rows if "RIFF" in row]


def test_a_picture_elsewhere_is_taken_from_named_hosts_alone(installation: Installation, tmp_path: Path) -> None:
    """One by one, in bulk and from a file; a host with a port or a dot more is another one."""
    world = installation.open(tmp_path / "state", image_hosts=("img.example.com",))
    row = {"item_id": "latte", "name": "Latte", "price": 400}
    good = row | {"image": "https://img.example.com/latte.webp?w=800"}
    assert world.call("PUT", "/items/latte", key="desk", json=good).status_code == 200
    for place in ("example.com", "img.example.com.evil.test", "img.example.com:8443", "IMG.example.org"):
        wrong = row | {"image": f"https://{place}/latte.webp"}
        one = world.call("PUT", "/items/latte", key="desk", json=wrong)
        many = world.call("POST", "/items", key="desk", json={"rows": [wrong]})
        assert {(reply.status_code, reply.json["code"]) for reply in (one, many)} == {(422, "image_host_unknown")}
    file = tmp_path / "items.csv"
    file.write_text("item_id,name,price,image\nlatte,Latte,400,https://evil.test/x.webp\n")
    service = world.half.service
    with pytest.raises(ImageHostUnknown):
        import_file(service, service.stores, "items", file, "grill", world.time_us)
    assert world.call("GET", "/items/latte").json["image"] == good["image"]
    world.close()


def test_hosts_of_pictures_are_names_of_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else gets into the policy of a page."""
    for wrong in (
        "*",
        "https://img.example.com",
        "img.example.com; script-src *",
        "a b.example",
        "localhost",
        "*.a.com",
    ):
        monkeypatch.setenv("USUAL_IMAGE_HOSTS", wrong)
        with pytest.raises(WrongSetting, match="USUAL_IMAGE_HOSTS"):
            Config.from_environment()
    monkeypatch.setenv("USUAL_IMAGE_HOSTS", "img.example.com, CDN.example.org")
    assert RecommenderConfig.of(Config.from_environment()).image_hosts == ("img.example.com", "cdn.example.org")
