"""Weights of a network as 16-bit floats, where that loses nothing: half the bytes, the same outputs.

A network that was published in 16 bits often keeps its weights in 32: half of each is zeros. Each such weight is
stored in 16 bits, and a `Cast` makes the 32 bits of it when the network is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from identity.engines.onnx_writer import FLOAT, blob, cast_to_float, tensor

GRAPH, NODE, INITIALIZER = 7, 1, 5  # field numbers of ModelProto and GraphProto
DIMS, DATA_TYPE, NAME, RAW_DATA = 1, 2, 8, 9  # of TensorProto
Field = tuple[int, int, bytes, bytes]
"""Number, wire type, the field as it is written, and its content (bytes of a blob, or of a number)."""


def halve_weights(network: bytes) -> bytes:
    """The ONNX file `network` with every weight that 16 bits hold exactly in 16 bits; others stay as they are."""
    return b"".join(
        blob(GRAPH, _graph(content)) if number == GRAPH else whole
        for number, _, whole, content in _fields(network)
    )


def _graph(graph: bytes) -> bytes:
    casts, rest = [], []
    for number, _, whole, content in _fields(graph):
        halved = _halved(content) if number == INITIALIZER else None
        if halved is None:
            rest.append(whole)
            continue
        name, weights = halved
        rest.append(blob(INITIALIZER, weights))
        casts.append(blob(NODE, cast_to_float(f"{name}.half", name)))
    return b"".join(casts + rest)  # a node comes behind those whose results it takes


def _halved(weights: bytes) -> tuple[str, bytes] | None:
    """Name and the TensorProto in 16 bits; None when it is of another type, or would lose something."""
    dims: list[int] = []
    kind, name, raw = 0, "", b""
    for number, wire, _, content in _fields(weights):
        if number == DIMS:
            dims += [_number(content, 0)[0]] if wire == 0 else _numbers(content)
        elif number == DATA_TYPE:
            kind = _number(content, 0)[0]
        elif number == NAME:
            name = content.decode()
        elif number == RAW_DATA:
            raw = content
    if kind != FLOAT or not raw:
        return None
    full = np.frombuffer(raw, "<f4").reshape(dims)
    with np.errstate(over="ignore"):
        half = full.astype("<f2")
    return (name, tensor(f"{name}.half", half)) if np.array_equal(half.astype("<f4"), full) else None


def _fields(message: bytes) -> Iterator[Field]:
    """The fields of a protobuf message, in order."""
    at = 0
    while at < len(message):
        began = at
        key, at = _number(message, at)
        wire = key & 7
        if wire == 2:
            length, at = _number(message, at)
        elif wire == 0:
            length = _number(message, at)[1] - at
        else:
            length = {1: 8, 5: 4}[wire]
        content, at = message[at : at + length], at + length
        yield key >> 3, wire, message[began:at], content


def _number(message: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _numbers(packed: bytes) -> list[int]:
    found, at = [], 0
    while at < len(packed):
        value, at = _number(packed, at)
        found.append(value)
    return found
