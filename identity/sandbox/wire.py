"""The wire format between the server and a sandboxed process: records of fixed size, numbers only.

A request is one record; its pixels are in shared memory. An answer is one record and one block, whose length does
not depend on the number of faces. Nothing is unpickled, and nothing names code.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.engines.protocol import Face, Vector

MOST_FACES = 50
DETECT, EMBED = 1, 2
DONE, FAILED = 1, 2
SCHEMES = ("eyes_nose_mouth", "eye_corners_nose")
LONGEST_HELLO = 2_000

FACE = np.dtype(
    [("box", "<f8", 4), ("score", "<f8"), ("landmarks", "<f4", (5, 2)), ("scheme", "<u4"), ("covered", "<u4")]
)
REQUEST = np.dtype([("kind", "<u4"), ("height", "<u4"), ("width", "<u4"), ("face", FACE)])
HEAD = np.dtype([("status", "<u4"), ("count", "<u4")])


class WireError(ValueError):
    """The other side sent data that the wire format does not allow."""


def block_bytes(size: int) -> int:
    """Bytes in the block of an answer, for a pack whose vectors have `size` numbers."""
    return max(MOST_FACES * FACE.itemsize, 4 * size)


def packed(face: Face) -> NDArray[Any]:
    """A face as a record of FACE, shape ()."""
    record = np.zeros((), FACE)
    record["box"], record["score"] = face.box, face.score
    record["landmarks"], record["scheme"] = face.landmarks, SCHEMES.index(face.scheme)
    record["covered"] = face.covered
    return record


def unpacked(record: Any) -> Face:
    """The inverse of `packed`. Raises WireError on numbers that are not finite, an empty box or an unknown
    scheme."""
    box, landmarks = tuple(record["box"].tolist()), record["landmarks"].copy()
    scheme, score = int(record["scheme"]), float(record["score"])
    sound = np.isfinite([*box, score]).all() and np.isfinite(landmarks).all()
    if not sound or scheme >= len(SCHEMES) or box[2] <= 0 or box[3] <= 0:
        raise WireError("an invalid face")
    return Face(box, landmarks, score, SCHEMES[scheme], bool(record["covered"]))


def request(kind: int, shape: tuple[int, ...], face: Face | None = None) -> bytes:
    """A request for the faces in a picture of `shape` (height, width, 3), or for the vector of `face` in it."""
    record = np.zeros((), REQUEST)
    record["kind"], record["height"], record["width"] = kind, shape[0], shape[1]
    if face is not None:
        record["face"] = packed(face)
    return record.tobytes()


def pack_answer(size: int, *, faces: list[Face] | None = None, vector: Vector | None = None) -> bytes:
    """An answer with faces (the largest MOST_FACES) or a vector; with neither it says that the engine failed."""
    block, count = b"", 0
    if faces is not None:
        largest = faces[:MOST_FACES]
        block, count = b"".join(packed(face).tobytes() for face in largest), len(largest)
    elif vector is not None:
        block, count = np.asarray(vector, "<f4").tobytes(), np.size(vector)
    head = np.array((DONE if faces is not None or vector is not None else FAILED, count), HEAD)
    longest = block_bytes(size)
    return head.tobytes() + block[:longest].ljust(longest, b"\0")


def faces_in(count: int, block: bytes) -> list[Face]:
    """The faces of an answer. Raises WireError."""
    if count > MOST_FACES:
        raise WireError(f"{count} faces")
    return [unpacked(record) for record in np.frombuffer(block, FACE, count)]


def vector_in(count: int, block: bytes, size: int) -> Vector:
    """The vector (size,) of an answer. Its numbers are checked later, by `vectors.unit`. Raises WireError when its
    length is not `size`."""
    if count != size:
        raise WireError(f"a vector of {count} numbers where the manifest says {size}")
    return np.frombuffer(block, "<f4", size).astype(np.float32)


def read_exactly(descriptor: int, count: int) -> bytes:
    """`count` bytes of a pipe. Raises EOFError when it ends earlier."""
    parts = []
    while count:
        part = os.read(descriptor, count)
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data` to a pipe."""
    while data:
        data = data[os.write(descriptor, data) :]
