"""Find bytes again without holding them: fingerprints of short windows, and a search for them below a folder.

Whoever is erased leaves fingerprints behind, and only those: of windows of 16 to 64 bytes of what was theirs, in
each encoding in which a program may write it down. A fingerprint is 20 bits of a rolling hash with a random
factor, by which candidates are found in one pass over a file, and 7 bytes of a salted SHA-256, which decides. A
window holds 64 unknown bits at least: nobody can try all contents that it may have had.

Layout (base64): a byte of version, 4 of factor, 16 of salt, then 12 bytes for each window: its length (1), which
form it is of (1), the rolling hash (3), and 7 bytes of SHA-256.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import secrets
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

VERSION = 1
LENGTHS = (16, 32, 64)
BITS = 20
MIX = np.uint32(0x9E3779B1)  # spreads the hash over its high bits
CHUNK = 1 << 17  # bytes: what a pass works on fits into the processor's cache
ENTRY, DIGEST = 12, 7
LEAST_DIFFERENT = 5  # bytes in a window: zeros are everybody's
MOST_WINDOWS = 5  # of a form whose text is long
NESTED = 256 * 2**20  # bytes read of what is packed inside a file
FORMS = ("float32", "float64", "float16", "int8", "hex", "base64", "text of numbers", "text", "bytes")
"""What a window may be of; a fingerprint has its place in this tuple."""

Window = tuple[int, bytes]
"""A form, by its place in `FORMS`, and 16, 32 or 64 bytes."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where something was found: the file (with the member of an archive), from which byte on, in which form."""

    file: str
    offset: int
    form: str


@dataclass(frozen=True)
class Fingerprints:
    """Of all windows of one person. They lead to nobody."""

    factor: int
    salt: bytes
    digests: dict[tuple[int, bytes], int] = field(repr=False)  # (length, digest) -> form
    tables: dict[int, NDArray[np.bool_]] = field(repr=False)  # length -> which rolling hashes there are
    hashes: tuple[tuple[int, int, int, bytes], ...] = field(repr=False)  # length, form, rolling hash, digest

    @classmethod
    def of(cls, windows: Iterable[Window]) -> Fingerprints:
        """Fingerprints under a new random factor and salt."""
        factor, salt = secrets.randbits(32) | 1, secrets.token_bytes(16)
        rows = []
        form_of: dict[bytes, int] = {}
        for form, window in windows:
            if len(set(window)) >= LEAST_DIFFERENT:
                form_of.setdefault(window, form)
        for length in LENGTHS:
            chosen = [window for window in form_of if len(window) == length]
            if chosen:
                rolling = _rolling(np.frombuffer(b"".join(chosen), np.uint8), factor, length)[::length].tolist()
                rows += [
                    (length, form_of[window], at, _digest(salt, window))
                    for window, at in zip(chosen, rolling, strict=True)
                ]
        return cls._made(factor, salt, rows)

    @classmethod
    def _made(cls, factor: int, salt: bytes, rows: Sequence[tuple[int, int, int, bytes]]) -> Fingerprints:
        tables = {}
        for length in sorted({row[0] for row in rows}):
            tables[length] = np.zeros(1 << BITS, np.bool_)
            tables[length][[row[2] for row in rows if row[0] == length]] = True
        digests = {(length, digest): form for length, form, _, digest in rows}
        return cls(factor, salt, digests, tables, tuple(rows))

    def to_text(self) -> str:
        """Base64, as a receipt keeps it."""
        head = bytes([VERSION]) + self.factor.to_bytes(4, "big") + self.salt
        rows = (bytes([n, form]) + at.to_bytes(3, "big") + digest for n, form, at, digest in sorted(self.hashes))
        return base64.b64encode(head + b"".join(rows)).decode()

    @classmethod
    def of_text(cls, text: str) -> Fingerprints:
        """The inverse of `to_text`. Raises ValueError."""
        content = base64.b64decode(text, validate=True)
        if len(content) < 21 or content[0] != VERSION or (len(content) - 21) % ENTRY:
            raise ValueError("these are no fingerprints of this version")
        rows = []
        for at in range(21, len(content), ENTRY):
            length, form, rolling = content[at], content[at + 1], int.from_bytes(content[at + 2 : at + 5], "big")
            if length not in LENGTHS or form >= len(FORMS) or rolling >= 1 << BITS:
                raise ValueError("these are no fingerprints of this version")
            rows.append((length, form, rolling, content[at + 5 : at + ENTRY]))
        return cls._made(int.from_bytes(content[1:5], "big"), content[5:21], rows)

    def within(self, content: bytes) -> Iterator[tuple[int, int]]:
        """(offset, form) of every window that `content` holds."""
        numbers = np.frombuffer(content, np.uint8)
        for length, table in self.tables.items():
            if len(content) < length:
                continue
            for at in np.flatnonzero(table[_rolling(numbers, self.factor, length)]).tolist():
                form = self.digests.get((length, _digest(self.salt, content[at : at + length])))
                if form is not None:
                    yield at, form


