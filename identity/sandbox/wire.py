"""What passes between the server and an engine's process: records of fixed size, numbers only.

A question is one record; its pixels lie in memory that both processes see. An answer is one record and a block,
as long for nobody as for fifty faces. Nothing is unpickled, nothing names code.
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
QUESTION = np.dtype([("kind", "<u4"), ("height", "<u4"), ("width", "<u4"), ("face", FACE)])
HEAD = np.dtype([("status", "<u4"), ("count", "<u4")])


class WireError(ValueError):
    """The other side sent what the agreement does not hold."""


def block_bytes(size: int) -> int:
    """Length of an answer's block for a pack whose vectors have `size` numbers."""
    return max(MOST_FACES * FACE.itemsize, 4 * size)


def packed(face: Face) -> NDArray[Any]:
    """A face as a record of FACE, shape ()."""
    record = np.zeros((), FACE)
    record["box"], record["score"] = face.box, face.score
    record["landmarks"], record["scheme"] = face.landmarks, SCHEMES.index(face.scheme)
    record["covered"] = face.covered
    return record


def unpacked(record: Any) -> Face:
    """The inverse. Raises Gibberish on numbers that are none, an empty box or an unknown scheme."""
    box, landmarks = tuple(record["box"].tolist()), record["landmarks"].copy()
    scheme, score = int(record["scheme"]), float(record["score"])
    sound = np.isfinite([*box, score]).all() and np.isfinite(landmarks).all()
    if not sound or scheme >= len(SCHEMES) or box[2] <= 0 or box[3] <= 0:
        raise WireError("a face that is none")
    return Face(box, landmarks, score, SCHEMES[scheme], bool(record["covered"]))


def question(kind: int, shape: tuple[int, ...], face: Face | None = None) -> bytes:
    """Ask for the faces of the picture of `shape` (height, width, 3), or for the vector of `face` in it."""
    record = np.zeros((), QUESTION)
    record["kind"], record["height"], record["width"] = kind, shape[0], shape[1]
    if face is not None:
        record["face"] = packed(face)
    return record.tobytes()


def answer(size: int, *, faces: list[Face] | None = None, vector: Vector | None = None) -> bytes:
    """Faces (the largest MOST_FACES), a vector, or (neither) that the engine failed."""
    block, count = b"", 0
    if faces is not None:
        kept = faces[:MOST_FACES]
        block, count = b"".join(packed(face).tobytes() for face in kept), len(kept)
    elif vector is not None:
        block, count = np.asarray(vector, "<f4").tobytes(), np.size(vector)
    head = np.array((DONE if faces is not None or vector is not None else FAILED, count), HEAD)
    longest = block_bytes(size)
    return head.tobytes() + block[:longest].ljust(longest, b"\0")


def faces_in(count: int, block: bytes) -> list[Face]:
    """The faces of an answer. Raises Gibberish."""
    if count > MOST_FACES:
        raise WireError(f"{count} faces")
    return [unpacked(record) for record in np.frombuffer(block, FACE, count)]


def vector_in(count: int, block: bytes, size: int) -> Vector:
    """The vector of an answer, whatever its numbers are: `matching.unit` judges them. Raises Gibberish."""
    if count != size:
        raise WireError(f"a vector of {count} numbers where the manifest says {size}")
    return np.frombuffer(block, "<f4", size).astype(np.float32)


def read_exactly(descriptor: int, count: int) -> bytes:
    """`count` bytes of a pipe. Raises EOFError when it ends before."""
    parts = []
    while count:
        part = os.read(descriptor, count)
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def write_all(descriptor: int, data: bytes) -> None:
    """All of `data` into a pipe."""
    while data:
        data = data[os.write(descriptor, data) :]
