"""The frames of one press -> captures, all or none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from identity.capture import Capture, embed_one
from identity.engines import FaceEngine, Vector
from identity.errors import CaptureError, FrameError, FramesIdentical, SeveralFaces, TooFewFrames, VectorInvalid
from identity.frames import Frame, decode
from identity.metrics import Metrics


def captures_of(engine: FaceEngine, frames: Sequence[bytes], metrics: Metrics, *, least: int = 1) -> list[Capture]:
    """One capture for each usable frame; all frames are decoded and checked before the first is looked at.

    A frame with two people refuses the press. Raises the first frame's error when fewer than `least` are usable,
    FramesIdentical when a picture was sent twice for an enrolment.
    """
    pictures = [decode(data) for data in frames]
    if least > 1:
        _require_different(pictures)
    captures: list[Capture] = []
    errors: list[CaptureError] = []
    for picture in pictures:
        try:
            captures.append(embed_one(engine, picture))
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
    return captures


def usable_vectors(engine: FaceEngine, pictures: Sequence[bytes]) -> list[Vector]:
    """The vectors of those pictures that are usable, for a calibration."""
    vectors = []
    for data in pictures:
        try:
            vectors.append(embed_one(engine, decode(data)).vector)
        except (FrameError, CaptureError):
            continue
    return vectors


def _require_different(pictures: Sequence[Frame]) -> None:
    """One picture sent three times is one picture."""
    for n, picture in enumerate(pictures):
        if any(np.array_equal(picture.pixels, other.pixels) for other in pictures[:n]):
            raise FramesIdentical