def _digest(salt: bytes, window: bytes) -> bytes:
    return hashlib.sha256(salt + window).digest()[:DIGEST]


def _rolling(content: NDArray[np.uint8], factor: int, length: int) -> NDArray[np.uint32]:
    """The rolling hash, `BITS` wide, of every window of `length` (a power of two): in log2(length) passes, each
    joining two neighbours of half the length."""
    hashes, width, power = content.astype(np.uint32), 1, np.uint32(factor)
    with np.errstate(over="ignore"):
        while width < length:
            joined = hashes[:-width] * power
            joined += hashes[width:]
            hashes, width, power = joined, 2 * width, power * power
        hashes *= MIX
    hashes >>= np.uint32(32 - BITS)
    return hashes


# --- what is looked for


def windows_of_vector(vector: NDArray[np.floating]) -> Iterator[Window]:
    """The windows of a template in every encoding in which a program may write it down."""
    plain = {
        "float32": (vector.astype("<f4"),),
        "float64": (vector.astype("<f8"),),
        "float16": (vector.astype("<f2"),),
        "int8": tuple(_as_int8(vector)),
    }
    for form, arrays in plain.items():
        for array in arrays:
            content, length = array.tobytes(), 32 if form == "float64" else 16
            yield from _windows(form, content, length, most=24)
            for kind, text in _as_text(content):
                yield from _windows(kind, text, 2 * length, most=MOST_WINDOWS)
    yield from _windows("float32", vector.astype(">f4").tobytes(), 16, most=4)
    for text in _as_numbers(vector):
        yield from _windows("text of numbers", text, 64, most=2)


def windows_of_secret(text: str, raw: bytes) -> Iterator[Window]:
    """The windows of a random name of 16 bytes or more: its text, its bytes, and what programs make of either."""
    for content in dict.fromkeys((text.encode(), raw)):
        yield from _windows("text" if content == text.encode() else "bytes", content, 16, most=4)
        for kind, encoded in _as_text(content):
            yield from _windows(kind, encoded, 32 if kind == "hex" else 16, most=4)
    wide = text.encode("utf-16-le")
    yield from _windows("text", wide, 32, most=4)


def _windows(form: str, content: bytes, length: int, *, most: int) -> Iterator[Window]:
    """Windows side by side, at most so many, spread over all of it."""
    places = range(0, len(content) - length + 1, length)
    for number in sorted({round(k * (len(places) - 1) / max(1, most - 1)) for k in range(most)}):
        if 0 <= number < len(places):
            yield FORMS.index(form), content[places[number] : places[number] + length]


def _as_int8(vector: NDArray[np.floating]) -> Iterator[NDArray[np.int8]]:
    largest = float(np.abs(vector).max()) or 1.0
    for scaled in (vector * 127, vector * (127 / largest)):
        yield np.round(scaled).astype(np.int8)
        yield np.trunc(scaled).astype(np.int8)


