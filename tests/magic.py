"""Magic colours: they are in every frame of the suite and nowhere else. And the search for them in bytes.

Every frame that is sent carries OWN beside the customer's face, within what is cut out around it: the fakes'
(tests/identity/fakes.py), the journeys' (tests/journey.py), the demo's and the browser's film. Bystanders carry
BESIDE. Colours are blue, green, red. OWN comes through JPEG unchanged at the qualities that are used.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

BESIDE = (3, 141, 59)
OWN = (101, 173, 67)
RUN = 6  # pixels in a row that make a hit: 18 bytes, which chance does not give
PATCH = 32  # pixels each way: whole blocks of a JPEG lie in it, and half of it after one halving
NEAR = 12  # how far a colour may move in an encoded picture

# The first bytes of picture files. For JPEG: the whole first segment as OpenCV, Pillow and Chromium write it.
SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x10JFIF\0", b"WEBPVP8")
WEBP_HEAD = 8  # bytes before the signature: `RIFF` and a length
BASE64_PICTURE = re.compile(rb"(?:iVBORw0KGgo|[/_]9j[/_]4AAQSkZJRg|UklGR[\w+/-]{7}RUJQVlA4)[\w+/-]+")
BASE64_PARTS = (b"iVBORw0KGgo", b"9j/4AAQSkZJRg", b"9j_4AAQSkZJRg", b"RUJQVlA4")


def stamp(pixels: Pixels, left: int, top: int, size: int = PATCH) -> None:
    """Draw OWN into a frame, in place."""
    pixels[top : top + size, left : left + size] = OWN


def marked(draw: Callable[..., Pixels]) -> Callable[..., Pixels]:
    """`data.faces.people.draw_face` with OWN beside the face, on the grid of a JPEG's blocks."""

    def drawn(*args: Any, **kwargs: Any) -> Pixels:
        pixels = draw(*args, **kwargs).copy()
        stamp(pixels, 128, 240)
        return pixels

    return drawn


def _needles() -> tuple[bytes, ...]:
    found: list[bytes] = []
    for colour in (BESIDE, OWN):
        for order in (colour, colour[::-1], (*colour, 255), (*colour[::-1], 255)):  # BGR, RGB and with alpha
            raw = bytes(order) * RUN
            found += [raw, raw.hex().encode(), raw.hex().upper().encode()]
            for shift in range(3):  # base64 looks different at each of three offsets
                turned = (raw * 2)[shift : shift + len(raw)]
                found += [base64.b64encode(turned), base64.urlsafe_b64encode(turned)]
    return tuple(dict.fromkeys(found))


NEEDLES = _needles()
ZEROS = re.compile(rb"\0{64,}")


def thinned(content: bytes) -> bytes:
    """The bytes with one zero for each long run of zeros: most of a database is empty pages.

    What is searched for has no two zeros in a row, so it is in these bytes exactly when it is in the whole.
    """
    return ZEROS.sub(b"\0", content)


def has_pixels(content: bytes) -> bool:
    """Whether the bytes contain a row of a magic colour: raw, as hex or as base64."""
    thin = thinned(content)
    return any(needle in thin for needle in NEEDLES)


def pictures_in(content: bytes) -> Iterator[bytes]:
    """The bytes from the start of each encoded picture on, also inside other bytes or base64."""
    thin = thinned(content)
    if not any(sign in thin for sign in (*SIGNATURES, *BASE64_PARTS)):
        return
    for signature in SIGNATURES:
        at = content.find(signature)
        while at >= 0:
            yield content[max(0, at - WEBP_HEAD) if signature == b"WEBPVP8" else at :]
            at = content.find(signature, at + 1)
    if not any(part in content for part in BASE64_PARTS):  # faster than the expression
        return
    for match in BASE64_PICTURE.finditer(content):
        text = match.group().translate(bytes.maketrans(b"-_", b"+/"))
        try:
            yield base64.b64decode(text + b"=" * (-len(text) % 4))
        except binascii.Error:  # no base64 after all
            continue


def shows_magic(picture: bytes) -> bool:
    """Whether an encoded picture, once decoded, has a patch of a magic colour, or nearly."""
    try:
        pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:  # a bomb, refused by its header
        return False
    if pixels is None:
        return False
    for colour in (BESIDE, OWN):
        near = (cv2.absdiff(pixels, np.full_like(pixels, colour)).max(axis=2) <= NEAR).astype(np.uint8)
        if cv2.erode(near, np.ones((RUN, RUN), np.uint8), borderValue=0).any():
            return True
    return False
