"""The structure of a PNG file. Source: PNG (third edition), chapters 5 and 11."""

from __future__ import annotations

import struct
import zlib

from identity.errors import AnimatedImage, NotAnImage
from identity.frames.header import MOST_CHUNKS, Header, behind_padding, foreign_data, too_many_parts, truncated
from plumbing.pictures.orientation import orientation_of

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Kind of pixels -> bits of each of their numbers that PNG allows."""


def read_png(data: bytes) -> Header:
    """The header of a PNG file. Raises NotAnImage, TruncatedImage, AnimatedImage or SuspiciousImage."""
    parts = [PNG_SIGNATURE]
    at, size, count, pixels, turned = 8, None, 0, 0, 1
    while True:
        if at + 12 > len(data):
            raise truncated()
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if length > 0x7FFFFFFF or end > len(data):
            raise truncated()
        count += 1
        if count > MOST_CHUNKS:
            raise too_many_parts()
        if (kind == b"IHDR") != (size is None):
            raise NotAnImage("The PNG file has no proper header.")
        if kind in (b"acTL", b"fcTL", b"fdAT"):
            raise AnimatedImage("The file is an animation; send a single picture.")
        if kind == b"IHDR":
            if length != 13:
                raise NotAnImage("The PNG file has no proper header.")
            size = _png_size(data[at + 8 : at + 21])
        if kind in PNG_CHUNKS:
            if zlib.crc32(data[at + 4 : end - 4]) != struct.unpack_from(">I", data, end - 4)[0]:
                raise NotAnImage("The PNG file is damaged; send it again.")
            parts.append(data[at:end])
            pixels += length if kind == b"IDAT" else 0
        elif kind == b"eXIf":
            turned = orientation_of(data[at + 8 : end - 4])
        elif not kind[0] & 0x20:
            raise NotAnImage("The PNG file has a part that no PNG has.")
        at = end
        if kind == b"IEND":
            break
    if behind_padding(data, at) != len(data):
        raise foreign_data()
    if not pixels:
        raise truncated()
    assert size is not None
    return Header(size[0], size[1], b"".join(parts), turned)


def _png_size(header: bytes) -> tuple[int, int]:
    """(width, height) of a PNG header of 13 bytes."""
    width, height, depth, kind, packing, filters, passes = struct.unpack(">IIBBBBB", header)
    if depth not in PNG_DEPTHS.get(kind, ()) or packing or filters or passes > 1 or not width or not height:
        raise NotAnImage("The PNG file has no proper header.")
    return width, height
