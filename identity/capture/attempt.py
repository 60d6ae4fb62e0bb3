"""The frames of one press -> captures, all or none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from identity.capture.challenge import Pose, State, Step, judge, pose_of
from identity.capture.embed import Capture, choose, embed_one
from identity.capture.quality import CaptureRules
from identity.engines.protocol import FaceEngine, Vector
from identity.errors import CaptureError, FrameError, FramesIdentical, SeveralFaces, TooFewFrames, VectorInvalid
from identity.frames.decode import Frame, decode
from identity.frames.opencv import cv2
from identity.metrics import IdentityMetrics

CHALLENGE_RULES = CaptureRules(middle=0.9)  # whoever turns and comes closer may leave the middle
MOST_KEPT = 4  # frames of an enrolment that a template is made from
SAVED_TWICE = 0.35  # grey levels by which a picture saved again at the same quality differs when shrunk
SHRUNK = (64, 48)
WORSE = 0.6  # a frame with less than this share of the sharpest one's sharpness is left out where others are left


def captures_of(
    engine: FaceEngine,
    frames: Sequence[bytes],
    metrics: IdentityMetrics,
    *,
    least: int = 1,
    enrolling: bool = False,
) -> list[Capture]:
    """One capture for each usable frame; all frames are decoded and checked before the first is looked at.

    A frame with two people refuses the press. Raises the first frame's error when fewer than `least` are usable,
    FramesIdentical when a picture was sent twice for an enrolment.
    """
    pictures = [decode(data) for data in frames]
    if enrolling:
        _require_different(pictures)
    captures: list[Capture] = []
    errors: list[CaptureError] = []
    for picture in pictures:
        try:
            captures.append(embed_one(engine, picture, enrolling=enrolling))
            metrics.embeddings.inc()
        except CaptureError as error:
            metrics.refusals.labels(hint=error.hint).inc()
            if isinstance(error, SeveralFaces):
                raise
            errors.append(error)
        except ValueError as error:
            raise VectorInvalid from error
    if len(captures) < least:
        raise errors[0] if errors else TooFewFrames
    return chosen(captures, least) if enrolling else captures


def chosen(captures: Sequence[Capture], least: int) -> list[Capture]:
    """The captures of an enrolment that a template is made from: sharp ones that differ, `least` to MOST_KEPT.

    The sharpest first, then again and again the one that is least like those chosen: a template of three pictures
    in a row knows no more than one.
    """
    ranked = sorted(captures, key=lambda capture: -capture.quality.sharpness)
    good = [c for c in ranked if c.quality.sharpness >= WORSE * ranked[0].quality.sharpness]
    pool = good if len(good) >= least else ranked[:least]
    kept = [pool.pop(0)]
    while pool and len(kept) < MOST_KEPT:
        known = np.stack([capture.vector for capture in kept])
        nearest = [float(np.max(known @ capture.vector)) for capture in pool]
        kept.append(pool.pop(int(np.argmin(nearest))))
    return kept


def moves_of(engine: FaceEngine, frames: Sequence[bytes]) -> list[tuple[Pose | None, Frame]]:
    """What the frames of a challenge show, one after the other: landmarks alone. None: no face, or several."""
    moves: list[tuple[Pose | None, Frame]] = []
    for picture in [decode(data) for data in frames]:
        try:
            face = choose(engine.detect(picture.pixels), picture.pixels.shape[:2], CHALLENGE_RULES)
        except CaptureError:
            moves.append((None, picture))
            continue
        moves.append((pose_of(face), picture))
    return moves


def reference_pose(engine: FaceEngine, frames: Sequence[bytes]) -> Pose | None:
    """The pose in the first frame of a press with one face in it."""
    return next((pose for pose, _ in moves_of(engine, frames[:1]) if pose is not None), None)


def liveness_of(
    engine: FaceEngine, steps: Sequence[Step], frames: Sequence[bytes], moves: Sequence[bytes], least: float
) -> State:
    """Whether the face of `frames` made the moves asked for (`liveness.judge`), and was nobody else's when it came
    closer: there it looks straight ahead, is embedded once, and must score `least` against the first frame."""
    if not moves:
        return "not_run"
    reference, shown = reference_pose(engine, frames), moves_of(engine, moves)
    if reference is None:
        return "failed"
    state = judge(steps, reference, [pose for pose, _ in shown])
    if state != "passed":
        return state
    near = next(picture for step, (_, picture) in zip(steps, shown, strict=True) if step == "closer")
    try:
        own = embed_one(engine, decode(frames[0])).vector
        return "passed" if float(own @ embed_one(engine, near).vector) >= least else "failed"
    except CaptureError:
        return "failed"


def usable(engine: FaceEngine, pictures: Sequence[bytes]) -> list[Capture]:
    """The captures of those pictures that are usable as for an enrolment, for a calibration."""
    captures = []
    for data in pictures:
        try:
            captures.append(embed_one(engine, decode(data), enrolling=True))
        except (FrameError, CaptureError):
            continue
    return captures


def usable_vectors(engine: FaceEngine, pictures: Sequence[bytes]) -> list[Vector]:
    """Their vectors."""
    return [capture.vector for capture in usable(engine, pictures)]


def _require_different(pictures: Sequence[Frame]) -> None:
    """One picture sent three times is one picture, also when it was saved anew in between: shrunk, the traces of a
    compression are gone, and a person who moved by a hair is not."""
    small = [cv2.resize(p.pixels, SHRUNK, interpolation=cv2.INTER_AREA).astype(np.int16) for p in pictures]
    for n, picture in enumerate(small):
        if any(np.abs(picture - other).mean() < SAVED_TWICE for other in small[:n]):
            raise FramesIdentical
