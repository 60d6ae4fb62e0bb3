"""PURE: the message with which a device sends vectors in place of pictures, as bytes. docs/api/vectors.md

    header 48 | HPKE's key 32 | ciphertext of the content, and 16 bytes of its tag | signature 64

Numbers are little-endian. Messages of one purpose and engine pack have one size, whatever they hold.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from identity.capture.cover import Cover
from identity.capture.quality import Quality
from identity.errors import DeviceMessageRefused, DeviceVectorsInvalid
from identity.vectors import Array, unit

Purpose = Literal["recognise", "enrol", "opt_out", "add_face"]
PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)

MAGIC, VERSION = b"uvec", 1
HEADER = struct.Struct("<4sBB2x8s32s")  # magic, version, purpose, id of the tenant's key, engine pack
ENCAPSULATED, TAG, SIGNATURE = 32, 16, 64  # bytes
CONTENT = struct.Struct("<BBBB4s")  # vectors, moves, liveness, whether there are twins; the moves
CLAIMS = struct.Struct("<BBHHHHH")  # faces, cover; eye distance, yaw, sharpness, brightness, contrast
SCALE = struct.Struct("<f")

SLOTS: Final = {"recognise": 3, "opt_out": 3, "enrol": 4, "add_face": 4}
"""Vectors that a message of each purpose has room for."""

MOVES = ("", "left", "right", "closer")
LIVENESS = ("not_run", "passed", "failed")
COVERS: Final[tuple[Cover, ...]] = ("none", "mask", "sunglasses")
TENTHS, HUNDREDTHS = 10, 100
LENGTHS = (0.98, 1.02)
"""Between these lies the length of a unit vector after it was rounded to 8-bit whole numbers."""


@dataclass(frozen=True, kw_only=True)
class Claims(Quality):
    """What the device says of a frame: its quality, and how many faces there are. Nothing of it was seen by us."""

    faces: int


@dataclass(frozen=True, slots=True)
class Sight:
    """A unit vector (d,) of a frame, the claims about it, and for an enrolment with a pack that is calibrated for
    masks the vector of the same face with a mask drawn over it."""

    vector: Array
    claims: Claims
    masked: Array | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed. `liveness` and `moves` are claims as well."""

    sights: tuple[Sight, ...]
    liveness: str = "not_run"
    moves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """What the size of a message depends on: the purpose, the length of a vector, and whether each has a twin."""

    purpose: Purpose
    size: int
    twins: bool = False

    @property
    def has_twins(self) -> bool:
        """Whether there is room for vectors with a mask drawn over the face."""
        return self.twins and self.purpose in ("enrol", "add_face")

    @property
    def content_bytes(self) -> int:
        """Of the content, before it is sealed."""
        vector = SCALE.size + self.size
        return CONTENT.size + SLOTS[self.purpose] * (CLAIMS.size + vector * (2 if self.has_twins else 1))

    @property
    def message_bytes(self) -> int:
        """Of the whole message."""
        return HEADER.size + ENCAPSULATED + self.content_bytes + TAG + SIGNATURE


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose seal is closed. `signed` is what its signature is of, beside the bound text."""

    purpose: Purpose
    key_id: bytes
    pack: str
    signed: bytes
    signature: bytes

    @property
    def sealed(self) -> bytes:
        """As HPKE takes it: the encapsulated key, then the ciphertext."""
        return self.signed[HEADER.size :]


def bound_text(purpose: str, pack: str, device: str, nonce: str) -> bytes:
    """What a message is bound to: HPKE's `info`, and the beginning of what is signed. No part has a line break."""
    return "\n".join(("usual-vectors-1", purpose, pack, device, nonce)).encode()


def header_of(purpose: Purpose, key_id: bytes, pack: str) -> bytes:
    """The header. Raises ValueError: the pack's name is longer than 32 bytes."""
    if len(pack.encode()) > 32:
        raise ValueError(f"the name of the pack {pack!r} is too long for a message")
    return HEADER.pack(MAGIC, VERSION, 1 + PURPOSES.index(purpose), key_id, pack.encode())


def read(data: bytes) -> Message:
    """The message in `data`; its length is looked at when its pack is known. Raises DeviceMessageRefused."""
    if len(data) < HEADER.size + ENCAPSULATED + TAG + SIGNATURE:
        raise DeviceMessageRefused
    magic, version, purpose, key_id, pack = HEADER.unpack_from(data)
    if magic != MAGIC or version != VERSION or data[6:8] != b"\0\0" or not 1 <= purpose <= len(PURPOSES):
        raise DeviceMessageRefused
    try:
        name = pack.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError as error:
        raise DeviceMessageRefused from error
    return Message(PURPOSES[purpose - 1], key_id, name, data[:-SIGNATURE], data[-SIGNATURE:])


