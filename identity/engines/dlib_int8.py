"""The dlib network in int8: 8-bit weights with a scale for each filter, 8-bit activations with fixed ranges.

Static quantisation (Jacob et al. 2018): value = scale x (number - zero point). The ranges of the 43 sums were
measured once and ship with the pack. Results after a ReLU have zero point 0: an unsigned byte then needs no ReLU,
and padding with zeros stays exact. The input consists of bytes and needs no scale.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from identity.engines.dlib_network import Graph, Weights, fill_sizes, folded, window
from identity.engines.onnx_writer import MICROSOFT, UINT8, Attributes, node

# Seven bits: processors without VNNI add pairs of products in 16 bits, which eight would overflow.
WEIGHT = 63


class Int8Graph(Graph):
    """Writes `QLinearConv`, and onnxruntime's quantised sum and mean, instead of the float operators."""

    def __init__(self, ranges: Sequence[Sequence[float]]) -> None:
        super().__init__()
        self._ranges = iter(ranges)
        self._scales: dict[str, tuple[float, int]] = {}
        self.add("Cast", "input", attributes={"to": UINT8})
        self._scales[self.last] = (1.0, 0)

    def _next_scale(self, rectified: bool) -> tuple[float, int]:
        """Scale and zero point of the next sum."""
        low, high = next(self._ranges)
        if rectified:
            return high / 255, 0
        low = min(low, 0.0)
        scale = (high - low) / 255
        return scale, round(-low / scale)

    def _numbers(self, scale: float, zero: int) -> tuple[str, str]:
        """The names of a scale and a zero point."""
        return self.constant("s", np.array(scale, np.float32)), self.constant("z", np.array(zero, np.uint8))

    def _quantised(self, name: str) -> tuple[str, str, str]:
        """A result with its scale and zero point: three inputs of an operator."""
        return (name, *self._numbers(*self._scales[name]))

    def convolve(
        self, con: Weights, affine: Weights, *, stride: int, rectify: bool, normalise: bool = False
    ) -> None:
        weight, bias = folded(con, affine, self.channels, normalise)
        given = self._scales[self.last][0]
        scales = np.maximum(np.abs(weight).max(axis=(1, 2, 3)) / WEIGHT, 1e-12)
        small = np.clip(np.rint(weight / scales[:, None, None, None]), -WEIGHT, WEIGHT).astype(np.int8)
        shift = np.clip(np.rint(bias / (given * scales)), -(2**31) + 1, 2**31 - 1).astype(np.int32)
        scale, zero = self._next_scale(rectify)
        inputs = [
            *self._quantised(self.last),
            self.constant("w", small),
            self.constant("s", scales.astype(np.float32)),
            self.constant("z", np.zeros(len(bias), np.int8)),
            *self._numbers(scale, zero),
            self.constant("b", shift),
        ]
        self.add("QLinearConv", *inputs, attributes=window(weight.shape[2], stride))
        self.channels = len(bias)
        self._scales[self.last] = (scale, zero)
        self.taps.append(self.last)

    def pool(self, largest: bool, size: int) -> str:
        before = self._scales[self.last]
        sides: Attributes = {"kernel_shape": [size] * 2, "strides": [2, 2]}
        if largest:
            self.add("MaxPool", self.last, attributes=sides)
        else:
            inputs = [*self._quantised(self.last), *self._numbers(*before)]
            self.add("QLinearAveragePool", *inputs, domain=MICROSOFT, attributes=sides)
        self._scales[self.last] = before
        return self.last

    def fill(self, name: str, channels: int, rows: int) -> str:
        if not channels and not rows:
            return name
        scale, zero = self._scales[name]
        nothing = self.constant("z", np.array(zero, np.uint8))
        filled = self.add("Pad", name, self.constant("p", fill_sizes(channels, rows)), nothing)
        self._scales[filled] = (scale, zero)
        return filled

    def join(self, main: str, short: str) -> None:
        scale, zero = self._next_scale(True)
        inputs = [*self._quantised(main), *self._quantised(short), *self._numbers(scale, zero)]
        self.taps.append(self.add("QLinearAdd", *inputs, domain=MICROSOFT))
        self._scales[self.last] = (scale, zero)

    def finish(self, matrix: NDArray[np.float32]) -> None:
        self.add("DequantizeLinear", *self._quantised(self.last))
        self.add("GlobalAveragePool", self.last)
        self.add("Flatten", self.last)
        self.nodes.append(node("MatMul", [self.last, self.constant("w", matrix)], "vector"))
