"""The catalogue's own pictures at the kiosk: of the right size, kept for offline, drawn where missing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from plumbing.pictures.convert import made_small
from recommender.store.images import name_of
from tests import pictures
from tests.browser.conftest import OpenPage, in_state
from tests.browser.fake_server import Fake
from tests.browser.line import until

pytestmark = pytest.mark.browser

MISSING = "0" * 32 + "-800x600"


def give(fake: Fake, *dishes: str, width: int = 1000, height: int = 750) -> str:
    """Give dishes a picture, as the server makes it; its name."""
    files = made_small(pictures.encoded(".jpg", pictures.halves(width, height)))
    name = name_of("grill", files)
    fake.images |= {f"{name}/{wide}.webp": content for (wide, _), content in files}
    fake.dishes |= {dish: {"image": name} for dish in dishes}
    return name


def recognised(page: Page) -> None:
    page.click("#recognise")
    in_state(page, "suggest")


def loaded(page: Page, where: str) -> str:
    """The file that the browser chose, once it is there."""
    image = page.locator(where)
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("one => one.naturalWidth > 0")
    return str(image.evaluate("one => new URL(one.currentSrc).pathname"))


def test_a_dish_shows_its_picture_where_it_is_drawn_otherwise(kiosk: Callable[..., Page], fake: Fake) -> None:
    """The usual, its page and its line in the basket; lazily, with its size, and nothing for a screen reader."""
    name = give(fake, "dish-01")
    page = kiosk()
    recognised(page)
    image = page.locator("#usual img.photo")
    assert loaded(page, "#usual img.photo").startswith(f"/images/{name}/")
    told = {key: image.get_attribute(key) for key in ("alt", "loading", "decoding", "width", "height")}
    assert told == {"alt": "", "loading": "lazy", "decoding": "async", "width": "800", "height": "600"}
    assert image.get_attribute("srcset") == ", ".join(
        f"/images/{name}/{one}.webp {one}w" for one in (160, 400, 800)
    )
    assert image.get_attribute("sizes")
    expect(page.locator("#usual .tile svg")).to_have_count(0)
    expect(page.locator("#others-list .tile svg")).to_have_count(4)
    page.click("#usual button")
    page.click("#basket-open")
    loaded(page, "#basket-lines img.photo")


def test_a_small_screen_loads_a_small_file(kiosk: Callable[..., Page], fake: Fake) -> None:
    """A card is as wide as a thumb on a phone."""
    name = give(fake, *(f"dish-{k:02d}" for k in range(1, 17)))
    page = kiosk(size=(360, 640))
    page.click("#guest")
    page.click("#menu-open")
    in_state(page, "menu")
    card = ".card:has(img.photo) >> visible=true >> nth=0"
    assert loaded(page, f"{card} >> img.photo") == f"/images/{name}/160.webp"
    box = page.locator(f"{card} >> .tile").bounding_box()
    photo = page.locator(f"{card} >> img.photo").bounding_box()
    assert box == photo


def test_a_picture_that_is_missing_makes_room_for_the_drawing(kiosk: Callable[..., Page], fake: Fake) -> None:
    """Also what is no picture at all."""
    fake.dishes = {"dish-01": {"image": MISSING}, "dish-05": {"image": "javascript:alert(1)"}}
    page = kiosk()
    recognised(page)
    expect(page.locator("#usual .tile svg")).to_have_count(1)
    expect(page.locator("#others-list .tile svg")).to_have_count(4)
    expect(page.locator("img.photo >> visible=true")).to_have_count(0)


def test_pictures_are_there_without_a_line(fake: Fake, open_page: OpenPage) -> None:
    """The service worker keeps those that were shown."""
    name = give(fake, "dish-01")
    page = open_page(fake.address + "/kiosk", service_workers="allow")
    in_state(page, "attract")
    until(page, "navigator.serviceWorker.controller !== null")
    path = f"/images/{name}/400.webp"
    read = "path => fetch(path).then((one) => one.ok ? one.blob() : null).then((one) => one && one.size)"
    size = page.evaluate(read, path)
    assert size == len(fake.images[f"{name}/400.webp"])
    fake.images.clear()
    assert page.evaluate(read, path) == size
    assert page.evaluate(read, f"/images/{name}/800.webp") is None
    kept = page.evaluate("caches.open('usual-pictures').then((one) => one.keys()).then((all) => all.length)")
    assert kept == 1