def _as_text(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Hexadecimal, and base64 at each place that the content may have in what was encoded."""
    digits = content.hex().encode()
    yield "hex", digits
    yield "hex", digits.upper()
    for before in range(3):
        first = -(-before * 8 // 6)  # digits that depend on what stands before
        whole = (before + len(content)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield "base64", encode(bytes(before) + content)[first:whole]


def _as_numbers(vector: NDArray[np.floating]) -> Iterator[bytes]:
    single = vector.astype(np.float32)
    kinds: dict[str, Callable[[np.float32], str]] = {
        "json": lambda x: repr(float(x)),
        "numpy": lambda x: np.format_float_positional(x, trim="0"),
        "half": lambda x: repr(float(np.float16(x))),
        **{f"%.{k}f": lambda x, k=k: f"{x:.{k}f}" for k in (4, 6, 8)},  # type: ignore[misc]
        **{f"round {k}": lambda x, k=k: repr(round(float(x), k)) for k in (4, 6, 8)},  # type: ignore[misc]
    }
    for name, write in kinds.items():
        words = [write(x) for x in single]
        for between in (", ", ",", " ", "\n", ",\n  ") if name in ("json", "round 6") else (", ", ","):
            yield between.join(words).encode()
    for whole in _as_int8(vector):
        for between in (", ", ","):
            yield between.join(map(str, whole.tolist())).encode()


# --- where


def search(
    folder: Path, prints: Fingerprints, *, seen: Callable[[Path, int], None] = lambda *_: None
) -> list[Hit]:
    """Everything found below `folder`, byte by byte, archives unpacked; `seen` gets each file and its size.

    One hit for each file and form. Links are not followed. Raises OSError: a file cannot be read.
    """
    hits: dict[tuple[str, str], Hit] = {}
    for place in sorted(_files(folder)):
        name, size = str(place.relative_to(folder)), 0
        for member, content in _contents(place):
            for offset, form in prints.within(content.data):
                hit = Hit(name + member, content.offset + offset, FORMS[form])
                hits.setdefault((hit.file, hit.form), hit)
            size += 0 if member else len(content.data)
        seen(place, size)
    return list(hits.values())


@dataclass(frozen=True, slots=True)
class _Piece:
    data: bytes
    offset: int


def _files(folder: Path) -> Iterator[Path]:
    for below, _, names in os.walk(folder):
        for name in names:
            place = Path(below, name)
            try:
                if stat.S_ISREG(place.lstat().st_mode):
                    yield place
            except FileNotFoundError:  # a database's journal: it was gone before it was looked at
                continue


def _contents(place: Path) -> Iterator[tuple[str, _Piece]]:
    """A file piece by piece, then what is packed in it; each piece begins with the end of the one before."""
    try:
        with place.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            yield from (("", piece) for piece in _pieces(file, 1 << 62))
        if start == b"PK\x03\x04":
            with zipfile.ZipFile(place) as archive:
                for member in archive.infolist():
                    with archive.open(member) as inside:
                        yield from ((f"!{member.filename}", piece) for piece in _pieces(inside, NESTED))
        elif start[:2] == b"\x1f\x8b":
            with gzip.open(place) as unpacked:
                yield from (("!", piece) for piece in _pieces(unpacked, NESTED))
    except (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, NotImplementedError):
        return  # no archive, or a damaged one: its bytes were searched as they are
    except FileNotFoundError:
        return


def _pieces(file: IO[bytes] | gzip.GzipFile, most: int) -> Iterator[_Piece]:
    before, offset = b"", 0
    while most > 0 and (fresh := file.read(min(CHUNK, most))):
        yield _Piece(before + fresh, offset - len(before))
        most -= len(fresh)
        offset += len(fresh)
        before = (before + fresh)[-(LENGTHS[-1] - 1) :]
