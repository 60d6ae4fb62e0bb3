"""Pictures of dishes for tests: half red, half blue, so that one sees how they were turned."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def halves(width: int = 600, height: int = 300) -> Pixels:
    """Red on the left, blue on the right."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2, 2], picture[:, width // 2 :, 0] = 255, 255
    return picture


def encoded(kind: str, picture: Pixels | None = None) -> bytes:
    """As `.jpg`, `.png` or `.webp`."""
    content: bytes = cv2.imencode(kind, halves() if picture is None else picture)[1].tobytes()
    return content


def decoded(content: bytes) -> Pixels:
    """With its fourth channel, if it has one."""
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


def exif(turned: int) -> bytes:
    """What a camera writes: how it was held, and who has it."""
    words = b"CAMERA-OF-ANN\0\0\0"
    rows = struct.pack("<HHIHH", 0x0112, 3, 1, turned, 0) + struct.pack("<HHII", 0x010F, 2, len(words), 38)
    return b"II*\0" + struct.pack("<IH", 8, 2) + rows + struct.pack("<I", 0) + words


def with_exif(content: bytes, turned: int) -> bytes:
    """The same JPEG or PNG picture with what a camera writes into it."""
    if content.startswith(b"\xff\xd8"):
        body = b"Exif\0\0" + exif(turned)
        return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]
    return with_chunk(content, b"eXIf", exif(turned))


def with_chunk(png: bytes, kind: bytes, body: bytes) -> bytes:
    """The PNG with another chunk after its head."""
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return png[:33] + chunk + png[33:]


def of_size(width: int, height: int) -> bytes:
    """A PNG that says it is so large; nobody has decoded it yet."""
    png = encoded(".png")
    head = struct.pack(">II", width, height) + png[24:29]
    return png[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + png[33:]


def animated_webp() -> bytes:
    """Two frames in one file."""
    frame = encoded(".webp")[12:]
    size = struct.pack("<I", 599)[:3] + struct.pack("<I", 299)[:3]
    head = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size
    moves = b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    one = b"ANMF" + struct.pack("<I", 16 + len(frame)) + bytes(6) + size + b"\x64\0\0\0" + frame
    body = b"WEBP" + head + moves + one * 2
    return b"RIFF" + struct.pack("<I", len(body)) + body
