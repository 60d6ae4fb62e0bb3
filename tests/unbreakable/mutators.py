"""Changes bytes as an attacker would: blindly, by splicing, and by the rules of the format."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import CodeType

from bench.measure import ROOT

INTERESTING = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
)
LONGEST = 1_900_000


class Coverage:
    """How many lines of the product ran. Each is reported once and costs nothing afterwards (`sys.monitoring`); an
    older Python reports nothing, and then the inputs are not guided."""

    TOOL = 4

    def __init__(self) -> None:
        self.lines = 0
        self._monitoring = getattr(sys, "monitoring", None)
        self._places = tuple(str(ROOT / half) for half in ("identity", "recommender", "plumbing"))

    def __enter__(self) -> Coverage:
        if self._monitoring is not None:
            self._monitoring.use_tool_id(self.TOOL, "mutations")
            self._monitoring.register_callback(self.TOOL, self._monitoring.events.LINE, self._ran)
            self._monitoring.set_events(self.TOOL, self._monitoring.events.LINE)
        return self

    def __exit__(self, *_: object) -> None:
        if self._monitoring is not None:
            self._monitoring.set_events(self.TOOL, 0)
            self._monitoring.free_tool_id(self.TOOL)

    def _ran(self, code: CodeType, line: int) -> object:
        self.lines += code.co_filename.startswith(self._places)
        assert self._monitoring is not None
        return self._monitoring.DISABLE


def changed(rng: Random, data: bytes, other: bytes) -> bytes:
    """`data` after one to four changes; `other` is another input to splice with."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if not out:
            out += other[:1] or b"\0"
        rng.choice(CHANGES)(rng, out, other)
    return bytes(out[:LONGEST])


def mended(data: bytes) -> bytes:
    """The checksums of a PNG and the length of a WebP as they have to be, to reach what is behind them."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _mended_png(data)
    if data.startswith(b"RIFF") and len(data) > 12:
        data = data[: len(data) // 2 * 2]
        return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    return data


def _mended_png(data: bytes) -> bytes:
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        length = min(struct.unpack_from(">I", out, at)[0], len(out) - at - 12)
        struct.pack_into(">I", out, at, length)
        end = at + 8 + length
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)


def _flip(rng: Random, out: bytearray, other: bytes) -> None:
    at = rng.randrange(len(out))
    out[at] ^= 1 << rng.randrange(8)


def _early(rng: Random, out: bytearray, other: bytes) -> None:
    """In the first bytes, where the headers are."""
    out[rng.randrange(min(len(out), 64))] = rng.randrange(256)


def _cut(rng: Random, out: bytearray, other: bytes) -> None:
    at = rng.randrange(len(out))
    del out[at : at + rng.choice((1, 2, 4, 16, 256, 4096))]


def _repeat(rng: Random, out: bytearray, other: bytes) -> None:
    at = rng.randrange(len(out))
    piece = out[at : at + rng.choice((1, 4, 12, 64, 1024))]
    out[at:at] = piece * rng.choice((1, 2, 8, 200))


def _splice(rng: Random, out: bytearray, other: bytes) -> None:
    at, start = rng.randrange(len(out)), rng.randrange(max(len(other), 1))
    out[at:] = other[start:]


def _insert(rng: Random, out: bytearray, other: bytes) -> None:
    at, start = rng.randrange(len(out)), rng.randrange(max(len(other), 1))
    out[at:at] = other[start : start + rng.choice((1, 8, 64, 512))]


def _number(rng: Random, out: bytearray, other: bytes) -> None:
    """A length or a size, as both orders of bytes write it."""
    kind = rng.choice((">H", "<H", ">I", "<I"))
    size = struct.calcsize(kind)
    if len(out) > size:
        value = rng.choice(INTERESTING) & (1 << 8 * size) - 1
        struct.pack_into(kind, out, rng.randrange(len(out) - size), value)


def _packed(rng: Random, out: bytearray, other: bytes) -> None:
    """The data of a PNG packed again, to more or less than before."""
    at = out.find(b"IDAT")
    if at > 4:
        length = struct.unpack_from(">I", out, at - 4)[0]
        octets = rng.choice((0, 1, 1_000, 12_353, 300_000, 5_000_000))
        body = zlib.compress(bytes(octets), 1)
        out[at - 4 : at + 8 + length] = struct.pack(">I", len(body)) + b"IDAT" + body + bytes(4)


def _text(rng: Random, out: bytearray, other: bytes) -> None:
    """What readers of texts stumble over."""
    words = (
        b'"',
        b"[" * 500,
        b"{" * 500,
        b"\xff",
        b"\0",
        b"1e999",
        b"NaN",
        b"-0",
        b"\xed\xa0\x80",
        b",,",
        b"\r",
        b"9" * 400,
    )
    at = rng.randrange(len(out))
    out[at:at] = rng.choice(words)


CHANGES: tuple[Callable[[Random, bytearray, bytes], None], ...] = (
    *(_flip, _early, _cut, _repeat, _splice, _insert, _number, _number, _packed, _text),
)


def keep_input(folder: Path, kind: str, data: bytes) -> Path:
    """Write an input that broke something, for whoever mends it."""
    path = folder / f"usual-broke-{kind}-{zlib.crc32(data):08x}"
    path.write_bytes(data)
    return path
