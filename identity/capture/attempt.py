"""One press: from its frames to captures, each frame decoded, detected and embedded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from identity.capture.challenge import Pose, State, Step, judge, pose_of
from identity.capture.embed import Capture, Detection, choose, detect, embed_detected, embed_one
from identity.capture.quality import CaptureRules
from identity.engines.protocol import FaceEngine, Vector
from identity.errors import CaptureError, FrameError, FramesIdentical, SeveralFaces, TooFewFrames, VectorInvalid
from identity.frames.decode import Decode, Frame, decode
from identity.frames.opencv import cv2
from identity.metrics import IdentityMetrics

CHALLENGE_RULES = CaptureRules(middle=0.9)  # a person who turns and comes closer may leave the middle
MOST_CHOSEN = 4  # frames of an enrolment that a template is made from
SAVED_TWICE = 0.35  # grey levels by which a picture saved again at the same quality differs when shrunk
SHRUNK = (64, 48)
WORSE = 0.6  # a frame with less than this share of the best sharpness is left out, where enough others remain


@dataclass(frozen=True)
class Attempt:
    """What the frames of one press show. `detections` holds one entry for each frame, in order, with its pixels:
    only ever in memory, and only while the press is processed. `found` holds the capture of each frame, None when
    it is not usable; `captures` are those of them that count."""

    detections: list[Detection]
    captures: list[Capture]
    found: list[Capture | None]

    @property
    def first(self) -> Capture | None:
        """The capture of the first frame."""
        return self.found[0]


def capture_frames(
    engine: FaceEngine,
    frames: Sequence[bytes],
    metrics: IdentityMetrics,
    *,
    least: int = 1,
    enrolling: bool = False,
    decode: Decode = decode,
) -> Attempt:
    """Decode and check all frames, then detect and embed one after the other.

    `frames` are JPEG, PNG or WebP files, which `decode` unpacks. A frame with two people refuses the press. Raises
    a FrameError, the first frame's CaptureError when fewer than `least` are usable, FramesIdentical when one
    picture was sent twice for an enrolment, VectorInvalid when the engine returns no vector.
    """
    with metrics.timed("decode"):
        pictures = [decode(data) for data in frames]
    if enrolling:
        _require_different(pictures)
    detections: list[Detection] = []
    found: list[Capture | None] = []
    errors: list[CaptureError] = []
    try:
        for picture in pictures:
            with metrics.timed("detect"):
                detections.append(detect(engine, picture))
            try:
                with metrics.timed("embed"):
                    found.append(embed_detected(engine, detections[-1], enrolling=enrolling))
                metrics.embeddings.inc()
            except CaptureError as error:
                metrics.refusals.labels(hint=error.hint).inc()
                if isinstance(error, SeveralFaces):
                    raise
                errors.append(error)
                found.append(None)
            except ValueError as error:
                raise VectorInvalid from error
        captures = [capture for capture in found if capture is not None]
        if len(captures) < least:
            raise errors[0] if errors else TooFewFrames
    finally:
        errors.clear()  # an error refers to this call: its pixels would wait for the garbage collector
    return Attempt(detections, choose_captures(captures, least) if enrolling else captures, found)


def choose_captures(captures: Sequence[Capture], least: int) -> list[Capture]:
    """The captures that a template is made from: `least` to MOST_CHOSEN sharp ones that differ.

    The sharpest comes first, then always the one least like those already chosen: three pictures taken in a row
    give a template no more than one of them does.
    """
    ranked = sorted(captures, key=lambda capture: -capture.quality.sharpness)
    good = [c for c in ranked if c.quality.sharpness >= WORSE * ranked[0].quality.sharpness]
    pool = good if len(good) >= least else ranked[:least]
    chosen = [pool.pop(0)]
    while pool and len(chosen) < MOST_CHOSEN:
        known = np.stack([capture.vector for capture in chosen])
        nearest = [float(np.max(known @ capture.vector)) for capture in pool]
        chosen.append(pool.pop(int(np.argmin(nearest))))
    return chosen


def liveness_of(
    engine: FaceEngine,
    steps: Sequence[Step],
    attempt: Attempt,
    moves: Sequence[bytes],
    least: float,
    *,
    decode: Decode = decode,
) -> State:
    """Whether the face in the first frame of `attempt` made the moves of the challenge (`challenge.judge`).

    `moves` are picture files, one for each of `steps`. Only their landmarks are read, but for the first frame of
    the step "closer": there the person looks straight ahead, so that frame is embedded and must have a cosine of
    at least `least` with the first frame, or somebody else made the moves. Raises a FrameError, and VectorInvalid
    when the engine returns no vector.
    """
    if not moves:
        return "not_run"
    near_index = steps.index("closer")
    poses: list[Pose | None] = []
    near: Detection | None = None
    for index, data in enumerate(moves):  # one picture in memory at a time, and the one to be embedded
        detection = detect(engine, decode(data))
        near = detection if index == near_index else near
        poses.append(_move_pose(detection))
    first = attempt.first
    reference = _move_pose(attempt.detections[0])
    if first is None or reference is None:
        return "failed"
    state = judge(steps, reference, poses)
    if state != "passed" or near is None:
        return state
    try:
        return "passed" if float(first.vector @ embed_detected(engine, near).vector) >= least else "failed"
    except CaptureError:
        return "failed"
    except ValueError as error:
        raise VectorInvalid from error


def _move_pose(detection: Detection) -> Pose | None:
    """The pose of the one face in a frame of a challenge; None without a face or with several."""
    try:
        return pose_of(choose(detection.faces, detection.frame.pixels.shape[:2], CHALLENGE_RULES))
    except CaptureError:
        return None


def usable_captures(
    engine: FaceEngine,
    pictures: Iterable[bytes],
    decode: Decode = decode,
    refused: Callable[[int, FrameError | CaptureError], None] | None = None,
) -> list[Capture]:
    """The captures of those picture files that an enrolment would accept; `refused` is told the number of each
    other one, and why.

    Raises VectorInvalid when the engine returns no vector.
    """
    captures = []
    for number, data in enumerate(pictures):
        try:
            captures.append(embed_one(engine, decode(data), enrolling=True))
        except (FrameError, CaptureError) as error:
            if refused is not None:
                refused(number, error)
        except ValueError as error:
            raise VectorInvalid from error
    return captures


def usable_vectors(engine: FaceEngine, pictures: Sequence[bytes]) -> list[Vector]:
    """The unit vectors (d,) of `usable_captures`."""
    return [capture.vector for capture in usable_captures(engine, pictures)]


def _require_different(pictures: Sequence[Frame]) -> None:
    """Raise FramesIdentical when one picture was sent twice, even if it was saved again in between.

    Shrunk pictures do not show the traces of a compression, but they show that a person moved a little.
    """
    small = [cv2.resize(p.pixels, SHRUNK, interpolation=cv2.INTER_AREA).astype(np.int16) for p in pictures]
    for n, picture in enumerate(small):
        if any(np.abs(picture - other).mean() < SAVED_TWICE for other in small[:n]):
            raise FramesIdentical
