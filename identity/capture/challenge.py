"""PURE: is there a head before the camera that can be asked to move? Three states: not run, passed, failed.

The active challenge: three moves in an order that follows from the nonce, one frame for each. Only landmarks are
read. It refuses a photograph (flat: its nose does not move between the eyes when it is turned), a recorded video
(it moves in another order) and somebody else's face in between (it does not join up). We claim no certification.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Literal

import numpy as np

from identity.engines.protocol import Face

Step = Literal["left", "right", "closer"]
State = Literal["not_run", "passed", "failed"]
STEPS: tuple[Step, ...] = ("left", "right", "closer")
LENGTH = 4


def _orders() -> list[tuple[Step, ...]]:
    """Every order of LENGTH moves in which each move occurs and none follows itself."""
    every = product(STEPS, repeat=LENGTH)
    return [order for order in every if set(order) == set(STEPS) and all(a != b for a, b in pairwise(order))]


ORDERS = _orders()
"""18: a recording of one order passes for one press in eighteen, and five failures in a row pause the device."""


@dataclass(frozen=True)
class LivenessRules:
    """When a move was made. Measured on simulated heads (`liveness_rates`)."""

    turned: float = 13.0  # degrees that a turned head must show at least
    straight: float = 14.0  # degrees that any other frame may show at most
    closer: float = 1.15  # how much larger the face becomes
    narrower: float = 0.82  # the eyes come together by cos(yaw) and no more than this share beyond it
    drift: float = 1.0  # face widths that a face may move between two frames
    shape: float = 0.28  # share by which eyes to nose, over the eyes' distance, may differ between straight frames


RULES = LivenessRules()


@dataclass(frozen=True)
class Pose:
    """What is read of one frame: `yaw` in degrees, positive when the person turns to their own left; `size`, the
    eyes' distance, and `drop`, how far the nose lies below their line, in pixels; `centre` of the eyes."""

    yaw: float
    size: float
    drop: float
    centre: tuple[float, float]


def challenge(secret: bytes, nonce: str) -> tuple[Step, ...]:
    """The moves for a press: who does not hold `secret` cannot tell them from the nonce."""
    digest = hmac.digest(secret, nonce.encode(), hashlib.sha256)
    return ORDERS[int.from_bytes(digest, "big") % len(ORDERS)]


def pose_of(face: Face) -> Pose:
    """The pose of a face from its landmarks.

    Where a scheme has a mouth, yaw is how far the nose leaves the line from between the eyes to the middle of the
    mouth: on a sheet of paper it stays on it, however the sheet is turned, and nearly so when it is bent.
    """
    left, right = face.eyes.astype(np.float64)
    axis = right - left
    size = max(float(np.hypot(*axis)), 1e-6)
    across, middle = axis / size, (left + right) / 2
    down = np.array([-across[1], across[0]])
    from_eyes = face.nose - middle
    drop, aside, reach = float(from_eyes @ down), float(from_eyes @ across), 0.42
    if face.scheme == "eyes_nose_mouth":
        mouth = face.landmarks[3:].astype(np.float64).mean(axis=0) - middle
        aside -= float(mouth @ across) * drop / max(float(mouth @ down), 1e-6)
        reach = 0.55
    yaw = float(np.degrees(np.arctan(aside / size / reach)))
    return Pose(yaw, size, drop, (float(middle[0]), float(middle[1])))


def judge(
    steps: Sequence[Step], reference: Pose, poses: Sequence[Pose | None], rules: LivenessRules = RULES
) -> State:
    """Whether `poses`, one for each step (None: no single face), are the moves asked for by the face of
    `reference`, which looks straight ahead. No pose at all: it was not run."""
    if not poses:
        return "not_run"
    if len(poses) != len(steps) or abs(reference.yaw) > rules.straight:
        return "failed"
    before = reference
    for step, pose in zip(steps, poses, strict=True):
        if pose is None or not _joins(before, pose, rules) or not _made(step, reference, pose, rules):
            return "failed"
        before = pose
    return "passed"


def _made(step: Step, reference: Pose, pose: Pose, rules: LivenessRules) -> bool:
    """Whether one frame shows one move."""
    same_head = abs(_shape(pose) / max(_shape(reference), 1e-6) - 1) <= rules.shape
    larger = abs(pose.drop) / max(abs(reference.drop), 1e-6)
    if step == "closer":
        return (
            same_head
            and abs(pose.yaw) <= rules.straight
            and min(larger, pose.size / reference.size) >= rules.closer
        )
    turned = pose.yaw if step == "left" else -pose.yaw
    # A bent photograph shows a turn as well, but must be turned so far for it that its eyes come together.
    wide = pose.size / reference.size / max(larger, 1e-6) >= rules.narrower * np.cos(np.radians(pose.yaw))
    return turned >= rules.turned and bool(wide) and same_head


def _shape(pose: Pose) -> float:
    """Eyes to nose over the eyes' distance, as if the head looked straight ahead."""
    return abs(pose.drop) * float(np.cos(np.radians(pose.yaw))) / pose.size


def _joins(before: Pose, after: Pose, rules: LivenessRules) -> bool:
    """Whether a face could have moved from one frame to the next: no jump across the picture."""
    width = 2.2 * max(before.size, after.size)
    way = np.hypot(after.centre[0] - before.centre[0], after.centre[1] - before.centre[1])
    return bool(way <= rules.drift * width) and 0.5 <= after.size / before.size <= 2.0
