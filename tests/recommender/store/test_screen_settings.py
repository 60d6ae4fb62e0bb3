"""How the screens look: a brand that can be read, a logo that is only a drawing, one document for each tenant."""

from __future__ import annotations

import base64
import re
import struct
from pathlib import Path
from typing import Any

import pytest

import screens
from plumbing.contrast import AA, contrast, least_contrast, nearest
from plumbing.storage.state import State
from recommender.edge.goods import Goods
from recommender.store import open_database
from recommender.store.logo import MOST_BYTES, LogoRefused, address_of
from recommender.store.screen_settings import (
    GROUNDS,
    TYPEFACES,
    ScreenSettings,
    ScreenSettingsStore,
    WrongScreenSettings,
)
from tests.recommender.service_fixtures import World

PATH = "/desk/screen"
DRAWN = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'
PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 40, 20) + bytes(9) + b"\0\0\0\0IEND\xaeB`\x82"
WEBP = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\x27\0\0\x13\0\0"


def svg(inside: str) -> bytes:
    return DRAWN.format(inside).encode()


def test_saved_and_read(state: State) -> None:
    """Defaults without a document; each tenant has its own; a field of a newer release is passed over."""
    database = open_database(state)
    store = ScreenSettingsStore(database)
    assert store.get("grill") == ScreenSettings()
    own = ScreenSettings("Grill", address_of("logo.svg", svg('<path d="M0 0h9"/>')), "#005a9c", theme="dark")
    store.save("grill", own)
    assert (store.get("grill"), store.get("other")) == (own, ScreenSettings())
    with database.write() as connection:
        newer = '{"version": 9, "theme": "light", "smell": "coffee"}'
        connection.execute("UPDATE screen_settings SET document = ?", (newer,))
    assert store.get("grill") == ScreenSettings(theme="light")
    database.close()


WRONG: list[dict[str, Any]] = [
    {"name": "x" * 25},
    {"name": "two\nlines"},
    {"logo": "https://elsewhere.example/logo.svg"},
    {"accent": "red"},
    {"accent": "#ABCDEF"},
    {"second_dark": "#cccccc"},
    {"typeface": "Comic"},
    {"theme": "night"},
    {"idle_seconds": 5},
    {"idle_seconds": float("nan")},
    {"idle_seconds": True},
    {"call_staff": "yes"},
    {"unknown": 1},
]


@pytest.mark.parametrize("given", WRONG, ids=str)
def test_wrong_fields_are_named(given: dict[str, Any]) -> None:
    with pytest.raises(WrongScreenSettings) as caught:
        ScreenSettings.from_dict(given)
    assert [one["field"] for one in caught.value.extra["fields"]] == list(given)


@pytest.mark.parametrize("colour", ["#ffcc00", "#00a0ff", "#ff5a00", "#22cc88", "#ffffff", "#e30613", "#777777"])
@pytest.mark.parametrize(("theme", "field"), [("light", "accent"), ("light", "second"), ("dark", "accent_dark")])
def test_a_colour_that_fails_is_refused_with_the_nearest_that_passes(colour: str, theme: str, field: str) -> None:
    """What is named passes, one step nearer to the wish would not, and its hue is the wish's."""
    grounds = GROUNDS[theme][field.removesuffix("_dark")]
    given = {"accent": "#005a9c", field: colour}
    if least_contrast(colour, grounds) >= AA:
        assert getattr(ScreenSettings.from_dict(given), field) == colour
        return
    with pytest.raises(WrongScreenSettings) as caught:
        ScreenSettings.from_dict(given)
    (wrong,) = caught.value.extra["fields"]
    found = re.search(r"nearest colour that has it is (#[0-9a-f]{6})$", wrong["message"])
    assert wrong["field"] == field
    assert found
    assert least_contrast(found[1], grounds) >= AA
    assert least_contrast(found[1], grounds) < AA + 0.12  # only just: the nearest
    assert getattr(ScreenSettings.from_dict(given | {field: found[1]}), field) == found[1]


def test_contrast_is_counted_as_the_standard_counts_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    with pytest.raises(ValueError, match="no colour"):
        nearest("#808080", ["#000000", "#ffffff"], least=7)


def test_a_brand_has_colours_for_a_dark_screen_too() -> None:
    made = ScreenSettings(accent="#005a9c", second="#222222").colours
    for theme, named in made.items():
        for name, colour in named.items():
            assert colour
            assert least_contrast(colour, GROUNDS[theme][name]) >= AA
    assert made["light"] == {"accent": "#005a9c", "second": "#222222"}
    none = {"accent": None, "second": None}
    assert ScreenSettings().colours == {"light": none, "dark": none}


def test_the_grounds_are_those_of_the_screens() -> None:
    """What a brand's colours are checked against is what the style sheets paint."""
    css = (Path(screens.__file__).parent / "static" / "css" / "theme.css").read_text()
    dark = (Path(screens.__file__).parent / "static" / "css" / "dark.css").read_text()
    for sheet, theme in ((css, "light"), (dark, "dark")):
        painted = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", sheet))
        on = [painted["on-accent"], painted["paper"], painted["card"], painted["wash"]]
        assert GROUNDS[theme]["accent"] == tuple(on)
        assert GROUNDS[theme]["second"] == (painted["on-second"], painted["on-second-soft"])
        assert least_contrast(painted["accent"], GROUNDS[theme]["accent"]) >= AA
        assert least_contrast(painted["second"], GROUNDS[theme]["second"]) >= AA
    assert set(re.findall(r'data-typeface="(\w+)"', css)) | {"friendly"} == set(TYPEFACES)


