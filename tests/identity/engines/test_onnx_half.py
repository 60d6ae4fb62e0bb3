"""Weights in 16 bits: only where nothing is lost, and the network's outputs are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from identity.engines.onnx_half import halve_weights
from identity.engines.onnx_writer import model, node
from plumbing.serving.silence import import_onnxruntime

ODD = np.float32(0.1)  # 16 bits do not hold it


def network(weights: np.ndarray) -> bytes:
    return model(
        "one",
        [node("Conv", ["picture", "weights"], "out", kernel_shape=[3, 3])],
        {"weights": weights},
        ("picture", [1, 2, 8, 8]),
        ("out", [1, 4, 6, 6]),
    )


def outputs(content: bytes, picture: np.ndarray) -> list[np.ndarray]:
    session = import_onnxruntime().InferenceSession(content, providers=["CPUExecutionProvider"])
    return list(session.run(None, {session.get_inputs()[0].name: picture}))


@pytest.fixture
def weights() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(4, 2, 3, 3)).astype(np.float16).astype(np.float32)


def test_weights_that_fit_are_halved_and_the_outputs_stay(weights: np.ndarray) -> None:
    full = network(weights)
    half = halve_weights(full)
    picture = np.random.default_rng(4).normal(size=(1, 2, 8, 8)).astype(np.float32)

    assert len(half) < len(full) - weights.nbytes // 2 + 100
    assert np.array_equal(outputs(half, picture)[0], outputs(full, picture)[0])
    assert halve_weights(half) == half


@pytest.mark.parametrize("value", [ODD, np.float32(1e6), np.float32(1e-9), np.float32("nan")])
def test_one_weight_that_does_not_fit_leaves_its_tensor_alone(weights: np.ndarray, value: np.float32) -> None:
    weights[0, 0, 0, 0] = value

    assert halve_weights(network(weights)) == network(weights)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "shape", "share"),
    [
        ("yunet_s_dynamic", (1, 3, 64, 64), 1.01),
        ("face-reidentification-retail-0095", (1, 3, 128, 128), 0.51),
    ],
)
def test_the_packs_networks_give_the_same_outputs(
    shared: Path, name: str, shape: tuple[int, ...], share: float
) -> None:
    full = (shared / "models" / f"{name}.onnx").read_bytes()
    half = halve_weights(full)
    picture = np.random.default_rng(5).integers(0, 256, shape).astype(np.float32)

    assert len(half) <= share * len(full)
    for one, other in zip(outputs(full, picture), outputs(half, picture), strict=True):
        assert np.array_equal(one, other)
