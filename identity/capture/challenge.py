"""PURE: the active liveness challenge. Does a head in front of the camera move as requested?

The states are: not run, passed, failed. Four moves are requested, in an order that follows from the nonce; one
frame is sent for each. Only landmarks are read. The challenge refuses a photograph (it is flat: its nose does not
move between the eyes when it is turned), a recorded video (it moves in another order) and another person's face in
between (it does not continue the movement). It has no certification.
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
"""18 orders: a recording of one order passes one press in 18, and five failures in a row pause the device."""


@dataclass(frozen=True)
class ChallengeRules:
    """When a frame shows a move. Measured on simulated heads (`evaluation.challenge_rates`)."""

    turned: float = 13.0  # degrees that a turned head must show at least
    straight: float = 14.0  # degrees that any other frame may show at most
    closer: float = 1.15  # how much larger the face becomes
    narrower: float = 0.82  # the eyes come together by cos(yaw) and no more than this share beyond it
    drift: float = 1.0  # face widths that a face may move between two frames
    shape: float = 0.28  # share by which the ratio (eyes to nose) / (eye to eye) may differ between frames


RULES = ChallengeRules()


@dataclass(frozen=True)
class Pose:
    """What is measured in one frame: `yaw` in degrees, positive when the person turns to their own left; `size`,
    the distance between the eyes, `drop`, the distance of the nose below the line of the eyes, and `centre`, the
    point between the eyes, in pixels."""

    yaw: float
    size: float
    drop: float
    centre: tuple[float, float]


def challenge(secret: bytes, nonce: str) -> tuple[Step, ...]:
    """The moves for a press. They cannot be computed from the nonce without `secret`."""
    digest = hmac.digest(secret, nonce.encode(), hashlib.sha256)
    return ORDERS[int.from_bytes(digest, "big") % len(ORDERS)]


def pose_of(face: Face) -> Pose:
    """The pose of a face from its landmarks.

    In a scheme with a mouth, yaw is measured as the distance of the nose from the line between the middle of the
    eyes and the middle of the mouth: on a flat sheet of paper the nose stays on that line, however the sheet is
    turned, and on a bent one nearly so.
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
    steps: Sequence[Step], reference: Pose, poses: Sequence[Pose | None], rules: ChallengeRules = RULES
) -> State:
    """Whether `poses`, one for each step (None: not exactly one face), are the requested moves of the face in
    `reference`, which looks straight ahead. "not_run" without any pose."""
    if not poses:
        return "not_run"
    if len(poses) != len(steps) or abs(reference.yaw) > rules.straight:
        return "failed"
    before = reference
    for step, pose in zip(steps, poses, strict=True):
        if pose is None or not _continues(before, pose, rules) or not _shows(step, reference, pose, rules):
            return "failed"
        before = pose
    return "passed"


def _shows(step: Step, reference: Pose, pose: Pose, rules: ChallengeRules) -> bool:
    """Whether one frame shows the move `step`."""
    same_head = abs(_shape(pose) / max(_shape(reference), 1e-6) - 1) <= rules.shape
    larger = abs(pose.drop) / max(abs(reference.drop), 1e-6)
    if step == "closer":
        return (
            same_head
            and abs(pose.yaw) <= rules.straight
            and min(larger, pose.size / reference.size) >= rules.closer
        )
    turned = pose.yaw if step == "left" else -pose.yaw
    # A bent photograph shows a turn as well, but only when it is turned so far that its eyes come together.
    wide = pose.size / reference.size / max(larger, 1e-6) >= rules.narrower * np.cos(np.radians(pose.yaw))
    return turned >= rules.turned and bool(wide) and same_head


def _shape(pose: Pose) -> float:
    """The ratio (eyes to nose) / (eye to eye), corrected for yaw."""
    return abs(pose.drop) * float(np.cos(np.radians(pose.yaw))) / pose.size


def _continues(before: Pose, after: Pose, rules: ChallengeRules) -> bool:
    """Whether a face could have moved from one frame to the next: no jump in place or size."""
    width = 2.2 * max(before.size, after.size)
    distance = np.hypot(after.centre[0] - before.centre[0], after.centre[1] - before.centre[1])
    return bool(distance <= rules.drift * width) and 0.5 <= after.size / before.size <= 2.0
