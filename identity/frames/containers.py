"""The structure of JPEG, PNG and WebP files: size, number of pictures, whether complete, and no other content.

Each reader walks the structure of its format, so that a file is checked before any pixel is decoded, and returns
the file without the parts that do not belong to the picture. Sources: ITU-T T.81 annex B; PNG (third edition)
chapters 5 and 11; RFC 9649 (WebP).
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import NamedTuple

from identity.errors import AnimatedImage, NotAnImage, SuspiciousImage, TruncatedImage

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
MOST_CHUNKS = 4_000
MOST_SCANS = 24  # an ordinary progressive JPEG has 10
MOST_SCANNED = 60_000_000  # pixels of all scans together, as each scan is a pass over the whole picture
PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Kind of pixels -> bits of each of their numbers that PNG allows."""
NOT_FILL = re.compile(rb"[^\xff]")
END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
"""A marker that is neither a stuffed zero nor a restart."""


class Header(NamedTuple):
    """Width and height in pixels; `stripped` is the file without metadata."""

    width: int
    height: int
    stripped: bytes


def inspect(data: bytes) -> Header:
    """The header of a JPEG, PNG or WebP file.

    Raises NotAnImage, TruncatedImage, AnimatedImage or SuspiciousImage.
    """
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data)
    if data[:8] == PNG_SIGNATURE:
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    raise NotAnImage("The file is not a JPEG, PNG or WebP picture.")


def _truncated() -> TruncatedImage:
    return TruncatedImage("The picture ends too early; send it again.")


def _foreign_data() -> SuspiciousImage:
    return SuspiciousImage("Something other than the picture is in the file.")


def _png(data: bytes) -> Header:
    parts = [PNG_SIGNATURE]
    at, size, count, pixels = 8, None, 0, 0
    while True:
        if at + 12 > len(data):
            raise _truncated()
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if length > 0x7FFFFFFF or end > len(data):
            raise _truncated()
        count += 1
        if count > MOST_CHUNKS:
            raise SuspiciousImage("The picture consists of too many parts.")
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
        elif not kind[0] & 0x20:
            raise NotAnImage("The PNG file has a part that no PNG has.")
        at = end
        if kind == b"IEND":
            break
    if at != len(data):
        raise _foreign_data()
    if not pixels:
        raise _truncated()
    assert size is not None
    return Header(size[0], size[1], b"".join(parts))


def _png_size(header: bytes) -> tuple[int, int]:
    """(width, height) of a PNG header of 13 bytes."""
    width, height, depth, kind, packing, filters, passes = struct.unpack(">IIBBBBB", header)
    if depth not in PNG_DEPTHS.get(kind, ()) or packing or filters or passes > 1 or not width or not height:
        raise NotAnImage("The PNG file has no proper header.")
    return width, height


def _jpeg(data: bytes) -> Header:
    parts = [b"\xff\xd8"]
    at, size, scans, count = 2, None, 0, 0
    while True:
        count += 1
        if count > MOST_CHUNKS:
            raise SuspiciousImage("The picture consists of too many parts.")
        marker, at = _next_marker(data, at)
        if marker == 0xD9:
            break
        if at + 2 > len(data):
            raise _truncated()
        length = struct.unpack_from(">H", data, at)[0]
        end = at + length
        if length < 2 or end > len(data):
            raise _truncated()
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if size is not None or length < 11:
                raise SuspiciousImage("The JPEG file describes more than one picture.")
            size = _jpeg_size(marker, data[at + 2 : end])
        # The picture is made of tables, frame, scans, restart interval and Adobe's colour transform. Thumbnails,
        # positions, profiles and comments are dropped.
        picture = marker in (0xC4, 0xDB, 0xDD, 0xDA) or 0xC0 <= marker <= 0xC2
        if picture or (marker == 0xEE and data[at + 2 : at + 7] == b"Adobe"):
            parts.append(b"\xff" + bytes([marker]) + data[at:end])
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            raise NotAnImage("The JPEG file has a part that no camera writes.")
        at = end
        if marker == 0xDA:
            scans += 1
            if size is None:
                raise NotAnImage("The JPEG file has no proper header.")
            if scans > MOST_SCANS or 1 < scans > MOST_SCANNED / (size[0] * size[1]):
                raise SuspiciousImage("The JPEG file has too many scans.")
            end = _end_of_scan(data, at)
            parts.append(data[at:end])
            at = end
    if size is None or not scans:
        raise _truncated()
    if at != len(data):
        raise _foreign_data()
    parts.append(b"\xff\xd9")
    return Header(size[0], size[1], b"".join(parts))


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """The marker that starts at `at` (after fill bytes) and the position behind it."""
    if at >= len(data):
        raise _truncated()
    if data[at] != 0xFF:
        raise NotAnImage("The JPEG file is damaged; send it again.")
    behind = NOT_FILL.search(data, at)
    if behind is None:
        raise _truncated()
    at = behind.start()
    if data[at] == 0xD8:
        raise _foreign_data()
    return data[at], at + 1


def _end_of_scan(data: bytes, at: int) -> int:
    """Where entropy-coded data end."""
    end = END_OF_SCAN.search(data, at)
    if end is None:
        raise _truncated()
    return end.start()


def _jpeg_size(marker: int, segment: bytes) -> tuple[int, int]:
    """(width, height) of a frame header; only 8-bit baseline, extended and progressive, grey or three colours."""
    precision, height, width, components = struct.unpack_from(">BHHB", segment)
    if marker > 0xC2 or precision != 8 or components not in (1, 3) or not height or not width:
        raise NotAnImage("The JPEG file is of a kind that no camera writes.")
    return width, height


def _webp(data: bytes) -> Header:
    total = struct.unpack_from("<I", data, 4)[0] + 8
    if len(data) < max(total, 20):
        raise _truncated()
    if total % 2 or len(data) != total:
        raise _foreign_data()
    at, canvas, picture, count = 12, None, None, 0
    while at < total:
        if at + 8 > total:
            raise _truncated()
        kind, length = struct.unpack_from("<4sI", data, at)
        body, at = data[at + 8 : at + 8 + length], at + 8 + length + length % 2
        count += 1
        if at > total:
            raise _truncated()
        if count > MOST_CHUNKS:
            raise SuspiciousImage("The picture consists of too many parts.")
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and body[:1] and body[0] & 0x02):
            raise AnimatedImage("The file is an animation; send a single picture.")
        if kind == b"VP8X" and length >= 10:
            canvas = (int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1)
        elif kind in (b"VP8 ", b"VP8L"):
            if picture is not None:
                raise _foreign_data()
            picture = (_vp8_size(kind, body), struct.pack("<4sI", kind, length) + body + b"\0" * (length % 2))
    if picture is None:
        raise _truncated()
    size, chunk = picture
    if canvas is not None and canvas != size:
        raise SuspiciousImage("The WebP file names two different sizes.")
    return Header(*size, b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk)


def _vp8_size(kind: bytes, body: bytes) -> tuple[int, int]:
    """(width, height) of the coded picture itself, not of a canvas around it."""
    if kind == b"VP8 ":
        if len(body) < 10 or body[3:6] != b"\x9d\x01\x2a" or body[0] & 1:
            raise NotAnImage("The WebP file has no proper header.")
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if len(body) < 5 or body[0] != 0x2F:
        raise NotAnImage("The WebP file has no proper header.")
    bits = int.from_bytes(body[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
