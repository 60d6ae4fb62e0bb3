"""Converts dlib's face recognition ResNet from its own file format to ONNX.

The .dat holds the layers from the input to the output; each begins with its tag (`con_4`, `affine_`, `fc_2`, ...)
and, where it has weights, a tensor follows: version, four dimensions as packed integers, little-endian float32.
dlib (Boost licence) is the reference; the result equals it to 1e-5 and runs about ten times as fast.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from identity.engines.manifests import sha256_of
from identity.engines.onnx_writer import STANDARD, Attributes, Numbers, model, node
from identity.errors import PackAltered
from plumbing.storage.files import write_atomic

# dlib subtracts these means (red, green, blue) and divides by 256 before its first layer.
MEAN = np.array([122.782, 117.001, 104.298])
LAYER = re.compile(rb"con_4|affine_|add_prev_|avg_pool_2|max_pool_2|fc_2")
CHIP = 150  # pixels, the network's input

Weights = NDArray[np.float32]
Exact = NDArray[np.float64]


def read_layers(data: bytes) -> list[tuple[str, Weights]]:
    """The layers of a .dat in order: tag and weights (empty for a layer without any). Raises PackAltered."""
    layers = []
    at = 0
    while (found := LAYER.search(data, at)) is not None:
        tag, at = found.group().decode(), found.end()
        values = np.empty(0, np.float32)
        if tag in ("con_4", "affine_", "fc_2"):
            numbers = []
            for _ in range(7 if tag == "fc_2" else 5):  # fc_2 begins with the numbers of its outputs and inputs
                number, at = _packed(data, at)
                numbers.append(number)
            count = int(np.prod(numbers[-4:]))
            if numbers[-5] != 2 or at + 4 * count > len(data):
                raise PackAltered("The dlib network is cut short or of another version.")
            values = np.frombuffer(data, "<f4", count, at)
            at += 4 * count
        layers.append((tag, values))
    return layers


def _packed(data: bytes, at: int) -> tuple[int, int]:
    """dlib's integer at `at` and the position behind it: a byte whose low half is the number of little-endian
    bytes that follow."""
    end = at + 1 + (data[at] & 0x0F)
    return int.from_bytes(data[at + 1 : end], "little"), end


class Graph:
    """Collects nodes and weights. `last` names the newest result, `channels` is its depth, `taps` name the results
    of all convolutions and sums, in order."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self.weights: dict[str, Numbers] = {}
        self.taps: list[str] = []
        self.last, self.channels = "input", 3
        self._names = (f"n{i}" for i in itertools.count())

    def add(self, kind: str, *inputs: str, attributes: Attributes | None = None, domain: str = STANDARD) -> str:
        """Add a node with these inputs; the name of its result."""
        self.last = next(self._names)
        self.nodes.append(node(kind, inputs, self.last, domain=domain, **(attributes or {})))
        return self.last

    def constant(self, name: str, array: Numbers) -> str:
        """Add a constant; its name."""
        self.weights[f"{name}_{len(self.weights)}"] = array
        return next(reversed(self.weights))

    def convolve(
        self, con: Weights, affine: Weights, *, stride: int, rectify: bool, normalise: bool = False
    ) -> None:
        """A convolution with its affine layer, and with `normalise` also mean and scale of the input, folded into
        the weights."""
        weight, bias = folded(con, affine, self.channels, normalise)
        names = self.constant("w", weight.astype(np.float32)), self.constant("b", bias.astype(np.float32))
        self.add("Conv", self.last, *names, attributes=window(weight.shape[2], stride))
        if rectify:
            self.add("Relu", self.last)
        self.channels = len(bias)
        self.taps.append(self.last)

    def pool(self, largest: bool, size: int) -> str:
        """The largest or the mean of each window, every 2 pixels."""
        kind = "MaxPool" if largest else "AveragePool"
        return self.add(kind, self.last, attributes={"kernel_shape": [size] * 2, "strides": [2, 2]})

    def fill(self, name: str, channels: int, rows: int) -> str:
        """Pad with zeros behind the last channel, row and column."""
        if not channels and not rows:
            return name
        return self.add("Pad", name, self.constant("p", fill_sizes(channels, rows)))

    def join(self, main: str, short: str) -> None:
        """The sum of both branches, then a ReLU."""
        self.add("Add", main, short)
        self.taps.append(self.add("Relu", self.last))

    def finish(self, matrix: Weights) -> None:
        """The mean over the picture and the last, linear layer."""
        self.add("GlobalAveragePool", self.last)
        self.add("Flatten", self.last)
        self.nodes.append(node("MatMul", [self.last, self.constant("w", matrix)], "vector"))


