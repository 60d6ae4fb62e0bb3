"""What a JPEG, PNG or WebP file says of itself: size, whether it moves, how it was turned. Nothing is decoded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from plumbing.pictures.errors import NoPicture, PictureAnimated, PictureDamaged
from plumbing.pictures.orientation import orientation_of

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's frames, without its tables
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))  # JPEG's markers without a length


@dataclass(frozen=True, slots=True)
class Head:
    """Width and height in pixels as they are stored, and EXIF's orientation (1 to 8)."""

    width: int
    height: int
    turned: int = 1


def head_of(content: bytes) -> Head:
    """Raises NoPicture, PictureAnimated, PictureDamaged: also when its end is missing."""
    try:
        if content.startswith(JPEG):
            head = _jpeg(content)
        elif content.startswith(PNG):
            head = _png(content)
        elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            head = _webp(content)
        else:
            raise NoPicture
    except IndexError as error:
        raise PictureDamaged from error
    if not (head.width and head.height):
        raise PictureDamaged
    return head


def _jpeg(content: bytes) -> Head:
    at, size, turned = 2, (0, 0), 1
    while True:
        if content[at] != 0xFF:
            raise PictureDamaged
        kind = content[at + 1]
        if kind == 0xFF or kind in _ALONE:
            at += 1 if kind == 0xFF else 2
            continue
        length = _number(content, at + 2, 2, "big")
        body = content[at + 4 : at + 2 + length]
        if kind in _SIZES:
            size = (_number(body, 3, 2, "big"), _number(body, 1, 2, "big"))
        elif kind == 0xE1 and body.startswith(b"Exif\0\0"):
            turned = orientation_of(body[6:])
        elif kind == 0xDA:
            break
        at += 2 + length
    if content.rfind(b"\xff\xd9") < at:
        raise PictureDamaged
    return Head(*size, turned)


def _png(content: bytes) -> Head:
    size, turned, ended = (0, 0), 1, False
    for kind, body in _png_chunks(content):
        if kind == b"IHDR":
            size = (_number(body, 0, 4, "big"), _number(body, 4, 4, "big"))
        elif kind == b"acTL":
            raise PictureAnimated
        elif kind == b"eXIf":
            turned = orientation_of(body)
        ended = kind == b"IEND"
    if not ended:
        raise PictureDamaged
    return Head(*size, turned)


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, kind = len(PNG), b""
    while at < len(content) and kind != b"IEND":
        end = at + 8 + _number(content, at, 4, "big")
        kind, body = content[at + 4 : at + 8], content[at + 8 : end]
        if zlib.crc32(kind + body) != _number(content, end, 4, "big"):
            raise PictureDamaged
        yield kind, body
        at = end + 4


def _webp(content: bytes) -> Head:
    whole = 8 + _number(content, 4, 4, "little")
    if len(content) < whole:
        raise PictureDamaged
    at, size, turned = 12, (0, 0), 1
    while at + 8 <= whole:
        kind, length = content[at : at + 4], _number(content, at + 4, 4, "little")
        body = content[at + 8 : at + 8 + length]
        if len(body) < length:
            raise PictureDamaged
        if kind in (b"ANIM", b"ANMF"):
            raise PictureAnimated
        if kind == b"VP8X":
            size = (1 + _number(body, 4, 3, "little"), 1 + _number(body, 7, 3, "little"))
        elif kind == b"VP8 " and not size[0]:
            size = (_number(body, 6, 2, "little") & 0x3FFF, _number(body, 8, 2, "little") & 0x3FFF)
        elif kind == b"VP8L" and not size[0]:
            bits = _number(body, 1, 4, "little")
            size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        elif kind == b"EXIF":
            turned = orientation_of(body.removeprefix(b"Exif\0\0"))
        at += 8 + length + length % 2
    return Head(*size, turned)


def _number(content: bytes, at: int, count: int, order: str) -> int:
    """Raises IndexError: the content ends before."""
    if at + count > len(content):
        raise IndexError(at)
    return int.from_bytes(content[at : at + count], "big" if order == "big" else "little")