def test_a_logo_is_a_small_picture() -> None:
    for name, content in (
        ("a.svg", svg('<!-- a --><g><circle r="4" fill="url(#g)"/></g>&amp;')),
        ("b.PNG", PNG),
        ("c.webp", WEBP),
    ):
        assert ScreenSettings.from_dict({"logo": address_of(name, content)}).logo


BAD_LOGOS = {
    "script": ("a.svg", svg("<script>alert(1)</script>")),
    "handler": ("a.svg", svg('<path onload="alert(1)"/>')),
    "foreign": ("a.svg", svg("<foreignObject/>")),
    "style": ("a.svg", svg("<style>*{}</style>")),
    "fetched": ("a.svg", svg('<use href="https://elsewhere.example/a.svg#b"/>')),
    "xlink": ("a.svg", svg('<use xmlns:x="http://www.w3.org/1999/xlink" x:href="data:image/svg+xml,"/>')),
    "url": ("a.svg", svg('<path fill="url(https://elsewhere.example/)"/>')),
    "entity": ("a.svg", b"<!DOCTYPE svg [<!ENTITY a 'b'>]>" + svg("<text>&a;</text>")),
    "sheet": ("a.svg", b"<?xml-stylesheet href='a.css'?>" + svg("")),
    "no svg": ("a.svg", b"<html xmlns='http://www.w3.org/1999/xhtml'/>"),
    "escaped": ("a.svg", svg('<path fill="url&#40;https://elsewhere.example/&#41;"/>')),
    "named": ("a.svg", svg("<text>&nbsp;</text>")),
    "data": ("a.svg", svg("<![CDATA[<script/>]]>")),
    "two": ("a.svg", svg("") + svg("")),
    "crossed": ("a.svg", svg("<g><path></g></path>")),
    "Latin": ("a.svg", svg("<text>\u00e9</text>").decode().encode("latin-1")),
    "vocabulary": ("a.svg", svg('<g xmlns="http://www.w3.org/1999/xhtml"/>')),
    "cut": ("a.svg", svg("<path/>")[:-8]),
    "empty": ("a.svg", b""),
    "other picture": ("a.png", svg("<path/>")),
    "half a PNG": ("a.png", PNG[:30]),
    "wide": ("a.png", PNG.replace(struct.pack(">I", 40), struct.pack(">I", 40_000))),
    "half a WebP": ("a.webp", WEBP[:20]),
    "kind": ("a.gif", b"GIF89a"),
    "large": ("a.svg", svg(f"<desc>{'x' * MOST_BYTES}</desc>")),
}


@pytest.mark.parametrize("case", BAD_LOGOS)
def test_what_is_more_than_a_picture_is_refused(case: str) -> None:
    with pytest.raises(LogoRefused):
        address_of(*BAD_LOGOS[case])
    name, content = BAD_LOGOS[case]
    kind = {"svg": "svg+xml"}.get(name[2:], name[2:])
    with pytest.raises(WrongScreenSettings, match="logo"):
        ScreenSettings.from_dict({"logo": f"data:image/{kind};base64,{base64.b64encode(content).decode()}"})


def test_a_screen_is_told_what_the_desk_has_set(still: World) -> None:
    """Money and languages are the house's; every change stands in the record of changes, without the logo."""
    sent = {"name": "Grill  & Co", "accent": "#005a9c", "theme": "dark", "idle_seconds": 30, "call_staff": False}
    read = still.call("GET", PATH, key="desk")
    saved: Any = still.client.put(
        f"/recommender/v1{PATH}",
        json=sent,
        headers={"X-API-Key": still.keys["desk"], "If-Match": read.headers["ETag"]},
    )
    assert (saved.status_code, saved.json["colours"]["light"]) == (200, {"accent": "#005a9c", "second": None})
    told: Any = still.client.get("/v1/screen", headers={"X-API-Key": still.keys["kiosk"]}).json
    assert told["brand"]["name"] == "Grill & Co"
    assert (told["currency"], told["digits"], told["languages"]) == ("EUR", 2, ["en", "de", "ja"])
    assert (told["theme"], told["idle_seconds"], told["call_staff"], told["sound"]) == ("dark", 30, False, False)
    late = still.client.put(
        f"/recommender/v1{PATH}",
        json={},
        headers={"X-API-Key": still.keys["desk"], "If-Match": read.headers["ETag"]},
    )
    wrong = still.call("PUT", PATH, key="desk", json={"accent": "#ffcc00"})
    assert (late.status_code, wrong.status_code) == (412, 422)
    assert still.call("PUT", PATH, key="kiosk", json={}).status_code == 403
    assert still.client.get("/v1/screen").status_code == 401


def test_a_store_box_shows_the_centres_brand_and_money(still: World) -> None:
    stores = still.half.service.stores
    goods = Goods(stores, still.half.config.home)
    before = goods.catalogue_stamp("grill")
    stores.screens.save("grill", ScreenSettings(name="Grill", theme="dark"))
    assert goods.catalogue_stamp("grill") > before
    said = goods.catalogue("grill")
    said["house"] = [{"currency": "JPY", "languages": ["ja", "en"], "sites": {"pier": {"timezone": "Asia/Tokyo"}}}]
    said["screens"][0]["smell"] = "coffee"  # of a newer centre
    goods.put_catalogue("box", said)
    assert stores.screens.get("box") == ScreenSettings(name="Grill", theme="dark")
    assert (stores.tenants.get("box").currency, stores.tenants.get("box").languages) == ("JPY", ("ja", "en"))
    assert stores.tenants.get("box").timezone_of("pier") == "Asia/Tokyo"
