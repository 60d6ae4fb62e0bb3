"""PURE: how often photographs, recordings and swaps pass the challenge, measured on simulated heads and sheets.

A head is five points in space, which differ between people by 8 %, seen by a camera 2.2 face heights away with a
landmark noise of 2 % of the eye distance. No pictures are needed; a real attack may look different.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from identity.capture.challenge import ORDERS, Pose, Step, judge, pose_of
from identity.engines.protocol import Face

# Right-handed, in eye distances: x to the image's right, y down, z towards the camera. Image-left eye, image-right
# eye, tip of the nose, corners of the mouth.
HEAD = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0, 0.55, 0.6], [-0.38, 1.0, 0.1], [0.38, 1.0, 0.1]])
AWAY, FOCUS, NOISE = 9.0, 700.0, 0.02
Points = NDArray[np.float64]
Act = Callable[[np.random.Generator, tuple[Step, ...]], list[Pose | None]]


def head(rng: np.random.Generator) -> Points:
    """The five points (5, 3) of a random person, in eye distances."""
    return HEAD * rng.normal(1, 0.08, (1, 3)) + rng.normal(0, 0.02, HEAD.shape)


def seen(points: Points, rng: np.random.Generator, yaw: float, near: float, pitch: float = 0.0) -> Pose:
    """The pose of five points turned by `yaw` and `pitch` (degrees) and brought nearer by the factor `near`."""
    a, b = np.radians(yaw), np.radians(pitch)
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    space = points @ (nod @ turn).T + np.array([*rng.normal(0, 0.05, 2), 0])
    flat = FOCUS * space[:, :2] / (AWAY / near - space[:, 2:])
    flat += rng.normal(0, NOISE * FOCUS / AWAY, flat.shape) + 300
    landmarks = flat.astype(np.float32)
    return pose_of(Face((0, 0, 1, 1), landmarks, 1.0))


def performed(points: Points, rng: np.random.Generator, steps: tuple[Step, ...]) -> list[Pose | None]:
    """The poses of a cooperative person: turns of 27 +- 5 degrees, a third nearer for "closer"."""
    poses: list[Pose | None] = []
    for step in steps:
        yaw = {"left": 1, "right": -1}.get(step, 0) * rng.normal(27, 5) + rng.normal(0, 2)
        poses.append(seen(points, rng, yaw, rng.normal(1.35, 0.06) if step == "closer" else rng.normal(1, 0.03)))
    return poses


def _live(rng: np.random.Generator, steps: tuple[Step, ...]) -> list[Pose | None]:
    points = head(rng)
    return [seen(points, rng, rng.normal(0, 3), 1.0), *performed(points, rng, steps)]


def _photograph(rng: np.random.Generator, steps: tuple[Step, ...], bent: float = 0.0) -> list[Pose | None]:
    """A sheet of paper that is turned and moved as requested, by angles of 15 to 55 degrees; `bent` is its
    curvature around the upright axis, as depth at the eyes in eye distances."""
    sheet = head(rng)
    sheet[:, 2] = -bent * (sheet[:, 0] / 0.5) ** 2
    poses: list[Pose | None] = [seen(sheet, rng, rng.normal(0, 3), 1.0)]
    for step in steps:
        yaw = {"left": 1, "right": -1}.get(step, 0) * rng.uniform(15, 55)
        near = rng.normal(1.35, 0.06) if step == "closer" else 1.0
        poses.append(seen(sheet, rng, yaw, near, rng.normal(0, 5)))
    return poses


def _bent_photograph(rng: np.random.Generator, steps: tuple[Step, ...]) -> list[Pose | None]:
    return _photograph(rng, steps, bent=float(rng.uniform(0.05, 0.3)))


def _recording(rng: np.random.Generator, steps: tuple[Step, ...]) -> list[Pose | None]:
    """A perfect recording of a person who followed a random challenge."""
    return _live(rng, ORDERS[int(rng.integers(len(ORDERS)))])


def _swap(rng: np.random.Generator, steps: tuple[Step, ...]) -> list[Pose | None]:
    """A photograph of one person is shown first; then another person follows the challenge."""
    return [_photograph(rng, ())[0], *_live(rng, steps)[1:]]


ATTACKS: dict[str, Act] = {
    "live": _live,
    "photograph": _photograph,
    "bent_photograph": _bent_photograph,
    "recording": _recording,
    "swap": _swap,
}


def rates(rng: np.random.Generator, tries: int = 2_000) -> list[dict[str, Any]]:
    """The share of `tries` that pass the challenge, for a live person and each attack: {kind, passed, tries}."""
    rows = []
    for kind, act in ATTACKS.items():
        passed = 0
        for _ in range(tries):
            steps = ORDERS[int(rng.integers(len(ORDERS)))]
            reference, *poses = act(rng, steps)
            passed += reference is not None and judge(steps, reference, poses) == "passed"
        rows.append({"kind": kind, "passed": passed / tries, "tries": tries})
    return rows
