"""Just enough of the ONNX file format to write a network of convolutions, byte for byte the same every time.

Field numbers are those of onnx.proto (ONNX IR 8, opset 17); the encoding is protobuf's wire format. Written here
because the product needs one small writer, not a compiler toolchain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Attribute = int | Sequence[int]
Attributes = Mapping[str, Attribute]
Numbers = NDArray[np.number]
STANDARD, MICROSOFT = "", "com.microsoft"
FLOAT, UINT8, INT8, INT32, INT64, FLOAT16 = 1, 2, 3, 6, 7, 10
KINDS = {"u1": UINT8, "i1": INT8, "i4": INT32, "i8": INT64, "f2": FLOAT16}


def _varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF  # negative numbers travel as 64 bits
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def blob(field: int, data: bytes | str) -> bytes:
    """A field of a protobuf message that holds bytes, a text or another message."""
    raw = data.encode() if isinstance(data, str) else data
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def cast_to_float(source: str, output: str) -> bytes:
    """A NodeProto that makes 32-bit floats."""
    return node("Cast", [source], output, to=FLOAT)


def tensor(name: str, array: Numbers) -> bytes:
    """A TensorProto of float32, of float16 or of an integer type; a scalar has no dimensions."""
    named = f"{array.dtype.kind}{array.dtype.itemsize}"
    kind = KINDS.get(named, FLOAT)
    little = array.astype("<f4" if kind == FLOAT else array.dtype.newbyteorder("<"))
    dims = b"".join(_number(1, size) for size in array.shape)
    return dims + _number(2, kind) + blob(8, name) + blob(9, little.tobytes())


def node(kind: str, inputs: Sequence[str], output: str, *, domain: str = "", **attributes: Attribute) -> bytes:
    """A NodeProto whose attributes are integers or lists of integers."""
    parts = [blob(7, domain)] if domain else []
    parts += [blob(1, name) for name in inputs] + [blob(2, output), blob(3, output), blob(4, kind)]
    for key, value in attributes.items():
        if isinstance(value, int):
            body = _number(3, value) + _number(20, 2)
        else:
            body = b"".join(_number(8, part) for part in value) + _number(20, 7)
        parts.append(blob(5, blob(1, key) + body))
    return b"".join(parts)


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(blob(1, _number(1, d) if isinstance(d, int) else blob(2, d)) for d in shape)
    return blob(1, name) + blob(2, blob(1, _number(1, FLOAT) + blob(2, dims)))


def model(
    name: str,
    nodes: Sequence[bytes],
    weights: Mapping[str, Numbers],
    source: tuple[str, Sequence[int | str]],
    *results: tuple[str, Sequence[int | str]],
) -> bytes:
    """A ModelProto with one float input and float outputs, each a name and a shape; a string in a shape is a free
    dimension.

    Operators come from the ONNX standard (opset 17) and from onnxruntime (com.microsoft, version 1).
    """
    graph = b"".join(blob(1, part) for part in nodes) + blob(2, name)
    graph += b"".join(blob(5, tensor(key, array)) for key, array in weights.items())
    graph += blob(11, _value(*source)) + b"".join(blob(12, _value(*result)) for result in results)
    opsets = ((STANDARD, 17), (MICROSOFT, 1))
    imports = b"".join(blob(8, blob(1, domain) + _number(2, version)) for domain, version in opsets)
    return _number(1, 8) + blob(2, "usual") + blob(7, graph) + imports