def folded(
    con: Weights, affine: Weights, channels: int, normalise: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (filters, channels, k, k) and bias (filters,) of one convolution, float64."""
    gamma, beta = affine.reshape(2, -1).astype(np.float64)
    filters = len(gamma)
    kernel = round(((len(con) / filters - 1) / channels) ** 0.5)
    weight = con[:-filters].astype(np.float64).reshape(filters, channels, kernel, kernel)
    bias = con[-filters:].astype(np.float64)
    if normalise:
        weight = weight / 256
        # fsum rounds once, so every processor writes the same bytes.
        shifted = (weight * MEAN[:, None, None]).reshape(filters, -1)
        bias = bias - np.array([math.fsum(row) for row in shifted])
    return weight * gamma[:, None, None, None], bias * gamma + beta


def window(kernel: int, stride: int) -> Attributes:
    """Attributes of a convolution; dlib pads only where it does not shrink."""
    pads = [0] * 4 if stride > 1 else [kernel // 2] * 4
    return {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": pads}


def fill_sizes(channels: int, rows: int) -> NDArray[np.int64]:
    """The `pads` of a `Pad` node behind the ends of (n, channels, rows, columns)."""
    return np.array([0, 0, 0, 0, 0, channels, rows, rows], np.int64)


def _take(layers: Iterator[tuple[str, Weights]], *tags: str) -> tuple[str, Weights]:
    """The next layer, which must have one of `tags`. Raises PackAltered."""
    tag, values = next(layers, ("the end", np.empty(0, np.float32)))
    if tag not in tags:
        raise PackAltered(f"The dlib network has {tag} where {' or '.join(tags)} belongs.")
    return tag, values


def to_onnx(data: bytes, graph: Graph | None = None, taps: bool = False) -> bytes:
    """The bytes of an ONNX model: `input` (n, 3, 150, 150) RGB 0..255 -> `vector` (n, 128), as dlib gives it.

    The network: a 7 x 7 convolution, max pooling, then residual blocks of two 3 x 3 convolutions. Where a block
    halves the picture, the shortcut is an average pool, and the smaller branch (in depth, or by a row and a
    column) is padded with zeros. Side lengths follow from 150: 35, 17, 8, 3 (padded to 4), 1 (to 2).
    `graph` may write another precision (`dlib_int8.py`); with `taps` all sums are outputs as well.
    Raises PackAltered.
    """
    graph = graph or Graph()
    layers = iter(read_layers(data))
    con, affine, _ = (_take(layers, tag)[1] for tag in ("con_4", "affine_", "max_pool_2"))
    graph.convolve(con, affine, stride=2, rectify=True, normalise=True)
    graph.pool(largest=True, size=3)
    side = 35
    while True:
        tag, values = _take(layers, "con_4", "avg_pool_2")
        if tag == "avg_pool_2":
            break
        side = _block(graph, layers, values, side)
    matrix = _take(layers, "fc_2")[1].reshape(graph.channels, -1)
    graph.finish(matrix)
    results: list[tuple[str, list[int | str]]] = [("vector", ["n", matrix.shape[1]])]
    results += [(name, ["n", "c", "y", "x"]) for name in graph.taps if taps]
    return model("dlib_resnet", graph.nodes, graph.weights, ("input", ["n", 3, CHIP, CHIP]), *results)


def _block(graph: Graph, layers: Iterator[tuple[str, Weights]], first: Weights, side: int) -> int:
    """Add one residual block, whose first convolution is read already; the side length of its result."""
    affine1, second, affine2 = (_take(layers, tag)[1] for tag in ("affine_", "con_4", "affine_"))
    down = _take(layers, "avg_pool_2", "add_prev_")[0] == "avg_pool_2"
    short, depth = graph.last, graph.channels
    before = graph.last
    if down:
        _take(layers, "add_prev_")
        short = graph.pool(largest=False, size=2)
        graph.last = before
    graph.convolve(first, affine1, stride=2 if down else 1, rectify=True)
    graph.convolve(second, affine2, stride=1, rectify=False)
    main = graph.last
    if down:
        here, pooled = (side - 3) // 2 + 1, side // 2
        side = max(here, pooled)
        main = graph.fill(main, 0, side - here)
        short = graph.fill(short, graph.channels - depth, side - pooled)
    graph.join(main, short)
    return side


def convert(source: Path, cache: Path, sha256: str, graph: Graph | None = None, name: str = "float32") -> Path:
    """The ONNX file of the .dat at `source`: the one in `cache` when its hash is `sha256`, otherwise a new one.

    Written atomically. Raises PackAltered when the converted file has another hash.
    """
    target = cache / "dlib" / f"dlib_resnet_{name}.onnx"
    if not (target.is_file() and sha256_of(target) == sha256):
        data = to_onnx(source.read_bytes(), graph)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise PackAltered("The dlib network was converted to other bytes than its manifest pins.")
        write_atomic(target, data)
    return target
