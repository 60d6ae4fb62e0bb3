"""A house's logo as it is kept: a data address of a small picture, looked into before it is believed."""

from __future__ import annotations

import base64
import binascii
import re
from html import unescape

MOST_BYTES = 32 * 1024
"""Of the file: it comes with the settings of every screen, and stays in the browser's store."""

MOST_PIXELS = 2048
"""Of one side of a PNG or WebP file."""

KINDS = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
_ADDRESS = re.compile(r"data:(image/(?:svg\+xml|png|webp));base64,([A-Za-z0-9+/]+={0,2})")
_NAMES = (
    "svg g defs title desc path rect circle ellipse line polyline polygon text tspan use symbol clipPath mask"
    " linearGradient radialGradient stop"
)
_DRAWN = frozenset(_NAMES.split())
"""The elements of a drawing. No script, no style sheet, no picture in it, nothing that moves, nothing foreign."""

_TOKEN = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z]+)(?P<attributes>(?:\s+[A-Za-z][\w:.-]*\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'))*)\s*(?P<empty>/?)>"
    r"|<\?xml\s[^<>?]*\?>|<!--(?:[^-]|-(?!-))*-->|[^<]+"
)
_ATTRIBUTE = re.compile(r"([A-Za-z][\w:.-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);)")
"""Less than XML allows, so that every reader of XML reads the same in it; nothing here is an XML reader."""


class LogoRefused(ValueError):
    """The file is no logo; the message says what is wrong with it, as the end of a sentence."""


def address_of(name: str, content: bytes) -> str:
    """The data address of a logo's file. Raises LogoRefused."""
    kind = next((kind for end, kind in KINDS.items() if name.lower().endswith(end)), None)
    if kind is None:
        raise LogoRefused("must be a file that ends in .svg, .png or .webp")
    address = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    check(address)
    return address


def check(address: str) -> None:
    """Raises LogoRefused: no such picture, too large, or a drawing with more than a drawing in it."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise LogoRefused("must be the data address (base64) of an SVG, PNG or WebP picture")
    if len(found[2]) > -(-MOST_BYTES // 3) * 4:
        raise LogoRefused(f"must have at most {MOST_BYTES // 1024} KiB")
    try:
        content = base64.b64decode(found[2], validate=True)
    except binascii.Error as error:
        raise LogoRefused("must be the data address (base64) of an SVG, PNG or WebP picture") from error
    {"image/svg+xml": _check_svg, "image/png": _check_png, "image/webp": _check_webp}[found[1]](content)


def _check_png(content: bytes) -> None:
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[12:16] != b"IHDR" or b"IEND" not in content[-12:]:
        raise LogoRefused("is no whole PNG picture")
    _check_sides(int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"))


def _check_webp(content: bytes) -> None:
    whole = content[:4] == b"RIFF" and content[8:12] == b"WEBP" and len(content) >= 30
    if not whole or int.from_bytes(content[4:8], "little") + 8 > len(content):
        raise LogoRefused("is no whole WebP picture")
    if content[12:16] == b"VP8X":
        _check_sides(*(int.from_bytes(content[at : at + 3], "little") + 1 for at in (24, 27)))
    elif content[12:16] == b"VP8L":
        bits = int.from_bytes(content[21:25], "little")
        _check_sides((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    else:
        _check_sides(*(int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (26, 28)))


def _check_sides(width: int, height: int) -> None:
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise LogoRefused(f"must be at most {MOST_PIXELS} pixels wide and high")


def _check_svg(content: bytes) -> None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LogoRefused("is no SVG drawing in UTF-8") from error
    within: list[str] = []
    at = elements = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or _REFERENCE.search(token[0]):
            raise LogoRefused("has something in it that is neither an element, a text nor a comment")
        at, name = token.end(), token["name"]
        if name is None:
            continue
        if token["close"]:
            if not within or within.pop() != name:
                raise LogoRefused("is no SVG drawing that can be read: its elements do not close")
            continue
        elements += 1
        if not within and (name != "svg" or elements > 1):
            raise LogoRefused("is no SVG drawing")
        _check_element(name, token["attributes"])
        if not token["empty"]:
            within.append(name)
    if within or not elements:
        raise LogoRefused("is no whole SVG drawing")


def _check_element(name: str, attributes: str) -> None:
    if name not in _DRAWN:
        raise LogoRefused(f"must not have <{name}> in it: only a drawing")
    for attribute, quoted, single in _ATTRIBUTE.findall(attributes):
        plain, value = attribute.rpartition(":")[2].lower(), unescape(quoted or single)
        if attribute.startswith("xmlns"):
            if value not in ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"):
                raise LogoRefused(f"must not have the vocabulary {value} in it: only a drawing")
            continue
        # A reference stays within the drawing; "url(" elsewhere, as in a style, would be fetched.
        outside = re.search(r"url\(\s*['\"]?(?!#)|@import|javascript:|\\", value, re.IGNORECASE)
        if plain.startswith("on") or outside or (plain == "href" and not value.startswith("#")):
            raise LogoRefused(f"must not have the attribute {plain} with something that runs or is fetched")
