"""The structure of a WebP file. Source: RFC 9649."""

from __future__ import annotations

import struct

from identity.errors import AnimatedImage, NotAnImage, SuspiciousImage
from identity.frames.header import MOST_CHUNKS, Header, behind_padding, foreign_data, too_many_parts, truncated
from plumbing.pictures.orientation import orientation_of


def read_webp(data: bytes) -> Header:
    """The header of a WebP file. Raises NotAnImage, TruncatedImage, AnimatedImage or SuspiciousImage."""
    total = struct.unpack_from("<I", data, 4)[0] + 8
    if len(data) < max(total, 20):
        raise truncated()
    if total % 2 or behind_padding(data, total) != len(data):
        raise foreign_data()
    at, canvas, picture, count, turned = 12, None, None, 0, 1
    while at < total:
        if at + 8 > total:
            raise truncated()
        kind, length = struct.unpack_from("<4sI", data, at)
        body, at = data[at + 8 : at + 8 + length], at + 8 + length + length % 2
        count += 1
        if at > total:
            raise truncated()
        if count > MOST_CHUNKS:
            raise too_many_parts()
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and body[:1] and body[0] & 0x02):
            raise AnimatedImage("The file is an animation; send a single picture.")
        if kind == b"VP8X" and length >= 10:
            canvas = (int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1)
        elif kind == b"EXIF":
            turned = orientation_of(body.removeprefix(b"Exif\0\0"))
        elif kind in (b"VP8 ", b"VP8L"):
            if picture is not None:
                raise foreign_data()
            picture = (_vp8_size(kind, body), struct.pack("<4sI", kind, length) + body + b"\0" * (length % 2))
    if picture is None:
        raise truncated()
    size, chunk = picture
    if canvas is not None and canvas != size:
        raise SuspiciousImage("The WebP file names two different sizes.")
    return Header(*size, b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk, turned)


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