def pack_content(content: Content, shape: Shape) -> bytes:
    """The bytes of a content, always as many. Raises ValueError: it does not fit the shape."""
    sights = content.sights
    if not 1 <= len(sights) <= SLOTS[shape.purpose]:
        raise ValueError(f"{len(sights)} vectors do not fit into a message of the purpose {shape.purpose}")
    twins = shape.has_twins and all(one.masked is not None for one in sights)
    moves = bytes(MOVES.index(move) for move in content.moves).ljust(4, b"\0")
    live = LIVENESS.index(content.liveness)
    parts = [CONTENT.pack(len(sights), len(content.moves), live, int(twins), moves)]
    for sight in sights:
        parts += [_packed_claims(sight.claims), _packed(sight.vector, shape.size)]
        if twins:
            assert sight.masked is not None
            parts.append(_packed(sight.masked, shape.size))
        elif shape.has_twins:
            parts.append(bytes(SCALE.size + shape.size))
    return b"".join(parts).ljust(shape.content_bytes, b"\0")


def unpack_content(data: bytes, shape: Shape) -> Content:
    """The inverse; vectors come back at unit length.

    Raises DeviceVectorsInvalid: a number that no device may say, or a vector that is zero, not finite or not of
    unit length.
    """
    count, steps, live, twins, moves = CONTENT.unpack_from(data)
    fits = 1 <= count <= SLOTS[shape.purpose] and steps <= 4 and live < len(LIVENESS)
    if not fits or len(data) != shape.content_bytes or twins > shape.has_twins or max(moves) >= len(MOVES):
        raise DeviceVectorsInvalid
    sights, at = [], CONTENT.size
    for _ in range(count):
        claims, at = _claims(data, at), at + CLAIMS.size
        vector, at = _vector(data, at, shape.size)
        masked = None
        if twins:
            masked, at = _vector(data, at, shape.size)
        elif shape.has_twins:
            at += SCALE.size + shape.size
        sights.append(Sight(vector, claims, masked))
    return Content(tuple(sights), LIVENESS[live], tuple(MOVES[move] for move in moves[:steps]))


def rounded(vector: NDArray[np.floating]) -> tuple[float, NDArray[np.int8]]:
    """A vector as a scale and 8-bit whole numbers: the largest of them is 127 or -127."""
    scale = np.float32(float(np.abs(vector).max()) / 127)
    return float(scale), np.rint(np.asarray(vector, np.float64) / scale).astype(np.int8)


def _packed(vector: Array, size: int) -> bytes:
    if vector.shape != (size,):
        raise ValueError(f"a vector of the pack has {size} numbers, not {vector.shape}")
    scale, numbers = rounded(vector)
    return SCALE.pack(scale) + numbers.tobytes()


def _vector(data: bytes, at: int, size: int) -> tuple[Array, int]:
    [scale] = SCALE.unpack_from(data, at)
    numbers = np.frombuffer(data, np.int8, size, at + SCALE.size).astype(np.float64)
    with np.errstate(all="ignore"):
        length = float(np.sqrt((numbers * numbers).sum()) * scale)
    if not (scale > 0 and LENGTHS[0] <= length <= LENGTHS[1]):  # NaN is neither
        raise DeviceVectorsInvalid
    return unit(numbers), at + SCALE.size + size


def _packed_claims(claims: Claims) -> bytes:
    numbers: Sequence[float] = (
        claims.eye_distance * TENTHS,
        claims.yaw * HUNDREDTHS,
        claims.sharpness * HUNDREDTHS,
        claims.brightness * HUNDREDTHS,
        claims.contrast * HUNDREDTHS,
    )
    whole = (min(65_535, round(number)) for number in numbers)
    return CLAIMS.pack(min(255, claims.faces), COVERS.index(claims.cover), *whole)


def _claims(data: bytes, at: int) -> Claims:
    faces, cover, eyes, *others = CLAIMS.unpack_from(data, at)
    if not faces or cover >= len(COVERS):
        raise DeviceVectorsInvalid
    yaw, sharpness, brightness, contrast = (number / HUNDREDTHS for number in others)
    return Claims(eyes / TENTHS, yaw, sharpness, brightness, contrast, COVERS[cover], faces=faces)
