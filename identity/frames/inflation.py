"""How much a PNG file unpacks to: exactly the pixels that its header promises, or it is refused.

A header of 64 x 64 pixels says nothing about the data behind it: 2 MB of zeros packed well are 2 GB, and a decoder
unpacks them all. Here they are unpacked piece by piece, thrown away, and the first byte too many ends it. Source:
PNG (third edition), chapters 7 (scan lines), 8 (interlacing) and 10 (compression).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from identity.errors import NotAnImage, SuspiciousImage, TruncatedImage
from identity.frames.png import PNG_SIGNATURE

PIECE = 1 << 18  # bytes that are unpacked at once
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Kind of pixels -> numbers in each."""
PASSES = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
"""Adam7: first column, step, first row, step."""


def check_inflation(png: bytes) -> None:
    """Check that the data of a PNG file unpack to as much as its header says.

    `png` is what `containers.inspect` returned. Raises SuspiciousImage, TruncatedImage or NotAnImage.
    """
    wanted = unpacked_bytes(png)
    unpacker, count = zlib.decompressobj(), 0
    try:
        for body in _data(png):
            rest = body
            while rest and not unpacker.eof:
                count += len(unpacker.decompress(rest, PIECE))
                if count > wanted:
                    raise SuspiciousImage("The picture unpacks to more than its header says.")
                rest = unpacker.unconsumed_tail
            if unpacker.eof and (rest or unpacker.unused_data):
                raise SuspiciousImage("Something other than the picture is in the file.")
        while not unpacker.eof:  # what a full piece left inside
            piece = unpacker.decompress(unpacker.unconsumed_tail, PIECE)
            count += len(piece)
            if count > wanted:
                raise SuspiciousImage("The picture unpacks to more than its header says.")
            if not piece:
                break
    except zlib.error as error:
        raise NotAnImage("The PNG file is damaged; send it again.") from error
    if count < wanted or not unpacker.eof:
        raise TruncatedImage("The picture ends too early; send it again.")


def unpacked_bytes(png: bytes) -> int:
    """Bytes of all scan lines of a PNG file, each with the byte of its filter."""
    width, height, depth, kind, _, _, interlaced = struct.unpack_from(">IIBBBBB", png, 16)
    bits = depth * CHANNELS[kind]
    passes = PASSES if interlaced else ((0, 1, 0, 1),)
    total = 0
    for left, across, top, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


def _data(png: bytes) -> Iterator[bytes]:
    """The bodies of the chunks that hold the pixels."""
    at = len(PNG_SIGNATURE)
    while at < len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind == b"IDAT":
            yield png[at + 8 : at + 8 + length]
        at += 12 + length
